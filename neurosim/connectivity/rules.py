"""Rules that enumerate pairs or take each with a probability; see :class:`neurosim.network.Rule`.

Every rule is a frozen value. ``allow_self`` False leaves out the synapse of a cell onto itself,
also where views overlap (the cell is found through ``Ends.same``). All random choices are keyed by
the projection's seed and the row (``FixedIn``: the column). Rules with fixed numbers are in
:mod:`.counted`.

A rule is *prepared* once for its two sides; what that gives expands any rows, from several threads
at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import log1p
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.columns import Expression, Floats, Integers
from neurosim.connectivity import _arguments as arguments
from neurosim.connectivity import degrees, kernels
from neurosim.connectivity.distributions import quantiles
from neurosim.connectivity.geometry import end_positions, pair_values
from neurosim.connectivity.quantiles import CHUNK
from neurosim.connectivity.random import stream
from neurosim.errors import ParameterError
from neurosim.network import Ends

Targets = NDArray[np.int32]
Topology = tuple[Integers, Targets]

_TILE = 1 << 16
"""Pairs evaluated at once: their temporaries stay in the cache."""


class Prepared(NamedTuple):
    """A rule with its two sides.

    Attributes
    ----------
    expand
        ``(start, stop) -> (indptr, post)``: int64 (n_rows + 1,) and int32 (n_synapses,).
    before
        Number of synapses before each row, float64 (n_pre + 1,): known, or expected evenly.
    cuts
        Rows at which expanding in blocks costs nothing extra; ``None`` if all are alike.
    costly
        Whether expanding takes longer than writing the synapses to memory and reading them.
    """

    expand: Callable[[int, int], Topology]
    before: Floats
    cuts: Integers | None = None
    costly: bool = False


class Preparable:
    """Rules whose ``expand`` is what their ``prepare`` gives."""

    __slots__ = ()

    def prepare(self, ends: Ends) -> Prepared:
        """The rule with its two sides, ready to expand rows."""
        raise NotImplementedError

    def expand(self, start: int, stop: int, ends: Ends) -> tuple[Integers, Integers]:
        """``(indptr, post)`` of rows start..stop-1."""
        indptr, post = self.prepare(ends).expand(start, stop)
        return indptr, post.astype(np.int64)


def pointers(counts: Integers) -> Integers:
    """Position before each of ``counts``, and after the last."""
    found = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=found[1:])
    return found


def evenly(total: float, ends: Ends) -> Floats:
    """``total`` synapses spread over all rows, cumulated."""
    return np.linspace(0.0, total, ends.n_pre + 1)


@dataclass(frozen=True, slots=True, eq=False)
class AllToAll(Preparable):
    """Every presynaptic cell to every postsynaptic one."""

    allow_self: bool = True
    exact: ClassVar[bool] = True

    def expected(self, ends: Ends) -> float:
        """Exact number of synapses."""
        return float(degrees.open_pairs(ends, self.allow_self))

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """Exact largest degree."""
        degrees.check_query(quantile, side)
        return degrees.open_partners(ends, self.allow_self, side)

    def prepare(self, ends: Ends) -> Prepared:
        """Rows of all cells, or of all but one."""
        closed = degrees.excluded(ends, self.allow_self)
        before = pointers(ends.n_post - (closed >= 0))
        return Prepared(partial(_all_but_one, ends.n_post, closed, before), before.astype(np.float64))


def _all_but_one(n_post: int, excluded: Integers, before: Integers, start: int, stop: int) -> Topology:
    closed, indptr = excluded[start:stop], before[start : stop + 1] - before[start]
    cells = np.arange(n_post, dtype=np.int32)
    if (closed < 0).all():
        return indptr, np.tile(cells, stop - start)
    if (closed >= 0).all():
        post = np.empty((stop - start, n_post - 1), np.int32)
        np.greater_equal(cells[:-1], closed[:, None], out=post, casting="unsafe")
        post += cells[:-1]
        return indptr, post.ravel()
    return indptr, np.broadcast_to(cells, (stop - start, n_post))[cells != closed[:, None]]


@dataclass(frozen=True, slots=True, eq=False)
class OneToOne(Preparable):
    """Cell i to cell i; cells beyond the smaller side have no partner (as in PyNN)."""

    exact: ClassVar[bool] = True

    def expected(self, ends: Ends) -> float:
        """Exact number of synapses."""
        return float(min(ends.n_pre, ends.n_post))

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """1, or 0 if a side is empty."""
        degrees.check_query(quantile, side)
        return min(1, ends.n_pre, ends.n_post)

    def prepare(self, ends: Ends) -> Prepared:
        """Rows of one cell or none."""
        return Prepared(partial(_diagonal, ends.n_post), np.minimum(np.arange(ends.n_pre + 1.0), ends.n_post))


def _diagonal(n_post: int, start: int, stop: int) -> Topology:
    indptr = np.minimum(np.arange(start, stop + 1), max(start, n_post)) - start
    return indptr, np.arange(start, start + indptr[-1], dtype=np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Bernoulli(Preparable):
    """Every pair with probability ``p`` (PyNN's fixed probability), 0 <= p <= 1."""

    p: float
    allow_self: bool = True
    exact: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", arguments.probability(self.p, "Bernoulli"))

    def expected(self, ends: Ends) -> float:
        """Expected number of synapses."""
        return self.p * degrees.open_pairs(ends, self.allow_self)

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """Binomial quantile for all cells of the side together."""
        degrees.check_query(quantile, side)
        partners = degrees.open_partners(ends, self.allow_self, side)
        return degrees.binomial_bound(partners, self.p, ends.n_post if side == "in" else ends.n_pre, quantile)

    def prepare(self, ends: Ends) -> Prepared:
        """Rows by geometric skips."""
        if self.p == 1.0:
            return AllToAll(self.allow_self).prepare(ends)
        draw = partial(_skipped, stream(ends.seed, "rule"), self.p, ends.n_post, degrees.excluded(ends, self.allow_self))
        return Prepared(draw, evenly(self.expected(ends), ends))


def _skipped(base: np.uint64, p: float, n_post: int, excluded: Integers, start: int, stop: int) -> Topology:
    """Rows in which every cell is taken with probability ``p`` < 1."""
    indptr = np.zeros(stop - start + 1, np.int64)
    if p == 0.0 or n_post == 0:
        return indptr, np.empty(0, np.int32)
    mean, in_row = p * (stop - start) * n_post, p * n_post
    chunk = min(CHUNK, int(in_row + 2.0 * in_row**0.5) + 4)
    skips = quantiles("exponential", {"beta": 1.0})
    assert skips is not None
    law = (n_post, skips.cubics, -1.0 / log1p(-p), excluded[start:stop], np.empty(chunk), np.empty(chunk, np.uint64))
    post = np.empty(int(mean + 8.0 * mean**0.5) + n_post + 64, np.int32)
    row = kernels.fill_bernoulli(base, start, 0, *law, indptr, post)
    while row < stop - start:
        post = np.concatenate([post, np.empty(len(post) // 4 + n_post, np.int32)])
        row = kernels.fill_bernoulli(base, start, row, *law, indptr, post)
    return indptr, post[: indptr[-1]]


@dataclass(frozen=True, slots=True, eq=False)
class DistanceDependent(Preparable):
    """Every pair with the probability that an expression of its distance (or indices) gives.

    Values above 1 act as 1 and values below 0 as 0, as in PyNN. All three answers evaluate the
    expression for every pair, in tiles.
    """

    probability: Expression
    allow_self: bool = True
    exact: ClassVar[bool] = False

    def _tiles(self, start: int, stop: int, ends: Ends) -> Iterator[tuple[int, Floats]]:
        """First row and probabilities (n_rows, n_post) of successive rows, clipped to [0, 1]."""
        positions = end_positions(self.probability, ends)
        step = max(1, _TILE // max(1, ends.n_post))
        post = np.arange(ends.n_post)[None, :]
        for first in range(start, stop, step):
            rows = np.arange(first, min(stop, first + step))[:, None]
            values = pair_values(self.probability, rows, post, positions)
            if np.isnan(values).any():
                raise ParameterError(
                    f"the probability of {np.count_nonzero(np.isnan(values))} pairs from row {first} on is not a number.",
                    where="Rule DistanceDependent",
                    used=float("nan"),
                    limit="0 <= p <= 1",
                    remedy="Check the expression at distance 0 and far away.",
                )
            yield first, np.clip(values, 0.0, 1.0)

    def _means(self, ends: Ends) -> tuple[Floats, Floats]:
        """Expected degree of every presynaptic and of every postsynaptic cell."""
        out_degrees, in_degrees = np.zeros(ends.n_pre), np.zeros(ends.n_post)
        closed = degrees.excluded(ends, self.allow_self)
        for first, values in self._tiles(0, ends.n_pre, ends):
            forbidden = closed[first : first + len(values)]
            rows = np.flatnonzero(forbidden >= 0)
            values[rows, forbidden[rows]] = 0.0
            out_degrees[first : first + len(values)] = values.sum(axis=1)
            in_degrees += values.sum(axis=0)
        return out_degrees, in_degrees

    def expected(self, ends: Ends) -> float:
        """Expected number of synapses."""
        return float(self._means(ends)[0].sum())

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """Binomial quantile with the largest mean degree."""
        degrees.check_query(quantile, side)
        mean, partners = self._means(ends)[side == "in"], degrees.open_partners(ends, self.allow_self, side)
        highest = float(mean.max(initial=0.0))
        return degrees.binomial_bound(partners, highest / max(1, partners), len(mean), quantile)

    def prepare(self, ends: Ends) -> Prepared:
        """Rows pair by pair; that counts for their cost, so the rows count as full."""
        return Prepared(partial(self._thinned, ends), evenly(float(ends.n_pre * ends.n_post), ends), costly=True)

    def _thinned(self, ends: Ends, start: int, stop: int) -> Topology:
        closed, base = degrees.excluded(ends, self.allow_self)[start:stop], stream(ends.seed, "rule")
        counts, parts = np.zeros(stop - start + 1, np.int64), [np.empty(0, np.int32)]
        for first, values in self._tiles(start, stop, ends):
            found = np.empty(values.size, np.int32)
            size = kernels.fill_thinned(base, start, first - start, values, closed, counts, found)
            parts.append(found[:size].copy())
        return np.cumsum(counts), np.concatenate(parts)
