"""Entries and inner functions: what they may do and how they are called."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import numpy as np
import pytest

from neurosim import _cache, _jit
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


def test_functions_compiled_for_different_types_at_the_same_time_keep_their_own_files(tmp_path) -> None:
    one, other = (_jit._Files(str(tmp_path), "kernel-1.py3", "stamp") for _ in range(2))
    assert one.load(("int64",)) is None
    one.save(("int64",), "code for integers")
    other.save(("float64",), "code for numbers")
    assert [files.load((kind,)) for kind in ("int64", "float64") for files in (one, other)] == ["code for integers"] * 2 + [
        "code for numbers"
    ] * 2
    assert len(list(tmp_path.iterdir())) == 2
    assert _jit._Files(str(tmp_path), "kernel-1.py3", "another stamp").load(("int64",)) is None


def test_what_is_compiled_after_the_sources_changed_is_not_kept(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def thrice(x):
        return 3 * x

    def is_kept():
        again = entry()(thrice)
        return again._cache.load_overload(made.signatures[0], made.targetctx) is not None

    monkeypatch.setattr(_cache, "_read", ["of another state"])
    made = entry()(thrice)
    assert made(2.0) == 6.0
    assert not is_kept()
    monkeypatch.setattr(_cache, "_read", [])
    assert entry()(thrice)(1.0) == 3.0
    assert is_kept()


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
