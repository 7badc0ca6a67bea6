"""Counter-based random numbers for what is drawn while the network runs.

Every cell has a key; its k-th number depends on the key and k only, so that results do not depend
on threads, blocks or the order of work. The mixer is the finaliser of SplitMix64.

References
----------
Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from __future__ import annotations

import math

import numpy as np
from numba import uint64

from neurosim._jit import entry, inner
from neurosim.connectivity.random import GOLDEN, mix


@inner(inline="always")
def uniform(key, counter):
    """Number in the open interval (0, 1) for draw ``counter`` of stream ``key``."""
    z = mix(uint64(key) + uint64(counter + 1) * GOLDEN)
    return (float(z >> uint64(12)) + 0.5) * 2.0**-52


@inner()
def normal(key, counter):
    """Standard normal number; uses draws ``2 counter`` and ``2 counter + 1``."""
    radius = math.sqrt(-2.0 * math.log(uniform(key, 2 * counter)))
    return radius * math.cos(2.0 * math.pi * uniform(key, 2 * counter + 1))


@entry(allocates=True)
def keys(seed, stream, first, count):
    """uint64 keys of ``count`` cells of one stream (a population or a projection)."""
    base = mix(mix(uint64(seed) + GOLDEN) ^ uint64(stream + 1))
    out = np.empty(count, np.uint64)
    for i in range(count):
        out[i] = mix(base + uint64(first + i + 1) * GOLDEN)
    return out


@entry(allocates=True)
def normals(key, first, count):
    """Standard normal numbers ``first .. first + count - 1`` of a stream, shape (count,)."""
    out = np.empty(count, np.float64)
    for i in range(count):
        out[i] = normal(key, first + i)
    return out
