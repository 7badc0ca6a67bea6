"""Taylor series in time of the membrane equations, and roots of the resulting polynomials.

The right-hand sides are built from products, one exponential and linear terms, so every Taylor
coefficient follows from the lower ones by a recurrence. One step of order 6 costs about 150
multiplications, needs no intermediate stages, and its polynomial is the dense output in which the
threshold crossing is located.
"""

from __future__ import annotations

from neurosim._jit import inner


@inner(forceinline=True)
def leaky_series(v, k1, k0, inv_c, c, d, parts):
    """Coefficients 1..6 of v' = k1 v + k0 + inv_c (D(t) - G(t) v); ``c``, ``d``: those of G and D.

    ``parts`` are 1/2 to 1/6 in the precision of the rest: a number of double precision among
    single ones would make all of them double.
    """
    a = k1 - inv_c * c[0]
    b1, b2, b3, b4, b5 = inv_c * c[1], inv_c * c[2], inv_c * c[3], inv_c * c[4], inv_c * c[5]
    v1 = a * v + k0 + inv_c * d[0]
    v2 = (a * v1 - b1 * v + inv_c * d[1]) * parts[0]
    v3 = (a * v2 - b1 * v1 - b2 * v + inv_c * d[2]) * parts[1]
    v4 = (a * v3 - b1 * v2 - b2 * v1 - b3 * v + inv_c * d[3]) * parts[2]
    v5 = (a * v4 - b1 * v3 - b2 * v2 - b3 * v1 - b4 * v + inv_c * d[4]) * parts[3]
    v6 = (a * v5 - b1 * v4 - b2 * v3 - b3 * v2 - b4 * v1 - b5 * v + inv_c * d[5]) * parts[4]
    return v1, v2, v3, v4, v5, v6


@inner(forceinline=True)
def full_series(v, w, e, p, c, d):
    """Coefficients 1..6 of v and of w for the quadratic-exponential membrane with adaptation.

    v' = k2 v^2 + k1 v + k0 + eps e + inv_c (D(t) - G(t) v) - omega w
    w' = rate_w (alpha (v - e_l) - w),  e = exp((v - v_t) inv_delta)

    ``p`` is (k2, k1, k0, eps, inv_delta, omega, rate_w, alpha, e_l, inv_c).
    """
    k2, k1, k0, eps, inv_delta, omega, rate, alpha, e_l, inv_c = p
    a = k1 - inv_c * c[0]
    b1, b2, b3, b4, b5 = inv_c * c[1], inv_c * c[2], inv_c * c[3], inv_c * c[4], inv_c * c[5]
    v1 = k2 * v * v + a * v + k0 + eps * e + inv_c * d[0] - omega * w
    w1 = rate * (alpha * (v - e_l) - w)
    e1 = inv_delta * v1 * e
    v2 = (2.0 * k2 * v * v1 + a * v1 - b1 * v + eps * e1 + inv_c * d[1] - omega * w1) * 0.5
    w2 = rate * (alpha * v1 - w1) * 0.5
    e2 = inv_delta * (2.0 * v2 * e + v1 * e1) * 0.5
    v3 = (k2 * (2.0 * v * v2 + v1 * v1) + a * v2 - b1 * v1 - b2 * v + eps * e2 + inv_c * d[2] - omega * w2) * (1.0 / 3.0)
    w3 = rate * (alpha * v2 - w2) * (1.0 / 3.0)
    e3 = inv_delta * (3.0 * v3 * e + 2.0 * v2 * e1 + v1 * e2) * (1.0 / 3.0)
    q3 = 2.0 * k2 * (v * v3 + v1 * v2)
    v4 = (q3 + a * v3 - b1 * v2 - b2 * v1 - b3 * v + eps * e3 + inv_c * d[3] - omega * w3) * 0.25
    w4 = rate * (alpha * v3 - w3) * 0.25
    e4 = inv_delta * (4.0 * v4 * e + 3.0 * v3 * e1 + 2.0 * v2 * e2 + v1 * e3) * 0.25
    q4 = k2 * (2.0 * (v * v4 + v1 * v3) + v2 * v2)
    v5 = (q4 + a * v4 - b1 * v3 - b2 * v2 - b3 * v1 - b4 * v + eps * e4 + inv_c * d[4] - omega * w4) * 0.2
    w5 = rate * (alpha * v4 - w4) * 0.2
    e5 = inv_delta * (5.0 * v5 * e + 4.0 * v4 * e1 + 3.0 * v3 * e2 + 2.0 * v2 * e3 + v1 * e4) * 0.2
    q5 = 2.0 * k2 * (v * v5 + v1 * v4 + v2 * v3)
    v6 = (q5 + a * v5 - b1 * v4 - b2 * v3 - b3 * v2 - b4 * v1 - b5 * v + eps * e5 + inv_c * d[5] - omega * w5) * (1.0 / 6.0)
    w6 = rate * (alpha * v5 - w5) * (1.0 / 6.0)
    return (v1, v2, v3, v4, v5, v6), (w1, w2, w3, w4, w5, w6)


@inner(forceinline=True)
def value(v, c, s):
    """Polynomial v + c1 s + ... + c6 s^6."""
    return v + s * (c[0] + s * (c[1] + s * (c[2] + s * (c[3] + s * (c[4] + s * c[5])))))


@inner(forceinline=True)
def slope(c, s):
    """Derivative of :func:`value`."""
    return c[0] + s * (2.0 * c[1] + s * (3.0 * c[2] + s * (4.0 * c[3] + s * (5.0 * c[4] + s * 6.0 * c[5]))))


@inner()
def crossing(v, c, h, after, target):
    """Time in (0, h] at which the polynomial reaches ``target``; value(0) < target <= value(h) = ``after``.

    Newton's method, kept inside the interval, from the point where the secant reaches it. The
    error of each step is about the square of the one before: after one below 1e-5 h it is below 1e-10 h.
    """
    low, high = 0.0, h
    s = h * (target - v) / (after - v)
    for _ in range(60):
        excess = value(v, c, s) - target
        if excess >= 0.0:
            high = s
        else:
            low = s
        step = s - excess / slope(c, s)
        following = step if low < step < high else 0.5 * (low + high)
        if abs(following - s) <= 1e-5 * h or high - low <= 1e-15 * h:
            return following
        s = following
    return s


@inner()
def summit(c, h):
    """Time in (0, h) of a local maximum; the slope is positive at 0 and negative at ``h``."""
    low, high = 0.0, h
    for _ in range(50):
        middle = 0.5 * (low + high)
        if slope(c, middle) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
