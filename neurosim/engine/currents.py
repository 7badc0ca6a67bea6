"""Values of injected currents on the time grid.

A current is constant within a step: the value of step n is that of its waveform at ``n dt``. Starts
and stops are moved to the nearest step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.engine.randomness import keys, normals
from neurosim.errors import ParameterError
from neurosim.network import Current

Floats = NDArray[np.float64]


def amplitudes(current: Current, first_step: int, n_steps: int, dt_ms: float) -> Floats:
    """Current in nA at steps ``first_step .. first_step + n_steps - 1``, shape (n_steps,)."""
    steps = np.arange(first_step, first_step + n_steps)
    return _WAVEFORMS[current.kind](current, steps, dt_ms)


def check(current: Current) -> None:
    """Raise :class:`ParameterError` for values no waveform can have."""
    for name, value in current.parameters.items():
        numbers = np.asarray(value, np.float64)
        if np.any(np.isnan(numbers)) or (name not in ("stop", "start") and np.any(np.isinf(numbers))):
            raise ParameterError(
                f"'{name}' is not a finite number.", where=f"{current.kind} current", used=name, remedy="Give finite values."
            )
    if current.kind == "step" and np.any(np.diff(np.asarray(current.parameters["times"])) < 0):
        raise ParameterError(
            "the times of a step current are not sorted.", where="step current", remedy="Sort times and amplitudes together."
        )


def _grid(time_ms: float, dt_ms: float) -> float:
    return np.rint(time_ms / dt_ms) if np.isfinite(time_ms) else time_ms


def _gate(current: Current, steps: NDArray[np.int64], dt_ms: float) -> NDArray[np.bool_]:
    start, stop = (_grid(float(current.parameters[name]), dt_ms) for name in ("start", "stop"))
    return (steps >= start) & (steps < stop)


def _dc(current: Current, steps: NDArray[np.int64], dt_ms: float) -> Floats:
    return np.where(_gate(current, steps, dt_ms), float(current.parameters["amplitude"]), 0.0)


def _step(current: Current, steps: NDArray[np.int64], dt_ms: float) -> Floats:
    times = np.rint(np.asarray(current.parameters["times"], np.float64) / dt_ms)
    levels = np.concatenate([[0.0], np.asarray(current.parameters["amplitudes"], np.float64)])
    return levels[np.searchsorted(times, steps, side="right")]


def _ac(current: Current, steps: NDArray[np.int64], dt_ms: float) -> Floats:
    p = {name: float(value) for name, value in current.parameters.items()}  # type: ignore[arg-type]
    begin = _grid(p["start"], dt_ms)
    phase = 2 * np.pi * p["frequency"] * (steps - begin) * dt_ms / 1000.0 + np.deg2rad(p["phase"])
    return np.where(_gate(current, steps, dt_ms), p["offset"] + p["amplitude"] * np.sin(phase), 0.0)


def _noise(current: Current, steps: NDArray[np.int64], dt_ms: float) -> Floats:
    p = {name: float(value) for name, value in current.parameters.items()}  # type: ignore[arg-type]
    hold = max(round(p["dt"] / dt_ms), 1)
    begin = int(_grid(p["start"], dt_ms))
    number = (steps - begin) // hold
    live = _gate(current, steps, dt_ms)
    if not live.any():
        return np.zeros(len(steps))
    low, high = int(number[live].min()), int(number[live].max())
    key = keys(np.uint64(current.seed), np.uint64(1_000_003), 0, 1)[0]
    values = p["mean"] + p["stdev"] * normals(key, low, high - low + 1)
    return np.where(live, values[np.clip(number - low, 0, high - low)], 0.0)


_WAVEFORMS = {"dc": _dc, "step": _step, "ac": _ac, "noise": _noise}
