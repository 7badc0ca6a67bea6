"""Counter-based random numbers: right, uniform, and independent across rows and seeds."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from neurosim.connectivity import columns, random, table
from neurosim.connectivity.distributions import lower_normal

MASK = (1 << 64) - 1


def mix_twin(word: int) -> int:
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def bits_twin(base: int, row: int, ordinal: int) -> int:
    key = mix_twin(mix_twin((base + row * 0x9E3779B97F4A7C15) & MASK) ^ 0xD1B54A32D192ED03)
    step = mix_twin(key ^ 0xD1B54A32D192ED03) | 1
    return mix_twin((key + ordinal * step) & MASK)


def drawn(base: np.uint64, rows: int, width: int, start: int = 0) -> np.ndarray:
    out = np.empty(rows * width)
    random.fill_uniforms(base, start, np.arange(0, rows * width + 1, width), out)
    return out.reshape(rows, width)


@pytest.mark.parametrize(("row", "ordinal"), [(0, 0), (0, 1), (3, 7), (2**40, 2**33)])
def test_numbers_agree_with_plain_integers(row, ordinal):
    base = random.stream(7, "x")
    found = random.uniform(np.uint64(random.row_key(base, row)), ordinal)
    assert found == ((bits_twin(int(base), row, ordinal) >> 12) + 0.5) * 2.0**-52


def test_words_through_numpy_and_compiled_are_the_same():
    base, indptr = random.stream(7, "x"), np.array([0, 3, 3, 10])
    words = random.words(base, 2**33, indptr)
    assert words.tolist() == [bits_twin(int(base), 2**33 + r, k) for r, n in ((0, 3), (2, 7)) for k in range(n)]
    compiled = np.empty(10)
    random.fill_uniforms(base, 2**33, indptr, compiled)
    assert np.array_equal(compiled, ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)
    assert np.array_equal(random.uniforms(base, 2**33, indptr), compiled)
    many = np.arange(0, 2 * random.FEW, 1000)
    assert np.array_equal(random.uniforms(base, 0, many)[5000:7000], random.uniforms(base, 5, many[:3]))


def test_uniform_keeps_52_bits_and_stays_open():
    base = random.stream(7, "x")
    values = drawn(base, 50, 20)
    twin = [[((bits_twin(int(base), r, k) >> 12) + 0.5) * 2.0**-52 for k in range(20)] for r in range(50)]
    assert np.array_equal(values, twin)
    assert 0.0 < (0 + 0.5) * 2.0**-52 and ((1 << 52) - 1 + 0.5) * 2.0**-52 < 1.0


def test_rows_are_uniform_together_and_one_by_one():
    values = drawn(random.stream(11, "u"), 1000, 200)
    assert stats.kstest(values.ravel(), "uniform").pvalue > 1e-3
    each = [stats.kstest(row, "uniform").pvalue for row in values[:300]]
    assert stats.kstest(each, "uniform").pvalue > 1e-3


def test_first_draws_of_successive_rows_are_uniform():
    assert stats.kstest(drawn(random.stream(11, "u"), 100_000, 1).ravel(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("lag", [1, 2, 64])
def test_neighbouring_rows_are_independent(lag):
    values = drawn(random.stream(2, "r"), 2000, 100)
    pairs = np.histogram2d(values[:-lag].ravel(), values[lag:].ravel(), bins=8, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-3


def test_successive_draws_are_independent():
    values = drawn(random.stream(2, "r"), 2000, 100)
    pairs = np.histogram2d(values[:, :-1].ravel(), values[:, 1:].ravel(), bins=8, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-3


def test_neighbouring_seeds_are_independent():
    values = np.stack([drawn(random.stream(seed, "s"), 100, 100).ravel() for seed in range(10)])
    off = np.corrcoef(values)[np.triu_indices(10, 1)]
    assert np.abs(off).max() < 5.0 / np.sqrt(values.shape[1])


def test_no_two_rows_share_a_run_of_values():
    values = drawn(random.stream(3, "r"), 3000, 300)
    assert len(np.unique(values)) == values.size


def test_every_bit_is_fair():
    words = (drawn(random.stream(5, "b"), 500, 100).ravel() * 2.0**52).astype(np.uint64)
    share = [np.mean((words >> np.uint64(k)) & np.uint64(1)) for k in range(52)]
    assert np.abs(np.array(share) - 0.5).max() < 5 * 0.5 / np.sqrt(len(words))


def test_a_row_does_not_depend_on_where_the_block_starts():
    base = random.stream(9, "w")
    assert np.array_equal(drawn(base, 20, 8)[5:9], drawn(base, 4, 8, start=5))


@pytest.mark.parametrize("seed", [-1, 0, 2**70])
def test_any_integer_is_a_seed(seed):
    assert random.stream(seed, "w") != random.stream(seed + 1, "w")


def test_labels_tell_streams_apart():
    found = {int(random.stream(*k)) for k in [(1,), (1, "a"), (1, "b"), (1, "a", "b"), (1, "ab"), (1, 1), (1, "1")]}
    assert len(found) == 7


def test_normal_quantile_is_exact_to_rounding():
    p = np.concatenate([drawn(random.stream(1, "n"), 1, 5000).ravel() / 2, [1e-300, 1e-20, 1e-8, 0.075, 0.5]])
    np.testing.assert_allclose(lower_normal(p), ndtri(p), rtol=4e-15, atol=4e-15)


@pytest.mark.parametrize("module", [random, table, columns], ids=lambda m: m.__name__)
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0
