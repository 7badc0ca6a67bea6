"""Every refusal says what, where, and what to do."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false
from __future__ import annotations

import numpy as np
import pytest

from neurosim.columns import Expression, Random
from neurosim.connectivity import (
    AllToAll,
    Bernoulli,
    DistanceDependent,
    FixedIn,
    FixedOut,
    FixedTotal,
    Table,
    expand,
    iterate,
    population_values,
)
from neurosim.errors import NetworkError, NeurosimError, ParameterError, UnknownNameError

CONSTRUCTION = [
    (lambda: Bernoulli(1.5), r"Rule Bernoulli: p is 1.5, not a probability. Give p between 0 and 1."),
    (lambda: Bernoulli(-0.1), "p is -0.1"),
    (lambda: Bernoulli(float("nan")), "p is nan"),
    (lambda: Bernoulli("often"), "p is 'often'"),
    (lambda: Bernoulli(None), "p is None"),
    (lambda: FixedIn(-1), r"Rule FixedIn: n must be a whole number from 0 up \(or one per cell\), not -1."),
    (lambda: FixedIn(2.5), r"not 2.5"),
    (lambda: FixedIn([1, -2]), "not all of them are whole and non-negative"),
    (lambda: FixedIn([[1, 2]]), r"an array of shape \(1, 2\)"),
    (lambda: FixedOut(float("nan")), "Rule FixedOut: n must be"),
    (lambda: FixedOut("many"), "not 'many'"),
    (lambda: FixedTotal(-3), "Rule FixedTotal: n must be"),
    (lambda: FixedTotal([3, 4]), "Rule FixedTotal: n must be"),
    (lambda: Table([0, 1], [0]), r"Rule Table: pre has 2 values and post 1. Give one of each per synapse."),
    (lambda: Table([-1], [0]), r"Rule Table: pre holds the negative index -1. Count from 0."),
    (lambda: Table([0], [-7]), "post holds the negative index -7"),
    (lambda: Table([0.5], [0]), r"pre must be a list of integers, not float64 of shape \(1,\)"),
    (lambda: Table([[0]], [0]), r"pre must be a list of integers, not int64 of shape \(1, 1\)"),
    (lambda: Table([0], [0], {"weight": [1.0, 2.0]}), r"column 'weight' has shape \(2,\) for 1 synapses."),
]


@pytest.mark.parametrize(("make", "message"), CONSTRUCTION)
def test_rules_refuse_wrong_arguments(make, message):
    with pytest.raises(ParameterError, match=message) as caught:
        make()
    assert caught.value.remedy


def test_whole_floats_count_as_numbers():
    assert FixedIn(3.0).n == 3 and FixedTotal(np.int32(4)).n == 4


INF = float("inf")
EXPANSION = [
    (
        (4, 5),
        FixedIn(5),
        {},
        r"Projection 'a-b', Rule FixedIn: n = 5 .* only 4 partners are available \(cell 0\). Lower n, or draw with repl",
    ),
    ((4, 5), FixedOut(6), {}, "Rule FixedOut: n = 6 .* only 5 partners"),
    ((4, 5), FixedOut([1, 1, 9, 1]), {}, r"only 5 partners are available \(cell 2\)"),
    ((0, 5), FixedIn(1, with_replacement=True), {}, "only 0 partners .* Select cells on the other side."),
    ((4, 5), FixedIn([1, 2]), {}, "Rule FixedIn: n has 2 values for 5 cells. Give one number, or one per cell."),
    ((4, 5), FixedOut([1, 2]), {}, "Rule FixedOut: n has 2 values for 4 cells."),
    ((4, 5), FixedTotal(21, with_replacement=False), {}, "Rule FixedTotal: n = 21 .* only 20 pairs are available. Lower n"),
    ((0, 5), FixedTotal(1), {}, "only 0 pairs are available. Select cells on both sides."),
    (
        (4, 5),
        Table([4], [0]),
        {},
        "Projection 'a-b', Rule Table: pre holds the index 4, but that side has 4 cells. Use indices from 0 to 3.",
    ),
    ((4, 5), Table([0], [5]), {}, "post holds the index 5, but that side has 5 cells."),
    ((4, 0), Table([0], [0]), {}, "post holds the index 0, but that side has 0 cells. Select cells on that side."),
    (
        (4, 5),
        DistanceDependent(Expression("distance", lambda d: d * np.nan)),
        {},
        "Rule DistanceDependent: the probability of 20 pairs from row 0",
    ),
    ((4, 5), DistanceDependent(Expression("angle", lambda d: d)), {}, "Projection 'a-b': an expression of 'angle' is not known. Use 'dist"),
    ((4, 5), DistanceDependent(Expression("distance", lambda d: d[0])), {}, r"returned \(5,\) where an array of shape \(4, 5\)"),
    (
        (4, 5),
        DistanceDependent(Expression("distance", lambda d: d.T)),
        {},
        r"returned \(5, 4\) where an array of shape \(4, 5\) was due. Make",
    ),
    ((4, 5), DistanceDependent(Expression("distance", lambda d: "far")), {}, "the function returned str where"),
    (
        (4, 5),
        AllToAll(),
        {"weight": float("nan")},
        "Projection 'a-b', column 'weight': 20 of 20 values are not finite, for example nan. Correct",
    ),
    ((4, 5), AllToAll(), {"weight": np.where(np.eye(4, 5), INF, 1.0)}, "column 'weight': 4 of 20 values are not finite, for example inf"),
    ((4, 5), AllToAll(), {"delay": 0.0}, "column 'delay': 20 of 20 values are not finite and above 0 ms, for example 0. Use a clipped"),
    ((4, 5), AllToAll(), {"delay": np.where(np.eye(4, 5), -1.0, 1.0)}, "column 'delay': 4 of 20 values"),
    ((4, 5), AllToAll(), {"U": -INF}, "column 'U': 20 of 20 values are not finite"),
    ((4, 5), AllToAll(), {"weight": np.ones(20)}, r"an array of shape \(20,\) was given. Give a number, or an array of shape \(4, 5\)."),
    ((4, 5), Table([0, 1], [0, 0]), {"weight": np.ones(3)}, r"Give a number, or an array of shape \(4, 5\) or \(2,\)."),
    ((4, 5), AllToAll(), {"weight": Expression("index", lambda i, j: np.ones(3))}, r"column 'weight': the function returned \(3,\) where"),
    (
        (4, 5),
        AllToAll(),
        {"weight": Random("normal", {"mu": 0.0, "sigma": -1.0}, 1)},
        "column 'weight', Distribution 'normal': cannot have",
    ),
]


@pytest.mark.parametrize(("sizes", "rule", "columns", "message"), EXPANSION)
def test_expansion_refuses_with_the_projections_name(connect, sizes, rule, columns, message):
    network, projection = connect(*sizes, rule, columns={"weight": 1.0, "delay": 1.0, **columns})
    with pytest.raises(ParameterError, match=message) as caught:
        expand(network, projection)
    assert str(caught.value).startswith("Projection 'a-b'")
    assert caught.value.remedy
    with pytest.raises(ParameterError, match=message):
        list(iterate(network, projection))


def test_a_cell_that_may_not_reach_itself_has_one_partner_less(connect):
    for rule in (FixedIn(4, allow_self=False), FixedOut(4, allow_self=False), FixedTotal(13, False, False)):
        with pytest.raises(ParameterError, match=r"only (3 partners|12 pairs) are available"):
            expand(*connect(4, 4, rule, same=True))


def test_an_unknown_distribution_names_the_column(connect):
    with pytest.raises(UnknownNameError, match=r"Projection 'a-b', column 'delay': unknown distribution 'gama'. Did you mean 'gamma'"):
        expand(*connect(4, 5, AllToAll(), columns={"delay": Random("gama", {}, 1)}))


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 5), (5, None)])
def test_rows_outside_the_projection_are_refused(connect, start, stop):
    with pytest.raises(NetworkError, match=r"Projection 'a-b': rows .* were asked for, there are 4. Ask for"):
        expand(*connect(4, 5, AllToAll()), start, stop)


def test_a_block_holds_at_least_one_synapse(connect):
    with pytest.raises(ParameterError, match=r"Projection 'a-b': a block of 0 synapses is empty. Ask for 1 synapse or more."):
        list(iterate(*connect(4, 5, AllToAll()), 0))


def test_population_columns_refuse_what_does_not_fit():
    with pytest.raises(ParameterError, match=r"an array of shape \(2,\) was given for 3 cells. Give one value, or one per cell."):
        population_values(np.ones(2), 3, "v")
    with pytest.raises(ParameterError, match=r"an expression of 'distance' has no value for single cells. Use an expression of 'index'."):
        population_values(Expression("distance", lambda d: d), 3, "v")
    with pytest.raises(ParameterError, match=r"the function returned \(2,\) where an array of shape \(3,\) was due"):
        population_values(Expression("index", lambda i: i[:2]), 3, "v")


def test_all_errors_are_neurosims():
    assert issubclass(ParameterError, NeurosimError) and issubclass(ParameterError, ValueError)
