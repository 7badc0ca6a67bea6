"""Properties of every rule: blocking, counts, self-connections, multapses, empty and single cells."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neurosim.columns import Expression
from neurosim.connectivity import AllToAll, Bernoulli, DistanceDependent, FixedIn, FixedOut, FixedTotal, OneToOne, Table, expand, iterate

NEAR = Expression("distance", lambda d: np.exp(-d / 4.0))
OVERLAP_PRE = [(0, [3, 1, 7, 8]), (1, [2, 5])]
OVERLAP_POST = [(1, [5, 9, 0]), (0, [8, 2, 3, 4])]
SELF_PAIRS = {(0, 5), (3, 3), (5, 0)}


def pairs_of(rows):
    return list(zip(rows.pre().tolist(), rows.post.tolist(), strict=True))


sides = st.integers(0, 12)


@st.composite
def rules(draw):
    allow, replace, n = draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 3))
    return draw(
        st.sampled_from(
            [
                AllToAll(allow),
                OneToOne(),
                Bernoulli(draw(st.sampled_from([0.0, 1e-9, 0.3, 0.9, 1.0])), allow),
                FixedIn(n, replace, allow),
                FixedOut(n, replace, allow),
                FixedTotal(n * 5, replace, allow),
                DistanceDependent(NEAR, allow),
            ]
        )
    )


@settings(max_examples=150, deadline=None)
@given(rule=rules(), n_pre=st.integers(5, 14), n_post=st.integers(5, 14), same=st.booleans(), cut=st.data())
def test_any_blocking_gives_the_same_synapses(connect, rule, n_pre, n_post, same, cut):
    network, projection = connect(n_pre, n_post, rule, same=same)
    whole = expand(network, projection)
    start = cut.draw(st.integers(0, n_pre))
    stop = cut.draw(st.integers(start, n_pre))
    part = expand(network, projection, start, stop)
    assert part.start == start and len(part.indptr) == stop - start + 1
    assert np.array_equal(part.post, whole.post[whole.indptr[start] : whole.indptr[stop]])
    assert np.array_equal(part.indptr, whole.indptr[start : stop + 1] - whole.indptr[start])
    blocks = list(iterate(network, projection, cut.draw(st.integers(1, 40))))
    assert [p for b in blocks for p in pairs_of(b)] == pairs_of(whole)
    assert [b.start for b in blocks[1:]] == [b.start + len(b.indptr) - 1 for b in blocks[:-1]]


@settings(max_examples=100, deadline=None)
@given(rule=rules(), n_pre=st.integers(5, 14), n_post=st.integers(5, 14))
def test_rows_ascend_and_indices_stay_in_range(connect, rule, n_pre, n_post):
    rows = expand(*connect(n_pre, n_post, rule))
    assert rows.indptr.dtype == rows.post.dtype == np.int64
    assert all(0 <= i < n_pre and 0 <= j < n_post for i, j in pairs_of(rows))
    if not isinstance(rule, FixedOut | FixedTotal):  # these leave their targets in the order of drawing
        assert pairs_of(rows) == sorted(pairs_of(rows))


@settings(max_examples=60, deadline=None)
@given(n_pre=st.integers(1, 15), n_post=st.integers(1, 15), n=st.integers(0, 15), replace=st.booleans(), same=st.booleans())
def test_fixed_numbers_are_exact(connect, n_pre, n_post, n, replace, same):
    if replace or n <= n_pre:
        rows = expand(*connect(n_pre, n_post, FixedIn(n, replace), same=same))
        assert np.bincount(rows.post, minlength=n_post).tolist() == [n] * n_post
    if replace or n <= n_post:
        rows = expand(*connect(n_pre, n_post, FixedOut(n, replace), same=same))
        assert np.diff(rows.indptr).tolist() == [n] * n_pre
    if replace or n <= n_pre * n_post:
        assert expand(*connect(n_pre, n_post, FixedTotal(n, replace), same=same)).size == n


def test_numbers_may_differ_per_cell(connect):
    rows = expand(*connect(6, 4, FixedIn([0, 3, 6, 1])))
    assert np.bincount(rows.post, minlength=4).tolist() == [0, 3, 6, 1]
    rows = expand(*connect(4, 6, FixedOut(np.array([0, 3, 6, 1]))))
    assert np.diff(rows.indptr).tolist() == [0, 3, 6, 1]


ALL_OPEN = [
    AllToAll(allow_self=False),
    Bernoulli(1.0, allow_self=False),
    Bernoulli(1.0 - 2**-50, allow_self=False),
    FixedIn([5, 6, 6, 5, 6, 5, 6], allow_self=False),
    FixedOut([6, 7, 7, 6, 7, 6], allow_self=False),
    FixedTotal(39, with_replacement=False, allow_self=False),
    DistanceDependent(Expression("index", lambda i, j: 1.0), allow_self=False),
]


@pytest.mark.parametrize("rule", ALL_OPEN, ids=lambda r: type(r).__name__)
def test_full_rules_leave_out_just_the_self_connections_of_overlapping_views(connect, rule):
    # the excluded pairs are those of SELF_PAIRS: cells 3 and 8 of population 0, cell 5 of population 1
    expected = [(i, j) for i in range(6) for j in range(7) if not _is_self(i, j)]
    if isinstance(rule, FixedIn):
        rule = FixedIn([6 - any(_is_self(i, j) for i in range(6)) for j in range(7)], allow_self=False)
    if isinstance(rule, FixedOut):
        rule = FixedOut([7 - any(_is_self(i, j) for j in range(7)) for i in range(6)], allow_self=False)
    assert sorted(pairs_of(expand(*connect(OVERLAP_PRE, OVERLAP_POST, rule)))) == expected


def _is_self(i, j):
    flat = [[(p, k) for p, cells in parts for k in cells] for parts in (OVERLAP_PRE, OVERLAP_POST)]
    return flat[0][i] == flat[1][j]


@settings(max_examples=60, deadline=None)
@given(rule=rules(), seed=st.integers(0, 2**40))
def test_self_connections_appear_only_where_allowed(connect, rule, seed):
    network, projection = connect(OVERLAP_PRE, OVERLAP_POST, rule, seed=seed)
    if not getattr(rule, "allow_self", True):
        assert not any(_is_self(i, j) for i, j in pairs_of(expand(network, projection)))


@settings(max_examples=60, deadline=None)
@given(rule=rules(), seed=st.integers(0, 2**40))
def test_multapses_appear_only_with_replacement(connect, rule, seed):
    found = pairs_of(expand(*connect(8, 8, rule, seed=seed)))
    if not getattr(rule, "with_replacement", False):
        assert len(set(found)) == len(found)


def test_replacement_does_give_multapses(connect):
    for rule in (FixedIn(20, True), FixedOut(20, True), FixedTotal(200, True)):
        found = pairs_of(expand(*connect(8, 8, rule)))
        assert len(set(found)) < len(found)


@settings(max_examples=60, deadline=None)
@given(
    rule=st.sampled_from(
        [AllToAll(), OneToOne(), Bernoulli(0.5), FixedIn(0), FixedOut(0), FixedTotal(0), DistanceDependent(NEAR), Table([], [])]
    ),
    n=sides,
    pre=st.booleans(),
)
def test_an_empty_side_gives_no_synapses(connect, rule, n, pre):
    rows = expand(*connect(*((0, n) if pre else (n, 0)), rule))
    assert rows.size == 0
    assert rows.indptr.tolist() == [0] * ((0 if pre else n) + 1)
    assert list(iterate(*connect(0, n, rule))) == []


@pytest.mark.parametrize("rule", [AllToAll(), OneToOne(), Bernoulli(1.0), FixedIn(1), FixedOut(1), FixedTotal(1, False), Table([0], [0])])
def test_one_cell_to_one_cell(connect, rule):
    assert pairs_of(expand(*connect(1, 1, rule, same=True))) == [(0, 0)]


@pytest.mark.parametrize(
    "rule", [AllToAll(False), Bernoulli(1.0, False), FixedIn(0, False, False), DistanceDependent(NEAR, False), FixedTotal(0, True, False)]
)
def test_one_cell_alone_without_itself(connect, rule):
    assert expand(*connect(1, 1, rule, same=True)).size == 0


@pytest.mark.parametrize(("n_pre", "n_post"), [(3, 5), (5, 3)])
def test_one_to_one_stops_at_the_smaller_side(connect, n_pre, n_post):
    assert pairs_of(expand(*connect(n_pre, n_post, OneToOne()))) == [(0, 0), (1, 1), (2, 2)]
    assert pairs_of(expand(*connect(n_pre, n_post, OneToOne()), 2)) == [(2, 2)]


def test_no_and_full_probability(connect):
    assert expand(*connect(7, 9, Bernoulli(0.0))).size == 0
    assert expand(*connect(7, 9, Bernoulli(1))).size == 63


def test_a_probability_too_small_to_hit_is_harmless(connect):
    assert expand(*connect(30, 30, Bernoulli(5e-324))).size == 0


def test_seeds_give_different_synapses(connect):
    for rule in (Bernoulli(0.5), FixedIn(4), FixedOut(4), FixedTotal(30), DistanceDependent(NEAR)):
        one, two = (pairs_of(expand(*connect(9, 9, rule, seed=seed))) for seed in (1, 2))
        assert one != two


def test_bernoulli_counts_are_binomial(connect):
    rows = expand(*connect(4000, 100, Bernoulli(0.2), seed=8))
    law = stats.binom(100, 0.2)
    edges = np.array([-1, 14, 16, 17, 18, 19, 20, 21, 22, 23, 25, 100])
    for counts in (np.diff(rows.indptr),):
        seen = np.histogram(counts, edges + 0.5)[0]
        assert stats.chisquare(seen, np.diff(law.cdf(edges)) * 4000).pvalue > 1e-3
    assert stats.chisquare(np.bincount(rows.post, minlength=100)).pvalue > 1e-3


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("rule", [FixedIn, FixedOut, FixedTotal])
def test_drawn_partners_are_even(connect, rule, replace):
    rows = expand(*connect(300, 40, rule(300 * 4 if rule is FixedTotal else 15, replace), seed=2))
    into, out = np.bincount(rows.post, minlength=40), np.diff(rows.indptr)
    free = into if rule is not FixedIn else out
    assert stats.chisquare(free).pvalue > 1e-3
    # drawn without replacement, counts spread less than a multinomial's, never more
    assert stats.chisquare(free).pvalue < 1 - 1e-6


def test_fixed_total_rows_are_multinomial(connect):
    counts = np.diff(expand(*connect(2000, 10, FixedTotal(20_000), seed=1)).indptr)
    assert abs(counts.var() / (10 * (1 - 1 / 2000)) - 1.0) < 0.15
    counts = np.diff(expand(*connect(2000, 10, FixedTotal(10_000, False), seed=1)).indptr)
    assert abs(counts.var() / 2.5 - 1.0) < 0.15


def test_all_subsets_are_equally_likely(connect):
    rows = expand(*connect(3000, 5, FixedOut(2), seed=6))
    pairs = np.sort(rows.post.reshape(-1, 2), axis=1) @ [5, 1]
    seen = np.unique(pairs, return_counts=True)[1]
    assert len(seen) == 10 and stats.chisquare(seen).pvalue > 1e-3


def test_distance_dependence_follows_the_expression(connect):
    positions = np.zeros((400, 3))
    positions[:, 0] = np.arange(400) % 20
    rows = expand(*connect(400, 400, DistanceDependent(NEAR), positions=positions))
    gap = np.abs(positions[rows.pre(), 0] - positions[rows.post, 0]).astype(int)
    every = np.abs(positions[:, None, 0] - positions[None, :, 0]).astype(int)
    seen, pairs = np.bincount(gap, minlength=20), np.bincount(every.ravel())
    p = np.exp(-np.arange(20) / 4.0)
    score = (seen - pairs * p)[1:] / np.sqrt(pairs * p * (1 - p))[1:]
    assert seen[0] == pairs[0] and np.abs(score).max() < 4.0


def test_probabilities_outside_the_range_act_as_its_ends(connect):
    rule = DistanceDependent(Expression("index", lambda i, j: np.where(j > i, 3.0, -1.0)))
    assert pairs_of(expand(*connect(3, 3, rule))) == [(0, 1), (0, 2), (1, 2)]


def test_a_table_is_stable_within_a_row(connect):
    rows = expand(*connect(3, 9, Table([2, 0, 2, 0], [5, 7, 1, 2], {"weight": [1.0, 2.0, 3.0, 4.0]})))
    assert pairs_of(rows) == [(0, 7), (0, 2), (2, 5), (2, 1)]
    assert rows.columns["weight"].tolist() == [2.0, 4.0, 1.0, 3.0]
    assert rows.columns["delay"] == 1.5
    part = expand(*connect(3, 9, Table([2, 0, 2, 0], [5, 7, 1, 2], {"weight": [1.0, 2.0, 3.0, 4.0]})), 1, 3)
    assert part.columns["weight"].tolist() == [1.0, 3.0]
