"""Loihi's compartments once more, in plain integers and as slowly as they read."""

from __future__ import annotations

import numpy as np


def wrap(x, bits):
    return (x + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def decayed(x, decay):
    return int(np.sign(x)) * (abs(x) * (4096 - decay) // 4096)


def advance(n_steps, arrived, decay_u, decay_v, threshold, bias, refractory, v_min, v_max):
    """Registers and spikes of one compartment; ``arrived`` is what comes in at each step."""
    u = v = waiting = 0
    found = []
    for step in range(n_steps):
        u = wrap(decayed(u, decay_u) + wrap(arrived[step], 22), 24)
        v = min(max(decayed(v, decay_v) + wrap(u + bias, 24), v_min), v_max)
        if waiting:
            v, waiting = 0, waiting - 1
        fires = v > 64 * threshold
        if fires:
            v, waiting = 0, refractory - 1
        found.append((u, v, int(fires)))
    return np.array(found).T
