"""Synaptic state: exact decay, arrival of weights, and what the membrane sees of it.

Every receptor has two linear states, ``g`` (the conductance or current) and ``aux`` (the rising
stage), with g' = aux - rate1 g and aux' = -rate2 aux. Exponential synapses leave ``aux`` at zero,
alpha functions have rate1 = rate2. ``BASE`` and the row numbers below are the layout of a
receptor's coefficients; :mod:`neurosim.models.layout` fills them.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

BASE = 18
STRIDE = 11
RATE1, RATE2, DECAY1, MIXED, DECAY2, GAIN_G, GAIN_AUX, IS_COND, DRIVE, TO_V_G, TO_V_AUX = range(11)
CURR_EXP, CURR_ALPHA, CURR_DELTA, COND_EXP, COND_ALPHA, COND_BETA = range(6)
_FLAGS = {"cache": True, "error_model": "numpy"}


@njit(**_FLAGS)
def one_stage(kind):
    """True for receptors whose ``aux`` is always zero."""
    return kind == CURR_EXP or kind == COND_EXP


@njit(**_FLAGS)
def decay(coeff, kinds, g, start, stop):
    """Advance ``g`` and ``aux`` by one whole step, exactly."""
    first, last = np.uint64(start), np.uint64(stop)
    for r in range(kinds.size):
        base = BASE + STRIDE * r
        if kinds[r] == CURR_DELTA:
            continue
        if one_stage(kinds[r]):
            for i in range(first, last):
                g[r, 0, i] *= coeff[base + DECAY1, i]
        else:
            for i in range(first, last):
                aux = g[r, 1, i]
                g[r, 0, i] = coeff[base + DECAY1, i] * g[r, 0, i] + coeff[base + MIXED, i] * aux
                g[r, 1, i] = coeff[base + DECAY2, i] * aux


@njit(**_FLAGS)
def arrive(coeff, kinds, g, inputs):
    """Add arrived weights to ``g`` or ``aux`` and zero them; ``curr_delta`` rows are left alone."""
    for r in range(kinds.size):
        base = BASE + STRIDE * r
        if kinds[r] == CURR_DELTA:
            continue
        if one_stage(kinds[r]):
            for i in range(np.uint64(inputs.shape[1])):
                g[r, 0, i] += inputs[r, i]
                inputs[r, i] = 0
        else:
            for i in range(np.uint64(inputs.shape[1])):
                g[r, 1, i] += coeff[base + GAIN_AUX, i] * inputs[r, i]
                inputs[r, i] = 0


@njit(**_FLAGS)
def linear_drive(coeff, kinds, g, i_inj, start, size, out_v, out_i):
    """Voltage that the synaptic currents add over one step (exact), and their sum at its start."""
    first, last = np.uint64(start), np.uint64(start + size)
    for i in range(first, last):
        j = i - first
        out_v[j] = 0
        out_i[j] = i_inj[i]
    for r in range(kinds.size):
        base = BASE + STRIDE * r
        if kinds[r] == CURR_DELTA:
            continue
        if one_stage(kinds[r]):
            for i in range(first, last):
                j = i - first
                out_v[j] += coeff[base + TO_V_G, i] * g[r, 0, i]
                out_i[j] += g[r, 0, i]
        else:
            for i in range(first, last):
                j = i - first
                out_v[j] += coeff[base + TO_V_G, i] * g[r, 0, i] + coeff[base + TO_V_AUX, i] * g[r, 1, i]
                out_i[j] += g[r, 0, i]


@njit(forceinline=True, **_FLAGS)
def stages(g, aux, rate1, rate2):
    """Taylor coefficients 0..5 of ``g`` in time."""
    g1 = aux - rate1 * g
    x1 = -rate2 * aux
    g2 = (x1 - rate1 * g1) * 0.5
    x2 = -rate2 * x1 * 0.5
    g3 = (x2 - rate1 * g2) * (1.0 / 3.0)
    x3 = -rate2 * x2 * (1.0 / 3.0)
    g4 = (x3 - rate1 * g3) * 0.25
    x4 = -rate2 * x3 * 0.25
    g5 = (x4 - rate1 * g4) * 0.2
    return g, g1, g2, g3, g4, g5


@njit(**_FLAGS)
def block_drive(coeff, kinds, g, i_inj, start, size, out):
    """Taylor coefficients of total conductance (rows 0-5) and of total drive in nA (rows 6-11)."""
    first, last = np.uint64(start), np.uint64(start + size)
    for k in range(12):
        for i in range(first, last):
            j = i - first
            out[k, j] = 0
    for i in range(first, last):
        j = i - first
        out[6, j] = i_inj[i]
    for r in range(kinds.size):
        base = BASE + STRIDE * r
        if kinds[r] == CURR_DELTA:
            continue
        for i in range(first, last):
            j = i - first
            s = stages(g[r, 0, i], g[r, 1, i], coeff[base + RATE1, i], coeff[base + RATE2, i])
            cond, drive = coeff[base + IS_COND, i], coeff[base + DRIVE, i]
            out[0, j] += cond * s[0]
            out[6, j] += drive * s[0]
            out[1, j] += cond * s[1]
            out[7, j] += drive * s[1]
            out[2, j] += cond * s[2]
            out[8, j] += drive * s[2]
            out[3, j] += cond * s[3]
            out[9, j] += drive * s[3]
            out[4, j] += cond * s[4]
            out[10, j] += drive * s[4]
            out[5, j] += cond * s[5]
            out[11, j] += drive * s[5]


@njit(**_FLAGS)
def state_at(g, aux, rate1, rate2, t):
    """``g`` and ``aux`` after ``t`` ms without input, exactly."""
    if t <= 0.0:
        return g, aux
    first = math.exp(-rate1 * t)
    if aux == 0.0:
        return g * first, aux
    z = (rate1 - rate2) * t
    phi = math.expm1(z) / z if abs(z) > 1e-9 else 1.0
    return first * (g + aux * t * phi), aux * math.exp(-rate2 * t)


@njit(**_FLAGS)
def drive_series(coeff, kinds, g, i_na, i, t):
    """Taylor coefficients of total conductance and drive of neuron ``i`` at ``t`` ms into the step."""
    c0 = c1 = c2 = c3 = c4 = c5 = 0.0
    d0 = d1 = d2 = d3 = d4 = d5 = 0.0
    d0 += i_na
    for r in range(kinds.size):
        base = BASE + STRIDE * r
        if kinds[r] == CURR_DELTA:
            continue
        rate1, rate2 = float(coeff[base + RATE1, i]), float(coeff[base + RATE2, i])
        now, aux = state_at(float(g[r, 0, i]), float(g[r, 1, i]), rate1, rate2, t)
        s0, s1, s2, s3, s4, s5 = stages(now, aux, rate1, rate2)
        cond, drive = float(coeff[base + IS_COND, i]), float(coeff[base + DRIVE, i])
        c0, c1, c2, c3, c4, c5 = c0 + cond * s0, c1 + cond * s1, c2 + cond * s2, c3 + cond * s3, c4 + cond * s4, c5 + cond * s5
        d0, d1, d2, d3, d4, d5 = d0 + drive * s0, d1 + drive * s1, d2 + drive * s2, d3 + drive * s3, d4 + drive * s4, d5 + drive * s5
    return (c0, c1, c2, c3, c4, c5), (d0, d1, d2, d3, d4, d5)


@njit(**_FLAGS)
def drive_at(coeff, kinds, g, i_na, i, t):
    """Total conductance (uS) and drive (nA) of neuron ``i`` at ``t`` ms into the step."""
    c, d = 0.0, float(i_na)
    for r in range(kinds.size):
        base = BASE + STRIDE * r
        if kinds[r] == CURR_DELTA:
            continue
        rate1, rate2 = float(coeff[base + RATE1, i]), float(coeff[base + RATE2, i])
        now, _ = state_at(float(g[r, 0, i]), float(g[r, 1, i]), rate1, rate2, t)
        c += now * coeff[base + IS_COND, i]
        d += now * coeff[base + DRIVE, i]
    return c, d
