"""Pair STDP: synapses are brought up to date when their presynaptic spike arrives.

With delay d and dendritic fraction f, a presynaptic spike passes the synapse at t_pre + (1 - f) d and
a postsynaptic one at t_post + f d; pairs at exactly equal times do not interact, as in NEST (of a
tie, the presynaptic spike counts first). With all-pairs traces K::

    post after pre:  w += a_plus  p^mu_plus  K_plus      p = (w - zero_plus)  * scale_plus
    pre after post:  w -= a_minus m^mu_minus K_minus     m = (w - zero_minus) * scale_minus

followed by a clip to the limits. For the dependences of PyNN, p and m are the distances from the
largest and the smallest weight in units of their difference, which is also in a_plus and a_minus;
``mu = 0`` is additive, ``mu = 1`` multiplicative, anything between is the dependence of Guetig et al.
(2003), J. Neurosci. 23:3697. For the power law of Morrison et al. (2007), Neural Comput. 19:1437,
p = w / w_0 and m = w.

All times are whole steps of the *soma*: a presynaptic spike that arrives at step ``now`` passes the
synapse together with a postsynaptic spike of step ``now - 2 f d``. What that is short of a whole step is
the *phase* of the segment. A segment (one source, delay and rule) has one presynaptic trace; a cell
has one list of recent spikes, newest first, and one trace for each time constant of the rules.

Synapses are worked on in groups of up to ``LANES``, in loops over a multiple of ``WHOLE`` lanes, used
or not: they become vector code without a remainder, and a weight does not depend on its place in a segment.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from neurosim.engine.powers import exp2, log2

#: Columns of the segment table: first synapse, number of synapses, rule, delay (steps), first history
#: cell and first accumulator that target 0 means, step of the last presynaptic spike at the soma, step
#: up to which postsynaptic spikes are accounted for.
START, LENGTH, RULE, DELAY, CELL, ACC, LAST, SETTLED = range(8)
#: Columns of the rule table; the rates are of powers of two per step, the weights times ``SIGN``.
RATE_PLUS, RATE_MINUS, GAIN_PLUS, ZERO_PLUS, SCALE_PLUS, MU_PLUS, GAIN_MINUS, ZERO_MINUS, SCALE_MINUS, MU_MINUS, LOW, HIGH = range(12)
SIGN, FRACTION, TRACE_ROW, DIRECTION = 12, 13, 14, 15
N_RULE_COLUMNS = 16
#: Synapses worked on together.
LANES = 64
#: Lanes of a loop are a multiple of this.
WHOLE = 32
#: Step of spikes that never were.
NEVER = -(2**30)


@njit(cache=True, inline="always")
def soma_step(rule, delay, step):
    """Last step whose postsynaptic spikes could pass no later than a presynaptic one arriving at ``step``, and the phase."""
    dendritic = 2.0 * rule[13] * delay
    whole = math.floor(dendritic + 1e-6)
    return step - np.int64(whole), max(dendritic - whole, 0.0)


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def potentiate(v, steps, down, lanes, top, since, until, last, level, tied, rule):
    """Count the postsynaptic spikes of ``since <= step < until`` in the first ``top`` rows of ``steps``, the oldest first.

    ``level`` is the binary logarithm of the presynaptic trace at step ``last``, ``tied`` the one that
    spikes of that very step see. Row numbers come from a table that runs ``down`` to 0: the compiler
    makes no vector code of loops that it sees running down.
    """
    kind = v.dtype.type
    rate, gain, zero, scale, mu = kind(rule[0]), kind(rule[2]), kind(rule[3]), kind(rule[4]), kind(rule[5])
    high, level, tied = kind(rule[11]), kind(level), kind(tied)
    since, until, last = np.int32(since), np.int32(until), np.int32(last)
    for step in range(down.size - top, down.size):
        row = down[step]
        if mu == kind(0.0):
            for k in range(lanes):
                t = steps[row, k]
                trace = exp2(tied if t == last else level - rate * kind(np.int32(t - last)))
                raised = min(v[k] + gain * trace, high)
                v[k] = raised if t >= since and t < until else v[k]
        elif mu == kind(1.0):
            for k in range(lanes):
                t = steps[row, k]
                trace = exp2(tied if t == last else level - rate * kind(np.int32(t - last)))
                room = max((v[k] - zero) * scale, kind(0.0))
                raised = min(v[k] + gain * (room * trace), high)
                v[k] = raised if t >= since and t < until else v[k]
        else:
            for k in range(lanes):
                t = steps[row, k]
                room = (v[k] - zero) * scale
                change = exp2(mu * log2(room) + (tied if t == last else level - rate * kind(np.int32(t - last))))
                raised = min(v[k] + gain * change, high)
                v[k] = raised if t >= since and t < until and room > kind(0.0) else v[k]


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def depress(v, faded, lanes, rule):
    """Count a presynaptic spike that sees the postsynaptic traces ``faded``."""
    kind = v.dtype.type
    gain, zero, scale, mu, low = kind(rule[6]), kind(rule[7]), kind(rule[8]), kind(rule[9]), kind(rule[10])
    if mu == kind(0.0):
        for k in range(lanes):
            v[k] = max(v[k] - gain * faded[k], low)
    elif mu == kind(1.0):
        for k in range(lanes):
            room = max((v[k] - zero) * scale, kind(0.0))
            v[k] = max(v[k] - gain * (room * faded[k]), low)
    else:
        for k in range(lanes):
            room = (v[k] - zero) * scale
            change = gain * (faded[k] * exp2(mu * log2(room)))
            v[k] = max(v[k] - (change if room > kind(0.0) else kind(0.0)), low)


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def fade(traces, when, lanes, until, phase, rate):
    """Let traces that were just after step ``when`` decay until step ``until - phase``."""
    kind = traces.dtype.type
    late, rate, until = kind(phase * rate), kind(rate), np.int32(until)
    for k in range(lanes):
        traces[k] *= exp2(late - rate * kind(np.int32(until - when[k])))


@njit(cache=True)
def look_up(pairs, steps, first, n, lanes, cell, since, hist_pairs, target):
    """Fill rows of ``steps`` with spikes of a group's targets, newest first, until none is of ``since`` or later.

    They are read in pairs, one word of memory each. Returns how many rows hold spikes of ``since`` or later.
    """
    since, top = np.int32(since), 0
    never = np.int32(-(2**30))
    for k in range(n, lanes):
        pairs[k] = 0xC0000000C0000000
    for p in range(hist_pairs.shape[1]):
        column = np.uint64(p)
        for k in range(n):
            pairs[np.uint64(k)] = hist_pairs[np.uint64(cell) + np.uint64(target[np.uint64(first + k)]), column]
        newer, older, newest, newest_older = steps[2 * p], steps[2 * p + 1], never, never
        for k in range(lanes):
            t = np.int32(pairs[k] & np.uint64(0xFFFFFFFF))
            newer[k] = t
            newest = max(newest, t)
        for k in range(lanes):
            t = np.int32(pairs[k] >> np.uint64(32))
            older[k] = t
            newest_older = max(newest_older, t)
        top += np.int64(newest >= since) + np.int64(newest_older >= since)
        if newest_older < since:
            break
    return top


@njit(cache=True)
def older_trace(k, cell, until, hist_step, hist_trace, traces, when):
    """Write a cell's newest spike before ``until`` and the trace just after it into lane ``k``."""
    rank, last = np.uint64(1), np.uint64(hist_step.shape[1] - 1)
    while rank < last and hist_step[cell, rank] >= until:
        rank += np.uint64(1)
    traces[k] = hist_trace[cell, rank]
    when[k] = hist_step[cell, rank]


@njit(cache=True)
def faded_traces(block, row, until, phase, length, plastic, traces, when):
    """Postsynaptic traces of all cells of a block at ``until - phase``, once enough synapses ask for them; True if they are there."""
    key, first, stop = plastic.faded_at[block, row], plastic.cell_ptr[block], plastic.cell_ptr[block + 1]
    if key[0] != until - phase:
        key[0], key[1], key[2] = until - phase, 0.0, 0.0
    if key[2] > 0.0:
        return True
    key[1] += length
    if key[1] < 0.5 * (stop - first):
        return False
    hist_step, hist_trace, last = plastic.hist_step, plastic.hist_trace[row], np.int32(until)
    newest_step, newest_trace = plastic.newest_step, plastic.newest_trace[row]
    for cell in range(first, stop, 64):
        n = min(64, stop - cell)
        for k in range(n):
            traces[k] = newest_trace[cell + k]
            when[k] = newest_step[cell + k]
        for k in range(n):
            if when[k] >= last:
                older_trace(np.uint64(k), np.uint64(cell + k), last, hist_step, hist_trace, traces, when)
        fade(traces, when, 64, until, phase, plastic.trace_rates[row])
        for k in range(n):
            plastic.faded[row, cell + k] = traces[k]
    key[2] = 1.0
    return True


@njit(cache=True)
def sweep(block, segment, now, arrives, plastic, acc):
    """Bring one segment up to date; if its presynaptic spike arrives now, count it and transmit."""
    seg = plastic.table[segment]
    rule = plastic.rules[seg[2]]
    target, weight, trace_row = plastic.target, plastic.weight, np.int64(rule[14])
    until, phase = soma_step(rule, seg[3], now)
    cell, base, last, since, trace = np.uint64(seg[4]), np.uint64(seg[5]), seg[6], seg[7], plastic.trace[segment]
    last_phase = soma_step(rule, seg[3], last)[1]
    level = math.log2(trace) - last_phase * rule[0] if trace > 0.0 else -1e30
    tied = level if last_phase > 1e-6 else math.log2(trace - 1.0) if trace > 1.0 else -1e30
    learns = trace > 0.0 and rule[2] != 0.0
    steps, pairs, when = plastic.lane_steps[block], plastic.lane_pairs[block], plastic.lane_when[block]
    v, traces = plastic.lanes[block, 0], plastic.lanes[block, 1]
    dense = arrives and faded_traces(block, trace_row, until, phase, seg[1], plastic, traces, when)
    faded, hist_step, hist_trace = plastic.faded[trace_row], plastic.hist_step, plastic.hist_trace[trace_row]
    newest_step, newest_trace = plastic.newest_step, plastic.newest_trace[trace_row]
    sign, acts = v.dtype.type(rule[12]), v.dtype.type(rule[12] * rule[15])
    for first in range(seg[0], seg[0] + seg[1], 64):
        n = min(64, seg[0] + seg[1] - first)
        lanes = (n + 31) // 32 * 32
        top = look_up(pairs, steps, first, n, lanes, seg[4], since, plastic.hist_pairs, target) if learns else 0
        if top == 0 and not arrives:
            continue
        for k in range(n):
            v[np.uint64(k)] = sign * weight[np.uint64(first + k)]
        if top > 0:
            potentiate(v, steps, plastic.lane_down, lanes, top, since, until, last, level, tied, rule)
        if arrives:
            if dense:
                for k in range(n):
                    traces[np.uint64(k)] = faded[cell + np.uint64(target[np.uint64(first + k)])]
            else:
                for k in range(n):
                    place = cell + np.uint64(target[np.uint64(first + k)])
                    traces[np.uint64(k)], when[np.uint64(k)] = newest_trace[place], newest_step[place]
                    if newest_step[place] >= np.int32(until):
                        older_trace(np.uint64(k), place, np.int32(until), hist_step, hist_trace, traces, when)
                fade(traces, when, lanes, until, phase, plastic.trace_rates[trace_row])
            depress(v, traces, lanes, rule)
            for k in range(n):
                acc[base + np.uint64(target[np.uint64(first + k)])] += acts * v[np.uint64(k)]
        for k in range(n):
            weight[np.uint64(first + k)] = sign * v[np.uint64(k)]
    seg[7] = until
    if arrives:
        plastic.trace[segment] = 1.0 + (trace * 2.0 ** (-rule[0] * (until - phase - last + last_phase)) if trace > 0.0 else 0.0)
        seg[6] = until


@njit(cache=True)
def deliver_plastic(block, segment, now, plastic, acc):
    """Update and transmit the segment whose presynaptic spike arrives at step ``now``."""
    sweep(block, segment, now, True, plastic, acc)


@njit(cache=True)
def settle(block, now, before, plastic, acc):
    """Bring those segments of a block up to date, as seen at step ``now``, that are so only up to a step below ``before``.

    Presynaptic spikes that passed the synapse less than a dendritic delay ago are still on their
    way to the soma and not yet counted, so each synapse is settled up to that much before now.
    Returns the step up to which all segments of the block are settled.
    """
    horizon = now
    for segment in range(plastic.block_ptr[block], plastic.block_ptr[block + 1]):
        row = plastic.table[segment]
        if row[7] < before:
            until, _ = soma_step(plastic.rules[row[2]], row[3], now)
            if until > row[7]:
                if plastic.trace[segment] > 0.0:
                    sweep(block, segment, now, False, plastic, acc)
                row[7] = until
        horizon = min(horizon, row[7])
    plastic.horizon[block] = horizon
    return horizon


@njit(cache=True)
def log_spike(block, gid, step, plastic, acc):
    """Store a postsynaptic spike, first settling the segments that still need what it would push out."""
    cell = plastic.cell_of[gid]
    if cell < 0:
        return
    hist = plastic.hist_step[cell]
    n_ranks, horizon = hist.size, plastic.horizon[block]
    oldest = np.int64(hist[n_ranks - 2])
    if oldest >= horizon:
        horizon = settle(block, step, max(oldest + 1, (oldest + step) // 2), plastic, acc)
        if oldest >= horizon:
            plastic.overflow[block] += 1  # an exception here would leave the other threads waiting
    live = 0  # spikes that a segment may still need, and the one before them for its trace
    while live < n_ranks - 2 and hist[live] >= horizon:
        live += 1
    gap = np.float64(step - hist[0])
    for rank in range(live, -1, -1):
        hist[rank + 1] = hist[rank]
    hist[0] = plastic.newest_step[cell] = step
    for row in range(plastic.trace_rates.size):
        traces = plastic.hist_trace[row, cell]
        for rank in range(live, -1, -1):
            traces[rank + 1] = traces[rank]
        traces[0] = plastic.newest_trace[row, cell] = 1.0 + (np.float64(traces[0]) * 2.0 ** (-plastic.trace_rates[row] * gap))
