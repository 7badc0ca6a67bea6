"""Tabulated quantile functions: how close they are, what they refuse, and one result by every way."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportOptionalMemberAccess=false
from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from neurosim.columns import Random
from neurosim.connectivity import quantiles
from neurosim.connectivity.columns import population_values
from neurosim.connectivity.distributions import exact_values
from neurosim.connectivity.distributions import quantiles as table_of
from neurosim.connectivity.random import FEW, stream, uniforms, words

BASE = stream(1, "q")
INF = math.inf
SMOOTH = [
    ("normal", {"mu": 0.0, "sigma": 1.0}, 3e-9),
    ("normal", {"mu": 5.0, "sigma": 0.01}, 3e-11),
    ("normal_clipped", {"mu": 1.5, "sigma": 0.75, "low": 0.1, "high": INF}, 3e-9),
    ("normal_clipped", {"mu": -0.35, "sigma": 0.035, "low": -INF, "high": 0.0}, 1e-10),
    ("normal_clipped", {"mu": 0.0, "sigma": 1.0, "low": 6.0, "high": INF}, 1e-9),
    ("lognormal", {"mu": 0.3, "sigma": 0.5}, 1e-7),
    ("exponential", {"beta": 3.0}, 1e-8),
    ("gamma", {"k": 2.0, "theta": 2.0}, 1e-7),
]


@pytest.mark.parametrize(("name", "parameters", "error"), SMOOTH)
def test_tables_follow_the_quantile_function(name, parameters, error):
    indptr = np.array([0, FEW])
    table = table_of(name, parameters)
    found = quantiles.values(BASE, 0, indptr, table)
    np.testing.assert_allclose(found, exact_values(name, parameters, uniforms(BASE, 0, indptr)), rtol=0, atol=error)
    assert found.min() >= table.low and found.max() <= table.high


@pytest.mark.parametrize(
    ("word", "p", "upper"), [(0, 2.0**-40, False), (2**64 - 1, 2.0**-40, True), (2**63 - 1, 0.5, False), (2**63, 0.5, True)]
)
def test_the_outermost_and_the_middle_words(word, p, upper):
    table = table_of("normal", {"mu": 0.0, "sigma": 1.0})
    found = quantiles._through_numpy(np.array([word], np.uint64), table)[0]
    expected = stats.norm.isf(p) if upper else stats.norm.ppf(p)
    assert found == pytest.approx(expected, abs=1e-8)


def test_what_cubics_do_not_follow_has_no_table_but_values():
    parameters = {"k": 0.01, "theta": 1.0}
    assert table_of("gamma", parameters) is None
    values = population_values(Random("gamma", parameters, 1), 1000, "x")
    assert stats.kstest(values, stats.gamma(0.01).cdf).pvalue > 1e-3
    assert table_of("lognormal", {"mu": 700.0, "sigma": 9.0}) is None  # overflows
    assert table_of("vonmises", {"mu": 0.0, "kappa": 1.0}) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numpy_and_the_kernel_give_the_same_bits(dtype):
    table, indptr = table_of("normal", {"mu": 1.0, "sigma": 2.0}), np.array([0, 700, 700, 1400, 1401])
    through_numpy = quantiles._through_numpy(words(BASE, 4, indptr), table)
    out = np.empty(indptr[-1], dtype)
    quantiles.fill_quantiles(BASE, 4, indptr, *table, 0.0, np.empty(64), np.empty(64, np.uint64), out)
    assert np.array_equal(out, through_numpy.astype(dtype))
    assert np.array_equal(out, quantiles.values(BASE, 4, indptr, table, dtype))
    steps = np.empty(indptr[-1], np.int16)
    quantiles.fill_quantiles(BASE, 4, indptr, *table, 10.0, np.empty(512), np.empty(512, np.uint64), steps)
    assert np.array_equal(steps, np.floor(through_numpy * 10.0 + 0.5 + 1e-9))


def test_every_value_comes_from_its_own_word():
    table = table_of("normal", {"mu": 0.0, "sigma": 1.0})
    indptr = np.array([0, 2 * FEW])
    assert np.array_equal(np.argsort(words(BASE, 0, indptr)), np.argsort(quantiles.values(BASE, 0, indptr, table)))


@pytest.mark.parametrize(("low", "high"), [(0.0, 2.0), (0.9, INF), (-INF, 1.1), (3.0, 3.5)])
def test_clipped_normals_have_the_moments_of_values_drawn_again(low, high):
    parameters = {"mu": 1.0, "sigma": 0.5, "low": low, "high": high}
    found = population_values(Random("normal_clipped", parameters, 3), 200_000, "x")
    law = stats.truncnorm((low - 1.0) / 0.5, (high - 1.0) / 0.5, 1.0, 0.5)
    assert stats.kstest(found, law.cdf).pvalue > 1e-3
    assert abs(found.mean() - law.mean()) < 5 * law.std() / math.sqrt(len(found))
    assert abs(found.std() / law.std() - 1.0) < 0.02
