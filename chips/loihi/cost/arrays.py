"""Plain arrays that the parts of the cost model hand to each other.

Cells (neurons and spike sources of all populations) are numbered core by core, in the order in
which a core goes through its neurons; what the host feeds in comes last.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Kinds of synaptic memory, and updates of learning synapses: the columns of ``Fanout.reads``.
READS = ("dense", "sparse", "convolution", "learning")
#: What is counted: the columns of ``Counts`` and of a table of costs.
EVENTS = (
    "neuron access",
    "neuron update",
    "noise",
    "spike",
    "message out",
    "message in",
    "dense read",
    "sparse read",
    "convolution read",
    "learning update",
    "hop east-west",
    "hop north-south",
)
ACCESS, UPDATE, NOISE, SPIKE, OUT, IN, READ, HOP_X, HOP_Y = 0, 1, 2, 3, 4, 5, 6, 10, 11


class Cores(NamedTuple):
    """Used cores, in ascending order.

    Attributes
    ----------
    core
        int64 (n_cores,): number in the machine.
    tile, chip
        int64 (n_cores,): the core's tile and chip.
    x, y
        int64 (n_cores,): coordinates of its tile.
    """

    core: Int64
    tile: Int64
    chip: Int64
    x: Int64
    y: Int64

    @property
    def n_cores(self) -> int:
        """Number of used cores."""
        return len(self.core)

    @property
    def n_tiles(self) -> int:
        """Number of tiles with used cores."""
        return len(np.unique(self.tile))

    @property
    def n_chips(self) -> int:
        """Number of chips with used cores."""
        return len(np.unique(self.chip))


class Cells(NamedTuple):
    """Neurons and sources.

    Attributes
    ----------
    first
        int64 (n_cores + 1,): first cell of each used core, and of those on the host.
    before
        int64 (n_placed + 1,): compartments of all cells before a cell.
    noisy
        bool (n_cells,): does every update of the cell take a random number?
    population
        int64 (n_cells,): population of each cell.
    n_populations
        Number of populations.
    """

    first: Int64
    before: Int64
    noisy: Bools
    population: Int64
    n_populations: int

    @property
    def n_cells(self) -> int:
        """Number of cells, on cores and on the host."""
        return len(self.population)

    @property
    def n_placed(self) -> int:
        """Number of cells on cores."""
        return int(self.first[-1])

    @property
    def compartments(self) -> Int64:
        """Compartments of each cell, int64 (n_cells,); none on the host."""
        found = np.zeros(self.n_cells, np.int64)
        found[: self.n_placed] = np.diff(self.before)
        return found

    @property
    def core(self) -> Int64:
        """Position of each cell's core in ``Cores``, int64 (n_cells,); -1 on the host."""
        found = np.full(self.n_cells, -1, np.int64)
        found[: self.n_placed] = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        return found


class Fanout(NamedTuple):
    """Messages that a spike of each cell becomes, row by row, in the order in which they are sent.

    Attributes
    ----------
    indptr
        int64 (n_cells + 1,): where the messages of each cell begin.
    core
        int64 (n_messages,): position of the target core in ``Cores``.
    reads
        int64 (n_messages, 4): synapses read there by kind of memory, and those that learn; see :data:`READS`.
    """

    indptr: Int64
    core: Int64
    reads: Int64

    @property
    def source(self) -> Int64:
        """Cell that sends each message, int64 (n_messages,)."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))


class Activity(NamedTuple):
    """Who fired and who was updated, step by step.

    Attributes
    ----------
    spike_ptr
        int64 (n_steps + 1,): where the spikes of each step begin.
    spike
        int64 (n_spikes,): cells that fire, ascending within a step.
    update_ptr, update
        The same for placed cells that are updated; meaningless if ``all_updated``.
    all_updated
        Is every neuron updated in every step?
    """

    spike_ptr: Int64
    spike: Int64
    update_ptr: Int64
    update: Int64
    all_updated: bool

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(self.spike_ptr) - 1


class Counts(NamedTuple):
    """Events of a run, three times the same sum; columns as in :data:`EVENTS`.

    Attributes
    ----------
    step
        int64 (n_steps, 12): in each step.
    core
        int64 (n_cores, 12): on each used core. Messages out and links passed count at the sender,
        messages in and synapses read at the receiver.
    population
        int64 (n_populations, 12): of each population. Messages and the reads that they cause
        count at the population that fires.
    """

    step: Int64
    core: Int64
    population: Int64

    @property
    def total(self) -> Int64:
        """Sum over the run, int64 (12,)."""
        return self.step.sum(axis=0)
