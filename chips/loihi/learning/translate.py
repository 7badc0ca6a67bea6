"""PyNN's pair STDP as a rule of the learning engine.

With the trace x1 of presynaptic and y1 of postsynaptic spikes:

    post after pre:   A_plus  (w_max - w_min) x1 y0    additive,     A_plus  (w_max - w) x1 y0    multiplicative
    pre after post:  -A_minus (w_max - w_min) y1 x0    additive,    -A_minus (w - w_min) y1 x0    multiplicative

A distance from a limit is multiplied out, because the limits do not fit the constants of a sum. The impulse
takes what a scale, a mantissa times a power of two, cannot hold; the two scales of a multiplicative side
have to fit each other, which they do to some percent. A product with the weight is shifted right by
five bits, and its exponent makes up for that; it is rounded down, which is part of the error that is reported.

What is different on the chip: pairs at exactly the same step count both ways; spikes meet at the times of the
cell bodies, as if all of the delay were dendritic but without it; a trace holds ``headroom`` impulses; and
weights are bound by the format of the mantissa, not by ``w_min`` and ``w_max``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product as every

import numpy as np

from neurosim.chips.loihi.learning.projection import VariableFormat, weight_format
from neurosim.chips.loihi.learning.rules import Factor, Product, Rule, RuleSet, default_limits
from neurosim.chips.loihi.learning.traces import Decay, Trace, TraceSettings
from neurosim.chips.loihi.learning.window import WindowError, compare, mean_changes
from neurosim.errors import ParameterError, UnsupportedError
from neurosim.network import Plasticity

SPAN_MS = 100.0
"""Lags of up to this long are compared with the ideal window."""

_WHERE = "STDP rule"
_KINDS = {"additive": (False, False), "multiplicative": (True, True), "additive_multiplicative": (False, True)}
_SMALLEST_IMPULSE = 1.0 / 16.0

#: An impulse of 1 is as bad as scales that misfit by this: a trace of few values is a coarse one.
_COARSENESS = 0.2


@dataclass(frozen=True, slots=True)
class StdpTranslation:
    """STDP in the terms of the learning engine.

    Attributes
    ----------
    rules, settings
        For :class:`.LearningProjection`.
    weight
        Range of the mantissas.
    limits
        Smallest and largest weight that learning can reach, in the unit of the weights.
    headroom
        Spikes in quick succession that fill the fuller trace.
    error
        Distance from the ideal window.
    notes
        What is different, in sentences.
    """

    rules: RuleSet
    settings: TraceSettings
    weight: VariableFormat
    limits: tuple[float, float]
    headroom: float
    error: WindowError
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Half:
    """One side of the window: change = (constant + slope * w) * trace, in mantissas; the trace is 1 after a spike."""

    constant: float
    slope: float
    trace: str
    event: str
    tau_steps: float


def translate_stdp(
    rule: Plasticity,
    *,
    unit: float,
    dt_ms: float,
    headroom: float = 2.0,
    epoch_steps: int = 1,
    decay: Decay = "exponential",
) -> StdpTranslation:
    """Rule, traces and their error for pair STDP.

    Parameters
    ----------
    rule
        ``additive``, ``multiplicative`` or ``additive_multiplicative``.
    unit
        Weight of mantissa 1, above 0.
    dt_ms
        Time step.
    headroom
        Spikes that a trace holds before it saturates, at least 1. More of it leaves fewer bits to a single spike.
    epoch_steps, decay
        See :class:`.TraceSettings`.

    Raises
    ------
    UnsupportedError
        If the dependence is another one, or the weights may change sign.
    ParameterError
        If ``unit``, ``dt_ms`` or ``headroom`` is out of its range, the largest weight is above the largest
        mantissa, or changes are smaller or larger than scales and impulses can hold.

    Examples
    --------
    >>> rule = Plasticity("pair", "additive", 20.0, 20.0, 0.01, 0.012, 0.0, 1.0)
    >>> found = translate_stdp(rule, unit=1 / 255, dt_ms=1.0)
    >>> print(found.rules)
    dw = 3*2^-6*y0*x1 - 7*2^-7*x0*y1
    >>> found.error.largest_relative < 0.001
    True
    """
    _check(rule, unit, dt_ms, headroom)
    bounds = (rule.w_min / unit, rule.w_max / unit)
    form = weight_format("inhibitory" if min(bounds) < 0 else "excitatory")
    largest, top = max(map(abs, bounds)), max(form.high, -form.low)
    if largest > top + 0.5:
        text = f"the largest weight is {largest:.4g} times the weight of mantissa 1, and mantissas end at {top}."
        raise ParameterError(text, where=_WHERE, used=largest, limit=top, remedy="Use a larger unit.")
    halves = _halves(rule, *bounds, dt_ms)
    found = [(half, *_fitted(half, headroom)) for half in halves]
    products = [one for half, impulse, scales in found for one in _products(half, scales)]
    if not products:
        raise ParameterError("A_plus and A_minus are 0.", where=_WHERE, used=0.0, remedy="Use static synapses.")
    settings = TraceSettings({half.trace: Trace(impulse, half.tau_steps) for half, impulse, _ in found}, epoch_steps, decay)
    room = 127.0 / max(impulse for _, impulse, _ in found)
    error = _error([(half, _products(half, scales)) for half, _, scales in found], settings, bounds, dt_ms)
    reach = (form.low * unit, form.high * unit)
    return StdpTranslation(RuleSet((Rule("w", tuple(products)),)), settings, form, reach, room, error, _notes(rule, unit, reach, error))


def _check(rule: Plasticity, unit: float, dt_ms: float, headroom: float) -> None:
    if rule.dependence not in _KINDS:
        text = f"the weight dependence '{rule.dependence}' is no sum of products."
        remedy = f"Use one of {', '.join(_KINDS)}."
        raise UnsupportedError(text, where=_WHERE, used=rule.dependence, limit=list(_KINDS), remedy=remedy)
    if rule.w_min * rule.w_max < 0:
        text = f"weights from {rule.w_min:g} to {rule.w_max:g} change their sign."
        raise UnsupportedError(text, where=_WHERE, used=(rule.w_min, rule.w_max), limit=0.0, remedy="Set w_min to 0.")
    for name, value, least in (("unit", unit, 0.0), ("dt_ms", dt_ms, 0.0), ("headroom", headroom, 1.0)):
        if not (math.isfinite(value) and value >= least and value > 0):
            text = f"{name} must be {'at least 1' if least else 'above 0'}, not {value!r}."
            raise ParameterError(text, where=_WHERE, used=value, limit=least, remedy="Choose a larger number.")


def _halves(rule: Plasticity, low: float, high: float, dt_ms: float) -> list[_Half]:
    """Both sides of the window from the limits in mantissas; a side without an amplitude is left out."""
    by_distance = _KINDS[rule.dependence]
    up = (rule.A_plus * high, -rule.A_plus) if by_distance[0] else (rule.A_plus * (high - low), 0.0)
    down = (rule.A_minus * low, -rule.A_minus) if by_distance[1] else (-rule.A_minus * (high - low), 0.0)
    halves = [_Half(*up, "x1", "y0", rule.tau_plus / dt_ms), _Half(*down, "y1", "x0", rule.tau_minus / dt_ms)]
    return [half for half in halves if half.constant or half.slope]


def _fitted(half: _Half, headroom: float) -> tuple[float, list[tuple[int, int]]]:
    """Impulse, and mantissa and exponent of the products with and without the weight, (0, 0) for none."""
    limits = default_limits()
    (least, most), unit = limits.scale_exponent.value, 2**limits.impulse_fraction_bits.value
    largest = math.floor((2**limits.trace_bits.value - 1) / headroom * unit) / unit
    scales = list(every(range(1, limits.scale_mantissa.value[1] + 1), range(least, most + 1)))
    sizes = np.array([m * 2.0**e for m, e in scales])
    shift = Product(1, 0, half.event, (Factor(half.trace), Factor("w"))).shift(limits)
    leading = abs(half.slope) if half.slope else abs(half.constant)
    impulses = np.rint(leading / (sizes * 2.0 ** (-shift if half.slope else 0)) * unit) / unit
    fits = (impulses >= _SMALLEST_IMPULSE) & (impulses <= largest)
    if not fits.any():
        text = f"a change of {leading:.3g} {'times the weight' if half.slope else 'mantissas'} by a pair of spikes cannot be held."
        remedy = "Change A_plus, A_minus or the range of the weights."
        raise ParameterError(text, where=_WHERE, used=leading, limit=(_SMALLEST_IMPULSE, largest), remedy=remedy)
    held = np.maximum(impulses, _SMALLEST_IMPULSE)
    misfit = np.abs(np.log(np.outer(held, sizes) / abs(half.constant))) if half.slope and half.constant else np.zeros((held.size, 1))
    chosen = int(np.where(fits, misfit.min(axis=1) + _COARSENESS / held, np.inf).argmin())
    impulse = float(impulses[chosen])
    if not half.slope:
        return impulse, [_signed(scales[chosen], half.constant), (0, 0)]
    partner = scales[int(misfit[chosen].argmin())] if half.constant else (0, 0)
    return impulse, [_signed(partner, half.constant), _signed(scales[chosen], half.slope)]


def _signed(scale: tuple[int, int], like: float) -> tuple[int, int]:
    return (scale[0] if like > 0 else -scale[0]), scale[1]


def _products(half: _Half, scales: list[tuple[int, int]]) -> list[Product]:
    """Products of a side: without the weight and with it."""
    (constant, power), (slope, slope_power) = scales
    found = [Product(constant, power, half.event, (Factor(half.trace),))] if constant else []
    return found + ([Product(slope, slope_power, half.event, (Factor(half.trace), Factor("w")))] if slope else [])


def _error(sides: list[tuple[_Half, list[Product]]], settings: TraceSettings, bounds: tuple[float, float], dt_ms: float) -> WindowError:
    """Error of the window at a quarter, a half and three quarters of the way between the limits."""
    n_steps = max(1, round(SPAN_MS / dt_ms))
    steps, (low, high) = np.arange(1, n_steps + 1), bounds
    shares = (0.25, 0.5, 0.75) if any(half.slope for half, _ in sides) else (0.5,)
    # odd ones: an even weight would hide what the shift loses
    weights = [round(low + share * (high - low)) | 1 for share in shares]
    ideal, found = [], []
    for half, products in sides:
        window = np.exp(-steps / half.tau_steps)
        ideal += [(half.constant + half.slope * weight) * window for weight in weights]
        trace = settings.traces[half.trace]
        found += [mean_changes(products, trace, settings.decay, n_steps, weight) for weight in weights]
    return compare(np.concatenate(ideal), np.concatenate(found), n_steps * dt_ms)


def _notes(rule: Plasticity, unit: float, reach: tuple[float, float], error: WindowError) -> tuple[str, ...]:
    notes = [f"Pairs change weights as they should to {error.mean_relative:.2%} in the mean, {error.largest_relative:.2%} at most."]
    low, high = sorted((rule.w_min, rule.w_max))
    if low > reach[0] + unit / 2:
        notes.append(f"Weights can fall to {reach[0]:.4g}, not only to {low:g}.")
    if high < reach[1] - unit / 2:
        notes.append(f"Weights can grow to {reach[1]:.4g}, not only to {high:g}.")
    return tuple(notes)
