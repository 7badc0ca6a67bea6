"""Hodgkin-Huxley membrane of the Traub and Miles kind, by an adaptive Runge-Kutta pair.

Dormand and Prince's method of order 5(4); the step found good is kept per neuron. A spike is an
upward crossing of ``threshold_mv``, located in the cubic through both ends of a sub-step.
"""

from __future__ import annotations

import math

from neurosim._jit import inner
from neurosim.models._receptors import drive_at
from neurosim.models._redo import emit
from neurosim.models._tile import SUM, TILE

INV_C, G_NA, G_K, G_LEAK, V_OFFSET, E_NA, E_K, E_LEAK, I_OFFSET, V_SPIKE = range(10)
V, M, REF, H, N, LENGTH = range(6)
N_STATES = 6
MAX_SUBSTEPS = 2000


@inner()
def linoid(x, width):
    """Value of x / (exp(x / width) - 1), with its limit at 0."""
    if abs(x) < 1e-6 * width:
        return width - 0.5 * x
    return x / math.expm1(x / width)


@inner()
def rates(u):
    """Opening and closing rates (1/ms) of m, h and n at ``u`` mV above the offset."""
    opening = (0.32 * linoid(13.0 - u, 4.0), 0.128 * math.exp((17.0 - u) / 18.0), 0.032 * linoid(15.0 - u, 5.0))
    closing = (0.28 * linoid(u - 40.0, 5.0), 4.0 / (1.0 + math.exp((40.0 - u) / 5.0)), 0.5 * math.exp((10.0 - u) / 40.0))
    return opening, closing


@inner()
def flow(y, x, c, kinds, i_na, j, t):
    """Time derivative of (v, m, h, n)."""
    v, m, h, n = y
    conductance, drive = drive_at(x, c, kinds, N_STATES, i_na, j, t)
    up, down = rates(v - c[V_OFFSET * TILE + j])
    current = c[G_LEAK * TILE + j] * (c[E_LEAK * TILE + j] - v) + c[I_OFFSET * TILE + j] + drive - conductance * v
    current += c[G_NA * TILE + j] * m * m * m * h * (c[E_NA * TILE + j] - v) + c[G_K * TILE + j] * n * n * n * n * (c[E_K * TILE + j] - v)
    gates = (up[0] * (1.0 - m) - down[0] * m, up[1] * (1.0 - h) - down[1] * h, up[2] * (1.0 - n) - down[2] * n)
    return (c[INV_C * TILE + j] * current,) + gates


@inner()
def mix(y, h, a, b, c, d, e, f, k1, k2, k3, k4, k5, k6):
    """State y + h (a k1 + b k2 + ... + f k6)."""
    return (
        y[0] + h * (a * k1[0] + b * k2[0] + c * k3[0] + d * k4[0] + e * k5[0] + f * k6[0]),
        y[1] + h * (a * k1[1] + b * k2[1] + c * k3[1] + d * k4[1] + e * k5[1] + f * k6[1]),
        y[2] + h * (a * k1[2] + b * k2[2] + c * k3[2] + d * k4[2] + e * k5[2] + f * k6[2]),
        y[3] + h * (a * k1[3] + b * k2[3] + c * k3[3] + d * k4[3] + e * k5[3] + f * k6[3]),
    )


@inner()
def trial(y, k, t, h, x, c, kinds, i_na, j):
    """One step of Dormand and Prince's pair: (new y, its slope, error relative to 1 mV and 1)."""
    o = (0.0, 0.0, 0.0, 0.0)
    z = mix(y, h, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, k, o, o, o, o, o)
    k2 = flow(z, x, c, kinds, i_na, j, t + 0.2 * h)
    z = mix(y, h, 3 / 40, 9 / 40, 0.0, 0.0, 0.0, 0.0, k, k2, o, o, o, o)
    k3 = flow(z, x, c, kinds, i_na, j, t + 0.3 * h)
    z = mix(y, h, 44 / 45, -56 / 15, 32 / 9, 0.0, 0.0, 0.0, k, k2, k3, o, o, o)
    k4 = flow(z, x, c, kinds, i_na, j, t + 0.8 * h)
    z = mix(y, h, 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0.0, 0.0, k, k2, k3, k4, o, o)
    k5 = flow(z, x, c, kinds, i_na, j, t + 8 / 9 * h)
    z = mix(y, h, 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0.0, k, k2, k3, k4, k5, o)
    k6 = flow(z, x, c, kinds, i_na, j, t + h)
    y5 = mix(y, h, 35 / 384, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0, k, k3, k4, k5, k6, o)
    k7 = flow(y5, x, c, kinds, i_na, j, t + h)
    gap = mix(o, h, 71 / 57600, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40, k, k3, k4, k5, k6, k7)
    error = max(max(abs(gap[0]), abs(gap[1])), max(abs(gap[2]), abs(gap[3])))
    return y5, k7, error


@inner()
def cubic_crossing(v0, s0, v1, s1, h, target):
    """Time in (0, h] at which the cubic through both ends reaches ``target``."""
    low, high = 0.0, 1.0
    for _ in range(50):
        x = 0.5 * (low + high)
        y = 1.0 - x
        if y * y * ((1.0 + 2.0 * x) * v0 + x * h * s0) + x * x * ((1.0 + 2.0 * y) * v1 - y * h * s1) >= target:
            high = x
        else:
            low = x
    return h * high


@inner()
def advance_one(j, i, x, c, kinds, i_na, dt, tol, out_index, out_offset, count):
    """Advance cell ``j`` of a tile by ``dt``; it spikes as ``i``."""
    y = (float(x[V * TILE + j]), float(x[M * TILE + j]), float(x[H * TILE + j]), float(x[N * TILE + j]))
    t, length = 0.0, float(x[LENGTH * TILE + j])
    k = flow(y, x, c, kinds, i_na, j, t)
    for _ in range(MAX_SUBSTEPS):
        rest_ms = dt - t
        if rest_ms <= 1e-12 * dt:
            break
        h = min(length, rest_ms)
        z, slope, error = trial(y, k, t, h, x, c, kinds, i_na, j)
        good = error <= tol or h <= 1e-7
        growth = 0.9 * (tol / max(error, 1e-300)) ** 0.2
        if not good or h == length or growth < 1.0:
            length = min(max(h * min(max(growth, 0.2), 5.0), 1e-7), 1.0)
        if good:
            limit = c[V_SPIKE * TILE + j]
            if y[0] < limit <= z[0]:
                count = emit(i, t + cubic_crossing(y[0], k[0], z[0], slope[0], h, limit), dt, out_index, out_offset, count)
            y, k, t = z, slope, t + h
    x[V * TILE + j], x[M * TILE + j], x[H * TILE + j], x[N * TILE + j] = y
    x[LENGTH * TILE + j] = length
    return count


@inner()
def jump_excitable(x, c, s, size, start, dt, out_index, out_offset, count):
    """Voltage jumps (``s[SUM]``); an upward crossing is a spike at the step's end."""
    for j in range(size):
        before = x[V * TILE + j]
        x[V * TILE + j] += s[SUM * TILE + j]
        if before < c[V_SPIKE * TILE + j] <= x[V * TILE + j]:
            count = emit(start + j, dt, dt, out_index, out_offset, count)
    return count
