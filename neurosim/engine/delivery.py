"""Delivery: spikes are queued by arrival step and pulled into the accumulators on arrival.

A spike puts one queue entry per run of synapses (source, port, delay) of the block; at the arrival
step the run is added to the accumulators. Spikes are queued in the order of (send step, phase,
source), so the order of additions at a target does not depend on threads or blocks; integer sums
would not care.
"""

from __future__ import annotations

import numpy as np
from numba import uint64

from neurosim._jit import inner
from neurosim.engine.fetching import fetch, fetch_once
from neurosim.engine.plasticity import deliver_plastic
from neurosim.engine.short_term import deliver_depressing, deliver_stochastic

#: How far ahead in the queue synapses are fetched into the cache. Runs are short and scattered:
#: without this every line of each is waited for, which makes an event three times as expensive.
AHEAD = 64
#: How far ahead the accumulators of runs of at most ``SHORT`` synapses are fetched: so scattered, they are seldom in a cache.
NEAR, SHORT = 24, 2
#: Runs, packed synapses and weights of double precision in a cache line of 64 bytes.
_RUNS_PER_LINE, _WORDS_PER_LINE, _NUMBERS_PER_LINE = 8, 16, 8
#: Bits of a queue entry: first synapse (of a row: first run), length, port. The longest run one entry can describe.
START_BITS, LENGTH_BITS = 36, 20
LONGEST_RUN = (1 << LENGTH_BITS) - 1


@inner()
def _runs_of(entry):
    """First run of a row, and the one after its last."""
    first = entry & uint64((1 << START_BITS) - 1)
    return first, first + (entry >> uint64(START_BITS))


@inner()
def fetch_rows(block, reader, n_blocks, first, last, log_gid, static):
    """Fetch where the runs of the spikes ``first .. last - 1`` of one log are, for the block ``reader``."""
    rows = static.rows.reshape(static.rows.size)
    for s in range(first, last):
        fetch(rows, 2 * (n_blocks * np.int64(log_gid[block, s]) + reader))  # pyright: ignore[reportCallIssue]


@inner()
def fetch_runs(block, reader, n_blocks, first, last, log_gid, static):
    """Fetch the runs of the spikes ``first .. last - 1`` of one log, for the block ``reader``."""
    for s in range(first, last):
        first, stop = _runs_of(static.rows[n_blocks * np.int64(log_gid[block, s]) + reader, 0])  # pyright: ignore[reportGeneralTypeIssues]
        fetch(static.runs, np.int64(first))  # pyright: ignore[reportCallIssue]
        for e in range(np.int64(first) + _RUNS_PER_LINE, np.int64(stop) + _RUNS_PER_LINE - 1, _RUNS_PER_LINE):
            fetch(static.runs, e)  # pyright: ignore[reportCallIssue]


@inner(forceinline=True)
def enqueue_run(block, run, start, sent, stamp, step, wanted, queue, n_queued):
    """Queue one run, if it is wanted; its length.

    It is always written, and counted if it is wanted: whether it is cannot be foreseen.
    """
    n_slots = n_queued.shape[1]
    length = run & uint64(0xFFFFFFFF)
    delay = np.int64(run >> uint64(40))
    slot = sent + delay
    slot -= n_slots if slot >= n_slots else 0  # delays are shorter than the queue, and a division costs more than all the rest
    port = (run >> uint64(32)) & uint64(0xFF)
    at = n_queued[block, slot]
    queue[block, slot, at] = start | (length << uint64(START_BITS)) | (port << uint64(START_BITS + LENGTH_BITS))
    n_queued[block, slot] = at + np.int64(wanted & (stamp + delay > step))
    return length


@inner()
def enqueue_static(block, gid, stamp, step, static, queue, n_queued):
    """Queue the runs of one spike, sent at step ``stamp``, that arrive after ``step``."""
    n_slots, row = n_queued.shape[1], n_queued.shape[0] * np.int64(gid) + block
    sent = stamp % n_slots
    start = static.rows[row, 1]
    first, stop = _runs_of(static.rows[row, 0])  # pyright: ignore[reportGeneralTypeIssues]
    # most sources have one run or none in a block, and which of the two cannot be foreseen
    start += enqueue_run(block, static.runs[first], start, sent, stamp, step, stop > first, queue, n_queued)
    for e in range(first + uint64(1), stop):
        start += enqueue_run(block, static.runs[e], start, sent, stamp, step, True, queue, n_queued)


@inner()
def enqueue_dynamic(block, row, stamp, step, segments, queue, n_queued):
    """Queue the segments of one spike whose synapses have memory."""
    n_slots = n_queued.shape[1]
    for segment in range(segments.ptr[row], segments.ptr[row + 1]):
        arrival = stamp + segments.delay[segment]
        if arrival > step:
            slot = arrival % n_slots
            queue[block, slot, n_queued[block, slot]] = segment
            n_queued[block, slot] += 1


@inner()
def add_packed(start, stop, base, word, codes):
    """Add one run of synapses whose weights are packed with their targets."""
    for k in range(start, stop):
        w = word[k]
        codes[base + uint64(w & np.uint32(0xFFFF))] += np.int32(w) >> np.int32(16)


@inner()
def add_plain(start, stop, base, target, weight, acc):
    """Add one run of synapses whose weights are stored as numbers."""
    for k in range(start, stop):
        acc[base + uint64(target[k])] += weight[k]


@inner()
def fetch_synapses(entry, static, packed):
    """Fetch all synapses of a queue entry."""
    start = np.int64(entry & uint64((1 << START_BITS) - 1))
    length = np.int64((entry >> uint64(START_BITS)) & uint64(LONGEST_RUN))
    if packed:
        for k in range(start, start + length + _WORDS_PER_LINE - 1, _WORDS_PER_LINE):
            fetch_once(static.word, k)  # pyright: ignore[reportCallIssue]
    else:
        for k in range(start, start + length + _NUMBERS_PER_LINE - 1, _NUMBERS_PER_LINE):
            fetch_once(static.target, k)  # pyright: ignore[reportCallIssue]
            fetch_once(static.weight, k)  # pyright: ignore[reportCallIssue]


@inner()
def fetch_targets(block, entry, static, packed, acc, codes):
    """Fetch what the synapses of a short queue entry add to: many short ones are scattered over more than the caches hold."""
    start = np.int64(entry & uint64((1 << START_BITS) - 1))
    length = np.int64((entry >> uint64(START_BITS)) & uint64(LONGEST_RUN))
    if length <= SHORT:
        base = static.bases[block, np.int64(entry >> uint64(START_BITS + LENGTH_BITS))]
        for k in range(start, start + length):
            if packed:
                fetch(codes, base + np.int64(static.word[k] & np.uint32(0xFFFF)))  # pyright: ignore[reportCallIssue]
            else:
                fetch(acc, base + np.int64(static.target[k]))  # pyright: ignore[reportCallIssue]


@inner()
def deliver_static(block, slot, static, acc, codes, queue, n_queued):
    """Add all static synapses that are due in one slot of a block's queue."""
    packed = static.word.size > 0
    n = n_queued[block, slot]
    n_queued[block, slot] = 0
    for q in range(n):
        if q + AHEAD < n:
            fetch_synapses(queue[block, slot, q + AHEAD], static, packed)
        if q + NEAR < n:
            fetch_targets(block, queue[block, slot, q + NEAR], static, packed, acc, codes)
        entry = queue[block, slot, q]
        start = entry & uint64((1 << START_BITS) - 1)
        stop = start + ((entry >> uint64(START_BITS)) & uint64(LONGEST_RUN))
        base = uint64(static.bases[block, np.int64(entry >> uint64(START_BITS + LENGTH_BITS))])
        if packed:
            add_packed(start, stop, base, static.word, codes)
        else:
            add_plain(start, stop, base, static.target, static.weight, acc)


@inner()
def deliver_dynamic(block, slot, now_step, dt_ms, dynamic, acc, queue, n_queued):
    """Process all synapses with memory that are due in one slot of a block's queue."""
    segments = dynamic.segments
    for q in range(n_queued[block, slot]):
        segment = np.int64(queue[block, slot, q])
        kind = segments.kind[segment]
        start, stop = segments.start[segment], segments.stop[segment]
        if kind == 1:
            deliver_depressing(segments.rule[segment], start, stop, now_step * dt_ms, dynamic.depressing, acc)
        elif kind == 2:
            deliver_stochastic(start, stop, now_step, dynamic.stochastic, acc)
        else:
            deliver_plastic(block, segments.rule[segment], now_step, dynamic.plastic, acc)
    n_queued[block, slot] = 0
