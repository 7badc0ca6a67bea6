"""Lazy values of parameters: a number, an array, a random distribution or an expression.

A column stays lazy until somebody needs its numbers. Random columns are counter-based: the value
of an element depends on the seed and on the element's own key only, never on the block, thread or
order in which it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Random:
    """Values drawn from a distribution, one per element.

    Attributes
    ----------
    distribution
        PyNN's name: ``uniform``, ``normal``, ``normal_clipped``, ``lognormal``, ...
    parameters
        The distribution's parameters by PyNN's names, for example ``{"mu": 0.1, "sigma": 0.02}``.
    seed
        Seed of this column; two columns with one seed have equal values at equal keys.
    """

    distribution: str
    parameters: dict[str, float]
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """How distances between positions are measured (PyNN's ``Space``).

    ``axes`` are the indices of the coordinates used; ``periodic`` gives ``(low, high)`` per axis
    or ``None``; positions of the postsynaptic side are ``scale_factor * (position + offset)``.
    """

    axes: tuple[int, ...] = (0, 1, 2)
    scale_factor: float = 1.0
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    periodic: tuple[tuple[float, float] | None, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A vectorised function of the distance or of the indices of a pair.

    Attributes
    ----------
    of
        ``"distance"``: ``function(d)`` with d in um; ``"index"``: ``function(i, j)`` with the
        presynaptic and postsynaptic index.
    """

    of: str
    function: Callable[..., Floats]
    metric: Metric = Metric()


Column = float | Floats | Random | Expression


def is_homogeneous(column: Column) -> bool:
    """True if the column is one number for all elements."""
    return isinstance(column, int | float | np.floating | np.integer)
