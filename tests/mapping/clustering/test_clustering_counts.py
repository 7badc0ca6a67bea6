"""Exact counts against the slow, obvious way."""

from __future__ import annotations

import numpy as np
import pytest

import neuron_tables as slow
from neurosim.errors import ParameterError
from neurosim.mapping.clustering import core_graph, core_nets, count_packets, counting
from neurosim.mapping.clustering.inputs import turned


@pytest.fixture(params=[0, 1, 2])
def case(request):
    rng = np.random.default_rng(request.param)
    fanout = slow.random_table(60, 9, request.param)
    return fanout, rng.integers(-1 if request.param else 0, 7, 60).astype(np.int32)


def test_packets_and_distinct_connections_are_those_counted_one_by_one(case) -> None:
    fanout, core_of = case
    counts = count_packets(fanout, core_of, 7)
    assert counts.packets == pytest.approx(slow.packets(fanout, core_of), rel=1e-12)
    assert counts.inbound.tolist() == [slow.inbound(fanout, core_of, core) for core in range(7)]
    assert counts.outbound.tolist() == [slow.outbound(fanout, core_of, core) for core in range(7)]


@pytest.mark.parametrize("room", [1, 1 << 20])
def test_the_core_graph_has_one_row_per_pair_sorted_and_sums_to_the_packets(case, room, monkeypatch) -> None:
    monkeypatch.setattr(counting, "_ROWS", room)  # with 1, every core is a piece of its own
    fanout, core_of = case
    graph, expected = core_graph(fanout, core_of, 7), {}
    for u, row in enumerate(slow.rows_of(fanout)):
        for core in {int(core_of[t]) for t in row} - {-1, int(core_of[u])}:
            if core_of[u] >= 0:
                expected[int(core_of[u]), core] = expected.get((int(core_of[u]), core), 0.0) + float(fanout.rate[u])
    assert list(zip(graph.source.tolist(), graph.target.tolist(), strict=True)) == sorted(expected)
    assert graph.packets.tolist() == pytest.approx([expected[pair] for pair in sorted(expected)])


def test_a_net_joins_all_target_cores_of_a_core_and_weighs_what_it_sends() -> None:
    fanout = slow.table([[1, 2], [], [0, 0], [3]], [1.0, 8.0, 2.0, 4.0])
    nets = core_nets(fanout, np.array([0, 0, 1, 2], np.int32), 4)
    assert nets.source.tolist() == [0, 1, 2]
    assert [nets.target[a:b].tolist() for a, b in zip(nets.indptr[:-1], nets.indptr[1:], strict=True)] == [[0, 1], [0], [2]]
    assert nets.weight.tolist() == [1.0, 2.0, 4.0]


def test_turning_the_table_gives_different_sources_in_order(case) -> None:
    fanout, _ = case
    fanin = turned(fanout)
    rows = slow.rows_of(fanout)
    for v in range(60):
        assert fanin.source[fanin.indptr[v] : fanin.indptr[v + 1]].tolist() == [u for u in range(60) if v in rows[u]]


def test_a_core_that_does_not_exist_is_named() -> None:
    with pytest.raises(ParameterError, match="core_of of neuron 1 is 5; it must be -1 to 1") as caught:
        count_packets(slow.table([[1], [0]]), np.array([0, 5], np.int32), 2)
    assert (caught.value.used, caught.value.limit) == (5, 1)


def test_no_neurons_send_nothing() -> None:
    nothing = np.empty(0, np.int32)
    assert count_packets(slow.table([]), nothing, 0).packets == 0
    assert len(core_graph(slow.table([]), nothing, 0).source) == 0
    assert core_nets(slow.table([]), nothing, 0).n_nets == 0
