"""Numbers out of lazy columns: values per cell, bounds and statistics of synaptic columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple, cast

import numpy as np

from neurosim.columns import Column, Floats, Integers, Random, is_homogeneous
from neurosim.network import Network, Population, Projection, Receptor

Values = float | Floats
_NORMAL = NormalDist()


def cell_values(column: Column, size: int, key: str = "") -> Values:
    """A population's column as one float, or as float64 (size,).

    ``key`` tells the column from others, see :func:`parameter`.
    """
    if is_homogeneous(column):
        return float(cast(float, column))
    from neurosim.connectivity.columns import population_values

    return np.asarray(population_values(column, size, key), np.float64)


def compact(values: Values) -> Values:
    """One float if all values are equal, else the array."""
    if isinstance(values, float | int):
        return float(values)
    return float(values[0]) if len(values) and (values == values[0]).all() else values


def at(values: Values, index: Integers) -> Values:
    """Values at some indices; one float stays one float."""
    return float(values) if isinstance(values, float | int) else values[index]


def parameter(population: Population, name: str) -> Values:
    """One parameter of a population, evaluated to the numbers that the engine would draw."""
    return cell_values(population.parameters[name], population.size, f"{population.id}/parameters/{name}")


def receptor_parameter(population: Population, receptor: Receptor, name: str) -> Values:
    """One parameter of a receptor, evaluated to the numbers that the engine would draw."""
    return cell_values(receptor.parameters[name], population.size, f"{population.id}/{receptor.name}/{name}")


def synaptic_column(projection: Projection, name: str) -> Column:
    """A column of a projection; an explicit table of synapses overrides the synapse model's."""
    own = getattr(projection.rule, "columns", {})
    return own.get(name, projection.synapse.columns[name])


def on_post(network: Network, projection: Projection, per_cell: Callable[[Population], Values]) -> Values:
    """Value of each postsynaptic cell of a projection, in the order of its selection."""
    parts: list[Floats] = []
    for population_id, indices in projection.post.parts:
        values = per_cell(network.populations[population_id])
        parts.append(np.full(len(indices), at(values, indices)))
    return compact(np.concatenate(parts)) if parts else 1.0


class Statistics(NamedTuple):
    """Statistics of a column over its synapses.

    ``low`` and ``high`` are bounds that hold for nearly all draws; ``certain`` says that they are
    the least and largest value. No value is above ``ceiling``.
    """

    mean: float
    variance: float
    low: float
    high: float
    certain: bool = True
    ceiling: float = math.inf


def statistics(column: Column, n_draws: float = 1.0) -> Statistics | None:
    """Statistics of a synaptic column without expanding it; ``None`` for an expression.

    ``low`` and ``high`` are the values that ``n_draws`` draws stay within with 99 % probability.
    """
    if is_homogeneous(column):
        value = float(cast(float, column))
        return Statistics(value, 0.0, value, value, ceiling=value)
    if isinstance(column, Random):
        return _random(column, max(n_draws, 1.0))
    if isinstance(column, np.ndarray):
        known = column[np.isfinite(column)]
        if not len(known):
            return Statistics(0.0, 0.0, 0.0, 0.0, ceiling=0.0)
        top = float(known.max())
        return Statistics(float(known.mean()), float(known.var()), float(known.min()), top, ceiling=top)
    return None


def _random(column: Random, n_draws: float) -> Statistics:
    tail = 0.01 / n_draws
    p = column.parameters
    if column.distribution == "uniform":
        low, high = p["low"], p["high"]
        span = high - low
        return Statistics((low + high) / 2, span * span / 12, low + tail * span, high - tail * span, False, high)
    if column.distribution == "normal":
        reach = -_NORMAL.inv_cdf(tail) * p["sigma"]
        return Statistics(p["mu"], p["sigma"] ** 2, p["mu"] - reach, p["mu"] + reach, certain=False)
    if column.distribution in ("normal_clipped", "normal_clipped_to_boundary"):
        return _truncated(p["mu"], p["sigma"], p["low"], p["high"], tail)
    return _sampled(column)


def _truncated(mu: float, sigma: float, low: float, high: float, tail: float) -> Statistics:
    a, b = ((edge - mu) / sigma for edge in (low, high))
    cdf_a, cdf_b = _NORMAL.cdf(a), _NORMAL.cdf(b)
    mass = max(cdf_b - cdf_a, 1e-300)
    pdf_a, pdf_b = _NORMAL.pdf(a), _NORMAL.pdf(b)
    shift = (pdf_a - pdf_b) / mass
    spread = 1 + ((a * pdf_a if math.isfinite(a) else 0.0) - (b * pdf_b if math.isfinite(b) else 0.0)) / mass - shift**2
    ends = (_quantile(cdf_a + q * mass) for q in (tail, 1 - tail))
    lowest, highest = (mu + sigma * z for z in ends)
    return Statistics(mu + sigma * shift, sigma**2 * spread, max(lowest, low), min(highest, high), False, high)


def _quantile(q: float) -> float:
    return _NORMAL.inv_cdf(min(max(q, 1e-300), 1 - 1e-16))


def _sampled(column: Random, n_samples: int = 20_000) -> Statistics:
    drawn = cast(Floats, cell_values(column, n_samples))
    return Statistics(float(drawn.mean()), float(drawn.var()), float(drawn.min()), float(drawn.max()), certain=False)


def binomial_quantile(q: float, trials: int, p: float) -> int:
    """Smallest k with P(X <= k) >= q for a binomial X."""
    if trials <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return trials
    mean, deviation = trials * p, math.sqrt(trials * p * (1 - p))
    start, stop = max(0, int(mean - 12 * deviation - 12)), min(trials, int(mean + 12 * deviation + 40))
    ks = range(start, stop + 1)
    cumulated = np.cumsum(np.exp(log_binomial(ks, trials, p)))
    return start + min(int(np.searchsorted(cumulated, q)), stop - start)


def log_binomial(ks: Sequence[int], trials: int, p: float) -> Floats:
    """Logarithms of the probabilities that a binomial variable is each of ``ks``; 0 < p < 1."""
    whole, log_p, log_q = math.lgamma(trials + 1), math.log(p), math.log1p(-p)
    return np.array([whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log_p + (trials - k) * log_q for k in ks])
