"""Routes on any graph with weights and limited capacity, such as the buses of a wafer.

A node is a bus, an edge a switch between two of them. A net takes every node of its tree, once; a
node takes only so many nets. Nets are routed one by one, by cheapest paths (Dijkstra). Then those on
nodes that are too full are taken up and routed again, while such nodes get dearer from round to
round; nets that still share a node at the end lose the targets behind it.

References
----------
L. McMurchie and C. Ebeling, "PathFinder: a negotiation-based performance-driven router for FPGAs", FPGA 1995.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from neurosim.errors import ParameterError
from neurosim.mapping.structures import Floats, Int32, Int64, Nets, Routes


class BusGraph(NamedTuple):
    """Nodes and edges.

    Attributes
    ----------
    indptr, node
        int64 (n + 1,) and int32: nodes that each node leads to, rows sorted; at most 127 each.
    weight
        float64 (n_edges,): cost of each edge, more than 0.
    capacity
        int32 (n,): nets that each node takes.
    """

    indptr: Int64
    node: Int32
    weight: Floats
    capacity: Int32


class PathRoutes(NamedTuple):
    """Trees, in which ``router`` is a node and ``link`` an edge's place in its row; ``lost`` (n_pins,) are targets without a way."""

    routes: Routes
    lost: NDArray[np.bool_]


def route_paths(nets: Nets, node_of: NDArray[np.integer], graph: BusGraph, *, rounds: int = 8) -> PathRoutes:
    """Trees of cheapest paths that keep the capacity of every node.

    Parameters
    ----------
    nets
        Who sends to whom.
    node_of
        int (n_cores,): node at which each core sends and receives.
    graph
        Nodes and edges.
    rounds
        How often nets on nodes that are too full are routed again.

    Returns
    -------
    PathRoutes
        No node has more nets than it takes; what that costs is in ``lost``.

    Raises
    ------
    ParameterError
        If a node has more than 127 edges, a weight is not positive or a core has no node.
    """
    _check(nets, node_of, graph)
    search = _Search(nets, np.asarray(node_of, np.int64), graph)
    waiting = np.arange(nets.n_nets)
    for _ in range(rounds):
        for net in waiting.tolist():
            search.route(net)
        full = search.too_full()
        if not full.any():
            break
        waiting = np.array([net for net, nodes in enumerate(search.nodes) if full[nodes].any()], np.int64)
        search.history += full
    return search.result()


def _check(nets: Nets, node_of: NDArray[np.integer], graph: BusGraph) -> None:
    used = np.asarray(node_of)[np.concatenate([nets.source, nets.target])]
    wrong = ((used < 0) | (used >= len(graph.capacity))).any()
    if wrong or np.diff(graph.indptr).max(initial=0) > 127 or not (graph.weight > 0).all():
        text = "a core has no node, a node has more than 127 edges, or a weight is not more than 0."
        raise ParameterError(text, where="route_paths", limit=127, remedy="Place every core, and give every edge a positive weight.")


class _Search:
    def __init__(self, nets: Nets, place: Int64, graph: BusGraph) -> None:
        self._nets, self._place, self._graph = nets, place, graph
        self.nodes: list[Int64] = [np.zeros(0, np.int64) for _ in range(nets.n_nets)]
        self._edges: list[list[tuple[int, int]]] = [[] for _ in range(nets.n_nets)]
        self._use = np.zeros(len(graph.capacity), np.int64)
        self.history = np.zeros(len(graph.capacity))

    def too_full(self) -> NDArray[np.bool_]:
        return self._use > self._graph.capacity

    def _pins(self, net: int) -> slice:
        return slice(int(self._nets.indptr[net]), int(self._nets.indptr[net + 1]))

    def route(self, net: int) -> None:
        """Take up a net's tree and lay it anew, round nodes that are or were too full."""
        self._use[self.nodes[net]] -= 1
        graph, root = self._graph, int(self._place[self._nets.source[net]])
        crowd = np.maximum(self._use + 1 - graph.capacity, 0)
        cost = graph.weight * ((1 + self.history) * (1 + crowd))[graph.node]
        n = len(graph.capacity)
        _, before = dijkstra(sparse.csr_array((cost, graph.node, graph.indptr), shape=(n, n)), indices=root, return_predecessors=True)
        self._edges[net] = self._tree(root, self._place[self._nets.target[self._pins(net)]], before)
        self.nodes[net] = np.array([root] + [at for _, at in self._edges[net]], np.int64)
        self._use[self.nodes[net]] += 1

    @staticmethod
    def _tree(root: int, targets: Int64, before: NDArray[np.integer]) -> list[tuple[int, int]]:
        """Pairs (parent, child), parents first."""
        seen, edges = {root}, []
        for target in np.unique(targets).tolist():
            path, at = [], target
            while at not in seen and before[at] >= 0:
                seen.add(at)
                path.append((int(before[at]), at))
                at = int(before[at])
            edges += path[::-1]
        return edges

    def result(self) -> PathRoutes:
        """Trees without what is too full; nets with many packets go first."""
        use, lost = np.zeros(len(self._graph.capacity), np.int64), np.zeros(len(self._nets.target), bool)
        kept: list[list[tuple[int, int]]] = [[] for _ in self._edges]
        for net in np.argsort(-self._nets.weight, kind="stable").tolist():
            root, pins = int(self._place[self._nets.source[net]]), self._pins(net)
            reached = {root} if use[root] < self._graph.capacity[root] else set()
            reached |= self._reached(net, use, reached)
            needed = {int(at) for at in self._place[self._nets.target[pins]]} & reached
            for parent, child in reversed(self._edges[net]):  # children before their parents
                if child in needed:
                    needed.add(parent)
            kept[net] = [(parent, child) for parent, child in self._edges[net] if child in needed]
            use[list(needed)] += 1
            lost[pins] = [int(at) not in reached for at in self._place[self._nets.target[pins]]]
        return PathRoutes(self._routes(kept), lost)

    def _reached(self, net: int, use: Int64, roots: set[int]) -> set[int]:
        reached = set(roots)
        for parent, child in self._edges[net]:
            if parent in reached and use[child] < self._graph.capacity[child]:
                reached.add(child)
        return reached

    def _routes(self, kept: list[list[tuple[int, int]]]) -> Routes:
        graph, indptr = self._graph, np.concatenate([[0], np.cumsum([len(edges) for edges in kept])]).astype(np.int64)
        pairs = np.array([pair for edges in kept for pair in edges], np.int64).reshape(-1, 2)
        links = [int(np.flatnonzero(graph.node[graph.indptr[a] : graph.indptr[a + 1]] == b)[0]) for a, b in pairs.tolist()]
        return Routes(indptr, pairs[:, 0].astype(np.int32), np.array(links, np.int8))
