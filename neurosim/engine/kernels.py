"""The run loop: blocks advance on their own for one minimum delay, then meet.

Nothing that is sent can arrive sooner than the smallest delay, so a block needs no other block for
that many steps. One step of a block: integrate its cells over (t, t + dt], add what arrives at
t + dt, sample. Every block writes its spikes to a log of its own, which is not written over during
a call; after the barrier every thread reads the logs of all blocks and queues what concerns its own.
Functions marked ``inline`` are merged into :func:`run` by Numba: compiled on their own they would
carry all arrays as arguments and cost most of the compile time.
"""

from __future__ import annotations

from neurosim._jit import entry, inner
from neurosim.engine import layout as lay
from neurosim.engine.barrier import wait
from neurosim.engine.delivery import deliver_dynamic, deliver_static, enqueue_dynamic, enqueue_static, fetch_rows, fetch_runs
from neurosim.engine.parts import ADVANCE, RECEIVE, call_part
from neurosim.engine.plasticity import log_spike
from neurosim.engine.sources import emit

KERNEL, SIZE, JUMPS, O_CELL, O_SOURCE = lay.KERNEL, lay.SIZE, lay.JUMPS, lay.O_CELL, lay.O_SOURCE
FIRST_SOURCE_KIND = lay.FIRST_SOURCE_KIND


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
    for p in range(probes.table.shape[0]):
        if step_after % probes.table[p, 1] == 0:
            return True
    return False


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
def stamp_spikes(block, first_cell, first, last, time_ms, dt_ms, cell_gid, dynamic, log_gid):
    """Turn part indices into global ids and store the spikes of plastic targets."""
    for s in range(first, last):
        log_gid[block, s] = cell_gid[first_cell + log_gid[block, s]]
        if dynamic is not None:
            gid, plastic = log_gid[block, s], dynamic.plastic
            if plastic.slots.size and plastic.slot_ptr[gid] < plastic.slot_ptr[gid + 1]:
                log_spike(block, gid, time_ms, dt_ms, dynamic.segments, plastic)


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
def next_spike(reader, place, log_gid, ends, heads):
    """Block and position of the spike with the smallest global id under a reader's heads; moves on."""
    best, gid = 0, -1
    for b in range(ends.shape[0]):
        head = heads[reader, b]
        if head < ends[b, place] and (gid < 0 or log_gid[b, head] < gid):
            best, gid = b, log_gid[b, head]
    heads[reader, best] += 1
    return best, heads[reader, best] - 1


@entry()
def collect(first_step, n_places, per_step, dt_ms, log_gid, log_offset, ends, heads, gids, stamps, times):
    """Put the spikes of a call in order (step, phase, group, global id): id, step at whose end it is sent, time in ms."""
    n = 0
    for place in range(n_places):
        step = first_step + place // per_step
        for _ in range(open_logs(0, place, ends, heads)):
            b, s = next_spike(0, place, log_gid, ends, heads)
            gids[n] = log_gid[b, s]
            stamps[n] = step + 1
            times[n] = step * dt_ms + log_offset[b, s]
            n += 1


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


@entry(nogil=True)
def run(
    lo, hi, barrier, first_step, n_steps, batch, dt_ms, most, reserve, addresses, cells, sources, static, dynamic, injection, probes,
    amplitudes, samples, pending, queue, n_queued, dynamic_queue, n_dynamic, filling, log_gid, log_offset, ends, heads, decays, scratch, flags,
):  # fmt: skip
    """Run blocks ``lo .. hi - 1`` for ``n_steps`` steps, or until a log or a queue may be too small.

    Parameters
    ----------
    barrier
        Address of the barrier that all threads of this run share, 0 for a single thread.
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
    queue, n_queued, dynamic_queue, n_dynamic
        Per block and arrival step: queue entries of static runs and of segments with memory.
    filling
        int64 (2, n_blocks): longest queue of each block, for even and odd batches.
    log_gid, log_offset, ends
        Per block: spikes of this call, and where those of each (step, phase, group) end.
    heads, decays, scratch, flags
        Scratch per block; ``decays`` says, per part, whether its synapses still have to decay.

    Returns
    -------
    int
        Steps done, the same for all threads.
    """
    n_groups = addresses.size
    n_cells = cells.gid.size
    per_step = 2 * n_groups
    start, before, parity = n_steps - n_steps, n_steps - n_steps, 0
    while start < n_steps:
        n = min(batch, n_steps - start)
        for b in range(lo, hi):
            now = first_step + start
            if start == 0:
                for s in range(pending.shape[1]):
                    enqueue_static(b, b * n_cells + pending[0, s], pending[1, s], now, static, queue, n_queued)
                    if dynamic is not None:
                        enqueue_dynamic(b, b * n_cells + pending[0, s], pending[1, s], now, dynamic.segments, dynamic_queue, n_dynamic)
            for other in range(ends.shape[0]):
                head, tail = log_start(other, before * per_step, ends), log_start(other, start * per_step, ends)
                fetch_rows(other, b, n_cells, head, tail, log_gid, static)
            for place in range(before * per_step, start * per_step):
                for other in range(ends.shape[0]):
                    fetch_runs(other, b, n_cells, log_start(other, place, ends), ends[other, place], log_gid, static)
                stamp = first_step + place // per_step + 1
                for _ in range(open_logs(b, place, ends, heads)):
                    other, head = next_spike(b, place, log_gid, ends, heads)
                    row = b * n_cells + log_gid[other, head]
                    enqueue_static(b, row, stamp, now, static, queue, n_queued)
                    if dynamic is not None:
                        enqueue_dynamic(b, row, stamp, now, dynamic.segments, dynamic_queue, n_dynamic)
            n_out = log_start(b, start * per_step, ends)
            first, last = cells.block_ptr[b], cells.block_ptr[b + 1]
            for k in range(start, start + n):
                step = first_step + k
                inject(b, k, injection, cells.i_inj, amplitudes)
                for part in range(first, last):
                    begun, place = n_out, k * per_step + part - first
                    if cells.parts[part, KERNEL] >= FIRST_SOURCE_KIND:
                        n_out = emit(
                            cells.parts[part, KERNEL], cells.parts[part, O_SOURCE], cells.parts[part, SIZE], step, dt_ms, sources, b,
                            log_gid, log_offset, n_out,
                        )  # fmt: skip
                    elif cells.parts[part, SIZE] > 0:
                        n_out = call_part(
                            addresses[part - first], ADVANCE, part, b, cells, scratch, flags, log_gid, log_offset,
                            log_gid.shape[1], decays[part], dt_ms, n_out,
                        )  # fmt: skip
                        decays[part] = 1
                    stamp_spikes(b, cells.parts[part, O_CELL], begun, n_out, (step + 1) * dt_ms, dt_ms, cells.gid, dynamic, log_gid)
                    ends[b, place] = n_out
                slot = (step + 1) % n_queued.shape[1]
                deliver_static(b, slot, static, cells.acc, cells.codes, queue, n_queued)
                if dynamic is not None:
                    deliver_dynamic(b, slot, step + 1, dt_ms, dynamic, cells.acc, dynamic_queue, n_dynamic)
                sampled = is_sampled(step + 1, probes)
                for part in range(first, last):
                    begun, place = n_out, k * per_step + n_groups + part - first
                    if (
                        cells.parts[part, SIZE] > 0
                        and cells.parts[part, KERNEL] < FIRST_SOURCE_KIND
                        and (sampled or cells.parts[part, JUMPS] != 0 or k == n_steps - 1)
                    ):
                        n_out = call_part(
                            addresses[part - first], RECEIVE, part, b, cells, scratch, flags, log_gid, log_offset,
                            log_gid.shape[1], decays[part], dt_ms, n_out,
                        )  # fmt: skip
                        decays[part] = 0
                    stamp_spikes(b, cells.parts[part, O_CELL], begun, n_out, (step + 1) * dt_ms, dt_ms, cells.gid, dynamic, log_gid)
                    ends[b, place] = n_out
                if sampled:
                    sample(b, step + 1, probes, cells.state, samples)
            filling[parity, b] = longest(b, n_queued)
            if dynamic is not None:
                filling[parity, b] = max(filling[parity, b], longest(b, n_dynamic))
        wait(barrier)
        before, start = start, start + n
        news = spikes_between(before * per_step, start * per_step, ends)
        if longest(parity, filling) + news * most > queue.shape[2] or fullest(log_gid.shape[1], start * per_step, ends) < reserve:
            break
        parity = 1 - parity
    return start
