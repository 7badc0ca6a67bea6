"""An independent check of routes and routing tables: packets are followed from router to router.

Nothing here is shared with the routers. Packets with one target are followed one after the other as
long as nothing is wrong with them. All others move at once, a link per round; one that comes to a
router where its net has been already is noted and goes no further, so that every walk ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim._jit import entry
from neurosim.mapping.routing.keys import Keys
from neurosim.mapping.routing.tables import Entries
from neurosim.mapping.structures import Floats, Int32, Int64, Nets, Routes, Topology, among, distinct


class Walk(NamedTuple):
    """What became of one packet of every net.

    Attributes
    ----------
    undelivered
        int64 (n, 2): (net, core) of targets that got nothing.
    unwanted
        int64 (n, 2): (net, core) of cores that got what was not for them.
    duplicates
        int64 (n, 2): (net, router) where a second copy arrived.
    loops
        int64 (n, 2): those of the duplicates that had passed this router before.
    dead
        int64 (n, 2): (router, link) of links that were taken though there is none or it is dead.
    dropped
        int64 (n, 2): (net, router) where a packet of the router's own cores met no entry.
    loads
        float64 (n_routers, n_links): packets per link, with the weights of the nets.
    hops
        int64 (n_nets,): links that each net's packets passed.
    depth
        int32 (n_nets,): links from the source to the farthest router.
    straight
        bool (n_nets,): nets whose links lead, one after the other and without a detour, to their one target.
    """

    undelivered: Int64
    unwanted: Int64
    duplicates: Int64
    loops: Int64
    dead: Int64
    dropped: Int64
    loads: Floats
    hops: Int64
    depth: Int32
    straight: NDArray[np.bool_]

    @property
    def is_right(self) -> bool:
        """Whether every target got one copy and nothing else happened."""
        return not any(map(len, self[:6]))

    @property
    def faults(self) -> tuple[str, ...]:
        """What went wrong, in words; nothing if all is right."""
        kinds = zip(self._fields[:6], self[:6], strict=True)
        return tuple(f"{len(found):,} {name}, the first at {tuple(found[0].tolist())}" for name, found in kinds if len(found))


class _Copies(NamedTuple):
    """Copies of packets: net, router they are at, link they came by (-1: none), their own number."""

    net: Int64
    router: Int64
    link: Int64
    number: Int64


#: What a rule says of some copies: links to take (n, n_links), whether an entry was met, (copy, core) that get the packet.
_Step = tuple[NDArray[np.bool_], NDArray[np.bool_], Int64]


def walk_routes(nets: Nets, routes: Routes, router_of: ArrayLike, topology: Topology) -> Walk:
    """Follow the trees; a target gets the packet if the tree comes to its router."""
    place, n = np.asarray(router_of, np.int64), topology.n_routers
    walk = _walk_straight(nets, routes, place, topology)
    if walk.straight.all():
        return walk
    crooked = ~walk.straight
    net_of_hop = np.repeat(np.arange(nets.n_nets), np.diff(routes.indptr))
    net_of_pin = np.repeat(np.arange(nets.n_nets), np.diff(nets.indptr))
    row_of_hop, row_of_pin = np.flatnonzero(crooked[net_of_hop]), np.flatnonzero(crooked[net_of_pin])
    hops = _Index(net_of_hop[row_of_hop] * n + routes.router[row_of_hop])
    pins = _Index(net_of_pin[row_of_pin] * n + place[nets.target[row_of_pin]])

    def step(copies: _Copies) -> _Step:
        at = copies.net * n + copies.router
        copy, hop = hops.rows(at)
        taken = np.zeros((len(at), topology.neighbour.shape[1]), bool)
        taken[copy, routes.link[row_of_hop[hop]]] = True
        receiver, pin = pins.rows(at)
        return taken, np.ones(len(at), bool), np.stack([receiver, nets.target[row_of_pin[pin]]], axis=1).astype(np.int64)

    return _walk(nets, place, topology, step, walk)


def _walk_straight(nets: Nets, routes: Routes, place: Int64, topology: Topology) -> Walk:
    """Walk of those packets that go link by link to one target, passing no router twice; nothing of the others."""
    walk = _unwalked(nets, topology)
    been = np.full(topology.n_routers, -1, np.int64)
    arrays = (nets.indptr, nets.target, nets.weight, routes.indptr, routes.router, routes.link)
    columns = [np.ascontiguousarray(column) for column in (nets.source, *arrays, place, topology.neighbour)]
    _straight(*columns, been, walk.loads, walk.hops, walk.depth, walk.straight)
    return walk


def _unwalked(nets: Nets, topology: Topology) -> Walk:
    """Of no packet anything."""
    none, n = (np.zeros((0, 2), np.int64),) * 6, nets.n_nets
    hops, depth = np.zeros(n, np.int64), np.zeros(n, np.int32)
    return Walk(*none, loads=np.zeros(topology.neighbour.shape), hops=hops, depth=depth, straight=np.zeros(n, bool))


@entry(nogil=True)
def _straight(source, pins, target, weight, indptr, router, link, place, neighbour, been, out_loads, out_hops, out_depth, out_straight):
    """Follow each packet of one target; it counts only if its way has nothing that needs a closer look."""
    n_routers, n_links = neighbour.shape
    for net in range(source.size):
        begin, stop, core = indptr[net], indptr[net + 1], source[net]
        if pins[net + 1] - pins[net] != 1 or begin < 0 or stop > router.size or not 0 <= core < place.size:
            continue
        at, end = place[core], target[pins[net]]
        right = 0 <= at < n_routers and 0 <= end < place.size
        for hop in range(begin, stop):
            if not right or router[hop] != at or been[at] == net or link[hop] < 0 or link[hop] >= n_links:
                right = False
                break
            been[at] = net
            at = neighbour[at, link[hop]]
            right = at >= 0
        if not right or been[at] == net or at != place[end]:
            continue
        for hop in range(begin, stop):
            out_loads[router[hop], link[hop]] += weight[net]
        out_hops[net] = out_depth[net] = stop - begin
        out_straight[net] = True


def walk_entries(nets: Nets, entries: Entries, router_of: ArrayLike, topology: Topology, keys: Keys) -> Walk:
    """Follow the routing tables with the first key of each net, straight on where no entry is met."""
    masks, n_links = np.unique(entries.mask), topology.neighbour.shape[1]
    opposite, span = topology.opposite, np.int64(1) << keys.width
    same = [np.flatnonzero(entries.mask == mask) for mask in masks]
    tables = [_Index(entries.router[rows] * span + entries.key[rows]) for rows in same]

    def step(copies: _Copies) -> _Step:
        met = np.full(len(copies.net), -1)
        for mask, rows_of_mask, table in zip(masks, same, tables, strict=True):
            copy, row = table.rows(copies.router * span + (keys.key[copies.net] & mask))
            met[copy] = rows_of_mask[row]
        found = met >= 0
        taken = (
            (entries.links[met][:, None] >> np.arange(n_links) & 1).astype(bool)
            if len(entries.links)
            else np.zeros((len(met), n_links), bool)
        )
        onward = np.arange(n_links) == opposite[opposite[copies.link]][:, None]
        taken = np.where(found[:, None], taken, onward & (copies.link >= 0)[:, None])
        rows = np.flatnonzero(found)
        counts = np.diff(entries.indptr)[met[rows]]
        begin = np.repeat(entries.indptr[met[rows]] - np.cumsum(counts) + counts, counts)
        return taken, found, np.stack([np.repeat(rows, counts), entries.core[begin + np.arange(counts.sum())]], axis=1).astype(np.int64)

    return _walk(nets, np.asarray(router_of, np.int64), topology, step, _unwalked(nets, topology))


class _Index:
    """Where each value of an array stands."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._order = np.argsort(values, kind="stable")
        self._sorted = np.append(values[self._order], -1)  # an end that nobody asks for
        ends = np.flatnonzero(np.diff(self._sorted)) + 1
        self._end = np.append(np.repeat(ends, np.diff(ends, prepend=0)), 0)

    def rows(self, asked: NDArray[Any]) -> tuple[Int64, Int64]:
        """All pairs (i, j) with ``asked[i] == values[j]``."""
        begin = np.searchsorted(self._sorted[:-1], asked)
        met = self._sorted[begin] == asked
        counts = np.where(met, self._end[begin] - begin, 0)
        i = np.repeat(np.arange(len(asked)), counts)
        return i, self._order[np.repeat(begin - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]


def _walk(nets: Nets, place: Int64, topology: Topology, step: Callable[[_Copies], _Step], known: Walk) -> Walk:
    """Walk of all nets that are not known yet, some at a time: which routers they have been at is kept as one bit per net and router."""
    found = {name: [np.zeros((0, 2), np.int64)] for name in (*Walk._fields[2:6], "delivered")}
    sent = np.flatnonzero((np.diff(nets.indptr) > 0) & ~known.straight)
    some = max(1, 10_000_000 // topology.n_routers)
    for first in range(0, len(sent), some):
        _walk_some(nets, sent[first : first + some], place, topology, step, (found, known.loads, known.hops, known.depth))
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    undelivered, unwanted = _compare(nets, ~known.straight, joined.pop("delivered"))
    return known._replace(undelivered=undelivered, unwanted=unwanted, **joined)


def _walk_some(nets: Nets, sent: Int64, place: Int64, topology: Topology, step: Callable[[_Copies], _Step], out: Any) -> None:
    n, (found, loads, hops, depth) = topology.n_routers, out
    been, first = np.zeros(len(sent) * n, bool), np.empty(len(sent) * n, np.int32)
    number = np.arange(len(sent))
    copies, parents, n_copies = _Copies(sent, place[nets.source[sent]], number - number - 1, number), [number - number - 1], len(sent)
    history = [copies]
    while len(copies.net):
        at = np.searchsorted(sent, copies.net) * n + copies.router
        first[at[::-1]] = np.arange(len(at), dtype=np.int32)[::-1]  # the last to write is the first copy
        fresh = ~been[at] & (first[at] == np.arange(len(at)))
        found["duplicates"].append(np.stack([copies.net, copies.router], axis=1)[~fresh])
        found["loops"] += _loops(copies, ~fresh, history, parents)
        been[at] = True
        copies = _Copies(*(column[fresh] for column in copies))
        taken, met, received = step(copies)
        lost = ~met & (copies.link < 0)
        found["dropped"].append(np.stack([copies.net, copies.router], axis=1)[lost])
        found["delivered"].append(np.stack([copies.net[received[:, 0]], received[:, 1]], axis=1))
        copy, link = np.nonzero(taken)
        onward = topology.neighbour[copies.router[copy], link].astype(np.int64)
        found["dead"].append(np.stack([copies.router[copy], link], axis=1)[onward < 0])
        copy, link, onward = copy[onward >= 0], link[onward >= 0], onward[onward >= 0]
        np.add.at(loads, (copies.router[copy], link), nets.weight[copies.net[copy]].astype(np.float64))
        np.add.at(hops, copies.net[copy], 1)
        depth[copies.net[copy]] = len(history)
        parents.append(copies.number[copy])
        copies = _Copies(copies.net[copy], onward, link, n_copies + np.arange(len(copy)))
        n_copies += len(copy)
        history.append(copies)


def _loops(copies: _Copies, again: NDArray[np.bool_], history: list[_Copies], parents: list[Int64]) -> list[Int64]:
    """Copies that came back to a router that they had passed; few, so they are looked at one by one."""
    if not again.any():
        return []
    parent, router = np.concatenate(parents), np.concatenate([past.router for past in history])
    found = []
    for net, at, number in zip(copies.net[again], copies.router[again], copies.number[again], strict=True):
        before = parent[number]
        while before >= 0 and router[before] != at:
            before = parent[before]
        if before >= 0:
            found.append(np.array([[net, at]], np.int64))
    return found


def _compare(nets: Nets, asked: NDArray[np.bool_], delivered: Int64) -> tuple[Int64, Int64]:
    """(net, core) that are missing, and those that are too many, of the nets that are asked for."""
    span = int(max(nets.target.max(initial=0), delivered[:, 1].max(initial=0))) + 1
    net_of_pin = np.repeat(np.arange(nets.n_nets), np.diff(nets.indptr))
    wanted = (net_of_pin * span + nets.target)[asked[net_of_pin]]
    got = delivered[:, 0] * span + delivered[:, 1]
    wanted, got = distinct(wanted), distinct(got)
    missing, extra = wanted[~among(wanted, got)], got[~among(got, wanted)]
    return tuple(np.stack([codes // span, codes % span], axis=1) for codes in (missing, extra))  # type: ignore[return-value]
