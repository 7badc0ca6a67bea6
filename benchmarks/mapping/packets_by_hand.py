"""Packets of finished maps followed router by router, with numpy alone and links taken from the chip itself.

Where there are routing tables every single cell sends its own key; elsewhere every net's links are followed in
their order. Links that a map was told to avoid are not looked at: the maps that are checked here avoid none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.mapping.recount import Synapses, flat

Int64 = NDArray[np.int64]


class Grid(NamedTuple):
    """Routers of a chip: of each core, and behind each link of each (-1: none); which link leads back."""

    of_core: Int64
    neighbour: Int64
    back: Int64


def grid_of(chip: Any) -> Grid:
    """Routers and links as the chip's own graph has them."""
    table, graph = chip.cores(), chip.topology()
    numbers, of_core = np.unique(table.chip, return_inverse=True)
    at = {(graph.nodes[n]["x"], graph.nodes[n]["y"]): (rank, n) for rank, n in enumerate(numbers.tolist())}
    columns, rows = chip.router_wrap
    neighbour = np.full((len(numbers), len(chip.router_steps)), -1, np.int64)
    for (x, y), (rank, number) in at.items():
        for link, (dx, dy) in enumerate(chip.router_steps):
            to = ((x + dx) % columns, (y + dy) % rows) if columns else (x + dx, y + dy)
            if to in at and graph.has_edge(number, at[to][1]):
                neighbour[rank, link] = at[to][0]
    steps = [tuple(step) for step in chip.router_steps]
    return Grid(of_core.astype(np.int64), neighbour, np.array([steps.index((-x, -y)) for x, y in steps]))


def packet_faults(mapping: Any, synapses: Synapses) -> Iterator[str]:
    """Every synapse has a packet that arrives, nothing goes in circles, loads of links add up, tables are not too large."""
    routing, grid = mapping.routing, grid_of(mapping.chip)
    if not np.array_equal(routing.router_of, grid.of_core):
        yield "cores are at other routers than the chip says"
        return
    home = flat(mapping.core_of)
    if routing.entries is None:
        found, delivered, loads = _links_followed(mapping, grid)
        source = home[synapses.source]
        sent = source >= 0
        if routing.delivery == "unicast":  # what stays on a core needs no packet
            sent &= source != synapses.core
        needed = np.unique(source[sent] * len(grid.of_core) + synapses.core[sent])
    else:
        found, delivered, loads = _tables_followed(mapping, synapses, grid)
        placed = home[synapses.source] >= 0
        needed = synapses.source[placed] * len(grid.of_core) + synapses.core[placed]
    yield from found
    missing = np.setdiff1d(needed, delivered)
    if len(missing):
        sender, core = divmod(int(missing[0]), len(grid.of_core))
        yield f"{len(missing):,} packets do not arrive, the first from {sender} at core {core}"
    used = np.zeros(len(grid.of_core), bool)
    used[home[home >= 0]] = True
    if not used[delivered % len(grid.of_core)].all():
        yield "packets are delivered to cores that hold nothing"
    if loads.shape != routing.loads.shape or not np.allclose(loads, routing.loads, rtol=1e-5, atol=1e-6):
        yield "packets over links do not add up to the loads of the map"


# --- links of nets -----------------------------------------------------------------------------
def _links_followed(mapping: Any, grid: Grid) -> tuple[list[str], Int64, NDArray[np.float64]]:
    """Faults, pairs (source core, target core) that get a packet, and loads; each net's links in their order."""
    nets, routes, n_cores = mapping.routing.nets, mapping.routing.routes, len(grid.of_core)
    faults: list[str] = []
    been = np.zeros((len(nets.source), len(grid.neighbour)), bool)
    been[np.arange(len(nets.source)), grid.of_core[nets.source]] = True
    n_links = np.diff(routes.indptr)
    loads, last = np.zeros(grid.neighbour.shape), grid.of_core[nets.source]
    for step in range(int(n_links.max(initial=0))):
        net = np.flatnonzero(n_links > step)
        at = routes.indptr[net] + step
        router, link = routes.router[at], routes.link[at].astype(np.int64)
        to = grid.neighbour[router, link]
        broken = (router != last[net]) if mapping.routing.delivery == "unicast" else ~been[net, router]
        wrong = {"begins where its packet is not": broken, "does not exist": to < 0, "leads back": (to >= 0) & been[net, to]}
        faults += [f"link {step} of net {net[bad][0]} {how}" for how, bad in wrong.items() if bad.any()]
        np.add.at(loads, (router, link), nets.weight[net].astype(np.float64))
        been[net[to >= 0], to[to >= 0]], last[net] = True, to
    row = np.repeat(np.arange(len(nets.source)), np.diff(nets.indptr))
    arrived = been[row, grid.of_core[nets.target]]
    if mapping.routing.delivery == "unicast":
        faults += _detours(mapping, row, n_links)
    return faults, np.unique(nets.source[row[arrived]].astype(np.int64) * n_cores + nets.target[arrived]), loads


def _detours(mapping: Any, row: Int64, n_links: Int64) -> list[str]:
    nets, chips = mapping.routing.nets, mapping.chip.cores().chip
    if len(row) != len(nets.source):
        return ["a packet has several targets on a chip without trees"]
    longer = n_links != mapping.chip.hops(chips[nets.source], chips[nets.target])
    return [f"{longer.sum()} ways are not of the shortest length"] if longer.any() else []


# --- routing tables ------------------------------------------------------------------------------
class _Packets(NamedTuple):
    """One packet of every cell that sends: the cell, its net, its key, what it counts in loads."""

    cell: Int64
    net: Int64
    key: Int64
    weight: NDArray[np.float64]


def _tables_followed(mapping: Any, synapses: Synapses, grid: Grid) -> tuple[list[str], Int64, NDArray[np.float64]]:
    """Faults, pairs (cell, core) that get a packet, and loads; every cell's own key is looked up at every router."""
    routing, n_cores, (n, n_ways) = mapping.routing, len(grid.of_core), grid.neighbour.shape
    packets, faults = _sent(mapping, synapses)
    faults += _table_faults(mapping)
    loads, delivered = np.zeros(grid.neighbour.size), [np.empty(0, np.int64)]
    packet, router = np.arange(len(packets.cell)), grid.of_core[routing.nets.source[packets.net]]
    link, been = np.full(len(packet), -1), packet * n + router
    while len(packet):
        entry, n_met = _looked_up(routing, packets.key[packet], router)
        if (n_met > 1).any():
            faults.append("a packet meets two entries of one table")
        if ((n_met == 0) & (link < 0)).any():
            faults.append(f"{((n_met == 0) & (link < 0)).sum()} packets meet no entry at their first router")
        counts = np.where(entry >= 0, np.diff(routing.entries.indptr)[entry], 0)
        begin = np.repeat(routing.entries.indptr[entry] - np.cumsum(counts) + counts, counts)
        core = routing.entries.core[begin + np.arange(counts.sum())].astype(np.int64)
        if (grid.of_core[core] != np.repeat(router, counts)).any():
            faults.append("an entry delivers to a core of another router")
        delivered.append(packets.cell[np.repeat(packet, counts)] * n_cores + core)
        straight = np.where(link >= 0, np.int64(1) << grid.back[grid.back[link]], 0)
        ways = np.where(entry >= 0, routing.entries.links[entry], straight)
        which, way = np.nonzero(ways[:, None] >> np.arange(n_ways) & 1)
        np.add.at(loads, router[which] * n_ways + way, packets.weight[packet[which]])
        packet, router, link = packet[which], grid.neighbour[router[which], way], way
        code = packet * n + router
        _, same, times = np.unique(code, return_inverse=True, return_counts=True)
        twice = np.isin(code, been) | (times[same] > 1)
        for how, bad in (("leave by links that do not exist", router < 0), ("come to a router twice", (router >= 0) & twice)):
            faults += [f"{bad.sum()} packets {how}"] if bad.any() else []
        going = (router >= 0) & ~twice
        packet, router, link = packet[going], router[going], link[going]
        been = np.concatenate([been, code[going]])
    return faults, np.unique(np.concatenate(delivered)), loads.reshape(n, n_ways)


def _sent(mapping: Any, synapses: Synapses) -> tuple[_Packets, list[str]]:
    """A packet of every cell on a core that sends; the weight of a core's net must be the number of its cells that send."""
    routing, home, local = mapping.routing, flat(mapping.core_of), flat(mapping.local_of)
    net_of = np.full(len(mapping.chip.cores().core), -1)
    net_of[routing.nets.source] = np.arange(len(routing.nets.source))
    cell = np.flatnonzero((home >= 0) & (net_of[home] >= 0))
    net, keys = net_of[home[cell]], routing.keys
    offset = local[cell] * keys.per_neuron
    faults = ["a cell has a key beyond those of its core"] if (offset >= keys.size[net]).any() else []
    key = keys.key[net] + offset
    if len(np.unique(key)) < len(key):
        faults.append("two cells send the same key")
    has_synapse = np.zeros(len(home), bool)
    has_synapse[synapses.source] = True
    projects = np.zeros(len(mapping.network.populations), bool)
    projects[[p for projection in mapping.network.projections for p, _ in projection.pre.parts]] = True
    sizes = [population.size for population in mapping.network.populations]
    counts = [np.bincount(net, some[cell], len(routing.nets.source)) for some in (has_synapse, np.repeat(projects, sizes))]
    if not any(np.array_equal(count, routing.nets.weight) for count in counts):
        faults.append("nets do not weigh as many packets as their cells send")
    n_cells = np.maximum(np.bincount(net, minlength=len(routing.nets.source)), 1)
    return _Packets(cell, net, key, (routing.nets.weight / n_cells)[net].astype(np.float64)), faults


def _looked_up(routing: Any, key: Int64, router: Int64) -> tuple[Int64, Int64]:
    """Entry that each packet meets at its router (-1: none), and how many it meets."""
    entries, span = routing.entries, np.int64(1) << routing.keys.width
    found, n_met = np.full(len(key), -1), np.zeros(len(key), np.int64)
    for mask in np.unique(entries.mask):
        rows = np.flatnonzero(entries.mask == mask)
        code = entries.router[rows] * span + entries.key[rows]
        order = np.argsort(code, kind="stable")
        code, asked = code[order], router * span + (key & mask)
        begin, end = np.searchsorted(code, asked, "left"), np.searchsorted(code, asked, "right")
        found[end > begin] = rows[order[begin[end > begin]]]
        n_met += end - begin
    return found, n_met


def _table_faults(mapping: Any) -> list[str]:
    most = int(np.bincount(mapping.routing.entries.router).max(initial=0))
    limits = [limit.capacity for limit in mapping.chip.limits() if limit.scope == "router"]
    return [f"a router has {most:,} entries, the limit is {limit:,}" for limit in limits if most > limit]
