"""Refuses parameters that no simulation could use, naming the cell, the limit and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.models._program_constants import SHARPEST_MV
from neurosim.models.catalogue import Parameter, model

Array = NDArray[np.float64]

_TAU_SYN = Parameter("tau_syn", "ms", 5.0, low=0.0, low_open=True)
_E_REV = Parameter("e_rev", "mV", 0.0)
_FIXED = (
    Parameter("decay_u", "", 0.0, 0.0, high=4096.0, whole=True),
    Parameter("unit", "nA", 1.0, 0.0, low_open=True),
    Parameter("grain", "", 1.0, 1.0, high=2.0**20, whole=True),
    Parameter("bits_in", "", 22.0, 0.0, high=48.0, whole=True),
    Parameter("bits", "", 24.0, 0.0, high=48.0, whole=True),
    Parameter("closed", "", 0.0, 0.0, high=1.0, whole=True),
)
_RECEPTORS: dict[str, tuple[Parameter, ...]] = {
    "fixed": _FIXED,
    "fixed_joined": (),
    "curr_exp": (_TAU_SYN,),
    "curr_alpha": (_TAU_SYN,),
    "curr_delta": (),
    "cond_exp": (_TAU_SYN, _E_REV),
    "cond_alpha": (_TAU_SYN, _E_REV),
    "cond_beta": (Parameter("tau_rise", "ms", 0.2, 0.0, low_open=True), Parameter("tau_decay", "ms", 1.7, 0.0, low_open=True), _E_REV),
}


def validate(model_name: str, parameters: Mapping[str, Any], *, where: str = "") -> None:
    """Check the parameters of a population.

    Parameters
    ----------
    model_name
        Key of :data:`neurosim.models.MODELS`.
    parameters
        Numbers or arrays by PyNN's names; those left out are not checked.
    where
        Object concerned, for example ``"Population 'exc'"``.

    Raises
    ------
    UnknownNameError
        If the model or a parameter is not known.
    ParameterError
        If a value is not a finite number, is outside its range, or contradicts another one
        (threshold below reset, spike cut-off below threshold).

    Examples
    --------
    >>> validate("lif", {"tau_m": 10.0}, where="Population 'exc'")
    """
    kind = model(model_name)
    values = {name: _numbers(name, value, where) for name, value in parameters.items()}
    for name, value in values.items():
        _in_range(kind.parameter(name, where=where), value, where)
    if model_name == "lif":
        _above(values, "v_thresh", "v_reset", where, "threshold below reset")
    elif model_name in ("adex", "adex_fixed"):
        _validate_adex(values, where)
        if model_name == "adex_fixed" and "delta_T" in values:
            bad = (values["delta_T"] > 0.0) & (values["delta_T"] < SHARPEST_MV)
            remedy = f"Give 0, or {SHARPEST_MV} and more."
            _refuse(bad, values["delta_T"], where, "delta_T is {} mV, too sharp for whole numbers", SHARPEST_MV, remedy)
    elif model_name == "poisson_refractory_source":
        _validate_dead_time(values, where)
    elif model_name in ("izhikevich", "izhikevich_fixed") and "c" in values:
        text, remedy = "c = {} mV: threshold below reset", "Choose c below 30 mV, the peak of a spike."
        _refuse(values["c"] >= 30.0, values["c"], where, text, 30.0, remedy)


def validate_receptor(kind: str, parameters: Mapping[str, Any], where: str = "") -> None:
    """Check the parameters of one synaptic receptor.

    Raises
    ------
    UnknownNameError
        If the kind or a parameter is not known.
    ParameterError
        If a parameter is missing, not a finite number, or outside its range.
    """
    if kind not in _RECEPTORS:
        raise UnknownNameError.among("receptor kind", kind, _RECEPTORS, where=where)
    known = {parameter.name: parameter for parameter in _RECEPTORS[kind]}
    for name in parameters:
        if name not in known:
            raise UnknownNameError.among(f"parameter of receptor kind '{kind}'", name, known, where=where)
    for name, parameter in known.items():
        if name not in parameters:
            remedy = f"Give {name} in {parameter.unit}, for example {parameter.default}."
            raise ParameterError(f"{kind} receptor without {name}.", where=where, limit=name, remedy=remedy)
        _in_range(parameter, _numbers(name, parameters[name], where), where)


def validate_spike_times(times: Any, *, where: str = "") -> None:
    """Check the spike times (ms) of one cell of an array source: numbers, finite, not negative, sorted.

    Raises
    ------
    ParameterError
        Otherwise; names the first offending time.
    """
    values = _numbers("spike_times", times, where, each="position")
    _refuse(values < 0.0, values, where, "spike time {} ms is negative", 0.0, "Spike times count from 0 ms.", each="position")
    back = np.diff(values) < 0.0 if values.ndim else np.empty(0, bool)
    if back.any():
        at = int(np.argmax(back))
        text = f"spike times are not sorted: {values[at + 1]:g} ms comes after {values[at]:g} ms (position {at + 1})."
        raise ParameterError(text, where=where, limit=float(values[at]), used=float(values[at + 1]), remedy="Sort them, numpy.sort(times).")


def _validate_adex(values: Mapping[str, Array], where: str) -> None:
    sharp = values.get("delta_T", np.asarray(2.0)) > 0.0
    _above(values, "v_spike", "v_reset", where, "threshold below reset", applies=sharp)
    _above(values, "v_thresh", "v_reset", where, "threshold below reset", applies=~sharp)
    _above(values, "v_spike", "v_thresh", where, "spike cut-off below threshold", applies=sharp, may_equal=True)


def _validate_dead_time(values: Mapping[str, Array], where: str) -> None:
    if "rate" not in values or "tau_refrac" not in values:
        return
    rate, dead = np.broadcast_arrays(values["rate"], values["tau_refrac"])
    text = "rate is {} Hz, more than the dead time tau_refrac allows"
    _refuse(rate * dead >= 1e3, rate, where, text, "1000 / tau_refrac", "Lower the rate below 1000 / tau_refrac.")


def _numbers(name: str, value: Any, where: str, *, each: str = "cell") -> Array:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        text = f"{name} is {value!r}, not a number."
        raise ParameterError(text, where=where, used=value, remedy="Give a number or one number per cell.") from None
    _refuse(~np.isfinite(array), array, where, f"{name} is {{}}", "finite", "Give a finite number.", each=each)
    return array


def _in_range(parameter: Parameter, value: Array, where: str) -> None:
    name, unit = parameter.name, f" {parameter.unit}" if parameter.unit else ""
    text = f"{name} is {{}}{unit}"
    if parameter.low_open:
        _refuse(value <= parameter.low, value, where, text, parameter.low, f"Give {name} above {parameter.low:g}{unit}.")
    else:
        _refuse(value < parameter.low, value, where, text, parameter.low, f"Give {name} of at least {parameter.low:g}{unit}.")
    _refuse(value > parameter.high, value, where, text, parameter.high, f"Give {name} of at most {parameter.high:g}{unit}.")
    if parameter.whole:
        _refuse(value != np.rint(value), value, where, text, "whole numbers", f"Give {name} as a whole number.")


def _above(
    values: Mapping[str, Array], upper: str, lower: str, where: str, fault: str, *, applies: Any = True, may_equal: bool = False
) -> None:
    if upper not in values or lower not in values:
        return
    high, low, applies = np.broadcast_arrays(values[upper], values[lower], applies)
    bad = applies & ((high < low) if may_equal else (high <= low))
    limit = f"{low[bad][0]:g}" if bad.ndim and bad.any() else f"{low.flat[0]:g}"
    text = f"{fault}: {upper} is {{}} mV, {lower} is {limit} mV"
    _refuse(bad, high, where, text, float(limit), f"Choose {upper} above {lower}.")


def _refuse(bad: Any, value: Array, where: str, text: str, limit: object, remedy: str, *, each: str = "cell") -> None:
    """Raise if any element is bad; ``text`` has one place for the first bad value, ``each`` says what elements are."""
    bad = np.asarray(bad)
    if not bad.any():
        return
    value = np.broadcast_to(value, bad.shape)
    first = float(value[bad][0]) if bad.ndim else float(value)
    message = text.format(f"{first:g}")
    if bad.ndim and bad.size > 1:
        message += f" ({each} {int(np.argmax(bad))}; {int(bad.sum())} of {bad.size})"
    raise ParameterError(message + ".", where=where, limit=limit, used=first, remedy=remedy)
