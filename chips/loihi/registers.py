"""Neurons in Loihi's registers: one scale per population, and what every constant becomes on it.

The zero of the voltage register is the reset potential. A register of voltage stands for
``unit_mv``; the unit follows from the largest weight onto the population, which gets the largest
mantissa, with the largest exponent for which threshold and bias still fit their fields (the rule of
nengo-loihi 1.1.0), the voltage reaches as far below rest as the threshold is above it, and neither what
arrives in a step nor a current overflows while all sources fire at 100 Hz. Currents are scaled such
that the area under a postsynaptic potential is that of the model, w tau_syn tau_m / cm: with decays d_u
and d_v per step and a weight that adds x to the voltage at first, the area is x dt / (d_u d_v). The bias
follows from the same rule; voltage steps keep their height.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from neurosim.chips.loihi.sheet import FamilySheet
from neurosim.chips.loihi.weights import Span
from neurosim.chips.parameters import Parameters, loss_of
from neurosim.chips.values import Values, compact
from neurosim.columns import Floats
from neurosim.losses import Loss
from neurosim.network import Network, Population, Projection, Receptor
from neurosim.plasticity import LEARNING

#: Rate at which all sources may fire without an overflow of a register.
BUSY_HZ = 100.0
#: Parameters of ``lif_fixed`` that Loihi leaves at their defaults where no noise is asked for.
_QUIET = {"noise_exponent": -1.0, "noise_offset": 0.0, "noise_on_v": 0.0, "noise_key": 0.0}


@dataclass(frozen=True, slots=True, eq=False)
class Registers:
    """Registers of the cells of one population, and their units.

    Attributes
    ----------
    unit_mv
        Voltage of one register.
    unit_of
        Weight (nA, or mV for voltage steps) of one register, by receptor: one, or one per cell.
    exponent
        Largest exponent of a weight.
    parameters, receptors
        Of the model.
    losses
        Errors of the constants.
    model
        ``lif_fixed``, or a model in whole numbers that stands for another one.
    """

    unit_mv: float
    unit_of: Mapping[str, Values]
    exponent: int
    parameters: Mapping[str, Values]
    receptors: tuple[Receptor, ...]
    losses: tuple[Loss, ...]
    model: str = "lif_fixed"

    def apply(self, population: Population) -> Population:
        """The population in registers."""
        return replace(population, model=self.model, parameters=dict(self.parameters), receptors=self.receptors)


def registers_of(network: Network, population: Population, spans: Mapping[int, Span], sheet: FamilySheet) -> Registers:
    """Registers of a population whose time constants are on the chip's grid.

    Parameters
    ----------
    spans
        Largest weight of every projection, by position in the network.
    """
    values = Parameters.of(population)
    cell = {name: np.atleast_1d(value) for name, value in values.values.items()}
    decay_v = decay_per_step(cell["tau_m"], network.dt, sheet)
    per_weight = {r.name: per_weight_of(r, cell, network.dt, sheet) for r in population.receptors}
    levels = 2**sheet.neurons.decay_bits.value
    limit_mv = cell["v_thresh"] - cell["v_reset"]
    bias_mv = (cell["v_rest"] - cell["v_reset"]) * decay_v / levels + cell["i_offset"] / cell["cm"] * cell["tau_m"] * decay_v / levels
    keeps = {r.name: levels / float(decay_of(r, cell, network.dt, sheet).min()) for r in population.receptors}
    inputs = _inputs(network, population, spans, per_weight, keeps)
    exponent, per_mv = _scale(_finest(limit_mv, bias_mv, bias_mv * levels / decay_v, sheet), inputs, sheet)
    unit_mv = 1.0 / per_mv
    rule = sheet.neurons
    mantissa = np.clip(np.rint(limit_mv * per_mv / 2**rule.threshold_shift.value), 1, 2**rule.threshold_bits.value - 1)
    limit = mantissa * 2**rule.threshold_shift.value
    bias = _bias(bias_mv * per_mv, sheet)
    na_of_mv = cell["cm"] / (cell["tau_m"] * decay_v / levels)
    losses = [
        *_error(
            population,
            "v_thresh",
            "mV",
            limit * unit_mv - limit_mv,
            f"Thresholds are multiples of {2**rule.threshold_shift.value * unit_mv:.3g} mV.",
        ),
        *_error(
            population,
            "i_offset",
            "nA",
            (bias * unit_mv - bias_mv) * na_of_mv,
            f"The bias has {rule.bias_bits.value} bits and an exponent; it also makes up for v_rest.",
        ),
    ]
    adaptation, more = _adaptation(population, cell, network.dt, na_of_mv * unit_mv, sheet)
    own: dict[str, Any] = {
        "decay_v": decay_v,
        "bias": bias,
        "threshold": limit,
        "v_low": -(2.0 ** (rule.voltage_bits.value - 1) - 1),
        "v_high": 2.0 ** (rule.voltage_bits.value - 1) - 1,
        "refractory": np.rint(cell["tau_refrac"] / network.dt) + 1,
        "bits": float(rule.current_bits.value),
        "unit_v": unit_mv,
        "zero_v": cell["v_reset"],
        "per_nA": 1.0 / (na_of_mv * unit_mv),
        **adaptation,
        **_QUIET,
    }
    unit_of = {name: compact(unit_mv / factor) for name, factor in per_weight.items()}
    receptors = currents_of(population, cell, unit_of, network.dt, sheet)
    parameters = {name: compact(np.asarray(value, np.float64).reshape(-1)) for name, value in own.items()}
    return Registers(unit_mv, unit_of, exponent, parameters, receptors, (*losses, *more))


def decay_per_step(tau_ms: Floats, dt_ms: float, sheet: FamilySheet) -> Floats:
    """Decay per step of time constants, the nearest whole number of levels, of which there are 4,096."""
    levels = 2**sheet.neurons.decay_bits.value
    return np.clip(np.rint(levels * -np.expm1(-dt_ms / tau_ms)), 1, levels - 1)


def decay_of(receptor: Receptor, cell: Mapping[str, Floats], dt_ms: float, sheet: FamilySheet) -> Floats:
    """The same of a receptor; 4096, no memory at all, for voltage steps."""
    if receptor.kind == "curr_delta":
        return np.array([2.0**sheet.neurons.decay_bits.value])
    return decay_per_step(cell[f"{receptor.name}.tau_syn"], dt_ms, sheet)


def per_weight_of(receptor: Receptor, cell: Mapping[str, Floats], dt_ms: float, sheet: FamilySheet) -> Floats:
    """Voltage (mV) that weight 1 adds in the step in which it arrives, one or one per cell."""
    if receptor.kind == "curr_delta":
        return np.ones(1)
    levels = 2.0**sheet.neurons.decay_bits.value
    per_nA = cell["tau_m"] * decay_per_step(cell["tau_m"], dt_ms, sheet) / levels / cell["cm"]
    return cell[f"{receptor.name}.tau_syn"] / dt_ms * decay_of(receptor, cell, dt_ms, sheet) / levels * per_nA


class _Inputs(NamedTuple):
    """Synaptic input of a population as voltage per step (mV).

    ``step`` is the largest of one synapse, ``aligned`` the one that is to have the largest mantissa, ``mixed`` whether
    its projection has weights of both signs, ``arriving`` what may arrive in one step, ``lasting`` the sum that a
    current may so reach.
    """

    step: float
    aligned: float
    mixed: bool
    arriving: float
    lasting: float


def _inputs(
    network: Network, population: Population, spans: Mapping[int, Span], per_weight: Mapping[str, Floats], keeps: Mapping[str, float]
) -> _Inputs:
    """Inputs of a population; ``keeps`` is how many steps' worth each receptor's current holds."""
    arriving, lasting = 0.0, 0.0
    found: list[tuple[bool, float, bool]] = []
    for index, projection in enumerate(network.projections):
        if all(number != population.id for number, _ in projection.post.parts):
            continue
        one = spans[index].largest * float(per_weight[projection.receptor].max())
        together = one * at_once(network, projection)
        # mantissas of synapses that learn end where their weights do
        found.append((projection.synapse.model in LEARNING, one, spans[index].mixed))
        arriving, lasting = arriving + together, lasting + together * keeps[projection.receptor]
    _, aligned, mixed = max(found, default=(False, 0.0, False))
    return _Inputs(max((one for _, one, _ in found), default=0.0), aligned, mixed, arriving, lasting)


def at_once(network: Network, projection: Projection) -> float:
    """Spikes that may arrive at a cell in one step: four standard deviations above the mean if all sources fire at ``BUSY_HZ``."""
    degree = projection.rule.degree_bound(network.ends(projection))
    mean = degree * min(BUSY_HZ * network.dt / 1000, 1.0)
    return min(mean + 4 * math.sqrt(mean) + 1, degree)


def _finest(limit_mv: Floats, bias_mv: Floats, rest_mv: Floats, sheet: FamilySheet) -> float:
    """Most registers per mV: threshold and bias fit their fields, the voltage reaches as far below rest as the threshold is above."""
    rule = sheet.neurons
    top = (2**rule.threshold_bits.value - 1) * 2**rule.threshold_shift.value / float(limit_mv.max())
    lowest, most = float((2 * rest_mv - limit_mv).min()), float(np.abs(bias_mv).max())
    if lowest < 0:
        top = min(top, (2 ** (rule.voltage_bits.value - 1) - 1) / -lowest)
    if most > 0:
        top = min(top, (2**rule.bias_bits.value - 1) * 2 ** rule.bias_exponents.value[1] / most)
    return top


def _scale(top: float, inputs: _Inputs, sheet: FamilySheet) -> tuple[int, float]:
    """Largest exponent of a weight and registers per mV, at most ``top`` and as many as no register overflows with."""
    rule = sheet.neurons
    if inputs.step == 0 or inputs.aligned == 0:
        return 0, top
    if inputs.arriving > 0:
        top = min(top, 2 ** (rule.input_bits.value - 1) / inputs.arriving, 2 ** (rule.current_bits.value - 1) / inputs.lasting)
    largest, most = (2**sheet.synapses.weight_bits.value - 2) * 2.0**rule.threshold_shift.value, sheet.synapses.exponents.value[1]
    top = min(top, largest * 2.0**most / inputs.step)
    unit = (2**sheet.synapses.weight_bits.value - 1 - inputs.mixed) * 2**rule.threshold_shift.value / inputs.aligned
    exponent = min(math.floor(math.log2(top / unit) + 1e-12), most)
    # weights below the mantissas of exponent 0 gain nothing from lower exponents, which only cut bits off
    return (most, unit * 2.0**exponent) if exponent >= 0 else (most, top)


def _bias(registers: Floats, sheet: FamilySheet) -> Floats:
    """The nearest bias: a mantissa with sign, times a power of two."""
    most = 2**sheet.neurons.bias_bits.value - 1
    exponent = np.ceil(np.log2(np.maximum(np.abs(registers), 1.0) / most))
    exponent = np.clip(exponent, *sheet.neurons.bias_exponents.value)
    return np.clip(np.rint(registers / 2**exponent), -most, most) * 2**exponent


def _adaptation(
    population: Population, cell: Mapping[str, Floats], dt_ms: float, na_per_register: Floats, sheet: FamilySheet
) -> tuple[dict[str, Any], list[Loss]]:
    """Current of a second compartment that every spike of the cell steps through a synapse onto itself."""
    if population.model != "adex":
        return {"decay_a": 0.0, "step_a": 0.0, "unit_a": float(np.max(na_per_register))}, []
    decay = decay_per_step(cell["tau_w"], dt_ms, sheet)
    wanted = cell["b"] * cell["tau_w"] / dt_ms * decay / 2**sheet.neurons.decay_bits.value / na_per_register
    shift, most = sheet.neurons.threshold_shift.value, 2**sheet.synapses.weight_bits.value - 1
    exponent = np.clip(np.ceil(np.log2(np.maximum(np.abs(wanted), 1.0) / (most * 2**shift))), 0, sheet.synapses.exponents.value[1])
    grid = 2.0 ** (exponent + shift)
    step = np.clip(np.rint(wanted / grid), -most, most) * grid
    error = (step - wanted) / np.where(wanted == 0, 1.0, wanted) * cell["b"]
    losses = _error(
        population, "b", "nA", error, "The adaptation is a synapse of a cell onto its second compartment, with an 8-bit weight."
    )
    return {"decay_a": decay, "step_a": -step, "unit_a": na_per_register}, losses


def currents_of(
    population: Population, cell: Mapping[str, Floats], unit_of: Mapping[str, Values], dt_ms: float, sheet: FamilySheet
) -> tuple[Receptor, ...]:
    """Receptors of a population as currents in registers."""
    return _joined([_receptor(r, cell, unit_of, dt_ms, sheet) for r in population.receptors])


def _receptor(receptor: Receptor, cell: Mapping[str, Floats], unit_of: Mapping[str, Values], dt_ms: float, sheet: FamilySheet) -> Receptor:
    """A current in registers."""
    decay = decay_of(receptor, cell, dt_ms, sheet)
    rule = sheet.neurons
    values = {"decay_u": compact(decay), "unit": unit_of[receptor.name], "grain": 1.0, "closed": 0.0}
    bits = {"bits_in": float(rule.input_bits.value), "bits": float(rule.current_bits.value)}
    return Receptor(receptor.name, "fixed", {**values, **bits})


def _joined(receptors: list[Receptor]) -> tuple[Receptor, ...]:
    """Receptors whose currents decay alike follow each other and share the first one's: a compartment has one current."""
    groups: dict[bytes, list[Receptor]] = {}
    for receptor in receptors:
        groups.setdefault(np.asarray(receptor.parameters["decay_u"]).tobytes(), []).append(receptor)
    return tuple(r if k == 0 else Receptor(r.name, "fixed_joined", {}) for group in groups.values() for k, r in enumerate(group))


def _error(population: Population, name: str, unit: str, error: Floats, detail: str) -> list[Loss]:
    """Ledger entry of a constant of which some cells have another value."""
    size = np.abs(np.asarray(error))
    wrong = size > 1e-12
    return [loss_of(population, name, "rounded", size, wrong, unit, detail)] if wrong.any() else []
