"""What was recorded: spikes of chosen cells and samples of chosen variables, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


class SpikeRecord:
    """Spikes of one population: parallel arrays of cell index and time, in order of time."""

    def __init__(self) -> None:
        self._indices: list[Int64] = []
        self._times: list[Floats] = []

    def add(self, indices: Int64, times_ms: Floats) -> None:
        """Append the spikes of one chunk."""
        if len(indices):
            self._indices.append(indices)
            self._times.append(times_ms)

    def arrays(self) -> tuple[Int64, Floats]:
        """All spikes, sorted by time, ties by cell."""
        if len(self._indices) != 1:
            self._indices = [np.concatenate(self._indices or [np.empty(0, np.int64)])]
            self._times = [np.concatenate(self._times or [np.empty(0)])]
        order = np.lexsort((self._indices[0], self._times[0]))
        return self._indices[0][order], self._times[0][order]

    def clear(self) -> None:
        """Forget everything."""
        self._indices, self._times = [], []


class SampleRecord:
    """Samples of one variable of one population, shape (n_samples, n_cells) in pieces.

    When the set of cells changes between runs, earlier samples of new cells are NaN.
    """

    def __init__(self) -> None:
        self._pieces: list[tuple[Int64, Floats, Floats]] = []

    def add(self, indices: Int64, times_ms: Floats, values: Floats) -> None:
        """Append samples (n_samples, n_cells) taken at ``times_ms``."""
        if len(times_ms):
            self._pieces.append((indices, times_ms, values))

    def arrays(self) -> tuple[Int64, Floats, Floats]:
        """Cells, times in ms and values (n_samples, n_cells)."""
        if not self._pieces:
            return np.empty(0, np.int64), np.empty(0), np.empty((0, 0))
        first = self._pieces[0][0]
        if all(np.array_equal(first, piece[0]) for piece in self._pieces):
            cells, values = first, np.concatenate([piece[2] for piece in self._pieces])
        else:
            cells = np.unique(np.concatenate([piece[0] for piece in self._pieces]))
            values = np.concatenate([_spread(cells, piece[0], piece[2]) for piece in self._pieces])
        times = np.concatenate([piece[1] for piece in self._pieces])
        self._pieces = [(cells, times, values)]
        return cells, times, values

    @property
    def last_ms(self) -> float:
        """Time of the newest sample, minus infinity if there is none."""
        return float(self._pieces[-1][1][-1]) if self._pieces else -np.inf

    def clear(self) -> None:
        """Forget everything."""
        self._pieces = []


def _spread(cells: Int64, own: Int64, values: Floats) -> Floats:
    wide = np.full((len(values), len(cells)), np.nan)
    wide[:, np.searchsorted(cells, own)] = values
    return wide


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

    def clear(self) -> None:
        """Forget everything."""
        self.times_ms, self.values = [], []
