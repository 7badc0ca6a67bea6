"""The run loop: blocks advance on their own for one minimum delay, then meet.

Nothing that is sent can arrive sooner than the smallest delay, so a block needs no other block for
that many steps. One step of a block: integrate its cells over (t, t + dt], add what arrives at
t + dt, sample. Every block writes its spikes to a log of its own, which is not written over during
a call; after a meeting the logs of all blocks are read for each, and what concerns it is queued.
Which thread advances a block makes no difference to the block, so threads take what is left.
Functions marked ``inline`` are merged into :func:`run` by Numba: compiled on their own they would
carry all arrays as arguments and cost most of the compile time.
"""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry, inner
from neurosim.engine import layout as lay
from neurosim.engine.delivery import deliver_dynamic, deliver_static, enqueue_dynamic, enqueue_static, fetch_rows, fetch_runs
from neurosim.engine.drives import deliver_drives
from neurosim.engine.meeting import is_last, is_over, next_turn, open_turn, take, turns_done
from neurosim.engine.parts import ADVANCE, RECEIVE, call_part
from neurosim.engine.plasticity import log_spike
from neurosim.engine.sources import emit, foresee_all

KERNEL, SIZE, JUMPS, O_CELL, O_SOURCE = lay.KERNEL, lay.SIZE, lay.JUMPS, lay.O_CELL, lay.O_SOURCE
#: Spikes that are queued together, and most spikes of a batch whose rows are all fetched before the first is queued: the
#: nearest cache has room for some hundred lines, and what was fetched too early is gone again.
STRETCH, FETCHED = 128, 512
FIRST_SOURCE_KIND, DRIVING_KIND = lay.FIRST_SOURCE_KIND, lay.DRIVING_KIND


@inner(inline="always")
def inject(block, column, injection, i_inj, amplitudes):
    """Write this step's currents (nA) into the cells of one block."""
    for e in range(injection.ptr[block], injection.ptr[block + 1]):
        i_inj[injection.cell[e]] = 0.0
    for e in range(injection.ptr[block], injection.ptr[block + 1]):
        i_inj[injection.cell[e]] += amplitudes[injection.current[e], column]


@inner()
def is_sampled(step_after, probes):
    """Whether any probe is due at ``step_after``."""
    due = False
    for p in range(probes.table.shape[0]):
        due = due or step_after % probes.table[p, 1] == 0
    return due


@inner()
def sample(block, step_after, probes, state, samples):
    """Write the probes that are due at ``step_after``."""
    n_probes = probes.table.shape[0]
    for p in range(n_probes):
        interval, width = probes.table[p, 1], probes.table[p, 2]
        if step_after % interval != 0:
            continue
        row = probes.table[p, 3] + (step_after // interval - probes.table[p, 4]) * width
        for e in range(probes.ptr[block * n_probes + p], probes.ptr[block * n_probes + p + 1]):
            samples[row + probes.column[e]] = state[probes.index[e]]


@inner()
def stamp_spikes(block, first_cell, first, last, step, cells, dynamic, log_gid):
    """Turn part indices into global ids and store the spikes of plastic targets."""
    for s in range(first, last):
        log_gid[block, s] = cells.gid[first_cell + log_gid[block, s]]
        if dynamic is not None:  # noqa: SIM102 (merged, numba would not leave it out)
            if dynamic.plastic.cell_of.size:
                log_spike(block, log_gid[block, s], step, dynamic.plastic, cells.acc)


@inner(inline="always")
def log_start(block, place, ends):
    """Where the spikes of one (step, phase, group) begin in a block's log: where those before it end."""
    return ends[block, place - 1] if place else 0


@inner()
def open_logs(reader, place, ends, heads):
    """Put a reader's heads on the first spikes of one place in all logs; returns how many spikes there are."""
    found = 0
    for b in range(ends.shape[0]):
        heads[reader, b] = log_start(b, place, ends)
        found += ends[b, place] - heads[reader, b]
    return found


@inner()
def next_stretch(reader, place, log_gid, ends, heads):
    """Block, first position and the one after the last of the spikes that come next by global id, as far as one log has them; moves on."""
    best, gid, bound = 0, -1, -1
    for b in range(ends.shape[0]):
        head = heads[reader, b]
        if head < ends[b, place]:
            found = np.int64(log_gid[b, head])
            if gid < 0 or found < gid:
                best, gid, bound = b, found, gid
            elif bound < 0 or found < bound:
                bound = found
    first = heads[reader, best]
    stop, last = first + 1, min(first + STRETCH, ends[best, place])
    while stop < last and (bound < 0 or log_gid[best, stop] < bound):
        stop += 1
    heads[reader, best] = stop
    return best, first, stop


@inner()
def any_logged(place, ends):
    """Whether any log has spikes of a place."""
    logged = False
    for b in range(ends.shape[0]):
        logged = logged or ends[b, place] != log_start(b, place, ends)
    return logged


@entry()
def collect(reader, first_step, n_places, per_step, dt_ms, log_gid, log_offset, ends, heads, gids, stamps, times):
    """Put the spikes of a call in order (step, phase, group, global id): id, step at whose end it is sent, time in ms."""
    n = 0
    for place in range(n_places):
        if not any_logged(place, ends):
            continue
        found, step = open_logs(reader, place, ends, heads), first_step + place // per_step
        for b in range(ends.shape[0]):
            if ends[b, place] - heads[reader, b] < found:
                continue
            for s in range(heads[reader, b], ends[b, place]):  # all of them are in one log, in order
                gids[n], stamps[n], times[n] = log_gid[b, s], step + 1, step * dt_ms + log_offset[b, s]
                n += 1
            found = 0
        while found > 0:
            b, head, stop = next_stretch(reader, place, log_gid, ends, heads)
            for s in range(head, stop):
                gids[n], stamps[n], times[n] = log_gid[b, s], step + 1, step * dt_ms + log_offset[b, s]
                n += 1
            found -= stop - head


@entry()
def tally(gids, counts):
    """Count the spikes of each cell."""
    for gid in gids:
        counts[gid] += 1


@inner(inline="always")
def longest(block, n_queued):
    """Longest queue of one block."""
    most = 0
    for slot in range(n_queued.shape[1]):
        most = max(most, n_queued[block, slot])
    return most


@inner(inline="always")
def spikes_between(first_place, last_place, ends):
    """Spikes that all blocks logged at places ``first_place .. last_place - 1``."""
    n = 0
    for b in range(ends.shape[0]):
        n += log_start(b, last_place, ends) - log_start(b, first_place, ends)
    return n


@inner(inline="always")
def fullest(log_size, last_place, ends):
    """Free entries of the fullest log."""
    room = log_size
    for b in range(ends.shape[0]):
        room = min(room, log_size - log_start(b, last_place, ends))
    return room


@inner(inline="always")
def queue_pending(b, n_cells, now, pending, static, dynamic, queues):
    """Queue the spikes of earlier calls."""
    queue, n_queued, dynamic_queue, n_dynamic = queues
    n_blocks = n_queued.shape[0]
    for s in range(pending.shape[1]):
        if s % STRETCH == 0:
            fetch_rows(0, b, n_blocks, s, min(s + STRETCH, pending.shape[1]), pending, static)
            fetch_runs(0, b, n_blocks, s, min(s + STRETCH, pending.shape[1]), pending, static)
        enqueue_static(b, pending[0, s], pending[1, s], now, static, queue, n_queued)
        if dynamic is not None:
            enqueue_dynamic(b, b * n_cells + pending[0, s], pending[1, s], now, dynamic.segments, dynamic_queue, n_dynamic)


@inner(inline="always")
def queue_news(b, n_cells, first_step, first_place, last_place, per_step, static, dynamic, queues, log_gid, ends, heads):
    """Queue the spikes that all blocks logged at some places."""
    queue, n_queued, dynamic_queue, n_dynamic = queues
    now, n_blocks = first_step + last_place // per_step, ends.shape[0]
    few = spikes_between(first_place, last_place, ends) <= FETCHED
    if few:
        for other in range(ends.shape[0]):
            head, tail = log_start(other, first_place, ends), log_start(other, last_place, ends)
            fetch_rows(other, b, n_blocks, head, tail, log_gid, static)
    for place in range(first_place, last_place):
        if few:
            for other in range(ends.shape[0]):
                fetch_runs(other, b, n_blocks, log_start(other, place, ends), ends[other, place], log_gid, static)
        stamp, found = first_step + place // per_step + 1, open_logs(b, place, ends, heads)
        while found > 0:
            other, head, stop = next_stretch(b, place, log_gid, ends, heads)
            if not few:
                fetch_rows(other, b, n_blocks, head, stop, log_gid, static)
                fetch_runs(other, b, n_blocks, head, stop, log_gid, static)
            for s in range(head, stop):
                enqueue_static(b, log_gid[other, s], stamp, now, static, queue, n_queued)
                if dynamic is not None:
                    enqueue_dynamic(b, b * n_cells + log_gid[other, s], stamp, now, dynamic.segments, dynamic_queue, n_dynamic)
            found -= stop - head


@inner(inline="always")
def foresee_sources(first, last, cells, sources):
    """Note when the sources of the parts ``first .. last - 1`` send next."""
    for part in range(first, last):
        kind = cells.parts[part, KERNEL]
        if kind >= FIRST_SOURCE_KIND and kind != DRIVING_KIND:
            foresee_all(kind, cells.parts[part, O_SOURCE], cells.parts[part, SIZE], sources)


@inner(inline="always")
def integrate_part(part, group, b, step, dt_ms, addresses, cells, sources, log_gid, log_offset, decays, scratch, flags, n_out):
    """Integrate, or let fire, the cells of one part; returns the new number of spikes in the log."""
    kind, size = cells.parts[part, KERNEL], cells.parts[part, SIZE]
    if kind == DRIVING_KIND:
        n_out += 0
    elif kind >= FIRST_SOURCE_KIND:
        n_out = emit(kind, cells.parts[part, O_SOURCE], size, step, dt_ms, sources, b, log_gid, log_offset, n_out)
    elif size > 0:
        room, due = log_gid.shape[1], decays[part]
        n_out = call_part(  # pyright: ignore[reportCallIssue]
            addresses[group], ADVANCE, part, b, cells, scratch, flags, log_gid, log_offset, room, due, dt_ms, n_out
        )
        decays[part] = 1
    return n_out


@inner(inline="always")
def receive_part(part, group, b, needed, dt_ms, addresses, cells, log_gid, log_offset, decays, scratch, flags, n_out):
    """Let what has arrived act now, if that cannot wait for the next step; returns the new number of spikes."""
    kind, size = cells.parts[part, KERNEL], cells.parts[part, SIZE]
    if kind < FIRST_SOURCE_KIND and size > 0 and (needed or cells.parts[part, JUMPS] != 0):
        room, due = log_gid.shape[1], decays[part]
        n_out = call_part(  # pyright: ignore[reportCallIssue]
            addresses[group], RECEIVE, part, b, cells, scratch, flags, log_gid, log_offset, room, due, dt_ms, n_out
        )
        decays[part] = 0
    return n_out


@inner(inline="always")
def deliver(b, now_step, dt_ms, cells, static, dynamic, drives, queues, counting):
    """Add everything that arrives at ``now_step`` in one block."""
    queue, n_queued, dynamic_queue, n_dynamic = queues
    slot = now_step % n_queued.shape[1]
    deliver_static(b, slot, static, cells.acc, cells.codes, queue, n_queued)
    if dynamic is not None:
        deliver_dynamic(b, slot, now_step, dt_ms, dynamic, cells.acc, dynamic_queue, n_dynamic)
    if drives is not None:
        deliver_drives(b, now_step, drives, cells.acc, cells.codes, cells.lanes, counting)


@inner(inline="always")
def is_crowded(turn, last_place, most, reserve, log_size, before_place, ends, filling, queues):
    """Whether a log or a queue may be too small for another batch."""
    news = spikes_between(before_place, last_place, ends)
    return longest(turn & 1, filling) + news * most >= queues[0].shape[2] or fullest(log_size, last_place, ends) < reserve


@inner(inline="always")
def advance_block(
    b, first_step, start, stop, n_steps, batch, per_step, dt_ms, addresses, cells, sources, static, dynamic, drives, injection,
    probes, amplitudes, samples, pending, queues, log_gid, log_offset, ends, heads, decays, scratch, flags, counting,
):  # fmt: skip
    """Advance one block by the steps ``start .. stop - 1`` of a call of ``n_steps``."""
    n_groups, n_cells = addresses.size, cells.gid.size
    first, last = cells.block_ptr[b], cells.block_ptr[b + 1]
    connected = static.runs.size > 1 or dynamic is not None
    if start == 0:
        if connected:
            queue_pending(b, n_cells, first_step, pending, static, dynamic, queues)
        foresee_sources(first, last, cells, sources)
    if connected:
        before = max(start - batch, 0) * per_step
        queue_news(b, n_cells, first_step, before, start * per_step, per_step, static, dynamic, queues, log_gid, ends, heads)
    n_out = log_start(b, start * per_step, ends)
    for k in range(start, stop):
        now = first_step + k + 1
        inject(b, k, injection, cells.i_inj, amplitudes)
        for part in range(first, last):
            begun, group = n_out, part - first
            n_out = integrate_part(
                part, group, b, now - 1, dt_ms, addresses, cells, sources, log_gid, log_offset, decays, scratch, flags, n_out
            )
            if n_out > begun:
                stamp_spikes(b, cells.parts[part, O_CELL], begun, n_out, now, cells, dynamic, log_gid)
            ends[b, k * per_step + group] = n_out
        deliver(b, now, dt_ms, cells, static, dynamic, drives, queues, counting)
        sampled = is_sampled(now, probes)
        for part in range(first, last):
            begun, group, needed = n_out, part - first, sampled or k == n_steps - 1
            n_out = receive_part(part, group, b, needed, dt_ms, addresses, cells, log_gid, log_offset, decays, scratch, flags, n_out)
            if n_out > begun:
                stamp_spikes(b, cells.parts[part, O_CELL], begun, n_out, now, cells, dynamic, log_gid)
            ends[b, k * per_step + n_groups + group] = n_out
        if sampled:
            sample(b, now, probes, cells.state, samples)


@entry(nogil=True)
def run(
    own, meeting, first_step, n_steps, batch, dt_ms, most, reserve, addresses, cells, sources, static, dynamic, drives, injection,
    probes, amplitudes, samples, pending, queues, filling, log_gid, log_offset, ends, heads, decays, scratch, flags, counting,
):  # fmt: skip
    """Run all blocks for ``n_steps`` steps, or until a log or a queue may be too small.

    Parameters
    ----------
    own
        Block that this thread takes first in every batch; it goes on with those that nobody has taken.
    meeting
        Where the threads of this call meet, a :attr:`Meeting.address`.
    first_step, n_steps, batch
        Number of the call's first step, its steps, steps between meetings.
    most, reserve
        Largest number of queue entries of one spike in one slot; most spikes of a block in one batch.
    addresses
        Step function of each group; see :mod:`neurosim.engine.parts`.
    cells, ..., probes
        The fields of :class:`~neurosim.engine.program.Program`.
    amplitudes, samples
        Currents (n_currents, n_steps) in nA; flat buffer of the probes.
    pending
        Spikes of earlier calls that are not queued yet, int64 (2, n): global id, send step.
    queues
        Per block and arrival step: entries and their number, of static runs and of segments with memory.
    filling
        int64 (2, n_blocks): longest queue of each block, for even and odd batches.
    log_gid, log_offset, ends
        Per block: spikes of this call, and where those of each (step, phase, group) end.
    heads, decays, scratch, flags, counting
        Scratch per block; ``decays`` says, per part, whether its synapses still have to decay.

    Returns
    -------
    int
        Steps done, the same for all threads.
    """
    n_blocks, per_step, turn = ends.shape[0], 2 * addresses.size, 0
    while not is_over(turn) and n_steps > 0:
        start, stop = turn * batch, min((turn + 1) * batch, n_steps)
        for i in range(n_blocks):
            b = (own + i) % n_blocks
            if not take(meeting, b, turn):
                continue
            advance_block(
                b, first_step, start, stop, n_steps, batch, per_step, dt_ms, addresses, cells, sources, static, dynamic, drives, injection,
                probes, amplitudes, samples, pending, queues, log_gid, log_offset, ends, heads, decays, scratch, flags, counting,
            )  # fmt: skip
            filling[turn & 1, b] = max(longest(b, queues[1]), longest(b, queues[3]))
            if is_last(meeting, i + 1, n_blocks):
                crowded = is_crowded(turn, stop * per_step, most, reserve, log_gid.shape[1], start * per_step, ends, filling, queues)
                open_turn(meeting, turn + 1, crowded or stop == n_steps)
        turn = next_turn(meeting, turn)
    return min(turns_done(turn) * batch, n_steps)
