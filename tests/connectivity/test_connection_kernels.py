"""Kernels agree with slow, obvious twins, and the row counts with the exact laws."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportOptionalMemberAccess=false
from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from neurosim.connectivity import kernels, totals
from neurosim.connectivity.distributions import quantiles
from neurosim.connectivity.random import row_key, row_step, stream, uniform

BASE = stream(3, "kernel")
EXCLUDED = np.array([-1, 0, 4, 9, -1, 5], np.int64)
N_POST = 10
MASK = (1 << 64) - 1


def word(base, row, ordinal):
    """One word of a row, by plain integers."""
    key = int(row_key(base, row))
    mixed = (key + ordinal * int(row_step(np.uint64(key)))) & MASK
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & MASK
    return mixed


def bernoulli_twin(row, n_post, p, excluded):
    ordinal, cell, found = 0, -1, []
    while cell < n_post:
        drawn = word(BASE, row, ordinal)
        upper, number = drawn >> 63, (drawn >> 12) / 2.0**52 + 2.0**-53
        exponential = -math.log(1.0 - number) if upper else -math.log1p(-number)
        cell += 1 + math.floor(exponential / -math.log1p(-p))
        found += [cell] if cell < n_post and cell != excluded else []
        ordinal += 1
    return found


def halves(row, count):
    """32 bits for each of ``count`` cells: the low halves of the words, then the high ones."""
    words = [word(BASE, row, k) for k in range((count + 1) // 2)]
    return [w & 0xFFFFFFFF for w in words] + [w >> 32 for w in words[: count // 2]]


def distinct_twin(row, count, cells):
    chosen = []
    for k, bits in enumerate(halves(row, count)):
        last = len(cells) - count + k
        pick = bits * (last + 1) >> 32
        chosen.append(last if pick in chosen else pick)
    return [cells[c] for c in chosen]


def repeated_twin(row, count, cells):
    return [cells[bits * len(cells) >> 32] for bits in halves(row, count)]


def without(n, excluded, first=0):
    return [c for c in range(first, first + n) if c != excluded]


def rows_of(indptr, post):
    return [post[a:b].tolist() for a, b in pairwise(indptr)]


def skipped(start, row, p, indptr, post, chunk=7):
    skips = quantiles("exponential", {"beta": 1.0}).cubics
    law = (N_POST, skips, -1.0 / math.log1p(-p), EXCLUDED, np.empty(chunk), np.empty(chunk, np.uint64))
    return kernels.fill_bernoulli(BASE, start, row, *law, indptr, post)


@pytest.mark.parametrize("chunk", [1, 7, 100])
@pytest.mark.parametrize("p", [1e-9, 0.05, 0.5, 0.99])
def test_bernoulli_agrees_with_its_twin(p, chunk):
    indptr, post = np.zeros(7, np.int64), np.empty(70, np.int32)
    assert skipped(20, 0, p, indptr, post, chunk) == 6
    assert rows_of(indptr, post) == [bernoulli_twin(20 + r, N_POST, p, x) for r, x in enumerate(EXCLUDED)]


def test_bernoulli_goes_on_where_the_space_ran_out():
    indptr, post = np.zeros(7, np.int64), np.empty(70, np.int32)
    skipped(0, 0, 0.5, indptr, post)
    short_indptr, short = np.zeros(7, np.int64), np.empty(21, np.int32)
    row = skipped(0, 0, 0.5, short_indptr, short)
    assert 0 < row < 6
    longer = np.concatenate([short, np.empty(60, np.int32)])
    assert skipped(0, row, 0.5, short_indptr, longer) == 6
    assert rows_of(indptr, post) == rows_of(short_indptr, longer)


@pytest.mark.parametrize("n_post", [10, 65, 5000])
@pytest.mark.parametrize(("replace", "twin"), [(False, distinct_twin), (True, repeated_twin)])
def test_drawn_rows_agree_with_their_twin(n_post, replace, twin):
    counts = [0, 1, 4, 9, n_post if n_post < 100 else 71, 2]
    indptr = np.concatenate([[0], np.cumsum(counts)])
    post = np.empty(indptr[-1], np.int32)
    kernels.fill_drawn(BASE, 2, n_post, EXCLUDED, np.zeros(0 if replace else n_post, np.uint8), indptr, post)
    assert rows_of(indptr, post) == [twin(2 + r, n, without(n_post, x)) for r, (n, x) in enumerate(zip(counts, EXCLUDED, strict=True))]


def test_marks_are_wiped_before_their_stamps_come_again():
    n_rows, indptr = 600, np.arange(0, 600 * 5 + 1, 5)
    post = np.empty(indptr[-1], np.int32)
    kernels.fill_drawn(BASE, 0, 9, np.full(n_rows, -1), np.zeros(9, np.uint8), indptr, post)
    assert rows_of(indptr, post) == [distinct_twin(r, 5, list(range(9))) for r in range(n_rows)]


@pytest.mark.parametrize(("replace", "twin"), [(False, distinct_twin), (True, repeated_twin)])
@pytest.mark.parametrize(("start", "stop", "leaves"), [(0, 10, (0, 2)), (3, 7, (0, 2)), (4, 10, (1, 2)), (1, 3, (0, 1)), (9, 10, (1, 2))])
def test_columns_agree_with_their_twin(replace, twin, start, stop, leaves):
    edges, counts = np.array([0, 4, 10]), np.array([[0, 3], [2, 4], [3, 5], [0, 1], [1, 0], [4, 2]], np.int32)
    expected = [[] for _ in range(10)]
    for column, x in enumerate(EXCLUDED):
        for leaf in range(2):
            cells = without(edges[leaf + 1] - edges[leaf], x, edges[leaf])
            for source in twin(2 * column + leaf, int(counts[column, leaf]), cells):
                expected[source].append(column)
    picks, kept, rows = np.empty(counts.sum(), np.int32), np.empty(6, np.int64), np.zeros(stop - start, np.int64)
    marks = np.zeros(0 if replace else 6, np.uint8)
    found = kernels.draw_columns(BASE, counts, leaves, edges, EXCLUDED, marks, start, picks, kept, rows)
    assert rows.tolist() == [len(row) for row in expected[start:stop]] and kept.sum() == found
    indptr, post = np.concatenate([[0], np.cumsum(rows)]), np.empty(found, np.int32)
    kernels.place_columns(picks, kept, indptr[:-1].copy(), post)
    assert rows_of(indptr, post) == expected[start:stop]


def test_thinning_takes_each_pair_on_its_own():
    probability = np.linspace(0.0, 1.0, 60).reshape(6, 10)
    counts, post = np.zeros(7, np.int64), np.empty(60, np.int32)
    size = kernels.fill_thinned(BASE, 8, 0, probability, EXCLUDED, counts, post)
    twin = [
        [c for c in range(10) if uniform(np.uint64(row_key(BASE, 8 + r)), c) < probability[r, c] and c != EXCLUDED[r]] for r in range(6)
    ]
    assert rows_of(np.cumsum(counts), post[:size]) == twin


LAWS = [(1, 1, 1), (5, 3, 4), (20, 7, 30), (100, 5000, 3), (1000, 400, 5000), (40, 40, 2), (3, 10**6, 10**6)]


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize(("n", "good", "bad"), LAWS)
def test_splits_have_the_exact_law(n, good, bad, replace):
    if not replace and n > good + bad:
        return
    law = stats.binom(n, good / (good + bad)) if replace else stats.hypergeom(good + bad, good, n)
    grid = (np.arange(20_000) + 0.5) / 20_000
    found = [totals.split(u, float(n), float(good), float(bad), replace) for u in grid]
    share = np.bincount(np.array(found, int), minlength=n + 1) / len(grid)
    np.testing.assert_allclose(share, law.pmf(np.arange(n + 1)), atol=1.5 / len(grid))


@pytest.mark.parametrize("replace", [True, False])
def test_the_probabilities_of_large_splits_are_accurate(replace):
    n, good, bad = 1e8, 3e9, 3e9
    law = stats.binom(n, 0.5) if replace else stats.norm(n / 2, math.sqrt(n / 4 * (1 - n / 6e9)))
    found = np.array([totals.split((k + 0.5) / 400, n, good, bad, replace) for k in range(400)])
    assert stats.kstest(found, law.cdf).pvalue > 0.5
    assert totals.split(1.0 - 2.0**-53, n, good, bad, replace) > 0


def test_a_split_of_nothing_or_from_one_side():
    assert totals.split(0.3, 0.0, 5.0, 5.0, True) == 0
    assert totals.split(0.3, 4.0, 0.0, 5.0, False) == 0
    assert totals.split(0.3, 4.0, 5.0, 0.0, True) == 4
    assert totals.split(0.3, 10.0, 5.0, 5.0, False) == 5


@pytest.mark.parametrize("replace", [True, False])
def test_row_counts_sum_to_the_total_and_do_not_depend_on_the_range(replace):
    cells = np.concatenate([[0], np.cumsum(np.arange(37) % 5)])
    whole = np.zeros(37, np.int64)
    totals.count_rows(BASE, 60, cells, 0, 37, replace, whole)
    assert whole.sum() == 60
    assert (whole[np.diff(cells) == 0] == 0).all()
    part = np.zeros(11, np.int64)
    totals.count_rows(BASE, 60, cells, 13, 24, replace, part)
    assert np.array_equal(part, whole[13:24])


@pytest.mark.parametrize("replace", [True, False])
def test_columns_are_split_among_leaves_by_the_exact_law(replace):
    n, totals_of, edges = 4000, np.full(4000, 6), np.array([0, 3, 10, 12, 20])
    own = np.full(n, 4)
    found = np.empty((n, 4), np.int32)
    totals.split_columns(BASE, totals_of, edges, own, replace, found)
    sizes = np.array([3, 6, 2, 8])  # row 4 is left out
    assert (found.sum(axis=1) == 6).all() and (found >= 0).all()
    for leaf, size in enumerate(sizes):
        law = stats.binom(6, size / 19) if replace else stats.hypergeom(19, size, 6)
        seen = np.bincount(found[:, leaf], minlength=7)
        likely = law.pmf(np.arange(7)) * n > 5
        assert (
            stats.chisquare(
                [*seen[likely], n - seen[likely].sum() + 5],
                [*(law.pmf(np.arange(7))[likely] * n), n - law.pmf(np.arange(7))[likely].sum() * n + 5],
            ).pvalue
            > 1e-3
        )
