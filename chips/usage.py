"""What the synapses of a slice need: expected and nearly certain numbers, from the rules alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neurosim.chips.cache import Remembered
from neurosim.network import Network, Projection

_known: Remembered[float] = Remembered()
#: Standard deviations added to expected numbers, so that a slice hardly ever needs more.
MARGIN = 4.0


def incoming(network: Network, population: int) -> Iterator[tuple[Projection, float]]:
    """Projections onto a population, each with the share of its targets that lies there."""
    for projection in network.projections:
        here = sum(len(indices) for p, indices in projection.post.parts if p == population)
        if here:
            yield projection, here / projection.post.size


def outgoing(network: Network, population: int) -> Iterator[tuple[Projection, float]]:
    """Projections from a population, each with the share of its sources that lies there."""
    for projection in network.projections:
        here = sum(len(indices) for p, indices in projection.pre.parts if p == population)
        if here:
            yield projection, here / projection.pre.size


def expected(network: Network, projection: Projection) -> float:
    """Expected number of synapses; asked of the rule once."""
    return _known.get(network, lambda: projection.rule.expected(network.ends(projection)), (id(projection), "expected"))


def bound(network: Network, projection: Projection, side: str) -> int:
    """Number of synapses that no cell of a side exceeds; asked of the rule once."""
    found = _known.get(network, lambda: projection.rule.degree_bound(network.ends(projection), side=side), (id(projection), side))
    return int(found)


def synapses_per_target(network: Network, projection: Projection) -> float:
    """Expected number of synapses on one postsynaptic cell."""
    return expected(network, projection) / max(projection.post.size, 1)


def slice_synapses(network: Network, projection: Projection, n_neurons: int) -> int:
    """Synapses of a projection on ``n_neurons`` of its targets, nearly certain not to be more."""
    mean = synapses_per_target(network, projection) * n_neurons
    if _even(network, projection, mean, n_neurons):
        return round(mean)
    most = n_neurons * bound(network, projection, "in")
    return min(math.ceil(mean + MARGIN * math.sqrt(mean)), most)


def _even(network: Network, projection: Projection, mean: float, n_neurons: int) -> bool:
    """True if every target has the same number of synapses."""
    return round(mean) == mean == n_neurons * bound(network, projection, "in")


def reaching_sources(network: Network, projection: Projection, n_neurons: int) -> int:
    """Sources with at least one synapse on ``n_neurons`` of the targets."""
    n_pre, n_post = projection.pre.size, projection.post.size
    synapses = expected(network, projection) * n_neurons / max(n_post, 1)
    if not n_pre or not synapses:
        return 0
    chance = synapses / (n_pre * n_neurons)
    silent = (1 - chance) ** n_neurons if chance < 1 else 0.0
    mean = n_pre * (1 - silent)
    return min(n_pre, math.ceil(slice_synapses(network, projection, n_neurons)), math.ceil(mean + MARGIN * math.sqrt(mean * silent)))


def longest_row(network: Network, projection: Projection, n_neurons: int) -> int:
    """Largest number of synapses from one source on ``n_neurons`` of the targets."""
    n_pre = projection.pre.size
    mean = expected(network, projection) * n_neurons / max(n_pre * projection.post.size, 1)
    whole = bound(network, projection, "out")
    spread = MARGIN + math.sqrt(2 * math.log(max(n_pre, 2)))
    return min(whole, math.ceil(mean + spread * math.sqrt(mean) + (spread if mean < 1 else 0)))
