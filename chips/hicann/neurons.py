"""Neuron parameters on HICANN: ranges of the calibration, and voltages on the grid of the DACs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.chips.datasheet import Range
from neurosim.chips.hicann.sheet import HicannSheet
from neurosim.chips.hicann.weights import capacitance_pf
from neurosim.chips.parameters import Parameters, unit_of
from neurosim.chips.values import Values, cell_values, compact
from neurosim.columns import Floats
from neurosim.losses import Loss
from neurosim.network import Population

_VOLTAGES = ("v_rest", "v_thresh", "v_reset", "v_spike", "e_rev")


@dataclass(frozen=True, slots=True)
class Window:
    """Hardware voltage of a biological one: ``scale`` mV per mV, ``shift`` V at 0 mV.

    ``low``, ``high`` and ``step`` are the ends and the grid of biological voltages in mV.
    """

    scale: float
    shift: float
    low: float
    high: float
    step: float

    def __str__(self) -> str:
        return f"Voltages from {self.low:.4g} to {self.high:.4g} mV in steps of {self.step:.3g} mV"


def window_of(sheet: HicannSheet, all_parameters: list[Parameters]) -> Window:
    """The default window, or the one of the demos stretched over the network's voltages if they do not fit."""
    values = [np.asarray(p.values[key]) for p in all_parameters for key in p.named(*_VOLTAGES)]
    low, high = (min(float(v.min()) for v in values), max(float(v.max()) for v in values)) if values else (0.0, 0.0)
    neurons = sheet.neurons
    default = _window(sheet, neurons.voltage_scale.value, neurons.voltage_shift.value)
    if default.low <= low and high <= default.high:
        return default
    bottom, top = neurons.window.value
    scale = min(neurons.voltage_scale.value, 1000 * (top - bottom) / (high - low))
    return _window(sheet, scale, bottom - scale * low / 1000)


def _window(sheet: HicannSheet, scale: float, shift: float) -> Window:
    full, levels = sheet.neurons.voltage_full.value, 2**sheet.neurons.voltage_bits.value - 1
    return Window(scale, shift, -1000 * shift / scale, 1000 * (full - shift) / scale, 1000 * full / levels / scale)


def fold_current(parameters: Parameters) -> None:
    """A constant current as a shift of the resting potential; HICANN has no other way."""
    current = np.asarray(parameters.values["i_offset"])
    if not current.any():
        return
    values, size = parameters.values, parameters.population.size
    # the resting point of the adaptation moves along: w is smaller by a x shift, all else is the same
    shift = current / (values["cm"] / values["tau_m"] + np.asarray(values.get("a", 0.0)) * 1e-3)
    values["v_rest"] = _plain(values["v_rest"] + shift)
    values["i_offset"] = 0.0
    where, count = f"Population '{parameters.population.label}'", int(np.count_nonzero(np.broadcast_to(current, (size,))))
    detail = "A constant current becomes a shift of v_rest; exact, since leak and adaptation are linear."
    parameters.losses.append(Loss("approximation", where, "i_offset", count, size, detail=detail))


def start_at_rest(population: Population, parameters: Parameters) -> Population:
    """Population whose neurons start where the hardware lets them: at rest, or at reset if they fire by themselves."""
    rest, threshold, reset = (np.asarray(parameters.values[name]) for name in ("v_rest", "v_thresh", "v_reset"))
    start = np.broadcast_to(np.where(rest < threshold, rest, reset), (population.size,))
    asked = population.initial.get("v")
    if asked is not None:
        error = np.abs(cell_values(asked, population.size, f"{population.id}/initial/v") - start)
        count = int(np.count_nonzero(error > 1e-9))
        where, size = f"Population '{population.label}'", population.size
        detail = "Membranes cannot be set; they start at rest."
        if count:
            mean, most = float(error.mean()), float(error.max())
            parameters.losses.append(Loss("ignored", where, "initial v", count, size, mean, most, "mV", detail))
    values = {name: column for name, column in population.initial.items() if name != "v"}
    return replace(population, initial={**values, "v": compact(start.copy())})


def into_range(sheet: HicannSheet, parameters: Parameters, window: Window, size: int) -> None:
    """Clip parameters to the calibrated ranges and put voltages on the grid."""
    neurons = sheet.neurons
    tau_m = neurons.tau_m_big if neurons.capacitor.value == "big" else neurons.tau_m_small
    times = {"tau_m": tau_m, "tau_syn": neurons.tau_syn, "tau_refrac": neurons.tau_ref, "tau_w": neurons.tau_w}
    for name, domain in times.items():
        for key in parameters.named(name):
            _clip(parameters, key, _scaled(domain, neurons.speedup.value / 1000))
    _adaptation(sheet, parameters, window, size)

    def on_grid(voltages: Floats) -> Floats:
        return np.rint((voltages - window.low) / window.step) * window.step + window.low

    for key in parameters.named(*_VOLTAGES):
        parameters.clip(key, window.low, window.high, f"{window}")
        parameters.change(key, on_grid, "rounded", f"{window}.")


def _adaptation(sheet: HicannSheet, parameters: Parameters, window: Window, size: int) -> None:
    """Ranges of AdEx parameters, whose hardware values depend on scale and capacitance; 0 switches a term off."""
    if "delta_T" not in parameters.values:
        return
    neurons = sheet.neurons
    ratio = capacitance_pf(sheet, size) / (float(np.mean(parameters.values["cm"])) * 1000) * neurons.speedup.value
    for key, low, high in (
        ("delta_T", *_scaled(neurons.delta_t, 1 / window.scale)),
        ("a", *_scaled(neurons.a, 1 / ratio)),
        ("b", *_scaled(neurons.b, 1 / ratio / window.scale)),
    ):
        _clip(parameters, key, (low, high), off=True)


def _clip(parameters: Parameters, key: str, ends: tuple[float, float], *, off: bool = False) -> None:
    low, high = ends

    def clipped(values: Floats) -> Floats:
        return np.where(off & (values == 0), 0.0, np.clip(values, low, high))

    unit = unit_of(parameters.population.model, key)
    parameters.change(key, clipped, "clipped", f"Range of the calibration: {low:.4g} to {high:.4g} {unit}.")


def _scaled(domain: Range, factor: float) -> tuple[float, float]:
    low, high = domain.value
    return low * factor, high * factor


def _plain(value: object) -> Values:
    array = np.asarray(value, np.float64)
    return float(array) if array.ndim == 0 else compact(array)
