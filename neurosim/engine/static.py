"""Builds the store of static synapses in two passes, with no memory beyond the store itself.

The first pass counts the synapses of every (block, source, delay), the second puts each one at its
place. Rules are expanded twice instead of being kept: expansion is cheap and repeatable, sorting
hundreds of millions of synapses is neither. What fits easily is kept between the passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim.engine.layout import Layout
from neurosim.engine.program import Static
from neurosim.engine.synapses import accumulators, delay_steps, signs
from neurosim.network import Network, Projection, Rows

Int64 = NDArray[np.int64]

#: Synapses kept between the passes instead of being expanded again.
KEPT = 10_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """The store and its segments: source, block, first and last synapse, delay of each."""

    store: Static
    pieces: tuple[Int64, Int64, Int64, Int64, Int64]
    n_synapses: int
    min_delay: int
    max_delay: int


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What the passes need to know of the two sides of a projection."""

    projection: Projection
    gids: Int64
    acc: NDArray[np.int32]
    block: NDArray[np.int32]
    sign: NDArray[np.float64]


def build_static(network: Network, projections: list[Projection], layout: Layout, dtype: type) -> Built:
    """Store of all static projections, sorted by block, source and delay.

    Within a (block, source, delay) synapses are in the order of projections, then of expansion,
    whatever the number of blocks.
    """
    source = _Source(network, [_target(network, p, layout) for p in projections])
    counts = np.zeros((layout.n_blocks * layout.n_cells, 1), np.int32)
    for target, rows, steps in source.pass_one():
        highest = int(steps.max(initial=0))
        if highest >= counts.shape[1]:
            counts = np.pad(counts, ((0, 0), (0, highest + 1 - counts.shape[1])))
        _count(rows.start, rows.indptr, rows.post, steps, target.gids, target.block, layout.n_cells, counts)
    row, level = np.nonzero(counts)
    length = counts[row, level].astype(np.int64)
    stop = np.cumsum(length)
    place = np.zeros(counts.shape, np.int64)
    place[row, level] = stop - length
    del counts
    n = int(stop[-1]) if len(stop) else 0
    store = Static(np.empty(n, np.int32), np.empty(n, dtype))
    for target, rows, steps in source.pass_two():
        weight = np.atleast_1d(np.asarray(rows.columns["weight"], np.float64))
        _put(
            rows.start,
            rows.indptr,
            rows.post,
            steps,
            weight,
            target.gids,
            target.block,
            target.acc,
            target.sign,
            layout.n_cells,
            place,
            *store,
        )
    pieces = (row % layout.n_cells, row // layout.n_cells, stop - length, stop, level)
    return Built(store, pieces, n, int(level.min(initial=level.max(initial=0))), int(level.max(initial=0)))


def _target(network: Network, projection: Projection, layout: Layout) -> Target:
    acc, block = accumulators(network, projection, layout, layout.gids(projection.post))
    return Target(projection, layout.gids(projection.pre), acc.astype(np.int32), block.astype(np.int32), signs(network, projection))


class _Source:
    """Expanded rows of all projections, twice; small ones are kept for the second time."""

    def __init__(self, network: Network, targets: list[Target]) -> None:
        self._network, self._targets = network, targets
        self._kept: dict[int, list[Rows]] = {}

    def _blocks(self, target: Target) -> Iterator[Rows]:
        return connectivity.iterate(self._network, target.projection)

    def _steps(self, target: Target, rows: Rows) -> NDArray[np.int32]:
        return delay_steps(rows.columns["delay"], self._network.dt, target.projection.label)

    def pass_one(self) -> Iterator[tuple[Target, Rows, NDArray[np.int32]]]:
        """All rows, keeping the first ten million synapses."""
        room = KEPT
        for number, target in enumerate(self._targets):
            kept: list[Rows] | None = []
            for rows in self._blocks(target):
                room -= rows.size
                kept = [*kept, rows] if kept is not None and room >= 0 else None
                yield target, rows, self._steps(target, rows)
            if kept is not None:
                self._kept[number] = kept

    def pass_two(self) -> Iterator[tuple[Target, Rows, NDArray[np.int32]]]:
        """All rows again, in the same order."""
        for number, target in enumerate(self._targets):
            for rows in self._kept.pop(number, None) or self._blocks(target):
                yield target, rows, self._steps(target, rows)


@njit(cache=True)
def _count(start, indptr, post, steps, gids, block, n_cells, counts):
    one = steps.size == 1
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            counts[block[post[k]] * n_cells + gid, steps[0] if one else steps[k]] += 1


@njit(cache=True)
def _put(start, indptr, post, steps, weight, gids, block, acc, sign, n_cells, place, out_target, out_weight):
    one_step, one_weight = steps.size == 1, weight.size == 1
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = post[k]
            row, level = block[p] * n_cells + gid, steps[0] if one_step else steps[k]
            at = place[row, level]
            place[row, level] = at + 1
            out_target[at] = acc[p]
            out_weight[at] = sign[p] * (weight[0] if one_weight else weight[k])
