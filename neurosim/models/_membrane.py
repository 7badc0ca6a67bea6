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
from numba import njit

from neurosim.models._receptors import block_drive, drive_series, linear_drive
from neurosim.models._series import crossing, full_series, leaky_series, slope, summit, value

K2, K1, K0, EPS, V_T, INV_DELTA, OMEGA, RATE_W, ALPHA, E_L, INV_C, V_SPIKE, V_RESET, JUMP_W, TAU_REF, PROP, CONST, PER_NA = range(18)
V, W, REF, FLAG, OLD_V, OLD_W, GAIN, SUM = range(8)
SOURCES = 7
N_LINEAR = 8
N_SERIES = SOURCES + 12
MAX_SPIKES = 8
MAX_SUBSTEPS = 20000
_FLAGS = {"cache": True, "error_model": "numpy"}


@njit(**_FLAGS)
def linear_block(state, coeff, kinds, g, i_inj, start, size, dt):
    """Exact step of current-based LIF neurons."""
    first, last = np.uint64(start), np.uint64(start + size)
    linear_drive(coeff, kinds, g, i_inj, start, size, state[GAIN], state[SUM])
    h = state.dtype.type(dt)
    for i in range(first, last):
        j = i - first
        v = state[V, i]
        rise = h * (coeff[K1, i] * v + coeff[K0, i] + coeff[INV_C, i] * state[SUM, j])
        after = coeff[PROP, i] * v + coeff[CONST, i] + coeff[PER_NA, i] * i_inj[i] + state[GAIN, j]
        limit = coeff[V_SPIKE, i]
        state[OLD_V, j] = v
        state[OLD_W, j] = 0
        state[V, i] = after
        state[FLAG, j] = (after >= limit) | (v >= limit) | (v + rise >= limit) | (state[REF, i] > 0)


@njit(**_FLAGS)
def leaky_block(state, coeff, kinds, g, i_inj, start, size, dt, tol):
    """One Taylor step of LIF neurons with conductances."""
    first, last = np.uint64(start), np.uint64(start + size)
    block_drive(coeff, kinds, g, i_inj, start, size, state[SOURCES:])
    s = state[SOURCES:]
    h6 = dt**6
    for i in range(first, last):
        j = i - first
        v = state[V, i]
        c = (s[0, j], s[1, j], s[2, j], s[3, j], s[4, j], s[5, j])
        d = (s[6, j], s[7, j], s[8, j], s[9, j], s[10, j], s[11, j])
        p = leaky_series(v, coeff[K1, i], coeff[K0, i], coeff[INV_C, i], c, d)
        after = value(v, p, dt)
        limit = coeff[V_SPIKE, i]
        state[OLD_V, j] = v
        state[OLD_W, j] = 0
        state[V, i] = after
        bad = (after >= limit) | (v >= limit) | (v + dt * p[0] >= limit) | (state[REF, i] > 0)
        state[FLAG, j] = bad | (abs(p[5]) * h6 > tol)


@njit(**_FLAGS)
def adaptive_block(state, coeff, kinds, g, i_inj, start, size, dt, loose, tol):
    """One Taylor step of neurons with exponential or quadratic terms and adaptation.

    The last term must stay below ``loose``; where the exponential matters (from 3 delta below its
    threshold on) also the next one, extrapolated from the last two, below ``tol``.
    """
    first, last = np.uint64(start), np.uint64(start + size)
    block_drive(coeff, kinds, g, i_inj, start, size, state[SOURCES:])
    s = state[SOURCES:]
    h6 = dt**6
    for i in range(first, last):
        j = i - first
        state[GAIN, j] = math.exp((state[V, i] - coeff[V_T, i]) * coeff[INV_DELTA, i])
    for i in range(first, last):
        j = i - first
        v, w = state[V, i], state[W, i]
        c = (s[0, j], s[1, j], s[2, j], s[3, j], s[4, j], s[5, j])
        d = (s[6, j], s[7, j], s[8, j], s[9, j], s[10, j], s[11, j])
        p, q = full_series(v, w, state[GAIN, j], membrane(coeff, i), c, d)
        after = value(v, p, dt)
        limit, inv_delta = coeff[V_SPIKE, i], coeff[INV_DELTA, i]
        state[OLD_V, j] = v
        state[OLD_W, j] = w
        state[V, i] = after
        state[W, i] = value(w, q, dt)
        x = (max(v, after) - coeff[V_T, i]) * inv_delta
        calm = (x < -30.0) | (abs(after - v) * inv_delta <= 1.0)
        calm &= (x < -3.0) | (p[5] * p[5] * h6 * dt <= tol * abs(p[4])) | (inv_delta == 0.0)
        fine = (after < limit) & (v < limit) & (v + dt * p[0] < limit) & (state[REF, i] <= 0) & (abs(p[5]) * h6 <= loose)
        state[FLAG, j] = not (fine & calm)


@njit(forceinline=True, **_FLAGS)
def membrane(coeff, i):
    """Constants of :func:`full_series` for neuron ``i``."""
    first = (coeff[K2, i], coeff[K1, i], coeff[K0, i], coeff[EPS, i], coeff[INV_DELTA, i])
    return first + (coeff[OMEGA, i], coeff[RATE_W, i], coeff[ALPHA, i], coeff[E_L, i], coeff[INV_C, i])


@njit(**_FLAGS)
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


@njit(**_FLAGS)
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


@njit(**_FLAGS)
def substep(i, coeff, kinds, g, i_na, t, rest_ms, v, w, tol):
    """Advance one neuron by at most ``rest_ms``: (time used, v, w, crossed the threshold)."""
    p = membrane(coeff, i)
    v_t, limit, inv_delta = coeff[V_T, i], coeff[V_SPIKE, i], coeff[INV_DELTA, i]
    c, d = drive_series(coeff, kinds, g, i_na, i, t)
    used, reached, w_reached = escape(v, w, p, v_t, limit, c[0], d[0], rest_ms)
    if used >= 0.0:
        return used, reached, w_reached, reached >= limit
    e = math.exp(min((v - v_t) * inv_delta, 700.0)) if inv_delta > 0.0 else 0.0
    a, b = full_series(v, w, e, p, c, d)
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


@njit(**_FLAGS)
def emit(i, offset, dt, out_index, out_offset, count):
    """Append a spike if there is room."""
    if count < out_index.size:
        out_index[count] = i
        out_offset[count] = min(max(offset, 1e-9 * dt), dt)
        return count + 1
    return count


@njit(**_FLAGS)
def wait(coeff, i, w, pause):
    """Adaptation after ``pause`` ms with the voltage held at the reset."""
    if coeff[RATE_W, i] == 0.0:
        return w
    rest = coeff[ALPHA, i] * (coeff[V_RESET, i] - coeff[E_L, i])
    return rest + (w - rest) * math.exp(-coeff[RATE_W, i] * pause)


@njit(**_FLAGS)
def remaining(state, pause):
    """Refractory time left, without the residue that rounding leaves at its end."""
    residue = 1e-9 if state.itemsize == 8 else 1e-5
    return pause if pause > residue else 0.0


@njit(**_FLAGS)
def redo(i, v, w, state, coeff, kinds, g, i_na, dt, tol, out_index, out_offset, count):
    """Advance one neuron by ``dt`` from (v, w) with refractoriness, sub-steps and crossings."""
    v, w, pause, t, spikes = float(v), float(w), float(state[REF, i]), 0.0, 0
    for _ in range(MAX_SUBSTEPS):
        rest_ms = dt - t
        if rest_ms <= 1e-12 * dt or spikes == MAX_SPIKES:
            break
        if pause > 0.0:
            span = min(pause, rest_ms)
            v, w = float(coeff[V_RESET, i]), wait(coeff, i, w, span)
            t, pause = t + span, remaining(state, pause - span)
            continue
        crossed = v >= coeff[V_SPIKE, i]
        if not crossed:
            used, v, w, crossed = substep(i, coeff, kinds, g, i_na, t, rest_ms, v, w, tol)
            t += used
        if crossed:
            count = emit(i, t, dt, out_index, out_offset, count)
            v, w, pause, spikes = float(coeff[V_RESET, i]), w + coeff[JUMP_W, i], float(coeff[TAU_REF, i]), spikes + 1
    state[V, i], state[W, i], state[REF, i] = v, w, pause
    return count


@njit(**_FLAGS)
def redo_block(state, coeff, kinds, g, i_inj, start, size, dt, tol, out_index, out_offset, count):
    """Do the marked neurons of a block again."""
    for j in range(size):
        if state[FLAG, j] != 0:
            i = start + j
            if state[REF, i] >= dt:
                state[V, i], state[W, i] = coeff[V_RESET, i], wait(coeff, i, state[OLD_W, j], dt)
                state[REF, i] = remaining(state, state[REF, i] - dt)
                continue
            count = redo(i, state[OLD_V, j], state[OLD_W, j], state, coeff, kinds, g, i_inj[i], dt, tol, out_index, out_offset, count)
    return count


@njit(**_FLAGS)
def jump(state, coeff, kinds, inputs, dt, out_index, out_offset, count):
    """Voltage jumps of ``curr_delta`` inputs at the end of the step, and the spikes they cause."""
    for r in range(kinds.size):
        for i in range(np.uint64(inputs.shape[1])):
            if state[REF, i] <= 0:
                state[V, i] += inputs[r, i]
            inputs[r, i] = 0
    for i in range(np.uint64(inputs.shape[1])):
        if state[V, i] >= coeff[V_SPIKE, i] and state[REF, i] <= 0:
            count = emit(i, dt, dt, out_index, out_offset, count)
            state[V, i] = coeff[V_RESET, i]
            state[W, i] += coeff[JUMP_W, i]
            state[REF, i] = coeff[TAU_REF, i]
    return count
