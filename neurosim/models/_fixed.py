"""Integrate-and-fire neurons in whole numbers, with registers of limited width.

One step, all numbers whole, with ``rz(x, d) = sign(x) floor(|x| (4096 - d) / 4096)``::

    u = wrap(rz(u, decay_u) + wrap(what arrived))        for every current
    v = clip(rz(v, decay_v) + wrap(sum of u, a and bias), v_low, v_high)

then v = 0 while the cell is refractory; a spike where v > threshold, which sets v to 0. ``a`` is the
current of a further compartment that every spike of the cell itself steps, one step later.
Source of the equations: the emulators of nengo-loihi 1.1.0, lava b6822fbc and brian2_loihi 0.5.2,
whose traces are reproduced bit by bit (``tests/data/loihi``).

Outside, v is in mV and currents are in nA (mV where they step the voltage), so that all else treats
these cells like others: registers count units of ``UNIT_V`` from ``ZERO_V``, of a receptor, and of ``UNIT_A``
(there a current that slows is positive).
They are found back exactly, as double precision has whole numbers up to 2^53 and registers have 24
bits; all products are exact for the same reason. What arrives acts in the step at whose end it arrives:
a spike of step t reaches step t + delay, with delays of one step and more.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim._jit import inner
from neurosim.models._membrane import UNIFORM
from neurosim.models._receptors import BASE, FIXED_JOINED, STRIDE
from neurosim.models._redo import emit
from neurosim.models._tile import GAIN, OVERFLOWN, SATURATED, SERIES, SUM, TILE

V, A, REF, FIRED, DRAWS = range(5)
N_STATES = 5
#: Rows of coefficients; row 18 says whether the cells of a tile are alike (:mod:`neurosim.models._membrane`).
(
    KEEP_V, BIAS, LIMIT, V_LOW, V_HIGH, PAUSE, UNIT_V, PER_MV, ZERO_V, WRAP, INV_WRAP, KEEP_A, JUMP_A,
    NOISE, NOISE_MEAN, NOISE_ON_V, KEY, PER_NA,
) = range(18)  # fmt: skip
UNIT_A, PER_A = 19, 20
#: Rows of a receptor's coefficients.
KEEP_U, UNIT, PER_UNIT, GRAIN, PER_GRAIN, ROUND, WRAP_IN, INV_WRAP_IN, WRAP_U, INV_WRAP_U, CLOSED = range(11)
#: Rows of the scratch: what arrived at a current, the sum of all currents, noise.
ARRIVED, TOTAL, DRAWN = SUM, GAIN, SERIES


_LOW, _GOLDEN, _ODD = np.uint64(0xFFFFFFFF), np.uint64(0x9E3779B9), np.uint64(0xA511E9B3)
_MIX_1, _MIX_2 = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35)


@inner(forceinline=True)
def wrapped(x, span, inverse):
    """``x`` in two's complement of ``span`` values; as it is where both are 0."""
    return x - span * math.floor(x * inverse + 0.5)


@inner()
def gather(kinds, r, acc, codes, lanes, width, start, size, s):
    """Sum what arrived at receptor ``r`` and at those that join it, and zero it."""
    count = np.uint64(size)
    for j in range(count):
        s[ARRIVED * TILE + j] = 0
    for q in range(r, kinds.size):
        if q > r and kinds[q] != FIXED_JOINED:
            break
        at, unit = q * width + start, lanes[2 * q]
        if unit != 0:
            for j in range(count):
                s[ARRIVED * TILE + j] += unit * codes[at + j]
                codes[at + j] = 0
        if lanes[2 * q + 1] != 0:
            for j in range(count):
                s[ARRIVED * TILE + j] += acc[at + j]
                acc[at + j] = 0


@inner(separate=True)
def current(g, k, s, size):
    """Advance one current of a tile by what arrived and by noise, and add it to the sum."""
    lost = np.int32(0)
    for j in range(np.uint64(size)):
        grains = math.floor(s[ARRIVED * TILE + j] * k[PER_GRAIN * TILE + j] + k[ROUND * TILE + j])
        sent = k[GRAIN * TILE + j] * grains + s[DRAWN * TILE + j]
        arrived = wrapped(sent, k[WRAP_IN * TILE + j], k[INV_WRAP_IN * TILE + j])
        before = math.floor(g[j] * k[PER_UNIT * TILE + j] + 0.5)
        u = math.trunc(before * k[KEEP_U * TILE + j]) + arrived
        inside = wrapped(u, k[WRAP_U * TILE + j], k[INV_WRAP_U * TILE + j])
        lost += np.int32(sent != arrived) + np.int32(u != inside)
        u = u if u == k[CLOSED * TILE + j] else inside
        g[j] = u * k[UNIT * TILE + j]
        s[TOTAL * TILE + j] += u
        s[DRAWN * TILE + j] = 0
    s[OVERFLOWN] += lost


@inner(separate=True)
def membrane(x, c, s, size):
    """Advance the membranes of a tile; cells that fire are marked with 1 in the scratch, others with -1."""
    ended = np.int32(0)
    for j in range(np.uint64(size)):
        before = math.floor((x[V * TILE + j] - c[ZERO_V * TILE + j]) * c[PER_MV * TILE + j] + 0.5)
        added = wrapped(s[TOTAL * TILE + j] + c[BIAS * TILE + j], c[WRAP * TILE + j], c[INV_WRAP * TILE + j])
        v = math.trunc(before * c[KEEP_V * TILE + j]) + added
        low, high, pause = c[V_LOW * TILE + j], c[V_HIGH * TILE + j], x[REF * TILE + j]
        # limits above that of the register are meant
        ended += np.int32((v < low) & (pause <= 0.0) & (2.0 * low + c[WRAP * TILE + j] <= 2.0))
        v = low if v < low else v
        v = high if v > high else v
        v = 0.0 if pause > 0.0 else v
        fires = v > c[LIMIT * TILE + j]
        left = pause - 1.0 if pause > 1.0 else 0.0
        x[V * TILE + j] = (0.0 if fires else v) * c[UNIT_V * TILE + j] + c[ZERO_V * TILE + j]
        x[REF * TILE + j] = c[PAUSE * TILE + j] if fires else left
        s[ARRIVED * TILE + j] = 1.0 if fires else -1.0
    s[SATURATED] += ended


@inner(separate=True)
def adapt(x, c, s, size):
    """Advance the current of the further compartment of each cell and add it to the sum."""
    for j in range(np.uint64(size)):
        before = math.floor(x[A * TILE + j] * c[PER_A * TILE + j] + 0.5)
        a = math.trunc(before * c[KEEP_A * TILE + j]) + c[JUMP_A * TILE + j] * x[FIRED * TILE + j]
        a = wrapped(a, c[WRAP * TILE + j], c[INV_WRAP * TILE + j])
        x[A * TILE + j] = a * c[UNIT_A * TILE + j]
        x[FIRED * TILE + j] = 0
        s[TOTAL * TILE + j] += a


@inner(separate=True)
def draw(x, c, s, size):
    """Draw the noise of each cell: onto its voltage, or for the first current."""
    for j in range(np.uint64(size)):
        word = (np.uint64(c[KEY * TILE + j]) * _ODD + np.uint64(x[DRAWS * TILE + j]) * _GOLDEN) & _LOW
        word = ((word ^ (word >> np.uint64(16))) * _MIX_1) & _LOW  # the finaliser of MurmurHash3
        word = ((word ^ (word >> np.uint64(13))) * _MIX_2) & _LOW
        word = word ^ (word >> np.uint64(16))
        level = np.float64(np.int64((word * np.uint64(255)) >> np.uint64(32))) - 127.0  # -127 to 127
        noise = math.floor((level + c[NOISE_MEAN * TILE + j]) * c[NOISE * TILE + j])
        s[DRAWN * TILE + j] = noise * (1.0 - c[NOISE_ON_V * TILE + j])
        s[TOTAL * TILE + j] += noise * c[NOISE_ON_V * TILE + j]
        x[DRAWS * TILE + j] += 1


@inner()
def any_of(c, row, uniform, size):
    """Whether a coefficient differs from 0 in any cell of a tile."""
    if uniform:
        return c[row * TILE] != 0
    found = 0
    for j in range(np.uint64(size)):
        found += np.int64(c[row * TILE + j] != 0)
    return found > 0


@inner()
def advance_fixed_tile(x, c, kinds, acc, codes, lanes, width, start, size, i_inj, s):
    """One step of a tile."""
    count, uniform = np.uint64(size), c[UNIFORM * TILE] != 0
    for j in range(count):
        s[TOTAL * TILE + j] = 0
        s[DRAWN * TILE + j] = 0
    if i_inj.size > 0:
        for j in range(count):
            s[TOTAL * TILE + j] = math.floor(i_inj[start + j] * c[PER_NA * TILE + j] + 0.5)
    if any_of(c, NOISE, uniform, size):
        draw(x, c, s, size)
    for r in range(kinds.size):
        if kinds[r] != FIXED_JOINED:
            gather(kinds, r, acc, codes, lanes, width, start, size, s)
            current(x[(N_STATES + 2 * r) * TILE :], c[(BASE + STRIDE * r) * TILE :], s, size)
    if any_of(c, JUMP_A, uniform, size):
        adapt(x, c, s, size)
    membrane(x, c, s, size)


@inner()
def report(x, s, flags, size, start, dt, out_index, out_offset, count):
    """Append the spikes of the marked cells of a tile."""
    words = flags.view(np.uint64)
    for q in range((size + 7) // 8):
        if words[q] == 0:
            continue
        for j in range(8 * q, min(8 * q + 8, size)):
            if flags[j] != 0:
                count = emit(start + j, dt, dt, out_index, out_offset, count)
                x[FIRED * TILE + j] = 1
    return count
