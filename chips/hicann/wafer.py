"""Geometry of a wafer: 384 HICANNs, their neuron circuits (denmems), and names for them.

HICANNs are numbered row by row from the top left, existing cells only. A neuron of size S is a
rectangle of S / 2 columns of both denmem rows within one neuron block; size 1 is one denmem.

References
----------
halco (coordinates) and marocco (rectangles), repositories of electronicvisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np

from neurosim.chips.chip import CoreTable, Int32
from neurosim.chips.hicann.sheet import HicannSheet


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A HICANN on the wafer; made by :func:`neurosim.chips.hicann.coordinate`.

    Attributes
    ----------
    x, y
        Column from 0 to 35 and row from 0 to 15.
    enum
        Number of the HICANN, 0 to 383.
    """

    x: int
    y: int
    enum: int

    def __str__(self) -> str:
        return f"HICANN {self.enum} (x={self.x}, y={self.y})"


@dataclass(frozen=True, slots=True)
class Denmem:
    """A neuron circuit.

    Attributes
    ----------
    hicann
        Number of its HICANN.
    x, y
        Place of that HICANN.
    row, column
        Row 0 (top) or 1, column 0 to 255.
    """

    hicann: int
    x: int
    y: int
    row: int
    column: int

    @property
    def enum(self) -> int:
        """Number of the denmem on its HICANN, 0 to 511."""
        return 256 * self.row + self.column

    def __str__(self) -> str:
        return f"HICANN {self.hicann} (x={self.x}, y={self.y}) denmem {self.enum} (row={self.row}, column={self.column})"


@dataclass(frozen=True)
class Wafer:
    """The HICANNs of one wafer and the paths between them."""

    sheet: HicannSheet

    @cached_property
    def xy(self) -> Int32:
        """Coordinates by HICANN number, int32 (n, 2)."""
        rows = self.sheet.wafer.rows.value
        return np.array([(x, y) for y, (first, last) in enumerate(rows) for x in range(first, last + 1)], np.int32)

    @cached_property
    def number(self) -> dict[tuple[int, int], int]:
        """HICANN number by coordinates."""
        return {(int(x), int(y)): enum for enum, (x, y) in enumerate(self.xy)}

    @cached_property
    def cores(self) -> CoreTable:
        """One core per HICANN, by number."""
        enum = np.arange(len(self.xy), dtype=np.int32)
        return CoreTable(enum, self.xy[:, 0].copy(), self.xy[:, 1].copy(), np.zeros_like(enum))

    @cached_property
    def reticles(self) -> Int32:
        """Reticle (and high-speed link chip) number of each HICANN, row by row."""
        width, height = self.sheet.wafer.reticle.value
        places = np.stack([self.xy[:, 1] // height, self.xy[:, 0] // width], axis=1)
        return np.unique(places, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)

    def fpga(self, hicann: int) -> int:
        """FPGA that serves a HICANN."""
        return self.sheet.wafer.fpga_of_reticle.value[self.reticles[hicann]]

    @cached_property
    def graph(self) -> nx.Graph:
        """HICANNs and the buses between neighbours."""
        graph = nx.Graph()
        for (x, y), enum in self.number.items():
            graph.add_node(enum, x=x, y=y, reticle=int(self.reticles[enum]))
        for (x, y), enum in self.number.items():
            graph.add_edges_from((enum, self.number[xy]) for xy in ((x + 1, y), (x, y + 1)) if xy in self.number)
        return graph

    def hops(self, hicann_a: Int32, hicann_b: Int32) -> Int32:
        """Neighbours crossed on a shortest path; the outline never forces a detour."""
        return np.abs(self.xy[hicann_a] - self.xy[hicann_b]).sum(axis=-1).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Packing:
    """How neurons of one size fill neuron blocks.

    Attributes
    ----------
    size
        Denmems per neuron.
    block
        Denmems per neuron block.
    """

    size: int
    block: int

    @property
    def per_block(self) -> int:
        """Neurons in a block."""
        return self.block // self.size

    @property
    def tiles_evenly(self) -> bool:
        """True if neurons of several such sizes fill blocks without gaps, largest first."""
        return self.size & (self.size - 1) == 0

    def offset(self, neuron: int) -> int:
        """First denmem of a neuron, counted from the first one of its slice."""
        return neuron // self.per_block * self.block + neuron % self.per_block * self.size

    def denmems(self, n_neurons: int) -> int:
        """Denmems that are no longer free for others."""
        if self.tiles_evenly:
            return n_neurons * self.size
        return -(-n_neurons // self.per_block) * self.block


def pack(slices: list[tuple[int, int]], block: int, columns: int) -> list[list[list[tuple[int, int]]]]:
    """Denmems ``(row, column)`` of each neuron of several slices on one HICANN.

    Parameters
    ----------
    slices
        ``(neurons, size)`` of each slice.
    block, columns
        Denmems of a neuron block, and columns of it.

    Returns
    -------
    list
        Per slice, per neuron, the denmems; the first one fires.
    """
    placed: list[list[list[tuple[int, int]]]] = [[] for _ in slices]
    start = 0
    # whole blocks first, then falling powers of two: nothing is fragmented
    order = sorted(range(len(slices)), key=lambda i: (Packing(slices[i][1], block).tiles_evenly, -slices[i][1], i))
    for index in order:
        n_neurons, size = slices[index]
        packing = Packing(size, block)
        for neuron in range(n_neurons):
            place = start + packing.offset(neuron)
            placed[index].append(rectangle(place // block, place % block, size, columns))
        start += packing.denmems(n_neurons)
    return placed


def rectangle(block_number: int, offset: int, size: int, columns: int) -> list[tuple[int, int]]:
    """Denmems of a neuron whose first circuit is number ``offset`` of a block, counted down the columns."""
    rows = 2
    first = block_number * columns + offset // rows
    if size == 1:
        return [(offset % rows, first)]
    return [(row, first + column) for row in range(rows) for column in range(size // rows)]
