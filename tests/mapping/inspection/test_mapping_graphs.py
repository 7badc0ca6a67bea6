"""Views for networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from mapping_networks import network, toy
from neurosim import chips
from neurosim.connectivity import AllToAll
from neurosim.errors import ParameterError
from neurosim.mapping import map_network
from neurosim.mapping.inspection import LinkLoad, graphs, route_tree
from neurosim.mapping.structures import Routes

NAMES = sorted(chips.available())


@pytest.fixture(scope="module")
def mapping():
    return map_network(network(20, 10, rule=AllToAll()), toy(neurons=8))


@pytest.fixture(scope="module")
def loads(mapping):
    return LinkLoad.of(mapping.chip, {(0, 1): 4.0, (1, 4): 3.0})


def test_the_graph_of_the_machine_knows_what_is_where(mapping):
    graph = mapping.machine_graph()
    assert graph.nodes[0] == {"x": 0, "y": 0, "cores": 2, "cores_used": 2, "neurons": 16}
    assert sum(data["neurons"] for _, data in graph.nodes(data=True)) == 30
    assert graph.number_of_edges() == 2 * mapping.chip.topology().number_of_edges()


def test_loads_are_on_its_edges_if_given(mapping, loads):
    edges = mapping.machine_graph(links=loads).edges
    assert edges[0, 1] == {"load": 4.0}
    assert edges[1, 0] == {"load": 0.0}


@pytest.mark.parametrize("name", NAMES)
def test_links_of_a_load_are_those_of_the_machine(name):
    chip = chips.load(name)
    both_ways = nx.DiGraph(chip.topology())
    assert {(a, b) for a, _, b, _ in LinkLoad.of(chip, {}).links()} == set(both_ways.edges)


def test_the_graph_of_cores_has_the_packets(mapping):
    graph = mapping.core_graph()
    assert set(graph) == set(mapping.cores_used.tolist())
    assert sum(packets for *_, packets in graph.edges(data="packets")) == mapping.traffic.packets
    assert sum(data["packets"] * data["links"] for *_, data in graph.edges(data=True)) == mapping.traffic.hops
    assert graph.nodes[2] == {"router": 1, "x": 1, "y": 0, "place": "toy chip (1, 0) core 0"}


def test_a_large_graph_of_cores_is_refused(mapping, monkeypatch):
    monkeypatch.setattr(graphs, "MAX_EDGES", 5)
    with pytest.raises(ParameterError, match=r"would have 10 edges; networkx is of use up to 5. Use the arrays") as caught:
        mapping.core_graph()
    assert (caught.value.used, caught.value.limit) == (10, 5)


def test_the_tree_of_a_net(loads):
    routes = Routes(np.array([0, 2, 2]), np.array([0, 1], np.int32), np.array([0, 1], np.int8))  # east, then north
    tree = route_tree(routes, loads.topology, 0)
    assert nx.is_arborescence(tree)
    assert sorted(tree.edges(data="link")) == [(0, 1, 0), (1, 4, 1)]
    assert tree.nodes[4] == {"x": 1, "y": 1}
    assert list(route_tree(routes, loads.topology, 1, source=3)) == [3]
    with pytest.raises(ParameterError, match="there is no net 2; there are 2"):
        route_tree(routes, loads.topology, 2)


def test_sums_of_loads(loads):
    assert (loads.total, loads.largest) == (7.0, 4.0)


def test_loads_of_another_machine_are_refused(mapping, loads):
    with pytest.raises(ParameterError, match="there is no link from router 0 to 5"):
        LinkLoad.of(mapping.chip, {(0, 5): 1.0})
    with pytest.raises(ParameterError, match=r"the shape \(6, 3\), the machine has 6 routers of 4 links"):
        mapping.machine_graph(links=loads._replace(load=np.zeros((6, 3))))
    with pytest.raises(ParameterError, match=r"the shape \(12, 4\)"):
        mapping.machine_graph(links=LinkLoad.of(toy().with_boards(2), {}))
