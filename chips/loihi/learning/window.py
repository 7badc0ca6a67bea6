"""What a pair of spikes changes on average, and how far that is from the ideal window.

The mean is not simulated: the distribution of a trace over its 128 values is carried from step to step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.chips.loihi.learning.rules import Product, default_limits
from neurosim.chips.loihi.learning.traces import Decay, Trace, decay_factor
from neurosim.columns import Floats

if TYPE_CHECKING:
    from neurosim.chips.loihi.sheet import Learning

SMALL = 0.01
"""Share of the largest change below which relative errors say nothing."""


@dataclass(frozen=True, slots=True)
class WindowError:
    """Distance of the mean window of isolated pairs from the ideal one, for lags of up to ``span_ms`` either way.

    Attributes
    ----------
    mean_relative, largest_relative
        |change - ideal| / |ideal|, over the lags and weights where the ideal change is at least a
        hundredth of the largest.
    largest_of_peak
        Largest distance at any lag, in units of the largest ideal change.
    span_ms
        Lags are from ``-span_ms`` to ``span_ms``, without 0.
    """

    mean_relative: float
    largest_relative: float
    largest_of_peak: float
    span_ms: float


def mean_changes(products: list[Product], trace: Trace, decay: Decay, n_steps: int, weight: int) -> Floats:
    """Mean change by products of one trace and the weight, 1 to ``n_steps`` steps after the trace's only spike.

    In units of the weight's mantissa, before it is rounded (which does not change the mean); shape (n_steps,).
    """
    limits = default_limits()
    values = np.arange(2**limits.trace_bits.value)
    gains = sum((_gains(product, values, weight, limits) for product in products), np.zeros(values.size))
    found = [float(chances @ gains) for chances in _distributions(trace, decay, n_steps, limits)]
    return np.array(found)


def _gains(product: Product, values: np.ndarray, weight: int, limits: Learning) -> Floats:
    """Change by one product for every value of its trace."""
    point = limits.accumulator_bits.value - limits.variable_bits.value
    total = np.full(values.size, product.mantissa, np.int64)
    for factor in product.factors:
        total = total * (weight if factor.name == "w" else values)
    total = (total >> product.shift(limits)) << (product.exponent + point)
    top = 2 ** (limits.accumulator_bits.value - 1)
    return np.clip(total, -top, top - 1) / 2.0**point


def _distributions(trace: Trace, decay: Decay, n_steps: int, limits: Learning) -> Iterator[Floats]:
    """Chances of every value of a trace, step by step after a spike that found it at 0."""
    size, unit = 2**limits.trace_bits.value, 2**limits.impulse_fraction_bits.value
    decayed = np.arange(size) * decay_factor(trace.tau_steps, decay)
    down = decayed.astype(np.int64)
    moves = np.zeros((size, size))
    np.add.at(moves, (np.arange(size), down), 1.0 - (decayed - down))
    np.add.at(moves, (np.arange(size), np.minimum(down + 1, size - 1)), decayed - down)
    whole, part = divmod(round(trace.impulse * unit), unit)
    chances = np.zeros(size)
    chances[whole], chances[min(whole + 1, size - 1)] = 1.0 - part / unit, part / unit
    if whole == size - 1:
        chances[whole] = 1.0
    for _ in range(n_steps):
        chances = chances @ moves
        yield chances


def compare(ideal: Floats, found: Floats, span_ms: float) -> WindowError:
    """Error of changes, given with the ideal ones for all lags, sides and weights."""
    distance, peak = np.abs(found - ideal), float(np.abs(ideal).max())
    large = np.abs(ideal) >= SMALL * peak
    relative = distance[large] / np.abs(ideal[large])
    return WindowError(float(relative.mean()), float(relative.max()), float(distance.max() / peak), span_ms)
