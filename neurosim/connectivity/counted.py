"""Rules that fix numbers of synapses: per target, per source, or in all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from neurosim.columns import Integers
from neurosim.connectivity import _arguments as arguments
from neurosim.connectivity import degrees, kernels, totals
from neurosim.connectivity.random import stream
from neurosim.connectivity.rules import Preparable, Prepared, Topology, pointers
from neurosim.errors import ParameterError
from neurosim.network import Ends

_IN_LEAF = 64
"""FixedIn: synapses that a column has in a leaf of rows, at least; splitting costs about as much as 20."""
_LEAF = 20_000_000
"""FixedIn: synapses of a leaf, at most, whatever the splitting costs."""


@dataclass(frozen=True, slots=True, eq=False)
class FixedIn(Preparable):
    """``n`` synapses onto every postsynaptic cell (``n`` an int or one per cell).

    Keyed by column and *leaf*, a range of rows: how many synapses of a column come from each leaf is
    drawn first, so that part of the rows can be expanded without drawing the others.
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

    def prepare(self, ends: Ends) -> Prepared:
        """Columns' numbers of synapses in each leaf, ready to be drawn."""
        counts, closed = self._counts(ends)
        total = int(counts.sum())
        edges = _leaves(total, counts, ends)
        found = counts.astype(np.int32)[:, None]
        if len(edges) > 2:
            found = np.empty((ends.n_post, len(edges) - 1), np.int32)
            totals.split_columns(stream(ends.seed, "rule", "leaves"), counts, edges, closed, self.with_replacement, found)
        columns = _Columns(stream(ends.seed, "rule"), found, edges, closed, self.with_replacement)
        before = np.interp(np.arange(ends.n_pre + 1), edges, pointers(found.sum(axis=0, dtype=np.int64)))
        return Prepared(columns.expand, before, edges, costly=True)


def _leaves(total: int, counts: Integers, ends: Ends) -> Integers:
    """First rows of the leaves, and the end of the last: a power of two of leaves."""
    mean = total / max(1, np.count_nonzero(counts))
    wanted = min(ends.n_pre, max(mean / _IN_LEAF, total / _LEAF))
    n_leaves = 1 << max(0, int(wanted).bit_length() - 1)
    return np.arange(n_leaves + 1) * ends.n_pre // n_leaves


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Columns with known numbers of synapses in each leaf, int32 (n_columns, n_leaves)."""

    base: np.uint64
    counts: NDArray[np.int32]
    edges: Integers
    excluded: Integers
    replace: bool

    def expand(self, start: int, stop: int) -> Topology:
        """``(indptr, post)`` of rows start..stop-1."""
        rows = np.zeros(stop - start, np.int64)
        first = int(np.searchsorted(self.edges, start, side="right")) - 1
        last = int(np.searchsorted(self.edges, stop))
        drawn = int(self.counts[:, first:last].sum(dtype=np.int64)) if stop > start else 0
        if drawn == 0:
            return pointers(rows), np.empty(0, np.int32)
        picks, kept = np.empty(drawn, np.int32), np.empty(len(self.counts), np.int64)
        marks = _marks(0 if self.replace else int(np.diff(self.edges).max()))
        leaves = (first, last)
        found = kernels.draw_columns(self.base, self.counts, leaves, self.edges, self.excluded, marks, start, picks, kept, rows)
        indptr, post = pointers(rows), np.empty(found, np.int32)
        kernels.place_columns(picks, kept, indptr[:-1].copy(), post)
        return indptr, post


def _marks(cells: int) -> NDArray[np.uint8]:
    return np.zeros(cells, np.uint8)


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
class FixedOut(Preparable):
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

    def prepare(self, ends: Ends) -> Prepared:
        """Rows with known numbers of targets."""
        return _rows(*self._counts(ends), self.with_replacement, ends)


def _rows(counts: Integers, closed: Integers, replace: bool, ends: Ends) -> Prepared:
    before = pointers(counts)
    return Prepared(partial(_drawn, stream(ends.seed, "rule"), before, closed, replace, ends.n_post), before.astype(np.float64))


def _drawn(base: np.uint64, before: Integers, closed: Integers, replace: bool, n_post: int, start: int, stop: int) -> Topology:
    """Rows with the numbers of targets that ``before`` tells."""
    indptr = before[start : stop + 1] - before[start]
    post = np.empty(indptr[-1], np.int32)
    if len(post):
        kernels.fill_drawn(base, start, n_post, closed[start:stop], _marks(0 if replace else n_post), indptr, post)
    return indptr, post


@dataclass(frozen=True, slots=True, eq=False)
class FixedTotal(Preparable):
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

    def prepare(self, ends: Ends) -> Prepared:
        """Rows whose numbers of targets are drawn here, all at once."""
        self._check(ends)
        closed = degrees.excluded(ends, self.allow_self)
        counts = np.zeros(ends.n_pre, np.int64)
        if ends.n_pre:
            cells = pointers(ends.n_post - (closed >= 0))
            totals.count_rows(stream(ends.seed, "rule", "total"), self.n, cells, 0, ends.n_pre, self.with_replacement, counts)
        return _rows(counts, closed, self.with_replacement, ends)
