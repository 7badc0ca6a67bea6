"""Kernels agree with slow, obvious twins, and the row counts with the exact laws."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false
from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from neurosim.connectivity import kernels, totals
from neurosim.connectivity.random import row_key, stream, uniform

BASE = stream(3, "kernel")
EXCLUDED = np.array([-1, 0, 4, 9, -1, 5], np.int64)
N_POST = 10


def draws(row):
    key = np.uint64(row_key(BASE, row))
    ordinal = 0
    while True:
        yield uniform(key, ordinal)
        ordinal += 1


def bernoulli_twin(row, n_post, p, excluded):
    u, cell, found = draws(row), -1, []
    while cell < n_post:
        cell += 1 + math.floor(math.log(next(u)) / math.log1p(-p))
        found += [cell] if cell < n_post and cell != excluded else []
    return found


def distinct_twin(row, count, n_post, excluded):
    cells = [c for c in range(n_post) if c != excluded]
    chosen, u = set(), draws(row)
    for last in range(len(cells) - count, len(cells)):
        pick = int(next(u) * (last + 1))
        chosen.add(last if pick in chosen else pick)
    return sorted(cells[c] for c in chosen)


def repeated_twin(row, count, n_post, excluded):
    cells = [c for c in range(n_post) if c != excluded]
    u = draws(row)
    return sorted(cells[int(next(u) * len(cells))] for _ in range(count))


def rows_of(indptr, post):
    return [post[a:b].tolist() for a, b in pairwise(indptr)]


@pytest.mark.parametrize("p", [1e-9, 0.05, 0.5, 0.99])
def test_bernoulli_agrees_with_its_twin(p):
    indptr, post = np.zeros(7, np.int64), np.empty(60, np.int64)
    assert kernels.fill_bernoulli(BASE, 20, 0, N_POST, p, EXCLUDED, indptr, post) == 6
    assert rows_of(indptr, post) == [bernoulli_twin(20 + r, N_POST, p, x) for r, x in enumerate(EXCLUDED)]


def test_bernoulli_goes_on_where_the_space_ran_out():
    indptr, post = np.zeros(7, np.int64), np.empty(60, np.int64)
    kernels.fill_bernoulli(BASE, 0, 0, N_POST, 0.5, EXCLUDED, indptr, post)
    short_indptr, short = np.zeros(7, np.int64), np.empty(11, np.int64)
    row = kernels.fill_bernoulli(BASE, 0, 0, N_POST, 0.5, EXCLUDED, short_indptr, short)
    assert 0 < row < 6
    longer = np.concatenate([short, np.empty(50, np.int64)])
    assert kernels.fill_bernoulli(BASE, 0, row, N_POST, 0.5, EXCLUDED, short_indptr, longer) == 6
    assert rows_of(indptr, post) == rows_of(short_indptr, longer)


@pytest.mark.parametrize("n_post", [10, 64, 65, 5000])
@pytest.mark.parametrize(("replace", "twin"), [(False, distinct_twin), (True, repeated_twin)])
def test_drawn_rows_agree_with_their_twin(n_post, replace, twin):
    counts = [0, 1, 4, 9, n_post if n_post < 100 else 70, 2]
    indptr = np.concatenate([[0], np.cumsum(counts)])
    post = np.empty(indptr[-1], np.int64)
    kernels.fill_drawn(BASE, 2, n_post, replace, EXCLUDED, indptr, post)
    assert rows_of(indptr, post) == [twin(2 + r, n, n_post, x) for r, (n, x) in enumerate(zip(counts, EXCLUDED, strict=True))]


@pytest.mark.parametrize(("replace", "twin"), [(False, distinct_twin), (True, repeated_twin)])
@pytest.mark.parametrize(("start", "stop"), [(0, 10), (3, 7), (9, 10), (4, 4)])
def test_columns_agree_with_their_twin(replace, twin, start, stop):
    counts = np.array([0, 3, 9, 1, 10, 2])
    expected = [[] for _ in range(10)]
    for column, (n, x) in enumerate(zip(counts, EXCLUDED, strict=True)):
        for source in twin(column, n, 10, x):
            expected[source].append(column)
    cursor = np.zeros(stop - start, np.int64)
    kernels.scatter_columns(BASE, counts, 10, EXCLUDED, replace, start, cursor, np.empty(0, np.int64))
    assert cursor.tolist() == [len(row) for row in expected[start:stop]]
    indptr = np.concatenate([[0], np.cumsum(cursor)])
    post = np.empty(max(1, indptr[-1]), np.int64)
    kernels.scatter_columns(BASE, counts, 10, EXCLUDED, replace, start, indptr[:-1].copy(), post)
    assert rows_of(indptr, post) == expected[start:stop]


def test_all_cells_but_the_excluded_one():
    indptr = np.concatenate([[0], np.cumsum(N_POST - (EXCLUDED >= 0))])
    post = np.empty(indptr[-1], np.int64)
    kernels.fill_all(EXCLUDED, indptr, post)
    assert rows_of(indptr, post) == [[c for c in range(N_POST) if c != x] for x in EXCLUDED]


def test_thinning_takes_each_pair_on_its_own():
    probability = np.linspace(0.0, 1.0, 60).reshape(6, 10)
    counts, post = np.zeros(7, np.int64), np.empty(60, np.int64)
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
