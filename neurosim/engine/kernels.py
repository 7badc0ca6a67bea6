"""The run loop: blocks advance on their own for one minimum delay, then exchange spikes.

Nothing that is sent can arrive sooner than the smallest delay, so a block needs no other block
for that many steps. One step of a block: integrate its cells over (t, t + dt], add what arrives at
t + dt, sample.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from neurosim.engine.delivery import deliver, enqueue
from neurosim.engine.plasticity import log_spike
from neurosim.engine.sources import emit
from neurosim.models.kernels import advance, receive


@njit(cache=True)
def inject(block, step, program, amplitudes):
    """Write this step's currents (nA) into the cells of one block."""
    injection, i_inj = program.injection, program.cells.i_inj
    for e in range(injection.ptr[block], injection.ptr[block + 1]):
        i_inj[injection.cell[e]] = 0.0
    for e in range(injection.ptr[block], injection.ptr[block + 1]):
        i_inj[injection.cell[e]] += amplitudes[injection.current[e], step]


@njit(cache=True)
def sample(block, step_after, program, samples):
    """Write the probes that are due at ``step_after``."""
    probes, cells = program.probes, program.cells
    n_probes = probes.table.shape[0]
    for p in range(n_probes):
        is_g, interval, width, offset, first = probes.table[p]
        if step_after % interval != 0:
            continue
        row = offset + (step_after // interval - first) * width
        for e in range(probes.ptr[block * n_probes + p], probes.ptr[block * n_probes + p + 1]):
            value = cells.g[probes.index[e]] if is_g == 1 else cells.state[probes.index[e]]
            samples[row + probes.column[e]] = value


@njit(cache=True)
def advance_part(part, step, dt_ms, program, out_index, out_offset, n_out):
    """Integrate (or let fire) the cells of one part; returns the new spike count."""
    row = program.cells.parts[part]
    n = row[1]
    if row[0] >= 1000:
        return emit(row[0], row[12], n, step, dt_ms, program.sources, out_index, out_offset, n_out)
    cells = program.cells
    state = cells.state[row[6] : row[6] + row[3] * n].reshape((row[3], n))
    coeff = cells.coeff[row[7] : row[7] + row[4] * n].reshape((row[4], n))
    g = cells.g[row[8] : row[8] + 2 * row[5] * n].reshape((row[5], 2, n))
    kinds = cells.receptor_kinds[row[11] : row[11] + row[5]]
    i_inj = cells.i_inj[row[10] : row[10] + n]
    return advance(row[0], state, coeff, kinds, g, i_inj, dt_ms, out_index, out_offset, n_out)


@njit(cache=True)
def receive_part(part, dt_ms, program, out_index, out_offset, n_out):
    """Add what arrives at the end of the step to the cells of one part."""
    row = program.cells.parts[part]
    n = row[1]
    if row[0] >= 1000 or n == 0:
        return n_out
    cells = program.cells
    state = cells.state[row[6] : row[6] + row[3] * n].reshape((row[3], n))
    coeff = cells.coeff[row[7] : row[7] + row[4] * n].reshape((row[4], n))
    g = cells.g[row[8] : row[8] + 2 * row[5] * n].reshape((row[5], 2, n))
    kinds = cells.receptor_kinds[row[11] : row[11] + row[5]]
    inputs = cells.acc[row[9] : row[9] + row[5] * n].reshape((row[5], n))
    return receive(row[0], state, coeff, kinds, g, inputs, dt_ms, out_index, out_offset, n_out)


@njit(cache=True)
def stamp_spikes(block, part, first, last, step, dt_ms, program, out_index):
    """Turn part indices into global ids and store the spikes of plastic targets."""
    gid = program.cells.parts[part, 2]
    plastic = program.plastic
    for s in range(first, last):
        out_index[s] += gid
        if plastic.slots.size and plastic.slot_ptr[out_index[s]] < plastic.slot_ptr[out_index[s] + 1]:
            log_spike(block, out_index[s], (step + 1) * dt_ms, dt_ms, program.segments, plastic)


@njit(cache=True)
def run_block(block, first_step, start, n_steps, dt_ms, program, amplitudes, samples, queue, n_queued, out_index, out_offset, out_ptr):
    """Advance one block by ``n_steps`` steps; spikes go to ``out_*``, their counts to ``out_ptr``."""
    lo, hi = program.cells.block_ptr[block], program.cells.block_ptr[block + 1]
    n_out = 0
    for k in range(n_steps):
        step = first_step + start + k
        inject(block, start + k, program, amplitudes)
        for part in range(lo, hi):
            before = n_out
            n_out = advance_part(part, step, dt_ms, program, out_index, out_offset, n_out)
            stamp_spikes(block, part, before, n_out, step, dt_ms, program, out_index)
            out_ptr[k, 0, part - lo] = n_out
        deliver(step + 1, dt_ms, program, queue, n_queued)
        for part in range(lo, hi):
            before = n_out
            n_out = receive_part(part, dt_ms, program, out_index, out_offset, n_out)
            stamp_spikes(block, part, before, n_out, step, dt_ms, program, out_index)
            out_ptr[k, 1, part - lo] = n_out
        sample(block, step + 1, program, samples)


@njit(cache=True)
def gather(first_step, n_steps, dt_ms, out_index, out_offset, out_ptr, spikes):
    """Append all blocks' spikes in the order (step, phase, group, block); returns the new arrays."""
    gids, stamps, times, n = spikes
    n_blocks, _, _, n_groups = out_ptr.shape
    more = 0
    for b in range(n_blocks):
        more += out_ptr[b, n_steps - 1, 1, n_groups - 1]
    if n + more > gids.size:
        gids, stamps, times = _grow(gids, stamps, times, 2 * (n + more))
    for k in range(n_steps):
        step = first_step + k
        for phase in range(2):
            for group in range(n_groups):
                for b in range(n_blocks):
                    start = _before(out_ptr, b, k, phase, group)
                    for s in range(start, out_ptr[b, k, phase, group]):
                        gids[n] = out_index[b, s]
                        stamps[n] = step + 1
                        times[n] = step * dt_ms + out_offset[b, s]
                        n += 1
    return gids, stamps, times, n


@njit(cache=True)
def _before(out_ptr, b, k, phase, group):
    if group:
        return out_ptr[b, k, phase, group - 1]
    if phase:
        return out_ptr[b, k, 0, out_ptr.shape[3] - 1]
    return out_ptr[b, k - 1, 1, out_ptr.shape[3] - 1] if k else 0


@njit(cache=True)
def _grow(gids, stamps, times, size):
    new_gids, new_stamps, new_times = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.float64)
    new_gids[: gids.size] = gids
    new_stamps[: stamps.size] = stamps
    new_times[: times.size] = times
    return new_gids, new_stamps, new_times


@njit(cache=True)
def widen(queue, n_queued, needed):
    """Queue with room for ``needed`` more entries in its fullest slot."""
    if n_queued.max() + needed <= queue.shape[2]:
        return queue
    wider = np.empty((queue.shape[0], queue.shape[1], 2 * (n_queued.max() + needed)), np.int64)
    wider[:, :, : queue.shape[2]] = queue
    return wider


@njit(cache=True)
def run_serial(first_step, n_steps, batch, dt_ms, most, program, amplitudes, samples, spikes, pending, queue, n_queued, out_index, out_offset, out_ptr):
    """Run ``n_steps`` steps with all blocks in one thread; see :func:`run_parallel`."""
    n_blocks = n_queued.shape[0]
    n_cells = (program.segments.ptr.size - 1) // n_blocks
    start = 0
    while start < n_steps:
        n = min(batch, n_steps - start)
        queue = widen(queue, n_queued, (spikes[3] - pending) * most)
        for b in range(n_blocks):
            enqueue(b, n_cells, spikes[0], spikes[1], pending, spikes[3], first_step + start, program.segments, queue[b], n_queued[b])
            run_block(b, first_step, start, n, dt_ms, program, amplitudes, samples, queue[b], n_queued[b], out_index[b], out_offset[b], out_ptr[b])
        pending = spikes[3]
        spikes = gather(first_step + start, n, dt_ms, out_index, out_offset, out_ptr, spikes)
        start += n
    return spikes, pending, queue


@njit(cache=True, parallel=True)
def run_parallel(
    first_step, n_steps, batch, dt_ms, most, program, amplitudes, samples, spikes, pending, queue, n_queued, out_index, out_offset, out_ptr
):
    """Run ``n_steps`` steps, one thread per block, synchronising once per minimum delay.

    Parameters
    ----------
    first_step, n_steps, batch
        Number of the first step, steps to run, steps between exchanges.
    dt_ms
        Step in ms.
    most
        Largest number of segments of one source that arrive in one step.
    spikes, pending
        (global ids, send steps, times in ms, count) of all spikes of this call, and the first one
        that is not queued yet.

    Returns
    -------
    tuple
        ``spikes`` (grown where needed), ``pending`` and ``queue``.
    """
    n_blocks = n_queued.shape[0]
    n_cells = (program.segments.ptr.size - 1) // n_blocks
    start = 0
    while start < n_steps:
        n = min(batch, n_steps - start)
        queue = widen(queue, n_queued, (spikes[3] - pending) * most)
        gids, stamps, last = spikes[0], spikes[1], spikes[3]
        for b in prange(n_blocks):
            enqueue(b, n_cells, gids, stamps, pending, last, first_step + start, program.segments, queue[b], n_queued[b])
            run_block(b, first_step, start, n, dt_ms, program, amplitudes, samples, queue[b], n_queued[b], out_index[b], out_offset[b], out_ptr[b])
        pending = last
        spikes = gather(first_step + start, n, dt_ms, out_index, out_offset, out_ptr, spikes)
        start += n
    return spikes, pending, queue
