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
    """State of all cells; offsets in the part table (see :mod:`neurosim.engine.layout`)."""

    parts: Int64
    block_ptr: Int64
    receptor_kinds: Int64
    state: AnyFloats
    coeff: AnyFloats
    g: AnyFloats
    acc: AnyFloats
    i_inj: AnyFloats


class Sources(NamedTuple):
    """Spike sources; one entry per source cell.

    ``next_ms`` is the time of the next spike, ``draws`` the number of random numbers used (or the
    index of the next array spike), ``parameters`` has shape (5, n): rate or shape, scale,
    refractory time, start, stop. ``stamps`` and ``times_ms`` hold the array sources' spikes.
    """

    key: NDArray[np.uint64]
    draws: Int64
    next_ms: Floats
    parameters: Floats
    stop_index: Int64
    stamps: Int64
    times_ms: Floats


class Segments(NamedTuple):
    """Runs of synapses with one source, delay and kind.

    ``ptr[block * n_cells + gid]`` gives the segments of a source in a block. ``kind`` is 0 static,
    1 Tsodyks-Markram, 2 stochastic, 3 STDP; ``rule`` is the row of the STDP rule table; ``base`` is
    the accumulator that target 0 of a static segment means.
    """

    ptr: Int64
    start: Int64
    stop: Int64
    delay: Int32
    kind: NDArray[np.int8]
    rule: Int32
    base: Int64


class Static(NamedTuple):
    """Static synapses, by block, source and delay.

    Either ``target`` (relative to the segment's base) and ``weight``, or both packed in ``word``:
    the target in the lower 16 bits, the weight as a signed multiple of ``scale`` in the upper ones.
    """

    target: NDArray[np.uint16]
    weight: AnyFloats
    word: NDArray[np.uint32]
    scale: float


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
    (cell, rank), the steps of its last spikes, newest first, of which ``hist_pairs`` is a view, two in
    a word, and in ``hist_trace`` (time constant, cell, rank), the trace just after each; what belongs
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


class Injection(NamedTuple):
    """Which cells receive which current: ``cell`` (flat) and ``current``, by block."""

    ptr: Int64
    cell: Int64
    current: Int64


class Probes(NamedTuple):
    """Analog samples: per block and probe the flat indices to read and the columns to write.

    ``table`` rows: is_g, interval in steps, n columns, offset of the probe in the sample buffer,
    steps of the first sample. ``ptr[block * n_probes + probe]``.
    """

    table: Int64
    ptr: Int64
    index: Int64
    column: Int64


class Program(NamedTuple):
    """Everything the kernels need."""

    cells: Cells
    sources: Sources
    segments: Segments
    static: Static
    depressing: Depressing
    stochastic: Stochastic
    plastic: Plastic
    injection: Injection
    probes: Probes
