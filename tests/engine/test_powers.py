"""Vector code for powers and decays keeps its stated error bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

from neurosim.engine import powers
from neurosim.engine.powers import exp2, log2


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def both(x, y, out_exp2, out_log2):
    for k in range(x.size):
        out_exp2[k] = exp2(x[k])
        out_log2[k] = log2(y[k])


@pytest.mark.parametrize(("kind", "lowest", "bound"), [(np.float32, -126.0, 2e-7), (np.float64, -1022.0, 1e-15)])
def test_powers_of_two_and_logarithms_are_accurate(kind, lowest, bound):
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(lowest, 60.0, 20_000), [lowest, 0.0, 1.0, -0.5, 0.5]]).astype(kind)
    y = np.concatenate([np.exp2(rng.uniform(-60.0, 60.0, 20_000)), rng.uniform(0.5, 2.0, 5)]).astype(kind)
    found_exp2, found_log2 = np.empty_like(x), np.empty_like(y)
    both(x, y, found_exp2, found_log2)
    exact = np.exp2(x.astype(np.longdouble))
    assert np.abs(found_exp2 / exact - 1).max() < bound
    exact = np.log2(y.astype(np.longdouble))
    assert (np.abs(found_log2 - exact) - np.finfo(kind).eps * np.abs(exact)).max() < bound


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_is_too_small_is_zero_and_what_is_nothing_is_one(kind):
    x, out = np.array([-1e30, -2000.0, 0.0], kind), np.empty(3, kind)
    both(x, np.ones(3, kind), out, np.empty(3, kind))
    assert out.tolist() == [0.0, 0.0, 1.0]


def test_outside_kernels_they_are_the_librarys():
    assert (powers.exp2(0.3), powers.log2(5.0)) == (math.exp2(0.3), math.log2(5.0))
