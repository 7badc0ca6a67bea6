r"""Synapses written in another form at a stated working point, with the error that it makes.

A conductance ``g`` that reverses at ``E`` and a current ``I`` do the same to a neuron that stays
at one potential: :math:`I = g\,(E - \bar v)`. The working point :math:`\bar v` is that of the population
(:class:`neurosim.network.WorkingPoint`), else midway between ``v_rest`` and ``v_thresh``.
At another potential the current is wrong by the factor
:math:`(E - v) / (E - \bar v)`; the errors given here are over ``v_rest .. v_thresh``.

An alpha-shaped synapse becomes an exponential one of equal area and equal mean time; a voltage
step an exponential current of equal charge.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from neurosim.chips.values import Values, parameter
from neurosim.columns import Floats
from neurosim.network import Population

#: Smallest driving force in mV that a conversion divides by.
SMALLEST_FORCE_MV = 1.0
#: How the working point was found where a population has none of its own.
MIDWAY = "midway between v_rest and v_thresh"


class Conversion(NamedTuple):
    """Factor for the weights, per cell or for all, and relative error: mean and largest."""

    factor: Values
    error_mean: float
    error_max: float


def mean_potential(population: Population) -> Values:
    """Working point in mV: that of the population, else midway between ``v_rest`` and ``v_thresh`` of each cell."""
    if population.working_point is not None:
        return population.working_point.mv
    return (parameter(population, "v_rest") + parameter(population, "v_thresh")) / 2


def how_found(population: Population) -> str:
    """Where the working point comes from, in words."""
    return MIDWAY if population.working_point is None else population.working_point.found


def to_current(population: Population, e_rev_mv: Values) -> Conversion:
    """Factor nA per uS that turns a conductance into a current at the working point."""
    force = e_rev_mv - mean_potential(population)
    return Conversion(force, *driving_error(population, e_rev_mv))


def to_conductance(population: Population, e_rev_mv: Values) -> Conversion:
    """Factor uS per nA that turns a current into a conductance at the working point."""
    force = e_rev_mv - mean_potential(population)
    safe = np.where(np.abs(force) < SMALLEST_FORCE_MV, np.copysign(SMALLEST_FORCE_MV, force), force)
    return Conversion(cast(Values, 1.0 / safe if safe.ndim else float(1.0 / safe)), *driving_error(population, e_rev_mv))


def driving_error(population: Population, e_rev_mv: Values, n_points: int = 21) -> tuple[float, float]:
    """Mean and largest relative error of the synaptic current over the subthreshold range."""
    rest, threshold = parameter(population, "v_rest"), parameter(population, "v_thresh")
    point = mean_potential(population)
    size = np.maximum(np.abs(e_rev_mv - point), SMALLEST_FORCE_MV)
    share = np.linspace(0.0, 1.0, n_points)[:, None]
    error = np.abs(rest + share * np.atleast_1d(threshold - rest) - point) / np.atleast_1d(size)
    return float(error.mean()), float(error.max())


def alpha_to_exponential(tau_ms: Values, tau_m_ms: Values) -> tuple[Values, Conversion]:
    """Time constant and conversion of an exponential synapse like an alpha function.

    The alpha function ``(t / tau) exp(1 - t / tau)`` has area ``e tau`` and mean time ``2 tau``.
    The error is that of the peak of the postsynaptic potential.
    """
    tau_s, tau_m = float(np.mean(tau_ms)), float(np.mean(tau_m_ms))
    times = np.arange(0.0, 10 * (tau_m + 2 * tau_s), tau_s / 50)
    ratio = np.e / 2
    exact = _potential_peak(times / tau_s * np.exp(1 - times / tau_s), times, tau_m)
    error = abs(_potential_peak(ratio * np.exp(-times / (2 * tau_s)), times, tau_m) / exact - 1)
    return 2 * tau_ms, Conversion(ratio, error, error)


def beta_to_exponential(tau_rise_ms: Values, tau_decay_ms: Values, tau_m_ms: Values) -> tuple[Values, Conversion]:
    """The same for a difference of exponentials with peak 1."""
    rise, decay = float(np.mean(tau_rise_ms)), float(np.mean(tau_decay_ms))
    if np.isclose(rise, decay):
        return alpha_to_exponential(tau_decay_ms, tau_m_ms)
    times = np.arange(0.0, 10 * (float(np.mean(tau_m_ms)) + rise + decay), min(rise, decay) / 50)
    shape = np.exp(-times / decay) - np.exp(-times / rise)
    peak = float(np.abs(shape).max())
    ratio = abs(decay - rise) / peak / (rise + decay)
    exact = _potential_peak(np.abs(shape) / peak, times, float(np.mean(tau_m_ms)))
    error = abs(_potential_peak(ratio * np.exp(-times / (rise + decay)), times, float(np.mean(tau_m_ms))) / exact - 1)
    return tau_rise_ms + tau_decay_ms, Conversion(ratio, error, error)


def _potential_peak(current: Floats, times: Floats, tau_m_ms: float) -> float:
    """Peak of the response of a leaky membrane to a current, up to a factor."""
    decay = np.exp(-(times[1] - times[0]) / tau_m_ms)
    potential = peak = 0.0
    for value in current:
        potential = potential * decay + float(value)
        peak = max(peak, potential)
    return peak


def step_to_exponential(population: Population, tau_ms: float) -> Conversion:
    """Factor nA per mV of an exponential current with the charge of a voltage step.

    The error is by how much the peak of the potential is too small.
    """
    cm, tau_m = parameter(population, "cm"), parameter(population, "tau_m")
    ratio = np.minimum(tau_ms / np.atleast_1d(tau_m), 0.999)
    error = 1 - ratio ** (ratio / (1 - ratio))
    return Conversion(cm / tau_ms, float(error.mean()), float(error.max()))


def steady_efficacy(u: Values, tau_rec_ms: Values, tau_facil_ms: Values, rate_hz: float) -> Values:
    """Mean share of the weight that a short-term plastic synapse passes on at a steady rate."""
    facilitated = rate_hz * tau_facil_ms / 1000
    release = u * (1 + facilitated) / (1 + u * facilitated)
    return release / (1 + release * rate_hz * tau_rec_ms / 1000)


def efficacy_error(u: float, tau_rec_ms: float, tau_facil_ms: float, rate_hz: float) -> tuple[float, float]:
    """Mean and largest relative error of a constant efficacy from 1 to 50 Hz."""
    rates = np.geomspace(1.0, 50.0, 20)
    stated = steady_efficacy(u, tau_rec_ms, tau_facil_ms, rate_hz)
    error = np.abs(np.array([cast(float, steady_efficacy(u, tau_rec_ms, tau_facil_ms, float(r))) for r in rates]) / stated - 1)
    return float(error.mean()), float(error.max())
