"""Weights on Loihi: 8-bit mantissas with one exponent per projection.

The unit of a target population is set by its largest weight, which gets the largest mantissa.
Every projection onto it has its own power of two below that unit, as far as exponents reach.
Projections with weights of both signs lose one bit: their mantissas are even, -256 to 254.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurosim.chips.loihi.sheet import Synapses
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


@dataclass(frozen=True, slots=True)
class Span:
    """Largest absolute weight of a projection, and whether weights of both signs occur."""

    largest: float
    mixed: bool


def span_of(network: Network, projection: Projection) -> Span:
    """Span of the weights of a projection, including what plasticity may reach."""
    n_synapses = projection.rule.expected(network.ends(projection))
    known = weight_statistics(network, projection, n_synapses)
    low, high = known.low, known.high
    rule = projection.synapse.plasticity
    if rule is not None and projection.synapse.model == "stdp":
        low, high = min(low, rule.w_min, rule.w_max), max(high, rule.w_min, rule.w_max)
    return Span(max(abs(low), abs(high)), low < 0 < high)


def spans(network: Network) -> dict[int, Span]:
    """Span of every projection, by position in the network."""
    return {index: span_of(network, projection) for index, projection in enumerate(network.projections)}


def format_of(network: Network, index: int, found: dict[int, Span], rule: Synapses, longest_ms: float) -> MantissaFormat:
    """Format of a projection from the spans of all projections."""
    projection, span = network.projections[index], found[index]
    largest = 2**rule.weight_bits.value - 1
    low, high = rule.exponents.value

    def unit(population: Population) -> float:
        top = max(found[other].largest for other, p in enumerate(network.projections) if any(q == population.id for q, _ in p.post.parts))
        if span.largest == 0 or top == 0:
            return 1.0
        # the smallest power of two that still holds the largest weight
        finer = min(high - low, math.floor(math.log2(top / span.largest) + 1e-12))
        return top / _reach(largest, found, network, population, top) / 2.0**finer

    return MantissaFormat(compact(on_post(network, projection, unit)), largest, span.mixed, network.dt, longest_ms)


def _reach(largest: int, found: dict[int, Span], network: Network, population: Population, top: float) -> int:
    """Mantissa of a population's largest weight: one less if that projection has weights of both signs."""
    at_top = [
        found[other].mixed
        for other, p in enumerate(network.projections)
        if found[other].largest == top and any(q == population.id for q, _ in p.post.parts)
    ]
    return largest - 1 if any(at_top) else largest
