"""Synapses that depress, facilitate or fail: Tsodyks-Markram and stochastic release."""

from __future__ import annotations

import math

from numba import uint64

from neurosim._jit import inner
from neurosim.engine.randomness import uniform


@inner(inline="always")
def inactivated(active, gap, tau_syn, tau_rec):
    """Share of the resources that is inactive ``gap`` ms after a share ``active`` was released."""
    if tau_syn <= 0.0:
        return active * math.exp(-gap / tau_rec)
    ratio = tau_syn / tau_rec
    if abs(ratio - 1.0) < 1e-6:
        return active * gap / tau_rec * math.exp(-gap / tau_rec)
    return active * (math.exp(-gap / tau_syn) - math.exp(-gap / tau_rec)) / (ratio - 1.0)


@inner()
def deliver_depressing(row, start, stop, now_ms, synapses, acc):
    """Short-term plasticity after Tsodyks, Uziel and Markram (2000), J. Neurosci. 20:RC50.

    Resources are recovered (x), active (y, decaying with the postsynaptic current) or inactive.
    """
    last = synapses.last_ms[row]
    gap = now_ms - last
    for k in range(start, stop):
        u, x, y = synapses.u0[k], 1.0, 0.0
        if last >= 0.0:
            tau_rec, tau_syn = synapses.tau_rec_ms[k], synapses.tau_syn_ms[k]
            x, y = synapses.x[k], synapses.y[k]
            idle = (1.0 - x - y) * math.exp(-gap / tau_rec) + inactivated(y, gap, tau_syn, tau_rec)
            y = y * math.exp(-gap / tau_syn) if tau_syn > 0.0 else 0.0
            x = 1.0 - y - idle
            if synapses.tau_facil_ms[k] > 0.0:
                u += synapses.u[k] * (1.0 - synapses.u0[k]) * math.exp(-gap / synapses.tau_facil_ms[k])
        released = x * u
        synapses.x[k] = x - released
        synapses.y[k] = y + released
        synapses.u[k] = u
        acc[synapses.target[k]] += synapses.weight[k] * released
    synapses.last_ms[row] = now_ms


@inner()
def deliver_stochastic(start, stop, now_step, synapses, acc):
    """Each synapse transmits with its probability, drawn from its own stream."""
    for k in range(start, stop):
        if uniform(synapses.key[k] ^ uint64(now_step), 0) < synapses.p[k]:
            acc[synapses.target[k]] += synapses.weight[k]
