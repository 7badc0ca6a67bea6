"""Powers and decays for loops over many synapses: base-2 logarithm and exponential without branches.

Both are series on a reduced range, so that the compiler can turn a loop over them into vector code;
calls of the C library would run one by one. In single precision the relative error of
:func:`exp2` is below 2e-7 and the absolute error of :func:`log2` below 1e-7 plus its rounding, in
double precision 1e-15 and 1e-15; tests hold them to it. A power ``x ** a`` is ``exp2(a * log2(x))``
with a relative error of about ``a |log2 x|`` times the machine's rounding beside these.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import float32, float64, int32, int64, types
from numba.extending import intrinsic, overload

_INTEGER = {types.float32: types.int32, types.float64: types.int64}
_FLOAT = {integer: real for real, integer in _INTEGER.items()}
_LLVM = {types.int32: ir.IntType(32), types.int64: ir.IntType(64), types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


#: Two over the natural logarithm of 2.
TWICE = 2.8853900817779268


_OPTIONS: Any = {"fastmath": {"contract"}, "error_model": "numpy"}


@intrinsic
def bits(typingctx: Any, value: Any) -> Any:
    """The bits of a float as an integer of its size."""
    result = _INTEGER[value]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], _LLVM[signature.return_type])

    return result(value), codegen


@intrinsic
def from_bits(typingctx: Any, value: Any) -> Any:
    """The float that has these bits."""
    result = _FLOAT[value]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], _LLVM[signature.return_type])

    return result(value), codegen


def exp2(x: float) -> float:
    """Two to the power of ``x``; exactly 0 where that is below the smallest normal number."""
    return math.exp2(x)


def log2(x: float) -> float:
    """Base-2 logarithm of a positive, normal number."""
    return math.log2(x)


def _exp2_single(x):
    # Adding 1.5 * 2**23 rounds to a whole number, which then stands in the lowest bits.
    held = min(max(x, float32(-126.0)), float32(126.0))
    shifted = held + float32(12582912.0)
    y = (held - (shifted - float32(12582912.0))) * float32(0.6931471805599453)
    p = float32(1 / 720) + float32(1 / 5040) * y
    p = float32(1 / 24) + y * (float32(1 / 120) + y * p)
    p = float32(1 / 2) + y * (float32(1 / 6) + y * p)
    p = float32(1.0) + y * (float32(1.0) + y * p)
    value = from_bits(int32(bits(p) + int32(bits(shifted) << 23)))  # pyright: ignore[reportCallIssue]
    return value if x >= float32(-126.0) else float32(0.0)


def _exp2_double(x):
    held = min(max(x, -1022.0), 1022.0)
    shifted = held + 6755399441055744.0
    y = (held - (shifted - 6755399441055744.0)) * 0.6931471805599453
    p = 1 / 479001600 + y * (1 / 6227020800)
    p = 1 / 3628800 + y * (1 / 39916800 + y * p)
    p = 1 / 40320 + y * (1 / 362880 + y * p)
    p = 1 / 720 + y * (1 / 5040 + y * p)
    p = 1 / 24 + y * (1 / 120 + y * p)
    p = 1 / 2 + y * (1 / 6 + y * p)
    p = 1.0 + y * (1.0 + y * p)
    value = from_bits(int64(bits(p) + int64(bits(shifted) << 52)))  # pyright: ignore[reportCallIssue]
    return value if x >= -1022.0 else 0.0


def _log2_single(x):
    # x = m 2**e with m between sqrt(1/2) and sqrt(2); ln m = 2 artanh((m - 1) / (m + 1)).
    raw = bits(x)  # pyright: ignore[reportCallIssue]
    exponent = int32(int32(raw - 0x3F3504F3) >> 23)
    m = from_bits(int32(raw - int32(exponent << 23)))  # pyright: ignore[reportCallIssue]
    s = (m - float32(1.0)) / (m + float32(1.0))
    z = s * s
    p = float32(TWICE / 7) + z * float32(TWICE / 9)
    p = float32(TWICE / 3) + z * (float32(TWICE / 5) + z * p)
    return float32(exponent) + s * (float32(TWICE) + z * p)


def _log2_double(x):
    raw = bits(x)  # pyright: ignore[reportCallIssue]
    exponent = (raw - 0x3FE6A09E667F3BCD) >> 52
    m = from_bits(int64(raw - (exponent << 52)))  # pyright: ignore[reportCallIssue]
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = TWICE / 21 + z * (TWICE / 23)
    p = TWICE / 17 + z * (TWICE / 19 + z * p)
    p = TWICE / 13 + z * (TWICE / 15 + z * p)
    p = TWICE / 9 + z * (TWICE / 11 + z * p)
    p = TWICE / 5 + z * (TWICE / 7 + z * p)
    return float64(exponent) + s * (TWICE + z * (TWICE / 3 + z * p))


@overload(exp2, jit_options=_OPTIONS)
def _exp2(x):
    return {types.float32: _exp2_single, types.float64: _exp2_double}.get(x)


@overload(log2, jit_options=_OPTIONS)
def _log2(x):
    return {types.float32: _log2_single, types.float64: _log2_double}.get(x)
