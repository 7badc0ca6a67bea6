"""Independent check of the routes of a mapping: packets are followed link by link, tables and loads counted again.

Shares no code with what makes routes; :mod:`neurosim.mapping.routing.walk` follows single packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neurosim.chips.chip import Chip
from neurosim.mapping.pins import as_place
from neurosim.mapping.routing import walk_entries, walk_routes
from neurosim.mapping.structures import among, distinct
from neurosim.network import Network

_RELATIVE = 1e-6


def route_faults(mapping: Any, max_synapses: int) -> Iterator[str]:
    """Every broken rule as one sentence without a full stop."""
    routing = mapping.routed  # those that were made: routes that are found anew are of no interest here
    yield from _avoided(mapping)
    if routing is None:
        return
    yield from _machine(mapping.chip, routing)
    yield from _members(mapping, routing)
    if getattr(mapping, "complete", True):
        yield from _reach(mapping.network, mapping.core_of, routing, max_synapses)
    walk = walk_routes(routing.nets, routing.routes, routing.router_of, routing.topology)
    yield from (f"routes: {fault}" for fault in walk.faults)
    yield from _branches(routing)
    if not np.allclose(walk.loads, routing.loads, rtol=_RELATIVE, atol=_RELATIVE * max(float(walk.loads.max(initial=0)), 1e-30)):
        yield "the loads of the links are not what the packets add up to"
    yield from _tables(mapping.chip, routing)


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


def _branches(routing: Any) -> Iterator[str]:
    """Every branch ends where a target is."""
    nets, routes, n = routing.nets, routing.routes, routing.topology.n_routers
    net_of_hop = np.repeat(np.arange(len(routes.indptr) - 1), np.diff(routes.indptr))
    net_of_pin = np.repeat(np.arange(nets.n_nets), np.diff(nets.indptr))
    ends = net_of_hop * n + routing.topology.neighbour[routes.router, routes.link]
    wanted = np.concatenate([net_of_hop * n + routes.router, net_of_pin * n + routing.router_of[nets.target]])
    blind = np.flatnonzero(~among(ends, wanted))
    if len(blind):
        net, router = divmod(int(ends[blind[0]]), n)
        yield f"{len(blind)} branches end where no target is, first that of core {nets.source[net]} at router {router}"


def _tables(chip: Chip, routing: Any) -> Iterator[str]:
    """Following the tables leads to the same cores, and no table is too large."""
    if routing.entries is None:
        if routing.delivery == "multicast":
            yield "there are trees but no routing tables"
        return
    walk = walk_entries(routing.nets, routing.entries, routing.router_of, routing.topology, routing.keys)
    yield from (f"routing tables: {fault}" for fault in walk.faults)
    rows = np.unique(np.stack([routing.entries.router, routing.entries.key, routing.entries.mask]), axis=1)
    if rows.shape[1] < len(routing.entries.router):
        yield "a routing table has the same key twice"
    if (routing.entries.key & ~routing.entries.mask).any():
        yield "a routing entry asks for bits that its mask leaves out"
    keys = np.sort(routing.keys.key)
    order = np.argsort(routing.keys.key, kind="stable")
    if (keys[1:] < keys[:-1] + routing.keys.size[order][:-1]).any():
        yield "two cores send with the same key"
    for limit in chip.limits():
        if limit.scope == "router":
            most = max(np.bincount(routing.entries.router).tolist(), default=0)
            if most > limit.capacity:
                yield f"a router has {most:,} {limit.resource}, the limit is {limit.capacity:,}"
