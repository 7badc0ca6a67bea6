"""Firing rates of neurons as programs and of the models they stand for, at constant currents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry
from neurosim.models import _membrane as mem
from neurosim.models import _programs as prog
from neurosim.models._program_constants import n_parts
from neurosim.models._programs import changed
from neurosim.models.layout import coefficients, kernel_of

Floats = NDArray[np.float64]

#: How long the neurons fire, ms, and the step with which the equations are solved beside them.
_DURATION_MS, _STEP_MS = 1000.0, 0.005
#: Parameters that only programs have.
_UNITS = ("unit_v", "unit_i", "unit_w")


def rates(model: str, parameters: Mapping[str, float], dt_ms: float, currents_na: Sequence[float]) -> tuple[Floats, Floats]:
    """Rates (Hz) of a model's equations, solved finely, and of its program in steps of ``dt_ms``.

    Parameters
    ----------
    model
        ``"adex_fixed"`` or ``"izhikevich_fixed"``.
    parameters
        All parameters of that model.
    currents_na
        Constant currents on top of ``i_offset``.

    Returns
    -------
    ideal, program
        float64 (n_currents,): spikes per second between the first and the last in one second; 0 for fewer than two.
    """
    ideal, program = np.zeros(len(currents_na)), np.zeros(len(currents_na))
    own = {name: value for name, value in parameters.items() if name not in _UNITS}
    for k, current in enumerate(currents_na):
        driven = {"i_offset": own["i_offset"] + current}
        exact = _column(model.removesuffix("_fixed"), own | driven, _STEP_MS)
        whole = _column(model, dict(parameters) | driven, dt_ms)
        ideal[k] = _solved(exact, parameters.get("v_rest", -65.0), _STEP_MS, int(_DURATION_MS / _STEP_MS))
        program[k] = _counted(whole, parameters.get("v_rest", -65.0), dt_ms, n_parts(dt_ms), int(_DURATION_MS / dt_ms))
    return ideal, program


def _column(model: str, parameters: Mapping[str, float], dt_ms: float) -> Floats:
    return np.ascontiguousarray(coefficients(kernel_of(model, ()), parameters, (), dt_ms, 1)[:, 0])


@entry(nogil=True)
def _solved(c, v, h, n_steps):
    """Rate (Hz) of one cell by the midpoint rule."""
    w, pause, n, first, last = c[mem.ALPHA] * (v - c[mem.E_L]), 0.0, 0, 0.0, 0.0
    for step in range(n_steps):
        a, b = v, w
        for half in range(2):
            onset = c[mem.EPS] * math.exp(min((a - c[mem.V_T]) * c[mem.INV_DELTA], 30.0)) if c[mem.EPS] > 0 else 0.0
            dv = c[mem.K2] * a * a + c[mem.K1] * a + c[mem.K0] + onset - c[mem.OMEGA] * b
            dw = c[mem.RATE_W] * (c[mem.ALPHA] * (a - c[mem.E_L]) - b)
            part = h if half else 0.5 * h
            a, b = v + part * (0.0 if pause > 0 else dv), w + part * dw
        v, w, pause = a, b, pause - h
        if v >= c[mem.V_SPIKE]:
            v, w, pause = c[mem.V_RESET], w + c[mem.JUMP_W], c[mem.TAU_REF]
            last = step * h
            first = last if n == 0 else first
            n += 1
    return 1e3 * (n - 1) / (last - first) if n > 1 else 0.0


@entry(nogil=True)
def _counted(c, start, dt, parts, n_steps):
    """Rate (Hz) of one cell as a program."""
    k = (c[prog.K2], c[prog.K1], c[prog.K0], c[prog.KE], c[prog.KI], c[prog.KW], c[prog.KA], c[prog.KD], c[prog.Y_GAIN], c[prog.Y_ZERO])
    v = math.floor((start - c[prog.ZERO_V]) * c[prog.PER_MV] + 0.5)
    w, pause, n, first, last = math.floor(v * k[6] / k[7] if k[7] > 0 else 0.0), 0.0, 0, 0.0, 0.0
    for step in range(n_steps * parts):
        v, w = changed(v, w, 0.0, k)
        v = c[prog.RESET] if pause > 0 else v
        pause -= 1.0
        if v >= c[prog.LIMIT] and pause < 0:
            v, w, pause = c[prog.RESET], w + c[prog.JUMP], c[prog.PAUSE]
            last = step * dt / parts
            first = last if n == 0 else first
            n += 1
    return 1e3 * (n - 1) / (last - first) if n > 1 else 0.0
