"""Arrays that the kernels work on: which kernel, its coefficients and its initial state.

Everything a kernel would otherwise compute per step and neuron (decay factors, propagators) is
computed here once, in float64, with formulas that stay exact when time constants coincide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from neurosim.errors import UnknownNameError, UnsupportedError
from neurosim.models import _fixed as fix
from neurosim.models import _hodgkin_huxley as hh
from neurosim.models import _membrane as mem
from neurosim.models import _program_constants as programs
from neurosim.models import _receptors as rec
from neurosim.models._tile import TILE
from neurosim.models.kernels import (
    K_ADEX,
    K_ADEX_FIXED,
    K_HH,
    K_IZHIKEVICH,
    K_IZHIKEVICH_FIXED,
    K_LIF,
    K_LIF_FIXED,
    K_LIF_LINEAR,
)

Array = NDArray[np.float64]
Values = Mapping[str, Any]

RECEPTOR_KINDS: dict[str, int] = {
    "curr_exp": rec.CURR_EXP,
    "curr_alpha": rec.CURR_ALPHA,
    "curr_delta": rec.CURR_DELTA,
    "cond_exp": rec.COND_EXP,
    "cond_alpha": rec.COND_ALPHA,
    "cond_beta": rec.COND_BETA,
    "fixed": rec.FIXED,
    "fixed_joined": rec.FIXED_JOINED,
}
#: Variables of a membrane that can be set and read, and the row of the state that holds each, by model.
STATE_ROWS = {
    "lif": {"v": mem.V},
    "adex": {"v": mem.V, "w": mem.W},
    "izhikevich": {"v": mem.V, "u": mem.W},
    "hh": {"v": hh.V, "m": hh.M, "h": hh.H, "n": hh.N},
    "lif_fixed": {"v": fix.V, "w": fix.A},
    "adex_fixed": {"v": fix.V, "w": fix.A},
    "izhikevich_fixed": {"v": fix.V, "u": fix.A},
}
#: Where a cell that waits after a spike counts the steps, and the parameter that says how many there are.
WAITS = {"lif_fixed": (fix.REF, "refractory")}
_FIXED_MODELS = {"lif_fixed": K_LIF_FIXED, "adex_fixed": K_ADEX_FIXED, "izhikevich_fixed": K_IZHIKEVICH_FIXED}
_KERNELS = {"lif": K_LIF, "adex": K_ADEX, "izhikevich": K_IZHIKEVICH, "hh": K_HH, **_FIXED_MODELS}
#: Kernels in whole numbers.
FIXED_KERNELS = frozenset(_FIXED_MODELS.values())
_N_STATES = {K_HH: hh.N_STATES, **dict.fromkeys(FIXED_KERNELS, fix.N_STATES)}
_IZHIKEVICH_PEAK_MV = 30.0
_HH_SPIKE_MV = 0.0


def kernel_of(model_name: str, receptor_kinds: Sequence[str]) -> int:
    """Number of the kernel for a model with these receptor kinds.

    Raises
    ------
    UnknownNameError
        If a receptor kind is not known.
    UnsupportedError
        If the model is a source or otherwise has no kernel, or has no receptors of this kind.

    Examples
    --------
    >>> kernel_of("lif", ("curr_exp", "curr_exp")) == K_LIF_LINEAR
    True
    """
    for kind in receptor_kinds:
        if kind not in RECEPTOR_KINDS:
            raise UnknownNameError.among("receptor kind", kind, RECEPTOR_KINDS)
    if model_name not in _KERNELS:
        raise UnsupportedError(f"model '{model_name}' has no membrane.", limit=sorted(_KERNELS), used=model_name)
    fixed = [kind for kind in receptor_kinds if kind.startswith("fixed") != (model_name in _FIXED_MODELS)]
    if fixed or receptor_kinds[:1] == ("fixed_joined",):
        text = f"model '{model_name}' has no receptors {', '.join(receptor_kinds)}."
        raise UnsupportedError(text, used=(fixed or receptor_kinds)[0], limit="whole numbers on both sides, or on none")
    linear = model_name == "lif" and all(kind.startswith("curr_") for kind in receptor_kinds)
    return K_LIF_LINEAR if linear else _KERNELS[model_name]


def n_states(kernel: int) -> int:
    """Rows of a cell's membrane variables; those of its receptors, two each, follow."""
    return _N_STATES.get(kernel, mem.N_STATES)


def n_coefficients(n_receptors: int) -> int:
    """Rows of the coefficient array of neurons with ``n_receptors`` receptors."""
    return rec.BASE + rec.STRIDE * n_receptors


def coefficients(
    kernel: int, parameters: Values, receptors: Sequence[Any], dt_ms: float, n: int, dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Coefficients of ``n`` neurons for one step of ``dt_ms``.

    Parameters
    ----------
    kernel
        See :func:`kernel_of`.
    parameters
        PyNN's names; each a number or an array (n,). All parameters of the model are needed.
    receptors
        ``(kind, parameters)`` pairs, or objects with ``kind`` and ``parameters`` (numbers or
        arrays): ``tau_syn``, ``e_rev``, ``tau_rise``, ``tau_decay``.

    Returns
    -------
    ndarray
        (n_coeff, n), C-contiguous.
    """
    out = np.zeros((n_coefficients(len(receptors)), n))
    spread = {name: np.broadcast_to(np.asarray(value, np.float64), (n,)) for name, value in parameters.items()}
    _FILL[kernel](out, spread, dt_ms)
    for index, receptor in enumerate(receptors):
        kind, values = _pair(receptor)
        block = out[rec.BASE + rec.STRIDE * index :][: rec.STRIDE]
        _fill_receptor(block, kind, values, dt_ms)
        if kernel == K_LIF_LINEAR:
            _fill_propagators(block, out[mem.K1], out[mem.INV_C], dt_ms)
    return np.ascontiguousarray(out, dtype=dtype)


def uniform_tile(column: NDArray[Any]) -> NDArray[Any]:
    """Coefficients of a tile of equal cells, (n_coeff, TILE), from those of one, (n_coeff, 1)."""
    tile = np.repeat(column, TILE, axis=1)
    _mark_alike(tile)
    return tile


def _mark_alike(tile: NDArray[Any]) -> None:
    """Note that the cells of a tile are alike, and beside it all that they have: in rows each number is on a cache line of its own."""
    column = tile[: TILE - 1, 0].copy()
    tile[mem.UNIFORM] = 1
    tile[mem.UNIFORM, 1 : 1 + len(column)] = column


def note_alike(kernel: int, tile: NDArray[Any], n: int) -> None:
    """Mark a tile of neurons in whole numbers whose first ``n`` cells differ in nothing but biases and keys of their noise."""
    if kernel == K_LIF_FIXED:
        others = np.ones(len(tile), bool)
        others[[fix.BIAS, fix.KEY]] = False
        if (tile[others, :n] == tile[others, :1]).all():
            _mark_alike(tile)


def initial_state(kernel: int, parameters: Values, initial: Values, n: int, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """State of ``n`` neurons at t = 0: row 0 v (mV), row 1 w (nA) or u (mV/ms) or m, row 2 zero.

    Parameters
    ----------
    initial
        ``v``, ``w``, ``u``, ``m``, ``h``, ``n``; a number or an array (n,) each. A missing ``v``
        is the resting value; missing ``u`` and gates are at their steady state for ``v``.
    """
    state = np.zeros((n_states(kernel), n))
    state[mem.V] = initial["v"] if "v" in initial else _resting(kernel, parameters)
    if kernel == K_HH:
        _fill_gates(state, parameters, initial)
    elif kernel in (K_IZHIKEVICH, K_IZHIKEVICH_FIXED):
        state[mem.W] = initial["u"] if "u" in initial else np.asarray(parameters["b"]) * state[mem.V]
    elif kernel in (K_ADEX, K_ADEX_FIXED, K_LIF_FIXED):
        state[mem.W] = initial.get("w", 0.0)
    return np.ascontiguousarray(state, dtype=dtype)


def _pair(receptor: Any) -> tuple[str, Values]:
    if hasattr(receptor, "kind"):
        return receptor.kind, receptor.parameters
    kind, values = receptor
    return kind, values


def _resting(kernel: int, p: Values) -> Any:
    if kernel == K_HH:
        return p["e_rev_leak"]
    if kernel == K_LIF_FIXED:
        return p["zero_v"]
    return -70.0 if kernel in (K_IZHIKEVICH, K_IZHIKEVICH_FIXED) else p["v_rest"]


def _fill_leak(out: Array, p: Values) -> None:
    out[mem.K1] = -1.0 / p["tau_m"]
    out[mem.K0] = p["v_rest"] / p["tau_m"] + p["i_offset"] / p["cm"]
    out[mem.INV_C] = 1.0 / p["cm"]
    out[mem.V_RESET] = p["v_reset"]
    out[mem.TAU_REF] = p["tau_refrac"]
    out[mem.V_SPIKE] = p["v_thresh"]


def _fill_lif(out: Array, p: Values, dt_ms: float) -> None:
    _fill_leak(out, p)
    approach = -np.expm1(-dt_ms / p["tau_m"])
    out[mem.PROP] = 1.0 - approach
    out[mem.PER_NA] = approach * p["tau_m"] / p["cm"]
    out[mem.CONST] = approach * p["v_rest"] + out[mem.PER_NA] * p["i_offset"]


def _fill_adex(out: Array, p: Values, dt_ms: float) -> None:
    _fill_leak(out, p)
    sharp = p["delta_T"] > 0.0
    out[mem.EPS] = np.where(sharp, p["delta_T"] / p["tau_m"], 0.0)
    np.divide(1.0, p["delta_T"], out=out[mem.INV_DELTA], where=sharp)
    out[mem.V_T] = p["v_thresh"]
    out[mem.V_SPIKE] = np.where(sharp, p["v_spike"], p["v_thresh"])
    out[mem.OMEGA] = out[mem.INV_C]
    out[mem.RATE_W] = 1.0 / p["tau_w"]
    out[mem.ALPHA] = 1e-3 * p["a"]
    out[mem.E_L] = p["v_rest"]
    out[mem.JUMP_W] = p["b"]


def _fill_izhikevich(out: Array, p: Values, dt_ms: float) -> None:
    out[mem.K2], out[mem.K1], out[mem.K0] = 0.04, 5.0, 140.0 + 1e3 * p["i_offset"]
    out[mem.INV_C] = 1e3
    out[mem.OMEGA] = 1.0
    out[mem.RATE_W], out[mem.ALPHA] = p["a"], p["b"]
    out[mem.V_SPIKE], out[mem.V_RESET], out[mem.JUMP_W] = _IZHIKEVICH_PEAK_MV, p["c"], p["d"]


def _fill_hh(out: Array, p: Values, dt_ms: float) -> None:
    rows = {hh.G_NA: "gbar_Na", hh.G_K: "gbar_K", hh.G_LEAK: "g_leak", hh.V_OFFSET: "v_offset", hh.E_NA: "e_rev_Na"}
    rows |= {hh.E_K: "e_rev_K", hh.E_LEAK: "e_rev_leak", hh.I_OFFSET: "i_offset"}
    for row, name in rows.items():
        out[row] = p[name]
    out[hh.INV_C] = 1.0 / p["cm"]
    out[hh.V_SPIKE] = _HH_SPIKE_MV


def _fill_fixed(out: Array, p: Values, dt_ms: float) -> None:
    rows = {fix.BIAS: "bias", fix.LIMIT: "threshold", fix.V_LOW: "v_low", fix.V_HIGH: "v_high", fix.UNIT_V: "unit_v", fix.ZERO_V: "zero_v"}
    rows |= {fix.JUMP_A: "step_a", fix.NOISE_ON_V: "noise_on_v", fix.KEY: "noise_key", fix.PER_NA: "per_nA"}
    for row, name in rows.items():
        out[row] = p[name]
    out[fix.KEEP_V], out[fix.KEEP_A] = 1.0 - p["decay_v"] / 4096.0, 1.0 - p["decay_a"] / 4096.0
    out[fix.UNIT_A], out[fix.PER_A] = -p["unit_a"], -1.0 / p["unit_a"]
    out[fix.PAUSE], out[fix.PER_MV] = p["refractory"] - 1.0, 1.0 / p["unit_v"]
    out[fix.WRAP], out[fix.INV_WRAP] = _span(p["bits"])
    # on the chip an exponent below 7 acts as the next one (nengo-loihi)
    exponent = np.where(p["noise_exponent"] < 7.0, p["noise_exponent"] + 1.0, p["noise_exponent"])
    out[fix.NOISE] = np.where(p["noise_exponent"] < 0.0, 0.0, np.exp2(exponent - 7.0))
    out[fix.NOISE_MEAN] = 64.0 * p["noise_offset"]


def _span(bits: Any) -> tuple[Any, Any]:
    """Number of values of a register and its inverse, both 0 for one without limits."""
    return np.where(bits > 0, np.exp2(bits), 0.0), np.where(bits > 0, np.exp2(-np.asarray(bits)), 0.0)


_FILL = {
    K_LIF_LINEAR: _fill_lif,
    K_LIF: _fill_lif,
    K_ADEX: _fill_adex,
    K_IZHIKEVICH: _fill_izhikevich,
    K_HH: _fill_hh,
    K_LIF_FIXED: _fill_fixed,
    K_ADEX_FIXED: programs.fill_adex,
    K_IZHIKEVICH_FIXED: programs.fill_izhikevich,
}


def _fill_gates(state: Array, parameters: Values, initial: Values) -> None:
    u = state[hh.V] - np.asarray(parameters["v_offset"], np.float64)
    for k, value in enumerate(u):
        up, down = hh.rates(value)
        state[hh.M, k], state[hh.H, k], state[hh.N, k] = (a / (a + b) for a, b in zip(up, down, strict=True))
    for row, name in ((hh.M, "m"), (hh.H, "h"), (hh.N, "n")):
        if name in initial:
            state[row] = initial[name]
    state[hh.LENGTH] = 0.01


def _fill_receptor(out: Array, kind: str, p: Values, dt_ms: float) -> None:
    if kind in ("curr_delta", "fixed_joined"):
        return
    if kind == "fixed":
        _fill_fixed_receptor(out, p)
        return
    slow = np.asarray(p["tau_decay"] if kind == "cond_beta" else p["tau_syn"], np.float64)
    fast = np.asarray(p["tau_rise"] if kind == "cond_beta" else p["tau_syn"], np.float64)
    out[rec.RATE1], out[rec.RATE2] = 1.0 / slow, 1.0 / fast
    out[rec.DECAY1], out[rec.DECAY2] = np.exp(-dt_ms / slow), np.exp(-dt_ms / fast)
    out[rec.MIXED] = dt_ms * out[rec.DECAY2] * _phi(dt_ms * (1.0 / fast - 1.0 / slow))
    out[rec.GAIN_AUX] = 0.0 if kind.endswith("exp") else _peak_gain(slow, fast)
    conductance = kind.startswith("cond")
    out[rec.IS_COND] = float(conductance)
    out[rec.DRIVE] = p["e_rev"] if conductance else 1.0


def _fill_fixed_receptor(out: Array, p: Values) -> None:
    out[fix.KEEP_U] = 1.0 - np.asarray(p["decay_u"]) / 4096.0
    out[fix.UNIT], out[fix.PER_UNIT] = p["unit"], 1.0 / np.asarray(p["unit"])
    grain = np.asarray(p["grain"], np.float64)
    out[fix.GRAIN], out[fix.PER_GRAIN] = grain, out[fix.PER_UNIT] / grain
    # single weights are whole, so sums are up to rounding; where a sum is cut, it is cut towards lower values
    out[fix.ROUND] = np.where(grain > 1.0, 2.0**-20, 0.5)
    out[fix.WRAP_IN], out[fix.INV_WRAP_IN] = _span(p["bits_in"])
    out[fix.WRAP_U], out[fix.INV_WRAP_U] = _span(p["bits"])
    out[fix.CLOSED] = np.where(p["closed"] > 0, 0.5 * out[fix.WRAP_U], np.inf)


def _peak_gain(slow: Array, fast: Array) -> Array:
    """Amplitude of ``aux`` for which ``g`` peaks at 1; e / tau when both constants are equal."""
    slow, fast = np.broadcast_arrays(slow, fast)
    difference = 1.0 / fast - 1.0 / slow
    ratio = np.log(slow / fast)
    alike = np.abs(ratio) < 1e-9
    t_peak = np.where(alike, slow, ratio / np.where(alike, 1.0, difference))
    return 1.0 / (np.exp(-t_peak / fast) * t_peak * _phi(difference * t_peak))


def _fill_propagators(out: Array, k1: Array, inv_c: Array, dt_ms: float) -> None:
    """Voltage after one step per unit of ``g`` and of ``aux`` at its start.

    The integrals of exp(-(h - s)/tau_m) exp(-s/tau_syn) and of the same with a factor s. Both are
    divided differences of the exponential: a series is used where the two rates are close.
    """
    y = dt_ms * (out[rec.RATE1] + k1)
    near = np.abs(y) < 0.5
    far, end = np.where(near, 1.0, y), np.exp(k1 * dt_ms)
    decay = out[rec.DECAY1]
    out[rec.TO_V_G] = inv_c * dt_ms * np.where(near, decay * _phi(np.where(near, y, 0.0)), (end - decay) / far)
    out[rec.TO_V_AUX] = inv_c * dt_ms**2 * np.where(near, decay * _psi(np.where(near, y, 0.0)), (end - decay * (1.0 + y)) / far**2)


def _phi(z: Array) -> Array:
    """(exp(z) - 1) / z, 1 at 0."""
    z = np.asarray(z, np.float64)
    small = np.abs(z) < 1e-9
    return np.where(small, 1.0 + 0.5 * z, np.expm1(z) / np.where(small, 1.0, z))


def _psi(z: Array) -> Array:
    """(exp(z) - 1 - z) / z^2 for abs(z) < 0.5, by its series; 1/2 at 0."""
    total, term = np.zeros_like(z), np.full_like(z, 0.5)
    for k in range(3, 20):
        total = total + term
        term = term * z / k
    return total
