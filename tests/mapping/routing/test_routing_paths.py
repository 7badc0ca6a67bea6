"""Routes on graphs with limited capacity."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_nets import nets_from, random_nets
from neurosim.errors import ParameterError
from neurosim.mapping.routing import BusGraph, route_paths


def bus_graph(edges: list[tuple[int, int, float]], capacity: list[int]) -> BusGraph:
    """Edges in both directions."""
    rows: list[dict[int, float]] = [{} for _ in capacity]
    for a, b, weight in edges:
        rows[a][b] = rows[b][a] = weight
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    node = np.array([b for row in rows for b in sorted(row)], np.int32)
    return BusGraph(indptr, node, np.array([row[b] for row in rows for b in sorted(row)]), np.array(capacity, np.int32))


def test_the_cheapest_path_is_taken_and_a_shared_way_counts_once() -> None:
    graph = bus_graph([(0, 1, 1.0), (1, 2, 1.0), (0, 2, 5.0), (2, 3, 1.0)], [9] * 4)
    found = route_paths(nets_from([(0, [2, 3])]), np.arange(4), graph)
    assert found.routes.router.tolist() == [0, 1, 2]
    assert not found.lost.any()


def test_nets_that_want_the_same_bus_make_room_for_each_other() -> None:
    edges = [(0, 2, 1.0), (1, 2, 1.0), (2, 4, 1.0), (2, 5, 1.0), (1, 3, 1.5), (3, 5, 1.5)]
    found = route_paths(nets_from([(0, [4]), (1, [5])]), np.arange(6), bus_graph(edges, [1] * 6))
    assert not found.lost.any()
    assert found.routes.router.tolist() == [0, 2, 1, 3]


def test_what_has_no_bus_left_is_lost_and_the_net_with_more_packets_stays() -> None:
    edges = [(0, 2, 1.0), (1, 2, 1.0), (2, 3, 1.0), (2, 4, 1.0)]
    found = route_paths(nets_from([(0, [3]), (1, [4])], [1.0, 5.0]), np.arange(5), bus_graph(edges, [1] * 5))
    assert found.lost.tolist() == [True, False]
    assert found.routes.indptr.tolist() == [0, 0, 2]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_no_node_takes_too_many_and_what_is_not_lost_is_reached(seed) -> None:
    rng = np.random.default_rng(seed)
    plain = nx.gnm_random_graph(12, 20, seed=seed)
    graph = bus_graph([(a, b, float(rng.integers(1, 5))) for a, b in plain.edges], rng.integers(1, 4, 12).tolist())
    nets = random_nets(rng, 12, 6)
    routes, lost = route_paths(nets, np.arange(12), graph)
    use = np.zeros(12, int)
    for net in range(nets.n_nets):
        part, pins = slice(routes.indptr[net], routes.indptr[net + 1]), slice(nets.indptr[net], nets.indptr[net + 1])
        reached = {int(nets.source[net])}
        for router, link in zip(routes.router[part].tolist(), routes.link[part].tolist(), strict=True):
            child = int(graph.node[graph.indptr[router] + link])
            assert router in reached
            assert child not in reached
            reached.add(child)
        assert set(nets.target[pins][~lost[pins]].tolist()) <= reached
        use[list(reached)] += bool(len(reached) > 1)
    assert (use <= graph.capacity).all()


def test_wrong_graphs_are_told() -> None:
    with pytest.raises(ParameterError, match="weight is not more than 0"):
        route_paths(nets_from([(0, [1])]), np.arange(2), bus_graph([(0, 1, 0.0)], [1, 1]))
