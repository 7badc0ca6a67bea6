"""Statistics of spikes, the same for every simulator.

``cells`` and ``times_ms`` are flat arrays: which cell, when. Definitions follow Potjans and Diesmann
(2014) and van Albada et al. (2018): irregularity is the mean over cells of the coefficient of
variation of inter-spike intervals, synchrony here the mean correlation of spike counts over pairs.
"""

from __future__ import annotations

import hashlib

import numpy as np

BIN_MS = 2.0
"""Width of the bins of correlations."""


def cv_isi(cells: np.ndarray, times_ms: np.ndarray) -> float:
    """Mean over cells with three spikes or more of the CV of their intervals; ``nan`` if there are none."""
    order = np.lexsort((times_ms, cells))
    cells, times_ms = cells[order], times_ms[order]
    same = cells[1:] == cells[:-1]
    intervals, owner = np.diff(times_ms)[same], cells[1:][same]
    _, owner, count = np.unique(owner, return_inverse=True, return_counts=True)
    mean = np.bincount(owner, intervals) / count if len(count) else np.zeros(0)
    square = np.bincount(owner, intervals**2) / count if len(count) else np.zeros(0)
    enough = count >= 2
    if not enough.any():
        return float("nan")
    variance = np.maximum(square - mean**2, 0.0)
    return float((np.sqrt(variance) / mean)[enough].mean())


def correlation(cells: np.ndarray, times_ms: np.ndarray, begin_ms: float, end_ms: float, n_cells: int = 1000) -> float:
    """Mean Pearson correlation of the binned spike trains of all pairs among the first ``n_cells`` cells that fire."""
    within = (times_ms >= begin_ms) & (times_ms < end_ms)
    active, row = np.unique(cells[within], return_inverse=True)
    n, n_bins = min(n_cells, len(active)), int((end_ms - begin_ms) / BIN_MS)
    column = np.minimum(((times_ms[within] - begin_ms) / BIN_MS).astype(int), n_bins - 1)
    if n < 2:
        return float("nan")
    counts = np.zeros((n, n_bins), dtype=np.float32)
    chosen = row < n
    np.add.at(counts, (row[chosen], column[chosen]), 1.0)
    counts -= counts.mean(axis=1, keepdims=True)
    counts /= counts.std(axis=1, keepdims=True)
    together = float((counts.sum(axis=0, dtype=np.float64) ** 2).mean())
    return (together - n) / (n * (n - 1))


def summary(
    trains: list[tuple[np.ndarray, np.ndarray]], sizes: list[int], begin_ms: float, end_ms: float, stats_ms: float
) -> dict[str, list[float]]:
    """Rate over the whole window, CV and correlation over its first ``stats_ms``, of each population.

    CV and correlation depend on the length observed; sides that are compared get the same ``stats_ms``.
    """
    stop_ms = min(end_ms, begin_ms + stats_ms)
    result: dict[str, list[float]] = {"rates_hz": [], "cvs": [], "correlations": []}
    for (cells, times_ms), n_cells in zip(trains, sizes, strict=True):
        late = (times_ms >= begin_ms) & (times_ms < end_ms)
        early = late & (times_ms < stop_ms)
        result["rates_hz"].append(float(late.sum()) / n_cells / (end_ms - begin_ms) * 1e3)
        result["cvs"].append(cv_isi(cells[early], times_ms[early]))
        result["correlations"].append(correlation(cells, times_ms, begin_ms, stop_ms))
    return result


def digest(trains: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """A fingerprint of every spike, to the last bit of its time."""
    total = hashlib.sha256()
    for cells, times_ms in trains:
        order = np.lexsort((cells, times_ms))
        total.update(np.ascontiguousarray(cells[order], dtype=np.int64).tobytes())
        total.update(np.ascontiguousarray(times_ms[order], dtype=np.float64).tobytes())
    return total.hexdigest()
