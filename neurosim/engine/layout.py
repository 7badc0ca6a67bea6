"""Where every cell lives: groups of one kernel, cut into contiguous blocks owned by threads.

Populations with the same kernel and the same receptor kinds form a group, so that a step costs
one kernel call per group and block, not per population. All blocks share flat arrays; a *part* is
the piece of one group that one block owns, and a row of the part table says where it lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim import models
from neurosim.models import layout as model_layout
from neurosim.network import Network, Population, Selection

Int64 = NDArray[np.int64]

#: Columns of the part table.
KERNEL, SIZE, GID, N_STATES, N_COEFF, N_RECEPTORS, O_STATE, O_COEFF, O_G, O_ACC, O_CELL, O_KIND, O_SOURCE, GROUP = range(14)
N_COLUMNS = 14

#: Most cells of one part, so that a target within it fits 16 bits.
LARGEST_PART = 65_535
#: Kernel numbers of spike sources; those of neurons come from the models.
SOURCE_KINDS = {"array_source": 1000, "poisson_source": 1001, "gamma_source": 1002, "poisson_refractory_source": 1003}
#: Rows of source parameters: rate (Hz) or shape, scale parameter, refractory time, start, stop.
N_SOURCE_PARAMETERS = 5


@dataclass(frozen=True, slots=True)
class Group:
    """Cells advanced by one kernel; ``base`` is the global id of the first."""

    kernel: int
    receptor_kinds: tuple[str, ...]
    populations: tuple[int, ...]
    size: int
    base: int
    is_source: bool
    bounds: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Global ids, parts and offsets of a network cut into ``n_blocks`` blocks."""

    groups: tuple[Group, ...]
    n_blocks: int
    n_cells: int
    group_of: Int64
    offset_of: Int64
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
        return int(self.groups[self.group_of[population]].base + self.offset_of[population])

    def locate(self, gids: Int64) -> tuple[Int64, Int64]:
        """Part and index within the part of each cell."""
        bases = np.array([g.base for g in self.groups], np.int64)
        group = np.searchsorted(bases, gids, side="right") - 1
        part = np.empty(len(gids), np.int64)
        local = np.empty(len(gids), np.int64)
        for number in np.unique(group):
            chosen = group == number
            inner = gids[chosen] - bases[number]
            bounds = np.asarray(self.groups[number].bounds)
            block = np.searchsorted(bounds, inner, side="right") - 1
            part[chosen] = self.block_ptr[block] + number
            local[chosen] = inner - bounds[block]
        return part, local

    def flat(self, column: int, gids: Int64, row: int = 0) -> Int64:
        """Index of row ``row`` of each cell in the flat array whose offset column is given."""
        part, local = self.locate(gids)
        return self.parts[part, column] + row * self.parts[part, SIZE] + local

    def block_of(self, gids: Int64) -> Int64:
        """Block that owns each cell."""
        return self.block_of_part(self.locate(gids)[0])

    def block_of_part(self, part: Int64) -> Int64:
        """Block that each part belongs to."""
        return np.searchsorted(self.block_ptr, part, side="right") - 1


def group_key(population: Population) -> tuple[int, tuple[str, ...]]:
    """What two populations must have in common to be advanced together."""
    if population.is_source:
        return SOURCE_KINDS[population.model], ()
    kinds = tuple(r.kind for r in population.receptors)
    return model_layout.kernel_of(population.model, kinds), kinds


def plan(network: Network, threads: int) -> Layout:
    """Groups, blocks and offsets for a network; the number of blocks is a multiple of ``threads``."""
    keys: dict[tuple[int, tuple[str, ...]], list[Population]] = {}
    for population in network.populations:
        models.model(population.model)
        keys.setdefault(group_key(population), []).append(population)
    largest = max((sum(p.size for p in members) for members in keys.values()), default=0)
    n_blocks = threads * max(1, -(-largest // (threads * LARGEST_PART)))
    groups, group_of, offset_of, base = [], np.zeros(len(network.populations), np.int64), np.zeros(len(network.populations), np.int64), 0
    for number, ((kernel, kinds), members) in enumerate(keys.items()):
        size = 0
        for population in members:
            group_of[population.id], offset_of[population.id] = number, size
            size += population.size
        bounds = tuple(int(b) for b in np.linspace(0, size, n_blocks + 1).round())
        groups.append(Group(kernel, kinds, tuple(p.id for p in members), size, base, kernel >= 1000, bounds))
        base += size
    parts, kinds_flat, sizes = _parts(groups, n_blocks)
    block_ptr = np.arange(n_blocks + 1, dtype=np.int64) * len(groups)
    return Layout(tuple(groups), n_blocks, base, group_of, offset_of, parts, block_ptr, kinds_flat, sizes)


def _parts(groups: list[Group], n_blocks: int) -> tuple[Int64, Int64, dict[str, int]]:
    table = np.zeros((n_blocks * len(groups), N_COLUMNS), np.int64)
    at = {"state": 0, "coeff": 0, "g": 0, "acc": 0, "cell": 0, "source": 0}
    kinds: list[int] = []
    kind_at = [len(kinds)]
    for group in groups:
        kinds.extend(model_layout.RECEPTOR_KINDS[k] for k in group.receptor_kinds)
        kind_at.append(len(kinds))
    for block in range(n_blocks):
        for number, group in enumerate(groups):
            size = group.bounds[block + 1] - group.bounds[block]
            n_receptors = len(group.receptor_kinds)
            n_states = 0 if group.is_source else model_layout.n_states(group.kernel)
            n_coeff = 0 if group.is_source else model_layout.n_coefficients(n_receptors)
            row = table[block * len(groups) + number]
            row[:] = (
                group.kernel, size, group.base + group.bounds[block], n_states, n_coeff, n_receptors,
                at["state"], at["coeff"], at["g"], at["acc"], at["cell"], kind_at[number], at["source"], number,
            )  # fmt: skip
            at["state"] += n_states * size
            at["coeff"] += n_coeff * size
            at["g"] += 2 * n_receptors * size
            at["acc"] += n_receptors * size
            at["cell"] += size
            at["source"] += size if group.is_source else 0
    return table, np.array(kinds, np.int64), at
