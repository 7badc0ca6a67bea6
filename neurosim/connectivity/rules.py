"""Rules that draw or enumerate pairs; see :class:`neurosim.network.Rule` for what each answers.

Every rule is a frozen value. ``allow_self`` False leaves out the synapse of a cell onto itself,
also where views overlap (the cell is found through ``Ends.same``). Targets are ascending within a
row. All random choices are keyed by the projection's seed and the row (``FixedIn``: the column).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurosim.columns import Expression, Floats, Integers
from neurosim.connectivity import _arguments as arguments
from neurosim.connectivity import degrees, kernels, totals
from neurosim.connectivity.geometry import end_positions, pair_values
from neurosim.connectivity.random import stream
from neurosim.errors import ParameterError
from neurosim.network import Ends

Topology = tuple[Integers, Integers]
_TILE = 1 << 16
"""Pairs evaluated at once: their temporaries stay in the cache."""


def _pointers(counts: Integers) -> Integers:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


@dataclass(frozen=True, slots=True, eq=False)
class AllToAll:
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

    def expand(self, start: int, stop: int, ends: Ends) -> Topology:
        """``(indptr, post)`` of rows start..stop-1."""
        closed = degrees.excluded(ends, self.allow_self)[start:stop]
        indptr = _pointers(ends.n_post - (closed >= 0))
        post = np.empty(indptr[-1], np.int64)
        kernels.fill_all(closed, indptr, post)
        return indptr, post


@dataclass(frozen=True, slots=True, eq=False)
class OneToOne:
    """Cell i to cell i; cells beyond the smaller side have no partner (as in PyNN)."""

    exact: ClassVar[bool] = True

    def expected(self, ends: Ends) -> float:
        """Exact number of synapses."""
        return float(min(ends.n_pre, ends.n_post))

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """1, or 0 if a side is empty."""
        degrees.check_query(quantile, side)
        return min(1, ends.n_pre, ends.n_post)

    def expand(self, start: int, stop: int, ends: Ends) -> Topology:
        """``(indptr, post)`` of rows start..stop-1."""
        indptr = np.minimum(np.arange(start, stop + 1), max(start, ends.n_post)) - start
        return indptr, np.arange(start, start + indptr[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Bernoulli:
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

    def expand(self, start: int, stop: int, ends: Ends) -> Topology:
        """``(indptr, post)`` of rows start..stop-1."""
        if self.p == 1.0:
            return AllToAll(self.allow_self).expand(start, stop, ends)
        indptr = np.zeros(stop - start + 1, np.int64)
        mean = self.p * (stop - start) * ends.n_post
        post = np.empty(int(mean + 8.0 * mean**0.5) + 64 if self.p else 0, np.int64)
        closed, base, row = degrees.excluded(ends, self.allow_self)[start:stop], stream(ends.seed, "rule"), 0
        while self.p > 0.0:
            row = kernels.fill_bernoulli(base, start, row, ends.n_post, self.p, closed, indptr, post)
            if row == stop - start:
                break
            post = np.concatenate([post, np.empty(len(post) + ends.n_post, np.int64)])
        return indptr, post[: indptr[-1]]


@dataclass(frozen=True, slots=True, eq=False)
class FixedIn:
    """``n`` synapses onto every postsynaptic cell (``n`` an int or one per cell).

    Keyed by column: expanding part of the rows draws all columns and keeps what lies in the
    rows, so every block costs as much time (not memory) as the whole; ``iterate`` takes that
    into account by expanding large blocks at once.
    """

    n: int | Integers
    with_replacement: bool = False
    allow_self: bool = True
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", arguments.numbers(self.n, "FixedIn"))

    def _counts(self, ends: Ends) -> tuple[Integers, Integers]:
        counts = arguments.per_cell(self.n, ends.n_post, "FixedIn")
        closed = degrees.excluded_sources(ends, self.allow_self)
        arguments.check_available(counts, ends.n_pre - (closed >= 0), self.with_replacement, "FixedIn")
        return counts, closed

    def expected(self, ends: Ends) -> float:
        """Exact number of synapses."""
        return float(self._counts(ends)[0].sum())

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """Exact for ``"in"``, a binomial quantile for ``"out"``."""
        degrees.check_query(quantile, side)
        counts, closed = self._counts(ends)
        if side == "in":
            return int(counts.max(initial=0))
        return _drawn_bound(counts, ends.n_pre - (closed >= 0), self.with_replacement, ends.n_pre, quantile)

    def expand(self, start: int, stop: int, ends: Ends) -> Topology:
        """``(indptr, post)`` of rows start..stop-1."""
        counts, closed = self._counts(ends)
        draw = (stream(ends.seed, "rule"), counts, ends.n_pre, closed, self.with_replacement, start)
        found = np.zeros(stop - start, np.int64)
        kernels.scatter_columns(*draw, found, np.empty(0, np.int64))
        indptr = _pointers(found)
        post = np.empty(indptr[-1], np.int64)
        if len(post):
            kernels.scatter_columns(*draw, indptr[:-1].copy(), post)
        return indptr, post


def _drawn_bound(counts: Integers, partners: Integers, replace: bool, cells: int, quantile: float) -> int:
    """Bound of how often one of ``cells`` cells is drawn when ``counts`` are drawn from ``partners``."""
    used = counts > 0
    if not used.any():
        return 0
    counts, partners = counts[used], partners[used]
    if replace:
        return degrees.binomial_bound(int(counts.sum()), 1.0 / int(partners.min()), cells, quantile)
    return degrees.binomial_bound(len(counts), float((counts / partners).mean()), cells, quantile)


@dataclass(frozen=True, slots=True, eq=False)
class FixedOut:
    """``n`` synapses from every presynaptic cell (``n`` an int or one per cell)."""

    n: int | Integers
    with_replacement: bool = False
    allow_self: bool = True
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", arguments.numbers(self.n, "FixedOut"))

    def _counts(self, ends: Ends) -> tuple[Integers, Integers]:
        counts = arguments.per_cell(self.n, ends.n_pre, "FixedOut")
        closed = degrees.excluded(ends, self.allow_self)
        arguments.check_available(counts, ends.n_post - (closed >= 0), self.with_replacement, "FixedOut")
        return counts, closed

    def expected(self, ends: Ends) -> float:
        """Exact number of synapses."""
        return float(self._counts(ends)[0].sum())

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """Exact for ``"out"``, a binomial quantile for ``"in"``."""
        degrees.check_query(quantile, side)
        counts, closed = self._counts(ends)
        if side == "out":
            return int(counts.max(initial=0))
        return _drawn_bound(counts, ends.n_post - (closed >= 0), self.with_replacement, ends.n_post, quantile)

    def expand(self, start: int, stop: int, ends: Ends) -> Topology:
        """``(indptr, post)`` of rows start..stop-1."""
        counts, closed = self._counts(ends)
        return _drawn(counts[start:stop], self.with_replacement, closed, start, ends)


def _drawn(counts: Integers, replace: bool, closed: Integers, start: int, ends: Ends) -> Topology:
    """Rows from ``start`` on with the given numbers of drawn targets."""
    indptr = _pointers(counts)
    post = np.empty(indptr[-1], np.int64)
    if len(post):
        kernels.fill_drawn(stream(ends.seed, "rule"), start, ends.n_post, replace, closed[start : start + len(counts)], indptr, post)
    return indptr, post


@dataclass(frozen=True, slots=True, eq=False)
class FixedTotal:
    """``n`` synapses in all, over pairs drawn uniformly; distinct pairs unless with replacement."""

    n: int
    with_replacement: bool = True
    allow_self: bool = True
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", arguments.number(self.n, "FixedTotal"))

    def _check(self, ends: Ends) -> None:
        pairs = degrees.open_pairs(ends, self.allow_self)
        if self.n > (0 if pairs == 0 else self.n if self.with_replacement else pairs):
            raise ParameterError(
                f"n = {self.n} synapses were asked for, but only {pairs} pairs are available.",
                where="Rule FixedTotal",
                used=self.n,
                limit=pairs,
                remedy="Lower n, or draw with replacement." if pairs else "Select cells on both sides.",
            )

    def expected(self, ends: Ends) -> float:
        """Exact number of synapses."""
        self._check(ends)
        return float(self.n)

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """Binomial quantile for all cells of the side together."""
        degrees.check_query(quantile, side)
        self._check(ends)
        pairs, partners = degrees.open_pairs(ends, self.allow_self), degrees.open_partners(ends, self.allow_self, side)
        cells = ends.n_post if side == "in" else ends.n_pre
        if self.n == 0 or self.with_replacement:
            return degrees.binomial_bound(self.n, partners / max(1, pairs), cells, quantile)
        return degrees.binomial_bound(partners, self.n / pairs, cells, quantile)

    def expand(self, start: int, stop: int, ends: Ends) -> Topology:
        """``(indptr, post)`` of rows start..stop-1."""
        self._check(ends)
        closed = degrees.excluded(ends, self.allow_self)
        counts = np.zeros(stop - start, np.int64)
        if ends.n_pre:
            cells = _pointers(ends.n_post - (closed >= 0))
            totals.count_rows(stream(ends.seed, "rule", "total"), self.n, cells, start, stop, self.with_replacement, counts)
        return _drawn(counts, self.with_replacement, closed, start, ends)


@dataclass(frozen=True, slots=True, eq=False)
class DistanceDependent:
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

    def expand(self, start: int, stop: int, ends: Ends) -> Topology:
        """``(indptr, post)`` of rows start..stop-1."""
        closed, base = degrees.excluded(ends, self.allow_self)[start:stop], stream(ends.seed, "rule")
        counts, parts = np.zeros(stop - start + 1, np.int64), [np.empty(0, np.int64)]
        for first, values in self._tiles(start, stop, ends):
            found = np.empty(values.size, np.int64)
            size = kernels.fill_thinned(base, start, first - start, values, closed, counts, found)
            parts.append(found[:size].copy())
        return np.cumsum(counts), np.concatenate(parts)
