"""Columns of populations and synapses, blocks, counts, and what a chip makes of rows."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import neurosim.connectivity as connectivity
from neurosim.columns import Expression, Metric, Random
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal, Table, count, expand, iterate, population_values
from neurosim.connectivity.geometry import distances

NORMAL = Random("normal", {"mu": 1.0, "sigma": 0.1}, 7)


def columns_of(connect, rule=None, *, n=(20, 30), start=0, stop=None, seed=5, positions=None, **columns):
    given = {"weight": 0.1, "delay": 1.0, **columns}
    return expand(*connect(*n, rule or Bernoulli(0.4), columns=given, seed=seed, positions=positions), start, stop).columns


# --- populations ---------------------------------------------------------------------------------
def test_population_columns_of_every_kind():
    assert population_values(2, 3, "v").tolist() == [2.0] * 3
    assert population_values(np.float64(2), 3, "v").tolist() == [2.0] * 3
    assert population_values(np.array(4.0), 2, "v").tolist() == [4.0] * 2
    assert population_values(np.arange(3), 3, "v").tolist() == [0.0, 1.0, 2.0]
    assert population_values(Expression("index", lambda i: 2.0 * i), 3, "v").tolist() == [0.0, 2.0, 4.0]
    assert population_values(Expression("index", lambda i: 5.0), 2, "v").tolist() == [5.0, 5.0]
    assert population_values(NORMAL, 0, "v").shape == (0,)


def test_population_values_are_new_arrays():
    given = np.arange(3.0)
    population_values(given, 3, "v")[0] = 9.0
    assert given[0] == 0.0


def test_random_cells_are_keyed_by_seed_and_key_and_not_by_size():
    values = population_values(NORMAL, 1000, (1, "tau_m"))
    assert np.array_equal(values[:10], population_values(NORMAL, 10, (1, "tau_m")))
    others = [population_values(NORMAL, 1000, key) for key in ((2, "tau_m"), (1, "v"), "tau_m", 1)]
    others.append(population_values(replace(NORMAL, seed=8), 1000, (1, "tau_m")))
    assert all(abs(np.corrcoef(values, other)[0, 1]) < 0.15 for other in others)


# --- synapses ------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [0.5, 1, np.float64(0.5), np.int64(2), np.array(0.5)])
def test_a_number_stays_a_python_float(connect, value):
    found = columns_of(connect, weight=value)["weight"]
    assert type(found) is float and found == float(value)


def test_random_columns_follow_the_distribution(connect):
    values = columns_of(connect, AllToAll(), n=(50, 60), weight=NORMAL)["weight"]
    assert values.dtype == np.float64 and len(np.unique(values)) == 3000
    assert stats.kstest(values, stats.norm(1.0, 0.1).cdf).pvalue > 1e-3


def test_random_columns_differ_by_name_column_seed_and_projection_seed(connect):
    found = columns_of(connect, AllToAll(), n=(30, 30), weight=NORMAL, delay=NORMAL, U=replace(NORMAL, seed=1))
    other = columns_of(connect, AllToAll(), n=(30, 30), seed=6, weight=NORMAL)
    values = [found["weight"], found["delay"], found["U"], other["weight"]]
    assert np.abs(np.corrcoef(values) - np.eye(4)).max() < 0.15
    again = columns_of(connect, AllToAll(), n=(30, 30), weight=NORMAL, delay=NORMAL)
    assert np.array_equal(found["weight"], again["weight"])


@pytest.mark.parametrize("rule", [Bernoulli(0.4), FixedIn(3), FixedOut(3, True), FixedTotal(50), Table([3, 0, 3, 19], [1, 2, 1, 0])])
def test_all_kinds_of_columns_are_the_same_for_any_range(connect, rule):
    kinds = {
        "a": NORMAL,
        "b": Expression("distance", lambda d: d * 2.0),
        "c": Expression("index", lambda i, j: i + 0.1 * j),
        "d": np.arange(600.0).reshape(20, 30),
    }
    whole = expand(*connect(20, 30, rule, columns=kinds))
    part = expand(*connect(20, 30, rule, columns=kinds), 3, 17)
    cut = slice(whole.indptr[3], whole.indptr[17])
    assert all(np.array_equal(part.columns[k], np.asarray(whole.columns[k])[cut]) for k in kinds)
    assert np.array_equal(whole.columns["c"], whole.pre() + 0.1 * whole.post)
    assert np.array_equal(whole.columns["d"], kinds["d"][whole.pre(), whole.post])


def test_an_expression_of_distance_sees_positions_of_views(connect):
    positions = np.random.default_rng(1).normal(size=(60, 3))
    network, projection = connect(
        [(0, [4, 9])], [(1, [7]), (0, [4])], AllToAll(), columns={"delay": Expression("distance", lambda d: d + 1.0)}, positions=positions
    )
    expected = [np.linalg.norm(positions[i] - positions[j]) + 1.0 for i in (4, 9) for j in (7, 4)]
    np.testing.assert_allclose(expand(network, projection).columns["delay"], expected)


def test_a_metric_has_axes_scale_offset_and_periods():
    pre, post = np.array([[0.0, 0.0, 5.0], [9.0, 1.0, 5.0]]), np.array([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]])
    metric = Metric((0, 1), 2.0, (0.5, 0.0, 9.0), ((0.0, 10.0), None, None))
    # x: 2 * (1.5, 4.5) = (3, 9), period 10; y: 2 * (2, 0) = (4, 0)
    np.testing.assert_allclose(distances(metric, pre[:, None], post[None]), np.sqrt([[9 + 16, 1 + 0], [16 + 9, 0 + 1]]))


def test_an_array_of_a_table_is_in_row_order(connect):
    table = Table([2, 0, 2], [1, 1, 0])
    found = columns_of(connect, table, n=(3, 2), weight=np.array([1.0, 2.0, 3.0]), start=1)
    assert found["weight"].tolist() == [2.0, 3.0]


def test_columns_of_a_table_override_those_of_the_synapse(connect):
    found = columns_of(connect, Table([0, 1], [1, 0], {"weight": [3.0, 4.0], "delay": 2.0}), n=(2, 2), weight=NORMAL)
    assert found["weight"].tolist() == [3.0, 4.0]
    assert found["delay"] == 2.0


# --- blocks, counts, chips -----------------------------------------------------------------------
def test_blocks_are_about_as_large_as_asked(connect):
    sizes = [rows.size for rows in iterate(*connect(60, 50, FixedOut(10)), 100)]
    assert sizes == [100] * 6
    uneven = FixedOut([50] + [1] * 59)
    assert [r.size for r in iterate(*connect(60, 50, uneven), 30)] == [50, 30, 29]
    table = Table(np.repeat([0, 1, 2], [5, 1, 1]), np.zeros(7, np.int64))
    assert [r.size for r in iterate(*connect(3, 1, table), 2)] == [5, 2]


def test_count_is_what_expansion_gives(connect):
    for rule in (AllToAll(), Bernoulli(0.3), FixedTotal(17), Table([1, 1], [0, 0])):
        network, projection = connect(9, 8, rule)
        assert count(network, projection) == expand(network, projection).size


class KeepStrong:
    """Drops the synapses below a weight."""

    def apply(self, rows):
        keep = rows.columns["weight"] > 1.0
        indptr = np.concatenate([[0], np.cumsum(keep)])[rows.indptr]
        return replace(rows, indptr=indptr, post=rows.post[keep], columns={"weight": rows.columns["weight"][keep], "delay": 1.0})


def test_a_chips_realisation_has_the_last_word(connect):
    network, projection = connect(20, 20, AllToAll(), columns={"weight": NORMAL, "delay": 1.0}, realisation=KeepStrong())
    rows = expand(network, projection)
    assert 100 < rows.size < 300 and rows.columns["weight"].min() > 1.0
    assert count(network, projection) == rows.size == sum(r.size for r in iterate(network, projection, 50))


def test_public_names_are_sorted_and_there():
    assert connectivity.__all__ == sorted(connectivity.__all__)
    assert all(hasattr(connectivity, name) for name in connectivity.__all__)
