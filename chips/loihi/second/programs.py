"""AdEx and Izhikevich neurons as integer programs of a core: units of their registers, and the error of their rates.

The programs are those of :mod:`neurosim.models._programs`; they are ours, since no microcode is public.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from neurosim.chips.loihi.registers import Registers, currents_of, decay_of
from neurosim.chips.loihi.second.sheet import Loihi2Sheet
from neurosim.chips.loihi.weights import Span
from neurosim.chips.neurons import IZHIKEVICH_CM_NF, threshold_current
from neurosim.chips.parameters import Parameters
from neurosim.chips.values import Values, compact, parameter
from neurosim.columns import Floats
from neurosim.models._program_constants import SHARPEST_MV, n_parts
from neurosim.models.program_rates import rates
from neurosim.network import Network, Population

#: Neuron models that there are programs for, and the model in whole numbers of each.
PROGRAMS = {"adex": "adex_fixed", "izhikevich": "izhikevich_fixed"}
#: Unit of the voltage register: 24 bits reach 256 mV up and down.
UNIT_MV = 2.0**-15
#: Exponent of the largest weight: 128 such spikes at once fill the current of a neuron, and weights a quarter as large keep all bits.
EXPONENT = 2
_REACH_MV = 250.0
#: Longest that adaptation builds up for: spikes every 5 ms.
_FASTEST_MS = 5.0
_SWING_MV = 60.0
_DRIVES = (1.25, 1.5, 2.0)
#: Least multiplier of a current, so that its own rounding stays below a thousandth.
_LEAST_GAIN = 1024.0


class ProgramErrors:
    """What :class:`~neurosim.chips.native.Programs` asks, for steps of one length."""

    def __init__(self, dt_ms: float) -> None:
        self.dt_ms = dt_ms

    def runs(self, model: str) -> bool:
        """Tell whether there is a program for a neuron model."""
        return model in PROGRAMS

    def rate_error(self, population: Population) -> tuple[float, float]:
        """Mean and largest error (Hz) of the rate at 1.25, 1.5 and 2 times the threshold current, of a cell with mean parameters."""
        own = {name: float(np.mean(parameter(population, name))) for name in population.parameters}
        if 0.0 < own.get("delta_T", 0.0) < SHARPEST_MV:
            own["delta_T"] = SHARPEST_MV
        units = {"unit_v": UNIT_MV, "unit_i": 1.0, "unit_w": adaptation_unit(population.model, {k: np.array([v]) for k, v in own.items()})}
        return _error(
            PROGRAMS[population.model], tuple(sorted((own | units | {"i_offset": 0.0}).items())), self.dt_ms, threshold_current(population)
        )


@lru_cache(maxsize=64)
def _error(model: str, parameters: tuple[tuple[str, float], ...], dt_ms: float, rheobase_na: float) -> tuple[float, float]:
    ideal, program = rates(model, dict(parameters), dt_ms, [drive * rheobase_na for drive in _DRIVES])
    error = np.abs(program - ideal)
    return float(error.mean()), float(error.max())


def into_reach(parameters: Parameters, dt_ms: float) -> None:
    """Bring the parameters of AdEx neurons to what registers and parts of a step can hold."""
    part_ms = dt_ms / n_parts(dt_ms)
    rest = np.atleast_1d(parameters.values["v_rest"])
    for key in ("v_spike", "v_thresh", "v_reset"):
        parameters.change(key, lambda v: np.clip(v, rest - _REACH_MV, rest + _REACH_MV), "clipped", "Voltages reach 250 mV from v_rest.")
    detail = f"A slope is 0 or {SHARPEST_MV:g} mV and more."
    parameters.change("delta_T", lambda d: np.where((d > 0) & (d < SHARPEST_MV), SHARPEST_MV, d), "clipped", detail)
    detail = f"The refractory time is a whole number of parts of {part_ms:g} ms."
    parameters.change("tau_refrac", lambda t: np.rint(t / part_ms) * part_ms, "rounded", detail)


def adaptation_unit(model: str, cell: Mapping[str, Floats]) -> float:
    """Unit of w (nA) or u (mV/ms): a power of two with which 24 bits hold what spikes every 5 ms add up to."""
    if model == "adex":
        most = np.abs(cell["b"]) * (1 + cell["tau_w"] / _FASTEST_MS) + 1e-3 * np.abs(cell["a"]) * _SWING_MV
    else:
        slow = 1 / np.maximum(np.abs(cell["a"]) * _FASTEST_MS, 1e-6)
        most = np.abs(cell["d"]) * (1 + np.minimum(slow, 1e3)) + np.abs(cell["b"]) * 2 * _SWING_MV
    return 2.0 ** math.ceil(math.log2(max(float(most.max()), 1e-6) / (2.0**23 - 1)))


def program_registers(network: Network, population: Population, spans: Mapping[int, Span], sheet: Loihi2Sheet) -> Registers:
    """Registers of a population that is a program; see :func:`~neurosim.chips.loihi.registers.registers_of`."""
    cell = {name: np.atleast_1d(value) for name, value in Parameters.of(population).values.items()}
    cm = cell.get("cm", np.array([IZHIKEVICH_CM_NF]))
    per_weight = {
        r.name: _current(r.kind, cell, r.name, cm, network.dt, decay_of(r, cell, network.dt, sheet)) for r in population.receptors
    }
    part_ms = network.dt / n_parts(network.dt)
    unit_na = max(_largest(network, population, spans, per_weight), _LEAST_GAIN * float(cm.max()) / part_ms * UNIT_MV / 2.0**24)
    unit_of: dict[str, Values] = {name: compact(unit_na / factor) for name, factor in per_weight.items()}
    units = {"unit_v": UNIT_MV, "unit_i": unit_na, "unit_w": adaptation_unit(population.model, cell)}
    own: dict[str, Values] = {name: compact(cell[name]) for name in population.parameters} | units
    receptors = currents_of(population, cell, unit_of, network.dt, sheet)
    return Registers(UNIT_MV, unit_of, EXPONENT, own, receptors, (), PROGRAMS[population.model])


def _current(kind: str, cell: Mapping[str, Floats], name: str, cm: Floats, dt_ms: float, decay: Floats) -> Floats:
    """Current (nA) during the first step that weight 1 is: its charge is that of the model."""
    if kind == "curr_delta":
        return cm / dt_ms
    return cell[f"{name}.tau_syn"] / dt_ms * decay / 4096.0


def _largest(network: Network, population: Population, spans: Mapping[int, Span], per_weight: Mapping[str, Floats]) -> float:
    """Unit (nA) with which the largest weight onto a population has the largest mantissa and the largest exponent."""
    most = 0.0
    for index, projection in enumerate(network.projections):
        if any(number == population.id for number, _ in projection.post.parts):
            step = spans[index].largest * float(per_weight[projection.receptor].max())
            most = max(most, step / ((255 - spans[index].mixed) * 64.0 * 2**EXPONENT))
    return most
