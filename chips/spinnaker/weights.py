"""Weights on SpiNNaker: 16-bit words whose scale, the ring-buffer shift, is chosen by load.

All synapses of one type of one population share a shift. It is the smallest for which the sum of
what may arrive in one step stays below the end of the 16-bit ring buffer.

References
----------
sPyNNaker 7.4.1, choice of ring-buffer shifts; 36 shifts of its runs are reproduced by
:func:`shift_of`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neurosim.chips.realise import grid_delays, weight_statistics
from neurosim.chips.spinnaker.sheet import Weights
from neurosim.chips.values import Values, at, binomial_quantile, compact, on_post, statistics, synaptic_column
from neurosim.network import Network, Population, Projection, Rows

_MISSING_IN = 1e-4
_MISSING_TOTAL = 1e-2


class Load(NamedTuple):
    """What one projection sends to one synapse type of one population.

    ``n_in`` synapses on a postsynaptic neuron at most; mean, variance and largest size of their
    weights in the user's unit; variance of their delays in ms^2.
    """

    n_in: float
    mean: float
    variance: float
    largest: float
    delay_variance: float


def largest_sum(loads: Iterable[Load], rule: Weights, dt_ms: float, *, conductance: bool) -> float:
    """Largest sum of weights (scaled) that is expected in one step on one neuron."""
    loads = [load for load in loads if load.n_in > 0]
    if not loads:
        return 0.0
    scale = rule.conductance_scale.value if conductance else 1.0
    per_step = rule.default_rate.value * dt_ms / 1000
    n = sum(load.n_in for load in loads)
    largest = scale * max(load.largest for load in loads)
    # the tool chain does not scale this sum for conductances; kept, since it decides real shifts
    together = max(1.0, per_step) * sum(load.largest * load.n_in for load in loads)
    if all(load.delay_variance == 0 for load in loads):
        return max(together, largest)
    mean = scale * sum(load.n_in * load.mean for load in loads) / n
    variance = sum(load.n_in * (scale**2 * load.variance + (scale * load.mean - mean) ** 2) for load in loads) / n
    rate = n * per_step
    spread = rule.sigma.value * math.sqrt(rate * mean**2 + _weight_variance(rate, variance))
    return max(min(rate * mean + spread, together), largest)


def _weight_variance(rate: float, variance: float) -> float:
    """Sum over Poisson counts k up to rate + 3 sqrt(rate) of P(k) k variance."""
    top = round(rate + 3 * math.sqrt(rate))
    counts = np.arange(1, top + 1)
    logs = counts * math.log(rate) - rate - np.array([math.lgamma(k + 1) for k in counts])
    return variance * float(np.sum(counts * np.exp(logs)))


def shift_of(largest: float) -> int:
    """Left shift of the ring buffer: the smallest power of two above the largest sum."""
    if largest <= 0:
        return 0
    shift = max(0, math.ceil(math.log2(largest)))
    return shift + 1 if 2**shift <= largest else shift


def step_of(shift: int, rule: Weights, *, conductance: bool) -> float:
    """Weight (uS, nA or mV) of one unit of the 16-bit word."""
    return 2.0 ** (shift - (rule.bits.value - 1)) / (rule.conductance_scale.value if conductance else 1.0)


def shifts(network: Network, population: Population, rule: Weights) -> dict[str, int]:
    """Ring-buffer shift of each receptor of a population."""
    found = {}
    for receptor in population.receptors:
        loads = [
            load_of(network, projection, indices)
            for projection in network.projections
            if projection.receptor == receptor.name
            for p, indices in projection.post.parts
            if p == population.id and len(indices)
        ]
        largest = largest_sum(loads, rule, network.dt, conductance=receptor.kind.startswith("cond"))
        found[receptor.name] = shift_of(largest)
    return found


def load_of(network: Network, projection: Projection, indices: np.ndarray) -> Load:
    """What a projection sends to some of its postsynaptic cells."""
    ends = network.ends(projection)
    n_draws = projection.rule.expected(ends) * len(indices) / max(ends.n_post, 1)
    weight = weight_statistics(network, projection, n_draws)
    delay = statistics(synaptic_column(projection, "delay"))
    top = abs(weight.low) if weight.mean < 0 else weight.high
    plasticity = projection.synapse.plasticity
    mean, variance = abs(weight.mean), weight.variance
    if plasticity is not None and projection.synapse.model == "stdp":
        mean, top, variance = abs(plasticity.w_max), max(abs(plasticity.w_max), abs(top)), 0.0
    # delays from a formula differ; their variance only has to be known to be above zero
    return Load(most_inputs(network, projection), mean, variance, abs(top), delay.variance if delay else 1.0)


def most_inputs(network: Network, projection: Projection) -> int:
    """Largest number of synapses on one postsynaptic neuron, as the tool chain expects it."""
    from neurosim.connectivity import Bernoulli, FixedTotal

    ends, rule = network.ends(projection), projection.rule
    if isinstance(rule, Bernoulli) and ends.n_pre and ends.n_post:
        return binomial_quantile(1 - _MISSING_IN / (ends.n_pre * ends.n_post), ends.n_pre, rule.p)
    if isinstance(rule, FixedTotal) and rule.n and ends.n_post:
        return binomial_quantile(1 - _MISSING_TOTAL / rule.n, rule.n, 1 / ends.n_post)
    return rule.degree_bound(ends)


def encode(weights: Values, step: Values, bits: int) -> Values:
    """Weight words (as floats): rounded to the nearest, half to even, saturating."""
    return np.minimum(np.rint(np.abs(weights) / step), 2**bits - 1)


@dataclass(frozen=True, slots=True, eq=False)
class RingBufferFormat:
    """Format of one projection.

    Attributes
    ----------
    step
        Weight of one unit: one, or one per postsynaptic index.
    bits
        Size of the weight word.
    dt_ms, longest_ms
        Grid and upper end of the delays.
    """

    step: Values
    bits: int
    dt_ms: float
    longest_ms: float

    def kept(self, rows: Rows) -> None:
        """Every synapse exists."""

    def _steps(self, rows: Rows) -> Values:
        return at(self.step, rows.post)

    def weights(self, rows: Rows) -> Values:
        """Weight on the 16-bit grid, with its sign."""
        asked, step = rows.columns["weight"], self._steps(rows)
        held = np.sign(asked) * encode(asked, step, self.bits) * step
        return float(held) if np.ndim(held) == 0 else held

    def limit(self, rows: Rows) -> Values:
        """Largest weight of the word."""
        return (2**self.bits - 0.5) * self._steps(rows)

    def delays(self, rows: Rows) -> Values:
        """Delay on the grid of time steps, at least one."""
        return grid_delays(rows.columns["delay"], self.dt_ms, self.longest_ms)


def format_of(
    network: Network, projection: Projection, rule: Weights, found: dict[int, dict[str, int]], longest_ms: float
) -> RingBufferFormat:
    """Format of a projection from the shifts of all populations."""

    def step(population: Population) -> float:
        receptor = population.receptors[population.receptor_index(projection.receptor)]
        return step_of(found[population.id][receptor.name], rule, conductance=receptor.kind.startswith("cond"))

    return RingBufferFormat(compact(on_post(network, projection, step)), rule.bits.value, network.dt, longest_ms)
