"""Counter-based random numbers: every value is a pure function of its key and its ordinal.

A *stream* is a 64-bit base made from a seed and a purpose (:func:`stream`). A *row* of it has the
key ``row_key(base, row)``, and draw ``k`` of the row is ``mix(key + k * step(key))``: SplitMix64's
finaliser over a Weyl sequence whose odd increment differs per row, so that two rows never share
more than single values. Nothing is carried from draw to draw, hence nothing depends on the order,
block or thread in which rows are asked for.

References
----------
Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014 (the finaliser is
Stafford's variant 13). Wichura: Algorithm AS 241, Applied Statistics 37(3), 1988 (normal quantile).
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numba import njit

_MASK = (1 << 64) - 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
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


@njit(cache=True, nogil=True)
def mix(word):
    """Bijective avalanche of 64 bits (SplitMix64's finaliser, variant 13)."""
    word = (word ^ (word >> _S30)) * _MULTIPLY_1
    word = (word ^ (word >> _S27)) * _MULTIPLY_2
    return word ^ (word >> _S31)


@njit(cache=True, nogil=True)
def row_key(base, row):
    """Key (uint64) of row ``row`` (int64) of the stream ``base``."""
    return mix(mix(base + np.uint64(row) * _GOLDEN) ^ _STEP_SALT)


@njit(cache=True, nogil=True)
def bits(key, ordinal):
    """Draw number ``ordinal`` (int64, from 0) of a row: 64 random bits."""
    step = mix(key ^ _STEP_SALT) | _ONE
    return mix(key + np.uint64(ordinal) * step)


@njit(cache=True, nogil=True)
def uniform(key, ordinal):
    """Draw number ``ordinal`` of a row, uniform in the open interval (0, 1), 52 bits."""
    return (np.float64(bits(key, ordinal) >> _S12) + 0.5) * 2.220446049250313e-16


@njit(cache=True, nogil=True)
def below(key, ordinal, limit):
    """Draw number ``ordinal`` of a row, uniform integer (int64) in [0, limit); limit < 2**52."""
    return np.int64(uniform(key, ordinal) * np.float64(limit))


@njit(cache=True, nogil=True)
def fill_uniforms(base, start, indptr, out_values):
    """Fill ``out_values[indptr[r]:indptr[r + 1]]`` with the first draws of row ``start + r``."""
    for row in range(len(indptr) - 1):
        key = row_key(base, start + row)
        first = indptr[row]
        for at in range(first, indptr[row + 1]):
            out_values[at] = uniform(key, at - first)


@njit(cache=True, nogil=True, error_model="numpy")
def _normal_tail(p):
    """Size of the standard normal quantile of ``p`` < 0.075 (AS 241, outer branches)."""
    r = math.sqrt(-math.log(p))
    if r <= 5.0:
        r -= 1.6
        top = 7.7454501427834140764e-4
        top = ((top * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258
        top = ((top * r + 3.64784832476320460504) * r + 5.76949722146069140550) * r + 4.63033784615654529590
        top = top * r + 1.42343711074968357734
        low = 1.05075007164441684324e-9
        low = ((low * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
        low = ((low * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940) * r + 2.05319162663775882187
        return top / (low * r + 1.0)
    r -= 5.0
    top = 2.01033439929228813265e-7
    top = ((top * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2
    top = ((top * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580) * r + 5.46378491116411436990
    top = top * r + 6.65790464350110377720
    low = 2.04426310338993978564e-15
    low = ((low * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4
    low = ((low * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r + 5.99832206555887937690e-1
    return top / (low * r + 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def normal_quantile(p):
    """Standard normal quantile of ``p`` in (0, 1), to about 1e-15."""
    q = p - 0.5
    if math.fabs(q) > 0.425:
        return -_normal_tail(p) if q < 0.0 else _normal_tail(1.0 - p)
    r = 0.180625 - q * q
    top = 2.5090809287301226727e3
    top = ((top * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4
    top = ((top * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r + 1.3314166789178437745e2
    top = top * r + 3.3871328727963666080
    low = 5.2264952788528545610e3
    low = ((low * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4
    low = ((low * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r + 4.2313330701600911252e1
    return q * top / (low * r + 1.0)


@njit(cache=True, nogil=True)
def normals_in_place(values):
    """Replace every uniform in ``values`` by its standard normal quantile."""
    for at in range(len(values)):
        values[at] = normal_quantile(values[at])
