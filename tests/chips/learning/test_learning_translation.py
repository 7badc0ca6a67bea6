"""Pair STDP as a rule of the learning engine: the window it gives, its limits, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.chips.loihi.learning import LearningProjection, Spikes, parse, translate_stdp
from neurosim.chips.loihi.learning.projection import NO_SPIKES
from neurosim.errors import ParameterError, UnsupportedError
from neurosim.network import Plasticity


def stdp(dependence="additive", a_plus=0.05, a_minus=0.06, w_min=0.0, w_max=1.0, tau=20.0):
    return Plasticity("pair", dependence, tau, 1.5 * tau, a_plus, a_minus, w_min, w_max)


def mean_change(found, weight, lag, n=3000, seed=1):
    """Mean change in mantissas and its standard error, of pairs with a postsynaptic spike ``lag`` steps after a presynaptic one."""
    one = LearningProjection(
        np.arange(n + 1), np.arange(n), n, np.full(n, weight), found.rules, found.settings, weight=found.weight, seed=seed
    )
    everyone = Spikes(np.arange(n), np.ones(n, np.int64))
    for step in range(abs(lag) + 1):
        pre, post = (step == 0, step == lag) if lag > 0 else (step == -lag, step == 0)
        one.advance(everyone if pre else NO_SPIKES, everyone if post else NO_SPIKES)
    change = one.weights.astype(float) - weight
    return change.mean(), change.std() / np.sqrt(n)


@pytest.mark.parametrize("dependence", ["additive", "multiplicative", "additive_multiplicative"])
@pytest.mark.parametrize("lag", [-30, -3, 4, 25])
@pytest.mark.parametrize("direction", [1, -1])
def test_pairs_change_weights_as_the_rule_says(dependence, lag, direction):
    rule = stdp(dependence, w_max=2.0 * direction)
    found = translate_stdp(rule, unit=2 / 255, dt_ms=1.0)
    low, high = ((0, 255) if direction > 0 else (-255, 0)) if direction > 0 else (0, -255)
    weight = direction * 101
    span = high - low
    if lag > 0:
        size = (span if rule.mu_plus == 0 else high - weight) * rule.A_plus * np.exp(-lag / 20.0)
    else:
        size = -(span if rule.mu_minus == 0 else weight - low) * rule.A_minus * np.exp(lag / 30.0)
    mean, error = mean_change(found, weight, lag)
    peak = abs(span) * max(rule.A_plus, rule.A_minus)
    assert abs(mean - size) <= 4 * error + found.error.largest_of_peak * peak


def test_the_window_of_an_additive_rule_is_exact_but_for_the_impulse():
    found = translate_stdp(stdp(), unit=1 / 255, dt_ms=1.0)
    assert found.error.largest_relative < 1e-3
    assert found.error.mean_relative <= found.error.largest_relative
    assert found.error.span_ms == 100.0
    assert found.notes == (
        f"Pairs change weights as they should to {found.error.mean_relative:.2%} in the mean, {found.error.largest_relative:.2%} at most.",
    )
    assert found.limits == (0.0, pytest.approx(1.0))
    assert found.settings.traces["x1"].tau_steps == 20.0
    assert found.settings.traces["y1"].tau_steps == 30.0


def test_the_linear_decay_is_another_window():
    assert translate_stdp(stdp(), unit=1 / 255, dt_ms=1.0, decay="linear").error.largest_relative > 0.05


def test_products_with_the_weight_cost_accuracy_that_is_reported():
    errors = [
        translate_stdp(stdp(name), unit=1 / 255, dt_ms=1.0).error for name in ("additive", "additive_multiplicative", "multiplicative")
    ]
    assert errors[0].mean_relative < errors[1].mean_relative < errors[2].mean_relative < 0.05
    assert errors[2].largest_of_peak < 0.02


def test_headroom_is_what_traces_hold():
    for headroom in (1.0, 2.0, 10.0):
        found = translate_stdp(stdp(), unit=1 / 255, dt_ms=0.1, headroom=headroom)
        assert found.headroom >= headroom
        assert found.settings.traces["x1"].tau_steps == pytest.approx(200.0)


def test_limits_that_the_chip_does_not_keep_are_noted():
    found = translate_stdp(stdp(w_min=0.2, w_max=0.8), unit=1 / 255, dt_ms=1.0)
    assert found.notes[1:] == ("Weights can fall to 0, not only to 0.2.", "Weights can grow to 1, not only to 0.8.")
    found = translate_stdp(stdp(w_min=-1.0, w_max=0.0), unit=1 / 255, dt_ms=1.0)
    assert found.limits == (pytest.approx(-1.0), 0.0)
    assert (found.weight.low, found.weight.high) == (-255, 0)


def test_a_side_without_amplitude_is_left_out():
    assert str(translate_stdp(stdp(a_minus=0.0), unit=1 / 255, dt_ms=1.0).rules).count("x0") == 0
    assert str(translate_stdp(stdp("multiplicative", a_plus=0.0), unit=1 / 255, dt_ms=1.0).rules).count("y0") == 0


def test_the_rule_reads_back():
    found = translate_stdp(stdp("multiplicative"), unit=1 / 255, dt_ms=1.0)
    assert parse(str(found.rules)) == found.rules


@pytest.mark.parametrize(
    ("rule", "changed", "error", "message"),
    [
        (stdp("gutig"), {}, UnsupportedError, "the weight dependence 'gutig' is no sum of products. Use one of additive, multiplicative"),
        (stdp(w_min=-0.5), {}, UnsupportedError, "weights from -0.5 to 1 change their sign. Set w_min to 0."),
        (stdp(), {"unit": 1 / 200}, None, ""),
        (stdp(), {"unit": 1 / 300}, ParameterError, "the largest weight is 300 times the weight of mantissa 1, and mantissas end at 255"),
        (stdp(), {"unit": 0.0}, ParameterError, "unit must be above 0, not 0.0"),
        (stdp(), {"dt_ms": -1.0}, ParameterError, "dt_ms must be above 0, not -1.0"),
        (stdp(), {"headroom": 0.5}, ParameterError, "headroom must be at least 1, not 0.5"),
        (stdp(a_plus=0.0, a_minus=0.0), {}, ParameterError, "A_plus and A_minus are 0. Use static synapses."),
        (stdp(a_plus=1e-7), {}, ParameterError, "a change of 2.55e-05 mantissas by a pair of spikes cannot be held"),
        (stdp("multiplicative", a_plus=1e-6), {}, ParameterError, "a change of 1e-06 times the weight by a pair of spikes cannot be held"),
    ],
)
def test_refusals_say_why(rule, changed, error, message):
    arguments = {"unit": 1 / 255, "dt_ms": 1.0, **changed}
    if error is None:
        assert translate_stdp(rule, **arguments).limits[1] == pytest.approx(255 / 200)
        return
    with pytest.raises(error) as raised:
        translate_stdp(rule, **arguments)
    assert str(raised.value).startswith(f"STDP rule: {message}")
