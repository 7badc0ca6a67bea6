"""What the numbers of a state file may be: checked against each other and against the network before any is used.

A checksum tells that a file is as it was written, not that its numbers belong together; a wrong one
would be read past the end of an array, or run for hours. Every function names the field in a
``ValueError`` and changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.engine import plastic_store, taught
from neurosim.engine.drives import LARGEST_MEAN, Rates
from neurosim.engine.plasticity import NEVER
from neurosim.network import Network, Population

Arrays = Mapping[str, NDArray[Any]]

#: Steps and counts above this are no longer exact as times.
LARGEST = 2**53
#: By how much rounding may move a share, or a time in units of the step.
SLACK = 1e-5


def within(name: str, values: NDArray[Any], low: float = -np.inf, high: float = np.inf) -> None:
    """Refuse NaN and infinities, and numbers outside a range."""
    if not np.isfinite(values).all():
        raise ValueError(f"'{name}' has values that are not finite")
    if not ((values >= low) & (values <= high)).all():
        raise ValueError(f"'{name}' has values that are not from {low:g} to {high:g}")


def until_ms(step: int, dt_ms: float) -> float:
    """Latest time that is not after a step, rounding allowed for."""
    return step * dt_ms * (1.0 + 1e-12) + SLACK * dt_ms


def whole(name: str, value: Any, low: int = 0, high: int = LARGEST) -> int:
    """A whole number of a range."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"'{name}' is {value!r}, no whole number from {low} to {high}")
    return value


def alike(name: str, found: NDArray[Any], dtype: Any, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Refuse another type or shape; ``None`` is any length."""
    fits = found.ndim == len(shape) and all(want in (None, n) for n, want in zip(found.shape, shape, strict=True))
    if found.dtype != dtype or not fits:
        raise ValueError(f"'{name}' has type {found.dtype} and shape {found.shape}")
    return found


# --- the manifest --------------------------------------------------------------------------------
def clock(manifest: Mapping[str, Any], dt_ms: float) -> tuple[int, bool]:
    """The step, and whether what is due at it has gone out."""
    step, primed, t_ms = whole("step", manifest["step"]), manifest["primed"], manifest.get("t_ms")
    if not isinstance(primed, bool):
        raise ValueError(f"'primed' is {primed!r}, neither true nor false")
    if not isinstance(t_ms, int | float) or not abs(t_ms / dt_ms - step) <= 1e-6 * (step + 1):
        raise ValueError(f"'t_ms' is {t_ms!r}, which is not step {step} of {dt_ms:g} ms")
    return step, primed


def about(manifest: Mapping[str, Any]) -> None:
    """Settings of the front end: a table, if there are any; those of PyNN's are looked at."""
    found = manifest.get("about")
    if not isinstance(found, dict | None):
        raise ValueError(f"'about' is {found!r}, no table")
    if found is None or not {"running", "segment", "recording_starts"} <= found.keys():
        return
    if not isinstance(found["running"], bool):
        raise ValueError(f"'about.running' is {found['running']!r}, neither true nor false")
    whole("about.segment", found["segment"])
    starts = found["recording_starts"]
    if not isinstance(starts, list) or not all(_is_number(start) and start >= 0 for start in starts):
        raise ValueError("'about.recording_starts' has values that are no times")


def rates(manifest: Mapping[str, Any], network: Network) -> dict[int, Rates]:
    """Sources that only drove the network, and their rates (:mod:`neurosim.engine.drives`)."""
    found = {}
    for key, row in manifest.get("driving", {}).items():
        name, number = f"driving.{key}", int(key)
        since, mean = list(row["since"]), list(row["mean"])
        if not 0 <= number < len(network.populations) or not since or len(since) != len(mean):
            raise ValueError(f"'{name}' is not about one of the populations, or has {len(since)} steps and {len(mean)} rates")
        steps = [whole(f"{name}.since", step, high=2 * LARGEST) for step in since]
        if steps != sorted(steps) or not all(_is_number(m) and 0 <= m <= LARGEST_MEAN * (1 + SLACK) for m in mean):
            raise ValueError(f"'{name}' has steps out of order, or values that are no rates")
        found[number] = Rates(steps, [float(m) for m in mean])
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# --- cells and spikes ----------------------------------------------------------------------------
def cells(network: Network, found: Arrays, step: int, driving: Collection[int]) -> None:
    """States that are finite; counts and draws that fit the time."""
    for population in network.populations:
        number = population.id
        within(f"cells/{number}/counts", found[f"cells/{number}/counts"], 0, LARGEST)
        if not population.is_source:
            within(f"cells/{number}/state", found[f"cells/{number}/state"])
        else:
            _source(population, f"sources/{number}", found, step, network.dt, is_driving=number in driving)


def _source(population: Population, name: str, found: Arrays, step: int, dt_ms: float, *, is_driving: bool) -> None:
    """Numbers drawn so far, and the next spike: later than now, or none where spikes are listed or only counted."""
    draws, next_ms = found[f"{name}/draws"], found[f"{name}/next_ms"]
    is_listed = population.model == "array_source"
    if is_listed:
        _sent_from_lists(population, f"{name}/draws", draws, step, dt_ms)
    else:
        within(f"{name}/draws", draws, 0, 0 if is_driving else LARGEST)
    soonest_ms = np.inf if is_listed or is_driving else 2 * step * dt_ms - until_ms(step, dt_ms)
    if not (next_ms >= soonest_ms).all():
        raise ValueError(f"'{name}/next_ms' has times that cannot be")


def _sent_from_lists(population: Population, name: str, draws: NDArray[np.int64], step: int, dt_ms: float) -> None:
    """Of each list of spikes those before the present step have gone out, none that come later, and perhaps those of the step."""
    for sent, train in zip(draws.tolist(), population.spike_times or (), strict=True):
        stamps = np.ceil(np.asarray(train, np.float64) / dt_ms - 1e-6)  # as the engine counts them
        low, high = np.searchsorted(stamps, step, side="left"), np.searchsorted(stamps, step, side="right")
        if not low <= sent <= high:
            raise ValueError(f"'{name}' says that {sent} spikes of a list were sent, by now it must be {low} to {high}")


def sent(network: Network, found: tuple[NDArray[np.int64], ...], step: int) -> None:
    """Spikes on their way: of cells that exist, and sent by now."""
    sizes = np.array([population.size for population in network.populations], np.int64)
    population, cell, _ = found
    if len({len(column) for column in found}) != 1:
        raise ValueError("'spikes/population', 'spikes/cell' and 'spikes/step' have different lengths")
    if ((population < 0) | (population >= len(sizes))).any() or ((cell < 0) | (cell >= sizes[population])).any():
        raise ValueError("'spikes/cell': there are spikes of cells that do not exist")
    within("spikes/step", found[2], 0, step)


# --- synapses ------------------------------------------------------------------------------------
def memory(name: str, found: Any, own: Any, step: int, dt_ms: float) -> None:
    """What the synapses of a projection remember, beside what they would remember here."""
    if isinstance(found, plastic_store.Memory):
        _learning(name, found, own, step)
        return
    if isinstance(found, taught.Memory):
        _taught(name, found, own, step)
        return
    for key, values in found.values.items():
        alike(f"{name}/values.{key}", values, own.values[key].dtype, own.values[key].shape)
        if key == "last":
            within(f"{name}/values.last", values, -1.0, until_ms(step, dt_ms))
        else:
            within(f"{name}/values.{key}", values, -SLACK, 1.0 + SLACK)


def _taught(name: str, found: taught.Memory, own: taught.Memory, step: int) -> None:
    for key, values in found.values.items():
        if key.removesuffix("_at") in taught.SIDES:
            alike(f"{name}/values.{key}", values, np.int64, (None,))
            within(f"{name}/values.{key}", values, 0, step if key.endswith("_at") else np.inf)
        else:
            alike(f"{name}/values.{key}", values, own.values[key].dtype, own.values[key].shape)
            within(f"{name}/values.{key}", values)
    for side in taught.SIDES:
        if len(found.values[side]) != len(found.values[f"{side}_at"]):
            raise ValueError(f"'{name}/values.{side}' and its steps have different lengths")


def _learning(name: str, found: plastic_store.Memory, own: plastic_store.Memory, step: int) -> None:
    for key in ("weight", "pre", "delay", "last", "settled", "trace"):
        alike(f"{name}/{key}", getattr(found, key), getattr(own, key).dtype, getattr(own, key).shape)
    for key in ("pre", "delay"):
        if not np.array_equal(getattr(found, key), getattr(own, key)):
            raise ValueError(f"'{name}/{key}' names other synapses than there are")
    within(f"{name}/weight", found.weight)
    within(f"{name}/trace", found.trace, 0.0, LARGEST)
    for key in ("last", "settled"):
        within(f"{name}/{key}", getattr(found, key), 2 * NEVER, step)  # a delay that was changed moves it, never or not
    ranks = found.hist_step.shape[1:]
    alike(f"{name}/hist_step", found.hist_step, own.hist_step.dtype, (len(own.hist_step), *ranks))
    alike(f"{name}/hist_trace", found.hist_trace, own.hist_trace.dtype, found.hist_step.shape)
    if ranks != own.hist_step.shape[1:]:
        raise ValueError(f"'{name}/hist_step' has room for {ranks[0]} spikes a cell, here it is {own.hist_step.shape[1]}")
    within(f"{name}/hist_step", np.where(found.hist_step == NEVER, 0, found.hist_step), 0, step)
    within(f"{name}/hist_trace", found.hist_trace, 0.0, LARGEST)
    if (np.diff(found.hist_step, axis=1) > 0).any():
        raise ValueError(f"'{name}/hist_step' is not in order, the newest spike first")


# --- recordings ----------------------------------------------------------------------------------
def recorded_spikes(name: str, cell: NDArray[Any], times_ms: NDArray[Any], population: Population, latest_ms: float) -> None:
    """Spikes recorded so far: of cells that exist, none later than now."""
    alike(f"{name}/cells", cell, np.int64, (None,))
    alike(f"{name}/times", times_ms, np.float64, cell.shape)
    within(f"{name}/cells", cell, 0, population.size - 1)
    within(f"{name}/times", times_ms, 0.0, latest_ms)


def recorded_samples(name: str, row: Mapping[str, Any], cell: NDArray[Any], values: NDArray[Any], size: int, step: int) -> None:
    """One stretch of samples: of cells that exist, none later than now; what diverged may be NaN."""
    alike(f"{name}/cells", cell, cell.dtype if cell.dtype.kind in "iu" else np.int64, (None,))
    alike(f"{name}/values", values, np.float64, (None, len(cell)))
    within(f"{name}/cells", cell, 0, size - 1)
    if len(np.unique(cell)) != len(cell):
        raise ValueError(f"'{name}/cells' names a cell twice")
    every = whole(f"{name}, every", row["every"], 1)
    if (whole(f"{name}, first", row["first"]) + len(values) - 1) * every > step:
        raise ValueError(f"'{name}/values' has samples of later than now")
    if not len(values):
        raise ValueError(f"'{name}/values' has no samples")


def last_sample(name: str, value: Any, taken_ms: float | None, latest_ms: float) -> float:
    """When the last sample was taken: the last of those that are here, if there are any; minus infinity if there was none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (value == -np.inf or 0 <= value <= latest_ms):
        raise ValueError(f"'{name}' is {value!r}, no time up to now")
    if taken_ms is not None and not abs(value - taken_ms) <= 1e-9 * (1.0 + taken_ms):
        raise ValueError(f"'{name}' is {value!r}, and the last sample is of {taken_ms:g}")
    return float(value)


def listed(name: str, number: Any, things: Collection[Any]) -> int:
    """The number of one of ``things``, as a word or a number."""
    text = str(number)
    if not text.isascii() or not text.isdecimal() or int(text) >= len(things):
        raise ValueError(f"'{name}' is about number {number!r} of {len(things)}")
    return int(text)
