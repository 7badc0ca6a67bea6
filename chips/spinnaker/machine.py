"""Geometry of SpiNNaker machines: boards of 48 chips in a hexagonal mesh, three boards a triad."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np

from neurosim.chips.chip import CoreTable, Int32
from neurosim.chips.spinnaker.sheet import SpinnakerSheet

#: Steps (x, y) of the links 0 to 5: east, north-east, north, west, south-west, south.
LINKS = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))


@dataclass(frozen=True)
class Machine:
    """Chips and cores of a number of boards, without wrap-around.

    Boards are taken triad by triad, as the tool chain lays out a virtual machine.
    """

    sheet: SpinnakerSheet
    n_boards: int

    @cached_property
    def ethernet(self) -> tuple[tuple[int, int], ...]:
        """Ethernet chip of each board, which is its origin."""
        board = self.sheet.board
        side = board.triad_side.value
        triads = math.ceil(self.n_boards / len(board.ethernet_chips.value))
        width = math.ceil(math.sqrt(triads))
        origins = [(side * (t % width) + x, side * (t // width) + y) for t in range(triads) for x, y in board.ethernet_chips.value]
        return tuple(origins[: self.n_boards])

    @cached_property
    def outline(self) -> tuple[tuple[int, int], ...]:
        """Chips of one board relative to its origin."""
        board = self.sheet.board
        low, high = board.outline.value
        side = range(board.side.value)
        return tuple((x, y) for x in side for y in side if low < x - y < high)

    @cached_property
    def places(self) -> dict[tuple[int, int], tuple[int, int]]:
        """All chips, in x-major order, with their place on their board."""
        found = {(ex + x, ey + y): (x, y) for ex, ey in self.ethernet for x, y in self.outline}
        return dict(sorted(found.items()))

    def working_cores(self, place: tuple[int, int]) -> int:
        """Cores of a chip that work, by its place on its board."""
        board = self.sheet.board
        return board.cores.value - (place in board.seventeen_core_chips.value)

    def system_cores(self, place: tuple[int, int]) -> int:
        """Cores of a chip that the system takes."""
        board = self.sheet.board
        return board.system_cores.value + (board.ethernet_cores.value if place == (0, 0) else 0)

    @cached_property
    def cores(self) -> CoreTable:
        """Application cores, chip by chip in x-major order."""
        rows = [
            (chip, x, y, core)
            for chip, ((x, y), place) in enumerate(self.places.items())
            for core in range(self.system_cores(place), self.working_cores(place))
        ]
        return CoreTable(*np.array(rows, np.int32).T.copy())

    @cached_property
    def graph(self) -> nx.Graph:
        """Chips and their links."""
        graph = nx.Graph()
        number = {xy: chip for chip, xy in enumerate(self.places)}
        board = {ethernet: index for index, ethernet in enumerate(self.ethernet)}
        for (x, y), chip in number.items():
            px, py = self.places[x, y]
            graph.add_node(chip, x=x, y=y, board=board[x - px, y - py])
        for (x, y), chip in number.items():
            near = ((x + dx, y + dy) for dx, dy in LINKS[:3])
            graph.add_edges_from((chip, number[xy]) for xy in near if xy in number)
        return graph

    @cached_property
    def _xy(self) -> Int32:
        return np.array(list(self.places), np.int32)

    def hops(self, chip_a: Int32, chip_b: Int32) -> Int32:
        """Links on the shortest path between chips."""
        delta = self._xy[chip_b] - self._xy[chip_a]
        dx, dy = delta[..., 0], delta[..., 1]
        return np.where(dx * dy > 0, np.maximum(np.abs(dx), np.abs(dy)), np.abs(dx) + np.abs(dy)).astype(np.int32)
