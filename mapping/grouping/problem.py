"""What is to be put on routers: objects (cores, or bunches of them), what they need, who sends to whom."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neurosim.mapping.structures import Floats, Int32, Int64, Nets


class Problem(NamedTuple):
    """Objects and nets between them.

    Attributes
    ----------
    source
        int32 (n_nets,): object that sends.
    indptr, target
        int64 (n_nets + 1,) and int32: objects that receive, sorted, each once, never the source.
    weight
        float64 (n_nets,): packets.
    of_indptr, of_net
        int64 (n + 1,) and int32: nets that each object sends or receives, sorted.
    use
        int64 (n, n_resources): what each object takes; column 0 counts cores.
    fixed
        int32 (n,): router of each object that may not move, else -1.
    """

    source: Int32
    indptr: Int64
    target: Int32
    weight: Floats
    of_indptr: Int64
    of_net: Int32
    use: Int64
    fixed: Int32

    @property
    def n(self) -> int:
        """Number of objects."""
        return len(self.use)

    @property
    def n_nets(self) -> int:
        """Number of nets."""
        return len(self.source)


def problem_of(nets: Nets, use: Int64, fixed: Int32) -> Problem:
    """Problem whose objects are the cores of some nets."""
    net = np.repeat(np.arange(nets.n_nets), np.diff(nets.indptr))
    return _problem(nets.source, net, nets.target, nets.weight.astype(np.float64), use, fixed)


def coarsened(problem: Problem, label: NDArray[np.integer]) -> Problem:
    """Problem whose objects are bunches: object ``i`` becomes part of bunch ``label[i]``, and nets that become alike are joined."""
    n = int(label.max(initial=-1)) + 1
    use = np.zeros((n, problem.use.shape[1]), np.int64)
    np.add.at(use, label, problem.use)
    fixed = np.full(n, -1, np.int32)
    np.maximum.at(fixed, label, problem.fixed)
    net = np.repeat(np.arange(problem.n_nets), np.diff(problem.indptr))
    return _problem(label[problem.source], net, label[problem.target], problem.weight, use, fixed)


def _problem(source: NDArray[np.integer], net: Int64, target: NDArray[np.integer], weight: Floats, use: Int64, fixed: Int32) -> Problem:
    n, n_nets = len(use), len(source)
    away = target != source[net]
    code = net[away] * n + target[away]
    code = code if (np.diff(code) > 0).all() else np.unique(code)  # rows of cores come sorted
    net, target = code // n, (code % n).astype(np.int32)
    indptr = np.searchsorted(net, np.arange(n_nets + 1))
    rows: dict[bytes, int] = {}
    kept, weights = [], []
    for i in np.flatnonzero(np.diff(indptr)).tolist():
        row = rows.setdefault(int(source[i]).to_bytes(8, "little") + target[indptr[i] : indptr[i + 1]].tobytes(), len(kept))
        if row == len(kept):
            kept.append(i)
            weights.append(0.0)
        weights[row] += float(weight[i])
    keep = np.array(kept, np.int64)
    counts = np.diff(indptr)[keep]
    begin = np.concatenate([[0], np.cumsum(counts)])
    pins = target[np.repeat(indptr[:-1][keep] - begin[:-1], counts) + np.arange(begin[-1])]
    sources = source[keep].astype(np.int32)
    member = np.concatenate([sources, pins])
    of = np.concatenate([np.arange(len(keep)), np.repeat(np.arange(len(keep)), counts)])
    order = np.lexsort((of, member))
    of_indptr = np.searchsorted(member[order], np.arange(n + 1))
    return Problem(sources, begin, pins, np.array(weights, np.float64), of_indptr, of[order].astype(np.int32), use, fixed)


def graph_of(problem: Problem) -> sparse.csr_array:
    """Packets between each two objects, both directions together, symmetric (n, n) with sorted rows."""
    counts = np.diff(problem.indptr)
    source, packets = np.repeat(problem.source, counts), np.repeat(problem.weight, counts)
    one_way = sparse.coo_array((packets, (source, problem.target)), shape=(problem.n, problem.n)).tocsr()
    both = sparse.csr_array(one_way + one_way.T)
    both.sort_indices()
    return both


def twins(problem: Problem, most: int) -> Int32:
    """Bunches of objects that receive the same nets and need the same, up to ``most`` cores each; int32 (n,).

    Slices of one population are such twins more often than not. Of those that receive nothing, targets
    are compared. Who sends to its twins too does not receive its own net (there is no link to
    oneself); so nets received and sent are compared as well.
    """
    n, rows = problem.n, np.split(problem.of_net, problem.of_indptr[1:-1])
    received = [row[problem.source[row] != i].tobytes() or _sent_to(problem, row) for i, row in enumerate(rows)]
    own = [problem.use[i].tobytes() + (b"" if problem.fixed[i] < 0 else i.to_bytes(8, "little")) for i in range(n)]
    one_way = list(zip(received, own, strict=True))
    both_ways = [(row.tobytes(), word) for row, word in zip(rows, own, strict=True)]
    count = Counter(one_way)
    classes: dict[object, list[int]] = {}
    for i in range(n):
        classes.setdefault((1, one_way[i]) if count[one_way[i]] > 1 else (2, both_ways[i]), []).append(i)
    return _cut(classes, problem, most)


def _sent_to(problem: Problem, nets: Int32) -> bytes:
    """Targets of some nets, in a form that can be compared."""
    return b"to" + b"|".join(problem.target[problem.indptr[net] : problem.indptr[net + 1]].tobytes() for net in nets)


def _cut(classes: dict[object, list[int]], problem: Problem, most: int) -> Int32:
    """Number the classes, in pieces of nearly equal size."""
    label, n = np.empty(problem.n, np.int32), 0
    for members in classes.values():
        size = max(1, most // max(1, int(problem.use[members[0], 0])))
        pieces = -(-len(members) // size)
        for piece in np.array_split(np.array(members), pieces):
            label[piece] = n
            n += 1
    return label
