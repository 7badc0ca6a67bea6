"""Checks of what a simulation is asked to be."""

from __future__ import annotations

import numpy as np

from neurosim.errors import ParameterError
from neurosim.machine import check_threads
from neurosim.network import Network


def check(network: Network, precision: str, threads: int) -> None:
    """Raise :class:`ParameterError` for a precision, number of threads or time step that cannot be."""
    if precision not in ("float64", "float32"):
        raise ParameterError(
            f"precision '{precision}' is not known.", where="setup()", used=precision, limit="float64, float32", remedy="Use one of these."
        )
    check_threads(threads)
    if not (network.dt > 0 and np.isfinite(network.dt)):
        raise ParameterError(
            f"the time step {network.dt} ms is not positive.", where="setup()", used=network.dt, limit=0.0, remedy="Use for example 0.1."
        )
