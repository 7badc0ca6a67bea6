"""Integrate-and-fire membranes: LIF, AdEx and Izhikevich as one family.

    v' = k2 v^2 + k1 v + k0 + eps exp((v - v_t) / delta) + (D(t) - G(t) v) / c - omega w
    w' = rate_w (alpha (v - e_l) - w)

G and D are the total conductance and drive of the synapses. A block of neurons is advanced by a
plain loop without branches: exact propagators for the current-based LIF, one Taylor step for the
others. Neurons that are refractory, may have crossed, or need shorter steps are marked there and
done again, one by one, from their saved start (:func:`redo`).
"""

from __future__ import annotations

import math

import numpy as np

from neurosim._jit import inner
from neurosim.models._receptors import BASE, DECAY1, DRIVE, RATE1, STRIDE, TO_V_G, block_drive, drive_series, linear_drive
from neurosim.models._series import crossing, full_series, leaky_series, slope, summit, value
from neurosim.models._tile import GAIN, INJECTED, OLD_V, OLD_W, SERIES, SUM, TILE

K2, K1, K0, EPS, V_T, INV_DELTA, OMEGA, RATE_W, ALPHA, E_L, INV_C, V_SPIKE, V_RESET, JUMP_W, TAU_REF, PROP, CONST, PER_NA = range(18)
V, W, REF = range(3)
N_STATES = 3
MAX_SPIKES = 8
MAX_SUBSTEPS = 20000


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
    """Mark the cells that have to be done again."""
    zero = s.dtype.type(0)
    for j in range(np.uint64(size)):
        flags[j] = s[SUM * TILE + j] >= zero


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
    mark(s, flags, size)


@inner(separate=True)
def linear_pair(x, c, s, flags, size, dt, codes_0, codes_1, unit_0, unit_1):
    """The same for two exponential currents and packed weights, in one pass with their decay and arrival."""
    real = x.dtype.type
    h, residue = real(dt), real(residue_of(x))
    for j in range(np.uint64(size)):
        v = x[V * TILE + j]
        first = c[(BASE + DECAY1) * TILE + j] * x[N_STATES * TILE + j] + unit_0 * real(codes_0[j])
        second = c[(BASE + STRIDE + DECAY1) * TILE + j] * x[(N_STATES + 2) * TILE + j] + unit_1 * real(codes_1[j])
        codes_0[j] = 0
        codes_1[j] = 0
        x[N_STATES * TILE + j] = first
        x[(N_STATES + 2) * TILE + j] = second
        rise = h * (c[K1 * TILE + j] * v + c[K0 * TILE + j] + c[INV_C * TILE + j] * (first + second))
        after = (
            c[PROP * TILE + j] * v
            + c[CONST * TILE + j]
            + (c[(BASE + TO_V_G) * TILE + j] * first + c[(BASE + STRIDE + TO_V_G) * TILE + j] * second)  # summed as in linear_tile
        )
        s[OLD_V * TILE + j] = v
        x[V * TILE + j], x[REF * TILE + j], s[SUM * TILE + j] = settle(
            v, after, rise, x[REF * TILE + j], c[V_SPIKE * TILE + j], c[V_RESET * TILE + j], h, residue
        )
    mark(s, flags, size)


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
    mark(s, flags, size)


@inner(separate=True)
def leaky_pair(x, c, s, flags, size, dt, tol, codes_0, codes_1, unit_0, unit_1):
    """The same for two exponential conductances and packed weights, in one pass with their decay and arrival."""
    real = x.dtype.type
    h, residue, largest = real(dt), real(residue_of(x)), real(tol / dt**6)
    parts = (real(1 / 2), real(1 / 3), real(1 / 4), real(1 / 5), real(1 / 6))
    for j in range(np.uint64(size)):
        v, pause = x[V * TILE + j], x[REF * TILE + j]
        first = c[(BASE + DECAY1) * TILE + j] * x[N_STATES * TILE + j] + unit_0 * real(codes_0[j])
        second = c[(BASE + STRIDE + DECAY1) * TILE + j] * x[(N_STATES + 2) * TILE + j] + unit_1 * real(codes_1[j])
        codes_0[j] = 0
        codes_1[j] = 0
        x[N_STATES * TILE + j] = first
        x[(N_STATES + 2) * TILE + j] = second
        a = decaying(first, c[(BASE + RATE1) * TILE + j], parts)
        b = decaying(second, c[(BASE + STRIDE + RATE1) * TILE + j], parts)
        p = leaky_series(
            v, c[K1 * TILE + j], c[K0 * TILE + j], c[INV_C * TILE + j], summed(a, b),
            weighted(a, c[(BASE + DRIVE) * TILE + j], b, c[(BASE + STRIDE + DRIVE) * TILE + j]), parts,
        )  # fmt: skip
        s[OLD_V * TILE + j] = v
        x[V * TILE + j], x[REF * TILE + j], beyond = settle(
            v, value(v, p, h), h * p[0], pause, c[V_SPIKE * TILE + j], c[V_RESET * TILE + j], h, residue
        )
        s[SUM * TILE + j] = h if (abs(p[5]) > largest) & (pause < h) else beyond
    mark(s, flags, size)


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


@inner()
def escape(v, w, p, v_t, limit, g0, d0, rest_ms):
    """Last, explosive part of an AdEx spike: (time used in ms or -1, v and w reached).

    With y = exp(-(v - v_t) / delta) the exponential term becomes a constant, and the others
    together a small rate that is constant over the 0.1 us concerned: y' = -(eps + r y) / delta.
    Over that time v is on average delta above its start (the mean of -log of a uniform variable),
    delta / 2 when weighted with y.
    """
    k2, k1, k0, eps, inv_delta, omega, rate_w, alpha, e_l, inv_c = p
    x = (v - v_t) * inv_delta
    if eps <= 0.0 or x < 5.0:
        return -1.0, v, w
    mean = v + 0.5 / inv_delta
    r = k2 * mean * mean + k1 * mean + k0 + inv_c * (d0 - g0 * mean) - omega * w
    y = math.exp(-min(x, 700.0))
    y_end = math.exp(-min((limit - v_t) * inv_delta, 700.0))
    change = abs(r) + (abs(k1) + inv_c * abs(g0)) * (limit - v)
    if eps < 1e4 * change * y or y > 1e-4 * eps * inv_delta:
        return -1.0, v, w
    z = r * (y - y_end) / (eps + r * y_end)
    needed = (y - y_end) / (inv_delta * (eps + r * y_end)) * (1.0 - 0.5 * z)
    pace = rate_w * (alpha * (v + 1.0 / inv_delta - e_l) - w)
    if needed <= rest_ms:
        return max(needed, 0.0), limit, w + pace * needed
    left = y - rest_ms * inv_delta * (eps + r * (y - 0.5 * rest_ms * inv_delta * eps))
    return rest_ms, min(v_t - math.log(max(left, y_end)) / inv_delta, limit), w + pace * rest_ms


@inner()
def step_length(v, p, v_t, inv_delta, rest_ms, tol):
    """Longest step (ms) for which the term after the last one of ``p``, as extrapolated, is below ``tol``."""
    h = rest_ms
    last, before = abs(p[5]), abs(p[4])
    if last * last * h**7 > tol * before:
        h = min(h, (tol * before / (last * last)) ** (1.0 / 7.0))
    if last * h**6 > 500.0 * tol:
        h = min(h, (500.0 * tol / last) ** (1.0 / 6.0))
    pace = abs(p[0]) * inv_delta
    x = (v - v_t) * inv_delta
    if x + pace * h > -30.0:
        h = min(h, max(1.0, -30.0 - x) / max(pace, 1e-300))
    return max(h, 1e-13)


@inner()
def substep(x, c, kinds, i_na, j, t, rest_ms, v, w, tol):
    """Advance one neuron by at most ``rest_ms``: (time used, v, w, crossed the threshold)."""
    p = membrane(c, j)
    v_t, limit, inv_delta = c[V_T * TILE + j], c[V_SPIKE * TILE + j], c[INV_DELTA * TILE + j]
    g, d = drive_series(x, c, kinds, N_STATES, i_na, j, t)
    used, reached, w_reached = escape(v, w, p, v_t, limit, g[0], d[0], rest_ms)
    if used >= 0.0:
        return used, reached, w_reached, reached >= limit
    e = math.exp(min((v - v_t) * inv_delta, 700.0)) if inv_delta > 0.0 else 0.0
    a, b = full_series(v, w, e, p, g, d)
    h = step_length(v, a, v_t, inv_delta, rest_ms, tol)
    after = value(v, a, h)
    if after < limit and a[0] > 0.0 and v + a[0] * h >= limit and slope(a, h) < 0.0:
        top = summit(a, h)
        if value(v, a, top) >= limit:
            h, after = top, value(v, a, top)
    if after >= limit:
        h = crossing(v, a, h, limit)
        return h, limit, value(w, b, h), True
    return h, after, value(w, b, h), False


@inner()
def emit(i, offset, dt, out_index, out_offset, count):
    """Append a spike if there is room."""
    if count < out_index.size:
        out_index[count] = i
        out_offset[count] = min(max(offset, 1e-9 * dt), dt)
        return count + 1
    return count


@inner()
def wait(c, j, w, pause):
    """Adaptation after ``pause`` ms with the voltage held at the reset."""
    if c[RATE_W * TILE + j] == 0.0:
        return w
    rest = c[ALPHA * TILE + j] * (c[V_RESET * TILE + j] - c[E_L * TILE + j])
    return rest + (w - rest) * math.exp(-c[RATE_W * TILE + j] * pause)


@inner()
def remaining(x, pause):
    """Refractory time left, without the residue that rounding leaves at its end."""
    return pause if pause > residue_of(x) else 0.0


@inner()
def redo(j, i, x, c, kinds, s, dt, tol, out_index, out_offset, count):
    """Advance cell ``j`` of a tile by ``dt`` again, with refractoriness, sub-steps and crossings; it spikes as ``i``."""
    v, w, pause = float(s[OLD_V * TILE + j]), float(s[OLD_W * TILE + j]), float(x[REF * TILE + j])
    i_na, t, spikes = float(s[INJECTED * TILE + j]), 0.0, 0
    for _ in range(MAX_SUBSTEPS):
        rest_ms = dt - t
        if rest_ms <= 1e-12 * dt or spikes == MAX_SPIKES:
            break
        if pause > 0.0:
            span = min(pause, rest_ms)
            v, w = float(c[V_RESET * TILE + j]), wait(c, j, w, span)
            t, pause = t + span, remaining(x, pause - span)
            continue
        crossed = v >= c[V_SPIKE * TILE + j]
        if not crossed:
            used, v, w, crossed = substep(x, c, kinds, i_na, j, t, rest_ms, v, w, tol)
            t += used
        if crossed:
            count = emit(i, t, dt, out_index, out_offset, count)
            v, w, pause = float(c[V_RESET * TILE + j]), w + c[JUMP_W * TILE + j], float(c[TAU_REF * TILE + j])
            spikes += 1
    x[V * TILE + j], x[W * TILE + j], x[REF * TILE + j] = v, w, pause
    return count


@inner()
def redo_tile(x, c, kinds, s, flags, size, start, dt, tol, out_index, out_offset, count):
    """Do the marked cells of a tile again; the first one is cell ``start`` of the part."""
    words = flags.view(np.uint64)
    for q in range(0, (size + 7) // 8, 4):
        if (words[q] | words[q + 1] | words[q + 2] | words[q + 3]) == 0:
            continue
        for j in range(8 * q, min(8 * q + 32, size)):
            if flags[j] == 0:
                continue
            if x[REF * TILE + j] >= dt:
                x[V * TILE + j], x[W * TILE + j] = c[V_RESET * TILE + j], wait(c, j, s[OLD_W * TILE + j], dt)
                x[REF * TILE + j] = remaining(x, x[REF * TILE + j] - dt)
            else:
                count = redo(j, start + j, x, c, kinds, s, dt, tol, out_index, out_offset, count)
    return count


@inner(separate=True)
def jump_tile(x, c, s, flags, size, start, dt, out_index, out_offset, count):
    """Voltage jumps (``s[SUM]``) at the end of the step, and the spikes they cause; lost on refractory cells."""
    zero = x.dtype.type(0)
    for j in range(np.uint64(size)):
        waiting = x[REF * TILE + j] > zero
        v = x[V * TILE + j] + (zero if waiting else s[SUM * TILE + j])
        x[V * TILE + j] = v
        s[SUM * TILE + j] = v - c[V_SPIKE * TILE + j]
    mark(s, flags, size)
    words = flags.view(np.uint64)
    for q in range((size + 7) // 8):
        if words[q] == 0:
            continue
        for j in range(8 * q, min(8 * q + 8, size)):
            if flags[j] != 0 and x[REF * TILE + j] <= zero:
                count = emit(start + j, dt, dt, out_index, out_offset, count)
                x[V * TILE + j] = c[V_RESET * TILE + j]
                x[W * TILE + j] += c[JUMP_W * TILE + j]
                x[REF * TILE + j] = c[TAU_REF * TILE + j]
    return count
