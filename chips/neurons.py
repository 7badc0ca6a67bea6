"""Leaky integrate-and-fire neurons in place of models that a chip does not have.

Each conversion keeps the resting potential and the current that just makes the neuron fire as far
as the model allows, and measures what is lost: the difference of the firing rates at 1.25, 1.5
and 2 times that current.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from neurosim.chips.values import Values, compact, parameter
from neurosim.network import Population

LIF_PARAMETERS = ("v_rest", "cm", "tau_m", "tau_refrac", "v_thresh", "v_reset", "i_offset")
#: Membrane of an Izhikevich neuron: its equations move 1 mV per ms for 1 pA.
IZHIKEVICH_CM_NF = 1e-3
IZHIKEVICH_PEAK_MV = 30.0
#: Refractory time of the integrate-and-fire neuron that stands for a Hodgkin-Huxley spike.
SPIKE_WIDTH_MS = 3.0
_DRIVES = (1.25, 1.5, 2.0)


class Simplified(NamedTuple):
    """Parameters of the integrate-and-fire neuron, its rate error in Hz, and what is left out."""

    parameters: Mapping[str, Values]
    error_mean_hz: float
    error_max_hz: float
    left_out: str


def to_lif(population: Population) -> Simplified:
    """Integrate-and-fire neuron nearest to the model of a population (``adex``, ``izhikevich`` or ``hh``)."""
    parameters, spikes, left_out = _CONVERSIONS[population.model](population)
    lif = {name: float(np.mean(value)) for name, value in parameters.items()}
    original = {name: float(np.mean(parameter(population, name))) for name in population.parameters}
    errors = _rate_errors(spikes, tuple(sorted(original.items())), tuple(sorted(lif.items())))
    return Simplified(parameters, sum(errors) / len(errors), max(errors), left_out)


def to_adaptive(population: Population) -> Simplified:
    """AdEx neurons with a sharp threshold, whose adaptation only spikes step: ``delta_T`` and ``a`` are 0."""
    parameters = {name: parameter(population, name) for name in population.parameters} | {"delta_T": 0.0, "a": 0.0}
    parameters["v_reset"] = _reset_below(population)
    original, simple = ({name: float(np.mean(p[name])) for name in p} for p in (_evaluated(population), parameters))
    errors = _rate_errors(_adex_spikes, tuple(sorted(original.items())), tuple(sorted(simple.items())))
    left_out = "the exponential spike onset and the adaptation to voltage (a) are left out, that to spikes (b, tau_w) is kept"
    return Simplified(parameters, sum(errors) / len(errors), max(errors), left_out)


def only_spikes_adapt(population: Population) -> bool:
    """True for AdEx neurons as :func:`to_adaptive` leaves them."""
    return population.model == "adex" and not any(np.any(parameter(population, name)) for name in ("delta_T", "a"))


def threshold_current(population: Population) -> float:
    """Current (nA) that just makes the integrate-and-fire neuron of :func:`to_lif` fire, of a cell with mean parameters."""
    mean = {name: float(np.mean(value)) for name, value in _CONVERSIONS[population.model](population).parameters.items()}
    return mean["cm"] / mean["tau_m"] * (mean["v_thresh"] - mean["v_rest"])


def _reset_below(population: Population) -> Values:
    """Reset potential; v_rest where it is not below the threshold, as it may be with an exponential spike onset only."""
    v_reset, v_thresh, v_rest = (np.asarray(parameter(population, name)) for name in ("v_reset", "v_thresh", "v_rest"))
    return _plain(np.where(v_reset < v_thresh, v_reset, v_rest))


def _evaluated(population: Population) -> dict[str, Values]:
    return {name: parameter(population, name) for name in population.parameters}


class _Conversion(NamedTuple):
    parameters: Mapping[str, Values]
    spikes: Callable[[Mapping[str, float], float, float], int]
    left_out: str


def _from_adex(population: Population) -> _Conversion:
    kept = {name: parameter(population, name) for name in LIF_PARAMETERS} | {"v_reset": _reset_below(population)}
    return _Conversion(kept, _adex_spikes, "the exponential spike onset and the adaptation (a, b, tau_w) are left out")


def _from_izhikevich(population: Population) -> _Conversion:
    b = parameter(population, "b")
    root = np.sqrt(np.maximum((5 - b) ** 2 - 22.4, 1e-4))
    rest, threshold = (-(5 - b) - root) / 0.08, (-(5 - b) + root) / 0.08
    values = {
        "v_rest": rest,
        "v_thresh": threshold,
        "v_reset": np.minimum(parameter(population, "c"), rest),
        "tau_m": 100.0 / (threshold - rest),
        "cm": np.full(np.shape(rest), IZHIKEVICH_CM_NF),
        "tau_refrac": np.zeros(np.shape(rest)),
        "i_offset": np.asarray(parameter(population, "i_offset")),
    }
    parameters = {name: _plain(value) for name, value in values.items()}
    return _Conversion(parameters, _izhikevich_spikes, "the recovery variable u and the quadratic spike onset are left out")


def _from_hh(population: Population) -> _Conversion:
    p = {name: float(np.mean(parameter(population, name))) for name in population.parameters}
    grid = p["v_offset"] + np.arange(-30.0, 60.0, 0.05)
    rest = float(grid[np.argmax(_hh_current(p, grid, grid) > 0)])
    onset = grid[grid > rest + 1]
    excitable = _hh_current(p, onset, np.full(len(onset), rest)) < 0
    threshold = float(onset[np.argmax(excitable)]) if excitable.any() else rest + 15.0
    m, h, n = _hh_gates(np.array([rest - p["v_offset"]]))
    conductance = float(p["g_leak"] + p["gbar_Na"] * m[0] ** 3 * h[0] + p["gbar_K"] * n[0] ** 4)
    values = {
        "v_rest": rest,
        "v_thresh": threshold,
        "v_reset": rest,
        "tau_m": p["cm"] / conductance,
        "cm": p["cm"],
        "tau_refrac": SPIKE_WIDTH_MS,
        "i_offset": parameter(population, "i_offset"),
    }
    return _Conversion(values, _hh_spikes, "the sodium and potassium channels are left out; every cell gets the mean cell's parameters")


_CONVERSIONS = {"adex": _from_adex, "izhikevich": _from_izhikevich, "hh": _from_hh}


def _plain(value: object) -> Values:
    array = np.asarray(value, np.float64)
    return float(array) if array.ndim == 0 else compact(array)


_Items = tuple[tuple[str, float], ...]


@lru_cache(maxsize=64)
def _rate_errors(spikes: Callable[..., int], original: _Items, lif: _Items) -> tuple[float, ...]:
    duration_ms = 400.0
    model, simple = dict(original), dict(lif)
    rheobase = simple["cm"] / simple["tau_m"] * (simple["v_thresh"] - simple["v_rest"])
    simplified = _adex_spikes if "b" in simple else _lif_spikes
    counts = [(spikes(model, drive * rheobase, duration_ms), simplified(simple, drive * rheobase, duration_ms)) for drive in _DRIVES]
    return tuple(abs(a - b) * 1000.0 / duration_ms for a, b in counts)


def _lif_spikes(p: Mapping[str, float], current_na: float, duration_ms: float) -> int:
    steady = p["v_rest"] + current_na * p["tau_m"] / p["cm"]
    if steady <= p["v_thresh"]:
        return 0
    first = p["tau_m"] * math.log((steady - p["v_rest"]) / (steady - p["v_thresh"]))
    period = p["tau_refrac"] + p["tau_m"] * math.log((steady - p["v_reset"]) / (steady - p["v_thresh"]))
    return 1 + int((duration_ms - first) / period) if first < duration_ms else 0


def _adex_spikes(p: Mapping[str, float], current_na: float, duration_ms: float, dt: float = 0.05) -> int:
    g_leak, v, w, spikes, pause = p["cm"] / p["tau_m"], p["v_rest"], 0.0, 0, 0.0
    slope = p["delta_T"]
    for _ in range(int(duration_ms / dt)):
        dw = (p["a"] * 1e-3 * (v - p["v_rest"]) - w) / p["tau_w"]
        if pause > 0:
            pause -= dt
        else:
            onset = g_leak * slope * math.exp(min((v - p["v_thresh"]) / slope, 20.0)) if slope > 0 else 0.0
            v += dt * (g_leak * (p["v_rest"] - v) + onset + current_na - w) / p["cm"]
        w += dt * dw
        if v >= (p["v_spike"] if slope > 0 else p["v_thresh"]):
            v, w, spikes, pause = p["v_reset"], w + p["b"], spikes + 1, p["tau_refrac"]
    return spikes


def _izhikevich_spikes(p: Mapping[str, float], current_na: float, duration_ms: float, dt: float = 0.05) -> int:
    root = math.sqrt(max((5 - p["b"]) ** 2 - 22.4, 0.0))
    v = (-(5 - p["b"]) - root) / 0.08
    u, spikes, drive = p["b"] * v, 0, current_na / IZHIKEVICH_CM_NF
    for _ in range(int(duration_ms / dt)):
        v += dt * (0.04 * v * v + 5 * v + 140 - u + drive)
        u += dt * p["a"] * (p["b"] * v - u)
        if v >= IZHIKEVICH_PEAK_MV:
            v, u, spikes = p["c"], u + p["d"], spikes + 1
    return spikes


def _hh_rates(u: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    def linoid(x: np.ndarray, width: float) -> np.ndarray:
        safe = np.where(np.abs(x) < 1e-6, 1e-6, x)
        return safe / np.expm1(safe / width)

    m = (0.32 * linoid(13 - u, 4.0), 0.28 * linoid(u - 40, 5.0))
    h = (0.128 * np.exp((17 - u) / 18), 4 / (1 + np.exp((40 - u) / 5)))
    n = (0.032 * linoid(15 - u, 5.0), 0.5 * np.exp((10 - u) / 40))
    return m, h, n


def _hh_gates(u: np.ndarray) -> list[np.ndarray]:
    return [opening / (opening + closing) for opening, closing in _hh_rates(u)]


def _hh_current(p: Mapping[str, float], v: np.ndarray, v_slow: np.ndarray) -> np.ndarray:
    """Outward current (nA) at ``v`` with m settled at ``v`` and h, n settled at ``v_slow``."""
    m = _hh_gates(v - p["v_offset"])[0]
    _, h, n = _hh_gates(v_slow - p["v_offset"])
    sodium = p["gbar_Na"] * m**3 * h * (v - p["e_rev_Na"])
    potassium = p["gbar_K"] * n**4 * (v - p["e_rev_K"])
    return p["g_leak"] * (v - p["e_rev_leak"]) + sodium + potassium


def _hh_spikes(p: Mapping[str, float], current_na: float, duration_ms: float, dt: float = 0.025) -> int:
    grid = np.arange(-120.0, 120.0, 0.1)
    gates = [(opening + closing, opening / (opening + closing)) for opening, closing in _hh_rates(grid)]
    (m_rate, m_end), (h_rate, h_end), (n_rate, n_end) = [(np.exp(-dt * r).tolist(), e.tolist()) for r, e in gates]
    v, above, spikes = 0.0, False, 0
    m, h, n = (end[1200] for end in (m_end, h_end, n_end))
    e_na, e_k, e_leak = (p[name] - p["v_offset"] for name in ("e_rev_Na", "e_rev_K", "e_rev_leak"))
    for _ in range(int(duration_ms / dt)):
        k = min(max(int((v + 120) * 10), 0), len(m_end) - 1)
        m, h, n = (end[k] + (y - end[k]) * rate[k] for y, rate, end in ((m, m_rate, m_end), (h, h_rate, h_end), (n, n_rate, n_end)))
        sodium, potassium = p["gbar_Na"] * m**3 * h, p["gbar_K"] * n**4
        total = sodium + potassium + p["g_leak"]
        target = (sodium * e_na + potassium * e_k + p["g_leak"] * e_leak + current_na) / total
        v = target + (v - target) * math.exp(-dt * total / p["cm"])
        spikes += v > 60 and not above
        above = v > 60
    return spikes
