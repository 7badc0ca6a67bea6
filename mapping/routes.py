"""The ways of all packets of a placed network, and what they ask of routers and links."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim.chips.chip import Chip, Limit
from neurosim.errors import PlacementError
from neurosim.mapping.routing import (
    Congestion,
    Entries,
    Keys,
    allocate_keys,
    congestion_of,
    depths,
    link_loads,
    route_trees,
    route_xy,
    table_entries,
)
from neurosim.mapping.site import Site
from neurosim.mapping.structures import Floats, Int32, Int64, Nets, Routes, Topology


@dataclass(frozen=True, eq=False)
class Routing:
    """Ways of packets between cores, which are indices of the chip's core table.

    Attributes
    ----------
    delivery
        ``"multicast"``: one tree for each sending core. ``"unicast"``: one path for each pair. ``"bus"``: a
        tree along rows and columns, which stands for buses.
    nets
        Who sends to whom.
    routes
        Links of each net.
    topology
        Routers and links; dead ones have neither.
    router_of
        int32 (n_cores,): router of each core of the machine.
    keys, entries
        Keys of the nets and the entries of all routing tables; ``None`` without tables.
    """

    delivery: str
    nets: Nets
    routes: Routes
    topology: Topology
    router_of: Int32
    keys: Keys | None = None
    entries: Entries | None = None

    @cached_property
    def loads(self) -> Floats:
        """Packets over every link, (n_routers, n_links)."""
        return link_loads(self.routes, self.nets.weight, self.topology)

    @cached_property
    def congestion(self) -> Congestion:
        """Fullest and average link."""
        return congestion_of(self.loads, self.topology)

    @cached_property
    def depths(self) -> Int32:
        """Links from the source to the farthest target of each net."""
        return depths(self.routes, self.topology)

    @cached_property
    def hops(self) -> float:
        """Packets times links, each tree counted once."""
        return self.routes.tree_hops(self.nets.weight)

    @cached_property
    def entries_used(self) -> Int64:
        """Entries of each router's table, (n_routers,); zeros without tables."""
        n = self.topology.n_routers
        return np.zeros(n, np.int64) if self.entries is None else self.entries.used(n)

    def path(self, source: int, target: int) -> list[int]:
        """Routers that a packet from one core to another passes, both ends included; empty if there is none.

        Parameters
        ----------
        source, target
            Indices of the chip's core table.
        """
        goal, start = int(self.router_of[target]), int(self.router_of[source])
        for net in np.flatnonzero(self.nets.source == source).tolist():
            if target not in self.nets.target[self.nets.indptr[net] : self.nets.indptr[net + 1]]:
                continue
            inside = slice(self.routes.indptr[net], self.routes.indptr[net + 1])
            routers = self.routes.router[inside]
            reached = self.topology.neighbour[routers, self.routes.link[inside]]
            before = dict(zip(reached.tolist(), routers.tolist(), strict=True))
            found = [goal]
            while found[-1] != start:
                found.append(before[found[-1]])
            return found[::-1]
        return []


def on_real_cores(nets: Nets, real: Int64) -> Nets:
    """Nets between real cores, by source and first target, from those between logical ones; ``real`` is what each of these became."""
    source, target = real[nets.source].astype(np.int32), real[nets.target].astype(np.int32)
    counts = np.diff(nets.indptr)
    row = np.repeat(np.arange(nets.n_nets), counts)
    least = np.full(nets.n_nets, np.iinfo(np.int32).max)
    np.minimum.at(least, row, target)
    order = np.lexsort((least, source))
    rank = np.empty(nets.n_nets, np.int64)
    rank[order] = np.arange(nets.n_nets)
    row = rank[row]
    indptr = np.concatenate([[0], np.cumsum(counts[order])]).astype(np.int64)
    return Nets(source[order], indptr, target[np.lexsort((target, row))], nets.weight[order])


def route(chip: Chip, site: Site, nets: Nets, population_of: Int32, n_neurons: Int64) -> Routing:
    """Ways of all packets, and the tables of routers where the chip has such.

    Parameters
    ----------
    nets
        Nets between cores of the core table.
    population_of, n_neurons
        int (n_cores,): first population on each core, and its number of cells.

    Raises
    ------
    PlacementError
        If a target cannot be reached, there are too few keys, or a routing table has too few entries.
    """
    delivery = chip.delivery
    if delivery != "multicast":
        return Routing(delivery, nets, route_xy(nets, site.router_of, site.topology), site.topology, site.router_of)
    routes = route_trees(nets, site.router_of, site.topology)
    keys = allocate_keys(population_of[nets.source], n_neurons[nets.source], per_neuron=chip.keys_per_neuron)
    entries = table_entries(nets, routes, site.router_of, site.topology, keys)
    routing = Routing(delivery, nets, routes, site.topology, site.router_of, keys, entries)
    for limit in chip.limits():
        if limit.scope == "router":
            _check_tables(chip, routing, limit)
    return routing


def _check_tables(chip: Chip, routing: Routing, limit: Limit) -> None:
    used = routing.entries_used
    if not len(used) or used.max() <= limit.capacity:
        return
    router = int(used.argmax())
    place = f"{chip.router_noun} ({routing.topology.x[router]}, {routing.topology.y[router]})"
    raise PlacementError(
        f"The routing table of {place} needs {limit.amount(int(used[router]))}, it has {limit.capacity:,}; "
        f"{int((used > limit.capacity).sum()):,} {chip.router_noun}s have too few.",
        core=place,
        resource=limit.resource,
        used=int(used[router]),
        limit=limit.capacity,
    )
