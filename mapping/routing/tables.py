"""Routing tables: which entries each router needs for the trees of all nets, and whether they fit.

A packet that comes straight through a router needs no entry there: without one it leaves by the link
opposite to that of its arrival. The source's router, routers with local targets and those where the
tree turns or branches need one. Senders of one population with equal routes at a router, and blocks
of keys next to each other, can share one; blocks of keys that never come there may be covered too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.errors import PlacementError
from neurosim.mapping.routing.keys import Keys
from neurosim.mapping.routing.topology import router_label
from neurosim.mapping.structures import Int32, Int64, Nets, Routes, Topology


class Entries(NamedTuple):
    """Entries of all routing tables, sorted by router and key.

    Attributes
    ----------
    router
        int32 (n,): router whose table this is in.
    key, mask
        int64 (n,): a packet with ``packet & mask == key`` is meant. No packet is meant by two entries.
    links
        int64 (n,): bit ``l`` is set if the packet leaves by link ``l``.
    indptr, core
        int64 (n + 1,) and int32: local cores that get the packet, rows one after the other.
    """

    router: Int32
    key: Int64
    mask: Int64
    links: Int64
    indptr: Int64
    core: Int32

    def used(self, n_routers: int) -> Int64:
        """Number of entries of each router, int64 (n_routers,)."""
        return np.bincount(self.router, minlength=n_routers)


class _Visits(NamedTuple):
    """Routers that packets come to, one row per router and net, sorted by router and key; ``needed``: not straight through."""

    router: Int32
    net: Int32
    links: Int64
    needed: NDArray[np.bool_]
    indptr: Int64
    core: Int32


def table_entries(
    nets: Nets, routes: Routes, router_of: NDArray[np.integer], topology: Topology, keys: Keys, *, merge: bool = True
) -> Entries:
    """Entries that all routers need; sender ``i`` of ``keys`` is net ``i``.

    Parameters
    ----------
    nets, routes, router_of, topology
        Nets, their trees, router of each core, routers and links.
    keys
        Keys of each net; see :func:`allocate_keys`.
    merge
        Whether senders of a population share entries where they can.

    Returns
    -------
    Entries
        Check them with :func:`check_entries` and :func:`walk_entries`.
    """
    visits = _visits(nets, routes, np.asarray(router_of, np.int64), topology, keys)
    first = np.flatnonzero(visits.needed)
    key, mask = keys.key[visits.net[first]], keys.mask[visits.net[first]]
    if merge:
        first, key, mask = _merged(visits, keys)
    counts = np.diff(visits.indptr)[first]
    indptr = np.concatenate([[0], np.cumsum(counts)])
    rows = np.arange(indptr[-1]) - np.repeat(indptr[:-1] - visits.indptr[:-1][first], counts)
    return Entries(visits.router[first], key, mask, visits.links[first], indptr, visits.core[rows])


def check_entries(entries: Entries, topology: Topology, limit: int) -> Int64:
    """Entries of each router, int64 (n_routers,), if all fit.

    Raises
    ------
    PlacementError
        If a router needs more than ``limit``; names the fullest one.
    """
    used = entries.used(topology.n_routers)
    worst = int(used.argmax())
    if used[worst] > limit:
        others = int((used > limit).sum()) - 1
        more = f" ({others:,} others are too full as well)" if others else ""
        text = f"{router_label(topology, worst).capitalize()} needs {used[worst]:,} routing entries, the limit is {limit:,}{more}."
        remedy = "Put cores that talk to each other closer together, or use more neurons per core."
        raise PlacementError(
            text, core=router_label(topology, worst), resource="routing entries", used=int(used[worst]), limit=limit, remedy=remedy
        )
    return used


def _visits(nets: Nets, routes: Routes, place: Int64, topology: Topology, keys: Keys) -> _Visits:
    """Every router that a packet comes to; a net without any target needs nothing."""
    n_nets, order = nets.n_nets, np.argsort(keys.key[: nets.n_nets], kind="stable")
    rank = np.empty(n_nets, np.int64)
    rank[order] = np.arange(n_nets)
    hop_net = np.repeat(np.arange(n_nets), np.diff(routes.indptr))
    pin_net = np.repeat(np.arange(n_nets), np.diff(nets.indptr))
    child = topology.neighbour[routes.router, routes.link].astype(np.int64)
    begun = np.flatnonzero(np.diff(nets.indptr) > 0)
    code = np.concatenate([place[nets.source[begun]] * n_nets + rank[begun], child * n_nets + rank[hop_net]])
    sorting = np.argsort(code, kind="stable")
    code = code[sorting]
    straight = np.concatenate([np.zeros(len(begun), np.int64), np.int64(1) << routes.link.astype(np.int64)])[sorting]
    links = np.zeros(len(code), np.int64)
    parent = np.searchsorted(code, routes.router.astype(np.int64) * n_nets + rank[hop_net])
    np.bitwise_or.at(links, parent, np.int64(1) << routes.link.astype(np.int64))
    pin = np.searchsorted(code, place[nets.target] * n_nets + rank[pin_net])
    by_visit = np.lexsort((nets.target, pin))
    counts = np.bincount(pin, minlength=len(code))
    needed = (counts > 0) | (links != straight)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return _Visits((code // n_nets).astype(np.int32), order[code % n_nets].astype(np.int32), links, needed, indptr, nets.target[by_visit])


def _merged(visits: _Visits, keys: Keys) -> tuple[Int64, Int64, Int64]:
    """Visit whose route an entry has, key and mask, with blocks of equal routes joined."""
    n = len(visits.net)
    same = np.zeros(n, bool)  # as the visit before: same router, population and route
    same[1:] = visits.needed[1:] & visits.needed[:-1] & (np.diff(visits.router) == 0) & (np.diff(visits.links) == 0)
    same[1:] &= np.diff(keys.population[visits.net]) == 0
    _compare_cores(visits.indptr, visits.core, same)
    out_visit, out_key, out_size = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    low = keys.block_key[keys.population]
    high = low + (np.int64(1) << keys.width) - keys.block_mask[keys.population]
    args = (visits.router, visits.net, visits.needed, same, keys.key, keys.size, low, high)
    count = _cover(*args, out_visit, out_key, out_size)
    return out_visit[:count], out_key[:count], (np.int64(1) << keys.width) - out_size[:count]


@entry()
def _compare_cores(indptr, core, out_same):
    """Clear ``out_same`` where the local cores differ from those of the visit before."""
    for i in range(1, len(out_same)):
        if not out_same[i]:
            continue
        begin, before = indptr[i], indptr[i - 1]
        n = indptr[i + 1] - begin
        equal = n == begin - before
        k = 0
        while equal and k < n:
            equal = core[begin + k] == core[before + k]
            k += 1
        out_same[i] = equal


@entry()
def _cover(router, net, needed, same, key, size, low, high, out_visit, out_key, out_size):
    """Cover every run of visits with equal routes by the largest aligned blocks that meet no other visit; how many."""
    n, count, i = len(net), 0, 0
    while i < n:
        end = i + 1
        while end < n and same[end]:
            end += 1
        if needed[i]:
            left, right = low[net[i]], high[net[i]]
            if i > 0 and router[i - 1] == router[i]:
                left = max(left, key[net[i - 1]] + size[net[i - 1]])
            if end < n and router[end] == router[i]:
                right = min(right, key[net[end]])
            k = i
            while k < end:
                begin, length = _largest_block(key[net[k]], size[net[k]], left, right)
                out_visit[count], out_key[count], out_size[count] = k, begin, length
                count += 1
                while k < end and key[net[k]] < begin + length:
                    k += 1
        i = end
    return count


@inner()
def _largest_block(begin, length, left, right):
    """Aligned block around another one that stays between ``left`` and ``right``."""
    while True:
        wider = begin & ~(2 * length - 1)
        if wider < left or wider + 2 * length > right:
            return begin, length
        begin, length = wider, 2 * length
