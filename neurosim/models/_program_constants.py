"""Constants of neurons as programs (:mod:`neurosim.models._programs`) from the parameters of the models they stand for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.models import _programs as prog

Array = NDArray[np.float64]
Values = Mapping[str, Any]

#: Longest part of a step, ms: rates of AdEx neurons are then right to one per cent, of Izhikevich neurons to three.
PART_MS = 0.1
#: Least slope of the exponential, mV, for which its argument still has 12 bits after the point.
SHARPEST_MV = 0.2
#: Constants are in 2^-24; their own bits, those of what stands alone, and of what multiplies the exponential.
_ONE, _BITS, _BITS_ALONE, _BITS_POWER = 2.0**24, 2.0**27, 2.0**50, 2.0**23
_LEVELS = 4096.0
#: Level of y that is never reached: no exponential.
_NEVER = 64.0 * 4096.0
_IZHIKEVICH_PEAK_MV = 30.0


def n_parts(dt_ms: float) -> int:
    """Parts of a step of ``dt_ms``."""
    return max(1, math.ceil(dt_ms / PART_MS - 1e-9))


def _whole(values: Any, most: float = _BITS) -> Array:
    return np.clip(np.rint(np.asarray(values, np.float64)), -most, most)


def _fill_common(out: Array, p: Values, dt_ms: float, jump: Any, limit_mv: Any, reset_mv: Any, zero_mv: Any) -> None:
    unit_v, unit_w = p["unit_v"], p["unit_w"]
    out[prog.UNIT_V], out[prog.PER_MV], out[prog.ZERO_V], out[prog.UNIT_W] = unit_v, 1.0 / unit_v, zero_mv, unit_w
    out[prog.PER_NA], out[prog.PARTS] = 1.0 / p["unit_i"], n_parts(dt_ms)
    out[prog.LIMIT] = np.ceil(np.rint((limit_mv - zero_mv) / unit_v * 256.0) / 256.0)
    out[prog.RESET] = _whole((reset_mv - zero_mv) / unit_v)
    out[prog.JUMP] = _whole(jump / unit_w)


def fill_adex(out: Array, p: Values, dt_ms: float) -> None:
    """Constants of AdEx neurons; v counts from ``v_rest``, w and currents are in nA."""
    h, sharp = dt_ms / n_parts(dt_ms), p["delta_T"] > 0.0
    limit = np.where(sharp, p["v_spike"], p["v_thresh"])
    _fill_common(out, p, dt_ms, p["b"], limit, p["v_reset"], p["v_rest"])
    slope = np.where(sharp, p["delta_T"], 1.0)
    out[prog.K1] = _whole(-h / p["tau_m"] * _ONE)
    out[prog.K0] = _whole(h / p["cm"] * p["i_offset"] / p["unit_v"] * _ONE, _BITS_ALONE)
    out[prog.KE] = np.where(sharp, _whole(h / p["tau_m"] * slope / p["unit_v"] * 2.0**8, _BITS_POWER), 0.0)
    out[prog.KI] = _whole(h / p["cm"] * p["unit_i"] / p["unit_v"] * _ONE)
    out[prog.KW] = _whole(h / p["cm"] * p["unit_w"] / p["unit_v"] * _ONE)
    out[prog.KA] = _whole(h / p["tau_w"] * 1e-3 * p["a"] * p["unit_v"] / p["unit_w"] * _ONE)
    out[prog.KD] = _whole(h / p["tau_w"] * _ONE)
    per_level = _LEVELS / math.log(2.0) / slope
    out[prog.Y_GAIN] = np.where(sharp, _whole(per_level * p["unit_v"] * _ONE), 0.0)
    out[prog.Y_ZERO] = np.where(sharp, _whole(per_level * (p["v_thresh"] - p["v_rest"])), _NEVER)
    out[prog.PAUSE] = np.rint(p["tau_refrac"] / h)


def fill_izhikevich(out: Array, p: Values, dt_ms: float) -> None:
    """Constants of Izhikevich neurons; v counts from 0 mV, u (in the place of w) is in mV/ms, currents act on 1 pF."""
    h = dt_ms / n_parts(dt_ms)
    _fill_common(out, p, dt_ms, p["d"], _IZHIKEVICH_PEAK_MV, p["c"], 0.0)
    out[prog.K2] = _whole(0.04 * h * _LEVELS * p["unit_v"] * _ONE)
    out[prog.K1] = _whole(5.0 * h * _ONE)
    out[prog.K0] = _whole(h * (140.0 + 1e3 * p["i_offset"]) / p["unit_v"] * _ONE, _BITS_ALONE)
    out[prog.KI] = _whole(1e3 * h * p["unit_i"] / p["unit_v"] * _ONE)
    out[prog.KW] = _whole(h * p["unit_w"] / p["unit_v"] * _ONE)
    out[prog.KA] = _whole(h * p["a"] * p["b"] * p["unit_v"] / p["unit_w"] * _ONE)
    out[prog.KD] = _whole(h * p["a"] * _ONE)
    out[prog.Y_ZERO] = _NEVER
