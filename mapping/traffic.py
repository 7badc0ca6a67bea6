"""Packets between cores when every neuron fires once, rooted at the sources.

A spike costs one packet per *distinct* core that holds one of its targets, whatever the number of
synapses there. Small networks are counted synapse by synapse; beyond :data:`MAX_EXACT_SYNAPSES`
the rules give expected values, and nothing is expanded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip
from neurosim.mapping.fanout import bare
from neurosim.mapping.reach import expected_synapses, hit_table, sender_table, senders
from neurosim.mapping.structures import CoreGraph
from neurosim.network import Network, Selection

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]

#: Largest expected number of synapses that are counted one by one.
MAX_EXACT_SYNAPSES = 50_000_000
_MAX_MARKS = 128_000_000
_MAX_GRAPH = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Packets if every neuron and source fires once.

    Attributes
    ----------
    method
        ``"exact"`` (counted) or ``"expected"`` (from the rules; local rules then look less local
        than they are).
    synapses
        Number of synapses, expected or counted.
    packets
        Between cores: sum over neurons of the distinct remote cores that hold targets.
    local
        Neurons with a target on their own core.
    host_packets
        The same sum for sources that the host feeds in.
    hops
        Links between chips passed by ``packets``, each packet sent on its own.
    graph
        Packets per pair of cores; ``None`` where that would be too large a table.
    """

    method: str
    synapses: float
    packets: float
    local: float
    host_packets: float
    hops: float
    graph: CoreGraph | None = None

    @property
    def mean_hops(self) -> float:
        """Links per packet; 0 without packets."""
        return self.hops / self.packets if self.packets else 0.0


def count_traffic(network: Network, chip: Chip, core_of: Sequence[Int32], *, max_exact: float = MAX_EXACT_SYNAPSES) -> Traffic:
    """Traffic of a placed network; exact up to ``max_exact`` synapses, else expected.

    Parameters
    ----------
    core_of
        Per population the core of each neuron, -1 off chip.
    max_exact
        Largest number of synapses counted one by one.
    """
    expected = expected_synapses(network)
    used = np.unique(np.concatenate([np.empty(0, np.int32), *core_of]))
    cores = UsedCores(used[used >= 0].astype(np.int64), core_of)
    return _exact(network, chip, cores) if expected <= max_exact else _expected(network, chip, cores, expected)


class UsedCores:
    """Used cores, renumbered without gaps (``rank``), and who sits where."""

    def __init__(self, used: Int64, core_of: Sequence[Int32]) -> None:
        self.used = used
        self.rank_of = [np.where(c >= 0, np.searchsorted(used, c), -1) for c in core_of]
        self.base = np.concatenate([[0], np.cumsum([len(c) for c in core_of])]).astype(np.int64)
        self.source_rank = np.concatenate([np.empty(0, np.int64), *self.rank_of])

    def ranks(self, selection: Selection) -> Int64:
        """Core rank of each selected cell; -1 off chip."""
        return np.concatenate([np.empty(0, np.int64), *(self.rank_of[p][i] for p, i in selection.parts)])

    def sources(self, selection: Selection) -> Int64:
        """Number of each selected cell, counted through all populations."""
        return np.concatenate([np.empty(0, np.int64), *(self.base[p] + i for p, i in selection.parts)])


# --- exact ---------------------------------------------------------------------------------
def _exact(network: Network, chip: Chip, cores: UsedCores) -> Traffic:
    n_sources, n_cores = int(cores.base[-1]), len(cores.used)
    chunk = max(1, _MAX_MARKS // max(n_cores, 1))
    rows: list[Int64] = []
    synapses = 0
    for start in range(0, n_sources, chunk):
        marks = np.zeros((min(chunk, n_sources - start), n_cores), bool)
        synapses += _mark(network, cores, marks, start)
        rows += _pairs(marks, cores.source_rank[start : start + len(marks)])
    source, target, packets = np.concatenate([np.empty((3, 0), np.int64), *rows], axis=1)
    host, local = source < 0, source == target
    remote = ~host & ~local
    graph = _merged(cores.used[source[remote]], cores.used[target[remote]], packets[remote])
    return Traffic(
        method="exact",
        synapses=synapses,
        packets=int(packets[remote].sum()),
        local=int(packets[local].sum()),
        host_packets=int(packets[host].sum()),
        hops=_hops(chip, graph),
        graph=graph if len(graph.source) <= _MAX_GRAPH else None,
    )


def _mark(network: Network, cores: UsedCores, out_marks: NDArray[np.bool_], first: int) -> int:
    """Mark the target cores of sources first .. first + len(out_marks) - 1; gives the number of their synapses."""
    from neurosim.connectivity import iterate

    synapses = 0
    for projection in network.projections:
        sources, targets = cores.sources(projection.pre) - first, cores.ranks(projection.post)
        inside = (sources >= 0) & (sources < len(out_marks))
        if not inside.any():
            continue
        for rows in iterate(network, bare(projection)):
            pre = rows.pre()
            here = inside[pre]
            synapses += int(here.sum())
            here &= targets[rows.post] >= 0
            out_marks[sources[pre[here]], targets[rows.post[here]]] = True
    return synapses


def _pairs(marks: NDArray[np.bool_], source_rank: Int64) -> list[Int64]:
    """``(source rank, target rank, packets)`` as (3, n) arrays, one per source core."""
    order = np.argsort(source_rank, kind="stable")
    starts = np.flatnonzero(np.diff(source_rank[order], prepend=-2))
    found = []
    for members in np.split(order, starts[1:]):
        row = np.count_nonzero(marks[members], axis=0)
        targets = np.flatnonzero(row)
        found.append(np.stack([np.full(len(targets), source_rank[members[0]]), targets, row[targets]]))
    return found


def _merged(source: Int64, target: Int64, packets: Int64) -> CoreGraph:
    """One row per pair, sorted by source and target."""
    base = int(target.max(initial=0)) + 1
    keys, inverse = np.unique(source * base + target, return_inverse=True)
    return CoreGraph(keys // base, keys % base, np.bincount(inverse, packets, len(keys)).astype(np.float64))


def _hops(chip: Chip, graph: CoreGraph) -> float:
    chip_of = np.asarray(chip.cores().chip, np.int32)
    links = chip.hops(chip_of[graph.source], chip_of[graph.target])
    return float(np.sum(graph.packets * links))


# --- expected ------------------------------------------------------------------------------
def _expected(network: Network, chip: Chip, cores: UsedCores, synapses: float) -> Traffic:
    n_cores, groups = len(cores.used), list(senders(network, cores.rank_of, len(cores.used)))
    hits, numbers = hit_table(groups, n_cores), sender_table(groups, cores.rank_of, n_cores)
    on_host = np.array([np.count_nonzero(cores.rank_of[g.population][g.cells] < 0) for g in groups])
    reached = np.array([group.hit.sum() for group in groups])
    sent, local = float(np.asarray(numbers.sum(axis=0)).reshape(-1) @ reached), float(numbers.multiply(hits.T).sum())
    n_pairs = int(np.diff(numbers.tocsc().indptr) @ np.diff(hits.indptr))  # no fewer than there are
    pairs = (numbers @ hits).tocoo() if n_pairs <= _MAX_GRAPH else None
    hops = _expected_hops(chip, cores, numbers, hits)
    graph = None if pairs is None else _graph(cores, pairs)
    return Traffic("expected", synapses, sent - local, local, float(on_host @ reached), hops, graph)


def _expected_hops(chip: Chip, cores: UsedCores, numbers: Any, hits: Any) -> float:
    """Links of all packets, summed by pairs of routers: there are fewer of these than of cores."""
    from scipy.sparse import csr_matrix

    chips, rank = np.unique(np.asarray(chip.cores().chip, np.int32)[cores.used], return_inverse=True)
    inside = csr_matrix((np.ones(len(rank)), (rank.reshape(-1), np.arange(len(rank)))), (len(chips), len(rank)))
    between = ((inside @ numbers) @ (hits @ inside.T)).tocoo()
    return float(between.data @ chip.hops(chips[between.row], chips[between.col]))


def _graph(cores: UsedCores, pairs: Any) -> CoreGraph:
    order = np.lexsort((pairs.col, pairs.row))
    order = order[pairs.row[order] != pairs.col[order]]
    return CoreGraph(cores.used[pairs.row[order]], cores.used[pairs.col[order]], pairs.data[order])
