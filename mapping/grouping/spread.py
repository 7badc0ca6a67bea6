"""First places for groups: along a snake through the routers, or as their packets pull them apart in the plane."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackError, eigsh

from neurosim.mapping.grouping.groups import line_order
from neurosim.mapping.grouping.problem import Problem, graph_of
from neurosim.mapping.structures import Floats, Int32, Int64, Topology

#: Objects up to which eigenvectors are computed densely, which cannot fail to converge.
_DENSE = 800


def plane_of(topology: Topology) -> Floats:
    """Place of each router in the plane, float64 (n, 2), such that all links have about the same length."""
    skew = any(x * y > 0 for x, y in topology.step.tolist())
    x, y = topology.x.astype(float), topology.y.astype(float)
    return np.stack([x - y / 2, y * 3**0.5 / 2], axis=1) if skew else np.stack([x, y], axis=1)


def compact(topology: Topology, free: Int64, n: int, capacity: Int64) -> Int64:
    """The ``n`` roomiest of the free routers; of equally roomy ones those nearest to the middle, in ascending order."""
    plane = plane_of(topology)
    middle = plane[free].mean(axis=0)
    away = np.hypot(*(plane[free] - middle).T)
    order = np.lexsort((free, np.round(away, 6), -capacity[free, 0]))
    return np.sort(free[order[:n]])


def snake(topology: Topology) -> Int64:
    """Routers row by row, to and fro."""
    row = topology.y.astype(np.int64)
    column = np.where(row % 2 == 0, topology.x, -topology.x.astype(np.int64))
    return np.lexsort((column, row))


def along(problem: Problem, routers: Int64, capacity: Int64) -> Int32 | None:
    """Groups, in an order in which neighbours have packets between them, one per router of a sequence."""
    order = line_order(graph_of(problem))
    return matched(problem, order, routers, capacity)


def matched(problem: Problem, groups: Int64, routers: Int64, capacity: Int64) -> Int32 | None:
    """Give each group of a sequence the next router with enough room that is not taken; ``None`` if they do not suffice."""
    place, load = problem.fixed.copy(), np.zeros(capacity.shape, np.int64)
    np.add.at(load, place[place >= 0], problem.use[place >= 0])
    taken, begin = load[:, 0] > 0, 0
    for group in groups.tolist():
        if place[group] >= 0:
            continue
        while begin < len(routers) and taken[routers[begin]]:
            begin += 1
        at = next((i for i in range(begin, len(routers)) if not taken[routers[i]] and _fits(problem, group, routers[i], capacity)), -1)
        if at < 0:
            return _anywhere(problem, capacity)
        place[group] = routers[at]
        taken[routers[at]] = True
    return place


def _fits(problem: Problem, group: int, router: int, capacity: Int64) -> bool:
    return bool((problem.use[group] <= capacity[router]).all())


def _anywhere(problem: Problem, capacity: Int64) -> Int32 | None:
    """Largest groups first, each to the first router with room."""
    place, load = problem.fixed.copy(), np.zeros(capacity.shape, np.int64)
    np.add.at(load, place[place >= 0], problem.use[place >= 0])
    for group in np.argsort(-problem.use[:, 0], kind="stable").tolist():
        if place[group] < 0:
            room = (load + problem.use[group] <= capacity).all(axis=1)
            if not room.any():
                return None
            place[group] = int(np.argmax(room))
            load[place[group]] += problem.use[group]
    return place


def pulled(problem: Problem, where: Floats, topology: Topology, routers: Int64, capacity: Int64) -> Int32 | None:
    """Groups on routers as they lie in a plane, for example that of their :func:`modes`; ``where`` is float64 (n, 2).

    Groups and routers are halved together, again and again, along the longer side of the routers.
    """
    free = np.flatnonzero(problem.fixed < 0)
    plane = plane_of(topology)
    pairs: list[tuple[int, int]] = []
    waiting = [(free, routers[: max(len(free), 1)] if len(routers) < len(free) else routers)]
    while waiting:
        groups, area = waiting.pop()
        if len(groups) == 0:
            continue
        if len(area) <= 1 or len(groups) == 1:
            pairs += [(int(group), int(area[0])) for group in groups]
            continue
        axis = int(np.argmax(np.ptp(plane[area], axis=0)))
        area = area[np.lexsort((area, plane[area, axis]))]
        groups = groups[np.lexsort((groups, where[groups, axis]))]
        half = len(area) // 2
        share = min(max(round(len(groups) * half / len(area)), len(groups) - (len(area) - half)), half)
        waiting += [(groups[:share], area[:half]), (groups[share:], area[half:])]
    order = sorted(pairs, key=lambda pair: (-int(problem.use[pair[0], 0]), pair))
    return _nearest(problem, order, plane, routers, capacity)


def _nearest(problem: Problem, pairs: list[tuple[int, int]], plane: Floats, routers: Int64, capacity: Int64) -> Int32 | None:
    """Give each group the router it wants, or the nearest one that is free and has room."""
    place = problem.fixed.copy()
    taken = np.zeros(len(capacity), bool)
    taken[place[place >= 0]] = True
    usable = np.flatnonzero(capacity[:, 0] > 0)
    for group, wish in pairs:
        at = wish
        if taken[wish] or not _fits(problem, group, wish, capacity):
            room = usable[~taken[usable] & (problem.use[group] <= capacity[usable]).all(axis=1)]
            if not len(room):
                return _anywhere(problem, capacity)
            at = int(room[np.argmin(np.round(np.hypot(*(plane[room] - plane[wish]).T), 6))])
        place[group] = at
        taken[at] = True
    return place


def modes(graph: sparse.csr_array) -> Floats:
    """The two slowest modes of the packets, float64 (n, 2): second and third eigenvector of the normalised matrix."""
    n = graph.shape[0]
    degree = np.maximum(np.asarray(graph.sum(axis=1)).reshape(-1), 1e-12)
    scale = sparse.diags_array(degree**-0.5)
    matrix = sparse.csr_array(scale @ graph @ scale)
    if n <= 3:
        vectors = np.eye(n, 3)
    elif n <= _DENSE:
        vectors = np.linalg.eigh(matrix.toarray())[1][:, ::-1][:, :3]
    else:
        start = np.ones(n) + np.arange(n) / n
        try:
            values, found = eigsh(matrix + sparse.eye_array(n), k=3, which="LA", v0=start, tol=1e-4, maxiter=50 * n)
        except ArpackError:  # no first places from here; others are tried too
            return np.zeros((n, 2))
        vectors = found[:, np.argsort(-values)]
    slowest = vectors[:, 1:3] * (degree**-0.5)[:, None]
    return np.round(slowest / np.maximum(np.abs(slowest).max(axis=0), 1e-300), 9)
