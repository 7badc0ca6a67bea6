"""Weights on Loihi: 8-bit mantissas with one exponent per projection.

A weight acts as mantissa * 2^exponent * 64 registers. The scale of a population
(:mod:`neurosim.chips.loihi.registers`) is such that its largest weight gets the largest mantissa; every
projection onto it has the smallest exponent from 0 that holds its own largest weight, outliers left out
(:mod:`neurosim.chips.loihi.reach`).
Projections with weights of both signs lose one bit: their mantissas are even, -256 to 254.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neurosim.chips.loihi.sheet import FamilySheet
from neurosim.chips.realise import grid_delays, weight_statistics
from neurosim.chips.values import Values, at, compact, on_post
from neurosim.network import Network, Population, Projection, Rows


@dataclass(frozen=True, slots=True, eq=False)
class MantissaFormat:
    """Format of one projection.

    Attributes
    ----------
    unit
        Weight of mantissa 1: one, or one per postsynaptic index.
    largest
        Largest mantissa, 255 for 8 bits.
    mixed
        True if weights of both signs occur.
    dt_ms, longest_ms
        Grid and upper end of the delays.
    """

    unit: Values
    largest: int
    mixed: bool
    dt_ms: float
    longest_ms: float

    def kept(self, rows: Rows) -> None:
        """Every synapse exists."""

    def _units(self, rows: Rows) -> Values:
        return at(self.unit, rows.post)

    def weights(self, rows: Rows) -> Values:
        """Weight on the grid of mantissas."""
        unit = self._units(rows)
        held = encode(rows.columns["weight"], unit, self.largest, mixed=self.mixed) * unit
        return float(held) if np.ndim(held) == 0 else held

    def limit(self, rows: Rows) -> Values:
        """Largest absolute weight that can be held."""
        return (self.largest + (0 if self.mixed else 0.5)) * self._units(rows)

    def delays(self, rows: Rows) -> Values:
        """Delay on the grid of time steps."""
        return grid_delays(rows.columns["delay"], self.dt_ms, self.longest_ms)


def encode(weights: Values, unit: Values, largest: int, *, mixed: bool) -> Values:
    """Mantissas (as floats): rounded to the nearest, clipped."""
    scaled = np.divide(weights, unit)
    if mixed:
        return np.clip(2 * np.rint(scaled / 2), -largest - 1, largest - 1)
    return np.clip(np.rint(scaled), -largest, largest)


class Scale(Protocol):
    """What a population's registers stand for; see :class:`~neurosim.chips.loihi.registers.Registers`."""

    @property
    def unit_of(self) -> Mapping[str, Values]:
        """Weight of one register, by receptor."""
        ...

    @property
    def exponent(self) -> int:
        """Largest exponent of a weight."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """Weights of a projection.

    Attributes
    ----------
    largest
        Largest absolute weight that is to be held.
    mixed
        Whether weights of both signs occur.
    typical, mean
        Root of their mean square, and the absolute value of their mean.
    given
        Largest absolute weight that was given.
    """

    largest: float
    mixed: bool
    typical: float = 0.0
    mean: float = 0.0
    given: float = 0.0


def span_of(network: Network, projection: Projection) -> Span:
    """Span of the weights of a projection as they were given, including what plasticity may reach."""
    n_synapses = projection.rule.expected(network.ends(projection))
    known = weight_statistics(network, projection, n_synapses)
    low, high = known.low, known.high
    rule, products = projection.synapse.plasticity, projection.synapse.products
    if rule is not None and projection.synapse.model == "stdp":
        low, high = min(low, rule.w_min, rule.w_max), max(high, rule.w_min, rule.w_max)
    if products is not None:
        low, high = min(low, products.w_max), max(high, products.w_max)
    largest = max(abs(low), abs(high))
    return Span(largest, low < 0 < high, math.hypot(known.mean, math.sqrt(known.variance)), abs(known.mean), largest)


def spans(network: Network) -> dict[int, Span]:
    """Span of every projection, by position in the network."""
    return {index: span_of(network, projection) for index, projection in enumerate(network.projections)}


def format_of(network: Network, index: int, found: Mapping[int, Span], units: Mapping[int, Scale], sheet: FamilySheet) -> MantissaFormat:
    """Format of a projection from the scales of the populations it goes to."""
    projection, span, rule = network.projections[index], found[index], sheet.synapses
    largest = 2**rule.weight_bits.value - 1

    def unit(population: Population) -> Values:
        scale = units[population.id]
        register = scale.unit_of[projection.receptor] * 2.0**sheet.neurons.threshold_shift.value
        if span.largest == 0:
            return register
        reach = (largest - span.mixed) * np.max(register)
        # the smallest exponent that holds the largest weight; below 0 the chip only cuts bits off the mantissa
        exponent = math.ceil(math.log2(span.largest / reach) - 1e-9)
        return register * 2.0 ** min(max(exponent, 0), scale.exponent)

    longest_ms = (rule.longest_delay.value + 1) * network.dt
    return MantissaFormat(compact(on_post(network, projection, unit)), largest, span.mixed, network.dt, longest_ms)
