"""Orders of neurons in which neighbours come close together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ParameterError

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

_BITS = {1: 31, 2: 24, 3: 20}


def check_positions(positions: object, n: int) -> Floats:
    """Positions as float64 (n, d), d 1 to 3; further columns are left out.

    Raises
    ------
    ParameterError
        If there is not one row per neuron, or a coordinate is not a number.
    """
    found = np.asarray(positions, np.float64)
    if found.ndim != 2 or len(found) != n or found.shape[1] == 0:
        raise ParameterError(
            "positions must be one row of coordinates per neuron.", where="cluster_neurons", used=found.shape, limit=(n, 3)
        )
    if not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
        text = f"the position of neuron {row} is not finite."
        raise ParameterError(text, where="cluster_neurons", used=found[row].tolist(), limit="finite numbers")
    found = found[:, :3]
    return np.ascontiguousarray(found * 2.0**-64 if np.abs(found).max(initial=0.0) > 1e280 else found)  # finite in what follows


def hilbert_order(positions: Floats) -> Int32:
    """Neurons along a Hilbert curve through their positions.

    Parameters
    ----------
    positions
        float64 (n, d), d 1 to 3.

    References
    ----------
    Skilling, AIP Conference Proceedings 707 (2004) 381: axes to transposed index.

    Examples
    --------
    >>> hilbert_order(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])).tolist()
    [0, 2, 3, 1]
    """
    d = positions.shape[1]
    bits = _BITS[d]
    low = positions.min(axis=0, initial=np.inf)
    span = float((positions.max(axis=0, initial=-np.inf) - low).max(initial=0.0)) if len(positions) else 0.0
    axes = list(np.minimum((positions - low) * ((1 << bits) - 1) / (span or 1.0), (1 << bits) - 1).astype(np.int64).T)
    if d > 1:
        _transpose(axes, bits)
    index = np.zeros(len(positions), np.uint64)
    for bit in range(bits - 1, -1, -1):
        for axis in axes:
            index = (index << np.uint64(1)) | ((axis >> bit) & 1).astype(np.uint64)
    return np.argsort(index, kind="stable").astype(np.int32)


def _transpose(axes: list[Int64], bits: int) -> None:
    """Skilling's transform, in place."""
    bit = 1 << (bits - 1)
    while bit > 1:
        below = bit - 1
        for k, axis in enumerate(axes):
            high = (axis & bit) > 0
            swap = np.where(high, 0, (axes[0] ^ axis) & below)
            axes[0] = np.where(high, axes[0] ^ below, axes[0] ^ swap)
            if k:
                axes[k] = axis ^ swap
        bit >>= 1
    for k in range(1, len(axes)):
        axes[k] = axes[k] ^ axes[k - 1]
    flip, bit = np.zeros_like(axes[0]), 1 << (bits - 1)
    while bit > 1:
        flip = np.where((axes[-1] & bit) > 0, flip ^ (bit - 1), flip)
        bit >>= 1
    for k, axis in enumerate(axes):
        axes[k] = axis ^ flip


def bisection_groups(positions: Floats, n_groups: int) -> Int32:
    """Group of every neuron: compact boxes of about the same number, cut across the longest side, again and again.

    Parameters
    ----------
    positions
        float64 (n, d).
    n_groups
        Number of groups.
    """
    group = np.zeros(len(positions), np.int32)
    parts = [(np.arange(len(positions)), 0, n_groups)]
    while parts:
        ids, first, n = parts.pop()
        if n <= 1 or len(ids) < 2:
            group[ids] = first
            continue
        here = positions[ids]
        axis, cut = int(np.argmax(here.max(axis=0) - here.min(axis=0))), len(ids) * (n // 2) // n
        ranked = np.argsort(here[:, axis], kind="stable")
        parts += [(ids[ranked[:cut]], first, n // 2), (ids[ranked[cut:]], first + n // 2, n - n // 2)]
    return group
