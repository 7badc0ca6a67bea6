"""Delays as whole time steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.columns import Floats
from neurosim.errors import ParameterError

HALF = 0.500000001
"""Added before rounding down: halves go up, as in NEST, also those that are a rounding error short."""
SHORTEST = 1.0 - 1e-6
"""Smallest delay in steps that passes for one."""

_BLOCK = 1 << 14


def steps(value: float, dt_ms: float) -> int:
    """One finite delay (ms) in steps."""
    if not math.isfinite(value):
        text = f"a delay of {value:g} ms is no number of steps."
        raise ParameterError(text, where="connections", used=value, limit=dt_ms, remedy="Give finite delays.")
    return int(np.floor(value * (1.0 / dt_ms) + HALF))


def delay_steps(delays_ms: float | Floats, dt_ms: float, dtype: Any = np.int32) -> NDArray[Any]:
    """Delays in whole steps of ``dt_ms``, at least one; 1-D.

    Raises
    ------
    ParameterError
        If a delay is below one step, no finite number, or too long for ``dtype``.
    """
    delays = np.atleast_1d(np.asarray(delays_ms, np.float64))
    found = np.empty(delays.shape, dtype)
    if not len(delays):
        return found
    shortest, longest = float(delays.min()), float(delays.max())
    check_range(shortest, longest, int(np.count_nonzero(delays < SHORTEST * dt_ms)) if shortest < SHORTEST * dt_ms else 0, dt_ms, dtype)
    for first in range(0, len(delays), _BLOCK):  # temporaries stay in the cache
        found[first : first + _BLOCK] = np.floor(delays[first : first + _BLOCK] * (1.0 / dt_ms) + HALF)
    return found


def check_range(shortest_ms: float, longest_ms: float, n_short: int, dt_ms: float, dtype: Any) -> None:
    """Raise unless no delay is below one step and the longest can be held."""
    if n_short:
        raise ParameterError(
            f"{n_short:,} delays are below the time step; the smallest is {shortest_ms:g} ms.",
            used=shortest_ms,
            limit=dt_ms,
            remedy=f"Use delays of at least {dt_ms:g} ms or a smaller timestep.",
        )
    most = np.iinfo(dtype).max
    if steps(longest_ms, dt_ms) > most:
        raise ParameterError(
            f"a delay of {longest_ms:g} ms has more steps than {np.dtype(dtype)} holds.",
            used=longest_ms,
            limit=most * dt_ms,
            remedy="Use shorter delays or a larger timestep.",
        )
