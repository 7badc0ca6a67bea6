"""Degrees known without expansion: exact where they are fixed, never exceeded where they are random."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false
from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurosim.columns import Expression
from neurosim.connectivity import AllToAll, Bernoulli, DistanceDependent, FixedIn, FixedOut, FixedTotal, OneToOne, Table, count, expand
from neurosim.connectivity.degrees import binomial_bound
from neurosim.errors import ParameterError

RULES = [
    AllToAll(),
    AllToAll(False),
    OneToOne(),
    Bernoulli(0.15),
    Bernoulli(0.15, False),
    Bernoulli(0.0),
    Bernoulli(1.0, False),
    FixedIn(7),
    FixedIn(7, True, False),
    FixedOut(7, False, False),
    FixedOut(7, True),
    FixedTotal(300),
    FixedTotal(300, False, False),
    FixedTotal(0, False),
    DistanceDependent(Expression("distance", lambda d: np.exp(-d / 5.0)), False),
    Table([0, 3, 3, 3], [1, 1, 2, 1]),
]


def degrees_of(rows, n_post):
    return {"in": np.bincount(rows.post, minlength=n_post), "out": np.diff(rows.indptr)}


@pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)
@pytest.mark.parametrize("same", [False, True])
def test_the_bound_is_not_exceeded_and_the_expectation_holds(connect, rule, same):
    sizes, bounds = [], {}
    for seed in range(60):
        network, projection = connect(40, 30, rule, seed=seed, same=same)
        ends = network.ends(projection)
        bounds = bounds or {side: rule.degree_bound(ends, 0.9999, side=side) for side in ("in", "out")}
        rows = expand(network, projection)
        found = degrees_of(rows, 30)
        assert all(found[side].max() <= bounds[side] for side in bounds)
        sizes.append(rows.size)
    expected = rule.expected(ends)
    assert abs(np.mean(sizes) - expected) <= 4.0 * np.std(sizes) / np.sqrt(60) + 1e-9
    assert count(network, projection) == sizes[-1]


def test_fixed_degrees_are_exact(connect):
    network, projection = connect(40, 30, FixedIn(7))
    ends = network.ends(projection)
    assert FixedIn(7).degree_bound(ends) == 7
    assert FixedOut(9).degree_bound(ends, side="out") == 9
    assert FixedIn([1] * 29 + [5]).degree_bound(ends) == 5
    assert AllToAll().degree_bound(ends, side="in") == 40
    assert OneToOne().degree_bound(ends) == 1
    assert Table([0, 3, 3], [1, 1, 2]).degree_bound(ends, side="out") == 2
    assert Table([], []).degree_bound(ends) == 0


def test_the_bound_is_about_as_often_exceeded_as_stated(connect):
    exceeded = 0
    for seed in range(300):
        network, projection = connect(50, 60, Bernoulli(0.2), seed=seed)
        bound = Bernoulli(0.2).degree_bound(network.ends(projection), 0.9, side="in")
        exceeded += expand(network, projection).post.size and np.bincount(expand(network, projection).post).max() > bound
    assert exceeded <= stats.binom.isf(1e-4, 300, 0.1)
    assert exceeded > 0


def test_an_empty_side_has_no_degree(connect):
    network, projection = connect(0, 3, Bernoulli(0.5))
    ends = network.ends(projection)
    for rule in (AllToAll(), OneToOne(), Bernoulli(0.5), FixedOut(2), FixedTotal(0), FixedIn(0)):
        assert rule.degree_bound(ends) == 0
        assert rule.expected(ends) == 0.0


@pytest.mark.parametrize(
    ("trials", "p", "cells", "quantile"), [(10, 0.3, 1, 0.99), (1000, 0.01, 77_000, 0.9999), (10**6, 0.5, 10, 0.9), (5, 0.999, 3, 0.5)]
)
def test_the_binomial_bound_is_the_smallest_that_holds(trials, p, cells, quantile):
    bound, tail = binomial_bound(trials, p, cells, quantile), (1 - quantile) / cells
    law = stats.binom(trials, p)
    assert law.sf(bound) <= tail < law.sf(bound - 1)


@pytest.mark.parametrize(("arguments", "expected"), [((0, 0.5, 3), 0), ((5, 0.0, 3), 0), ((5, 0.5, 0), 0), ((5, 1.0, 3), 5)])
def test_certain_binomial_bounds(arguments, expected):
    assert binomial_bound(*arguments, 0.99) == expected


@pytest.mark.parametrize("quantile", [0.0, 1.0, -1.0, float("nan")])
def test_a_quantile_lies_inside_the_unit_interval(connect, quantile):
    network, projection = connect(4, 4, OneToOne())
    for rule in (OneToOne(), FixedTotal(2), Table([], [])):
        with pytest.raises(ParameterError, match=r"degree_bound: the quantile is .*between 0 and 1"):
            rule.degree_bound(network.ends(projection), quantile)


def test_a_side_is_in_or_out(connect):
    network, projection = connect(4, 4, OneToOne())
    with pytest.raises(ParameterError, match=r"side is 'left'. Use 'in' or 'out'"):
        AllToAll().degree_bound(network.ends(projection), side="left")
