"""The program: flat arrays that the step kernels read and write.

All fields are contiguous arrays, so that one compiled function runs every network. ``n_blocks``
blocks share the arrays; each touches only its own parts, accumulators and queue.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Floats = NDArray[np.float64]
AnyFloats = NDArray[np.floating]


class Cells(NamedTuple):
    """All cells; offsets are in the part table (see :mod:`neurosim.engine.layout`).

    ``state`` and ``coeff`` are in tiles (:mod:`neurosim.models._tile`), ``tile_at`` gives the
    coefficients of each tile. ``acc`` and ``codes`` collect what arrives in a step, as sums of
    weights and as integer sums of packed weights; ``lanes`` holds, per part and receptor, the unit
    of the latter (0: none) and whether the former are used. ``gid`` is the global id per cell.
    """

    parts: Int64
    block_ptr: Int64
    receptor_kinds: Int64
    tile_at: Int64
    gid: Int32
    state: AnyFloats
    coeff: AnyFloats
    acc: AnyFloats
    codes: Int32
    lanes: AnyFloats
    i_inj: AnyFloats


class Sources(NamedTuple):
    """Spike sources; one entry per source cell.

    ``next_ms`` is the time of the next spike, ``draws`` the number of random numbers used (or the
    index of the next array spike), ``parameters`` has shape (5, n): rate or shape, scale,
    refractory time, start, stop. ``stamps`` and ``times_ms`` hold the array sources' spikes.
    ``soonest`` is working room of the run loop.
    """

    key: NDArray[np.uint64]
    draws: Int64
    next_ms: Floats
    parameters: Floats
    stop_index: Int64
    stamps: Int64
    times_ms: Floats
    soonest: Floats


class Static(NamedTuple):
    """Static synapses, by source, block, port and delay: all that a spike makes is side by side, whoever reads it.

    A *port* is one receptor of one group of cells; ``bases[block, port]`` is its first
    accumulator. ``runs`` lists the runs of synapses of a source with one port and delay: delay in
    steps (24 bits), port (8 bits), length (32 bits); one that says nothing comes last. ``rows[gid * n_blocks
    + block]`` has the source's first run (36 bits) with their number above it, and its first synapse; they
    follow each other. A source without synapses in a block has zeros: where many have none, most of
    the table is memory that was never written to and takes none. The store is either
    ``target`` (relative to the port's base) and ``weight``, or both packed in ``word``: the target in
    the lower 16 bits, the weight as a signed multiple of the port's unit in the upper ones.
    """

    rows: NDArray[np.uint64]
    runs: NDArray[np.uint64]
    bases: Int64
    target: NDArray[np.uint16]
    weight: AnyFloats
    word: NDArray[np.uint32]


class Segments(NamedTuple):
    """Runs of synapses with memory, with one source, delay and kind.

    ``ptr[block * n_cells + gid]`` gives the segments of a source in a block. ``kind`` is 1
    Tsodyks-Markram, 2 stochastic, 3 STDP; ``rule`` is the row of the STDP rule table.
    """

    ptr: Int64
    start: Int64
    stop: Int64
    delay: Int32
    kind: NDArray[np.int8]
    rule: Int32


class Depressing(NamedTuple):
    """Tsodyks-Markram synapses; ``last_ms`` is the previous arrival (negative: none yet).

    ``x``: recovered share of the resources, ``y``: active share, both just after that arrival.
    """

    target: Int32
    weight: Floats
    u0: Floats
    tau_rec_ms: Floats
    tau_facil_ms: Floats
    tau_syn_ms: Floats
    x: Floats
    y: Floats
    u: Floats
    last_ms: Floats


class Stochastic(NamedTuple):
    """Synapses that transmit with probability ``p``; ``key`` makes the draws reproducible."""

    target: Int32
    weight: Floats
    p: Floats
    key: NDArray[np.uint64]


class Plastic(NamedTuple):
    """STDP synapses, their rules and the recent spikes of their targets; see :mod:`neurosim.engine.plasticity`.

    ``target`` and ``weight`` per synapse; ``table`` and ``trace`` per segment, sorted by block
    (``block_ptr``); ``rules`` per projection and port. ``cell_of`` gives a cell's row in ``hist_step``
    (cell, rank), the steps of its last spikes, newest first, which ``hist_pairs`` (pair, cell) has two in
    a word, those of all cells side by side, and in ``hist_trace`` (time constant, cell, rank), the trace just after each; what belongs
    to the last spike stands once more in ``newest_step`` and ``newest_trace``, close together.
    ``trace_rates`` are the decays of these traces. A block has the rows ``cell_ptr[block]`` to
    ``cell_ptr[block + 1]``; ``faded`` are their traces at the time ``faded_at[block, time constant, 0]``.
    All synapses of a block are settled up to ``horizon``. Arrays whose names begin with ``lane`` are
    working room; ``overflow`` counts spikes that found no room.
    """

    target: NDArray[np.uint16]
    weight: AnyFloats
    table: Int64
    trace: Floats
    block_ptr: Int64
    rules: Floats
    cell_of: Int32
    hist_step: Int32
    hist_pairs: NDArray[np.uint64]
    hist_trace: AnyFloats
    newest_step: Int32
    newest_trace: AnyFloats
    trace_rates: Floats
    cell_ptr: Int64
    faded: AnyFloats
    faded_at: Floats
    horizon: Int64
    lane_v: AnyFloats
    lane_traces: AnyFloats
    lane_steps: Int32
    lane_pairs: NDArray[np.uint64]
    lane_down: Int64
    lane_when: Int32
    overflow: Int64


class Drives(NamedTuple):
    """Driving sources (:mod:`neurosim.engine.drives`), by block through ``ptr``.

    ``table`` rows: first accumulator, cells, first cell in the source population, delay in steps,
    source, first weight, lane. Per source: ``key``, and through ``rate_ptr`` the steps ``since`` which
    its rate is what it is, with the limits ``thresholds[levels[e] : levels[e + 1]]`` of its counts.
    """

    ptr: Int64
    table: Int64
    weight: AnyFloats
    code: Int32
    key: NDArray[np.uint64]
    rate_ptr: Int64
    since: Int64
    levels: Int64
    thresholds: NDArray[np.uint32]


class Injection(NamedTuple):
    """Which cells receive which current: ``cell`` (flat) and ``current``, by block."""

    ptr: Int64
    cell: Int64
    current: Int64


class Probes(NamedTuple):
    """Analog samples: per block and probe the indices of the state to read and the columns to write.

    ``table`` rows: population, interval in steps, n columns, offset of the probe in the sample buffer,
    steps of the first sample. ``ptr[block * n_probes + probe]``.
    """

    table: Int64
    ptr: Int64
    index: Int64
    column: Int64


class Dynamic(NamedTuple):
    """Synapses with memory: their segments and one store per kind."""

    segments: Segments
    depressing: Depressing
    stochastic: Stochastic
    plastic: Plastic


class Program(NamedTuple):
    """Everything the kernels need; ``None`` where a network has no synapses with memory, or no driving sources."""

    cells: Cells
    sources: Sources
    static: Static
    dynamic: Dynamic | None
    drives: Drives | None
    injection: Injection
    probes: Probes
