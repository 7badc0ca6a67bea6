"""Every distribution of PyNN has the right shape, and refuses what it cannot have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from neurosim.columns import Random
from neurosim.connectivity.columns import population_values
from neurosim.connectivity.distributions import DISTRIBUTIONS
from neurosim.errors import ParameterError, UnknownNameError

N = 20_000
INF = math.inf
CONTINUOUS = [
    ("uniform", {"low": -2.0, "high": 3.0}, stats.uniform(-2, 5)),
    ("normal", {"mu": 1.0, "sigma": 2.0}, stats.norm(1, 2)),
    ("normal_clipped", {"mu": 1.0, "sigma": 2.0, "low": 0.0, "high": 4.0}, stats.truncnorm(-0.5, 1.5, 1, 2)),
    ("normal_clipped", {"mu": 0.0, "sigma": 1.0, "low": 6.0, "high": INF}, stats.truncnorm(6, INF)),
    ("normal_clipped", {"mu": 0.0, "sigma": 1.0, "low": -INF, "high": -6.0}, stats.truncnorm(-INF, -6)),
    ("lognormal", {"mu": 0.3, "sigma": 0.5}, stats.lognorm(0.5, scale=math.exp(0.3))),
    ("exponential", {"beta": 3.0}, stats.expon(scale=3)),
    ("gamma", {"k": 0.7, "theta": 2.0}, stats.gamma(0.7, scale=2)),
    ("vonmises", {"mu": 0.5, "kappa": 2.0}, stats.vonmises(2.0, loc=0.5)),
    ("vonmises", {"mu": 0.0, "kappa": 1e5}, stats.norm(0, 1e5**-0.5)),
    ("vonmises", {"mu": 0.0, "kappa": 0.0}, stats.uniform(-math.pi, 2 * math.pi)),
]
DISCRETE = [
    ("poisson", {"lambda_": 3.5}, stats.poisson(3.5)),
    ("poisson", {"lambda_": 5000.0}, stats.poisson(5000)),
    ("poisson", {"lambda_": 0.0}, stats.poisson(0)),
    ("binomial", {"n": 12.0, "p": 0.3}, stats.binom(12, 0.3)),
    ("binomial", {"n": 5.0, "p": 1.0}, stats.binom(5, 1.0)),
    ("binomial", {"n": 100_000.0, "p": 0.4}, stats.binom(100_000, 0.4)),
    ("uniform_int", {"low": -2.0, "high": 3.0}, stats.randint(-2, 3)),
]


def draw(name: str, parameters: dict[str, float], seed: int = 4) -> np.ndarray:
    return population_values(Random(name, parameters, seed), N, "x")


@pytest.mark.parametrize(("name", "parameters", "law"), CONTINUOUS)
def test_continuous_values_follow_the_law(name, parameters, law):
    assert stats.kstest(draw(name, parameters), law.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("name", "parameters", "law"), DISCRETE)
def test_counts_are_quantiles_of_the_law(name, parameters, law):
    u = draw("uniform", {"low": 0.0, "high": 1.0})
    assert np.array_equal(draw(name, parameters), law.ppf(u))


def test_clipped_to_boundary_puts_the_tails_on_the_bounds():
    found = draw("normal_clipped_to_boundary", {"mu": 0.0, "sigma": 1.0, "low": -1.0, "high": 0.5})
    plain = draw("normal", {"mu": 0.0, "sigma": 1.0})
    assert np.array_equal(found, np.clip(plain, -1.0, 0.5))


def test_clipped_values_stay_inside_even_in_a_sliver():
    found = draw("normal_clipped", {"mu": 0.0, "sigma": 1.0, "low": 36.0, "high": 36.1})
    assert found.min() >= 36.0 and found.max() <= 36.1 and len(np.unique(found)) > N // 2


@pytest.mark.parametrize("name", ["normal", "normal_clipped", "normal_clipped_to_boundary", "lognormal"])
def test_no_spread_gives_the_middle(name):
    parameters = {"mu": 0.5, "sigma": 0.0, "low": 0.0, "high": 1.0}
    found = draw(name, {k: parameters[k] for k in DISTRIBUTIONS[name].names})
    assert np.array_equal(found, np.full(N, math.exp(0.5) if name == "lognormal" else 0.5))


WRONG = [
    ("binomial", {"n": 2.5, "p": 0.5}),
    ("binomial", {"n": 3.0, "p": 1.5}),
    ("exponential", {"beta": -1.0}),
    ("gamma", {"k": 0.0, "theta": 1.0}),
    ("lognormal", {"mu": 0.0, "sigma": -1.0}),
    ("normal", {"mu": math.nan, "sigma": 1.0}),
    ("normal", {"mu": 0.0, "sigma": INF}),
    ("normal_clipped", {"mu": 0.0, "sigma": 1.0, "low": 2.0, "high": 1.0}),
    ("normal_clipped", {"mu": 0.0, "sigma": 1.0, "low": 60.0, "high": INF}),
    ("normal_clipped", {"mu": 0.0, "sigma": 0.0, "low": 1.0, "high": 2.0}),
    ("normal_clipped", {"mu": 0.0, "sigma": -1.0, "low": 1.0, "high": 2.0}),
    ("normal_clipped_to_boundary", {"mu": 0.0, "sigma": 1.0, "low": math.nan, "high": 2.0}),
    ("poisson", {"lambda_": -1.0}),
    ("uniform", {"low": 1.0, "high": 0.0}),
    ("uniform_int", {"low": 0.0, "high": 0.0}),
    ("uniform_int", {"low": 0.0, "high": 1.5}),
    ("vonmises", {"mu": 0.0, "kappa": -1.0}),
]


@pytest.mark.parametrize(("name", "parameters"), WRONG)
def test_impossible_parameters_are_named_with_what_is_needed(name, parameters):
    with pytest.raises(ParameterError, match=rf"Distribution '{name}': cannot have .*=.*\. It needs ") as caught:
        draw(name, parameters)
    assert caught.value.limit == DISTRIBUTIONS[name].domain


def test_a_missing_parameter_is_an_error():
    with pytest.raises(ParameterError, match=r"takes mu, sigma; it was given mu"):
        draw("normal", {"mu": 1.0})


def test_an_unknown_distribution_proposes_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown distribution 'nomal'. Did you mean 'normal'"):
        draw("nomal", {})
