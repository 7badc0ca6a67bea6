"""Checks of what rules are given; each raises one ParameterError that says what to do."""

from __future__ import annotations

import numpy as np

from neurosim.columns import Integers
from neurosim.errors import ParameterError


def probability(value: object, rule: str) -> float:
    """``value`` as a float within [0, 1]."""
    try:
        p = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        p = float("nan")
    if not 0.0 <= p <= 1.0:
        raise ParameterError(
            f"p is {value!r}, not a probability.", where=f"Rule {rule}", used=value, limit="0 <= p <= 1", remedy="Give p between 0 and 1."
        )
    return p


def number(value: object, rule: str) -> int:
    """``value`` as a non-negative int."""
    return int(_whole(np.asarray(value), rule)) if np.ndim(value) == 0 else _reject(value, rule)  # type: ignore[arg-type]


def numbers(value: object, rule: str) -> int | Integers:
    """``value`` as a non-negative int or as a 1-D int64 array of them."""
    if np.ndim(value) == 0:  # type: ignore[arg-type]
        return number(value, rule)
    found = np.asarray(value)
    return _whole(found, rule) if found.ndim == 1 else _reject(f"an array of shape {found.shape}", rule)


def _whole(found: np.ndarray, rule: str) -> Integers:
    if found.dtype.kind not in "iuf" or not np.isfinite(found).all() or (found != np.floor(found)).any() or (found < 0).any():
        _reject(found.item() if found.ndim == 0 else "not all of them are whole and non-negative", rule)
    return np.array(found, np.int64)


def _reject(value: object, rule: str) -> int:
    raise ParameterError(
        f"n must be a whole number from 0 up (or one per cell), not {value!r}.",
        where=f"Rule {rule}",
        used=value,
        limit=0,
        remedy="Give n as a non-negative integer.",
    )


def per_cell(n: int | Integers, cells: int, rule: str) -> Integers:
    """``n`` for each of ``cells`` cells."""
    if isinstance(n, int):
        return np.full(cells, n, np.int64)
    if len(n) != cells:
        raise ParameterError(
            f"n has {len(n)} values for {cells} cells.",
            where=f"Rule {rule}",
            used=len(n),
            limit=cells,
            remedy="Give one number, or one per cell.",
        )
    return n


def check_available(counts: Integers, partners: Integers, replace: bool, rule: str) -> None:
    """Raise unless ``counts`` synapses can be drawn from ``partners`` cells, element by element."""
    short = np.flatnonzero((counts > 0) & (partners <= 0) if replace else counts > partners)
    if len(short):
        first = short[0]
        remedy = "Select cells on the other side." if replace else "Lower n, or draw with replacement."
        raise ParameterError(
            f"n = {counts[first]} synapses were asked for, but only {partners[first]} partners are available (cell {first}).",
            where=f"Rule {rule}",
            used=int(counts[first]),
            limit=int(partners[first]),
            remedy=remedy,
        )


def indices(value: object, name: str, rule: str) -> Integers:
    """``value`` as a 1-D int64 array of indices from 0 up."""
    found = np.asarray(value)
    found = found.astype(np.int64) if found.size == 0 else found
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ParameterError(
            f"{name} must be a list of integers, not {found.dtype} of shape {found.shape}.",
            where=f"Rule {rule}",
            used=str(found.dtype),
            remedy="Give one index per synapse.",
        )
    if len(found) and int(found.min()) < 0:
        low = int(found.min())
        raise ParameterError(f"{name} holds the negative index {low}.", where=f"Rule {rule}", used=low, limit=0, remedy="Count from 0.")
    return np.array(found, np.int64)


def check_range(highest: int, cells: int, name: str, rule: str) -> None:
    """Raise unless the highest index is below ``cells``."""
    if highest >= cells:
        raise ParameterError(
            f"{name} holds the index {highest}, but that side has {cells} cells.",
            where=f"Rule {rule}",
            used=highest,
            limit=cells - 1,
            remedy=f"Use indices from 0 to {cells - 1}." if cells else "Select cells on that side.",
        )
