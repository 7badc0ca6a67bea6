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


def advance_network(n_steps, registers, synapses):
    """Registers and spikes of many compartments wired to each other, (n, n_steps) each.

    ``registers`` are arrays (n,) by the names of ``advance``; ``synapses`` are lists of source, target, acting
    weight and delay.
    """
    decay_u, decay_v, threshold, bias, refractory, v_min, v_max = registers
    n = len(decay_u)
    pre, post, weight, delay = synapses
    arrived = np.zeros((n_steps + 64, n), np.int64)
    u, v, waiting = np.zeros((3, n), np.int64)
    found = []
    for step in range(n_steps):
        u = wrap(np.sign(u) * (abs(u) * (4096 - decay_u) // 4096) + wrap(arrived[step], 22), 24)
        v = np.clip(np.sign(v) * (abs(v) * (4096 - decay_v) // 4096) + wrap(u + bias, 24), v_min, v_max)
        v, waiting = np.where(waiting > 0, 0, v), np.maximum(waiting - 1, 0)
        fires = v > 64 * threshold
        v, waiting = np.where(fires, 0, v), np.where(fires, refractory - 1, waiting)
        sent = fires[pre]
        np.add.at(arrived, (step + 1 + delay[sent], post[sent]), weight[sent])
        found.append((u, v, fires))
    return np.array(found).transpose(1, 2, 0)
