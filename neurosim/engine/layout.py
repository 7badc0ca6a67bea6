"""Where every cell lives: groups of one kernel, cut into blocks owned by threads.

Populations with the same kernel and the same receptor kinds form a group, so that a step costs
one kernel call per group and block, not per population. Every population is cut into one piece
per block, so that all blocks have the same mixture of cells and the same work; a *part* is what one
block owns of one group, piece after piece. All blocks share flat arrays, and a row of the part
table says where a part lies in them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim import models
from neurosim.models import layout as model_layout
from neurosim.models._tile import TILE, n_tiles
from neurosim.network import Network, Population, Selection

Int64 = NDArray[np.int64]

#: Columns of the part table: what it is, how large, and where its pieces of the flat arrays begin.
KERNEL, SIZE, JUMPS, N_STATES, N_COEFF, N_RECEPTORS, O_STATE, O_TILE, O_LANE, O_ACC, O_CELL, O_KIND, O_SOURCE, GROUP, INJECTED = range(15)
N_COLUMNS = 15

#: Most cells of one part, so that a target within it fits 16 bits.
LARGEST_PART = 65_535
#: Kernel numbers of spike sources; those of neurons come from the models.
SOURCE_KINDS = {"array_source": 1000, "poisson_source": 1001, "gamma_source": 1002, "poisson_refractory_source": 1003}
FIRST_SOURCE_KIND = 1000
#: Kernel number of Poisson sources whose spikes are only counted where they arrive.
DRIVING_KIND = 1004
#: Rows of source parameters: rate (Hz) or shape, scale parameter, refractory time, start, stop.
N_SOURCE_PARAMETERS = 5


def first_accumulator(parts: Int64, receptor: Int64 | int) -> Int64:
    """First accumulator of a receptor of parts, which are rows (..., N_COLUMNS) of the part table; every receptor has whole tiles."""
    return parts[..., O_ACC] + receptor * n_tiles(parts[..., SIZE]) * TILE


@dataclass(frozen=True, slots=True)
class Group:
    """Cells advanced by one kernel; ``base`` is the global id of the first."""

    kernel: int
    receptor_kinds: tuple[str, ...]
    populations: tuple[int, ...]
    size: int
    base: int
    is_source: bool

    @property
    def acts_on_arrival(self) -> bool:
        """Whether what arrives cannot wait for the next step: it steps the voltage, or the cells are advanced then."""
        return "curr_delta" in self.receptor_kinds or self.kernel in model_layout.FIXED_KERNELS

    @property
    def n_states(self) -> int:
        """Rows of membrane variables."""
        return 0 if self.is_source else model_layout.n_states(self.kernel)

    @property
    def n_rows(self) -> int:
        """Rows of a cell's state: membrane variables, then two per receptor."""
        return self.n_states + 2 * len(self.receptor_kinds)

    @property
    def n_coeff(self) -> int:
        """Rows of a cell's coefficients."""
        return 0 if self.is_source else model_layout.n_coefficients(len(self.receptor_kinds))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Global ids, parts and offsets of a network cut into ``n_blocks`` blocks.

    Populations are numbered here in the order of their global ids: ``number_of`` gives that number,
    ``bases`` the first id of each, ``bounds`` (n, n_blocks + 1) where it is cut, and ``first`` (n,
    n_blocks) the place in its part where each piece begins.
    """

    groups: tuple[Group, ...]
    n_blocks: int
    n_cells: int
    number_of: Int64
    group_of: Int64
    bases: Int64
    bounds: Int64
    first: Int64
    parts: Int64
    block_ptr: Int64
    receptor_kinds: Int64
    sizes: dict[str, int]

    def gids(self, selection: Selection) -> Int64:
        """Global ids of selected cells."""
        pieces = [self.base(p) + np.asarray(i, np.int64) for p, i in selection.parts]
        return np.concatenate(pieces) if pieces else np.empty(0, np.int64)

    def base(self, population: int) -> int:
        """Global id of a population's first cell."""
        return int(self.bases[self.number_of[population]])

    def locate(self, gids: Int64) -> tuple[Int64, Int64]:
        """Part and index within the part of each cell."""
        edges = (self.bases[:, None] + self.bounds[:, :-1]).ravel()  # first global id of every piece
        block = np.tile(np.arange(self.n_blocks), len(self.bases))
        part = self.block_ptr[block] + np.repeat(self.group_of, self.n_blocks)
        shift = self.first.ravel() - edges
        if _consecutive(gids):
            lengths = np.diff(np.clip(np.append(edges, self.n_cells), gids[0], gids[-1] + 1))
            return np.repeat(part, lengths), gids + np.repeat(shift, lengths)
        piece = np.searchsorted(edges, gids, side="right") - 1
        return part[piece], gids + shift[piece]

    def flat(self, column: int, gids: Int64) -> Int64:
        """Index of each cell in the flat array of one value per cell whose offset column is given."""
        part, local = self.locate(gids)
        return self.parts[part, column] + local

    def state_index(self, gids: Int64, row: int) -> Int64:
        """Index of row ``row`` of each cell's state; see :class:`Group` for the rows."""
        part, local = self.locate(gids)
        tile, place = np.divmod(local, TILE)
        n_rows = self.parts[:, N_STATES] + 2 * self.parts[:, N_RECEPTORS]
        return self.parts[:, O_STATE][part] + (tile * n_rows[part] + row) * TILE + place

    def block_of(self, gids: Int64) -> Int64:
        """Block that owns each cell."""
        return self.block_of_part(self.locate(gids)[0])

    def block_of_part(self, part: Int64) -> Int64:
        """Block that each part belongs to."""
        return np.searchsorted(self.block_ptr, part, side="right") - 1

    def cell_gids(self) -> NDArray[np.int32]:
        """Global id of every cell, by its place in the flat arrays of one value per cell."""
        out = np.empty(self.sizes["cell"], np.int32)
        gids = np.arange(self.n_cells, dtype=np.int64)
        out[self.flat(O_CELL, gids)] = gids
        return out

    def group(self, population: int) -> Group:
        """Group of a population."""
        return self.groups[self.group_of[self.number_of[population]]]


def _consecutive(gids: Int64) -> bool:
    """True for cells that follow each other, which are found piece by piece."""
    return len(gids) > 0 and int(gids[-1]) - int(gids[0]) == len(gids) - 1 and bool(np.all(gids[1:] > gids[:-1]))


def group_key(population: Population, driving: Collection[int] = ()) -> tuple[int, tuple[str, ...]]:
    """What two populations must have in common to be advanced together."""
    if population.is_source:
        return DRIVING_KIND if population.id in driving else SOURCE_KINDS[population.model], ()
    kinds = tuple(r.kind for r in population.receptors)
    return model_layout.kernel_of(population.model, kinds), kinds


def plan(network: Network, threads: int, driving: Collection[int] = ()) -> Layout:
    """Groups, blocks and offsets for a network; the number of blocks is a multiple of ``threads``.

    ``driving`` are populations of sources whose spikes are only counted where they arrive.
    """
    keys: dict[tuple[int, tuple[str, ...]], list[Population]] = {}
    for population in network.populations:
        models.model(population.model)
        keys.setdefault(group_key(population, driving), []).append(population)
    largest = max((sum(p.size for p in members) for members in keys.values()), default=0)
    # A piece may be one cell larger than the exact share of its population.
    spare = max((len(members) for members in keys.values()), default=0)
    n_blocks = threads * max(1, -(-largest // (threads * max(LARGEST_PART - spare, 1))))
    groups, base = [], 0
    for (kernel, kinds), members in keys.items():
        size = sum(p.size for p in members)
        groups.append(Group(kernel, kinds, tuple(p.id for p in members), size, base, kernel >= FIRST_SOURCE_KIND))
        base += size
    members = [(g, network.populations[p]) for g, group in enumerate(groups) for p in group.populations]
    sizes = np.array([p.size for _, p in members], np.int64)
    bases = np.cumsum(sizes) - sizes
    number_of = np.zeros(len(network.populations), np.int64)
    number_of[[p.id for _, p in members]] = np.arange(len(members))
    group_of = np.array([g for g, _ in members], np.int64)
    bounds = np.round(np.outer(sizes, np.arange(n_blocks + 1) / n_blocks)).astype(np.int64)
    first = _first_places(np.diff(bounds, axis=1), group_of)
    parts, kinds_flat, totals = _parts(groups, bounds, group_of, n_blocks)
    block_ptr = np.arange(n_blocks + 1, dtype=np.int64) * len(groups)
    return Layout(tuple(groups), n_blocks, base, number_of, group_of, bases, bounds, first, parts, block_ptr, kinds_flat, totals)


def _first_places(pieces: Int64, group_of: Int64) -> Int64:
    """Where each piece begins in its part: pieces of a group follow each other."""
    first = np.zeros_like(pieces)
    for number in range(1, len(pieces)):
        if group_of[number] == group_of[number - 1]:
            first[number] = first[number - 1] + pieces[number - 1]
    return first


def _parts(groups: list[Group], bounds: Int64, group_of: Int64, n_blocks: int) -> tuple[Int64, Int64, dict[str, int]]:
    table = np.zeros((n_blocks * len(groups), N_COLUMNS), np.int64)
    at = {"state": 0, "tile": 0, "lane": 0, "acc": 0, "cell": 0, "source": 0}
    kinds: list[int] = []
    kind_at = [len(kinds)]
    for group in groups:
        kinds.extend(model_layout.RECEPTOR_KINDS[k] for k in group.receptor_kinds)
        kind_at.append(len(kinds))
    pieces = np.diff(bounds, axis=1)
    for block in range(n_blocks):
        for number, group in enumerate(groups):
            size, n_receptors = int(pieces[group_of == number, block].sum()), len(group.receptor_kinds)
            row = table[block * len(groups) + number]
            row[:] = (
                group.kernel, size, group.acts_on_arrival, group.n_states, group.n_coeff, n_receptors, at["state"],
                at["tile"], at["lane"], at["acc"], at["cell"], kind_at[number], at["source"], number, 0,
            )  # fmt: skip
            at["state"] += group.n_rows * n_tiles(size) * TILE
            at["tile"] += 0 if group.is_source else n_tiles(size)
            at["lane"] += n_receptors
            at["acc"] += n_receptors * n_tiles(size) * TILE
            at["cell"] += size
            at["source"] += size if group.is_source else 0
    return table, np.array(kinds, np.int64), at
