"""What the synapses of a slice need: expected and nearly certain numbers, from the rules alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from neurosim.chips.cache import Remembered
from neurosim.network import Network, Projection

Shares = dict[int, list[tuple[Projection, float]]]

_known: Remembered[float] = Remembered()
_sorted: Remembered[tuple[Shares, Shares]] = Remembered()
#: Standard deviations added to expected numbers, so that a slice hardly ever needs more.
MARGIN = 4.0


def incoming(network: Network, population: int) -> Sequence[tuple[Projection, float]]:
    """Projections onto a population, each with the share of its targets that lies there."""
    return _by_population(network)[1].get(population, ())


def outgoing(network: Network, population: int) -> Sequence[tuple[Projection, float]]:
    """Projections from a population, each with the share of its sources that lies there."""
    return _by_population(network)[0].get(population, ())


def _by_population(network: Network) -> tuple[Shares, Shares]:
    """What leaves and what comes to every population, sorted out once: there may be thousands of both."""
    return _sorted.get(network, lambda: (_shares(network, "pre"), _shares(network, "post")))


def _shares(network: Network, side: str) -> Shares:
    found: Shares = {}
    for projection in network.projections:
        selection, here = getattr(projection, side), Counter[int]()
        for population, indices in selection.parts:
            here[population] += len(indices)
        for population, n in here.items():
            if n:
                found.setdefault(population, []).append((projection, n / selection.size))
    return found


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
    most = n_neurons * bound(network, projection, "in")
    if not even(projection):
        return min(most, _with_margin(expected(network, projection)))
    return min(most, _with_margin(synapses_per_target(network, projection) * n_neurons))


def reaching_sources(network: Network, projection: Projection, n_neurons: int) -> int:
    """Sources with at least one synapse on ``n_neurons`` of the targets, nearly certain not to be more."""
    n_pre, synapses = projection.pre.size, slice_synapses(network, projection, n_neurons)
    if not even(projection) or not n_pre:
        return min(n_pre, synapses)
    chance = expected(network, projection) / (n_pre * projection.post.size)
    silent = (1 - chance) ** n_neurons if chance < 1 else 0.0
    mean = n_pre * (1 - silent)
    return min(n_pre, synapses, math.ceil(mean + MARGIN * math.sqrt(mean * silent)))


def longest_row(network: Network, projection: Projection, n_neurons: int) -> int:
    """Largest number of synapses from one source on ``n_neurons`` of the targets."""
    whole, n_pre = bound(network, projection, "out"), projection.pre.size
    if not several_per_pair(projection):
        whole = min(whole, n_neurons)
    if not even(projection) or not n_pre:
        return whole
    mean = expected(network, projection) * n_neurons / (n_pre * projection.post.size)
    spread = 1 + math.sqrt(2 * math.log(max(n_pre, 2)))
    return min(whole, math.ceil(mean + spread * math.sqrt(mean) + 1))


def _with_margin(mean: float) -> int:
    return math.ceil(mean + MARGIN * math.sqrt(mean) - 1e-9)


def even(projection: Projection) -> bool:
    """True if a rule treats all pairs alike, so that a part of the targets gets its share."""
    from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal

    rule = projection.rule
    return isinstance(rule, AllToAll | Bernoulli | FixedTotal | FixedIn | FixedOut) and isinstance(getattr(rule, "n", 0), int)


def several_per_pair(projection: Projection) -> bool:
    """True if a pair of cells may have more than one synapse."""
    from neurosim.connectivity import Table

    return isinstance(projection.rule, Table) or getattr(projection.rule, "with_replacement", False)
