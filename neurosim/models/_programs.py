"""AdEx and Izhikevich neurons as programs in whole numbers, as the microcode of a core could have them.

A step of dt is ``n`` equal parts of at most 0.1 ms (midpoint rule); one part, all numbers whole, with ``>>`` rounding down::

    f(v, w) = K2 (v v >> 12) + K1 v + K0 + KE E - KW w + KI i,    g(v, w) = KA v - KD w
    E  = 2^(y / 4096) in 1/65536,   y = (Y v >> 24) - y_0
    v1 = v + (f(v, w) + 2^24 >> 25),      w1 = w + (g(v, w) + 2^24 >> 25)
    v' = v + (f(v1, w1) + 2^23 >> 24),    w' = w + (g(v1, w1) + 2^23 >> 24)

v and w saturate at 24 bits; v counts 2^-15 mV where the population does not say otherwise. A spike
where v' reaches the limit: v is reset and held for the refractory parts, w grows by its jump. ``i`` is the sum of
the currents, which are those of :mod:`neurosim.models._fixed`; it is constant during a step and saturates at 25 bits.
A cell fires once a step at most.

E is a shift by the whole part of y / 4096 and, for the rest f, ``1 + f (c1 + f (c2 + f c3))`` with 16-bit constants,
our own fit: right to 1.3e-4. y is kept from -17 to 15 times 4096, so E ends at 2^15, where a cell is
beyond its threshold by ten times the slope, and KE E ends at 2^50, which is a change beyond all limits.

No microcode of a chip is public: formats, order and rounding here are ours. They use additions, multiplications
of 24 by 28 bits, and shifts only. All sums stay below 2^53, so that float64 has them exactly.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim._jit import inner
from neurosim.models._fixed import FIXED_JOINED, N_STATES, REF, TOTAL, A, V, current, gather
from neurosim.models._receptors import BASE, STRIDE
from neurosim.models._tile import GAIN, SERIES, SUM, TILE

#: Rows of coefficients; row 18 says whether the cells of a tile are alike (:mod:`neurosim.models._membrane`).
(
    K2, K1, K0, KE, KI, KW, KA, KD, Y_GAIN, Y_ZERO, LIMIT, RESET, JUMP, PAUSE, UNIT_V, PER_MV, ZERO_V, UNIT_W,
) = range(18)  # fmt: skip
PARTS, PER_NA = 19, 20
#: Rows of the scratch: who fired (or -1), the sum of all currents, noise (none here), old v, old w.
FIRES, DRAWN, OLD_X, OLD_A = SUM, SERIES, SERIES + 1, SERIES + 2
assert GAIN == TOTAL

#: Constants of 2^f in 1/65536.
C1, C2, C3 = 45575.0, 14831.0, 5130.0
_ONE, _LEVELS, _PER_LEVEL = 65536.0, 4096.0, 1.0 / 4096.0
_Y_LOW, _Y_HIGH = -17.0 * 4096.0, 15.0 * 4096.0 - 1.0
_UNIT, _PER_UNIT, _HALF, _PER_TWO_UNITS = 2.0**24, 2.0**-24, 2.0**23, 2.0**-25
_TOP = 2.0**23 - 1.0
_TOP_CURRENT = 2.0**24 - 1.0
_TOP_ONSET = 2.0**50


@inner(forceinline=True)
def clipped(x, top):
    """``x`` within -top to top."""
    x = x if x < top else top
    return x if x > -top else -top


@inner(forceinline=True)
def power_of_two(y):
    """2^(y / 4096) in 1/65536, rounded down; ``y`` is whole and kept from -17 to 15 times 4096."""
    y = y if y > _Y_LOW else _Y_LOW
    y = y if y < _Y_HIGH else _Y_HIGH
    whole = math.floor(y * _PER_LEVEL)
    f = y - _LEVELS * whole
    p = C2 + math.floor(C3 * f * _PER_LEVEL)
    p = C1 + math.floor(p * f * _PER_LEVEL)
    p = _ONE + math.floor(p * f * _PER_LEVEL)
    # a shift by -17 to 14 in powers of two; there is no loop, so that the compiler makes vector code of it
    left = whole + 17.0
    scale = 2.0**-17
    scale, left = (scale * 65536.0, left - 16.0) if left >= 16.0 else (scale, left)
    scale, left = (scale * 256.0, left - 8.0) if left >= 8.0 else (scale, left)
    scale, left = (scale * 16.0, left - 4.0) if left >= 4.0 else (scale, left)
    scale, left = (scale * 4.0, left - 2.0) if left >= 2.0 else (scale, left)
    scale = scale * 2.0 if left >= 1.0 else scale
    return math.floor(p * scale)


@inner(forceinline=True)
def slopes(v, w, i, k):
    """Changes of v and w in one part, times 2^24; ``k`` are the first ten coefficients of the cell."""
    k2, k1, k0, ke, ki, kw, ka, kd, gain, zero = k
    e = power_of_two(math.floor(gain * v * _PER_UNIT) - zero)
    onset = ke * e
    onset = onset if onset < _TOP_ONSET else _TOP_ONSET
    total = k2 * math.floor(v * v * _PER_LEVEL) + k1 * v + k0 + onset - kw * w + ki * i
    return total, ka * v - kd * w


@inner(forceinline=True)
def changed(v, w, i, k):
    """Give v and w after one part without a spike, by the midpoint rule."""
    total, rise = slopes(v, w, i, k)
    half_v = clipped(v + math.floor((total + _UNIT) * _PER_TWO_UNITS), _TOP)
    half_w = clipped(w + math.floor((rise + _UNIT) * _PER_TWO_UNITS), _TOP)
    total, rise = slopes(half_v, half_w, i, k)
    return clipped(v + math.floor((total + _HALF) * _PER_UNIT), _TOP), clipped(w + math.floor((rise + _HALF) * _PER_UNIT), _TOP)


@inner(separate=True)
def read(x, c, s, size):
    """Registers of a tile into the scratch, nobody having fired."""
    for j in range(np.uint64(size)):
        s[OLD_X * TILE + j] = math.floor((x[V * TILE + j] - c[ZERO_V * TILE + j]) * c[PER_MV * TILE + j] + 0.5)
        s[OLD_A * TILE + j] = math.floor(x[A * TILE + j] / c[UNIT_W * TILE + j] + 0.5)
        s[TOTAL * TILE + j] = clipped(s[TOTAL * TILE + j], _TOP_CURRENT)
        s[FIRES * TILE + j] = -1.0


@inner(separate=True)
def part(x, c, s, size):
    """One part of a step of a tile; a cell that would fire a second time in the step waits at its limit for the next one."""
    for j in range(np.uint64(size)):
        v, w, reset, limit = s[OLD_X * TILE + j], s[OLD_A * TILE + j], c[RESET * TILE + j], c[LIMIT * TILE + j]
        first = (c[K2 * TILE + j], c[K1 * TILE + j], c[K0 * TILE + j], c[KE * TILE + j], c[KI * TILE + j])
        second = (c[KW * TILE + j], c[KA * TILE + j], c[KD * TILE + j], c[Y_GAIN * TILE + j], c[Y_ZERO * TILE + j])
        v, w = changed(v, w, s[TOTAL * TILE + j], first + second)
        pause, fired = x[REF * TILE + j], s[FIRES * TILE + j] > 0.0
        v = reset if pause > 0.0 else v
        crosses = (v >= limit) & (pause <= 0.0)
        fires = crosses & (not fired)
        v = limit if crosses else v
        left = pause - 1.0 if pause > 1.0 else 0.0
        s[OLD_X * TILE + j] = reset if fires else v
        s[OLD_A * TILE + j] = clipped(w + c[JUMP * TILE + j], _TOP) if fires else w
        s[FIRES * TILE + j] = 1.0 if fires else s[FIRES * TILE + j]
        x[REF * TILE + j] = c[PAUSE * TILE + j] if fires else left


@inner(separate=True)
def write(x, c, s, size):
    """The scratch back into the state of a tile."""
    for j in range(np.uint64(size)):
        x[V * TILE + j] = s[OLD_X * TILE + j] * c[UNIT_V * TILE + j] + c[ZERO_V * TILE + j]
        x[A * TILE + j] = s[OLD_A * TILE + j] * c[UNIT_W * TILE + j]


@inner()
def advance_program_tile(x, c, kinds, acc, codes, lanes, width, start, size, i_inj, s):
    """One step of a tile."""
    count = np.uint64(size)
    for j in range(count):
        s[TOTAL * TILE + j] = 0
        s[DRAWN * TILE + j] = 0
    if i_inj.size > 0:
        for j in range(count):
            s[TOTAL * TILE + j] = math.floor(i_inj[start + j] * c[PER_NA * TILE + j] + 0.5)
    for r in range(kinds.size):
        if kinds[r] != FIXED_JOINED:
            gather(kinds, r, acc, codes, lanes, width, start, size, s)
            current(x[(N_STATES + 2 * r) * TILE :], c[(BASE + STRIDE * r) * TILE :], s, size)
    read(x, c, s, size)
    for _ in range(np.int64(c[PARTS * TILE])):  # of all cells alike: it follows from the step
        part(x, c, s, size)
    write(x, c, s, size)
