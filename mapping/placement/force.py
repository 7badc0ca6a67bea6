"""Force-directed improvement: neighbouring cores change places as long as their packets pull them to.

The pull of a core in one direction is the potential that its packets would lose if it stood at the
next site there. Two cores change places when both pulls together are positive. A squared potential
moves whole regions first; hops then settle the rest.

References
----------
Jin, Xing, Wu, Lin et al., "Mapping very large scale spiking neuron network to neuromorphic
hardware", ASPLOS 2023: force-directed placement and the two potentials.
"""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry, inner
from neurosim.mapping.placement.kernels import potential, put, weight_between


@inner()
def is_mesh(sites):
    """Whether distances are those of a plain mesh: the two axes are independent."""
    return sites.metric == 0 and sites.wrap[0] == 0 and sites.wrap[1] == 0


@inner(separate=True)
def pull_along(graph, sites, state, squared, core, axis, out_pull):
    """Compute both pulls of one core along one axis of a plain mesh."""
    site = sites.site[state.slot_of[core]]
    s = state.spot[core, axis]
    ahead, behind = sites.near[site, 2 * axis], sites.near[site, 2 * axis + 1]
    t = sites.place[ahead, axis] if ahead >= 0 else s
    u = sites.place[behind, axis] if behind >= 0 else s
    forward, back = np.int64(0), np.int64(0)
    first, last = graph.indptr[core], graph.indptr[core + 1]
    if squared:
        for k in range(first, last):
            x, weight = state.spot[np.uint32(graph.neighbour[k]), axis], np.int64(graph.weight[k])
            forward += weight * np.int64((s - t) * (s + t - 2 * x))
            back += weight * np.int64((s - u) * (s + u - 2 * x))
    else:
        for k in range(first, last):
            x, weight = state.spot[np.uint32(graph.neighbour[k]), axis], np.int64(graph.weight[k])
            forward += weight * np.int64(abs(s - x) - abs(t - x))
            back += weight * np.int64(abs(s - x) - abs(u - x))
    out_pull[core, 2 * axis], out_pull[core, 2 * axis + 1] = forward, back


@inner(separate=True)
def pull_anywhere(graph, sites, state, squared, core, out_pull):
    """Compute the pulls of one core in all directions, whatever the metric."""
    site = sites.site[state.slot_of[core]]
    n_directions = sites.near.shape[1]
    for d in range(n_directions):
        out_pull[core, d] = 0
    ax, ay = state.spot[core, 0], state.spot[core, 1]
    for k in range(graph.indptr[core], graph.indptr[core + 1]):
        other, weight = graph.neighbour[k], np.int64(graph.weight[k])
        x, y = state.spot[other, 0], state.spot[other, 1]
        here = potential(sites, squared, ax, ay, x, y)
        for d in range(n_directions):
            to = sites.near[site, d]
            if to >= 0:
                there = potential(sites, squared, sites.place[to, 0], sites.place[to, 1], x, y)
                out_pull[core, d] += weight * (here - there)


@inner(separate=True)
def tell_neighbours(graph, sites, state, squared, core, before, after, pull):
    """Change the pulls of all neighbours of a core that went from one site to another."""
    n_directions = sites.near.shape[1]
    bx, by, ax, ay = sites.place[before, 0], sites.place[before, 1], sites.place[after, 0], sites.place[after, 1]
    for k in range(graph.indptr[core], graph.indptr[core + 1]):
        other, weight = graph.neighbour[k], np.int64(graph.weight[k])
        site = sites.site[state.slot_of[other]]
        x, y = sites.place[site, 0], sites.place[site, 1]
        here = potential(sites, squared, x, y, ax, ay) - potential(sites, squared, x, y, bx, by)
        for d in range(n_directions):
            to = sites.near[site, d]
            if to >= 0:
                tx, ty = sites.place[to, 0], sites.place[to, 1]
                there = potential(sites, squared, tx, ty, ax, ay) - potential(sites, squared, tx, ty, bx, by)
                pull[other, d] += weight * (here - there)


@inner(separate=True)
def tell_along(graph, sites, state, squared, core, axis, before, after, pull):
    """The same on a plain mesh, where a step along one axis changes only pulls along that axis."""
    b, a = sites.place[before, axis], sites.place[after, axis]
    forward, back = 2 * axis, 2 * axis + 1
    low, high = min(a, b), max(a, b)
    for k in range(graph.indptr[core], graph.indptr[core + 1]):
        other = np.uint32(graph.neighbour[k])
        s = state.spot[other, axis]
        # Hops change only for a step that crosses or touches the way from b to a.
        if not squared and (s + sites.stride[axis] <= low or s - sites.stride[axis] >= high):
            continue
        site, weight = sites.site[state.slot_of[other]], np.int64(graph.weight[k])
        for d in (forward, back):
            if sites.near[site, d] >= 0:
                t = sites.place[sites.near[site, d], axis]
                if squared:
                    pull[other, d] += weight * np.int64(2 * (a - b) * (t - s))
                else:
                    pull[other, d] += weight * np.int64(abs(s - a) - abs(t - a) - abs(s - b) + abs(t - b))


@inner()
def strongest(sites, state, pull, site, direction):
    """Slot of a site whose core or hole is pulled most in a direction, -1 if none may move."""
    found, most = -1, np.int64(0)
    for slot in range(sites.begin[site], sites.begin[site + 1]):
        if state.fixed[slot] == 0:
            core = state.core_at[slot]
            here = pull[core, direction] if core >= 0 else np.int64(0)
            if found < 0 or here > most:
                found, most = slot, here
    return found


@inner()
def tell(graph, sites, state, squared, core, direction, before, after, pull):
    """Bring pulls up to date after a core moved; a hole pulls nobody."""
    if core < 0:
        return
    if is_mesh(sites):
        tell_along(graph, sites, state, squared, core, direction >> 1, before, after, pull)
    else:
        tell_neighbours(graph, sites, state, squared, core, before, after, pull)


@inner()
def renew(graph, sites, state, squared, core, pull):
    """Compute the pulls of a core anew; a hole has none."""
    if core < 0:
        return
    if is_mesh(sites):
        for axis in range(2):
            pull_along(graph, sites, state, squared, core, axis, pull)
    else:
        pull_anywhere(graph, sites, state, squared, core, pull)


@inner()
def try_pair(graph, sites, state, squared, site, direction, pull):
    """Let the most pulled of two neighbouring sites change places; what is gained, 0 if they stay."""
    to = sites.near[site, direction]
    one = strongest(sites, state, pull, site, direction)
    other = strongest(sites, state, pull, to, direction + 1)
    if one < 0 or other < 0:
        return np.int64(0)
    a, b = state.core_at[one], state.core_at[other]
    gain = np.int64(0)
    if a >= 0:
        gain += pull[a, direction]
    if b >= 0:
        gain += pull[b, direction + 1]
    if gain <= 0:
        return np.int64(0)
    if a >= 0 and b >= 0:
        # Each counted the other as staying; their distance remains.
        apart = potential(sites, squared, sites.place[site, 0], sites.place[site, 1], sites.place[to, 0], sites.place[to, 1])
        gain -= 2 * weight_between(graph, a, b) * apart
        if gain <= 0:
            return np.int64(0)
    put(sites, state, a, other)
    put(sites, state, b, one)
    for turn in range(2):  # loops, because every call in the source is compiled by itself
        core, before, after = (a, site, to) if turn == 0 else (b, to, site)
        tell(graph, sites, state, squared, core, direction, before, after, pull)
    for turn in range(2):
        renew(graph, sites, state, squared, a if turn == 0 else b, pull)
    return gain


@entry()
def sweep_forces(graph, sites, state, squared, sweep, pull):
    """Try every pair of neighbouring sites once; gives the potential that was gained.

    Parameters
    ----------
    squared
        Whether the potential is the squared distance; else it is hops.
    sweep
        Number of the sweep. At 0 all pulls are computed anew; at odd numbers sites are gone through backwards.
    pull
        int64 (n_cores, n_directions): pulls, kept up to date.
    """
    if sweep == 0:
        for core in range(state.slot_of.size):
            renew(graph, sites, state, squared, core, pull)
    n_sites = sites.near.shape[0]
    total = np.int64(0)
    for k in range(n_sites):
        site = n_sites - 1 - k if sweep & 1 else k
        for direction in range(0, sites.near.shape[1], 2):
            if sites.near[site, direction] >= 0:
                total += try_pair(graph, sites, state, squared, site, direction, pull)
    return total
