"""How the tree of one net grows: kernels that routers and annealing share.

A tree begins with the source's router. Its *terminals*, the other routers with a target, are joined
one after the other by a shortest path from the nearest router of the tree, which goes as far as it
can in one direction before it turns (the longest dimension first, on a mesh where nothing is dead).
The next terminal is the one nearest to the tree, or the one nearest to the source.

References
----------
J. Navaridas et al., "SpiNNaker: Enhanced multicast routing", Parallel Computing 45 (2015): nearest
to the source first. H. Takahashi and A. Matsuyama, Math. Japonica 24 (1980): nearest to the tree first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim._jit import inner
from neurosim.mapping.routing.topology import distance
from neurosim.mapping.structures import Int8, Int32, Int64

#: Terminals from which on a tree searches around each terminal for itself, instead of keeping
#: the distance of every terminal from the tree.
MANY = 96


class Scratch(NamedTuple):
    """Working space for one tree; all arrays of length ``n_routers`` but ``stamp`` (2,): of the tree and of the search.

    ``mark`` holds the stamp of the tree that a router is in, ``seen`` that of the search that met it;
    ``terminal``, ``best``, ``first`` and ``near`` belong together: terminals, their distances from
    the tree and from the source, the nearest router of the tree. ``router`` and ``link`` are the tree.
    """

    stamp: Int64
    mark: Int64
    seen: Int64
    terminal: Int32
    best: Int32
    first: Int32
    near: Int32
    queue: Int32
    back: Int8
    path: Int8
    router: Int32
    link: Int8
    other_router: Int32
    other_link: Int8


def scratch_of(n_routers: int) -> Scratch:
    """Working space for trees on ``n_routers`` routers."""
    kinds = (np.int64,) * 2 + (np.int32,) * 5 + (np.int8,) * 2 + (np.int32, np.int8) * 2
    return Scratch(np.zeros(2, np.int64), *(np.zeros(n_routers, kind) for kind in kinds))


@inner()
def gather(root, targets, place, s):
    """Put the routers of some targets into ``s.terminal``, each once and without the root; how many."""
    s.stamp[1] += 1
    stamp = s.stamp[1]
    s.seen[root] = stamp
    n = 0
    for target in targets:
        router = place[target]
        if s.seen[router] != stamp:
            s.seen[router] = stamp
            s.terminal[n] = router
            n += 1
    return n


@inner()
def grow(root, n, from_source, metric, s):
    """Tree from ``root`` to ``s.terminal[:n]``, into ``s.router`` and ``s.link``.

    Returns the number of links, or ``-1 - router`` for a terminal that cannot be reached.
    """
    s.stamp[0] += 1
    s.mark[root] = s.stamp[0]
    if n > MANY:
        return _grow_large(root, n, metric, s)
    for i in range(n):
        s.first[i] = distance(metric, root, s.terminal[i])
        s.best[i] = s.first[i]
        s.near[i] = root
    n_links = 0
    while n > 0:
        chosen = 0
        keys = s.first if from_source else s.best
        for i in range(1, n):
            if keys[i] < keys[chosen] or (keys[i] == keys[chosen] and s.terminal[i] < s.terminal[chosen]):
                chosen = i
        target, near = s.terminal[chosen], s.near[chosen]
        n -= 1
        s.terminal[chosen], s.best[chosen] = s.terminal[n], s.best[n]
        s.first[chosen], s.near[chosen] = s.first[n], s.near[n]
        joined = join(near, target, n_links, metric, s)
        if joined < 0:
            return -1 - np.int64(target)
        for k in range(n_links, joined):
            new = metric.neighbour[s.router[k], s.link[k]]
            for i in range(n):
                hops = distance(metric, new, s.terminal[i])
                if hops < s.best[i]:
                    s.best[i] = hops
                    s.near[i] = new
        n_links = joined
    return n_links


@inner()
def _grow_large(root, n, metric, s):
    """The same for many terminals, nearest to the source first: sorted by counting."""
    farthest = 0
    for i in range(n):
        s.first[i] = distance(metric, root, s.terminal[i])
        farthest = max(farthest, s.first[i])
        if s.first[i] >= len(s.best):
            return -1 - np.int64(s.terminal[i])
    s.best[: farthest + 1] = 0
    for i in range(n):
        s.best[s.first[i]] += 1
    start = 0
    for hops in range(farthest + 1):
        start, s.best[hops] = start + s.best[hops], start
    for i in range(n):
        s.near[s.best[s.first[i]]] = s.terminal[i]
        s.best[s.first[i]] += 1
    n_links = 0
    for i in range(n):
        target = s.near[i]
        n_links = _join_by_search(target, n_links, metric, s)
        if n_links < 0:
            return -1 - np.int64(target)
    return n_links


@inner()
def join(near, target, n_links, metric, s):
    """Add the way from ``near``, which is in the tree, to ``target``; the new number of links, or -1."""
    if s.mark[target] == s.stamp[0]:
        return n_links
    length = _straight_path(near, target, metric, s)
    if length < 0:
        return _join_by_search(target, n_links, metric, s)
    return _graft(near, length, n_links, metric, s)


@inner()
def _straight_path(start, target, metric, s):
    """Links of a shortest path with long straight runs, into ``s.path``; their number, or -1 if something dead is in the way."""
    at, length = start, 0
    left = distance(metric, at, target)
    if left >= len(s.path) or left == 32767:
        return -1
    while left > 0:
        best_run, best_link = 0, 0
        for link in range(metric.neighbour.shape[1]):
            run, here = 0, at
            while run < left:
                here = metric.neighbour[here, link]
                if here < 0 or distance(metric, here, target) != left - run - 1:
                    break
                run += 1
            if run > best_run:
                best_run, best_link = run, link
        if best_run == 0:
            return -1
        for _ in range(best_run):
            s.path[length] = best_link
            length += 1
            at = metric.neighbour[at, best_link]
        left -= best_run
    return length


@inner()
def _graft(start, length, n_links, metric, s):
    """Add a path to the tree, from the last router on it that is in the tree already."""
    at, last, begin = start, start, 0
    for k in range(length):
        at = metric.neighbour[at, s.path[k]]
        if s.mark[at] == s.stamp[0]:
            last, begin = at, k + 1
    at = last
    for k in range(begin, length):
        s.router[n_links] = at
        s.link[n_links] = s.path[k]
        at = metric.neighbour[at, s.path[k]]
        s.mark[at] = s.stamp[0]
        n_links += 1
    return n_links


@inner()
def _join_by_search(target, n_links, metric, s):
    """Join a target to the nearest router of the tree, found by a search around the target."""
    if s.mark[target] == s.stamp[0]:
        return n_links
    at = _search(target, metric, s)
    if at < 0:
        return -1
    while at != target:
        link = s.back[at]
        s.router[n_links] = at
        s.link[n_links] = link
        at = metric.neighbour[at, link]
        s.mark[at] = s.stamp[0]
        n_links += 1
    return n_links


@inner()
def _search(target, metric, s):
    """Nearest router of the tree, breadth first; ``s.back`` leads from there to the target. -1 if there is none."""
    s.stamp[1] += 1
    s.seen[target] = s.stamp[1]
    s.queue[0] = target
    head, tail = 0, 1
    while head < tail:
        at = s.queue[head]
        head += 1
        for link in range(metric.neighbour.shape[1]):
            other = metric.neighbour[at, link]
            if other < 0 or s.seen[other] == s.stamp[1]:
                continue
            s.seen[other] = s.stamp[1]
            s.back[other] = metric.opposite[link]
            if s.mark[other] == s.stamp[0]:
                return np.int64(other)
            s.queue[tail] = other
            tail += 1
    return np.int64(-1)
