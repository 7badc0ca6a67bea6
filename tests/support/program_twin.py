"""AdEx and Izhikevich neurons as programs once more, in Python's integers and as slowly as they read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tests.support.loihi_twin import decayed, wrap

TOP = 2**23 - 1


def whole(x, most=2**27):
    """Nearest whole number (of two equally near, the even one), clipped."""
    return max(-most, min(most, round(x)))


def clipped(x, top=TOP):
    return max(-top, min(top, x))


def shifted(x, n):
    return x << n if n >= 0 else x >> -n


def power_of_two(y):
    y = max(-17 * 4096, min(15 * 4096 - 1, y))
    n, f = y >> 12, y & 4095
    p = 14831 + (5130 * f >> 12)
    p = 45575 + (p * f >> 12)
    return shifted(65536 + (p * f >> 12), n)


def parts_of(dt):
    return max(1, int(np.ceil(dt / 0.1 - 1e-9)))


def constants(model, p, dt):
    """Constants of a program from the parameters of its model, as floats make them."""
    h, one = dt / parts_of(dt), 2.0**24
    uv, ui, uw = p["unit_v"], p["unit_i"], p["unit_w"]
    k = dict.fromkeys(("k2", "ke", "gain"), 0) | {"zero": 64 * 4096, "pause": 0}
    if model == "izhikevich_fixed":
        return k | {
            "k2": whole(0.04 * h * 4096 * uv * one),
            "k1": whole(5.0 * h * one),
            "k0": whole(h * (140.0 + 1e3 * p["i_offset"]) / uv * one, 2**50),
            "ki": whole(1e3 * h * ui / uv * one),
            "kw": whole(h * uw / uv * one),
            "ka": whole(h * p["a"] * p["b"] * uv / uw * one),
            "kd": whole(h * p["a"] * one),
            "limit": -int(-Fraction(30) / Fraction(uv)),
            "reset": whole(p["c"] / uv),
            "jump": whole(p["d"] / uw),
        }
    sharp, slope = p["delta_T"] > 0, p["delta_T"] or 1.0
    limit = p["v_spike"] if sharp else p["v_thresh"]
    k |= {
        "k1": whole(-h / p["tau_m"] * one),
        "k0": whole(h / p["cm"] * p["i_offset"] / uv * one, 2**50),
        "ki": whole(h / p["cm"] * ui / uv * one),
        "kw": whole(h / p["cm"] * uw / uv * one),
        "ka": whole(h / p["tau_w"] * 1e-3 * p["a"] * uv / uw * one),
        "kd": whole(h / p["tau_w"] * one),
        "limit": int(np.ceil(np.rint((limit - p["v_rest"]) / uv * 256) / 256)),
        "reset": whole((p["v_reset"] - p["v_rest"]) / uv),
        "jump": whole(p["b"] / uw),
        "pause": round(p["tau_refrac"] / h),
    }
    if sharp:
        per_level = 4096 / np.log(2.0) / slope
        k |= {"ke": whole(h / p["tau_m"] * slope / uv * 256, 2**23), "gain": whole(per_level * uv * one)}
        k |= {"zero": whole(per_level * (p["v_thresh"] - p["v_rest"]))}
    return k


def slopes(k, v, w, i):
    total = k["k2"] * (v * v >> 12) + k["k1"] * v + k["k0"]
    total += min(2**50, k["ke"] * power_of_two((k["gain"] * v >> 24) - k["zero"]))
    return total + k["ki"] * i - k["kw"] * w, k["ka"] * v - k["kd"] * w


def advance(k, n_parts, v, w, arrived, decay_u):
    """v, w and spikes of one cell, step by step, with one current; ``arrived`` is what comes in at each step."""
    u = pause = 0
    found = []
    for now in arrived:
        u = wrap(decayed(u, decay_u) + wrap(now, 24), 24)
        i, fired = clipped(u, 2**24 - 1), 0
        for _ in range(n_parts):
            total, rise = slopes(k, v, w, i)
            total, rise = slopes(k, clipped(v + (total + 2**24 >> 25)), clipped(w + (rise + 2**24 >> 25)), i)
            v, w = clipped(v + (total + 2**23 >> 24)), clipped(w + (rise + 2**23 >> 24))
            if pause:
                v, pause = k["reset"], pause - 1
            elif v >= k["limit"]:
                v = k["limit"]
                if not fired:
                    v, w, pause, fired = k["reset"], clipped(w + k["jump"]), k["pause"], 1
        found.append((v, w, fired))
    return np.array(found).T
