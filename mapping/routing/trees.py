"""Routers: the multicast tree of every net, on live links only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.routing.growing import MANY, gather, grow, join, scratch_of
from neurosim.mapping.routing.topology import MESH, Metric, dead_parts, metric_of, router_label
from neurosim.mapping.structures import Int32, Nets, Routes, Topology


def route_trees(nets: Nets, router_of: NDArray[np.integer], topology: Topology, *, metric: Metric | None = None) -> Routes:
    """Short multicast trees, longest dimension first, on any mesh, torus or triangular torus.

    Each tree is grown twice, the next target being the one nearest to the source or the one nearest
    to the tree, and the shorter one is kept (the former if they are equal: its paths are shorter).
    What is dead is avoided by a breadth-first search.

    Parameters
    ----------
    nets
        Who sends to whom.
    router_of
        int (n_cores,): router of each core.
    topology
        Routers and links.
    metric
        What :func:`metric_of` gave for this topology, if it is at hand.

    Returns
    -------
    Routes
        One tree per net; no links for a net that stays at its router.

    Raises
    ------
    PlacementError
        If a target cannot be reached: names source, target and what is dead.
    ParameterError
        If a core has no router.
    """
    place = _checked_places(nets, router_of, topology)
    return _routed(_trees, nets, place, topology, metric or metric_of(topology))


def route_xy(nets: Nets, router_of: NDArray[np.integer], topology: Topology, *, metric: Metric | None = None) -> Routes:
    """Trees of paths that go along x first, then along y: the union of the paths to all targets.

    On a torus a path takes the shorter way round, in positive direction if both are equal. Where
    something dead is in the way, a target is joined to the tree by a shortest path instead. Give
    :func:`unicast` nets for one path per target.

    Parameters, result and errors are those of :func:`route_trees`; the links must be those of :data:`MESH`
    (more directions are allowed and not used).
    """
    place = _checked_places(nets, router_of, topology)
    steps = [tuple(step) for step in topology.step.tolist()]
    if not set(MESH) <= set(steps):
        text = "routing along x and y needs links to the east, north, west and south."
        raise ParameterError(text, where="route_xy", used=tuple(steps), remedy="Use route_trees.")
    axes = np.array([steps.index(step) for step in MESH], np.int32)
    return _routed(_paths_xy, nets, place, topology, metric or metric_of(topology), axes)


def unicast(nets: Nets) -> Nets:
    """Nets with one target each: one per target of the nets given, in their order, of the same weight."""
    counts = np.diff(nets.indptr)
    source, weight = np.repeat(nets.source, counts), np.repeat(nets.weight, counts)
    return Nets(source, np.arange(len(nets.target) + 1, dtype=np.int64), nets.target, weight)


def _checked_places(nets: Nets, router_of: NDArray[np.integer], topology: Topology) -> Int32:
    place = np.ascontiguousarray(router_of, np.int32)
    named = np.concatenate([nets.source, nets.target])
    core = int(named.max(initial=-1))
    if core >= len(place) or (place[named] < 0).any() or place.max(initial=-1) >= topology.n_routers:
        wrong = core if core >= len(place) else int(named[np.argmax((place[named] < 0) | (place[named] >= topology.n_routers))])
        raise ParameterError(
            f"core {wrong} of a net has no router.", where="router_of", used=wrong, remedy="Place every core that sends or receives."
        )
    return place


def _routed(kernel: Any, nets: Nets, place: Int32, topology: Topology, metric: Metric, *more: Int32) -> Routes:
    """Routes by a kernel that fills a buffer and is called again while nets are left."""
    scratch, n_nets, n = scratch_of(topology.n_routers), nets.n_nets, topology.n_routers
    router, link = np.empty(4 * n_nets + n + 1024, np.int32), np.empty(4 * n_nets + n + 1024, np.int8)
    ends, parts, first = np.zeros(n_nets + 1, np.int64), [], 0
    indptr = np.zeros(n_nets + 1, np.int64)
    while first < n_nets:
        done = kernel(first, nets.source, nets.indptr, nets.target, place, metric, scratch, ends, router, link, *more)
        if done < 0:
            failed = nets.source[ends[0]]
            raise _unreachable(int(failed), int(place[failed]), -1 - done, topology)
        indptr[first + 1 : done + 1] = ends[first + 1 : done + 1] + indptr[first]
        parts.append((router[: ends[done]].copy(), link[: ends[done]].copy()))
        first = done
    routers, links = [part[0] for part in parts], [part[1] for part in parts]
    return Routes(indptr, np.concatenate([*routers, router[:0]]), np.concatenate([*links, link[:0]]))


def _unreachable(core: int, source: int, target: int, topology: Topology) -> PlacementError:
    text = (
        f"No way leads from core {core} on {router_label(topology, source)} to {router_label(topology, target)}. "
        f"Dead: {dead_parts(topology)}."
    )
    where = router_label(topology, target)
    return PlacementError(text, core=where, resource="routes", used=target, remedy="Place them in one connected part of the machine.")


@entry()
def _trees(first, source, indptr, target, place, metric, s, out_indptr, out_router, out_link):
    """Trees of the nets from ``first`` on; returns the first net that has no room left, or ``-1 - router`` if one is not reached.

    ``out_indptr[net + 1]`` is where the links of a net end in ``out_router`` and ``out_link``.
    """
    end = 0
    for net in range(first, len(source)):
        if end + len(s.mark) > len(out_router):
            return net
        root = place[source[net]]
        n = gather(root, target[indptr[net] : indptr[net + 1]], place, s)
        n_links = grow(root, n, 1, metric, s)
        if 3 <= n <= MANY and n_links > n:
            n_links = _shorter(root, n_links, target[indptr[net] : indptr[net + 1]], place, metric, s)
        if n_links < 0:
            out_indptr[0] = net
            return n_links
        _copy(n_links, s.router, s.link, out_router[end:], out_link[end:])
        end += n_links
        out_indptr[net + 1] = end
    return len(source)


@inner()
def _copy(n_links, router, link, out_router, out_link):
    for k in range(n_links):
        out_router[k] = router[k]
        out_link[k] = link[k]


@inner()
def _shorter(root, n_links, targets, place, metric, s):
    """Grow the tree the other way too; the number of links of the shorter one, which ends up in ``s``."""
    _copy(n_links, s.router, s.link, s.other_router, s.other_link)
    other = grow(root, gather(root, targets, place, s), 0, metric, s)
    if other < n_links:
        return other
    _copy(n_links, s.other_router, s.other_link, s.router, s.link)
    return n_links


@entry()
def _paths_xy(first, source, indptr, target, place, metric, s, out_indptr, out_router, out_link, axes):
    """The same as :func:`_trees`, along x first; ``axes`` are the links to the east, north, west and south."""
    end = 0
    for net in range(first, len(source)):
        if end + len(s.mark) > len(out_router):
            return net
        root = place[source[net]]
        n = gather(root, target[indptr[net] : indptr[net + 1]], place, s)
        n_links = _tree_xy(root, n, metric, axes, s)
        if n_links < 0:
            out_indptr[0] = net
            return n_links
        _copy(n_links, s.router, s.link, out_router[end:], out_link[end:])
        end += n_links
        out_indptr[net + 1] = end
    return len(source)


@inner()
def _tree_xy(root, n, metric, axes, s):
    s.stamp[0] += 1
    s.mark[root] = s.stamp[0]
    n_links, n_left = 0, 0
    for i in range(n):
        length = _path_xy(root, s.terminal[i], metric, axes, s)
        if length < 0:
            s.terminal[n_left] = s.terminal[i]
            n_left += 1
        at = root
        for k in range(length):
            other = metric.neighbour[at, s.path[k]]
            if s.mark[other] != s.stamp[0]:
                s.mark[other] = s.stamp[0]
                s.router[n_links], s.link[n_links] = at, s.path[k]
                n_links += 1
            at = other
    for i in range(n_left):  # only now: a detour must not take a router that a straight path enters from elsewhere
        joined = join(root, s.terminal[i], n_links, metric, s)
        if joined < 0:
            return -1 - np.int64(s.terminal[i])
        n_links = joined
    return n_links


@inner()
def _path_xy(root, target, metric, axes, s):
    """Links along x, then y, into ``s.path``; their number, or -1 if something is missing on the way."""
    length, at = 0, root
    for axis in range(2):
        size = metric.rows if axis else metric.columns
        delta = np.int64(metric.y[target]) - metric.y[root] if axis else np.int64(metric.x[target]) - metric.x[root]
        if size > 0 and 2 * abs(delta) > size:
            delta = delta - size if delta > 0 else delta + size
        elif size > 0 and 2 * abs(delta) == size:
            delta = abs(delta)
        link = axes[axis] if delta > 0 else axes[axis + 2]
        for _ in range(abs(delta)):
            at = metric.neighbour[at, link]
            if at < 0 or length == len(s.path):
                return -1
            s.path[length] = link
            length += 1
    return length if at == target else -1
