"""Distributions of times in bounded memory, however long a run is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

#: Lower end of the first bin in ms (1 µs), bins per factor of ten, factors of ten.
LOWEST_MS, PER_DECADE, DECADES = 1e-3, 20, 9
N_BINS = PER_DECADE * DECADES + 2


class Histogram:
    """Times in bins of equal width on a logarithmic scale, 12 % wide, from 1 µs to a quarter of an hour.

    Attributes
    ----------
    counts
        int64 (n_bins,): the first bin holds everything below 1 µs, 0 included; the last everything above.
    n, largest_ms
        Number of times, and the largest.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(N_BINS, np.int64)
        self.n, self.largest_ms = 0, 0.0

    def add(self, time_ms: float) -> None:
        """Count one time."""
        bin_number = 0
        if time_ms >= LOWEST_MS:
            bin_number = min(1 + int(PER_DECADE * math.log10(time_ms / LOWEST_MS)), N_BINS - 1)
        self.counts[bin_number] += 1
        self.n += 1
        self.largest_ms = max(self.largest_ms, time_ms)

    @property
    def edges_ms(self) -> NDArray[np.float64]:
        """Limits of the bins, shape (n_bins + 1,): 0, 1 µs, ..., infinity."""
        inner = LOWEST_MS * 10.0 ** (np.arange(N_BINS - 1) / PER_DECADE)
        return np.concatenate([[0.0], inner, [math.inf]])

    def quantile(self, share: float) -> float:
        """Time that a share (0 to 1) of all do not exceed, to 6 %; 0 if there are none."""
        if not self.n:
            return 0.0
        rank = min(max(math.ceil(share * self.n), 1), self.n)
        number = int(np.searchsorted(np.cumsum(self.counts), rank))
        if number == 0:
            return 0.0
        middle = LOWEST_MS * 10.0 ** ((number - 0.5) / PER_DECADE)
        return min(middle, self.largest_ms)

    def quantiles(self) -> dict[str, float]:
        """Median, 90 and 99 % quantile and largest time in ms."""
        return {"median": self.quantile(0.5), "90%": self.quantile(0.9), "99%": self.quantile(0.99), "max": self.largest_ms}

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.3g}" for name, value in self.quantiles().items()) + " ms"
