"""What building a store needs of one projection of static synapses: its two sides, its rows, what is known of its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim.connectivity.steps import steps as steps_of
from neurosim.engine.drives import LARGEST_MEAN, Drive
from neurosim.engine.layout import Layout
from neurosim.errors import NetworkError
from neurosim.network import Network, Projection

Int64 = NDArray[np.int64]
Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]

#: Synapses a thread expands at a time: few enough to stay near the processor, many enough to be worth a call.
BLOCK = 500_000
#: Largest delay in steps that a run can describe.
LARGEST_DELAY = (1 << 24) - 1
#: Relative error that a whole multiple of a unit may have in double precision, and multiples that are all exact there.
EXACT, _MOST_MULTIPLE = 1e-14, 2.0**53
#: Bits of ``Target.place``: where block, place in the part and sign begin.
BLOCK_AT, LOCAL_AT, SIGN_AT = 16, 32, 63


class Piece(NamedTuple):
    """Some expanded rows; delays in steps and weights are one per synapse, or one (of no dimension) for all.

    Weights are ``None`` if they were not asked for.
    """

    start: int
    indptr: Int64
    post: NDArray[np.int32]
    steps: NDArray[np.signedinteger]
    weight: NDArray[np.floating] | None

    def rows(self) -> tuple[int, Int64, NDArray[np.int32], NDArray[np.signedinteger]]:
        """What kernels take: first row, where rows begin, targets, steps (one or one per synapse)."""
        return self.start, self.indptr, self.post, np.atleast_1d(self.steps)

    def weights(self, real: type) -> NDArray[np.floating]:
        """Weights of the type that is stored, one or one per synapse."""
        return np.atleast_1d(np.asarray(self.weight, real))

    def bytes(self) -> int:
        """Memory it takes."""
        return sum(array.nbytes for array in (self.indptr, self.post, self.steps, self.weight) if array is not None)


@dataclass(slots=True, eq=False)
class Target:
    """The two sides of a projection, and what is known of its weights.

    ``place`` says where each target cell is: port (16 bits), block (16 bits), place in its part
    (16 bits), and in the highest bit whether the receptor takes weights with the other sign.
    ``alike``: they differ in their places in the part only. ``grain``: what all weights seen so far are whole
    multiples of, 0 if there is no such number or none that would be known beforehand; ``bits`` that any multiple has.
    """

    projection: Projection
    expansion: connectivity.Expansion
    gids: Int64
    place: NDArray[np.uint64]
    ports: tuple[int, ...]
    alike: bool = False
    largest: float = 0.0
    total: float = 0.0
    count: int = 0
    same: float | None = None
    known: bool = False
    grain: float = 0.0
    bits: int = 0
    indegree: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lock: Lock = field(default_factory=Lock)

    def expand(self, block: tuple[int, int], levels: int, real: type | None) -> Piece:
        """Some rows, with delays below ``levels`` and, unless ``real`` is ``None``, weights of that type."""
        steps_type = np.int16 if levels < 32_000 else np.int32
        names = ("delay",) if real is None else ("delay", "weight")
        rows = self.expansion.expand(*block, columns=names, dtypes={"post": np.int32, "delay": steps_type, "weight": real or np.float64})
        steps = np.asarray(rows.columns["delay"], steps_type)
        weight = None if real is None else np.asarray(rows.columns["weight"], real)
        return Piece(rows.start, rows.indptr, np.asarray(rows.post, np.int32), steps, weight)

    def look(self, block: tuple[int, int], levels: int, real: type | None) -> Piece:
        """:meth:`expand` for the first time: with the weights in full precision if they have to be seen."""
        return self.expand(block, levels, real if self.known else np.float64)

    def know(self) -> None:
        """Take the weights from their distribution, if it says enough; else rows have to be seen."""
        span = self.expansion.span("weight")
        if span is None or span.low == span.high or self.grain:
            return
        self.known = True
        self.largest = max(abs(span.low), abs(span.high))
        self.total = span.magnitude  # per synapse; :meth:`finish` makes it that of all

    def see(self, piece: Piece, indegree: NDArray[np.int32]) -> None:
        """Note what some rows have."""
        with self.lock:
            self.indegree += indegree
            self.count += len(piece.post)
            if self.known or piece.weight is None:
                return
            size = np.abs(piece.weight)
            self._see_grain(size)
            self.same = float(size) if size.ndim == 0 else None
            self.largest = max(self.largest, float(size.max(initial=0.0)))
            self.total += float(size) * len(piece.post) if size.ndim == 0 else float(size.sum())

    def _see_grain(self, size: NDArray[np.floating]) -> None:
        if self.grain:
            multiples = size / self.grain
            whole = np.rint(multiples)
            if np.all(np.abs(multiples - whole) <= EXACT * whole) and np.all(whole < _MOST_MULTIPLE):
                self.bits |= int(np.bitwise_or.reduce(whole.astype(np.int64), axis=None, initial=0))
            else:
                self.grain = 0.0

    def finish(self) -> None:
        """Note that all rows were seen."""
        if self.known:
            self.total *= self.count

    def longest_delay(self, dt_ms: float, mapper: Mapper) -> int:
        """Largest delay in steps, or a bound on it."""
        span = self.expansion.span("delay")
        if span is not None:
            longest = steps_of(span.high, dt_ms)
        else:
            longest = int(max(mapper(self._longest_in, self.expansion.blocks(BLOCK)), default=0))
        if longest > LARGEST_DELAY:
            raise NetworkError(
                "a delay has more steps than a synapse can hold.", where=f"Projection '{self.projection.label}'", used=longest,
                limit=LARGEST_DELAY, remedy="Use shorter delays or a larger time step.",
            )  # fmt: skip
        return longest

    def _longest_in(self, block: tuple[int, int]) -> int:
        rows = self.expansion.expand(*block, columns=("delay",), dtypes={"delay": np.int32})
        return int(np.atleast_1d(np.asarray(rows.columns["delay"])).max(initial=0))


def target_of(network: Network, projection: Projection, layout: Layout, ports: dict[tuple[int, int], int]) -> Target:
    """A projection's two sides; receptors of groups that are not in ``ports`` yet are numbered there."""
    gids = layout.gids(projection.post)
    part, local = layout.locate(gids)
    pairs, signs = [], []
    for number, cells in projection.post.parts:
        population = network.populations[number]
        receptor = population.receptor_index(projection.receptor)
        pairs.append((int(layout.group_of[layout.number_of[number]]), receptor, len(cells)))
        signs.append(population.receptors[receptor].sign < 0)
    own = sorted({(group, receptor) for group, receptor, size in pairs if size})
    numbers = [ports.setdefault(pair, len(ports)) for pair in own]
    lengths = [size for *_, size in pairs]
    same = np.array([ports.get(pair[:2], 0) | int(flipped) << SIGN_AT for pair, flipped in zip(pairs, signs, strict=True)], np.uint64)
    block = layout.block_of_part(np.arange(len(layout.parts))).astype(np.uint64) << np.uint64(BLOCK_AT)
    place = np.repeat(same, lengths) | block[part] | local.astype(np.uint64) << np.uint64(LOCAL_AT)
    expansion, indegree, grain = connectivity.Expansion(network, projection), np.zeros(len(place), np.int64), _grain_of(network, projection)
    others = place & ~np.uint64(0xFFFF << LOCAL_AT)
    alike = bool(np.all(others == others[:1]))
    return Target(projection, expansion, layout.gids(projection.pre), place, tuple(numbers), alike, grain=grain, indegree=indegree)


def _grain_of(network: Network, projection: Projection) -> float:
    """What a weight is a multiple of where all targets count in whole numbers of one unit; else 0."""
    units: set[float] = set()
    for number, _ in projection.post.parts:
        population = network.populations[number]
        receptor = population.receptors[population.receptor_index(projection.receptor)]
        unit = np.asarray(receptor.parameters.get("unit", 0.0) if receptor.kind == "fixed" else 0.0)
        units.add(float(unit) if unit.ndim == 0 else 0.0)
    return units.pop() if len(units) == 1 else 0.0


def driven(network: Network, drive: Drive, layout: Layout, ports: dict[tuple[int, int], int]) -> Target:
    """What is known of the weights of a drive."""
    target, size = target_of(network, drive.projection, layout, ports), np.abs(drive.weight)
    target.largest, target.total, target.count = float(size.max(initial=0.0)), float(size.sum()), len(size)
    target.grain = 0.0
    target.same = target.largest if len(size) and np.all(size == size[0]) else None
    target.indegree[:] = int(LARGEST_MEAN)
    return target
