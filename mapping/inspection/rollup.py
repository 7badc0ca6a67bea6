"""Traffic from population to population: packets, hops and synapses, summed over cores.

A packet goes to a core, not to a population. Where a core holds targets of several populations, the
packet is divided among them in proportion to the synapses it drives there, so that the table's
packets sum to those of :class:`~neurosim.mapping.traffic.Traffic`, and so do its hops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from neurosim.chips.usage import outgoing
from neurosim.errors import ParameterError
from neurosim.mapping.fanout import bare
from neurosim.mapping.reach import Senders, senders
from neurosim.mapping.structures import CoreGraph
from neurosim.mapping.summary import table
from neurosim.mapping.traffic import UsedCores
from neurosim.network import Network

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]

_MAX_COLUMNS = 9
_MAX_PAIRS = 20
_HOW = {
    "exact": "counted",
    "expected": "expected from the rules",
    "shared": "estimated: packets of a core are divided among its populations by their neurons",
}


@dataclass(frozen=True, slots=True, eq=False)
class PopulationTraffic:
    """Traffic between populations if every neuron and source fires once; all arrays float64 (n, n), source first.

    Attributes
    ----------
    method
        ``"exact"`` (counted), ``"expected"`` (from the rules) or ``"shared"`` (divided by numbers of
        neurons, for a mapping that was loaded without its network).
    labels
        Labels of the n populations.
    packets
        Between cores; they sum to ``mapping.traffic.packets``.
    local
        Neurons with a target on their own core.
    host_packets
        From sources that the host feeds in.
    hops
        Links between chips passed by ``packets``, each packet sent on its own.
    synapses
        Number of synapses; NaN where it is not known (method ``"shared"``).
    """

    method: str
    labels: tuple[str, ...]
    packets: Floats
    local: Floats
    host_packets: Floats
    hops: Floats
    synapses: Floats

    def rows(self) -> list[dict[str, object]]:
        """One dictionary per pair of populations with synapses or packets, most packets first."""
        any_traffic = self.packets + self.local + self.host_packets + np.nan_to_num(self.synapses)
        sources, targets = np.nonzero(any_traffic)
        sent = (self.packets + self.host_packets)[sources, targets]
        order = np.lexsort([targets, sources, -sent])
        return [self._row(int(sources[i]), int(targets[i])) for i in order]

    def _row(self, source: int, target: int) -> dict[str, object]:
        names = ("packets", "hops", "local", "host_packets", "synapses")
        numbers = {name: float(getattr(self, name)[source, target]) for name in names}
        return {"source": self.labels[source], "source_id": source, "target": self.labels[target], "target_id": target, **numbers}

    def __str__(self) -> str:
        """Matrix of packets with sums, or the largest pairs if there are many populations."""
        sent = self.packets + self.host_packets
        targets = np.flatnonzero(sent.any(axis=0))
        if not len(targets):
            return "no packets between cores"
        head = f"packets from row to column, sources on the host included ({_HOW[self.method]})"
        return f"{head}\n{self._matrix(sent, targets) if len(targets) <= _MAX_COLUMNS else self._pairs()}"

    def _matrix(self, sent: Floats, targets: Int64) -> str:
        rows = [
            [self.labels[p], *(_count(value) for value in sent[p, targets]), _count(sent[p].sum())]
            for p in np.flatnonzero(sent.any(axis=1))
        ]
        sums = ["sum", *(_count(value) for value in sent[:, targets].sum(axis=0)), _count(sent.sum())]
        return table(["from \\ to", *(self.labels[p] for p in targets), "sum"], [*rows, sums])

    def _pairs(self) -> str:
        rows = self.rows()
        cells = [[f"{r['source']} > {r['target']}", *(_count(r[name]) for name in ("packets", "hops", "host_packets"))] for r in rows]
        text = table(["pair", "packets", "hops", "from the host"], cells[:_MAX_PAIRS])
        return f"{text}\n... and {len(rows) - _MAX_PAIRS:,} more pairs" if len(rows) > _MAX_PAIRS else text


def roll_up(mapping: Mapping) -> PopulationTraffic:
    """Traffic of a mapping by pairs of populations.

    Exact where ``mapping.traffic`` is: synapses are then expanded once more.

    Raises
    ------
    ParameterError
        If the mapping was loaded without its network and without packets per pair of cores.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> print(roll_up(map_network(network, chips.load("loihi"))))
    no packets between cores
    """
    total = _Total(mapping)
    if not mapping.complete:
        _share_graph(mapping, total)
        return total.result("shared")
    method = mapping.traffic.method
    cores = UsedCores(mapping.cores_used, mapping.core_of)
    parts = _counted(mapping.network, cores, total) if method == "exact" else _expected(mapping.network, cores, total)
    for part in parts:
        total.add(part)
    return total.result(method)


class _Part(NamedTuple):
    """Packets of one population: source and target core (-1: host), target population, amount."""

    population: int
    source: Int64
    target: Int64
    to: Int64
    amount: Floats


class _Total:
    """Sums over parts."""

    def __init__(self, mapping: Mapping) -> None:
        self.labels = tuple(p.label for p in mapping.network.populations)
        self._chip = mapping.chip
        self._router_of = np.asarray(mapping.chip.cores().chip, np.int32)
        self.packets, self.local, self.host_packets, self.hops, self.synapses = np.zeros((5, len(self.labels), len(self.labels)))

    def add(self, part: _Part) -> None:
        """Add the packets of a population to its row."""
        host, own = part.source < 0, part.source == part.target
        remote = ~host & ~own
        links = np.zeros(len(part.amount))
        links[remote] = self._chip.hops(self._router_of[part.source[remote]], self._router_of[part.target[remote]])
        for sums, chosen in ((self.packets, remote), (self.local, own), (self.host_packets, host)):
            sums[part.population] += self._by_target(part.to[chosen], part.amount[chosen])
        self.hops[part.population] += self._by_target(part.to, part.amount * links)

    def add_table(self, graph: CoreGraph, share: Any) -> None:
        """Add packets between cores, divided by the share (n_populations, n_cores) of each population in a core."""
        links = self._chip.hops(self._router_of[graph.source], self._router_of[graph.target])
        shape = (share.shape[1], share.shape[1])
        for name, amount in (("packets", graph.packets), ("hops", graph.packets * links)):
            getattr(self, name)[:] += (share @ csr_matrix((amount, (graph.source, graph.target)), shape) @ share.T).toarray()

    def _by_target(self, to: Int64, amount: Floats) -> Floats:
        return np.bincount(to, amount, len(self.labels)).astype(np.float64)

    def result(self, method: str) -> PopulationTraffic:
        return PopulationTraffic(method, self.labels, self.packets, self.local, self.host_packets, self.hops, self.synapses)


# --- counted ---------------------------------------------------------------------------------
def _counted(network: Network, cores: UsedCores, total: _Total) -> Iterator[_Part]:
    """Synapses of every neuron counted by target core and target population."""
    n_pop = len(network.populations)
    for population in network.populations:
        keys, counts = _drives(network, cores, population.id, total.synapses)
        if not len(keys):
            continue
        place = keys // n_pop  # neuron and target core; keys are sorted, so equal ones are neighbours
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        per_packet = np.repeat(np.add.reduceat(counts, starts), np.diff(np.append(starts, len(keys))))
        neuron, rank = np.divmod(place, max(len(cores.used), 1))
        source = cores.rank_of[population.id][neuron]
        from_core = np.where(source >= 0, cores.used[source], -1)
        yield _Part(population.id, from_core, cores.used[rank], keys % n_pop, counts / per_packet)


def _drives(network: Network, cores: UsedCores, population: int, out_synapses: Floats) -> tuple[Int64, Int64]:
    """``(key, synapses)`` of a population's neurons, keys sorted: (neuron, core rank, target population) as one number."""
    from neurosim.connectivity import iterate

    n_pop, n_cores = len(network.populations), len(cores.used)
    keys, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for projection, _ in outgoing(network, population):
        owner, neuron = projection.pre.populations(), projection.pre.indices()
        to, rank = projection.post.populations(), cores.ranks(projection.post)
        for rows in iterate(network, bare(projection)):
            pre, post = rows.pre(), rows.post
            own = owner[pre] == population
            out_synapses[population] += np.bincount(to[post[own]], minlength=n_pop)
            own &= rank[post] >= 0
            found = (neuron[pre[own]] * n_cores + rank[post[own]]) * n_pop + to[post[own]]
            for column, new in zip((keys, counts), np.unique(found, return_counts=True), strict=True):
                column.append(new)
    merged, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    return merged, np.bincount(inverse, np.concatenate(counts), len(merged)).astype(np.int64)


# --- expected --------------------------------------------------------------------------------
def _expected(network: Network, cores: UsedCores, total: _Total) -> Iterator[_Part]:
    """Packets from hit probabilities, divided by the expected synapses of a neuron."""
    _expected_synapses(network, total.synapses)
    for group in senders(network, cores.rank_of, len(cores.used)):
        synapses = _synapses_per_neuron(network, cores, group)
        share = synapses / np.maximum(synapses.sum(axis=0), np.finfo(float).tiny)
        share[:, group.cores] *= group.hit
        share[:, np.setdiff1d(np.arange(len(cores.used)), group.cores)] = 0.0
        to, rank = np.nonzero(share)
        present, n_neurons = np.unique(cores.rank_of[group.population][group.cells], return_counts=True)
        for source, n in zip(present.tolist(), n_neurons.tolist(), strict=True):
            from_core = np.full(len(to), cores.used[source] if source >= 0 else -1)
            yield _Part(group.population, from_core, cores.used[rank], to, n * share[to, rank])


def _synapses_per_neuron(network: Network, cores: UsedCores, group: Senders) -> Floats:
    """Expected synapses of one of the neurons by target population and core rank, (n_populations, n_cores)."""
    found = np.zeros((len(network.populations), len(cores.used)))
    for projection in group.projections:
        pairs = max(projection.pre.size * projection.post.size, 1)
        per_target = projection.rule.expected(network.ends(projection)) / pairs
        for p, indices in projection.post.parts:
            ranks = cores.rank_of[p][indices]
            found[p] += per_target * np.bincount(ranks[ranks >= 0], minlength=len(cores.used))
    return found


def _expected_synapses(network: Network, out_synapses: Floats) -> None:
    for projection in network.projections:
        expected = projection.rule.expected(network.ends(projection))
        pairs = max(projection.pre.size * projection.post.size, 1)
        for source, pre in projection.pre.parts:
            for target, post in projection.post.parts:
                out_synapses[source, target] += expected * len(pre) * len(post) / pairs


# --- without the network ---------------------------------------------------------------------
def _share_graph(mapping: Mapping, total: _Total) -> None:
    graph = mapping.traffic.graph
    if graph is None:
        raise ParameterError(
            "the traffic of populations is not known: the file holds neither the network nor packets per pair of cores.",
            where=f"Mapping on '{mapping.chip.name}'",
            remedy="Load the mapping with from_json(file, network=...).",
        )
    total.synapses[:] = np.nan
    total.add_table(graph, _shares(mapping))


def _shares(mapping: Mapping) -> Any:
    """Share of each population in the neurons of each core, a scipy CSR matrix (n_populations, n_cores)."""
    row = np.repeat(np.arange(len(mapping.core_of)), [len(core) for core in mapping.core_of])
    core = np.concatenate([np.empty(0, np.int64), *mapping.core_of]).astype(np.int64)
    row, core = row[core >= 0], core[core >= 0]
    each = 1.0 / np.maximum(np.bincount(core, minlength=mapping.n_cores), 1)
    return csr_matrix((each[core], (row, core)), (len(mapping.core_of), mapping.n_cores))


def _count(value: object) -> str:
    number = float(value)  # type: ignore[arg-type]
    if np.isnan(number):
        return "-"
    return f"{number:,.0f}" if number >= 100 or number == round(number) else f"{number:.3g}"
