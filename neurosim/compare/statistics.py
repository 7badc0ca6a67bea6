"""Numbers that describe spike trains and how two runs of them differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Width in ms of the bins in which population activity is compared.
BIN_MS = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Spikes:
    """Recorded spikes of one population.

    Attributes
    ----------
    label
        Label of the population.
    cells
        Indices of the recorded cells, ascending, shape (n_cells,).
    indices, times_ms
        Cell index and time of each spike, in order of time.
    duration_ms
        Length of the recording.
    """

    label: str
    cells: Integers
    indices: Integers
    times_ms: Floats
    duration_ms: float

    def counts(self) -> Integers:
        """Spikes of each recorded cell, shape (n_cells,)."""
        largest = int(max(self.cells.max(initial=-1), self.indices.max(initial=-1)))
        return np.bincount(self.indices, minlength=largest + 1)[self.cells]

    def rate_hz(self) -> float:
        """Mean rate over the recorded cells; NaN if there are none or nothing ran."""
        exposure_s = len(self.cells) * self.duration_ms / 1000.0
        return float(self.counts().sum() / exposure_s) if exposure_s else float("nan")

    def cv_isi(self) -> float:
        """Mean coefficient of variation of the inter-spike intervals of cells with three spikes or more."""
        order = np.lexsort((self.times_ms, self.indices))
        cell, time_ms = self.indices[order], self.times_ms[order]
        same = cell[1:] == cell[:-1]
        owner, interval_ms = cell[1:][same], np.diff(time_ms)[same]
        n, total, squares = (np.bincount(owner, weights=weight) for weight in (None, interval_ms, interval_ms**2))
        several = n >= 2
        n, total, squares = n[several], total[several], squares[several]
        mean = np.divide(total, n, where=n > 0, out=np.zeros(len(n)))
        deviation = np.sqrt(np.maximum(squares / np.maximum(n, 1) - mean**2, 0.0))
        used = mean > 0
        return float(np.mean(deviation[used] / mean[used])) if used.any() else float("nan")

    def activity(self, bin_ms: float = BIN_MS) -> Integers:
        """Spikes of the population per time bin."""
        n_bins = max(1, int(np.ceil(self.duration_ms / bin_ms)))
        return np.histogram(self.times_ms, bins=n_bins, range=(0.0, n_bins * bin_ms))[0]


def correlation(a: NDArray, b: NDArray) -> float:
    """Pearson's correlation; NaN if a side is constant or the lengths differ."""
    if len(a) != len(b) or len(a) < 2:
        return float("nan")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def describe(spikes: Spikes) -> dict[str, float | int | str]:
    """Size, spikes, rate and irregularity of one recording."""
    return {
        "population": spikes.label,
        "n_recorded": len(spikes.cells),
        "n_spikes": len(spikes.times_ms),
        "rate_hz": spikes.rate_hz(),
        "cv_isi": spikes.cv_isi(),
    }


def difference(spikes: Spikes, ideal: Spikes) -> dict[str, float | int]:
    """How one recording differs from the same one on the ideal reference.

    ``rate_correlation`` is over cells (spike counts), ``activity_correlation`` over time (spikes
    of the population in bins of :data:`BIN_MS`).
    """
    return {
        "rate_difference_hz": spikes.rate_hz() - ideal.rate_hz(),
        "spike_difference": len(spikes.times_ms) - len(ideal.times_ms),
        "rate_correlation": correlation(spikes.counts(), ideal.counts()),
        "activity_correlation": correlation(spikes.activity(), ideal.activity()),
    }
