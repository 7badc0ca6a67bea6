"""Integrate-and-fire membranes: LIF, AdEx and Izhikevich as one family.

    v' = k2 v^2 + k1 v + k0 + eps exp((v - v_t) / delta) + (D(t) - G(t) v) / c - omega w
    w' = rate_w (alpha (v - e_l) - w)

G and D are the total conductance and drive of the synapses. A block of neurons is advanced by a
plain loop without branches: exact propagators for the current-based LIF, one Taylor step for the
others. Neurons that are refractory, may have crossed, or need shorter steps are marked there and
done again, one by one, from their saved start (:mod:`neurosim.models._redo`).
"""

from __future__ import annotations

import math

import numpy as np

from neurosim._jit import inner
from neurosim.models._receptors import BASE, DECAY1, DRIVE, RATE1, STRIDE, TO_V_G, block_drive, linear_drive
from neurosim.models._series import full_series, leaky_series, value
from neurosim.models._tile import GAIN, INJECTED, OLD_V, OLD_W, SERIES, SUM, TILE

K2, K1, K0, EPS, V_T, INV_DELTA, OMEGA, RATE_W, ALPHA, E_L, INV_C, V_SPIKE, V_RESET, JUMP_W, TAU_REF, PROP, CONST, PER_NA = range(18)
#: Row that is 1 where all cells of the tile have the coefficients of the first one, else 0.
UNIFORM = 18
V, W, REF = range(3)
N_STATES = 3


@inner(forceinline=True)
def settle(v, after, rise, pause, limit, reset, h, residue):
    """What remains of a step's result: (v, refractory time left, how far beyond the threshold).

    Cells that are refractory for the whole step stay at their reset; the last number is negative
    for those and for cells that clearly did not fire, the others have to be done again.
    """
    left, held = pause - h, pause >= h
    top = after if after > v else v
    ahead = v + rise
    top = top if top > ahead else ahead
    beyond = top - limit
    waiting = pause - residue
    beyond = beyond if beyond > waiting else waiting
    rest = left if left > residue else left - left
    return (reset if held else after), (rest if held else pause), (-h if held else beyond)


@inner(forceinline=True)
def residue_of(x):
    """Refractory time (ms) that rounding may leave over at its end."""
    return 1e-9 if x.itemsize == 8 else 1e-5


@inner()
def mark(s, flags, size):
    """Mark the cells that have to be done again; true if there are any."""
    zero, found = s.dtype.type(0), np.int32(0)
    for j in range(np.uint64(size)):
        found += np.int32(s[SUM * TILE + j] >= zero)
    if found != 0:
        for j in range(np.uint64(size)):
            flags[j] = s[SUM * TILE + j] >= zero
    return found != 0


@inner(separate=True)
def linear_tile(x, c, kinds, s, flags, size, dt):
    """Exact step of current-based LIF neurons."""
    linear_drive(x, c, kinds, N_STATES, s, size)
    h, residue = x.dtype.type(dt), x.dtype.type(residue_of(x))
    for j in range(np.uint64(size)):
        v = x[V * TILE + j]
        rise = h * (c[K1 * TILE + j] * v + c[K0 * TILE + j] + c[INV_C * TILE + j] * s[SUM * TILE + j])
        after = c[PROP * TILE + j] * v + c[CONST * TILE + j] + c[PER_NA * TILE + j] * s[INJECTED * TILE + j] + s[GAIN * TILE + j]
        s[OLD_V * TILE + j] = v
        x[V * TILE + j], x[REF * TILE + j], s[SUM * TILE + j] = settle(
            v, after, rise, x[REF * TILE + j], c[V_SPIKE * TILE + j], c[V_RESET * TILE + j], h, residue
        )
    return mark(s, flags, size)


@inner(forceinline=True)
def linear_constants(c, k):
    """What :func:`linear_cell` needs of the coefficients of cell ``k``."""
    membrane_rows = (c[K1 * TILE + k], c[K0 * TILE + k], c[INV_C * TILE + k], c[PROP * TILE + k], c[CONST * TILE + k])
    limits = (c[V_SPIKE * TILE + k], c[V_RESET * TILE + k])
    first, second = BASE * TILE + k, (BASE + STRIDE) * TILE + k
    return (
        membrane_rows + limits + (c[first + DECAY1 * TILE], c[second + DECAY1 * TILE], c[first + TO_V_G * TILE], c[second + TO_V_G * TILE])
    )


@inner(forceinline=True)
def linear_cell(j, constants, x, s, codes_0, codes_1, unit_0, unit_1, h, residue):
    """One cell of :func:`linear_pair`."""
    k1, k0, inv_c, prop, const, limit, reset, decay_0, decay_1, gain_0, gain_1 = constants
    real = x.dtype.type
    v = x[V * TILE + j]
    first = decay_0 * x[N_STATES * TILE + j] + unit_0 * real(codes_0[j])
    second = decay_1 * x[(N_STATES + 2) * TILE + j] + unit_1 * real(codes_1[j])
    codes_0[j] = 0
    codes_1[j] = 0
    x[N_STATES * TILE + j] = first
    x[(N_STATES + 2) * TILE + j] = second
    rise = h * (k1 * v + k0 + inv_c * (first + second))
    after = prop * v + const + (gain_0 * first + gain_1 * second)  # summed as in linear_tile
    s[OLD_V * TILE + j] = v
    x[V * TILE + j], x[REF * TILE + j], s[SUM * TILE + j] = settle(v, after, rise, x[REF * TILE + j], limit, reset, h, residue)


@inner(separate=True)
def linear_pair(x, c, s, flags, size, dt, codes_0, codes_1, unit_0, unit_1):
    """The same for two exponential currents and packed weights, in one pass with their decay and arrival."""
    h, residue = x.dtype.type(dt), x.dtype.type(residue_of(x))
    if c[UNIFORM * TILE] != 0:
        alike = linear_constants(c, 0)
        for j in range(np.uint64(size)):
            linear_cell(j, alike, x, s, codes_0, codes_1, unit_0, unit_1, h, residue)
    else:
        for j in range(np.uint64(size)):
            linear_cell(j, linear_constants(c, j), x, s, codes_0, codes_1, unit_0, unit_1, h, residue)
    return mark(s, flags, size)


@inner(separate=True)
def leaky_tile(x, c, kinds, s, flags, size, dt, tol):
    """One Taylor step of LIF neurons with conductances."""
    block_drive(x, c, kinds, N_STATES, s, size)
    real = x.dtype.type
    h, residue, largest = real(dt), real(residue_of(x)), real(tol / dt**6)
    parts = (real(1 / 2), real(1 / 3), real(1 / 4), real(1 / 5), real(1 / 6))
    for j in range(np.uint64(size)):
        v, pause = x[V * TILE + j], x[REF * TILE + j]
        conductance, drive = series_terms(s, j)
        p = leaky_series(v, c[K1 * TILE + j], c[K0 * TILE + j], c[INV_C * TILE + j], conductance, drive, parts)
        s[OLD_V * TILE + j] = v
        x[V * TILE + j], x[REF * TILE + j], beyond = settle(
            v, value(v, p, h), h * p[0], pause, c[V_SPIKE * TILE + j], c[V_RESET * TILE + j], h, residue
        )
        s[SUM * TILE + j] = h if (abs(p[5]) > largest) & (pause < h) else beyond
    return mark(s, flags, size)


@inner(forceinline=True)
def leaky_constants(c, k):
    """What :func:`leaky_cell` needs of the coefficients of cell ``k``."""
    membrane_rows = (c[K1 * TILE + k], c[K0 * TILE + k], c[INV_C * TILE + k], c[V_SPIKE * TILE + k], c[V_RESET * TILE + k])
    first, second = BASE * TILE + k, (BASE + STRIDE) * TILE + k
    one = (c[first + DECAY1 * TILE], c[first + RATE1 * TILE], c[first + DRIVE * TILE])
    return membrane_rows + one + (c[second + DECAY1 * TILE], c[second + RATE1 * TILE], c[second + DRIVE * TILE])


@inner(forceinline=True)
def leaky_cell(j, constants, x, s, codes_0, codes_1, unit_0, unit_1, h, residue, largest, parts):
    """One cell of :func:`leaky_pair`."""
    k1, k0, inv_c, limit, reset, decay_0, rate_0, drive_0, decay_1, rate_1, drive_1 = constants
    real = x.dtype.type
    v, pause = x[V * TILE + j], x[REF * TILE + j]
    first = decay_0 * x[N_STATES * TILE + j] + unit_0 * real(codes_0[j])
    second = decay_1 * x[(N_STATES + 2) * TILE + j] + unit_1 * real(codes_1[j])
    codes_0[j] = 0
    codes_1[j] = 0
    x[N_STATES * TILE + j] = first
    x[(N_STATES + 2) * TILE + j] = second
    a, b = decaying(first, rate_0, parts), decaying(second, rate_1, parts)
    p = leaky_series(v, k1, k0, inv_c, summed(a, b), weighted(a, drive_0, b, drive_1), parts)
    s[OLD_V * TILE + j] = v
    x[V * TILE + j], x[REF * TILE + j], beyond = settle(v, value(v, p, h), h * p[0], pause, limit, reset, h, residue)
    s[SUM * TILE + j] = h if (abs(p[5]) > largest) & (pause < h) else beyond


@inner(separate=True)
def leaky_pair(x, c, s, flags, size, dt, tol, codes_0, codes_1, unit_0, unit_1):
    """The same for two exponential conductances and packed weights, in one pass with their decay and arrival."""
    real = x.dtype.type
    h, residue, largest = real(dt), real(residue_of(x)), real(tol / dt**6)
    parts = (real(1 / 2), real(1 / 3), real(1 / 4), real(1 / 5), real(1 / 6))
    if c[UNIFORM * TILE] != 0:
        alike = leaky_constants(c, 0)
        for j in range(np.uint64(size)):
            leaky_cell(j, alike, x, s, codes_0, codes_1, unit_0, unit_1, h, residue, largest, parts)
    else:
        for j in range(np.uint64(size)):
            leaky_cell(j, leaky_constants(c, j), x, s, codes_0, codes_1, unit_0, unit_1, h, residue, largest, parts)
    return mark(s, flags, size)


@inner(forceinline=True)
def decaying(g, rate, parts):
    """Taylor coefficients 0..5 of an exponential decay from ``g``."""
    g1 = -rate * g
    g2 = -rate * g1 * parts[0]
    g3 = -rate * g2 * parts[1]
    g4 = -rate * g3 * parts[2]
    return g, g1, g2, g3, g4, -rate * g4 * parts[3]


@inner(forceinline=True)
def summed(a, b):
    """Sum of two series of six terms."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5]


@inner(forceinline=True)
def weighted(a, f, b, g):
    """``f a + g b`` of two series of six terms."""
    return f * a[0] + g * b[0], f * a[1] + g * b[1], f * a[2] + g * b[2], f * a[3] + g * b[3], f * a[4] + g * b[4], f * a[5] + g * b[5]


@inner(forceinline=True)
def series_terms(s, j):
    """Taylor coefficients 0..5 of the conductance and of the drive of cell ``j``."""
    o = SERIES * TILE + j
    conductance = (s[o], s[o + TILE], s[o + 2 * TILE], s[o + 3 * TILE], s[o + 4 * TILE], s[o + 5 * TILE])
    drive = (s[o + 6 * TILE], s[o + 7 * TILE], s[o + 8 * TILE], s[o + 9 * TILE], s[o + 10 * TILE], s[o + 11 * TILE])
    return conductance, drive


@inner(separate=True)
def adaptive_tile(x, c, kinds, s, flags, size, dt, loose, tol):
    """One Taylor step of neurons with exponential or quadratic terms and adaptation.

    The last term must stay below ``loose``; where the exponential matters (from 3 delta below its
    threshold on) also the next one, extrapolated from the last two, below ``tol``.
    """
    block_drive(x, c, kinds, N_STATES, s, size)
    h6 = dt**6
    for j in range(np.uint64(size)):
        s[GAIN * TILE + j] = math.exp((x[V * TILE + j] - c[V_T * TILE + j]) * c[INV_DELTA * TILE + j])
    for j in range(np.uint64(size)):
        v, w = x[V * TILE + j], x[W * TILE + j]
        conductance, drive = series_terms(s, j)
        p, q = full_series(v, w, s[GAIN * TILE + j], membrane(c, j), conductance, drive)
        after = value(v, p, dt)
        limit, inv_delta = c[V_SPIKE * TILE + j], c[INV_DELTA * TILE + j]
        s[OLD_V * TILE + j] = v
        s[OLD_W * TILE + j] = w
        x[V * TILE + j] = after
        x[W * TILE + j] = value(w, q, dt)
        y = (max(v, after) - c[V_T * TILE + j]) * inv_delta
        calm = (y < -30.0) | (abs(after - v) * inv_delta <= 1.0)
        calm &= (y < -3.0) | (p[5] * p[5] * h6 * dt <= tol * abs(p[4])) | (inv_delta == 0.0)
        fine = (after < limit) & (v < limit) & (v + dt * p[0] < limit) & (x[REF * TILE + j] <= 0) & (abs(p[5]) * h6 <= loose)
        flags[j] = not (fine & calm)


@inner(forceinline=True)
def membrane(c, j):
    """Constants of :func:`full_series` for cell ``j``."""
    first = (c[K2 * TILE + j], c[K1 * TILE + j], c[K0 * TILE + j], c[EPS * TILE + j], c[INV_DELTA * TILE + j])
    return first + (c[OMEGA * TILE + j], c[RATE_W * TILE + j], c[ALPHA * TILE + j], c[E_L * TILE + j], c[INV_C * TILE + j])
