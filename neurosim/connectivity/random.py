"""Counter-based random numbers: every value is a pure function of its key and its ordinal.

A *stream* is a 64-bit base made from a seed and a purpose (:func:`stream`). A *row* of it has the
key ``row_key(base, row)``, and word ``k`` of the row is ``mix(key + k * step(key))``: SplitMix64's
finaliser over a Weyl sequence whose odd increment differs per row, so that two rows never share
more than single values. Nothing is carried from word to word, hence nothing depends on the order,
block or thread in which rows are asked for, and a loop over words can be vectorised.

:func:`words` and :func:`uniforms` give the same numbers through NumPy where there are few of them,
so that a small script compiles nothing.

References
----------
Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014 (the finaliser is
Stafford's variant 13).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.columns import Floats, Integers

Words = NDArray[np.uint64]

FEW = 50_000
"""Numbers up to which NumPy draws them, unless the kernel is loaded: about the time that loading it takes."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Distance between the words of a counter, before they are mixed: 2**64 over the golden ratio, odd."""

_MASK = (1 << 64) - 1
_SPACING = 2.0**-52
_STEP_SALT = np.uint64(0xD1B54A32D192ED03)
_MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLY_2 = np.uint64(0x94D049BB133111EB)
_ONE = np.uint64(1)
_S12, _S27, _S30, _S31 = np.uint64(12), np.uint64(27), np.uint64(30), np.uint64(31)


def stream(seed: int, *labels: int | str) -> np.uint64:
    """Base of the stream of ``seed`` for the purpose that ``labels`` name.

    Parameters
    ----------
    seed
        Any integer, also negative or longer than 64 bits.
    labels
        Names or numbers; every difference in kind, number or order gives an unrelated stream.

    Examples
    --------
    >>> bool(stream(1, "weight") == stream(1, "weight")), bool(stream(1, "weight") == stream(1, "delay"))
    (True, False)
    """
    text = repr((int(seed), *((str(x) if isinstance(x, str) else int(x)) for x in labels)))
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") & _MASK)


@inner()
def mix(word):
    """Bijective avalanche of 64 bits (SplitMix64's finaliser, variant 13)."""
    word = (word ^ (word >> _S30)) * _MULTIPLY_1
    word = (word ^ (word >> _S27)) * _MULTIPLY_2
    return word ^ (word >> _S31)


@inner()
def row_key(base, row):
    """Key (uint64) of row ``row`` (int64) of the stream ``base``."""
    return mix(mix(base + np.uint64(row) * GOLDEN) ^ _STEP_SALT)


@inner()
def row_step(key):
    """Odd distance between the words of a row, before they are mixed."""
    return mix(key ^ _STEP_SALT) | _ONE


@inner()
def uniform(key, ordinal):
    """Word number ``ordinal`` (int64, from 0) of a row as a number in the open interval (0, 1), 52 bits."""
    word = mix(key + np.uint64(ordinal) * row_step(key))
    return (np.float64(word >> _S12) + 0.5) * _SPACING


@entry(nogil=True)
def fill_uniforms(base, start, indptr, out_values):
    """Fill ``out_values[indptr[r]:indptr[r + 1]]`` with the first numbers of row ``start + r``."""
    for row in range(len(indptr) - 1):
        key = row_key(base, start + row)
        step = row_step(key)
        part = out_values[indptr[row] : indptr[row + 1]]
        for k in range(len(part)):
            word = mix(key + np.uint64(k) * step)
            part[k] = (np.float64(np.int64(word >> _S12)) + 0.5) * _SPACING


def words(base: np.uint64, start: int, indptr: Integers) -> Words:
    """The first words of rows ``start ..``, ``indptr[r + 1] - indptr[r]`` of row ``start + r``."""
    rows = np.arange(start, start + len(indptr) - 1).astype(np.uint64)
    keys = mix.py_func(mix.py_func(base + rows * GOLDEN) ^ _STEP_SALT)
    steps = mix.py_func(keys ^ _STEP_SALT) | _ONE
    counts = np.diff(indptr)
    ordinal = (np.arange(indptr[-1]) - np.repeat(indptr[:-1], counts)).astype(np.uint64)
    return mix.py_func(np.repeat(keys, counts) + ordinal * np.repeat(steps, counts))


def uniforms(base: np.uint64, start: int, indptr: Integers) -> Floats:
    """The first numbers of rows ``start ..`` in (0, 1), shape (indptr[-1],)."""
    if indptr[-1] <= FEW and not fill_uniforms.signatures:
        return ((words(base, start, indptr) >> _S12).astype(np.float64) + 0.5) * _SPACING
    values = np.empty(indptr[-1], np.float64)
    fill_uniforms(base, start, indptr, values)
    return values
