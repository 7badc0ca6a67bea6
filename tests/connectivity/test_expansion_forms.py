"""An expansion gives as little as is asked for, in the form asked for, and from any thread."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportOptionalMemberAccess=false, reportIndexIssue=false
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neurosim.columns import Expression, Random
from neurosim.connectivity import AllToAll, Bernoulli, Expansion, FixedIn, FixedOut, FixedTotal, OneToOne, Table, blocks, expand
from neurosim.connectivity.listing import FEW, in_row_order
from neurosim.errors import NetworkError, ParameterError

DELAY = Random("normal_clipped", {"mu": 1.5, "sigma": 0.75, "low": 0.1, "high": 20.0}, 3)
WEIGHT = Random("normal", {"mu": 1.0, "sigma": 0.1}, 7)
COLUMNS = {"weight": WEIGHT, "delay": DELAY}
COMPACT = {"post": np.int32, "delay": np.int16, "weight": np.float32}


@pytest.mark.parametrize("names", [(), ("delay",), ("weight", "delay")])
def test_only_the_columns_asked_for_are_computed(connect, names):
    def forbidden(i, j):
        raise AssertionError

    network, projection = connect(20, 30, Bernoulli(0.4), columns={**COLUMNS, "p": Expression("index", forbidden)})
    rows = expand(network, projection, columns=names)
    assert tuple(rows.columns) == names
    whole = expand(*connect(20, 30, Bernoulli(0.4), columns=COLUMNS))
    assert np.array_equal(rows.post, whole.post)
    assert all(np.array_equal(rows.columns[name], whole.columns[name]) for name in names)


KINDS = {
    "random": DELAY,
    "exact": Random("vonmises", {"mu": 1.5, "kappa": 40.0}, 2),
    "may be short": Random("normal", {"mu": 3.0, "sigma": 0.1}, 2),
    "expression": Expression("index", lambda i, j: 0.1 + 0.05 * i),
    "array": 0.1 + np.arange(600.0).reshape(20, 30) * 0.05,
    "number": 0.25,
}


@pytest.mark.parametrize("kind", KINDS)
def test_narrow_forms_are_the_wide_ones_rounded(connect, kind):
    network, projection = connect(20, 30, FixedOut(9), columns={"weight": KINDS[kind], "delay": KINDS[kind]})
    wide, narrow = expand(network, projection), expand(network, projection, dtypes=COMPACT)
    assert narrow.post.dtype == np.int32 and np.array_equal(narrow.post, wide.post)
    steps = np.floor(np.asarray(wide.columns["delay"]) / 0.1 + 0.5 + 1e-9)
    assert np.array_equal(narrow.columns["delay"], steps)
    if kind == "number":
        assert (narrow.columns["weight"], narrow.columns["delay"]) == (0.25, 3.0)
    else:
        assert narrow.columns["delay"].dtype == np.int16 and narrow.columns["weight"].dtype == np.float32
        assert np.array_equal(narrow.columns["weight"], wide.columns["weight"].astype(np.float32))


@pytest.mark.parametrize(
    "delay", [0.05, Random("uniform", {"low": 0.05, "high": 0.3}, 1), Expression("index", lambda i, j: 0.01 + 0.1 * j)]
)
def test_steps_refuse_delays_below_one(connect, delay):
    network, projection = connect(20, 30, AllToAll(), columns={"weight": 1.0, "delay": delay})
    assert expand(network, projection).size == 600
    with pytest.raises(
        ParameterError, match=r"Projection 'a-b', column 'delay': [\d,]+ delays are below the time step; the smallest is 0.0"
    ):
        expand(network, projection, dtypes=COMPACT)


@pytest.mark.parametrize("delay", [1e6, replace(DELAY, parameters={**DELAY.parameters, "mu": 5e3, "high": 1e4}), np.full((2, 3), 1e6)])
def test_steps_refuse_delays_that_do_not_fit(connect, delay):
    network, projection = connect(2, 3, AllToAll(), columns={"weight": 1.0, "delay": delay})
    with pytest.raises(ParameterError, match=r"a delay of .* ms has more steps than int16 holds. Use shorter delays or a larger timestep"):
        expand(network, projection, dtypes=COMPACT)
    assert np.max(expand(network, projection, dtypes={"delay": np.int32}).columns["delay"]) > 32767


def test_unknown_columns_and_impossible_types_are_refused(connect):
    network, projection = connect(2, 3, AllToAll())
    with pytest.raises(NetworkError, match=r"Projection 'a-b': has no column 'U'. Columns: weight, delay."):
        expand(network, projection, columns=("U",))
    with pytest.raises(ParameterError, match=r"values of 'weight' cannot be int16. Ask for a floating-point type."):
        expand(network, projection, dtypes={"weight": np.int16})
    with pytest.raises(ParameterError, match="values of 'delay' cannot be uint8"):
        expand(network, projection, dtypes={"delay": np.uint8})


class Halved:
    """Keeps every second synapse, at half the weight."""

    def apply(self, rows):
        keep = rows.post % 2 == 0
        indptr = np.concatenate([[0], np.cumsum(keep)])[rows.indptr]
        columns = {"weight": rows.columns["weight"][keep] / 2, "delay": rows.columns["delay"]}
        return replace(rows, indptr=indptr, post=rows.post[keep], columns=columns)


def test_what_a_chip_makes_of_rows_takes_the_forms_too(connect):
    columns = {"weight": WEIGHT, "delay": 1.0}
    plain = expand(*connect(9, 8, AllToAll(), columns=columns))
    network, projection = connect(9, 8, AllToAll(), columns=columns, realisation=Halved())
    rows = expand(network, projection, columns=("weight", "delay"), dtypes=COMPACT)
    assert np.array_equal(rows.columns["weight"], (plain.columns["weight"][::2] / 2).astype(np.float32))
    assert rows.columns["delay"] == 10.0 and rows.post.dtype == np.int32 and set(rows.post) == {0, 2, 4, 6}
    assert expand(network, projection, columns=()).size == 36
    assert Expansion(network, projection).span("weight") is None


RULES = [
    Bernoulli(0.3),
    FixedIn(300),
    FixedIn(300, True),
    FixedOut(100),
    FixedTotal(50_000),
    FixedTotal(50_000, False),
    AllToAll(False),
    OneToOne(),
    Table(np.arange(400) % 7, np.arange(400) % 5),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)
def test_threads_give_what_one_thread_gives(connect, rule):
    network, projection = connect(400, 500, rule, columns=COLUMNS)
    expansion = Expansion(network, projection)
    ranges = expansion.blocks(3000)
    whole = expansion.expand(dtypes=COMPACT)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda r: expansion.expand(*r, dtypes=COMPACT), ranges * 3))
    for copy in range(3):
        parts = found[copy * len(ranges) : (copy + 1) * len(ranges)]
        assert np.array_equal(np.concatenate([p.post for p in parts]), whole.post)
        assert all(np.array_equal(np.concatenate([p.columns[n] for p in parts]), whole.columns[n]) for n in COLUMNS)
    assert expansion.count() == whole.size


@pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)
def test_blocks_cover_all_rows_in_order(connect, rule):
    network, projection = connect(400, 500, rule)
    found = blocks(network, projection, 5000)
    assert found[0][0] == 0 and found[-1][1] == 400
    assert all(a[1] == b[0] for a, b in pairwise(found)) and all(a < b for a, b in found)
    sizes = [expand(network, projection, *r, columns=()).size for r in found]
    assert max(sizes) < 2.5 * 5000 or isinstance(rule, FixedIn)
    if isinstance(rule, FixedIn):  # cut where it draws: four leaves of 100 rows
        assert [r[0] for r in found] == [0, 100, 200, 300]


@pytest.mark.parametrize(
    ("column", "low", "high", "magnitude"),
    [
        (-2.0, -2.0, -2.0, 2.0),
        (Random("uniform", {"low": -1.0, "high": 3.0}, 1), -1.0, 3.0, 1.25),
        (Random("normal_clipped", {"mu": 1.0, "sigma": 0.1, "low": 0.0, "high": 1.2}, 1), 0.3, 1.2, 0.9945),
        (np.array([[-1.0, 2.0], [3.0, 0.0]]), -1.0, 3.0, 1.5),
    ],
)
def test_the_span_of_a_column_is_known_without_drawing(connect, column, low, high, magnitude):
    span = Expansion(*connect(2, 2, AllToAll(), columns={"weight": column, "delay": 1.0})).span("weight")
    assert span.low == pytest.approx(low, abs=0.02) and span.high == pytest.approx(high, abs=1e-9)
    assert span.magnitude == pytest.approx(magnitude, abs=2e-3)


def test_no_value_lies_outside_the_span(connect):
    expansion = Expansion(*connect(300, 300, AllToAll(), columns=COLUMNS))
    rows = expansion.expand()
    for name in COLUMNS:
        span = expansion.span(name)
        assert span.low <= rows.columns[name].min() and rows.columns[name].max() <= span.high
        assert span.magnitude == pytest.approx(np.abs(rows.columns[name]).mean(), rel=0.02)
    unknown = Expansion(*connect(3, 3, AllToAll(), columns={"weight": Expression("index", lambda i, j: 1.0), "delay": 1.0}))
    assert unknown.span("weight") is None


@pytest.mark.parametrize("n", [0, 1000, FEW + 1, 300_000])
@pytest.mark.parametrize(("n_pre", "n_post"), [(1000, 700), (3, 100_000), (70_000, 2)])
def test_listed_synapses_are_sorted_stably(n, n_pre, n_post):
    rng = np.random.default_rng(n)
    pre, post, given = rng.integers(0, n_pre, n), rng.integers(0, n_post, n), np.arange(2.0 * n).reshape(n, 2)
    before = given.copy()
    sources, targets, columns = in_row_order(pre, post, given, n_pre, n_post)
    order = np.lexsort((post, pre))
    assert np.array_equal(sources, pre[order]) and np.array_equal(targets, post[order])
    assert all(np.array_equal(found, given[order, i]) for i, found in enumerate(columns))
    assert np.array_equal(given, before) and sources.dtype == targets.dtype == np.int64
