"""Pair STDP: synapses are brought up to date when their presynaptic spike arrives.

With delay d and dendritic fraction f, a presynaptic spike passes the synapse at t_pre + (1 - f) d and
a postsynaptic one at t_post + f d; pairs at exactly equal times do not interact. With all-pairs traces K::

    post after pre:  w += a_plus  p^mu_plus  K_plus      p = (w - zero_plus)  * scale_plus
    pre after post:  w -= a_minus m^mu_minus K_minus     m = (w - zero_minus) * scale_minus

followed by a clip to the limits. For the dependences of PyNN, p and m are the distances from the
largest and the smallest weight in units of their difference, which is also in a_plus and a_minus;
``mu = 0`` is additive, ``mu = 1`` multiplicative, anything between is the dependence of Guetig et al.
(2003), J. Neurosci. 23:3697. For the power law of Morrison et al. (2007), Neural Comput. 19:1437,
p = w / w_0 and m = w.

Of two spikes that pass at the same time the postsynaptic one counts first, as in NEST: there (f = 1) a
presynaptic spike at t is preceded by the postsynaptic ones of (t_last - d, t - d] and depresses with the
trace strictly before t - d. The order matters at the limits and where changes depend on the weight. Only
where f d is less than half a step, which NEST does not have, the presynaptic spike counts first: the
postsynaptic cell may be firing because of it.

All times are whole steps of the *soma*: a presynaptic spike that arrives at step ``now`` passes the
synapse together with a postsynaptic spike of step ``now - 2 f d``. What that is short of a whole step is
the *phase* of the segment. A segment (one source, delay and rule) has one presynaptic trace; a cell
has one list of recent spikes, newest first, and one trace for each time constant of the rules.

No function here keeps count of references (``_nrt=False``): none makes an array, and counting costs more
than the work on a short segment. Synapses are worked on in groups of up to ``LANES``, in loops over a multiple of ``WHOLE`` lanes, used
or not: they become vector code without a remainder, and a weight does not depend on its place in a segment.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim._jit import inner
from neurosim.engine.fetching import fetch
from neurosim.engine.powers import exp2, log2
from neurosim.models._tile import LINE

#: Columns of the segment table: first synapse, number of synapses, rule, delay (steps), first history
#: cell and first accumulator that target 0 means, step of the last presynaptic spike at the soma, step
#: up to which postsynaptic spikes are accounted for.
START, LENGTH, RULE, DELAY, CELL, ACC, LAST, SETTLED = range(8)
N_SEGMENT_COLUMNS = 8
#: Columns of the rule table; the rates are of powers of two per step, the weights times ``SIGN``.
RATE_PLUS, RATE_MINUS, GAIN_PLUS, ZERO_PLUS, SCALE_PLUS, MU_PLUS, GAIN_MINUS, ZERO_MINUS, SCALE_MINUS, MU_MINUS, LOW, HIGH = range(12)
SIGN, FRACTION, TRACE_ROW, DIRECTION = 12, 13, 14, 15
N_RULE_COLUMNS = 16
#: Synapses worked on together.
LANES = 256
#: Lanes of a loop are a multiple of this.
WHOLE = 32
#: Step of spikes that never were.
NEVER = -(2**30)
#: The steps of two such spikes in one word.
_TWICE_NEVER = (NEVER & 0xFFFFFFFF) << 32 | (NEVER & 0xFFFFFFFF)

_VECTOR: Any = {"fastmath": {"contract"}}


@inner(inline="always")
def soma_step(fraction, delay, step):
    """Step whose postsynaptic spikes pass with or after a presynaptic one arriving at ``step``, the phase, and the first step that waits.

    Spikes of the steps before the last of these numbers count before the presynaptic one.
    """
    dendritic = 2.0 * fraction * delay
    whole = math.floor(dendritic + 1e-6)
    until, phase = step - np.int64(whole), max(dendritic - whole, 0.0)
    return until, phase, until + np.int64(whole > 0 and phase < 1e-6)


@inner(forceinline=True)
def any_between(block, steps, row, begin, stop, since, until):
    """Whether any of the spikes in the lanes ``begin .. stop - 1`` is of ``since <= step < until``."""
    found = np.int32(0)
    for k in range(begin, stop):
        t = steps[block, row, k]
        found |= np.int32(t >= since) & np.int32(t < until)
    return found != 0


@inner(separate=True, **_VECTOR)
def potentiate(block, v, steps, down, lanes, top, since, until, last, level, tied, rules, rule):
    """Count the postsynaptic spikes of ``since <= step < until`` in the first ``top`` rows of ``steps``, the oldest first.

    ``level`` is the binary logarithm of the presynaptic trace at step ``last``, ``tied`` the one that
    spikes of that very step see. Row numbers come from a table that runs ``down`` to 0: the compiler
    makes no vector code of loops that it sees running down.
    """
    kind = v.dtype.type
    rate, gain, zero, scale, mu = (
        kind(rules[rule, RATE_PLUS]),
        kind(rules[rule, GAIN_PLUS]),
        kind(rules[rule, ZERO_PLUS]),
        kind(rules[rule, SCALE_PLUS]),
        kind(rules[rule, MU_PLUS]),
    )
    high, level, tied = kind(rules[rule, HIGH]), kind(level), kind(tied)
    since, until, last = np.int32(since), np.int32(until), np.int32(last)
    for step in range(down.size - top, down.size):
        row = down[step]
        for first in range(0, lanes, WHOLE):
            begin, stop = np.uint64(first), np.uint64(min(first + WHOLE, lanes))  # not a number the compiler knows: it would unroll
            if not any_between(block, steps, row, begin, stop, since, until):
                continue
            if mu == kind(0.0):
                for k in range(begin, stop):
                    t = steps[block, row, k]
                    trace = exp2(tied if t == last else level - rate * kind(np.int32(t - last)))
                    raised = min(v[block, k] + gain * trace, high)
                    v[block, k] = raised if t >= since and t < until else v[block, k]
            elif mu == kind(1.0):
                for k in range(begin, stop):
                    t = steps[block, row, k]
                    trace = exp2(tied if t == last else level - rate * kind(np.int32(t - last)))
                    room = max((v[block, k] - zero) * scale, kind(0.0))
                    raised = min(v[block, k] + gain * (room * trace), high)
                    v[block, k] = raised if t >= since and t < until else v[block, k]
            else:
                for k in range(begin, stop):
                    t = steps[block, row, k]
                    room = (v[block, k] - zero) * scale
                    change = exp2(mu * log2(room) + (tied if t == last else level - rate * kind(np.int32(t - last))))
                    raised = min(v[block, k] + gain * change, high)
                    v[block, k] = raised if t >= since and t < until and room > kind(0.0) else v[block, k]


@inner(separate=True, **_VECTOR)
def depress(block, v, faded, lanes, rules, rule):
    """Count a presynaptic spike that sees the postsynaptic traces ``faded``."""
    kind = v.dtype.type
    gain, zero, scale = kind(rules[rule, GAIN_MINUS]), kind(rules[rule, ZERO_MINUS]), kind(rules[rule, SCALE_MINUS])
    mu, low = kind(rules[rule, MU_MINUS]), kind(rules[rule, LOW])
    if mu == kind(0.0):
        for k in range(lanes):
            v[block, k] = max(v[block, k] - gain * faded[block, k], low)
    elif mu == kind(1.0):
        for k in range(lanes):
            room = max((v[block, k] - zero) * scale, kind(0.0))
            v[block, k] = max(v[block, k] - gain * (room * faded[block, k]), low)
    else:
        for k in range(lanes):
            room = (v[block, k] - zero) * scale
            change = gain * (faded[block, k] * exp2(mu * log2(room)))
            v[block, k] = max(v[block, k] - (change if room > kind(0.0) else kind(0.0)), low)


@inner(separate=True, **_VECTOR)
def fade(block, traces, when, lanes, until, phase, rate):
    """Let traces that were just after step ``when`` decay until step ``until - phase``."""
    kind = traces.dtype.type
    late, rate, until = kind(phase * rate), kind(rate), np.int32(until)
    for k in range(lanes):
        traces[block, k] *= exp2(late - rate * kind(np.int32(until - when[block, k])))


@inner()
def look_up(block, pairs, steps, first, n, lanes, cell, since, hist_pairs, target):
    """Fill rows of ``steps`` with spikes of a group's targets, newest first, until none is of ``since`` or later.

    They are read in pairs, one word of memory each. Returns how many rows hold spikes of ``since`` or later.
    """
    since, top = np.int32(since), 0
    never = np.int32(NEVER)
    for k in range(n, lanes):
        pairs[block, k] = _TWICE_NEVER
    for p in range(hist_pairs.shape[0]):
        row = np.uint64(p)
        for k in range(n):
            pairs[block, np.uint64(k)] = hist_pairs[row, cell + np.uint64(target[np.uint64(first + k)])]
        newer, older = never, never
        for k in range(lanes):
            t = np.int32(pairs[block, k] & np.uint64(0xFFFFFFFF))
            steps[block, 2 * p, k] = t
            newer = max(newer, t)
        for k in range(lanes):
            t = np.int32(pairs[block, k] >> np.uint64(32))
            steps[block, 2 * p + 1, k] = t
            older = max(older, t)
        top += np.int64(newer >= since) + np.int64(older >= since)
        if older < since:
            break
    return top


@inner()
def older_trace(block, k, cell, until, row, hist_step, hist_trace, traces, when):
    """Write a cell's newest spike before ``until``, but for its very last, and the trace just after it into lane ``k``."""
    rank, last = np.uint64(1), np.uint64(hist_step.shape[1] - 1)
    while rank < last and hist_step[cell, rank] >= until:
        rank += np.uint64(1)
    traces[block, k] = hist_trace[row, cell, rank]
    when[block, k] = hist_step[cell, rank]


@inner()
def fade_all(block, row, until, phase, first, stop, rate, arrays):
    """Postsynaptic traces of all cells of a block at ``until - phase``."""
    hist_step, hist_trace, newest_step, newest_trace, faded, traces, when = arrays
    last = np.int32(until)
    for cell in range(first, stop, LANES):
        n, begin = min(LANES, stop - cell), np.uint64(cell)
        for k in range(np.uint64(n)):
            traces[block, k] = newest_trace[row, begin + k]
            when[block, k] = newest_step[begin + k]
        for k in range(n):
            if when[block, k] >= last:
                older_trace(block, k, np.uint64(cell + k), last, row, hist_step, hist_trace, traces, when)
        fade(block, traces, when, (n + WHOLE - 1) // WHOLE * WHOLE, until, phase, rate)
        for k in range(np.uint64(n)):
            faded[row, begin + k] = traces[block, k]


@inner()
def is_faded(block, row, until, phase, length, plastic):
    """True if all traces of a block are known at ``until - phase``; they are worked out once enough synapses have asked."""
    faded_at, first, stop = plastic.faded_at, plastic.cell_ptr[block], plastic.cell_ptr[block + 1]
    if faded_at[block, row, 0] != until - phase:
        faded_at[block, row, 0], faded_at[block, row, 1], faded_at[block, row, 2] = until - phase, 0.0, 0.0
    if faded_at[block, row, 2] > 0.0:
        return True
    faded_at[block, row, 1] += length
    if faded_at[block, row, 1] < 0.5 * (stop - first):
        return False
    arrays = (
        plastic.hist_step, plastic.hist_trace, plastic.newest_step, plastic.newest_trace,
        plastic.faded, plastic.lane_traces, plastic.lane_when,
    )  # fmt: skip
    fade_all(block, row, until, phase, first, stop, plastic.trace_rates[row], arrays)
    faded_at[block, row, 2] = 1.0
    return True


@inner()
def pick_traces(block, row, first, n, lanes, cell, until, phase, rate, is_dense, target, arrays):
    """Postsynaptic traces that the targets of a group have at ``until - phase``, into the lanes."""
    hist_step, hist_trace, newest_step, newest_trace, faded, traces, when = arrays
    if is_dense:
        for k in range(n):
            traces[block, np.uint64(k)] = faded[row, cell + np.uint64(target[np.uint64(first + k)])]
        return
    last = np.int32(until)
    for k in range(n):
        place = cell + np.uint64(target[np.uint64(first + k)])
        traces[block, k], when[block, k] = newest_trace[row, place], newest_step[place]
        if newest_step[place] >= last:
            older_trace(block, k, place, last, row, hist_step, hist_trace, traces, when)
    fade(block, traces, when, lanes, until, phase, rate)


@inner(inline="always")
def fetch_ahead(first, target, weight):
    """Fetch the synapses of the next group but one after that which begins at ``first``."""
    begin = first + 2 * LANES
    for k in range(begin, begin + LANES, LINE // weight.itemsize):
        fetch(weight, k)  # pyright: ignore[reportCallIssue]
    for k in range(begin, begin + LANES, LINE // target.itemsize):
        fetch(target, k)  # pyright: ignore[reportCallIssue]


@inner()
def sweep(block, segment, now, arrives, plastic, acc):
    """Bring one segment up to date; if its presynaptic spike arrives now, count it and transmit."""
    table, rules, target, weight, v = plastic.table, plastic.rules, plastic.target, plastic.weight, plastic.lane_v
    rule, begin, end = table[segment, RULE], table[segment, START], table[segment, START] + table[segment, LENGTH]
    rate_plus, fraction, trace_row = rules[rule, RATE_PLUS], rules[rule, FRACTION], np.int64(rules[rule, TRACE_ROW])
    until, phase, bound = soma_step(fraction, table[segment, DELAY], now)
    last, since, trace = table[segment, LAST], table[segment, SETTLED], plastic.trace[segment]
    level = math.log2(trace) - phase * rate_plus if trace > 0.0 else -1e30
    tied = level if phase > 1e-6 else math.log2(trace - 1.0) if trace > 1.0 else -1e30
    learns = trace > 0.0 and rules[rule, GAIN_PLUS] != 0.0
    cell, base = np.uint64(table[segment, CELL]), np.uint64(table[segment, ACC])
    is_dense = arrives and is_faded(block, trace_row, until, phase, end - begin, plastic)
    arrays = (
        plastic.hist_step, plastic.hist_trace, plastic.newest_step, plastic.newest_trace,
        plastic.faded, plastic.lane_traces, plastic.lane_when,
    )  # fmt: skip
    pairs, steps, traces, down, hist_pairs = (
        plastic.lane_pairs,
        plastic.lane_steps,
        plastic.lane_traces,
        plastic.lane_down,
        plastic.hist_pairs,
    )
    sign, acts = v.dtype.type(rules[rule, SIGN]), v.dtype.type(rules[rule, SIGN] * rules[rule, DIRECTION])
    rate_minus = plastic.trace_rates[trace_row]
    for first in range(begin, end, LANES):
        n = min(LANES, end - first)
        lanes = (n + WHOLE - 1) // WHOLE * WHOLE
        fetch_ahead(first, target, weight)
        top = look_up(block, pairs, steps, first, n, lanes, cell, since, hist_pairs, target) if learns else 0
        if top == 0 and not arrives:
            continue
        start, count = np.uint64(first), np.uint64(n)  # of signed numbers the compiler would not see that they are never negative
        for k in range(count):
            v[block, k] = sign * weight[start + k]
        if top > 0:
            potentiate(block, v, steps, down, lanes, top, since, bound, last, level, tied, rules, rule)
        if arrives:
            pick_traces(block, trace_row, first, n, lanes, cell, until, phase, rate_minus, is_dense, target, arrays)
            depress(block, v, traces, lanes, rules, rule)
            for k in range(n):
                acc[base + np.uint64(target[np.uint64(first + k)])] += acts * v[block, np.uint64(k)]
        for k in range(count):
            weight[start + k] = sign * v[block, k]
    table[segment, SETTLED] = bound
    if arrives:
        plastic.trace[segment] = 1.0 + (trace * np.exp2(-rate_plus * (until - last)) if trace > 0.0 else 0.0)
        table[segment, LAST] = until


@inner()
def deliver_plastic(block, segment, now, plastic, acc):
    """Update and transmit the segment whose presynaptic spike arrives at step ``now``."""
    sweep(block, segment, now, True, plastic, acc)


@inner()
def settle(block, now, before, plastic, acc):
    """Bring those segments of a block up to date, as seen at step ``now``, that are so only up to a step below ``before``.

    Presynaptic spikes that passed the synapse less than a dendritic delay ago are still on their
    way to the soma and not yet counted, so each synapse is settled up to that much before now.
    Returns the step up to which all segments of the block are settled.
    """
    horizon, table = now, plastic.table
    for segment in range(plastic.block_ptr[block], plastic.block_ptr[block + 1]):
        if table[segment, SETTLED] < before:
            _, _, bound = soma_step(plastic.rules[table[segment, RULE], FRACTION], table[segment, DELAY], now)
            if bound > table[segment, SETTLED]:
                if plastic.trace[segment] > 0.0:
                    sweep(block, segment, now, False, plastic, acc)
                table[segment, SETTLED] = bound
        horizon = min(horizon, table[segment, SETTLED])
    plastic.horizon[block] = horizon
    return horizon


@inner()
def pair_up(cell, n_pairs, hist_step, hist_pairs):
    """Write a cell's newest ``2 n_pairs`` spikes, two in a word."""
    for p in range(n_pairs):
        newer, older = np.uint64(np.uint32(hist_step[cell, 2 * p])), np.uint64(np.uint32(hist_step[cell, 2 * p + 1]))
        hist_pairs[p, cell] = newer | older << np.uint64(32)


@inner()
def log_spike(block, gid, step, plastic, acc):
    """Store a postsynaptic spike, first settling the segments that still need what it would push out."""
    cell = plastic.cell_of[gid]
    if cell < 0:
        return
    hist = plastic.hist_step[cell]
    n_ranks, horizon = (
        hist.size,
        plastic.horizon[block] - 1,
    )  # spikes that pass with a presynaptic one count before it, but not in its trace
    oldest = np.int64(hist[n_ranks - 2])
    if oldest >= horizon:
        horizon = settle(block, step, max(oldest + 2, (oldest + step) // 2), plastic, acc) - 1
        if oldest >= horizon:
            plastic.overflow[block] += 1  # an exception here would leave the other threads waiting
    live = 0  # spikes that a segment may still need, and the one before them for its trace
    while live < n_ranks - 2 and hist[live] >= horizon:
        live += 1
    gap = np.float64(step - hist[0])
    for rank in range(live, -1, -1):
        hist[rank + 1] = hist[rank]
    hist[0] = plastic.newest_step[cell] = step
    pair_up(cell, live // 2 + 1, plastic.hist_step, plastic.hist_pairs)
    for row in range(plastic.trace_rates.size):
        traces = plastic.hist_trace[row, cell]
        for rank in range(live, -1, -1):
            traces[rank + 1] = traces[rank]
        traces[0] = plastic.newest_trace[row, cell] = 1.0 + (np.float64(traces[0]) * np.exp2(-plastic.trace_rates[row] * gap))
