"""Where cores may stand: coordinates, what a hop between two of them is, and the tables that kernels read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.mapping.structures import Int32, Int64

Int16 = NDArray[np.int16]

#: Metrics by name, with the numbers that kernels know them by.
METRICS = {"manhattan": 0, "hexagonal": 1, "table": 2}
#: Directions in pairs of opposites; a mesh has the first four, a triangular mesh all.
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))
_WHERE = "Positions"
_MAX_RASTER_PER_SITE = 64
_MAX_COORDINATE = 1 << 20


class Sites(NamedTuple):
    """Distinct coordinates (routers) and the slots there, in the form that kernels read.

    A slot is one position, numbered such that those of a site lie side by side.

    Attributes
    ----------
    metric
        Number of the metric, see :data:`METRICS`.
    wrap
        int32 (2,): columns and rows of a torus, 0 where there are edges.
    place
        int32 (n_sites, 2): what distances are computed from: coordinates, or the row of the table.
    table
        int16 (n_sites, n_sites): distances, or (1, 1) for a closed form.
    near
        int32 (n_sites, n_directions): next site in each of :data:`DIRECTIONS`, -1 where there is
        none. Directions 2k and 2k + 1 lead back along each other.
    stride
        int32 (2,): the longest step along a row and along a column.
    cell
        int32 (n_sites, 2): row and column of a site in ``raster``.
    raster
        int32 (n_rows, n_columns): site there, or -1. Rows and columns without sites are left out.
    begin
        int32 (n_sites + 1,): first slot of each site.
    site
        int32 (n_slots,): site of each slot.
    """

    metric: int
    wrap: Int32
    place: Int32
    table: Int16
    near: Int32
    stride: Int32
    cell: Int32
    raster: Int32
    begin: Int32
    site: Int32


@dataclass(frozen=True, eq=False)
class Positions:
    """Places for cores, one core each; several at the same coordinates share a router.

    Attributes
    ----------
    x, y
        int32 (n,): coordinates. With a table they only guide the search.
    metric
        ``"manhattan"``: a mesh. ``"hexagonal"``: links (1, 0), (0, 1), (1, 1) and their opposites.
        ``"table"``: distances are read from ``table``.
    wrap
        Columns and rows of a torus, 0 where there are edges.
    table
        int16 (n, n): hops between positions, symmetric, 0 on the diagonal; only with ``"table"``.

    Raises
    ------
    ParameterError
        If coordinates are no integers, differ in number or lie outside the torus, or if the table has
        the wrong shape, is not symmetric, has negative distances or distances to itself.
    UnknownNameError
        If the metric is not known.

    Examples
    --------
    >>> grid = Positions.grid(4, 2)
    >>> grid.distance(0, 7)
    4
    """

    x: Int32
    y: Int32
    metric: str = "manhattan"
    wrap: tuple[int, int] = (0, 0)
    table: Int16 | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise UnknownNameError.among("metric", self.metric, METRICS, where=_WHERE)
        object.__setattr__(self, "x", _coordinates("x", self.x, self.wrap[0]))
        object.__setattr__(self, "y", _coordinates("y", self.y, self.wrap[1]))
        if len(self.x) != len(self.y):
            raise _wrong(f"there are {len(self.x):,} x and {len(self.y):,} y.", len(self.y), len(self.x), "Give one x and one y for each.")
        if (self.table is not None) != (self.metric == "table"):
            raise _wrong(
                f"metric '{self.metric}' came {'without a' if self.table is None else 'with a'} table.",
                self.metric,
                None,
                "Give a table with metric='table' only.",
            )
        if self.table is not None:
            object.__setattr__(self, "table", _checked_table(self.table, len(self.x)))

    @classmethod
    def grid(cls, width: int, height: int, metric: str = "manhattan", *, torus: bool = False, cores: int = 1) -> Positions:
        """A full rectangle, row by row, with ``cores`` positions at each router."""
        at = np.arange(width * height * cores, dtype=np.int64) // cores
        return cls((at % width).astype(np.int32), (at // width).astype(np.int32), metric, (width, height) if torus else (0, 0))

    def __len__(self) -> int:
        return len(self.x)

    def distance(self, one: int, other: int) -> int:
        """Hops between two positions."""
        return int(self.distances(np.array([one]), np.array([other]))[0])

    def distances(self, one: Int64 | Int32, other: Int64 | Int32) -> Int64:
        """Hops between pairs of positions, int64 (n_pairs,)."""
        if self.table is not None:
            return self.table[one, other].astype(np.int64)
        dx = self.x[one].astype(np.int64) - self.x[other]
        dy = self.y[one].astype(np.int64) - self.y[other]
        return closed_form(self.metric, self.wrap, dx, dy)

    @property
    def diameter(self) -> int:
        """An upper bound of all distances, at least 1."""
        if self.table is not None:
            return max(int(self.table.max(initial=1)), 1)
        return max(int(np.ptp(self.x)) + int(np.ptp(self.y)), 1)

    @cached_property
    def slots(self) -> Int64:
        """Position of each slot, int64 (n,): positions sorted by router."""
        return np.lexsort((np.arange(len(self.x)), self.x, self.y))

    @cached_property
    def sites(self) -> Sites:
        """Routers and their slots."""
        x, y, order = self.x[self.slots], self.y[self.slots], self.slots
        # Positions at the same coordinates share a router only if the table sees no distance between them.
        first = np.ones(len(x), np.bool_)
        first[1:] = (np.diff(x) != 0) | (np.diff(y) != 0)
        if self.table is not None:
            first[1:] |= (self.table[order[1:]] != self.table[order[:-1]]).any(axis=1)
        begin = np.flatnonzero(first)
        site = (np.cumsum(first) - 1).astype(np.int32)
        x, y, order = x[begin], y[begin], order[begin]
        table = np.zeros((1, 1), np.int16) if self.table is None else np.ascontiguousarray(self.table[np.ix_(order, order)])
        columns, rows = np.unique(x, return_inverse=True), np.unique(y, return_inverse=True)
        cell = np.stack([rows[1], columns[1]], axis=1).astype(np.int32)
        place = np.stack([x, y], axis=1) if self.table is None else np.stack([np.arange(len(x)), np.zeros(len(x))], axis=1)
        near = _neighbours(x, y, self.wrap, 6 if self.metric == "hexagonal" else 4)
        return Sites(
            METRICS[self.metric],
            np.array(self.wrap, np.int32),
            np.ascontiguousarray(place, np.int32),
            table,
            near,
            _stride(near, x, y),
            cell,
            _raster(cell, len(rows[0]), len(columns[0])),
            np.append(begin, len(site)).astype(np.int32),
            site,
        )


def closed_form(metric: str, wrap: tuple[int, int], dx: Int64, dy: Int64) -> Int64:
    """Hops for differences of coordinates, int64 of their shape."""
    if metric == "manhattan":
        dx, dy = np.abs(dx), np.abs(dy)
        return (np.minimum(dx, wrap[0] - dx) if wrap[0] else dx) + (np.minimum(dy, wrap[1] - dy) if wrap[1] else dy)
    best = np.full(dx.shape, np.iinfo(np.int64).max)
    for turn_x in (-1, 0, 1) if wrap[0] else (0,):
        for turn_y in (-1, 0, 1) if wrap[1] else (0,):
            ax, ay = dx + turn_x * wrap[0], dy + turn_y * wrap[1]
            best = np.minimum(best, np.maximum(np.maximum(np.abs(ax), np.abs(ay)), np.abs(ax - ay)))
    return best


def _wrong(message: str, used: object, limit: object, remedy: str) -> ParameterError:
    return ParameterError(message, where=_WHERE, used=used, limit=limit, remedy=remedy)


def _coordinates(name: str, values: ArrayLike, size: int) -> Int32:
    given = np.asarray(values)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise _wrong(
            f"{name} has the shape {given.shape} and the type {given.dtype}.",
            str(given.dtype),
            "integers, one dimension",
            "Give a list of integers.",
        )
    low, high = (0, size - 1) if size else (-_MAX_COORDINATE, _MAX_COORDINATE)
    outside = np.flatnonzero((given < low) | (given > high))
    if len(outside):
        used = int(given[outside[0]])
        raise _wrong(f"{name} of position {outside[0]} is {used:,}; it must be {low:,} to {high:,}.", used, (low, high), "Correct it.")
    return np.ascontiguousarray(given, np.int32)


def _checked_table(table: ArrayLike, n: int) -> Int16:
    given = np.asarray(table)
    if given.shape != (n, n) or given.dtype.kind not in "iu":
        raise _wrong(
            f"the table has the shape {given.shape} and the type {given.dtype}; {n:,} positions need ({n}, {n}) integers.",
            given.shape,
            (n, n),
            "Give one row and one column for each position.",
        )
    if n and (given.min() < 0 or given.max() > np.iinfo(np.int16).max):
        used = int(given.min() if given.min() < 0 else given.max())
        raise _wrong(f"the table has a distance of {used:,}.", used, (0, np.iinfo(np.int16).max), "Give hops from 0 to 32,767.")
    if np.diagonal(given).any() or (given != given.T).any():
        raise _wrong("the table is not symmetric with zeros on its diagonal.", None, None, "Give the hops of the shorter way both ways.")
    return np.ascontiguousarray(given, np.int16)


def _neighbours(x: Int32, y: Int32, wrap: tuple[int, int], n_directions: int) -> Int32:
    """Next site in each direction: along rows and columns over gaps, diagonally only where it is adjacent."""
    near = np.full((len(x), n_directions), -1, np.int32)
    for direction, (along, across, size) in enumerate(((x, y, wrap[0]), (y, x, wrap[1]))):
        order = np.lexsort((along, across))
        same = across[order[1:]] == across[order[:-1]]
        _link(near, 2 * direction, order[:-1][same], order[1:][same])
        if size:
            starts = np.flatnonzero(np.append(True, ~same))
            ends = np.append(starts[1:], len(order)) - 1
            longer = ends > starts + 1  # of two sites each is already the other's neighbour
            _link(near, 2 * direction, order[ends[longer]], order[starts[longer]])
    if n_directions > 4:
        key, width = _keys(x, y)
        order = np.argsort(key, kind="stable")
        to = _wrapped(x + 1, wrap[0]), _wrapped(y + 1, wrap[1])
        wanted = (to[1].astype(np.int64) - y.min()) * width + (to[0] - x.min())
        found = order[np.minimum(np.searchsorted(key, wanted, sorter=order), len(order) - 1)]
        there = (key[found] == wanted) & (found != np.arange(len(x)))
        _link(near, 4, np.flatnonzero(there), found[there])
    return near


def _stride(near: Int32, x: Int32, y: Int32) -> Int32:
    steps = [np.abs(c[near[:, d]] - c)[near[:, d] >= 0].max(initial=1) for d, c in ((0, x), (2, y))]
    return np.array(steps, np.int32)


def _link(out_near: Int32, direction: int, one: Any, other: Any) -> None:
    out_near[one, direction] = other
    out_near[other, direction + 1] = one


def _wrapped(coordinate: Int32, size: int) -> Int32:
    return coordinate % size if size else coordinate


def _keys(x: Int32, y: Int32) -> tuple[Int64, int]:
    """One number for each pair of coordinates; a column to spare keeps a step to the right from ending in the next row."""
    width = int(np.ptp(x)) + 2
    return (y.astype(np.int64) - y.min()) * width + (x - x.min()), width


def _raster(cell: Int32, n_rows: int, n_columns: int) -> Int32:
    """Site in each cell; one cell without any where sites are so scattered that a raster would be mostly empty."""
    if n_rows * n_columns > _MAX_RASTER_PER_SITE * max(len(cell), 1 << 12):
        return np.full((1, 1), -1, np.int32)
    raster = np.full((n_rows, n_columns), -1, np.int32)
    raster[cell[:, 0], cell[:, 1]] = np.arange(len(cell), dtype=np.int32)
    return raster
