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
#: Rows of coefficients; row 18 says whether the cells of a tile are alike (:mod:`neurosim.models._membrane`) but for BIAS and KEY.
(
    KEEP_V, BIAS, LIMIT, V_LOW, V_HIGH, PAUSE, UNIT_V, PER_MV, ZERO_V, WRAP, INV_WRAP, KEEP_A, JUMP_A,
    NOISE, NOISE_MEAN, NOISE_ON_V, KEY, PER_NA,
) = range(18)  # fmt: skip
UNIT_A, PER_A = 19, 20
#: Where the coefficients of the first cell of a tile stand side by side, if its cells are alike.
COLUMN = UNIFORM * TILE + 1
#: Rows of a receptor's coefficients.
KEEP_U, UNIT, PER_UNIT, GRAIN, PER_GRAIN, ROUND, WRAP_IN, INV_WRAP_IN, WRAP_U, INV_WRAP_U, CLOSED = range(11)
#: Rows of the scratch: what arrived at a current, the sum of all currents, noise.
ARRIVED, TOTAL, DRAWN = SUM, GAIN, SERIES


_LOW, _GOLDEN, _ODD = np.uint64(0xFFFFFFFF), np.uint64(0x9E3779B9), np.uint64(0xA511E9B3)
_MIX_1, _MIX_2 = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35)


@inner(forceinline=True)
def wrapped(x, span, inverse):
    """``x`` in two's complement of ``span`` values; as it is where both are 0."""
    return x - span * np.floor(x * inverse + 0.5)


@inner(forceinline=True)
def current_constants(k, j, pitch):
    """What :func:`next_current` needs of the coefficients of a receptor and cell ``j``, in rows of ``pitch``."""
    kept = (k[KEEP_U * pitch + j], k[UNIT * pitch + j], k[PER_UNIT * pitch + j], k[GRAIN * pitch + j], k[PER_GRAIN * pitch + j])
    inward = (k[ROUND * pitch + j], k[WRAP_IN * pitch + j], k[INV_WRAP_IN * pitch + j])
    return kept + inward + (k[WRAP_U * pitch + j], k[INV_WRAP_U * pitch + j], k[CLOSED * pitch + j])


@inner(forceinline=True)
def sent_to(arrived, noise, constants):
    """What is sent to a register where ``arrived`` arrived outside: whole grains, and noise."""
    _, _, _, grain, per_grain, rounding, _, _, _, _, _ = constants
    return grain * np.floor(arrived * per_grain + rounding) + noise


@inner(forceinline=True)
def next_current(before, sent, heard, constants):
    """Register of a current that was ``before``, and how many registers overflowed; without ``heard`` nothing is sent to it."""
    keep, _, _, _, _, _, wrap_in, inv_wrap_in, wrap, inv_wrap, closed = constants
    u, lost = np.trunc(before * keep), np.int32(0)
    if heard:
        arrived = wrapped(sent, wrap_in, inv_wrap_in)
        u, lost = u + arrived, np.int32(sent != arrived)
    inside = wrapped(u, wrap, inv_wrap)
    lost += np.int32(u != inside)
    return u if u == closed else inside, lost


@inner(forceinline=True)
def voltage_constants(c, j, pitch):
    """What :func:`next_voltage` needs of the coefficients of cell ``j``, in rows of ``pitch``."""
    register = (c[KEEP_V * pitch + j], c[LIMIT * pitch + j], c[V_LOW * pitch + j], c[V_HIGH * pitch + j], c[PAUSE * pitch + j])
    return register + (c[UNIT_V * pitch + j], c[PER_MV * pitch + j], c[ZERO_V * pitch + j], c[WRAP * pitch + j], c[INV_WRAP * pitch + j])


@inner(forceinline=True)
def next_voltage(before, pause, added, constants):
    """Register of a voltage that was ``before``, stepped by ``added``; steps to wait; 1 (it fires) or -1; if it ended at its lowest."""
    keep, limit, low, high, rest, _, _, _, wrap, inv_wrap = constants
    v = np.trunc(before * keep) + wrapped(added, wrap, inv_wrap)
    ended = np.int32((v < low) & (pause <= 0.0) & (2.0 * low + wrap <= 2.0))  # limits above that of the register are meant
    v = low if v < low else v
    v = high if v > high else v
    v = 0.0 if pause > 0.0 else v
    fires = v > limit
    left = pause - 1.0 if pause > 1.0 else 0.0
    return 0.0 if fires else v, rest if fires else left, 1.0 if fires else -1.0, ended


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


@inner(forceinline=True)
def step_current(g, arrived, noise, constants):
    """Register of a current that was ``g`` outside, the current outside, and how many registers overflowed."""
    _, unit, per_unit, _, _, _, _, _, _, _, _ = constants
    u, lost = next_current(np.rint(g * per_unit), sent_to(arrived, noise, constants), True, constants)
    return u, u * unit, lost


@inner(forceinline=True)
def step_voltage(v_mv, pause, added, constants):
    """Voltage outside, and what else :func:`next_voltage` gives."""
    _, _, _, _, _, unit, per_mv, zero, _, _ = constants
    v, pause, fires, ended = next_voltage(np.rint((v_mv - zero) * per_mv), pause, added, constants)
    return v * unit + zero, pause, fires, ended


@inner(separate=True)
def current(g, k, s, size):
    """Advance one current of a tile by what arrived and by noise, and add it to the sum."""
    lost = np.int32(0)
    for j in range(np.uint64(size)):
        u, g[j], more = step_current(g[j], s[ARRIVED * TILE + j], s[DRAWN * TILE + j], current_constants(k, j, TILE))
        lost += more
        s[TOTAL * TILE + j] += u
        s[DRAWN * TILE + j] = 0
    s[OVERFLOWN] += lost


@inner(separate=True)
def membrane(x, c, s, size):
    """Advance the membranes of a tile; cells that fire are marked with 1 in the scratch, others with -1."""
    ended = np.int32(0)
    for j in range(np.uint64(size)):
        added = s[TOTAL * TILE + j] + c[BIAS * TILE + j]
        x[V * TILE + j], x[REF * TILE + j], s[ARRIVED * TILE + j], more = step_voltage(
            x[V * TILE + j], x[REF * TILE + j], added, voltage_constants(c, j, TILE)
        )
        ended += more
    s[SATURATED] += ended


@inner(forceinline=True)
def plain_cell(j, x, c, s, of_current, of_voltage):
    """One cell of :func:`plain`; how many of its registers overflowed, and whether its voltage ended at the lowest."""
    u, x[N_STATES * TILE + j], lost = step_current(x[N_STATES * TILE + j], s[ARRIVED * TILE + j], 0.0, of_current)
    x[V * TILE + j], x[REF * TILE + j], s[ARRIVED * TILE + j], ended = step_voltage(
        x[V * TILE + j], x[REF * TILE + j], u + c[BIAS * TILE + j], of_voltage
    )
    return lost, ended


@inner(separate=True)
def plain(x, c, k, s, size):
    """Advance a tile of cells with one current and neither noise, adaptation nor injected current, in one pass."""
    lost = ended = np.int32(0)
    if c[UNIFORM * TILE] != 0:
        of_current, of_voltage = current_constants(c[COLUMN + BASE :], 0, 1), voltage_constants(c[COLUMN:], 0, 1)
        for j in range(np.uint64(size)):
            more, low = plain_cell(j, x, c, s, of_current, of_voltage)
            lost, ended = lost + more, ended + low
    else:
        for j in range(np.uint64(size)):
            more, low = plain_cell(j, x, c, s, current_constants(k, j, TILE), voltage_constants(c, j, TILE))
            lost, ended = lost + more, ended + low
    s[OVERFLOWN] += lost
    s[SATURATED] += ended


@inner()
def is_bare(column, lanes):
    """Whether registers are outside what they are inside, no cell ever waits, and only whole grains arrive, if anything."""
    grains = lanes[0] * column[BASE + PER_GRAIN]
    as_they_are = column[UNIT_V] == 1.0 and column[ZERO_V] == 0.0 and column[BASE + UNIT] == 1.0
    return as_they_are and column[PAUSE] <= 0 and lanes[1] == 0 and grains == np.floor(grains)


@inner(forceinline=True)
def bare_cell(j, x, c, s, arrived, heard, of_current, of_voltage):
    """One cell of :func:`bare`; see :func:`plain_cell`."""
    u, lost = next_current(x[N_STATES * TILE + j], arrived, heard, of_current)
    x[N_STATES * TILE + j] = u
    x[V * TILE + j], _, s[ARRIVED * TILE + j], ended = next_voltage(x[V * TILE + j], 0.0, u + c[BIAS * TILE + j], of_voltage)
    return lost, ended


@inner(separate=True)
def bare(x, c, codes, unit, s, size):
    """:func:`plain` for cells alike with bare registers: less to read, write and reckon; ``unit`` 0: nothing ever arrives."""
    lost = ended = np.int32(0)
    of_current, of_voltage = current_constants(c[COLUMN + BASE :], 0, 1), voltage_constants(c[COLUMN:], 0, 1)
    if unit != 0:
        for j in range(np.uint64(size)):
            more, low = bare_cell(j, x, c, s, unit * codes[j], True, of_current, of_voltage)
            codes[j] = 0
            lost, ended = lost + more, ended + low
    else:
        for j in range(np.uint64(size)):
            more, low = bare_cell(j, x, c, s, 0.0, False, of_current, of_voltage)
            lost, ended = lost + more, ended + low
    s[OVERFLOWN] += lost
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
        return c[COLUMN + row] != 0
    found = 0
    for j in range(np.uint64(size)):
        found += np.int64(c[row * TILE + j] != 0)
    return found > 0


@inner()
def advance_fixed_tile(x, c, kinds, acc, codes, lanes, width, start, size, i_inj, s):
    """One step of a tile."""
    count, uniform = np.uint64(size), c[UNIFORM * TILE] != 0
    noisy, adapts = any_of(c, NOISE, uniform, size), any_of(c, JUMP_A, uniform, size)
    if kinds.size == 1 and i_inj.size == 0 and not noisy and not adapts:
        if uniform and is_bare(c[COLUMN:], lanes):
            bare(x, c, codes[start:], lanes[0], s, size)
        else:
            gather(kinds, 0, acc, codes, lanes, width, start, size, s)
            plain(x, c, c[BASE * TILE :], s, size)
        return
    for j in range(count):
        s[TOTAL * TILE + j] = 0
        s[DRAWN * TILE + j] = 0
    if i_inj.size > 0:
        for j in range(count):
            s[TOTAL * TILE + j] = math.floor(i_inj[start + j] * c[PER_NA * TILE + j] + 0.5)
    if noisy:
        draw(x, c, s, size)
    for r in range(kinds.size):
        if kinds[r] != FIXED_JOINED:
            gather(kinds, r, acc, codes, lanes, width, start, size, s)
            current(x[(N_STATES + 2 * r) * TILE :], c[(BASE + STRIDE * r) * TILE :], s, size)
    if adapts:
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
