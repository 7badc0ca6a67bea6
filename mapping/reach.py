"""Packets between cores, and which cores each core sends to: counted, or expected from the rules.

A network whose rules treat all pairs of cells alike need not be expanded: which cells share a core
makes no difference there, and the expected numbers are as good as counted ones. Where a rule has
structure (lists, distances, one to one) the synapses are counted one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from neurosim.chips.chip import Chip, SynapseCount
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal
from neurosim.mapping.fanout import bases, cells, fanout_of
from neurosim.mapping.options import EFFORTS, Options
from neurosim.mapping.structures import CoreGraph, Fanout, Float32, Floats, Int32, Int64, Nets
from neurosim.network import Network, Projection

#: Most synapses of which it is counted one by one what they take of a core.
MAX_LISTED = 20_000_000
_EVEN = (AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal)


class Senders(NamedTuple):
    """Cells of one population that are sources of the same projections.

    Attributes
    ----------
    population
        Its id.
    cells
        int64 (n,): their indices.
    projections
        These projections; one occurs twice if the cells are twice in its selection.
    cores
        int64 (n_targets,): cores on which the cells may have targets, sorted.
    hit
        float64 (n_targets,): probability that one of the cells has any there, above 0.
    """

    population: int
    cells: Int64
    projections: tuple[Projection, ...]
    cores: Int64
    hit: Floats


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


def listed_of(network: Network, chip: Chip, options: Options) -> SynapseCount | None:
    """Counter of what synapses take of a core, where a chip has limits on that and there are not too many to look; else ``None``."""
    wanted = any(limit.counts == "synapses" for limit in chip.limits())
    return chip.listed(network) if wanted and 0 < expected_synapses(network) <= MAX_LISTED else None


def expected_reach(network: Network, core_of: Sequence[Int32], n_cores: int, rate: Float32) -> tuple[CoreGraph, Nets]:
    """Expected packets between cores, and for every core the cores it may send to.

    Parameters
    ----------
    core_of
        Per population the core of each cell, -1 off chip.
    rate
        Packets of each cell, counted through all populations. A cell that is never to fire has its way all the same.

    Returns
    -------
    CoreGraph, Nets
        Pairs are taken as independent, so rules with structure look less local than they are.
    """
    first, groups = bases(network), list(senders(network, core_of, n_cores))
    rates = [rate[first[g.population] + g.cells].astype(np.float64) for g in groups]
    hits, numbers = hit_table(groups, n_cores), sender_table(groups, core_of, n_cores)
    pairs = numbers @ hits
    pairs.sort_indices()
    counts = np.diff(pairs.indptr)
    source, target = np.repeat(np.arange(n_cores), counts), pairs.indices.astype(np.int64)
    packets = _at(source * n_cores + target, sender_table(groups, core_of, n_cores, rates) @ hits)
    remote, senders_at = source != target, np.flatnonzero(counts)
    sending = [k for k, group in enumerate(groups) if len(group.cores)]
    sent = sender_table([groups[k] for k in sending], core_of, n_cores, [rates[k] for k in sending]).sum(axis=1)
    graph = CoreGraph(source[remote], target[remote], packets[remote])
    weight = np.asarray(sent, np.float64).reshape(-1)[senders_at].astype(np.float32)
    indptr = np.append(pairs.indptr[senders_at], len(target)).astype(np.int64)
    return graph, Nets(senders_at.astype(np.int32), indptr, target.astype(np.int32), weight)


def _at(keys: Int64, table: Any) -> Floats:
    """Values of a table at places given as sorted keys; 0 where it has none, as where nobody is to fire."""
    found, values = np.zeros(len(keys)), table.tocoo()
    found[np.searchsorted(keys, values.row.astype(np.int64) * table.shape[1] + values.col)] = values.data
    return found


def hit_table(groups: Sequence[Senders], n_cores: int) -> Any:
    """Probability that a cell of each group has a target on each core, a scipy CSR matrix (n_groups, n_cores)."""
    from scipy.sparse import csr_matrix

    indptr = np.cumsum([0, *(len(group.cores) for group in groups)])
    hit = np.concatenate([np.empty(0), *(group.hit for group in groups)])
    return csr_matrix((hit, np.concatenate([np.empty(0, np.int64), *(group.cores for group in groups)]), indptr), (len(groups), n_cores))


def sender_table(groups: Sequence[Senders], core_of: Sequence[Int32], n_cores: int, rates: Sequence[Floats] | None = None) -> Any:
    """Cells of each group on each core, or the sum of what they send, a scipy CSR matrix (n_cores, n_groups), without cells off chip."""
    from scipy.sparse import csr_matrix

    cores = [core_of[group.population][group.cells].astype(np.int64) for group in groups]
    column = np.repeat(np.arange(len(groups)), [len(each) for each in cores])
    row = np.concatenate([np.empty(0, np.int64), *cores])
    values = np.concatenate([np.empty(0), *(rates if rates is not None else [np.ones(len(each)) for each in cores])])
    on_chip = row >= 0
    return csr_matrix((values[on_chip], (row[on_chip], column[on_chip])), (n_cores, len(groups)))


def senders(network: Network, core_of: Sequence[Int32], n_cores: int) -> Iterator[Senders]:
    """All cells that are sources, grouped by population and by the projections they are sources of."""
    outputs: dict[int, list[tuple[Projection, Int64]]] = {}
    for projection in network.projections:
        for population, indices in projection.pre.parts:
            outputs.setdefault(population, []).append((projection, np.asarray(indices, np.int64)))
    first, every = bases(network), np.concatenate([np.empty(0, np.int32), *core_of]).astype(np.int64)
    miss_of = {p.id: _miss_probability(network, p, every[cells(first, p.post)]) for p in network.projections}
    miss = np.ones(n_cores)
    for population, parts in outputs.items():
        for members, projections in _classes(network.populations[population].size, parts):
            for projection in projections:
                cores, each = miss_of[projection.id]
                miss[cores] *= each
            reached = np.unique(np.concatenate([miss_of[projection.id][0] for projection in projections]))
            reached = reached[miss[reached] < 1.0]
            yield Senders(population, members, projections, reached, 1.0 - miss[reached])
            miss[reached] = 1.0


def _classes(size: int, parts: Sequence[tuple[Projection, Int64]]) -> Iterator[tuple[Int64, tuple[Projection, ...]]]:
    """Cells of a population that are in the same parts, and the projections of these."""
    if not size:
        return
    label, n_labels = np.zeros(size, np.int64), 1
    for _, indices in parts:
        found, new = np.unique(label[indices], return_inverse=True)
        label[indices] = n_labels + new.reshape(-1)
        n_labels += len(found)
    found, label = np.unique(label, return_inverse=True)
    member_of: list[list[Projection]] = [[] for _ in found]
    for projection, indices in parts:
        for number in np.unique(label[indices]).tolist():
            member_of[number].append(projection)
    order = np.argsort(label, kind="stable")
    begin = np.cumsum(np.bincount(label, minlength=len(found)))[:-1]
    for members, projections in zip(np.split(order, begin), member_of, strict=True):
        if projections:
            yield members, tuple(projections)


def _miss_probability(network: Network, projection: Projection, core_of: Int64) -> tuple[Int64, Floats]:
    """Cores with targets, and the probability that one source has none there; pairs are taken as independent."""
    ends = network.ends(projection)
    cores, n_targets = np.unique(core_of[core_of >= 0], return_counts=True)
    density = projection.rule.expected(ends) / max(ends.n_pre * ends.n_post, 1)
    if getattr(projection.rule, "with_replacement", False):
        return cores, np.exp(-density * n_targets)
    return cores, np.power(1.0 - min(density, 1.0), n_targets.astype(np.float64))
