"""Random numbers of the learning engine: functions of (seed, purpose, time) and an index, so no order of work matters.

A 64-bit word per purpose and time (SplitMix64, :mod:`neurosim.connectivity.random`) keys a 32-bit
mixer of the index, half of the word before and half within it: two times share no sequence of
numbers. 32 bits, because the loops over synapses are vectorised, eight to an instruction.

References
----------
Wellons, "Prospecting for hash functions", 2018 (the mixer's multipliers, public domain).
"""

from __future__ import annotations

import numpy as np
from numba import uint32, uint64

from neurosim._jit import inner
from neurosim.connectivity.random import GOLDEN, mix

_S15, _S16, _S32 = np.uint32(15), np.uint32(16), np.uint64(32)
_MULTIPLY_1, _MULTIPLY_2 = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)


@inner(inline="always")
def word_of(base, counter):
    """Word (uint64) of a time of the stream ``base``."""
    return mix(uint64(base) + uint64(counter + 1) * GOLDEN)


@inner(inline="always")
def draw(index, word):
    """32 random bits (uint32) of an index at the time that ``word`` stands for."""
    x = uint32(uint32(index) ^ uint32(word))
    x = uint32(uint32(x ^ uint32(x >> _S16)) * _MULTIPLY_1)
    x = uint32(x + uint32(word >> _S32))
    x = uint32(uint32(x ^ uint32(x >> _S15)) * _MULTIPLY_2)
    return uint32(x ^ uint32(x >> _S16))
