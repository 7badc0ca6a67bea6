"""Orders of positions: the Hilbert curve, row by row there and back, and outward from the middle."""

from __future__ import annotations

import numpy as np

from neurosim.mapping.placement.positions import Positions
from neurosim.mapping.structures import Int32, Int64


def hilbert_order(positions: Positions) -> Int64:
    """Positions along a Hilbert curve over their bounding square, int64 (n,).

    References
    ----------
    Hilbert, "Ueber die stetige Abbildung einer Linie auf ein Flaechenstueck", Math. Ann. 38, 1891.
    """
    x, y = _from_zero(positions.x), _from_zero(positions.y)
    key = np.zeros(len(x), np.int64)
    side = 1 << max(int(max(x.max(initial=0), y.max(initial=0))).bit_length() - 1, 0)
    while side:
        right, upper = (x & side) > 0, (y & side) > 0
        key += side * side * ((3 * right) ^ upper)
        flip = ~upper & right
        x, y = np.where(flip, side - 1 - (x & (side - 1)), x & (side - 1)), np.where(flip, side - 1 - (y & (side - 1)), y & (side - 1))
        x, y = np.where(upper, x, y), np.where(upper, y, x)
        side >>= 1
    return np.argsort(key, kind="stable")


def zigzag_order(positions: Positions) -> Int64:
    """Positions row by row, every other row backwards, int64 (n,)."""
    _, row = np.unique(positions.y, return_inverse=True)
    x = positions.x.astype(np.int64)
    return np.lexsort((np.where(row % 2, -x, x), row))


def raster_order(positions: Positions) -> Int64:
    """Positions row by row, each from the left, int64 (n,)."""
    return np.lexsort((positions.x, positions.y))


def compact(positions: Positions, free: Int64, n: int, centre: int) -> Int64:
    """The ``n`` free positions nearest to a position, int64 (n,), in increasing order."""
    if n >= len(free):
        return free
    far = positions.distances(free, np.full(len(free), centre))
    return np.sort(free[np.argsort(far, kind="stable")[:n]])


def _from_zero(values: Int32) -> Int64:
    return values.astype(np.int64) - int(values.min(initial=0))
