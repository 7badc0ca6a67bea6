"""Packets between cores, and which cores each core sends to: counted, or expected from the rules.

A network whose rules treat all pairs of cells alike need not be expanded: which cells share a core
makes no difference there, and the expected numbers are as good as counted ones. Where a rule has
structure (lists, distances, one to one) the synapses are counted one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal
from neurosim.mapping.fanout import bases, cells, fanout_of
from neurosim.mapping.options import EFFORTS, Options
from neurosim.mapping.structures import CoreGraph, Fanout, Float32, Floats, Int32, Int64, Nets
from neurosim.network import Network, Projection

_EVEN = (AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal)


def has_structure(network: Network) -> bool:
    """True if it matters which cells of a population share a core."""
    return any(not isinstance(p.rule, _EVEN) and p.pre.size and p.post.size for p in network.projections)


def expected_synapses(network: Network) -> float:
    """Expected number of synapses of all projections."""
    return float(sum(p.rule.expected(network.ends(p)) for p in network.projections))


def table_of(network: Network, options: Options) -> Fanout | None:
    """Targets of every cell, where it matters which cells share a core and there are not too many to look; else ``None``."""
    if not has_structure(network) or expected_synapses(network) > EFFORTS[options.effort]:
        return None
    return fanout_of(network, options.rates)


def expected_reach(network: Network, core_of: Sequence[Int32], n_cores: int, rate: Float32) -> tuple[CoreGraph, Nets]:
    """Expected packets between cores, and for every core the cores it may send to.

    Parameters
    ----------
    core_of
        Per population the core of each cell, -1 off chip.
    rate
        Packets of each cell, counted through all populations.

    Returns
    -------
    CoreGraph, Nets
        Pairs are taken as independent, so rules with structure look less local than they are.
    """
    packets = np.zeros((n_cores, n_cores))
    sent = np.zeros(n_cores)
    first = bases(network)
    for population, hit in hit_probabilities(network, core_of, n_cores):
        cores, rates = core_of[population], rate[first[population] : first[population + 1]].astype(np.float64)
        here = np.bincount(cores[cores >= 0], rates[cores >= 0], n_cores)
        packets += np.outer(here, hit)
        sent += here
    return _graph(packets), _nets(packets, sent)


def _graph(packets: Floats) -> CoreGraph:
    source, target = np.nonzero(packets)
    remote = source != target
    return CoreGraph(source[remote], target[remote], packets[source[remote], target[remote]])


def _nets(packets: Floats, sent: Floats) -> Nets:
    source, target = np.nonzero(packets)
    senders, counts = np.unique(source, return_counts=True)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Nets(senders.astype(np.int32), indptr, target.astype(np.int32), sent[senders].astype(np.float32))


def hit_probabilities(network: Network, core_of: Sequence[Int32], n_cores: int) -> Iterator[tuple[int, Floats]]:
    """Per population with outputs the probability that a cell has a target on each core."""
    outputs: dict[int, list[tuple[Projection, float]]] = {}
    for projection in network.projections:
        for population, indices in projection.pre.parts:
            share = len(indices) / max(network.populations[population].size, 1)
            outputs.setdefault(population, []).append((projection, share))
    every = np.concatenate([np.empty(0, np.int32), *core_of]).astype(np.int64)
    miss_of = {p.id: _miss_probability(network, p, every, n_cores) for p in network.projections}
    for population, projections in outputs.items():
        miss = np.ones(n_cores)
        for projection, share in projections:
            miss *= 1.0 - share * (1.0 - miss_of[projection.id])
        yield population, 1.0 - miss


def _miss_probability(network: Network, projection: Projection, core_of: Int64, n_cores: int) -> Floats:
    """Probability that one source has no target on each core, pairs taken as independent."""
    ends = network.ends(projection)
    cores = core_of[cells(bases(network), projection.post)]
    targets = np.bincount(cores[cores >= 0], minlength=n_cores).astype(np.float64)
    density = projection.rule.expected(ends) / max(ends.n_pre * ends.n_post, 1)
    if getattr(projection.rule, "with_replacement", False):
        return np.exp(-density * targets)
    return np.power(1.0 - min(density, 1.0), targets)
