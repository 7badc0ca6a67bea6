"""Cells that a step of a whole tile cannot do, one by one: refractory, crossing, or in need of shorter steps.

They start again from where the step began, with their own sub-steps, and locate every crossing of
the threshold inside the step. LIF neurons have functions of their own: without exponential and
adaptation they need a fraction of the work, and they are most of what is simulated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim._jit import inner
from neurosim.models._membrane import (
    ALPHA,
    E_L,
    INV_C,
    INV_DELTA,
    JUMP_W,
    K0,
    K1,
    N_STATES,
    RATE_W,
    REF,
    TAU_REF,
    UNIFORM,
    V_RESET,
    V_SPIKE,
    V_T,
    V,
    W,
    mark,
    membrane,
    residue_of,
)  # fmt: skip
from neurosim.models._receptors import drive_series
from neurosim.models._series import crossing, full_series, leaky_series, slope, summit, value
from neurosim.models._tile import CUT_SHORT, INJECTED, OLD_V, OLD_W, SUM, TILE

#: Spikes of one cell, and steps it is cut into, in one time step; it is not followed further, which is counted.
MAX_SPIKES = 16
MAX_SUBSTEPS = 20000


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
def truncated(p, rest_ms, tol):
    """Longest step (ms) for which the term after the last one of ``p``, as extrapolated, is below ``tol``."""
    h, last, before = rest_ms, abs(p[5]), abs(p[4])
    if last * last * h**7 > tol * before:
        h = min(h, (tol * before / (last * last)) ** (1.0 / 7.0))
    if last * h**6 > 500.0 * tol:
        h = min(h, (500.0 * tol / last) ** (1.0 / 6.0))
    return max(h, 1e-13)


@inner()
def step_length(v, p, v_t, inv_delta, rest_ms, tol):
    """The same for membranes with an exponential: not far into where it grows."""
    h = truncated(p, rest_ms, tol)
    pace = abs(p[0]) * inv_delta
    x = (v - v_t) * inv_delta
    if x + pace * h > -30.0:
        h = min(h, max(1.0, -30.0 - x) / max(pace, 1e-300))
    return max(h, 1e-13)


@inner()
def reached(v, p, h, limit):
    """Follow the polynomial for ``h`` ms or to its first crossing: (time used, v, crossed the threshold)."""
    after = value(v, p, h)
    if after < limit and p[0] > 0.0 and v + p[0] * h >= limit and slope(p, h) < 0.0:
        top = summit(p, h)
        if value(v, p, top) >= limit:
            h, after = top, value(v, p, top)
    if after >= limit:
        return crossing(v, p, h, after, limit), limit, True
    return h, after, False


@inner()
def substep_leaky(x, c, kinds, i_na, j, k, t, rest_ms, v, w, limit, tol):
    """Advance one LIF neuron by at most ``rest_ms``: (time used, v, ``w`` as it was, crossed the threshold)."""
    g, d = drive_series(x, c, kinds, N_STATES, i_na, j, k, t)
    k1, k0, inv_c = float(c[K1 * TILE + k]), float(c[K0 * TILE + k]), float(c[INV_C * TILE + k])
    p = leaky_series(v, k1, k0, inv_c, g, d, (1.0 / 2.0, 1.0 / 3.0, 1.0 / 4.0, 1.0 / 5.0, 1.0 / 6.0))
    used, v_end, crossed = reached(v, p, truncated(p, rest_ms, tol), limit)
    return used, v_end, w, crossed


@inner()
def substep_adaptive(x, c, kinds, i_na, j, k, t, rest_ms, v, w, limit, tol):
    """Advance one neuron with exponential or adaptation by at most ``rest_ms``: (time used, v, w, crossed the threshold)."""
    p = membrane(c, k)
    v_t, inv_delta = c[V_T * TILE + k], c[INV_DELTA * TILE + k]
    g, d = drive_series(x, c, kinds, N_STATES, i_na, j, k, t)
    used, v_end, w_end = escape(v, w, p, v_t, limit, g[0], d[0], rest_ms)
    if used >= 0.0:
        return used, v_end, w_end, v_end >= limit
    e = math.exp(min((v - v_t) * inv_delta, 700.0)) if inv_delta > 0.0 else 0.0
    a, b = full_series(v, w, e, p, g, d)
    used, v_end, crossed = reached(v, a, step_length(v, a, v_t, inv_delta, rest_ms, tol), limit)
    return used, v_end, value(w, b, used), crossed


@inner()
def emit(i, offset, dt, out_index, out_offset, count):
    """Append a spike if there is room."""
    if count < out_index.size:
        out_index[count] = i
        out_offset[count] = min(max(offset, 1e-9 * dt), dt)
        return count + 1
    return count


@inner()
def wait(c, k, w, pause):
    """Adaptation after ``pause`` ms with the voltage held at the reset."""
    if c[RATE_W * TILE + k] == 0.0:
        return w
    rest = c[ALPHA * TILE + k] * (c[V_RESET * TILE + k] - c[E_L * TILE + k])
    return rest + (w - rest) * math.exp(-c[RATE_W * TILE + k] * pause)


@inner()
def remaining(x, pause):
    """Refractory time left, without the residue that rounding leaves at its end."""
    return pause if pause > residue_of(x) else 0.0


def _redoing(substep: Any, *, adapts: bool) -> Any:
    """The function that does a cell again in steps of ``substep``; ``adapts``: whether the cells have an adaptation."""

    @inner()
    def redo(j, i, x, c, kinds, s, dt, tol, out_index, out_offset, count):
        """Advance cell ``j`` of a tile by ``dt`` again, with refractoriness, sub-steps and crossings; it spikes as ``i``."""
        k = 0 if c[UNIFORM * TILE] != 0 else j  # the coefficients of the first cell are at hand, others may not be
        v, w, pause = float(s[OLD_V * TILE + j]), float(s[OLD_W * TILE + j]) if adapts else 0.0, float(x[REF * TILE + j])
        limit, v_reset, i_na = float(c[V_SPIKE * TILE + k]), float(c[V_RESET * TILE + k]), float(s[INJECTED * TILE + j])
        t, spikes = 0.0, 0
        rest_ms = dt
        for _ in range(MAX_SUBSTEPS):
            rest_ms = dt - t
            if rest_ms <= 1e-12 * dt or spikes == MAX_SPIKES:
                break
            if pause > 0.0:
                span = min(pause, rest_ms)
                v, t, pause = v_reset, t + span, remaining(x, pause - span)
                if adapts:
                    w = wait(c, k, w, span)
                continue
            crossed = v >= limit
            if not crossed:
                used, v, w, crossed = substep(x, c, kinds, i_na, j, k, t, rest_ms, v, w, limit, tol)
                t += used
            if crossed:
                count = emit(i, t, dt, out_index, out_offset, count)
                v, pause = v_reset, float(c[TAU_REF * TILE + k])
                if adapts:
                    w += c[JUMP_W * TILE + k]
                spikes += 1
        if rest_ms > 1e-12 * dt:
            s[CUT_SHORT * TILE] += 1
        x[V * TILE + j], x[REF * TILE + j] = v, pause
        if adapts:
            x[W * TILE + j] = w
        return count

    return redo


@inner()
def fire(j, i, x, c, kinds, s, dt, tol, out_index, out_offset, count):
    """Let cell ``j`` of a tile spike as ``i`` at the end of the step, unless it is refractory."""
    if x[REF * TILE + j] <= 0:
        count = emit(i, dt, dt, out_index, out_offset, count)
        x[V * TILE + j] = c[V_RESET * TILE + j]
        x[W * TILE + j] += c[JUMP_W * TILE + j]
        x[REF * TILE + j] = c[TAU_REF * TILE + j]
    return count


def _over_marked(act: Any) -> Any:
    """The loop that calls ``act`` for the marked cells of a tile."""

    @inner()
    def over_tile(x, c, kinds, s, flags, size, start, dt, tol, out_index, out_offset, count):
        """Go through the marked cells of a tile; the first one is cell ``start`` of the part."""
        words = flags.view(np.uint64)
        for q in range((size + 7) // 8):
            if words[q] == 0:
                continue
            for j in range(8 * q, min(8 * q + 8, size)):
                if flags[j] != 0:
                    count = act(j, start + j, x, c, kinds, s, dt, tol, out_index, out_offset, count)
        return count

    return over_tile


redo_leaky_tile = _over_marked(_redoing(substep_leaky, adapts=False))
redo_adaptive_tile = _over_marked(_redoing(substep_adaptive, adapts=True))
fire_tile = _over_marked(fire)


@inner(separate=True)
def jump_tile(x, c, kinds, s, flags, size, start, dt, out_index, out_offset, count):
    """Voltage jumps (``s[SUM]``) at the end of the step, and the spikes they cause; lost on refractory cells."""
    zero = x.dtype.type(0)
    for j in range(np.uint64(size)):
        waiting = x[REF * TILE + j] > zero
        v = x[V * TILE + j] + (zero if waiting else s[SUM * TILE + j])
        x[V * TILE + j] = v
        s[SUM * TILE + j] = v - c[V_SPIKE * TILE + j]
    if mark(s, flags, size):
        count = fire_tile(x, c, kinds, s, flags, size, start, dt, 0.0, out_index, out_offset, count)
    return count
