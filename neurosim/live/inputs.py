"""Spikes on their way in: a bounded queue per population, filled by any thread, emptied by the simulation."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import ParameterError
from neurosim.live.events import NOW

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Spikes that a queue holds if nothing else is said: this many a cell, and never fewer than the second number.
PER_CELL, AT_LEAST = 8, 4096
#: Latest time of a spike: thirty years.
FARTHEST_MS = 1e12


class LiveInput:
    """The way into one population of injectors.

    The queue has a fixed size and never grows. What does not fit is dropped, newest first: spikes
    that were accepted are never lost to later ones.

    Attributes
    ----------
    population, label, size
        Where the spikes go.
    key
        What datagrams call the population.
    address
        ``(host, port)`` of the UDP socket that feeds it, or ``None``.
    capacity
        Spikes that may wait, those with times in the future included.
    injected
        Spikes injected so far.
    dropped
        Number of spikes dropped, by reason: ``queue full``, ``unknown cell``, ``too late``, ``bad time``,
        ``reset``.
    """

    def __init__(self, population: int, size: int, label: str, *, key: int, capacity: int | None = None) -> None:
        self.population, self.size, self.label, self.key = population, size, label, key
        self.capacity = max(PER_CELL * size, AT_LEAST) if capacity is None else capacity
        self.callback: Callable[[str, float, float], Any] | None = None
        self.address: tuple[str, int] | None = None
        self.injected = 0
        self.dropped: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._filling = _Buffer(self.capacity)
        self._spare = _Buffer(self.capacity)
        self._held_steps, self._held_cells, self._held_ms = _nothing()
        self._held = 0

    def __repr__(self) -> str:
        address = "" if self.address is None else ", {}:{}".format(*self.address)
        return f"<LiveInput of '{self.label}', key {self.key}{address}>"

    # --- any thread ------------------------------------------------------------------------------
    def send(self, indices: ArrayLike, times_ms: ArrayLike | None = None) -> int:
        """Let cells fire; may be called from any thread.

        Parameters
        ----------
        indices
            Cells, by their index in the population; a cell may occur several times.
        times_ms
            Simulated times, one value or one per cell; ``None`` for the beginning of the next slice.

        Returns
        -------
        int
            How many were accepted; the others are counted in ``dropped``.

        Raises
        ------
        ParameterError
            For a cell that does not exist or a time that is none.
        """
        cells = self._array(indices, None, "indices")
        if cells.size == 0:
            return 0
        self._check(cells)
        if times_ms is None:
            return self.put(cells.astype(np.int64), np.full(len(cells), NOW))
        times = self._array(times_ms, np.float64, "times_ms")
        times = times[0] if np.ndim(times_ms) == 0 else times
        if times.shape not in ((), cells.shape) or not ((times >= 0) & (times <= FARTHEST_MS)).all():
            raise ParameterError(
                f"times_ms has the shape {times.shape} for {len(cells)} cells, or times that are not from 0 to {FARTHEST_MS:g} ms.",
                where=f"Population '{self.label}'",
                used=times_ms,
                remedy="Give one time in ms for all, or one per cell.",
            )
        return self.put(cells.astype(np.int64), np.broadcast_to(times, cells.shape))

    def take(self, found: Any) -> None:
        """Queue what a callback gave back: cells, or a tuple of cells and times, or ``None``."""
        if found is None:
            return
        if isinstance(found, tuple) and len(found) != 2:
            raise ParameterError(
                f"its callback gave back a tuple of {len(found)}.",
                where=f"Population '{self.label}'",
                used=found,
                remedy="Give a list or an array of cells, a tuple of cells and times, or None.",
            )
        self.send(*(found if isinstance(found, tuple) else (found,)))

    def _array(self, values: ArrayLike, dtype: Any, name: str) -> NDArray[Any]:
        try:
            return np.atleast_1d(np.asarray(values, dtype))
        except (TypeError, ValueError, OverflowError) as error:
            text, where = f"{name} cannot be an array of numbers: {values!r}.", f"Population '{self.label}'"
            raise ParameterError(text, where=where, used=values, remedy="Give one number per cell.") from error

    def _check(self, cells: NDArray[Any]) -> None:
        if cells.ndim != 1 or cells.dtype.kind not in "iu" or cells.min() < 0 or cells.max() >= self.size:
            raise ParameterError(
                f"{cells.tolist()[:5]} are not all indices of one of its {self.size:,} cells.",
                where=f"Population '{self.label}'",
                used=cells.tolist()[:5],
                limit=self.size - 1,
                remedy=f"Give integers from 0 to {self.size - 1}.",
            )

    def put(self, cells: Int64, times_ms: Floats) -> int:
        """Queue spikes whose cells exist; returns how many were accepted."""
        with self._lock:
            room = self.capacity - self._held - self._filling.n
            accepted = min(room, len(cells))
            self._filling.add(cells[:accepted], times_ms[:accepted])
            if accepted < len(cells):
                self.dropped["queue full"] += len(cells) - accepted
            return accepted

    def drop(self, reason: str, n: int) -> None:
        """Count spikes that were dropped before they came to the queue."""
        if n:
            with self._lock:
                self.dropped[reason] += n

    # --- the simulation's thread -------------------------------------------------------------------
    def fetch(self, step: int, dt_ms: float) -> None:
        """Take over what is queued; spikes for a time before ``step`` are dropped, those for later held."""
        with self._lock:
            self._filling, self._spare = self._spare, self._filling
            n, self._filling.n = self._spare.n, 0
            self._held += n
        if not n:
            return
        cells, times = self._spare.cells[:n].copy(), self._spare.times_ms[:n].copy()
        now = times < 0
        times[now] = step * dt_ms
        steps = np.ceil(times / dt_ms - 1e-6).astype(np.int64)
        steps[now] = step
        late = steps < step
        self._hold(steps[~late], cells[~late], times[~late])
        self.drop("too late", int(late.sum()))

    def _hold(self, steps: Int64, cells: Int64, times_ms: Floats) -> None:
        steps = np.concatenate([self._held_steps, steps])
        order = np.argsort(steps, kind="stable")
        self._held_steps = steps[order]
        self._held_cells = np.concatenate([self._held_cells, cells])[order]
        self._held_ms = np.concatenate([self._held_ms, times_ms])[order]
        with self._lock:
            self._held = len(steps)

    def due(self, step: int) -> tuple[Int64, Floats]:
        """Cells and times (ms) of the spikes of this step; they count as injected."""
        n = int(np.searchsorted(self._held_steps, step, side="right"))
        cells, times = self._held_cells[:n], self._held_ms[:n]
        self._held_steps, self._held_cells, self._held_ms = self._held_steps[n:], self._held_cells[n:], self._held_ms[n:]
        with self._lock:
            self._held = len(self._held_steps)
        self.injected += n
        return cells, times

    def next_step(self) -> int | None:
        """Step of the first spike that is held, ``None`` if there is none."""
        return int(self._held_steps[0]) if len(self._held_steps) else None

    def clear(self) -> None:
        """Forget what waits, because time begins anew."""
        with self._lock:
            n, self._filling.n = self._filling.n + self._held, 0
            self._held = 0
            if n:
                self.dropped["reset"] += n
        self._held_steps, self._held_cells, self._held_ms = _nothing()


class _Buffer:
    """Spikes in arrays of a fixed size."""

    def __init__(self, capacity: int) -> None:
        self.cells, self.times_ms, self.n = np.empty(capacity, np.int64), np.empty(capacity), 0

    def add(self, cells: Int64, times_ms: Floats) -> None:
        end = self.n + len(cells)
        self.cells[self.n : end], self.times_ms[self.n : end] = cells, times_ms
        self.n = end


def _nothing() -> tuple[Int64, Int64, Floats]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
