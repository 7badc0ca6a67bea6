"""The stages of placement between the limits of a core and the finished mapping.

Each is a function of what the stages before it gave, the options and the seed: who sends to whom
(:func:`connect`), which neurons share a core (:func:`cluster`), where the cores are (:func:`locate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.mapping.budget import Budget
from neurosim.mapping.clustering import Limits, cluster_neurons, core_graph, core_nets
from neurosim.mapping.fanout import bases, rate_of
from neurosim.mapping.grouping import Demand, group_cores
from neurosim.mapping.grouping import Options as GroupingOptions
from neurosim.mapping.kinds import kept_settings
from neurosim.mapping.options import Options
from neurosim.mapping.partition import Partition, Slices
from neurosim.mapping.place import chip_uses, place
from neurosim.mapping.placement import Positions, place_cores
from neurosim.mapping.placers import PlacerTask, placed_by
from neurosim.mapping.reach import expected_reach, table_of
from neurosim.mapping.refit import keeps_shared, summed
from neurosim.mapping.routes import Routing, on_real_cores, route
from neurosim.mapping.site import Site
from neurosim.mapping.structures import CoreGraph, Fanout, Float32, Int32, Int64, Nets
from neurosim.network import Network

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping

#: Share of all pairs of cores with packets from which on a network is taken for a broadcast.
_BROADCAST = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Who sends to whom, between logical cores.

    Attributes
    ----------
    graph, nets
        Packets between pairs of cores, and for each core all cores it sends to.
    """

    graph: CoreGraph
    nets: Nets

    def sent(self, delivery: str) -> Nets:
        """What is sent as one packet: a net for each pair of cores where every target has its own, else for each core."""
        if delivery != "unicast":
            return self.nets
        source, target = self.graph.source.astype(np.int32), self.graph.target.astype(np.int32)
        return Nets(source, np.arange(len(source) + 1, dtype=np.int64), target, self.graph.packets.astype(np.float32))


def flat_cores(network: Network, partition: Partition) -> Int32:
    """Logical core of every cell, counted through all populations; -1 if it is not placed."""
    first = bases(network)
    core_of = np.full(first[-1], -1, np.int32)
    for population, start, stop, core in zip(*(column.tolist() for column in partition.slices), strict=True):
        core_of[first[population] + partition.sequences[population][start:stop]] = core
    return core_of


def connect(network: Network, core_of: Int32, n_cores: int, fanout: Fanout | None, rate: Float32) -> Reach:
    """Packets between cores, counted where the synapses are known one by one; ``core_of`` as :func:`flat_cores` gives it."""
    if fanout is not None:
        return Reach(core_graph(fanout, core_of, n_cores), core_nets(fanout, core_of, n_cores))
    return Reach(*expected_reach(network, np.split(core_of, bases(network)[1:-1]), n_cores, rate))


# --- which neurons share a core ------------------------------------------------------------
def cluster(budget: Budget, first_fit: Partition, fanout: Fanout | None, options: Options, seed: int) -> Partition:
    """A partition with fewer packets between cores; the given one if there is none, or nothing is known."""
    chip, network = budget.chip, budget.network
    if fanout is None or not options.searches or chip.delivery == "bus" or not first_fit.n_cores:
        return first_fit
    baseline = flat_cores(network, first_fit)
    kinds, limits = kept_settings(budget.settings, _kinds(network), _limits(budget, first_fit), baseline)
    fixed = np.where((baseline >= 0) & (first_fit.real_core[np.maximum(baseline, 0)] >= 0), baseline, -1)
    found = cluster_neurons(
        fanout,
        np.where(baseline >= 0, kinds, -1),
        limits,
        fixed=fixed,
        positions=_positions(budget),
        baseline=baseline,
        effort=options.effort,
        seconds=options.seconds,
        seed=seed,
        progress=None if options.progress is None else lambda stage: options.progress(f"partition: {stage.candidate}", 0.0),  # type: ignore[misc]
    )
    if found.chosen == "baseline" or np.array_equal(found.core_of, baseline):
        return first_fit
    kept = keeps_shared(budget, np.split(found.core_of, bases(network)[1:-1]), found.n_cores, fanout)
    return _as_partition(found.core_of, found.n_cores, first_fit, [p.size for p in network.populations]) if kept else first_fit


def _kinds(network: Network) -> Int32:
    """Population of every cell."""
    return np.repeat(np.arange(len(network.populations), dtype=np.int32), [p.size for p in network.populations])


def _limits(budget: Budget, first_fit: Partition) -> Limits:
    """Limits of a core as tables of use by number of cells; those that count sources or targets by what they count."""
    n, tables, most = budget.n_core_limits, [], _most(first_fit, len(budget.network.populations))
    limits = budget.limits[:n]
    plain = all(budget.chip.source_cost(budget.network, projection) == 1 for projection in budget.network.projections)
    counted = [limit.counts == "targets" or (limit.counts == "sources" and plain) for limit in limits]
    capacity = np.array([limit.capacity for limit in limits], np.int64)
    for population in budget.network.populations:
        top = max(most[population.id], 1)
        table = np.stack([budget.added(population.id, k)[:n] if most[population.id] else np.zeros(n, np.int64) for k in range(top + 1)])
        tables.append(np.maximum.accumulate(np.where(counted, 0, table), axis=0))
        soft = budget.capacity(population.id)[:n] if most[population.id] else capacity
        capacity = np.maximum(capacity, soft)
    if budget.synapses is not None:  # cores hold more than slices seem to take: as much less is said of every slice
        over = summed(budget, first_fit)[:, :n].max(axis=0, initial=1) / np.maximum(capacity, 1)
        less = np.where([limit.counts == "synapses" for limit in limits], np.minimum(1 / over, 1.0), 1.0)
        tables = [np.floor(table * less).astype(np.int64) for table in tables]
    names = tuple(limit.resource for limit in limits)
    inbound = min((limit.capacity for limit in limits if limit.counts == "sources" and plain), default=None)
    outbound = min((limit.capacity for limit in limits if limit.counts == "targets"), default=None)
    mixes = budget.chip.mixes_populations
    return Limits(capacity, tuple(tables), mixes=mixes, inbound=inbound, outbound=outbound, shares_fixed=False, names=names)


def _most(partition: Partition, n_populations: int) -> list[int]:
    """Most cells of each population on one core."""
    counts: dict[tuple[int, int], int] = {}
    for population, start, stop, core in zip(*(column.tolist() for column in partition.slices), strict=True):
        counts[population, core] = counts.get((population, core), 0) + stop - start
    return [max((n for (p, _), n in counts.items() if p == number), default=0) for number in range(n_populations)]


def _positions(budget: Budget) -> Any:
    """Positions of all cells, (n, 3), where every population has some, all of them numbers; else ``None``: they are hints."""
    given = [p.positions for p in budget.network.populations]
    if not given or any(positions is None for positions in given):
        return None
    found = np.concatenate([np.asarray(positions, np.float64).reshape(-1, 3) for positions in given])
    return found if np.isfinite(found).all() else None


def _as_partition(core_of: Int32, n_cores: int, first_fit: Partition, sizes: list[int]) -> Partition:
    """Cells of each population by core, in their own order within a core."""
    sequences: list[Int64] = []
    rows: list[np.ndarray] = []
    for population, cores in enumerate(np.split(core_of, np.cumsum(sizes)[:-1])):
        order = np.argsort(cores, kind="stable")
        order = order[cores[order] >= 0]
        sequences.append(order.astype(np.int64))
        used, start = np.unique(cores[order], return_index=True)
        stop = np.append(start[1:], len(order))[: len(used)]
        rows.append(np.stack([np.full(len(used), population), start, stop, used], axis=1))
    table = np.concatenate([np.empty((0, 4), np.int64), *rows]).astype(np.int64)
    table = table[np.lexsort((table[:, 0], table[:, 3]))]
    real = np.full(n_cores, -1, np.int64)
    n_pinned = min(n_cores, first_fit.n_cores)
    real[:n_pinned] = first_fit.real_core[:n_pinned]
    return Partition(tuple(sequences), Slices(*(np.ascontiguousarray(column) for column in table.T)), n_cores, real)


# --- where cores are -----------------------------------------------------------------------
def locate(budget: Budget, site: Site, partition: Partition, reach: Reach, options: Options, seed: int) -> Int64:
    """Real core of each logical core, int64 (n_cores,), under the limits of a chip.

    Raises
    ------
    PlacementError
        If the machine has too few cores, or no chip has room for one more.
    """
    filled = place(partition, budget, site)
    if not options.searches or not len(reach.graph.source):
        return filled
    if options.placer is not None:
        multicast, given = budget.chip.delivery == "multicast", _slots(site)[filled].astype(np.int32)
        fixed, nets = partition.real_core >= 0, reach.sent(budget.chip.delivery)
        task = PlacerTask(site, reach.graph, nets, given, fixed, multicast=multicast, seed=seed)
        return placed_by(options.placer, task, budget, partition, site)
    if budget.chip.delivery == "multicast":
        return _grouped(budget, site, partition, reach, options, seed)
    if budget.chip_limits:
        return filled
    return _placed(site, partition, reach, filled, options, seed)


def _grouped(budget: Budget, site: Site, partition: Partition, reach: Reach, options: Options, seed: int) -> Int64:
    """Cores in groups on routers such that trees are short."""
    pinned, n = partition.real_core >= 0, partition.n_cores
    router, slot = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    router[pinned] = site.router_of[partition.real_core[pinned]]
    slot[pinned] = site.slots_of(partition.real_core[pinned])
    use, _ = chip_uses(partition, budget)
    capacity = np.array([limit.capacity for limit in budget.chip_limits], np.int64)
    names = tuple(limit.resource for limit in budget.chip_limits)
    demand = Demand(n, use, capacity, names, router, slot)
    effort = "fast" if options.effort == "normal" and _is_broadcast(reach.nets, n) else options.effort
    told = options.progress
    chosen = GroupingOptions(effort, options.seconds, seed, None if told is None else lambda stage, part: told(f"place: {stage}", part))
    found = group_cores(reach.nets, demand, site.topology, options=chosen)
    return site.cores_in(found.router_of, found.slot_of)


def _is_broadcast(nets: Nets, n_cores: int) -> bool:
    """Whether nearly every core sends to nearly all: there is next to nothing to gain then."""
    return len(nets.target) > _BROADCAST * max(nets.n_nets * n_cores, 1)


def _placed(site: Site, partition: Partition, reach: Reach, filled: Int64, options: Options, seed: int) -> Int64:
    """Cores where packets pass few links, each packet on its own."""
    x, y = site.topology.x[site.router_of[site.cores]], site.topology.y[site.router_of[site.cores]]
    rank = _slots(site)
    pins = {core: int(rank[real]) for core, real in enumerate(partition.real_core.tolist()) if real >= 0}
    position_of, _ = place_cores(
        reach.graph,
        Positions(x, y, wrap=site.topology.wrap),
        n_cores=partition.n_cores,
        pins=pins,
        effort=options.effort,
        seed=seed,
        seconds=options.seconds,
        current=rank[filled].astype(np.int32),
        progress=None if options.progress is None else lambda part, stage: options.progress(f"place: {stage}", part),  # type: ignore[misc]
    )
    return site.cores[position_of]


def _slots(site: Site) -> Int64:
    """Number of each core of the machine among the usable ones, -1 for the others."""
    rank = np.full(len(site.usable), -1, np.int64)
    rank[site.cores] = np.arange(len(site.cores))
    return rank


def rerouted(mapping: Mapping) -> Routing:
    """Routes of a mapping whose routes are not at hand; the same as when it was made."""
    network, options = mapping.network, mapping.options
    site, used = Site.of(mapping.chip, options.avoid, options.avoid_links), mapping.cores_used
    rank = np.full(len(site.usable) + 1, -1, np.int32)
    rank[used] = np.arange(len(used))
    core_of = [rank[cores] for cores in mapping.core_of]
    flat, rate = np.concatenate([np.empty(0, np.int32), *core_of]), rate_of(network, options.rates)
    reach = connect(network, flat, len(used), table_of(network, options), rate)
    nets = on_real_cores(reach.sent(mapping.chip.delivery), used)
    return route(mapping.chip, site, nets, *residents_of(mapping.core_of, len(site.usable)))


def residents_of(core_of: Sequence[Int32], n_cores: int) -> tuple[Int32, Int64]:
    """First population on every core of the machine (0 if none), int32, and its number of cells there in all, int64.

    ``core_of`` has, per population, the core of each cell, -1 if it is on none.
    """
    population, n_cells = np.zeros(n_cores, np.int32), np.zeros(n_cores, np.int64)
    for number, cores in reversed(list(enumerate(core_of))):
        placed = cores[cores >= 0]
        population[placed] = number
        n_cells += np.bincount(placed, minlength=n_cores)
    return population, n_cells
