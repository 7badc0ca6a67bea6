"""Builds the store of static synapses in two passes, with no memory beyond the store itself.

The first pass counts the synapses of every (block, source, delay), the second puts each one at its
place. Rules are expanded twice instead of being kept: expansion is cheap and repeatable, sorting
hundreds of millions of synapses is neither. What fits easily is kept between the passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim._jit import entry
from neurosim.engine import layout as lay
from neurosim.engine import synapses
from neurosim.engine.delivery import LONGEST_RUN
from neurosim.engine.layout import Layout
from neurosim.engine.program import Static
from neurosim.engine.synapses import delay_steps
from neurosim.errors import NetworkError
from neurosim.network import Network, Projection, Rows

Int64 = NDArray[np.int64]

#: Synapses kept between the passes instead of being expanded again.
KEPT = 10_000_000
#: Largest rounding of packed weights in single precision, relative to the mean weight of every projection.
PACKED_ERROR = 1e-3
#: The same in double precision, where weights are only packed if they are multiples of one unit.
EXACT = 1e-14
#: Largest packed weight and largest sum of them, in units; spikes of one source in one step that sums have room for.
_LARGEST_CODE, _LARGEST_SUM, _BURST = (1 << 15) - 1, (1 << 31) - 1, 8
#: Most ports, and largest delay in steps, that a run can describe.
MOST_PORTS, LARGEST_DELAY = 255, (1 << 24) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """The store, the unit of packed weights by (group, receptor) (0: not packed), and what the queues need."""

    store: Static
    units: dict[tuple[int, int], float]
    most: int
    n_synapses: int
    min_delay: int
    max_delay: int


@dataclass(slots=True, eq=False)
class Target:
    """The two sides of a projection, and the range of its weights as far as seen.

    ``port`` is the port of each target cell, ``local`` its place in its part.
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
    same: float | None = None
    indegree: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))

    def see(self, rows: Rows) -> None:
        """Note the weights of some rows."""
        weight = np.abs(np.asarray(rows.columns["weight"], np.float64))
        self.same = float(weight) if weight.ndim == 0 else None
        self.largest = max(self.largest, float(weight.max(initial=0.0)))
        self.total += float(weight) * rows.size if weight.ndim == 0 else float(weight.sum())
        self.count += rows.size


def build_static(network: Network, projections: list[Projection], layout: Layout, dtype: type) -> Built:
    """Store of all static projections, sorted by block, source, port and delay.

    Within one of these synapses are in the order of projections, then of expansion, whatever the
    number of blocks. Weights are packed into 16 bits where, in single precision, that moves no weight
    by more than a thousandth of the mean weight of its projection, and in double precision where
    it moves none at all.
    """
    ports: dict[tuple[int, int], int] = {}
    source = _Source(network, [_target(network, p, layout, ports) for p in projections])
    counts = np.zeros((layout.n_blocks * layout.n_cells, max(len(ports), 1), 1), np.int32)
    for target, rows, steps in source.pass_one():
        highest = int(steps.max(initial=0))
        if highest >= counts.shape[2]:
            counts = np.pad(counts, ((0, 0), (0, 0), (0, highest + 1 - counts.shape[2])))
        target.see(rows)
        _count(rows.start, rows.indptr, rows.post, steps, target.gids, target.block, target.port, layout.n_cells, counts, target.indegree)
    rows, runs, place, longest = _index(counts)
    delays = np.flatnonzero(counts.any(axis=(0, 1)))
    del counts
    n = int(rows[-1, 1])
    units = _units(source.targets, len(ports), dtype)
    packed = bool(n) and bool(np.all(units > 0))
    store = Static(
        rows, runs, _bases(layout, ports), np.empty(0 if packed else n, np.uint16), np.empty(0 if packed else n, dtype),
        np.empty(n if packed else 0, np.uint32),
    )  # fmt: skip
    for target, rows, steps in source.pass_two():
        weight = np.atleast_1d(np.asarray(rows.columns["weight"], np.float64))
        sides = (target.gids, target.block, target.port, target.local, target.sign)
        _put(
            rows.start, rows.indptr, rows.post, steps, weight, *sides, layout.n_cells, place, store.target, store.weight, store.word, units
        )
    most = max(len(ports), 1) * (1 + longest // LONGEST_RUN)
    shortest, last = (int(delays[0]), int(delays[-1])) if len(delays) else (0, 0)
    return Built(store, {key: float(units[port]) if packed else 0.0 for key, port in ports.items()}, most, n, shortest, last)


def _index(counts: NDArray[np.int32]) -> tuple[Int64, NDArray[np.uint64], Int64, int]:
    """Rows and runs of a table of counts (row, port, delay), the first place of each entry, the longest run."""
    rows = np.zeros((len(counts) + 1, 2), np.int64)
    longest = _measure_rows(counts, rows[1:])
    np.cumsum(rows, axis=0, out=rows)
    runs, place = np.empty(rows[-1, 0], np.uint64), np.empty(counts.shape, np.int64)
    _fill_runs(counts, rows, runs, place)
    return rows, runs, place, longest


def _units(targets: list[Target], n_ports: int, dtype: type) -> NDArray[np.float64]:
    """Unit of packed weights of each port, 0 where packing would lose too much."""
    units = np.zeros(max(n_ports, 1))
    for port in range(n_ports):
        seen = [t for t in targets if t.total and (t.port == port).any()]
        if not seen:
            units[port] = 1.0
            continue
        largest = min(_LARGEST_CODE, _LARGEST_SUM // (_BURST * max(sum(int(t.indegree.max(initial=0)) for t in seen), 1)))
        same = [t.same for t in seen if t.same is not None]
        if len(same) == len(seen):
            unit, codes = min(same), np.array(same) / min(same)
            if codes.max() <= largest and np.all(np.abs(codes - np.rint(codes)) <= EXACT * codes):
                units[port] = unit
                continue
        unit = max(t.largest for t in seen) / max(largest, 1)
        if dtype is np.float32 and 0.5 * unit <= PACKED_ERROR * min(t.total / t.count for t in seen):
            units[port] = unit
    return units


def _target(network: Network, projection: Projection, layout: Layout, ports: dict[tuple[int, int], int]) -> Target:
    part, receptor, local = synapses.ports(network, projection, layout)
    group = layout.parts[part, lay.GROUP]
    numbers = np.zeros(len(group), np.int32)
    for pair in sorted({(int(g), int(r)) for g, r in set(zip(group.tolist(), receptor.tolist(), strict=True))}):
        numbers[(group == pair[0]) & (receptor == pair[1])] = ports.setdefault(pair, len(ports))
    block = layout.block_of_part(part).astype(np.int32)
    sign = synapses.signs(network, projection)
    indegree = np.zeros(len(local), np.int32)
    return Target(projection, layout.gids(projection.pre), block, numbers, local.astype(np.uint16), sign, indegree=indegree)


def _bases(layout: Layout, ports: dict[tuple[int, int], int]) -> Int64:
    """First accumulator of each port in each block."""
    if len(ports) > MOST_PORTS:
        raise NetworkError(
            "too many receptors receive static synapses.", where="engine", used=len(ports), limit=MOST_PORTS,
            remedy="Use fewer different kinds of receptors or models in one network.",
        )  # fmt: skip
    base = np.zeros((layout.n_blocks, max(len(ports), 1)), np.int64)
    for (group, receptor), number in ports.items():
        part = layout.parts[layout.block_ptr[:-1] + group]
        base[:, number] = part[:, lay.O_ACC] + receptor * part[:, lay.SIZE]
    return base


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


@entry()
def _count(start, indptr, post, steps, gids, block, port, n_cells, counts, indegree):
    one = steps.size == 1
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = post[k]
            counts[block[p] * n_cells + gid, port[p], steps[0] if one else steps[k]] += 1
            indegree[p] += 1


@entry()
def _measure_rows(counts, out):
    """Runs and synapses of every row; returns the length of the longest run."""
    longest = 0
    for row in range(counts.shape[0]):
        for port in range(counts.shape[1]):
            for level in range(counts.shape[2]):
                length = np.int64(counts[row, port, level])
                out[row, 0] += -(-length // LONGEST_RUN)
                out[row, 1] += length
                longest = max(longest, length)
    return longest


@entry()
def _fill_runs(counts, rows, runs, place):
    """Runs of every row in the order of ports and delays, and where each entry's first synapse goes."""
    for row in range(counts.shape[0]):
        at, e = rows[row, 1], rows[row, 0]
        for port in range(counts.shape[1]):
            for level in range(counts.shape[2]):
                place[row, port, level] = at
                left = np.int64(counts[row, port, level])
                at += left
                while left > 0:
                    length = min(left, LONGEST_RUN)
                    runs[e] = np.uint64(length | (port << 32) | (level << 40))
                    e += 1
                    left -= length


@entry()
def _put(start, indptr, post, steps, weight, gids, block, port, local, sign, n_cells, place, out_target, out_weight, out_word, units):
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
                code = np.int64(np.rint(value / units[port[p]]))
                out_word[at] = np.uint32(((code & 0xFFFF) << 16) | np.int64(local[p]))
            else:
                out_target[at] = local[p]
                out_weight[at] = value
