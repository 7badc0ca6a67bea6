"""Entries and inner functions: what they may do and how they are called."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from neurosim._jit import entry, inner


def test_an_inner_function_can_be_called_from_python_and_from_an_entry() -> None:
    @inner()
    def twice(x):
        return 2 * x

    @entry()
    def total(values):
        result = 0
        for value in values:
            result += twice(value)
        return result

    assert twice(3) == 6
    assert total(np.arange(4)) == 12


def test_an_entry_allocates_only_if_it_says_so() -> None:
    def numbers(n):
        return np.empty(n, np.int64)

    with pytest.raises(Exception, match="Only accept returning of array passed into the function as argument"):
        entry()(numbers)(3)
    assert entry(allocates=True)(numbers)(3).shape == (3,)


SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
import neurosim as sim
sim.Population
assert not {"csa", "matplotlib", "scipy.sparse", "numpy.f2py", "numpy.testing"} & sys.modules.keys()
import lazyarray, numpy, scipy.sparse
assert lazyarray.sparse.issparse(scipy.sparse.eye(2)) and not lazyarray.sparse.issparse(3)
assert numpy.testing.assert_allclose and numpy.fft.fft
"""


def test_pynn_loads_neither_matplotlib_nor_sparse_matrices() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
