"""Checks of what a simulation is asked to be."""

from __future__ import annotations

import numpy as np

from neurosim.engine.synapses import KINDS
from neurosim.errors import ParameterError, UnsupportedError
from neurosim.machine import check_threads
from neurosim.network import Network


def check(network: Network, precision: str, threads: int) -> None:
    """Refuse what cannot be simulated.

    Raises
    ------
    ParameterError
        For a precision, number of threads or time step that cannot be.
    UnsupportedError
        For synapses that only a chip has.
    """
    if precision not in ("float64", "float32"):
        raise ParameterError(
            f"precision '{precision}' is not known.", where="setup()", used=precision, limit="float64, float32", remedy="Use one of these."
        )
    check_threads(threads)
    if not (network.dt > 0 and np.isfinite(network.dt)):
        raise ParameterError(
            f"the time step {network.dt} ms is not positive.", where="setup()", used=network.dt, limit=0.0, remedy="Use for example 0.1."
        )
    for projection in network.projections:
        if projection.synapse.model not in KINDS:
            text = f"synapses of the kind '{projection.synapse.model}' are there on some chips only."
            remedy = "Choose a chip that has them, for example setup(chip='loihi'), or another kind of synapse."
            raise UnsupportedError(
                text, where=f"Projection '{projection.label}'", used=projection.synapse.model, limit=sorted(KINDS), remedy=remedy
            )
