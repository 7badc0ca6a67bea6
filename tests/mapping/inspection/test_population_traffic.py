"""Traffic from population to population."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject, settings

from mapping_networks import chips, network, networks, population, projection, toy
from neurosim.connectivity import AllToAll, Bernoulli, OneToOne
from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping import Mapping, Options, map_network
from neurosim.mapping.inspection.rollup import roll_up
from neurosim.mapping.traffic import count_traffic
from neurosim.network import Network, Selection

KINDS = ("packets", "local", "host_packets", "hops", "synapses")


def sums(table):
    return [float(getattr(table, name).sum()) for name in KINDS]


@settings(max_examples=40, deadline=None)
@given(net=networks(), chip=chips)
def test_the_sums_are_those_of_the_traffic(net, chip):
    try:
        mapping = map_network(net, chip)
    except PlacementError:
        reject()
    table = mapping.population_traffic
    assert table.method == "exact"
    assert sums(table) == pytest.approx([getattr(mapping.traffic, name) for name in KINDS])


@settings(max_examples=40, deadline=None)
@given(net=networks(), chip=chips)
def test_the_expected_sums_are_those_of_the_expected_traffic(net, chip):
    try:
        mapping = map_network(net, chip)
    except PlacementError:
        reject()
    mapping.__dict__["traffic"] = count_traffic(net, mapping.chip, mapping.core_of, max_exact=-1)
    table = roll_up(mapping)
    assert table.method == "expected"
    assert sums(table) == pytest.approx([getattr(mapping.traffic, name) for name in KINDS])


def test_packets_go_where_the_synapses_are():
    mapping = map_network(network(16, 16, rule=OneToOne()), toy(), options=Options("fast"))  # a core each, p0 to p1 and back
    table = mapping.population_traffic
    assert table.packets.tolist() == [[0, 16], [16, 0]]
    assert table.synapses.tolist() == [[0, 16], [16, 0]]
    assert table.hops.sum() == 0  # both cores are on one chip


def test_a_packet_to_two_populations_on_a_core_is_divided_by_its_synapses():
    pops = tuple(population(i, size) for i, size in enumerate((16, 4, 12)))
    whole = Selection.whole
    net = Network(0.1, 1, pops, tuple(projection(i - 1, whole(pops[0]), whole(pops[i]), AllToAll()) for i in (1, 2)))
    table = map_network(net, toy()).population_traffic
    assert table.packets[0].tolist() == [0, 4, 12]  # 16 packets to the core of 4 and 12 targets
    assert [row["target"] for row in table.rows()] == ["p2", "p1"]


def test_sources_on_the_host_are_counted_apart():
    net = network(8, 6, models=("poisson_source", "lif"), rule=OneToOne())
    table = map_network(net, toy()).population_traffic
    assert (table.host_packets[0, 1], table.packets.sum()) == (6, 0)
    assert str(table).splitlines()[-1].split() == ["sum", "6", "6"]


def test_it_prints_as_a_matrix_with_sums():
    lines = str(map_network(network(16, 16, rule=OneToOne()), toy(), options=Options("fast")).population_traffic).splitlines()
    assert lines[0] == "packets from row to column, sources on the host included (counted)"
    assert [line.split() for line in lines[3:]] == [["p0", "0", "16", "16"], ["p1", "16", "0", "16"], ["sum", "16", "16", "32"]]


def test_many_populations_print_as_pairs():
    text = str(map_network(network(*[3] * 30, rule=AllToAll()), toy(neurons=3, width=9)).population_traffic)
    assert "p0 > p1" in text
    assert text.endswith("... and 10 more pairs")


def test_no_packets_are_told_in_words():
    assert str(map_network(network(5), toy()).population_traffic) == "no packets between cores"


def test_without_the_network_packets_are_divided_by_neurons():
    mapping = map_network(network(16, 8, 8, rule=AllToAll()), toy())
    loaded = Mapping.from_json(mapping.to_json(), chip=toy())
    table = loaded.population_traffic
    assert table.method == "shared"
    assert table.packets.sum() == pytest.approx(mapping.traffic.packets)
    assert np.isnan(table.synapses).all()
    assert table.rows()
    assert "estimated" in str(table)


def test_without_network_and_pairs_of_cores_the_remedy_is_told():
    loaded = Mapping.from_json(map_network(network(20, 10, rule=Bernoulli(0.3)), toy()).to_json(), chip=toy())
    object.__setattr__(loaded.saved.traffic, "graph", None)
    with pytest.raises(ParameterError, match=r"holds neither the network nor packets per pair of cores. Load the mapping with from_json"):
        _ = loaded.population_traffic
