"""Packets expected from rules: views, cells that never fire, many cores; against counts cell by cell."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from mapping_networks import Sheet, ToyChip, network, networks, population, projection
from neurosim.chips.usage import incoming, outgoing
from neurosim.connectivity import AllToAll, Bernoulli, FixedTotal
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.mapping import Mapping, Options, map_network
from neurosim.mapping.inspection import roll_up
from neurosim.mapping.reach import expected_reach, senders
from neurosim.mapping.traffic import count_traffic
from neurosim.mapping.verify import faults
from neurosim.network import Network, Selection


def chip(**constants) -> ToyChip:
    return ToyChip(Sheet(**{"width": 4, "height": 3, "memory": 1000, **constants}))


def view_to_all(n_viewed: int = 16) -> Network:
    """Only the first cells of 64 are sources."""
    cells = population(0, 64), population(1, 32)
    view = Selection(((0, np.arange(n_viewed)),))
    return Network(0.1, 1, cells, (projection(0, view, Selection.whole(cells[1]), AllToAll()),))


def test_only_cores_with_cells_of_the_view_send() -> None:
    mapping = map_network(view_to_all(), chip(neurons=16), options=Options("fast"))
    assert np.unique(mapping.core_of[0]).tolist() == [0, 1, 2, 3]
    assert mapping.routing is not None
    assert np.unique(mapping.routing.nets.source).tolist() == [0]
    assert mapping.routing.nets.weight.tolist() == [16.0, 16.0]
    assert mapping.traffic.packets == 32


@settings(max_examples=40, deadline=None)
@given(networks())
def test_expected_packets_are_the_sums_over_single_cells(net: Network) -> None:
    rng = np.random.default_rng(len(net.projections))
    core_of = [rng.integers(-1, 5, p.size).astype(np.int32) for p in net.populations]
    rate = np.concatenate([rng.integers(0, 3, p.size) for p in net.populations]).astype(np.float32)
    packets, met = np.zeros((5, 5)), np.zeros((5, 5), bool)
    first = np.cumsum([0, *(p.size for p in net.populations)])
    for p in net.populations:
        for cell in range(p.size):
            hit = _hit(net, core_of, p.id, cell)
            if core_of[p.id][cell] >= 0:
                packets[core_of[p.id][cell]] += rate[first[p.id] + cell] * hit
                met[core_of[p.id][cell]] |= hit > 0
    graph, nets = expected_reach(net, core_of, 5, rate)
    source, target = np.nonzero(met & ~np.eye(5, dtype=bool))
    assert (graph.source.tolist(), graph.target.tolist()) == (source.tolist(), target.tolist())
    np.testing.assert_allclose(graph.packets, packets[source, target], rtol=1e-5)
    rows = [nets.target[a:b].tolist() for a, b in zip(nets.indptr[:-1], nets.indptr[1:], strict=True)]
    assert dict(zip(nets.source.tolist(), rows, strict=True)) == {c: np.flatnonzero(met[c]).tolist() for c in range(5) if met[c].any()}


def _hit(net: Network, core_of: list, population_id: int, cell: int) -> np.ndarray:
    """Probability of a target of one cell on each core, pair by pair."""
    miss = np.ones(5)
    for p in net.projections:
        times = sum(int((indices == cell).sum()) for number, indices in p.pre.parts if number == population_id)
        density = p.rule.expected(net.ends(p)) / max(p.pre.size * p.post.size, 1)
        for number, indices in p.post.parts:
            for core in core_of[number][indices].tolist():
                if core >= 0:
                    once = np.exp(-density) if getattr(p.rule, "with_replacement", False) else 1 - min(density, 1.0)
                    miss[core] *= once**times
    return 1 - miss


def test_groups_of_senders_are_disjoint_and_whole() -> None:
    cells = population(0, 10), population(1, 4)
    post = Selection.whole(cells[1])
    views = [np.arange(6), np.arange(4, 10), np.array([0, 9])]
    net = Network(0.1, 1, cells, tuple(projection(k, Selection(((0, view),)), post, Bernoulli(0.5)) for k, view in enumerate(views)))
    found = {tuple(p.id for p in g.projections): g.cells.tolist() for g in senders(net, [np.zeros(10, int), np.ones(4, int)], 2)}
    assert found == {(0,): [1, 2, 3], (0, 1): [4, 5], (1,): [6, 7, 8], (0, 2): [0], (1, 2): [9]}


def test_views_count_in_expected_traffic_as_they_do_when_counted() -> None:
    net, machine = view_to_all(), chip(neurons=16)
    mapping = map_network(net, machine, options=Options("fast"))
    expected = count_traffic(net, machine, mapping.core_of, max_exact=0)
    assert (expected.method, expected.packets, expected.local, expected.hops) == ("expected", 32.0, 0.0, mapping.traffic.hops)
    assert expected.graph is not None
    assert expected.graph.source.tolist() == [0, 0]
    rolled = roll_up(_with_traffic(mapping, expected))
    assert rolled.packets.tolist() == [[0.0, 32.0], [0.0, 0.0]]
    assert rolled.hops.sum() == pytest.approx(mapping.traffic.hops)


def _with_traffic(mapping: Mapping, traffic) -> Mapping:
    other = replace(mapping)
    other.__dict__["traffic"] = traffic
    return other


@pytest.mark.parametrize("effort", ["fast", "normal", "best"])
def test_cells_that_never_fire_have_their_ways(effort: str) -> None:
    net = network(40, 40, 40, rule=Bernoulli(0.3))
    mapping = map_network(net, chip(neurons=16), options=Options(effort, rates={0: 0.0, 1: 0.0, 2: 0.0}))
    assert faults(mapping) == []
    assert mapping.routing is not None
    assert mapping.routing.nets.n_nets > 0
    assert mapping.routing.loads.sum() == 0


def test_populations_without_cells_send_nothing() -> None:
    mapping = map_network(network(0, 20, rule=Bernoulli(0.5)), chip())
    assert mapping.routing is not None
    assert mapping.routing.nets.n_nets == 0


def test_sparse_networks_on_many_cores_take_little_memory() -> None:
    n = 4000
    cells = tuple(population(k, 2) for k in range(n))
    links = tuple(projection(k, Selection.whole(cells[k]), Selection.whole(cells[k - 1]), FixedTotal(3)) for k in range(n))
    net, core_of = Network(0.1, 1, cells, links), [np.full(2, k, np.int32) for k in range(n)]
    tracemalloc.start()
    try:
        graph, nets = expected_reach(net, core_of, n, np.ones(2 * n, np.float32))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(graph.source), nets.n_nets) == (n, n)
    assert peak < 4 * n * n  # a table of all pairs takes 8 bytes for each


def test_projections_of_a_population_are_looked_up_not_searched() -> None:
    net = network(4, 4, 4, rule=Bernoulli(0.5))
    assert [(p.id, share) for p, share in incoming(net, 1)] == [(0, 1.0)]
    assert [(p.id, share) for p, share in outgoing(net, 1)] == [(1, 1.0)]
    assert incoming(net, 2) is incoming(net, 2)
    both = Selection(((0, np.arange(3)), (1, np.arange(1))))
    mixed = replace(net, projections=(projection(0, both, both, Bernoulli(0.5)),))
    assert [share for p in range(3) for _, share in incoming(mixed, p)] == [0.75, 0.25]


@pytest.mark.parametrize(
    ("rates", "error", "match"),
    [
        ({5: 1.0}, UnknownNameError, "unknown population '5'"),
        ({-1: 1.0}, UnknownNameError, "unknown population '-1'"),
        ({0: "fast"}, ParameterError, "the firing rate 'fast' is no number. Give one rate in Hz, or one for each cell"),
        ({0: 1e300}, ParameterError, r"a firing rate is 1e\+300"),
    ],
)
def test_rates_that_cannot_be(rates, error, match) -> None:
    with pytest.raises(error, match=match):
        map_network(network(4, 4, rule=Bernoulli(0.5)), chip(), options=Options(rates=rates))
