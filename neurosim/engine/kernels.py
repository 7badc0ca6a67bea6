"""The run loop: blocks advance on their own for one minimum delay, then exchange spikes.

Nothing that is sent can arrive sooner than the smallest delay, so a block needs no other block
for that many steps. One step of a block: integrate its cells over (t, t + dt], add what arrives at
t + dt, sample. Functions marked ``inline`` are merged into :func:`run` by Numba: compiled on their
own they would carry all arrays as arguments and cost most of the compile time.
"""

from __future__ import annotations

from numba import njit

from neurosim.engine.barrier import wait
from neurosim.engine.delivery import deliver, enqueue
from neurosim.engine.plasticity import log_spike
from neurosim.engine.sources import emit
from neurosim.models.kernels import advance, receive

#: Fields of the shared clock: steps done of this call, spikes stored, first spike not queued, status.
DONE, COUNT, PENDING, STATUS = range(4)
#: Values of the status: go on, the spike store is full, the queue is full.
GO_ON, SPIKES_FULL, QUEUE_FULL = range(3)


@njit(cache=True, inline="always")
def inject(block, column, injection, i_inj, amplitudes):
    """Write this step's currents (nA) into the cells of one block."""
    for e in range(injection.ptr[block], injection.ptr[block + 1]):
        i_inj[injection.cell[e]] = 0.0
    for e in range(injection.ptr[block], injection.ptr[block + 1]):
        i_inj[injection.cell[e]] += amplitudes[injection.current[e], column]


@njit(cache=True)
def sample(block, step_after, probes, state, g, samples):
    """Write the probes that are due at ``step_after``."""
    n_probes = probes.table.shape[0]
    for p in range(n_probes):
        is_g, interval, width, offset, first = probes.table[p]
        if step_after % interval != 0:
            continue
        row = offset + (step_after // interval - first) * width
        for e in range(probes.ptr[block * n_probes + p], probes.ptr[block * n_probes + p + 1]):
            samples[row + probes.column[e]] = g[probes.index[e]] if is_g == 1 else state[probes.index[e]]


@njit(cache=True, inline="always")
def integrate_part(row, kinds, step, dt_ms, cells, sources, out_index, out_offset, n_out):
    """Integrate (or let fire) the cells of one part; returns the new spike count."""
    n = row[1]
    if row[0] >= 1000:
        n_out = emit(row[0], row[12], n, step, dt_ms, sources, out_index, out_offset, n_out)
    else:
        state = cells.state[row[6] : row[6] + row[3] * n].reshape((row[3], n))
        coeff = cells.coeff[row[7] : row[7] + row[4] * n].reshape((row[4], n))
        g = cells.g[row[8] : row[8] + 2 * row[5] * n].reshape((row[5], 2, n))
        i_inj = cells.i_inj[row[10] : row[10] + n]
        n_out = advance(row[0], state, coeff, kinds, g, i_inj, dt_ms, out_index, out_offset, n_out)
    return n_out


@njit(cache=True, inline="always")
def receive_part(row, kinds, dt_ms, cells, out_index, out_offset, n_out):
    """Add what arrives at the end of the step to the cells of one part."""
    n = row[1]
    if row[0] < 1000 and n > 0:
        state = cells.state[row[6] : row[6] + row[3] * n].reshape((row[3], n))
        coeff = cells.coeff[row[7] : row[7] + row[4] * n].reshape((row[4], n))
        g = cells.g[row[8] : row[8] + 2 * row[5] * n].reshape((row[5], 2, n))
        inputs = cells.acc[row[9] : row[9] + row[5] * n].reshape((row[5], n))
        n_out = receive(row[0], state, coeff, kinds, g, inputs, dt_ms, out_index, out_offset, n_out)
    return n_out


@njit(cache=True)
def stamp_spikes(block, gid, first, last, step, plastic, acc, out_index):
    """Turn part indices into global ids and store the spikes of plastic targets."""
    for s in range(first, last):
        out_index[s] += gid
        if plastic.cell_of.size:
            log_spike(block, out_index[s], step, plastic, acc)


@njit(cache=True, inline="always")
def total_spikes(n_steps, out_ptr):
    """Spikes that all blocks emitted in ``n_steps`` steps."""
    more = 0
    for b in range(out_ptr.shape[0]):
        more += out_ptr[b, n_steps - 1, 1, out_ptr.shape[3] - 1]
    return more


@njit(cache=True)
def gather(first_step, n_steps, dt_ms, out_index, out_offset, out_ptr, gids, stamps, times, n):
    """Append all blocks' spikes in the order (step, phase, group, block); returns the new count."""
    n_blocks, n_max, _, n_groups = out_ptr.shape
    ends = out_ptr.reshape((n_blocks, n_max * 2 * n_groups))
    for k in range(n_steps):
        for phase in range(2):
            for group in range(n_groups):
                for b in range(n_blocks):
                    # A step's spikes begin where those of the group, phase or step before it end.
                    place = (2 * k + phase) * n_groups + group
                    for s in range(ends[b, place - 1] if place else 0, ends[b, place]):
                        gids[n] = out_index[b, s]
                        stamps[n] = first_step + k + 1
                        times[n] = (first_step + k) * dt_ms + out_offset[b, s]
                        n += 1
    return n


@njit(cache=True)
def exchange(clock, first_step, n_steps, dt_ms, most, out_index, out_offset, out_ptr, gids, stamps, times, n_queued, room):
    """Collect the spikes of a batch and say whether there is room for the next one."""
    if clock[COUNT] + total_spikes(n_steps, out_ptr) > gids.size:
        clock[STATUS] = SPIKES_FULL
        return
    clock[PENDING] = clock[COUNT]
    clock[COUNT] = gather(first_step, n_steps, dt_ms, out_index, out_offset, out_ptr, gids, stamps, times, clock[COUNT])
    full = n_queued.max() + (clock[COUNT] - clock[PENDING]) * most > room
    clock[STATUS] = QUEUE_FULL if full else GO_ON
    clock[DONE] += n_steps


@njit(cache=True, nogil=True)
def run(
    lo, hi, barrier, clock, first_step, n_steps, batch, dt_ms, most, cells, sources, segments, static, depressing, stochastic, plastic,
    injection, probes, amplitudes, samples, gids, stamps, times, queue, n_queued, out_index, out_offset, out_ptr,
):  # fmt: skip
    """Run blocks ``lo .. hi - 1`` from ``clock[DONE]`` to ``n_steps`` or until a store is full.

    Parameters
    ----------
    barrier
        Address of the barrier that all threads of this run share, 0 for a single thread. The
        thread that owns block 0 exchanges the spikes while the others sleep.
    clock
        int64 (4,): ``DONE, COUNT, PENDING, STATUS``, shared by the threads.
    first_step, n_steps, batch
        Number of the call's first step, its steps, steps between exchanges.
    most
        Largest number of segments of one source that arrive in one step.
    cells, ..., probes
        The fields of :class:`~neurosim.engine.program.Program`.
    amplitudes, samples
        Currents (n_currents, n_steps) in nA; flat buffer of the probes.
    gids, stamps, times
        Store of all spikes of this call: global id, send step, time in ms.
    queue, n_queued, out_index, out_offset, out_ptr
        Per block: queued segments by arrival step; spikes of the batch and where each step's end.
    """
    start = clock[DONE]
    while start < n_steps:
        n = min(batch, n_steps - start)
        for b in range(lo, hi):
            n_out = start - start
            enqueue(
                b,
                (segments.ptr.size - 1) // n_queued.shape[0],
                gids,
                stamps,
                clock[PENDING],
                clock[COUNT],
                first_step + start,
                segments,
                queue[b],
                n_queued[b],
            )
            first, last = cells.block_ptr[b], cells.block_ptr[b + 1]
            for k in range(n):
                step = first_step + start + k
                inject(b, start + k, injection, cells.i_inj, amplitudes)
                for part in range(first, last):
                    row = cells.parts[part]
                    before = n_out
                    kinds = cells.receptor_kinds[row[11] : row[11] + row[5]]
                    n_out = integrate_part(row, kinds, step, dt_ms, cells, sources, out_index[b], out_offset[b], n_out)
                    stamp_spikes(b, row[2], before, n_out, step + 1, plastic, cells.acc, out_index[b])
                    out_ptr[b, k, 0, part - first] = n_out
                deliver(b, step + 1, dt_ms, segments, static, depressing, stochastic, plastic, cells.acc, queue[b], n_queued[b])
                for part in range(first, last):
                    row = cells.parts[part]
                    before = n_out
                    kinds = cells.receptor_kinds[row[11] : row[11] + row[5]]
                    n_out = receive_part(row, kinds, dt_ms, cells, out_index[b], out_offset[b], n_out)
                    stamp_spikes(b, row[2], before, n_out, step + 1, plastic, cells.acc, out_index[b])
                    out_ptr[b, k, 1, part - first] = n_out
                sample(b, step + 1, probes, cells.state, cells.g, samples)
        wait(barrier)
        if lo == 0:
            exchange(
                clock, first_step + start, n, dt_ms, most, out_index, out_offset, out_ptr, gids, stamps, times, n_queued, queue.shape[2]
            )
        wait(barrier)
        start += n
        if clock[STATUS] != GO_ON:
            break
