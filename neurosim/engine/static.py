"""Builds the store of static synapses in two passes, with little memory beyond the store itself.

The first pass counts the synapses of every (block, source, port, delay), the second puts each one
at its place. Rules are expanded twice instead of being kept: expansion is cheap and repeatable,
sorting hundreds of millions of synapses is neither. Rows of one projection have different sources
and so touch different places: threads share them without a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim._jit import entry
from neurosim.connectivity.steps import steps as steps_of
from neurosim.engine import layout as lay
from neurosim.engine import synapses
from neurosim.engine.delivery import LONGEST_RUN
from neurosim.engine.drives import LARGEST_MEAN, Drive
from neurosim.engine.layout import Layout
from neurosim.engine.program import Static
from neurosim.errors import NetworkError
from neurosim.network import Network, Projection, Rows

Int64 = NDArray[np.int64]
Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]

#: Synapses a thread expands at a time: few enough to stay near the processor, many enough to be worth a call.
BLOCK = 500_000
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
    """The two sides of a projection, and what is known of its weights.

    ``place`` says where each target cell is: port (16 bits), block (16 bits), place in its part
    (16 bits), and in the highest bit whether the receptor takes weights with the other sign.
    """

    projection: Projection
    expansion: connectivity.Expansion
    gids: Int64
    place: NDArray[np.uint64]
    ports: tuple[int, ...]
    largest: float = 0.0
    total: float = 0.0
    count: int = 0
    same: float | None = None
    indegree: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lock: Lock = field(default_factory=Lock)

    def see(self, rows: Rows, indegree: NDArray[np.int32]) -> None:
        """Note what some rows have."""
        weight = rows.columns.get("weight")
        with self.lock:
            self.indegree += indegree
            self.count += rows.size
            if weight is None:
                return
            size = np.abs(np.asarray(weight, np.float64))
            self.same = float(size) if size.ndim == 0 else None
            self.largest = max(self.largest, float(size.max(initial=0.0)))
            self.total += float(size) * rows.size if size.ndim == 0 else float(size.sum())

    def know(self) -> bool:
        """Take the weights from their distribution, if it says enough; else rows have to be seen."""
        span = self.expansion.span("weight")
        if span is None or span.low == span.high:
            return False
        self.largest = max(abs(span.low), abs(span.high))
        self.total = span.magnitude  # per synapse; the count is set to match below
        return True


def build_static(
    network: Network, projections: list[Projection], layout: Layout, dtype: type, threads: int = 1, drives: list[Drive] | None = None
) -> Built:
    """Store of all static projections, sorted by block, source, port and delay.

    Within one of these synapses are in the order of projections, then of expansion, whatever the
    number of blocks. Weights are packed into 16 bits where, in single precision, that moves no weight
    by more than a thousandth of the mean weight of its projection, and in double precision where
    it moves none at all. Weights of ``drives`` are not stored here but share the units.
    """
    ports: dict[tuple[int, int], int] = {}
    targets = [_target(network, p, layout, ports) for p in projections]
    driven = [_driven(network, d, layout, ports) for d in drives or []]
    bases = _bases(layout, ports)
    if threads == 1:
        return _build(network.dt, targets, driven, layout, ports, bases, dtype, map)
    with ThreadPoolExecutor(threads, "neurosim-build") as pool:
        return _build(network.dt, targets, driven, layout, ports, bases, dtype, pool.map)


def _driven(network: Network, drive: Drive, layout: Layout, ports: dict[tuple[int, int], int]) -> Target:
    """What is known of the weights of a drive."""
    target, size = _target(network, drive.projection, layout, ports), np.abs(drive.weight)
    target.largest, target.total, target.count = float(size.max(initial=0.0)), float(size.sum()), len(size)
    target.same = target.largest if len(size) and np.all(size == size[0]) else None
    target.indegree[:] = int(LARGEST_MEAN)
    return target


def _build(
    dt_ms: float, targets: list[Target], driven: list[Target], layout: Layout, ports: dict[tuple[int, int], int], bases: Int64, dtype: type,
    mapper: Mapper,
) -> Built:  # fmt: skip
    levels = 1 + max((_longest_delay(t, dt_ms, mapper) for t in targets), default=0)
    counts = np.zeros((layout.n_blocks * layout.n_cells, max(len(ports), 1), levels), np.int32)
    for target in targets:
        _count_all(target, layout.n_cells, counts, levels, mapper)
    rows, runs, longest = _index(counts)
    delays = np.flatnonzero(np.bincount((runs >> np.uint64(40)).astype(np.int64), minlength=1))
    n = int(rows[-1, 1])
    units = _units([*targets, *driven], len(ports), dtype)
    packed = bool(n or driven) and bool(np.all(units > 0))
    empty = np.empty(0, np.uint16), np.empty(0, dtype), np.empty(0, np.uint32)
    columns = (*empty[:2], np.empty(n, np.uint32)) if packed else (np.empty(n, np.uint16), np.empty(n, dtype), empty[2])
    store = Static(rows, runs, bases, *columns)
    for target in targets:
        _put_all(target, layout.n_cells, counts, store, units, levels, mapper)
    most = max(len(ports), 1) * (1 + longest // LONGEST_RUN)
    shortest, last = (int(delays[0]), int(delays[-1])) if len(delays) else (0, 0)
    return Built(store, {key: float(units[port]) if packed else 0.0 for key, port in ports.items()}, most, n, shortest, last)


def _longest_delay(target: Target, dt_ms: float, mapper: Mapper) -> int:
    """Largest delay of a projection in steps, or a bound on it."""
    span = target.expansion.span("delay")
    if span is not None:
        longest = steps_of(span.high, dt_ms)
    else:
        pieces = mapper(lambda block: _steps(target, *block, np.int32).max(initial=0), target.expansion.blocks(BLOCK))  # pyright: ignore[reportCallIssue]
        longest = int(max(pieces, default=0))
    if longest > LARGEST_DELAY:
        raise NetworkError(
            "a delay has more steps than a synapse can hold.", where=f"Projection '{target.projection.label}'", used=longest,
            limit=LARGEST_DELAY, remedy="Use shorter delays or a larger time step.",
        )  # fmt: skip
    return longest


def _steps(target: Target, start: int, stop: int, dtype: Any) -> NDArray[Any]:
    rows = target.expansion.expand(start, stop, columns=("delay",), dtypes={"delay": dtype})
    return np.atleast_1d(np.asarray(rows.columns["delay"]))


def _count_all(target: Target, n_cells: int, counts: NDArray[np.int32], levels: int, mapper: Mapper) -> None:
    known = target.know()
    dtypes = {"post": np.int32, "delay": _steps_type(levels)}

    def work(block: tuple[int, int]) -> None:
        rows = target.expansion.expand(*block, columns=("delay",) if known else ("delay", "weight"), dtypes=dtypes)
        indegree = np.zeros(len(target.place), np.int32)
        delay = np.atleast_1d(np.asarray(rows.columns["delay"], _steps_type(levels)))
        _count(rows.start, rows.indptr, rows.post, delay, target.gids, target.place, n_cells, counts, indegree)
        target.see(rows, indegree)

    for _ in mapper(work, target.expansion.blocks(BLOCK)):
        pass
    if known:
        target.total *= target.count


def _put_all(
    target: Target, n_cells: int, place: NDArray[np.int32], store: Static, units: NDArray[np.float64], levels: int, mapper: Mapper
) -> None:
    real = np.float32 if store.weight.dtype == np.float32 else np.float64
    dtypes = {"post": np.int32, "delay": _steps_type(levels), "weight": real}

    def work(block: tuple[int, int]) -> None:
        rows = target.expansion.expand(*block, columns=("delay", "weight"), dtypes=dtypes)
        delay = np.atleast_1d(np.asarray(rows.columns["delay"], _steps_type(levels)))
        weight = np.atleast_1d(np.asarray(rows.columns["weight"], real))
        sides = (target.gids, target.place, n_cells, place, store.rows)
        _put(rows.start, rows.indptr, rows.post, delay, weight, *sides, store.target, store.weight, store.word, units)

    for _ in mapper(work, target.expansion.blocks(BLOCK)):
        pass


def _steps_type(levels: int) -> Any:
    return np.int16 if levels < 32_000 else np.int32


def _index(counts: NDArray[np.int32]) -> tuple[Int64, NDArray[np.uint64], int]:
    """Rows and runs of a table of counts (row, port, delay), and the longest run.

    Each count is replaced by the place of its first synapse in its row.
    """
    rows = np.zeros((len(counts) + 1, 2), np.int64)
    longest = _measure_rows(counts, rows[1:])
    np.cumsum(rows, axis=0, out=rows)
    runs = np.empty(rows[-1, 0], np.uint64)
    _fill_runs(counts, rows, runs)
    return rows, runs, longest


def _units(targets: list[Target], n_ports: int, dtype: type) -> NDArray[np.float64]:
    """Unit of packed weights of each port, 0 where packing would lose too much."""
    units = np.zeros(max(n_ports, 1))
    for port in range(n_ports):
        seen = [t for t in targets if t.total and port in t.ports]
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
    numbers = np.zeros(len(group), np.uint64)
    own = sorted({(int(g), int(r)) for g, r in set(zip(group.tolist(), receptor.tolist(), strict=True))})
    for pair in own:
        numbers[(group == pair[0]) & (receptor == pair[1])] = ports.setdefault(pair, len(ports))
    block = layout.block_of_part(part).astype(np.uint64)
    flipped = (synapses.signs(network, projection) < 0).astype(np.uint64)
    place = numbers | block << np.uint64(16) | local.astype(np.uint64) << np.uint64(32) | flipped << np.uint64(63)
    expansion = connectivity.Expansion(network, projection)
    indegree = np.zeros(len(place), np.int64)
    return Target(projection, expansion, layout.gids(projection.pre), place, tuple(ports[pair] for pair in own), indegree=indegree)


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
        base[:, number] = lay.first_accumulator(part, receptor)
    return base


@entry(nogil=True)
def _count(start, indptr, post, steps, gids, place, n_cells, counts, indegree):
    one = steps.size == 1
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = place[post[k]]
            row = np.int64(p >> np.uint64(16)) & 0xFFFF
            counts[row * n_cells + gid, np.int64(p) & 0xFFFF, steps[0] if one else steps[k]] += 1
            indegree[post[k]] += 1


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
def _fill_runs(counts, rows, runs):
    """Runs of every row in the order of ports and delays; counts become first places in the row."""
    for row in range(counts.shape[0]):
        at, e = 0, rows[row, 0]
        for port in range(counts.shape[1]):
            for level in range(counts.shape[2]):
                left = np.int64(counts[row, port, level])
                counts[row, port, level] = at
                at += left
                while left > 0:
                    length = min(left, LONGEST_RUN)
                    runs[e] = np.uint64(length | (port << 32) | (level << 40))
                    e += 1
                    left -= length


@entry(nogil=True)
def _put(start, indptr, post, steps, weight, gids, place, n_cells, places, rows, out_target, out_weight, out_word, units):
    one_step, one_weight, packed = steps.size == 1, weight.size == 1, out_word.size > 0
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = place[post[k]]
            port, local = np.int64(p) & 0xFFFF, np.int64(p >> np.uint64(32)) & 0xFFFF
            row = (np.int64(p >> np.uint64(16)) & 0xFFFF) * n_cells + gid
            level = steps[0] if one_step else steps[k]
            at = rows[row, 1] + places[row, port, level]
            places[row, port, level] += 1
            value = weight[0] if one_weight else weight[k]
            if p >> np.uint64(63):
                value = -value
            if packed:
                code = np.int64(np.rint(value / units[port]))
                out_word[at] = np.uint32(((code & 0xFFFF) << 16) | local)
            else:
                out_target[at] = local
                out_weight[at] = value
