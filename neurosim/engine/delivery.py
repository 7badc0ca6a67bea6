"""Delivery: spikes are queued by arrival step and pulled into the accumulators on arrival.

A spike puts one queue entry per segment (source, delay) of the block; at the arrival step the
segment's synapses are added to the accumulators. Entries are queued in the order of (send step,
source), so the order of additions at a target does not depend on threads or blocks.
"""

from __future__ import annotations

from numba import njit

from neurosim.engine.plasticity import deliver_depressing, deliver_plastic, deliver_stochastic


@njit(cache=True)
def enqueue(block, n_cells, gids, stamps, first, last, step, segments, queue, n_queued):
    """Queue all segments of the spikes ``first .. last - 1`` in one block."""
    n_slots = n_queued.size
    for s in range(first, last):
        row = block * n_cells + gids[s]
        for segment in range(segments.ptr[row], segments.ptr[row + 1]):
            arrival = stamps[s] + segments.delay[segment]
            if arrival <= step:
                continue
            slot = arrival % n_slots
            queue[slot, n_queued[slot]] = segment
            n_queued[slot] += 1


@njit(cache=True)
def deliver_static(start, stop, static, acc):
    """Add one run of static synapses to the accumulators."""
    for k in range(start, stop):
        acc[static.target[k]] += static.weight[k]


@njit(cache=True)
def deliver(now_step, dt_ms, segments, static, depressing, stochastic, plastic, acc, queue, n_queued):
    """Process everything that arrives at ``now_step`` in one block."""
    slot = now_step % n_queued.size
    for q in range(n_queued[slot]):
        segment = queue[slot, q]
        kind = segments.kind[segment]
        start, stop = segments.start[segment], segments.stop[segment]
        if kind == 0:
            deliver_static(start, stop, static, acc)
        elif kind == 1:
            deliver_depressing(segments.rule[segment], start, stop, now_step * dt_ms, depressing, acc)
        elif kind == 2:
            deliver_stochastic(start, stop, now_step, stochastic, acc)
        else:
            deliver_plastic(segments.rule[segment], segment, start, stop, now_step * dt_ms, segments.delay[segment] * dt_ms, plastic, acc)
    n_queued[slot] = 0
