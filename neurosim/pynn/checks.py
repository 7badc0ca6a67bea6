"""Checks of what a user gives: cell parameters, weights, delays. Each failure is one clear error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pyNN.parameters import ArrayParameter
from pyNN.standardmodels.base import excitatory_receptor_types, inhibitory_receptor_types

from neurosim.columns import Column, Random
from neurosim.errors import ParameterError
from neurosim.models import validate_spike_times
from neurosim.pynn import simulator
from neurosim.pynn._errors import ConnectError, InvalidValueError

if TYPE_CHECKING:
    from neurosim.pynn.projections import Projection

POSITIVE = frozenset({"tau_m", "cm", "tau_w", "tau_rise", "tau_decay", "alpha", "beta", "tau_plus", "tau_minus"})
NOT_NEGATIVE = frozenset({"tau_refrac", "rate", "duration", "delta_T", "gbar_Na", "gbar_K", "g_leak"})


def is_finite(value: Any) -> bool:
    """True for one plain, finite number; ``True`` and ``False`` are none."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def cell_parameters(model: str, where: str, parameters: Mapping[str, Any]) -> None:
    """Check the values of one cell type one by one.

    Raises
    ------
    InvalidValueError
        For a value that is not a number, a time constant that is not positive, a negative rate,
        or spike times that are negative or not sorted.
    """
    for name, value in parameters.items():
        if name == "spike_times":
            for train in np.atleast_1d(np.asarray(value, dtype=object)):
                _spike_times(train, where)
        elif not isinstance(value, ArrayParameter):
            number(name, value, f"{where} ({model})")


def number(name: str, value: Any, where: str) -> None:
    """Check one parameter: no NaN, positive time constants, no negative rates."""
    try:
        values = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InvalidValueError(f"'{name}' is {value!r}, not a number.", where=where, used=value, remedy="Give a number.") from None
    kind = name.rpartition(".")[2]
    if np.isnan(values).any():
        raise InvalidValueError(f"'{name}' is not a number (NaN).", where=where, used="nan", remedy="Give a finite number.")
    low = float(values.min(initial=np.inf))
    if (kind in POSITIVE or kind.startswith("tau_syn")) and low <= 0:
        raise InvalidValueError(
            f"'{name}' is {low:g}; it must be greater than 0.", where=where, used=low, limit=0, remedy="Give a positive value."
        )
    if kind in NOT_NEGATIVE and low < 0:
        raise InvalidValueError(f"'{name}' is {low:g}; it must not be negative.", where=where, used=low, limit=0, remedy="Give 0 or more.")


def _spike_times(train: Any, where: str) -> None:
    try:
        validate_spike_times(train.value, where=where)
    except ParameterError as fault:
        raise InvalidValueError(fault.message, where=fault.where, limit=fault.limit, used=fault.used, remedy=fault.remedy) from None


def thresholds(where: str, parameters: Mapping[str, Any]) -> None:
    """Check that the reset lies below the threshold, for models that have both."""
    limit = "v_spike" if "v_spike" in parameters else "v_thresh"
    if "v_reset" not in parameters or limit not in parameters:
        return
    gap = np.asarray(parameters[limit], dtype=float) - np.asarray(parameters["v_reset"], dtype=float)
    if np.any(gap <= 0):
        at = int(np.argmin(np.atleast_1d(gap)))
        threshold, reset = (float(np.broadcast_to(parameters[key], np.shape(gap) or (1,))[at]) for key in (limit, "v_reset"))
        raise InvalidValueError(
            f"{limit} ({threshold:g} mV) is not above v_reset ({reset:g} mV).",
            where=where,
            used=threshold,
            limit=reset,
            remedy="Raise the threshold or lower the reset.",
        )


# --- synapses ------------------------------------------------------------------------------------
def finite(name: str, values: Any, where: str) -> None:
    """Check that a synapse parameter holds numbers only."""
    if np.isnan(values).any():
        raise ConnectError(f"'{name}' is not a number (NaN).", where=where, used="nan", remedy="Give a finite number for every connection.")


def weights(values: Any, projection: Projection) -> None:
    """Check the sign of weights against the receptor they act on."""
    low, high = float(np.min(values, initial=np.inf)), float(np.max(values, initial=-np.inf))
    receptor, conductance = projection.receptor_type, projection.post.conductance_based
    where = str(projection)
    if conductance or receptor in excitatory_receptor_types:
        if low < 0:
            kind = "conductance-based" if conductance else "excitatory"
            raise ConnectError(
                f"weights must be positive for {kind} synapses.", where=where, used=low, limit=0, remedy="Change the sign of the weight."
            )
    elif receptor in inhibitory_receptor_types and high > 0:
        raise ConnectError(
            "weights must be negative for current-based, inhibitory synapses.",
            where=where,
            used=high,
            limit=0,
            remedy="Change the sign of the weight.",
        )


def weight_bounds(values: Any, projection: Projection) -> None:
    """Check that plastic weights have the sign of the largest weight they may reach."""
    known = projection._rule_parameters
    name = "w_max" if "w_max" in known else "w_0"
    largest = known.get(name, 0.0)
    low, high = float(np.min(values, initial=np.inf)), float(np.max(values, initial=-np.inf))
    if (low < 0 < largest) or (largest < 0 < high):
        used = low if largest > 0 else high
        raise ConnectError(
            f"the weight {used:g} and {name} ({largest:g}) differ in sign.",
            where=str(projection),
            used=used,
            limit=largest,
            remedy=f"Use a negative {name} for negative weights{': w_min=0, w_max=-1, for example' if name == 'w_max' else ''}.",
        )


def delays(values: Any, projection: Projection) -> None:
    """Check delays against the time step and the bounds given to ``setup()``."""
    state = simulator.state
    low, high = float(np.min(values, initial=np.inf)), float(np.max(values, initial=-np.inf))
    where, slack = str(projection), 1e-9
    if high == np.inf and np.size(values):
        raise ConnectError("a delay is infinite.", where=where, used=high, limit=state.dt, remedy="Give finite delays.")
    if low < state.dt - slack:
        raise ConnectError(
            f"a delay of {low:g} ms is shorter than the time step of {state.dt:g} ms.",
            where=where,
            used=low,
            limit=state.dt,
            remedy="Use longer delays or a smaller timestep.",
        )
    if state.asked_min_delay != "auto" and low < float(state.asked_min_delay) - slack:
        raise ConnectError(
            f"a delay of {low:g} ms is below min_delay ({state.asked_min_delay:g} ms).",
            where=where,
            used=low,
            limit=state.asked_min_delay,
            remedy="Lower min_delay in setup().",
        )
    if state.asked_max_delay != "auto" and high > float(state.asked_max_delay) + slack:
        raise ConnectError(
            f"a delay of {high:g} ms is above max_delay ({state.asked_max_delay:g} ms).",
            where=where,
            used=high,
            limit=state.asked_max_delay,
            remedy="Raise max_delay in setup().",
        )


def synapse_column(name: str, column: Column, projection: Projection, *, signs: bool = True) -> None:
    """Check one column of a projection as far as its numbers are known."""
    if not isinstance(column, int | float | np.ndarray):
        column = np.array(bounds(column)) if isinstance(column, Random) else np.empty(0)
        column = column[np.isfinite(column)]
    finite(name, column, str(projection))
    if name == "weight" and signs:
        weights(column, projection)
        weight_bounds(column, projection)
    elif name == "delay":
        delays(column, projection)


def bounds(column: Random) -> tuple[float, float]:
    """Smallest and largest number a random column can give."""
    p = column.parameters
    if column.distribution in ("uniform", "uniform_int", "normal_clipped", "normal_clipped_to_boundary"):
        return p["low"], p["high"]
    if column.distribution in ("gamma", "exponential", "lognormal", "poisson", "binomial"):
        return 0.0, np.inf
    return -np.inf, np.inf
