"""Random values through tabulated quantile functions: a word, four coefficients, one polynomial.

The tail probability ``p`` of a word, from 2**-40 to 1/2 on either side, is a float whose exponent
and first five bits of fraction number a segment, 32 per octave. On each segment the quantile
function is a cubic in ``p``. So the tails are as well resolved as the middle; for the normal
distribution the error is below 3e-9 sigma. A distribution whose table is worse than that allows
(:data:`TOLERANCE`) has no table, and its values are computed one by one.

Probabilities below 2**-40 (1e-12, 7 sigma) act as 2**-40, which also bounds the values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.columns import Floats, Integers
from neurosim.connectivity.random import FEW, Words, mix, row_key, row_step, words
from neurosim.connectivity.steps import HALF

DEEPEST = 2.0**-40
"""Smallest tail probability that is told apart."""
TOLERANCE = 1e-7
"""Largest error of a table, relative to the spread and to the distance from the median."""
CHUNK = 512
"""Words handled at once: their tail probabilities stay in the fastest cache."""

_OCTAVES, _PER_OCTAVE = 39, 32
_SIDE = _OCTAVES * _PER_OCTAVE
_FIRST = np.uint64((1023 - 40) * _PER_OCTAVE)
_ONE_BITS = np.uint64(0x3FF0000000000000)
_BELOW_ONE = 1.0 - 2.0**-53
_ZERO, _N_SIDE = np.uint64(0), np.uint64(_SIDE)
_S12, _S47, _S63 = np.uint64(12), np.uint64(47), np.uint64(63)

Tails = Callable[[Floats, bool], Floats]
"""``(p, upper) -> values``: the quantile of ``p``, or of ``1 - p`` if ``upper``, for p <= 1/2."""


class Quantiles(NamedTuple):
    """A tabulated quantile function.

    Attributes
    ----------
    cubics
        float64 (2496, 4): coefficients of 1, p, p**2, p**3 per segment, the lower side first.
    low, high
        Least and largest value.
    """

    cubics: Floats
    low: float
    high: float


@np.errstate(over="ignore", invalid="ignore")
def tabulate(tails: Tails) -> Quantiles | None:
    """Table of a quantile function, ``None`` if cubics do not follow it closely enough."""
    octave, part = np.divmod(np.arange(_SIDE), _PER_OCTAVE)
    width = DEEPEST * 2.0**octave / _PER_OCTAVE
    first = width * (_PER_OCTAVE + part)
    ends = [float(tails(np.array([DEEPEST]), upper)[0]) for upper in (False, True)]
    if ends[0] == ends[1]:
        return Quantiles(np.tile(np.array([ends[0], 0.0, 0.0, 0.0]), (2 * _SIDE, 1)), ends[0], ends[0])
    sides = []
    for upper in (False, True):
        side = _cubics(tails, upper, first, width)
        if side is None:
            return None
        sides.append(side)
    return Quantiles(np.ascontiguousarray(np.concatenate(sides)), min(ends), max(ends))


def _cubics(tails: Tails, upper: bool, first: Floats, width: Floats) -> Floats | None:
    nodes = np.cos(np.pi * (2 * np.arange(4) + 1) / 8)
    middle, half = (first + 0.5 * width)[:, None], (0.5 * width)[:, None]
    values = tails((middle + half * nodes).ravel(), upper).reshape(-1, 4)
    c = values @ np.linalg.inv(np.vander(nodes, 4, increasing=True)).T
    between = np.array([-1.0, -0.7, 0.0, 0.7])
    exact = tails((middle + half * between).ravel(), upper).reshape(-1, 4)
    error = np.abs(c @ np.vander(between, 4, increasing=True).T - exact)
    spread = np.abs(exact - float(tails(np.array([0.5]), upper)[0]))
    if not (error <= TOLERANCE * (spread + np.median(spread))).all():
        return None
    a, b = 1.0 / half[:, 0], -(middle / half)[:, 0]
    in_p = (((c[:, 3] * b + c[:, 2]) * b + c[:, 1]) * b + c[:, 0], a * (c[:, 1] + b * (2.0 * c[:, 2] + 3.0 * b * c[:, 3])))
    return np.stack([*in_p, a * a * (c[:, 2] + 3.0 * b * c[:, 3]), a * a * a * c[:, 3]], axis=1)


@intrinsic
def as_float(typingctx, word):
    """The float64 that has the bits of a uint64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.uint64), codegen


@intrinsic
def as_word(typingctx, value):
    """The bits of a float64 as a uint64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.uint64(types.float64), codegen


@inner()
def fill_places(key, step, first, n, out_p, out_segment):
    """Tail probability and segment of words ``first .. first + n - 1`` of a row."""
    for k in range(n):
        word = mix(key + np.uint64(first + k) * step)
        upper = word >> _S63
        p = as_float(((word ^ (_ZERO - upper)) >> _S12) | _ONE_BITS) - _BELOW_ONE  # pyright: ignore
        p = p if p > DEEPEST else DEEPEST
        out_p[k] = p
        out_segment[k] = (as_word(p) >> _S47) - _FIRST + upper * _N_SIDE  # pyright: ignore


@entry(nogil=True)
def fill_quantiles(base, start, indptr, cubics, low, high, per_step, p, segment, out_values):
    """Fill ``out_values[indptr[r]:indptr[r + 1]]`` with values of row ``start + r``.

    With ``per_step`` above 0 the values are multiplied by it and rounded, halves up. ``p`` and
    ``segment`` are working space of CHUNK elements.
    """
    for row in range(len(indptr) - 1):
        key = row_key(base, start + row)
        step = row_step(key)
        for first in range(indptr[row], indptr[row + 1], len(p)):
            part = out_values[first : min(first + len(p), indptr[row + 1])]
            fill_places(key, step, first - indptr[row], len(part), p, segment)
            for k in range(len(part)):
                s = segment[k]
                value = cubics[s, 0] + p[k] * (cubics[s, 1] + p[k] * (cubics[s, 2] + p[k] * cubics[s, 3]))
                value = value if value > low else low
                value = value if value < high else high
                part[k] = value if per_step == 0.0 else np.floor(value * per_step + HALF)


def values(base: np.uint64, start: int, indptr: Integers, table: Quantiles, dtype: Any = np.float64, per_step: float = 0.0) -> NDArray[Any]:
    """Values of rows ``start ..``; see :func:`fill_quantiles`."""
    if indptr[-1] <= FEW and not fill_quantiles.signatures:
        found = _through_numpy(words(base, start, indptr), table)
        return (np.floor(found * per_step + HALF) if per_step else found).astype(dtype)
    out = np.empty(indptr[-1], dtype)
    fill_quantiles(base, start, indptr, *table, per_step, np.empty(CHUNK), np.empty(CHUNK, np.uint64), out)
    return out


def _through_numpy(drawn: Words, table: Quantiles) -> Floats:
    upper = drawn >> _S63
    p = (((drawn ^ (_ZERO - upper)) >> _S12) | _ONE_BITS).view(np.float64) - _BELOW_ONE
    p = np.maximum(p, DEEPEST)
    c = table.cubics[((p.view(np.uint64) >> _S47) - _FIRST + upper * _N_SIDE).astype(np.int64)]
    found = c[:, 0] + p * (c[:, 1] + p * (c[:, 2] + p * c[:, 3]))
    return np.minimum(np.maximum(found, table.low), table.high)
