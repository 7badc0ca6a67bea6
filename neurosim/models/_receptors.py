"""Synaptic state: exact decay, arrival of weights, and what the membrane sees of it.

Every receptor has two linear states, ``g`` (the conductance or current) and ``aux`` (the rising
stage), with g' = aux - rate1 g and aux' = -rate2 aux. Exponential synapses leave ``aux`` at zero,
alpha functions have rate1 = rate2. ``BASE`` and the row numbers below are the layout of a
receptor's coefficients; :mod:`neurosim.models.layout` fills them. Functions work on one tile:
``x`` and ``c`` are its state and coefficients, ``first`` the row of the first receptor's ``g``.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim._jit import inner
from neurosim.models._tile import GAIN, INJECTED, SERIES, SUM, TILE

BASE = 21
STRIDE = 11
RATE1, RATE2, DECAY1, MIXED, DECAY2, GAIN_G, GAIN_AUX, IS_COND, DRIVE, TO_V_G, TO_V_AUX = range(11)
CURR_EXP, CURR_ALPHA, CURR_DELTA, COND_EXP, COND_ALPHA, COND_BETA = range(6)
#: Currents in whole numbers (:mod:`neurosim.models._fixed`); what arrives at a joined receptor goes to the current of the one before it.
FIXED, FIXED_JOINED = 6, 7


@inner(forceinline=True)
def one_stage(kind):
    """True for receptors whose ``aux`` is always zero."""
    return kind == CURR_EXP or kind == COND_EXP


@inner()
def refresh(x, c, kinds, first, size, decays, acc, codes, lanes, width, start):
    """Bring a tile to the start of a step: decay over the last one, add what has arrived and zero it.

    ``acc`` and ``codes`` hold, per receptor, ``width`` sums for the cells of the part; the tile
    begins at ``start``. ``lanes[r]`` is (unit of the integer sums or 0, whether ``acc`` is used).
    """
    count = np.uint64(size)
    for r in range(kinds.size):
        if kinds[r] == CURR_DELTA:
            continue
        g, aux = x[(first + 2 * r) * TILE :], x[(first + 2 * r + 1) * TILE :]
        k = c[(BASE + STRIDE * r) * TILE :]
        single = one_stage(kinds[r])
        if decays and single:
            for j in range(count):
                g[j] *= k[DECAY1 * TILE + j]
        elif decays:
            for j in range(count):
                g[j] = k[DECAY1 * TILE + j] * g[j] + k[MIXED * TILE + j] * aux[j]
                aux[j] *= k[DECAY2 * TILE + j]
        at = r * width + start
        if lanes[2 * r] != 0:
            add_codes(g if single else aux, k, single, codes[at:], lanes[2 * r], count)
        if lanes[2 * r + 1] != 0:
            add_sums(g if single else aux, k, single, acc[at:], count)


@inner()
def add_codes(to, k, single, codes, unit, count):
    """Add integer sums times their unit to one row of a tile, and zero them."""
    real = to.dtype.type
    if single:
        for j in range(count):
            to[j] += unit * real(codes[j])
            codes[j] = 0
    else:
        for j in range(count):
            to[j] += k[GAIN_AUX * TILE + j] * (unit * real(codes[j]))
            codes[j] = 0


@inner()
def add_sums(to, k, single, sums, count):
    """Add sums to one row of a tile, and zero them."""
    if single:
        for j in range(count):
            to[j] += sums[j]
            sums[j] = 0
    else:
        for j in range(count):
            to[j] += k[GAIN_AUX * TILE + j] * sums[j]
            sums[j] = 0


@inner()
def linear_drive(x, c, kinds, first, s, size):
    """Voltage that the synaptic currents add over one step (exact), and the sum of all currents at its start."""
    count = np.uint64(size)
    for j in range(count):
        s[GAIN * TILE + j] = 0
        s[SUM * TILE + j] = s[INJECTED * TILE + j]
    for r in range(kinds.size):
        if kinds[r] == CURR_DELTA:
            continue
        g, aux = x[(first + 2 * r) * TILE :], x[(first + 2 * r + 1) * TILE :]
        k = c[(BASE + STRIDE * r) * TILE :]
        if one_stage(kinds[r]):
            for j in range(count):
                s[GAIN * TILE + j] += k[TO_V_G * TILE + j] * g[j]
                s[SUM * TILE + j] += g[j]
        else:
            for j in range(count):
                s[GAIN * TILE + j] += k[TO_V_G * TILE + j] * g[j] + k[TO_V_AUX * TILE + j] * aux[j]
                s[SUM * TILE + j] += g[j]


@inner(forceinline=True)
def stages(g, aux, rate1, rate2, parts):
    """Taylor coefficients 0..5 of ``g`` in time; ``parts`` are 1/2 to 1/5 in the precision of the rest."""
    g1 = aux - rate1 * g
    x1 = -rate2 * aux
    g2 = (x1 - rate1 * g1) * parts[0]
    x2 = -rate2 * x1 * parts[0]
    g3 = (x2 - rate1 * g2) * parts[1]
    x3 = -rate2 * x2 * parts[1]
    g4 = (x3 - rate1 * g3) * parts[2]
    x4 = -rate2 * x3 * parts[2]
    g5 = (x4 - rate1 * g4) * parts[3]
    return g, g1, g2, g3, g4, g5


@inner()
def block_drive(x, c, kinds, first, s, size):
    """Taylor coefficients of total conductance (rows 0-5 of the series) and of total drive in nA (rows 6-11)."""
    count, real = np.uint64(size), s.dtype.type
    parts = (real(1 / 2), real(1 / 3), real(1 / 4), real(1 / 5))
    out = s[SERIES * TILE :]
    for k in range(12):
        row = out[k * TILE :]
        for j in range(count):
            row[j] = 0
    for j in range(count):
        out[6 * TILE + j] = s[INJECTED * TILE + j]
    for r in range(kinds.size):
        if kinds[r] == CURR_DELTA:
            continue
        g, aux = x[(first + 2 * r) * TILE :], x[(first + 2 * r + 1) * TILE :]
        p = c[(BASE + STRIDE * r) * TILE :]
        for j in range(count):
            t = stages(g[j], aux[j], p[RATE1 * TILE + j], p[RATE2 * TILE + j], parts)
            cond, drive = p[IS_COND * TILE + j], p[DRIVE * TILE + j]
            out[j] += cond * t[0]
            out[6 * TILE + j] += drive * t[0]
            out[1 * TILE + j] += cond * t[1]
            out[7 * TILE + j] += drive * t[1]
            out[2 * TILE + j] += cond * t[2]
            out[8 * TILE + j] += drive * t[2]
            out[3 * TILE + j] += cond * t[3]
            out[9 * TILE + j] += drive * t[3]
            out[4 * TILE + j] += cond * t[4]
            out[10 * TILE + j] += drive * t[4]
            out[5 * TILE + j] += cond * t[5]
            out[11 * TILE + j] += drive * t[5]


@inner()
def decay(x):
    """exp(-x); a series where that is short, right to 2e-11."""
    if x > 0.05:
        return math.exp(-x)
    return 1.0 - x * (1.0 - x * 0.5 * (1.0 - x * (1.0 / 3.0) * (1.0 - x * 0.25 * (1.0 - x * 0.2))))


@inner()
def state_at(g, aux, rate1, rate2, t):
    """``g`` and ``aux`` after ``t`` ms without input, exactly."""
    if t <= 0.0:
        return g, aux
    first = decay(rate1 * t)
    if aux == 0.0:
        return g * first, aux
    z = (rate1 - rate2) * t
    phi = math.expm1(z) / z if abs(z) > 1e-9 else 1.0
    return first * (g + aux * t * phi), aux * math.exp(-rate2 * t)


@inner()
def receptor_at(x, c, first, r, j, k, t):
    """``g``, ``aux`` and both rates of receptor ``r`` of cell ``j`` at ``t`` ms into the step; its coefficients are those of ``k``."""
    base = (BASE + STRIDE * r) * TILE + k
    rate1, rate2 = float(c[base + RATE1 * TILE]), float(c[base + RATE2 * TILE])
    g, aux = float(x[(first + 2 * r) * TILE + j]), float(x[(first + 2 * r + 1) * TILE + j])
    now, rising = state_at(g, aux, rate1, rate2, t)
    return now, rising, rate1, rate2, float(c[base + IS_COND * TILE]), float(c[base + DRIVE * TILE])


@inner()
def drive_series(x, c, kinds, first, i_na, j, k, t):
    """Taylor series of total conductance and drive of cell ``j`` at ``t`` ms into the step; its coefficients are those of ``k``."""
    c0 = c1 = c2 = c3 = c4 = c5 = 0.0
    d0 = d1 = d2 = d3 = d4 = d5 = 0.0
    d0 += i_na
    for r in range(kinds.size):
        if kinds[r] == CURR_DELTA:
            continue
        now, aux, rate1, rate2, cond, drive = receptor_at(x, c, first, r, j, k, t)
        s0, s1, s2, s3, s4, s5 = stages(now, aux, rate1, rate2, (0.5, 1.0 / 3.0, 0.25, 0.2))
        c0, c1, c2, c3, c4, c5 = c0 + cond * s0, c1 + cond * s1, c2 + cond * s2, c3 + cond * s3, c4 + cond * s4, c5 + cond * s5
        d0, d1, d2, d3, d4, d5 = d0 + drive * s0, d1 + drive * s1, d2 + drive * s2, d3 + drive * s3, d4 + drive * s4, d5 + drive * s5
    return (c0, c1, c2, c3, c4, c5), (d0, d1, d2, d3, d4, d5)


@inner()
def drive_at(x, c, kinds, first, i_na, j, t):
    """Total conductance (uS) and drive (nA) of cell ``j`` at ``t`` ms into the step."""
    conductance, total = 0.0, float(i_na)
    for r in range(kinds.size):
        if kinds[r] == CURR_DELTA:
            continue
        now, _, _, _, cond, drive = receptor_at(x, c, first, r, j, j, t)
        conductance += now * cond
        total += now * drive
    return conductance, total
