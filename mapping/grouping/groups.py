"""Ways to make groups that fit on a router each: in a given order, grown, or cut by METIS."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from neurosim._jit import entry, inner
from neurosim.mapping.grouping.problem import Problem
from neurosim.mapping.structures import Int32, Int64

#: Pairs up to which METIS is asked: it takes some seconds for ten million.
_MOST_PAIRS = 8_000_000


def in_order(problem: Problem, order: Int64, capacity: Int64, start: Int32) -> Int32 | None:
    """Fill groups one after the other; where an object does not fit, it goes to the first group that has room.

    Parameters
    ----------
    problem
        Objects.
    order
        int64 (n,): objects, first to last.
    capacity
        int64 (n_groups, n_resources).
    start
        int32 (n,): group of each object that has one already, else -1.

    Returns
    -------
    int32 array (n,) or None
        Group of each object; ``None`` if they do not fit this way.
    """
    group, load = start.copy(), np.zeros(capacity.shape, np.int64)
    np.add.at(load, group[group >= 0], problem.use[group >= 0])
    if (load > capacity).any() or not _fill(problem.use, order, capacity, load, group):
        return None
    return group


@entry()
def _fill(use, order, capacity, load, out_group):
    current = 0
    for item in order:
        if out_group[item] >= 0:
            continue
        while current < len(capacity) and load[current, 0] >= capacity[current, 0]:
            current += 1
        to = current
        while to < len(capacity) and not _has_room(use[item], load[to], capacity[to]):
            to += 1
        if to == len(capacity):
            return False
        out_group[item] = to
        for k in range(use.shape[1]):
            load[to, k] += use[item, k]
    return True


@inner()
def _has_room(use, load, capacity):
    room = True
    for k in range(len(use)):
        room = room and load[k] + use[k] <= capacity[k]
    return room


def line_order(graph: sparse.csr_array) -> Int64:
    """Objects in an order in which those with packets between them are near each other (reverse Cuthill-McKee)."""
    return reverse_cuthill_mckee(sparse.csr_matrix(graph), symmetric_mode=True).astype(np.int64)


def grown(problem: Problem, graph: sparse.csr_array, capacity: Int64, start: Int32) -> Int32 | None:
    """Grow group after group: the next object is the one with most packets from and to the group.

    A new group begins next to those that are full already, with the object that has the smallest
    share of its packets still to place, so that no holes are left. Arguments and result as for :func:`in_order`.
    """
    group, load = start.copy(), np.zeros(capacity.shape, np.int64)
    np.add.at(load, group[group >= 0], problem.use[group >= 0])
    if (load > capacity).any():
        return None
    total = np.asarray(graph.sum(axis=1)).reshape(-1)
    pull, done = np.zeros(problem.n), np.zeros(problem.n)
    near, listed = np.empty(problem.n, np.int32), np.zeros(problem.n, np.int32)
    indptr, index = graph.indptr.astype(np.int64), graph.indices.astype(np.int32)
    args = (problem.use, indptr, index, graph.data, total, capacity, load, pull, done, near, listed)
    _grow_groups(*args, group)
    return in_order(problem, np.arange(problem.n), capacity, group)


@entry()
def _grow_groups(use, indptr, index, packets, total, capacity, load, pull, done, near, listed, out_group):
    for group in range(len(capacity)):
        n_near = 0
        item = _seed(total, done, out_group)
        while item >= 0:
            out_group[item] = group
            for k in range(use.shape[1]):
                load[group, k] += use[item, k]
            for i in range(indptr[item], indptr[item + 1]):
                mate = index[i]
                done[mate] += packets[i]
                if out_group[mate] >= 0:
                    continue
                if listed[mate] != group + 1:
                    listed[mate], pull[mate] = group + 1, 0.0
                    near[n_near] = mate
                    n_near += 1
                pull[mate] += packets[i]
            item = np.int64(-1)
            for i in range(n_near):
                mate = near[i]
                if out_group[mate] < 0 and _has_room(use[mate], load[group], capacity[group]):
                    better = item < 0 or pull[mate] > pull[item]
                    if better or (pull[mate] == pull[item] and total[mate] - done[mate] < total[item] - done[item]):
                        item = np.int64(mate)


@inner()
def _seed(total, done, group):
    """Object to begin a group with: the one with the smallest share of its packets left, of those next to full groups if any."""
    best, best_left = np.int64(-1), 2.0
    for item in range(len(total)):
        if group[item] < 0:
            left = 1.0 - done[item] / total[item] if total[item] > 0.0 else 1.5
            if left < best_left:
                best, best_left = np.int64(item), left
    return best


def cut(problem: Problem, graph: sparse.csr_array, capacity: Int64, start: Int32, seed: int) -> Int32 | None:
    """Groups by METIS, with what does not fit moved elsewhere; ``None`` if pymetis is not installed or the graph is too large."""
    try:
        import pymetis
    except ImportError:
        return None
    free = np.flatnonzero(start < 0)
    parts = np.setdiff1d(np.arange(len(capacity)), start[start >= 0])
    if graph.nnz > _MOST_PAIRS or len(parts) < 2 or len(free) <= len(parts):
        return None
    part = graph[free][:, free]
    scale = max(1.0, float(part.data.max(initial=1.0)) / 10_000)
    weights = np.maximum(np.rint(part.data / scale), 1).astype(np.int64)
    options = pymetis.Options(seed=seed & 0x7FFFFFFF, ufactor=30)
    adjacency = pymetis.CSRAdjacency(part.indptr.tolist(), part.indices.tolist())
    share = [float(x) for x in capacity[parts, 0] / capacity[parts, 0].sum()]
    args = {"vweights": problem.use[free, 0].tolist(), "eweights": weights.tolist(), "tpwgts": share}
    _, label = pymetis.part_graph(len(parts), adjacency, **args, options=options, recursive=False)
    group = start.copy()
    group[free] = parts[np.asarray(label, np.int64)]
    return _fitted(problem, graph, capacity, start, group)


def _fitted(problem: Problem, graph: sparse.csr_array, capacity: Int64, start: Int32, group: Int32) -> Int32 | None:
    """Take objects with the fewest packets inside out of groups that are too full; each goes where it has most, if there is room."""
    load = np.zeros(capacity.shape, np.int64)
    np.add.at(load, group, problem.use)
    if (load <= capacity).all():
        return group
    row = np.repeat(np.arange(problem.n), np.diff(graph.indptr))
    inside = np.bincount(row, graph.data * (group[row] == group[graph.indices]), problem.n)
    homeless: list[int] = []
    for full in np.flatnonzero((load > capacity).any(axis=1)).tolist():
        members = np.flatnonzero((group == full) & (start < 0))
        for item in members[np.argsort(inside[members], kind="stable")].tolist():
            if (load[full] <= capacity[full]).all():
                break
            load[full] -= problem.use[item]
            homeless.append(item)
            group[item] = -1
    for item in sorted(homeless, key=lambda item: (-int(problem.use[item, 0]), item)):
        begin, end = graph.indptr[item], graph.indptr[item + 1]
        mates = group[graph.indices[begin:end]]
        liked = np.bincount(mates[mates >= 0], graph.data[begin:end][mates >= 0], len(capacity))
        room = (load + problem.use[item] <= capacity).all(axis=1)
        if not room.any():
            return None
        to = int(np.argmax(np.where(room, liked, -1.0)))
        group[item] = to
        load[to] += problem.use[item]
    return group
