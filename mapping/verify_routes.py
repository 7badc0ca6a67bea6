"""Independent check of the routes of a mapping: packets are followed link by link, tables and loads counted again.

Shares no code with what makes routes; :mod:`neurosim.mapping.routing.walk` follows single packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip
from neurosim.mapping.pins import as_place
from neurosim.mapping.routing import walk_entries, walk_routes
from neurosim.mapping.structures import among, distinct
from neurosim.network import Network

_RELATIVE = 1e-6
#: Most pairs of cores, times projections, that are looked at for packets that nobody needs.
_MAX_PAIRS = 200_000_000


def route_faults(mapping: Any, max_synapses: int) -> Iterator[str]:
    """Every broken rule as one sentence without a full stop."""
    routing = mapping.routed  # those that were made: routes that are found anew are of no interest here
    yield from _avoided(mapping)
    if routing is None:
        return
    n_nets, n_routes = routing.nets.n_nets, len(routing.routes.indptr) - 1
    if n_nets != n_routes:  # what follows needs one for the other
        yield f"there are {n_routes:,} routes for {n_nets:,} nets"
        return
    yield from _machine(mapping.chip, routing)
    yield from _dead_links(mapping, routing)
    yield from _members(mapping, routing)
    yield from _weights(mapping, routing)
    if getattr(mapping, "complete", True):
        yield from _reach(mapping.network, mapping.core_of, routing, max_synapses)
        yield from _needless(mapping.network, mapping.core_of, routing)
    walk = walk_routes(routing.nets, routing.routes, routing.router_of, routing.topology)
    yield from (f"routes: {fault}" for fault in walk.faults)
    yield from _branches(routing, walk.straight)
    if not np.allclose(walk.loads, routing.loads, rtol=_RELATIVE, atol=_RELATIVE * max(float(walk.loads.max(initial=0)), 1e-30)):
        yield "the loads of the links are not what the packets add up to"
    yield from _tables(mapping, routing)


def _avoided(mapping: Any) -> Iterator[str]:
    """No cell on what is to be avoided."""
    table, dead = mapping.chip.cores(), set()
    for place in mapping.options.avoid:
        if isinstance(place, int | np.integer):
            dead.add(int(place))
            continue
        wanted = as_place(place)
        there = (table.x == wanted.x) & (table.y == wanted.y) & ((wanted.core is None) | (table.core == wanted.core))
        dead |= set(np.flatnonzero(there).tolist())
    for population, core_of in zip(mapping.network.populations, mapping.core_of, strict=True):
        wrong = [neuron for neuron, core in enumerate(core_of.tolist()) if core in dead] if dead else []
        if wrong:
            where = mapping.chip.core_label(int(core_of[wrong[0]]))
            yield f"{len(wrong)} cells of '{population.label}' are on what is to be avoided, first cell {wrong[0]} on {where}"


def _machine(chip: Chip, routing: Any) -> Iterator[str]:
    """The routers and links of the routing are those of the chip."""
    table, topology = chip.cores(), routing.topology
    if len(routing.router_of) != len(table.core):
        yield f"the routing knows {len(routing.router_of)} cores, the chip has {len(table.core)}"
        return
    x, y = topology.x[routing.router_of], topology.y[routing.router_of]
    moved = np.flatnonzero((x != table.x) | (y != table.y))
    if len(moved):
        yield f"the routing puts {chip.core_label(int(moved[0]))} at another router ({x[moved[0]]}, {y[moved[0]]})"
    place = {(int(a), int(b)): number for number, (a, b) in enumerate(zip(topology.x, topology.y, strict=True))}
    columns, rows = chip.router_wrap
    for router, links in enumerate(topology.neighbour.tolist()):
        for (dx, dy), other in zip(chip.router_steps, links, strict=True):
            to = (int(topology.x[router]) + dx, int(topology.y[router]) + dy)
            to = (to[0] % columns, to[1] % rows) if columns else to
            if other >= 0 and place.get(to) != other:
                yield f"the routing has a link from router {router} to router {other}, which are no neighbours"
                return


def _dead_links(mapping: Any, routing: Any) -> Iterator[str]:
    """Links that are to be avoided, and those of routers that are, are not there in either direction."""
    topology, whole = routing.topology, [place for place in mapping.options.avoid if not isinstance(place, int | np.integer)]
    routers = {(place.x, place.y) for place in map(as_place, whole) if place.core is None}
    links = {frozenset((place.x, place.y) for place in map(as_place, pair)) for pair in mapping.options.avoid_links}
    begin, link = np.nonzero(topology.neighbour >= 0)
    end = topology.neighbour[begin, link]
    for a, b in zip(begin.tolist(), end.tolist(), strict=True) if routers or links else ():
        ends = [(int(topology.x[router]), int(topology.y[router])) for router in (a, b)]
        if routers & set(ends) or frozenset(ends) in links:
            yield f"the routing has a link from {ends[0]} to {ends[1]}, which is to be avoided"
            return


def _weights(mapping: Any, routing: Any) -> Iterator[str]:
    """No core sends more than its cells fire."""
    fired = np.zeros(len(mapping.chip.cores().core))
    for population, core_of in enumerate(mapping.core_of):
        rate = np.broadcast_to(np.asarray(mapping.options.rates.get(population, 1.0), np.float64), core_of.shape)
        np.add.at(fired, core_of[core_of >= 0], rate[core_of >= 0])
    most = fired[routing.nets.source]
    wrong = np.flatnonzero(~(routing.nets.weight <= most * (1 + _RELATIVE) + 1e-30))
    if len(wrong):
        net = wrong[0]
        what = f"{routing.nets.weight[net]:,.6g} packets, but its cells fire {most[net]:,.6g} times"
        yield f"core {routing.nets.source[net]} sends {what} ({len(wrong):,} such nets)"


def _members(mapping: Any, routing: Any) -> Iterator[str]:
    """Only cores that hold cells send and receive, and each sends by one net."""
    used = {int(core) for core_of in mapping.core_of for core in distinct(core_of)} - {-1}
    nets = routing.nets
    for what, cores in (("sends", nets.source), ("receives", nets.target)):
        empty = sorted(set(distinct(cores).tolist()) - used)
        if empty:
            yield f"core {empty[0]} {what} packets, but no cell is on it"
    if routing.delivery == "multicast" and len(distinct(nets.source)) < nets.n_nets:
        yield "a core sends by more than one tree"


def _reach(network: Network, core_of: Any, routing: Any, max_synapses: int) -> Iterator[str]:
    """Every synapse has its packet: counted again with sets, where there are not too many."""
    if sum(p.rule.expected(network.ends(p)) for p in network.projections) > max_synapses:
        return
    nets = routing.nets
    row = np.repeat(nets.source, np.diff(nets.indptr))
    delivered = set(zip(row.tolist(), nets.target.tolist(), strict=True))
    for projection in network.projections:
        pre = np.concatenate([np.empty(0, np.int64), *(core_of[p][i] for p, i in projection.pre.parts)])
        post = np.concatenate([np.empty(0, np.int64), *(core_of[p][i] for p, i in projection.post.parts)])
        indptr, targets = projection.rule.expand(0, len(pre), network.ends(projection))
        sources = np.repeat(pre, np.diff(indptr))
        ends = post[targets]
        both = (sources >= 0) & (ends >= 0)
        needed = set(map(tuple, np.unique(np.stack([sources[both], ends[both]]), axis=1).T.tolist()))
        missing = sorted(pair for pair in needed - delivered if pair[0] != pair[1])
        if missing:
            a, b = missing[0]
            yield f"'{projection.label}': {len(missing)} pairs of cores with synapses have no packets, first from core {a} to core {b}"


def _needless(network: Network, core_of: Any, routing: Any) -> Iterator[str]:
    """Packets go only from cores with sources of a projection to cores with targets of it."""
    nets, n_cores = routing.nets, len(routing.router_of)
    source, target = np.repeat(nets.source, np.diff(nets.indptr)), nets.target
    if len(source) * len(network.projections) > _MAX_PAIRS:
        return
    for projection in network.projections:
        sends, receives = np.zeros(n_cores + 1, bool), np.zeros(n_cores + 1, bool)  # -1 is the last
        for marks, selection in ((sends, projection.pre), (receives, projection.post)):
            for population, indices in selection.parts:
                marks[core_of[population][indices]] = True
        left = ~(sends[source] & receives[target])
        source, target = source[left], target[left]
        if not len(source):
            return
    if len(source):
        yield f"{len(source):,} pairs of cores without synapses have packets, first from core {source[0]} to core {target[0]}"


def _branches(routing: Any, straight: NDArray[np.bool_]) -> Iterator[str]:
    """Every branch ends where a target is; nets that lead straight to their target have none."""
    if straight.all():
        return
    nets, routes, n = routing.nets, routing.routes, routing.topology.n_routers
    net_of_hop = np.repeat(np.arange(len(routes.indptr) - 1), np.diff(routes.indptr))
    net_of_pin = np.repeat(np.arange(nets.n_nets), np.diff(nets.indptr))
    hop, pin = ~straight[net_of_hop], ~straight[net_of_pin]
    net_of_hop, router, link = net_of_hop[hop], routes.router[hop], routes.link[hop]
    ends = net_of_hop * n + routing.topology.neighbour[router, link]
    wanted = np.concatenate([net_of_hop * n + router, net_of_pin[pin] * n + routing.router_of[nets.target[pin]]])
    blind = np.flatnonzero(~among(ends, wanted))
    if len(blind):
        net, router = divmod(int(ends[blind[0]]), n)
        yield f"{len(blind)} branches end where no target is, first that of core {nets.source[net]} at router {router}"


def _blocks(mapping: Any, routing: Any) -> Iterator[str]:
    """Senders have a key for every cell, entries mean all keys of a sender or none, and no two mean the same."""
    keys, entries = routing.keys, routing.entries
    n_cells = np.zeros(len(routing.router_of), np.int64)
    for core_of in mapping.core_of:
        np.add.at(n_cells, core_of[core_of >= 0], 1)
    small = np.flatnonzero(keys.size < n_cells[routing.nets.source] * keys.per_neuron)
    if len(small):
        net = small[0]
        yield f"core {routing.nets.source[net]} has {n_cells[routing.nets.source[net]]:,} cells, but {keys.size[net]:,} keys"
    if not len(keys.key):
        return
    span = np.int64(1) << keys.width
    size = span - entries.mask
    order = np.argsort(keys.key, kind="stable")
    owner = order[np.searchsorted(keys.key[order], entries.key, side="right") - 1]
    inside = (entries.key >= keys.key[owner]) & (entries.key < keys.key[owner] + keys.size[owner])
    part = np.flatnonzero(inside & (size < keys.size[owner]))
    if len(part):
        yield f"{len(part):,} routing entries mean only some keys of a core, first of core {routing.nets.source[owner[part[0]]]}"
    at = entries.router * span + entries.key  # blocks are nested or apart: one that meets another meets its neighbour
    order = np.lexsort((-size, at))
    begin, end = at[order], (at + size)[order]
    both = np.flatnonzero((begin[1:] < np.maximum.accumulate(end)[:-1]) & (np.diff(entries.router[order]) == 0))
    if len(both):
        yield f"{len(both):,} routing entries mean keys that another one means, first at router {entries.router[order][both[0]]}"


def _tables(mapping: Any, routing: Any) -> Iterator[str]:
    """Following the tables leads to the same cores, and no table is too large."""
    if routing.entries is None:
        if routing.delivery == "multicast":
            yield "there are trees but no routing tables"
        return
    if routing.keys is None or len(routing.keys.key) != routing.nets.n_nets:
        yield f"there are {0 if routing.keys is None else len(routing.keys.key):,} keys for {routing.nets.n_nets:,} nets"
        return
    walk = walk_entries(routing.nets, routing.entries, routing.router_of, routing.topology, routing.keys)
    yield from (f"routing tables: {fault}" for fault in walk.faults)
    rows = np.unique(np.stack([routing.entries.router, routing.entries.key, routing.entries.mask]), axis=1)
    if rows.shape[1] < len(routing.entries.router):
        yield "a routing table has the same key twice"
    if (routing.entries.key & ~routing.entries.mask).any():
        yield "a routing entry asks for bits that its mask leaves out"
    yield from _blocks(mapping, routing)
    keys = np.sort(routing.keys.key)
    order = np.argsort(routing.keys.key, kind="stable")
    if (keys[1:] < keys[:-1] + routing.keys.size[order][:-1]).any():
        yield "two cores send with the same key"
    for limit in mapping.chip.limits():
        if limit.scope == "router":
            most = max(np.bincount(routing.entries.router).tolist(), default=0)
            if most > limit.capacity:
                yield f"a router has {most:,} {limit.resource}, the limit is {limit.capacity:,}"
