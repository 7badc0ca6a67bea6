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
from neurosim.engine import layout as lay
from neurosim.engine import synapses
from neurosim.engine.layout import Layout
from neurosim.engine.program import Static
from neurosim.engine.synapses import delay_steps
from neurosim.network import Network, Projection, Rows

Int64 = NDArray[np.int64]

#: Synapses kept between the passes instead of being expanded again.
KEPT = 10_000_000
#: Largest rounding of packed weights, relative to the mean weight of every projection.
PACKED_ERROR = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """The store and its segments: source, block, first and last synapse, delay and base of each."""

    store: Static
    pieces: tuple[Int64, Int64, Int64, Int64, Int64]
    base: Int64
    n_ports: int
    n_synapses: int
    min_delay: int
    max_delay: int


@dataclass(slots=True, eq=False)
class Target:
    """The two sides of a projection, and the range of its weights as far as seen.

    A *port* is one receptor of one group of cells; ``local`` is a cell's place in its part.
    """

    projection: Projection
    gids: Int64
    block: NDArray[np.int32]
    port: NDArray[np.int32]
    local: NDArray[np.uint16]
    sign: NDArray[np.float64]
    largest: float = 0.0
    total: float = 0.0
    count: int = 0

    def see(self, rows: Rows) -> None:
        """Note the weights of some rows."""
        weight = np.abs(np.asarray(rows.columns["weight"], np.float64))
        self.largest = max(self.largest, float(weight.max(initial=0.0)))
        self.total += float(weight) * rows.size if weight.ndim == 0 else float(weight.sum())
        self.count += rows.size


def build_static(network: Network, projections: list[Projection], layout: Layout, dtype: type) -> Built:
    """Store of all static projections, sorted by block, source, port and delay.

    Within one of these synapses are in the order of projections, then of expansion, whatever the
    number of blocks. In single precision weights are packed into 16 bits where that moves no
    weight by more than a thousandth of the mean weight of its projection.
    """
    ports: dict[tuple[int, int], int] = {}
    source = _Source(network, [_target(network, p, layout, ports) for p in projections])
    counts = np.zeros((layout.n_blocks * layout.n_cells, max(len(ports), 1), 1), np.int32)
    for target, rows, steps in source.pass_one():
        highest = int(steps.max(initial=0))
        if highest >= counts.shape[2]:
            counts = np.pad(counts, ((0, 0), (0, 0), (0, highest + 1 - counts.shape[2])))
        target.see(rows)
        _count(rows.start, rows.indptr, rows.post, steps, target.gids, target.block, target.port, layout.n_cells, counts)
    row, port, level = np.nonzero(counts)
    length = counts[row, port, level].astype(np.int64)
    stop = np.cumsum(length)
    place = np.zeros(counts.shape, np.int64)
    place[row, port, level] = stop - length
    del counts
    store = _empty_store(int(stop[-1]) if len(stop) else 0, source.targets, dtype)
    for target, rows, steps in source.pass_two():
        weight = np.atleast_1d(np.asarray(rows.columns["weight"], np.float64))
        sides = (target.gids, target.block, target.port, target.local, target.sign)
        _put(rows.start, rows.indptr, rows.post, steps, weight, *sides, layout.n_cells, place, *store)
    pieces = (row % layout.n_cells, row // layout.n_cells, stop - length, stop, level)
    base = _bases(layout, ports)[row // layout.n_cells, port]
    shortest, longest = (int(level.min()), int(level.max())) if len(level) else (0, 0)
    return Built(store, pieces, base, len(ports), int(length.sum()), shortest, longest)


def _target(network: Network, projection: Projection, layout: Layout, ports: dict[tuple[int, int], int]) -> Target:
    part, receptor, local = synapses.ports(network, projection, layout)
    group = layout.parts[part, lay.GROUP]
    numbers = np.zeros(len(group), np.int32)
    for pair in sorted({(int(g), int(r)) for g, r in set(zip(group.tolist(), receptor.tolist(), strict=True))}):
        numbers[(group == pair[0]) & (receptor == pair[1])] = ports.setdefault(pair, len(ports))
    block = layout.block_of_part(part).astype(np.int32)
    sign = synapses.signs(network, projection)
    return Target(projection, layout.gids(projection.pre), block, numbers, local.astype(np.uint16), sign)


def _bases(layout: Layout, ports: dict[tuple[int, int], int]) -> Int64:
    """First accumulator of each port in each block."""
    base = np.zeros((layout.n_blocks, max(len(ports), 1)), np.int64)
    for (group, receptor), number in ports.items():
        part = layout.parts[layout.block_ptr[:-1] + group]
        base[:, number] = part[:, lay.O_ACC] + receptor * part[:, lay.SIZE]
    return base


def _empty_store(n: int, targets: list[Target], dtype: type) -> Static:
    scale = max((t.largest for t in targets), default=0.0) / 32767.0
    finest = min((t.total / t.count for t in targets if t.count and t.total), default=0.0)
    if dtype is np.float32 and n and 0.5 * scale <= PACKED_ERROR * finest:
        return Static(np.empty(0, np.uint16), np.empty(0, dtype), np.empty(n, np.uint32), scale)
    return Static(np.empty(n, np.uint16), np.empty(n, dtype), np.empty(0, np.uint32), 0.0)


class _Source:
    """Expanded rows of all projections, twice; small ones are kept for the second time."""

    def __init__(self, network: Network, targets: list[Target]) -> None:
        self._network, self.targets = network, targets
        self._kept: dict[int, list[Rows]] = {}

    def _blocks(self, target: Target) -> Iterator[Rows]:
        return connectivity.iterate(self._network, target.projection)

    def _steps(self, target: Target, rows: Rows) -> NDArray[np.int32]:
        return delay_steps(rows.columns["delay"], self._network.dt, target.projection.label)

    def pass_one(self) -> Iterator[tuple[Target, Rows, NDArray[np.int32]]]:
        """All rows, keeping the first ten million synapses."""
        room = KEPT
        for number, target in enumerate(self.targets):
            kept: list[Rows] | None = []
            for rows in self._blocks(target):
                room -= rows.size
                kept = [*kept, rows] if kept is not None and room >= 0 else None
                yield target, rows, self._steps(target, rows)
            if kept is not None:
                self._kept[number] = kept

    def pass_two(self) -> Iterator[tuple[Target, Rows, NDArray[np.int32]]]:
        """All rows again, in the same order."""
        for number, target in enumerate(self.targets):
            for rows in self._kept.pop(number, None) or self._blocks(target):
                yield target, rows, self._steps(target, rows)


@njit(cache=True)
def _count(start, indptr, post, steps, gids, block, port, n_cells, counts):
    one = steps.size == 1
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = post[k]
            counts[block[p] * n_cells + gid, port[p], steps[0] if one else steps[k]] += 1


@njit(cache=True)
def _put(start, indptr, post, steps, weight, gids, block, port, local, sign, n_cells, place, out_target, out_weight, out_word, scale):
    one_step, one_weight, packed = steps.size == 1, weight.size == 1, out_word.size > 0
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = post[k]
            row, level = block[p] * n_cells + gid, steps[0] if one_step else steps[k]
            at = place[row, port[p], level]
            place[row, port[p], level] = at + 1
            value = sign[p] * (weight[0] if one_weight else weight[k])
            if packed:
                code = np.int64(np.rint(value / scale))
                out_word[at] = np.uint32(((code & 0xFFFF) << 16) | np.int64(local[p]))
            else:
                out_target[at] = local[p]
                out_weight[at] = value
