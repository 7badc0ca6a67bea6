"""What one population recorded: spikes, and samples of one variable, in memory or moved on to a file.

A record takes pieces chunk by chunk. :meth:`write` moves them to shelves, which a file provides
(:mod:`neurosim.engine.record_file`); reading joins what lies on the shelves with what is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

#: Rows a stretch of samples makes room for at first.
FIRST_ROWS = 64
#: A run of more samples than these begins a stretch of its own: earlier ones are not moved for it.
MANY_ROWS = 10_000


class Shelf(Protocol):
    """Where a record puts rows that leave the memory."""

    def append(self, **columns: NDArray[Any]) -> None:
        """Add rows to named columns."""
        ...

    def read(self, name: str) -> NDArray[Any]:
        """All rows of a column."""
        ...

    def read_table(self, name: str, out: Floats, columns: Ints | None) -> None:
        """Copy the rows of a table, or some of its columns, to ``out``."""
        ...


class SpikeRecord:
    """Spikes of one population: cell index and time."""

    def __init__(self) -> None:
        self._indices: list[Ints] = []
        self._times: list[Floats] = []
        self._shelf: Shelf | None = None

    def add(self, indices: Ints, times_ms: Floats) -> None:
        """Append the spikes of one chunk."""
        if len(indices):
            self._indices.append(indices)
            self._times.append(times_ms)

    def write(self, new_shelf: Callable[[], Shelf]) -> None:
        """Move all spikes to a shelf."""
        self._shelf = self._shelf or new_shelf()
        if self._indices:
            indices, times = self._in_memory()
            self._shelf.append(cells=indices, times=times)
            self._indices, self._times = [], []

    def arrays(self) -> tuple[Int64, Floats]:
        """All spikes, sorted by time, ties by cell."""
        indices, times = self._in_memory()
        if self._shelf is None:
            self._indices, self._times = [indices], [times]  # sorted once
        else:
            filed = self._shelf.read("cells"), self._shelf.read("times")
            indices, times = in_order(np.concatenate([filed[0], indices]), np.concatenate([filed[1], times]))
        return indices.astype(np.int64), times.copy()

    def _in_memory(self) -> tuple[Ints, Floats]:
        if len(self._indices) == 1:
            return in_order(self._indices[0], self._times[0])
        return in_order(np.concatenate(self._indices or [np.empty(0, np.int32)]), np.concatenate(self._times or [np.empty(0)]))


def in_order(indices: Ints, times_ms: Floats) -> tuple[Ints, Floats]:
    """Spikes sorted by time, ties by cell; those in order already are given back as they are."""
    if _ordered(indices, times_ms):
        return indices, times_ms
    order = np.argsort(times_ms, kind="stable")  # quick where little is out of place
    if not _ordered(indices[order], times_ms[order]):
        order = np.lexsort((indices, times_ms))
    return indices[order], times_ms[order]


def _ordered(indices: Ints, times_ms: Floats) -> bool:
    stuck = np.flatnonzero(times_ms[1:] <= times_ms[:-1])
    return bool(((times_ms[stuck + 1] == times_ms[stuck]) & (indices[stuck + 1] >= indices[stuck])).all())


class Stretch:
    """Samples of the same cells at equal distances, shape (n_rows, n_cells).

    Attributes
    ----------
    cells
        Indices of the cells in their population.
    first, every, dt_ms
        Sample ``i`` was taken at ``(first + i) * every * dt_ms``.
    """

    def __init__(self, cells: Int64, first: int, every: int, dt_ms: float) -> None:
        self.cells, self.first, self.every, self.dt_ms = cells, first, every, dt_ms
        self._buffer = np.empty((0, len(cells)))
        self._kept = self._filed = 0
        self._shelf: Shelf | None = None

    @property
    def n_rows(self) -> int:
        """Samples per cell."""
        return self._filed + self._kept

    @property
    def times_ms(self) -> Floats:
        """When the samples were taken."""
        return np.multiply((self.first + np.arange(self.n_rows)) * self.every, self.dt_ms, dtype=np.float64)

    def continues(self, cells: Int64, first: int, every: int) -> bool:
        """True if samples of ``cells`` from ``first`` on follow the ones that are here."""
        return first == self.first + self.n_rows and every == self.every and (cells is self.cells or np.array_equal(cells, self.cells))

    def add(self, values: Floats, room: int = 0) -> None:
        """Append samples (n_rows, n_cells); where the memory must grow, it grows by ``room`` rows or more."""
        end = self._kept + len(values)
        if end > len(self._buffer):
            wider = np.empty((self._kept + max(len(values), room, self._kept // 2, FIRST_ROWS), len(self.cells)))
            wider[: self._kept] = self._buffer[: self._kept]
            self._buffer = wider
        self._buffer[self._kept : end] = values
        self._kept = end

    def write(self, new_shelf: Callable[[Stretch], Shelf]) -> None:
        """Move all samples to a shelf."""
        self._shelf = self._shelf or new_shelf(self)
        if self._kept:
            self._shelf.append(values=self._buffer[: self._kept])
            self._filed, self._kept = self._filed + self._kept, 0
            self._buffer = np.empty((0, len(self.cells)))

    def read(self, out: Floats, columns: Ints | None = None) -> None:
        """Copy all samples, or those of some columns, to ``out``."""
        if self._shelf is not None and self._filed:
            self._shelf.read_table("values", out[: self._filed], columns)
        kept = self._buffer[: self._kept]
        out[self._filed :] = kept if columns is None else kept[:, columns]


class SampleRecord:
    """Samples of one variable of one population, in stretches.

    When the set of cells changes between runs, earlier samples of new cells are NaN. ``last_ms`` is
    the time of the newest sample, minus infinity if there was none.
    """

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []
        self._expected, self._fresh = 0, False
        self.last_ms = -np.inf

    def add(self, cells: Int64, first: int, every: int, dt_ms: float, values: Floats) -> None:
        """Append samples (n_samples, n_cells); sample ``i`` was taken at ``(first + i) * every * dt_ms``."""
        if not len(values):
            return
        if self._fresh or not self._stretches or not self._stretches[-1].continues(cells, first, every):
            self._stretches.append(Stretch(cells, first, every, dt_ms))
            self._fresh = False
        self._stretches[-1].add(values, self._expected)
        self._expected = max(self._expected - len(values), 0)
        self.last_ms = (first + len(values) - 1) * every * dt_ms

    @property
    def stretches(self) -> list[Stretch]:
        """Samples, in pieces of the same cells and interval."""
        return [stretch for stretch in self._stretches if stretch.n_rows]

    def expect(self, rows: int) -> None:
        """Prepare for a run of ``rows`` samples: they get memory of their own at once, if they are many."""
        self._expected, self._fresh = rows, rows > MANY_ROWS

    def write(self, new_shelf: Callable[[Stretch], Shelf]) -> None:
        """Move all samples to shelves."""
        for stretch in self._stretches:
            stretch.write(new_shelf)

    def arrays(self, cells: Ints | None = None) -> tuple[Int64, Floats, Floats]:
        """Cells, times in ms and values (n_samples, n_cells).

        Parameters
        ----------
        cells
            Which cells, in this order; cells that were not recorded are NaN. By default all that
            were recorded, ascending if they changed.
        """
        stretches = self.stretches
        if not stretches:
            return np.empty(0, np.int64), np.empty(0), np.empty((0, 0))
        chosen = _all_cells(stretches) if cells is None else np.asarray(cells, np.int64)
        times = np.concatenate([stretch.times_ms for stretch in stretches])
        values, at = np.empty((len(times), len(chosen))), 0
        for stretch in stretches:
            _spread(stretch, chosen, values[at : at + stretch.n_rows])
            at += stretch.n_rows
        return chosen, times, values

    def clear(self) -> None:
        """Forget the samples, but not when the last one was taken: it is not taken again."""
        self._stretches = []


def _all_cells(stretches: Sequence[Stretch]) -> Int64:
    first = stretches[0].cells
    if all(np.array_equal(first, stretch.cells) for stretch in stretches):
        return first
    return np.unique(np.concatenate([stretch.cells for stretch in stretches]))


def _spread(stretch: Stretch, chosen: Int64, out: Floats) -> None:
    """Samples of ``chosen`` cells to ``out``; NaN for those that the stretch has not."""
    own = stretch.cells
    if np.array_equal(own, chosen):
        stretch.read(out)
        return
    column = np.full(1 + max(int(own.max(initial=-1)), int(chosen.max(initial=-1))), -1)
    column[own] = np.arange(len(own))
    found = column[chosen]
    known = found >= 0
    if known.all():
        stretch.read(out, found)
        return
    out[:] = np.nan
    values = np.empty((len(out), int(known.sum())))
    stretch.read(values, found[known])
    out[:, known] = values


class WeightRecord:
    """Weights of one projection over time."""

    def __init__(self) -> None:
        self.times_ms: list[float] = []
        self.values: list[Floats] = []

    def add(self, time_ms: float, values: Floats) -> None:
        """Append the weights at one time."""
        self.times_ms.append(time_ms)
        self.values.append(values)

    def arrays(self) -> tuple[Floats, Floats]:
        """Times (n_times,) in ms and weights (n_times, n_synapses)."""
        values: Sequence[Floats] = self.values
        return np.array(self.times_ms), np.stack(values) if values else np.empty((0, 0))
