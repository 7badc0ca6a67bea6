"""Trees on meshes, tori and triangular tori, whole and damaged, against networkx and the independent walk."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_nets import nets_from, random_case
from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.routing import (
    Dead,
    congestion_of,
    dead_parts,
    depths,
    hops_between,
    link_loads,
    metric_of,
    route_trees,
    route_xy,
    topology_of,
    unicast,
    walk_routes,
)
from neurosim.mapping.routing.topology import MESH, TRIANGULAR
from neurosim.mapping.structures import Topology

SQUARE = [(x, y) for x in range(5) for y in range(4)]


def graph_of(topology: Topology) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(range(topology.n_routers))
    router, link = np.nonzero(topology.neighbour >= 0)
    graph.add_edges_from(zip(router.tolist(), topology.neighbour[router, link].tolist(), strict=True))
    return graph


@pytest.mark.parametrize("steps", [MESH, TRIANGULAR])
@pytest.mark.parametrize("wrap", [(0, 0), (5, 4)])
def test_distances_equal_those_of_networkx_and_the_closed_form(steps, wrap) -> None:
    topology = topology_of(SQUARE, 1, steps=steps, wrap=wrap)
    metric, n = metric_of(topology), topology.n_routers
    lengths = dict(nx.all_pairs_shortest_path_length(graph_of(topology)))
    want = [[lengths[a][b] for b in range(n)] for a in range(n)]
    all_pairs = np.arange(n)[:, None], np.arange(n)
    np.testing.assert_array_equal(hops_between(metric, *all_pairs), want)
    np.testing.assert_array_equal(hops_between(metric._replace(table=np.empty((0, 0), np.int16)), *all_pairs), want)


def test_a_link_dies_in_both_directions_and_a_dead_router_loses_its_room() -> None:
    topology = topology_of([(0, 0), (1, 0), (2, 0)], 4, dead=Dead(routers=[2], links=[(0, 0)], cores=[0, 0]))
    assert (topology.neighbour == -1).all()
    assert topology.room.tolist() == [2, 4, 0]
    assert dead_parts(topology) == "router 2 at (2, 0), link 0 of router 0 at (0, 0), link 2 of router 1 at (1, 0)"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["xy", "trees"]))
def test_every_target_is_reached_once_over_live_links_only(seed, router) -> None:
    nets, router_of, topology = random_case(seed)
    route = {"xy": route_xy, "trees": route_trees}[router]
    routes = route(nets, router_of, topology)
    walk = walk_routes(nets, routes, router_of, topology)
    assert walk.faults == ()
    loads = link_loads(routes, nets.weight, topology)
    np.testing.assert_allclose(walk.loads, loads)
    assert loads.sum() == pytest.approx(routes.tree_hops(nets.weight))
    assert loads[topology.neighbour < 0].sum() == 0
    np.testing.assert_array_equal(walk.depth, depths(routes, topology))
    np.testing.assert_array_equal(walk.hops, np.diff(routes.indptr))
    again = route(nets, router_of, topology)
    assert all(np.array_equal(a, b) for a, b in zip(routes, again, strict=True))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_trees_are_trees_and_paths_to_one_target_are_shortest(seed) -> None:
    nets, router_of, topology = random_case(seed)
    whole = route_trees(nets, router_of, topology)
    for net in range(nets.n_nets):
        part = slice(whole.indptr[net], whole.indptr[net + 1])
        pairs = zip(whole.router[part].tolist(), topology.neighbour[whole.router[part], whole.link[part]].tolist(), strict=True)
        tree = nx.DiGraph(list(pairs))
        assert len(tree) == 0 or nx.is_arborescence(tree)
    single, graph = unicast(nets), graph_of(topology)
    routes = route_trees(single, router_of, topology)
    want = [nx.shortest_path_length(graph, router_of[a], router_of[b]) for a, b in zip(single.source, single.target, strict=True)]
    assert np.diff(routes.indptr).tolist() == want


def test_without_a_table_trees_are_right_too() -> None:
    for seed in range(20):
        nets, router_of, topology = random_case(seed)
        metric = metric_of(topology)._replace(table=np.empty((0, 0), np.int16))
        routes = route_trees(nets, router_of, topology, metric=metric)
        assert walk_routes(nets, routes, router_of, topology).faults == ()


def test_a_net_to_very_many_routers_is_right_too() -> None:
    topology = topology_of([(x, y) for x in range(15) for y in range(15)], 1, steps=TRIANGULAR, dead=Dead(routers=[20, 100]))
    nets = nets_from([(7, [router for router in range(225) if router not in (20, 100)])])
    routes = route_trees(nets, np.arange(225), topology)
    assert walk_routes(nets, routes, np.arange(225), topology).faults == ()
    assert len(routes.router) == 222


def test_xy_goes_along_x_first_and_takes_the_shorter_way_round() -> None:
    topology = topology_of(SQUARE, 1, wrap=(5, 4))
    number = {xy: at for at, xy in enumerate(SQUARE)}
    routes = route_xy(nets_from([(0, [1])]), np.array([number[0, 0], number[4, 2]]), topology)
    assert routes.link.tolist() == [2, 1, 1]  # one to the west round the edge; two to the north, being as far as to the south


def test_the_longest_dimension_comes_first() -> None:
    topology = topology_of([(x, y) for x in range(8) for y in range(8)], 1, steps=TRIANGULAR)
    routes = route_trees(nets_from([(0, [1])]), np.array([0, 8 * 7 + 2]), topology)
    assert routes.link.tolist() == [0] * 5 + [1] * 2


def test_congestion_names_the_fullest_link() -> None:
    topology = topology_of([(0, 0), (1, 0), (2, 0)], 1)
    nets = nets_from([(0, [1, 2]), (1, [2])])
    loads = link_loads(route_xy(nets, np.arange(3), topology), [3.0, 1.0], topology)
    assert congestion_of(loads, topology) == (4.0, 7.0 / 4, 1, 0)


def test_an_unreachable_target_is_named_with_what_is_dead() -> None:
    topology = topology_of([(0, 0), (1, 0), (2, 0)], 1, dead=Dead(links=[(1, 0)]))
    for route in (route_xy, route_trees):
        with pytest.raises(PlacementError) as caught:
            route(nets_from([(0, [1])]), np.array([0, 2]), topology)
        text = str(caught.value)
        assert text.startswith("No way leads from core 0 on router 0 at (0, 0) to router 2 at (2, 0). Dead: link 0 of router 1")
        assert caught.value.resource == "routes"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: topology_of([(0, 0), (0, 0)], 1), "two routers have the same coordinates"),
        (lambda: topology_of([(7, 0)], 1, wrap=(5, 4)), "do not lie on a torus of 5 x 4"),
        (lambda: topology_of([(0, 0)], 1, steps=((1, 0),)), r"direction \(1, 0\) has no opposite"),
        (lambda: topology_of([(0, 0)], 1, steps=((1, 0), (-1, 0), (1, 0))), "not up to 63 different ones"),
        (lambda: topology_of([(0, 0)], 1, dead=Dead(routers=[3])), "names number 3; there are 1 routers"),
        (lambda: topology_of([(0, 0)], 1, dead=Dead(routers=[0])), "no router has a usable core"),
        (lambda: topology_of([(0, 0)], 1, dead=Dead(cores=[0, 0])), "fewer than 0 usable cores"),
        (lambda: route_trees(nets_from([(0, [5])]), np.zeros(2, int), topology_of([(0, 0)], 1)), "core 5 of a net has no router"),
        (lambda: route_trees(nets_from([(0, [1])]), np.array([0, 4]), topology_of([(0, 0)], 1)), "core 1 of a net has no router"),
        (lambda: route_xy(nets_from([]), np.zeros(0, int), topology_of([(0, 0)], 1, steps=((1, 0), (-1, 0)))), "needs links to the east"),
        (
            lambda: metric_of(topology_of([(x, y) for x in range(65) for y in range(65)], 1, steps=((1, 0), (-1, 0)))),
            "no distance is known for 4,225 routers",
        ),
    ],
)
def test_wrong_arguments_are_told(call, text) -> None:
    with pytest.raises(ParameterError, match=text):
        call()
