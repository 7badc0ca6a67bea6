"""Geometry of Loihi machines: chips of 8 x 4 tiles of 4 cores, in one mesh with XY routing.

Tiles are numbered down the columns of a chip, chip after chip; a router belongs to a tile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np

from neurosim.chips.chip import CoreTable, Int32


def grid_of(n_chips: int) -> tuple[int, int]:
    """Columns and rows of chips, as near to a square as a full rectangle can be."""
    rows = next(rows for rows in range(math.isqrt(n_chips), 0, -1) if n_chips % rows == 0)
    return n_chips // rows, rows


@dataclass(frozen=True)
class Mesh:
    """Tiles and cores of some chips.

    Attributes
    ----------
    n_chips
        Number of chips, laid out by :func:`grid_of`.
    width, height
        Tiles of a chip.
    cores_per_tile
        Cores that share a router.
    """

    n_chips: int
    width: int
    height: int
    cores_per_tile: int

    @cached_property
    def xy(self) -> Int32:
        """Coordinates of every tile in the whole mesh, int32 (n_tiles, 2)."""
        columns = grid_of(self.n_chips)[0]
        chip, tile = np.divmod(np.arange(self.n_chips * self.width * self.height), self.width * self.height)
        x = (chip % columns) * self.width + tile // self.height
        y = (chip // columns) * self.height + tile % self.height
        return np.stack([x, y], axis=1).astype(np.int32)

    def chip_of_tile(self, tile: Int32) -> Int32:
        """Number of the chip that each tile is on."""
        return (tile // (self.width * self.height)).astype(np.int32)

    @cached_property
    def cores(self) -> CoreTable:
        """Cores, tile by tile."""
        tile = np.repeat(np.arange(len(self.xy), dtype=np.int32), self.cores_per_tile)
        core = np.tile(np.arange(self.cores_per_tile, dtype=np.int32), len(self.xy))
        return CoreTable(tile, self.xy[tile, 0].copy(), self.xy[tile, 1].copy(), core)

    @cached_property
    def graph(self) -> nx.Graph:
        """Tiles and the links between neighbours."""
        graph = nx.Graph()
        number = {(int(x), int(y)): tile for tile, (x, y) in enumerate(self.xy)}
        chips = self.chip_of_tile(np.arange(len(self.xy), dtype=np.int32)).tolist()
        for (x, y), tile in number.items():
            graph.add_node(tile, x=x, y=y, chip=chips[tile])
        for (x, y), tile in number.items():
            graph.add_edges_from((tile, number[xy]) for xy in ((x + 1, y), (x, y + 1)) if xy in number)
        return graph

    def hops(self, tile_a: Int32, tile_b: Int32) -> Int32:
        """Links of the XY route between tiles."""
        return np.abs(self.xy[tile_a] - self.xy[tile_b]).sum(axis=-1).astype(np.int32)
