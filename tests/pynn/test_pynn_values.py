"""Parameters of connections: reading, setting, one by one and all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pyNN import common

PAIRS = [(0, 0), (3, 0), (1, 1), (1, 0), (2, 1)]


def linked(sim: Any, pairs: Any = PAIRS, **values: Any) -> Any:
    a, b = sim.Population(4, sim.IF_cond_exp()), sim.Population(2, sim.IF_cond_exp())
    synapse = sim.TsodyksMarkramSynapse(**{"weight": 0.1, "delay": 0.5, "U": 0.5, **values})
    return sim.Projection(a, b, sim.FromListConnector(pairs), synapse)


def test_lists_are_in_row_order_with_or_without_address(sim: Any) -> None:
    projection = linked(sim)
    assert projection.get("weight", format="list") == [(0, 0, 0.1), (1, 0, 0.1), (1, 1, 0.1), (2, 1, 0.1), (3, 0, 0.1)]
    assert projection.get("weight", format="list", with_address=False) == [0.1] * 5
    assert projection.get(["weight", "U"], format="list", with_address=False)[0] == (0.1, 0.5)


def test_matrices_hold_nan_where_nothing_is_connected(sim: Any) -> None:
    weights, delays = linked(sim).get(["weight", "delay"], format="array")
    assert np.array_equal(np.isnan(weights), [[False, True], [False, False], [True, False], [False, True]])
    assert np.nanmax(delays) == 0.5


@pytest.mark.parametrize(("several", "value"), [("sum", 0.5), ("min", 0.2), ("max", 0.3), ("first", 0.2), ("last", 0.3)])
def test_matrices_combine_multiple_synapses(sim: Any, several: str, value: float) -> None:
    a = sim.Population(2, sim.IF_cond_exp())
    projection = sim.Projection(a, a, sim.FromListConnector([(0, 1, 0.2, 0.5), (0, 1, 0.3, 0.5)]))
    assert projection.get("weight", format="array", multiple_synapses=several)[0, 1] == pytest.approx(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.7, [0.7] * 5),
        (np.float64(0.7), [0.7] * 5),
        ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0]),
        (np.arange(8.0).reshape(4, 2), [0.0, 2.0, 3.0, 5.0, 6.0]),
        (lambda d: 0.5 + d, [0.5, 1.5, 0.5, 1.5, 3.5]),
        ("0.5+d", [0.5, 1.5, 0.5, 1.5, 3.5]),
    ],
)
def test_values_are_set_in_every_form(sim: Any, value: Any, expected: list[float]) -> None:
    projection = linked(sim)
    projection.set(weight=value)
    assert projection.get("weight", format="list", with_address=False) == expected


def test_random_values_are_those_of_the_whole_matrix(sim: Any) -> None:
    projection = linked(sim)
    projection.set(weight=sim.RandomDistribution("uniform", low=0.1, high=0.2, rng=sim.NumpyRNG(seed=5)))
    matrix = np.random.RandomState(5).uniform(0.1, 0.2, 8).reshape(4, 2)
    weights = projection.get("weight", format="array")
    assert np.array_equal(weights[~np.isnan(weights)], matrix[~np.isnan(weights)])


def test_setting_a_number_keeps_the_rule_unexpanded(sim: Any) -> None:
    a = sim.Population(50, sim.IF_cond_exp())
    projection = sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    projection.set(weight=0.2, delay=1.0)
    assert not projection._wiring.explicit
    assert len(projection) == 2500
    assert projection.get("delay", format="list", with_address=False)[17] == 1.0


def test_weights_of_distances_may_be_a_constant_function(sim: Any) -> None:
    a = sim.Population(3, sim.IF_curr_exp())
    projection = sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=lambda w: 1))
    assert projection.get("weight", format="array").tolist() == [[1.0] * 3] * 3


def test_single_connections_can_be_read_and_written(sim: Any) -> None:
    projection = linked(sim)
    connection: Any = list(projection.connections)[2]
    assert isinstance(connection, common.Connection)
    connection = projection[2]
    assert connection.as_tuple("presynaptic_index", "postsynaptic_index", "weight", "U") == (1, 1, 0.1, 0.5)
    connection.weight = 0.9
    assert projection.get("weight", format="list", with_address=False) == [0.1, 0.1, 0.9, 0.1, 0.1]
    assert [c.weight for c in projection[1:3]] == [0.1, 0.9]
    assert projection[-1].presynaptic_index == 3
    with pytest.raises(IndexError, match="5 connections"):
        projection[5]


def test_one_presynaptic_cell_can_be_connected_one_to_one(sim: Any) -> None:
    a, b = sim.Population(1, sim.IF_cond_exp()), sim.Population(1, sim.IF_cond_exp())
    assert len(sim.Projection(a, b, sim.OneToOneConnector(), sim.StaticSynapse(weight="0.1+d"))) == 1


@pytest.mark.parametrize("replaced", [False, True])
def test_fixed_total_heeds_both_of_its_options(sim: Any, replaced: bool) -> None:
    a = sim.Population(6, sim.IF_cond_exp())
    connector = sim.FixedTotalNumberConnector(30, allow_self_connections=False, with_replacement=replaced, rng=sim.NumpyRNG(seed=1))
    pairs = [(i, j) for i, j, _ in sim.Projection(a, a, connector, sim.StaticSynapse(weight=0.1)).get("weight", format="list")]
    assert len(pairs) == 30
    assert all(i != j for i, j in pairs)
    assert replaced or len(set(pairs)) == 30


def test_overlapping_views_have_no_self_connections_if_so_asked(sim: Any) -> None:
    a = sim.Population(8, sim.IF_cond_exp())
    for kind in (sim.FixedNumberPreConnector, sim.FixedNumberPostConnector):
        pairs = sim.Projection(a[0:5], a[2:8], kind(3, allow_self_connections=False), sim.StaticSynapse(weight=0.1)).get(
            "weight", format="list"
        )
        assert all(i != j + 2 for i, j, _ in pairs)


def test_small_worlds_are_local_until_rewired(sim: Any) -> None:
    a = sim.Population(40, sim.IF_cond_exp())
    near = sim.Projection(a, a, sim.SmallWorldConnector(3.0, 0.0, allow_self_connections=False), sim.StaticSynapse(weight=0.1))
    assert {abs(i - j) for i, j, _ in near.get("weight", format="list")} == {1, 2}
    far = sim.Projection(a, a, sim.SmallWorldConnector(3.0, 0.5, allow_self_connections=False), sim.StaticSynapse(weight=0.1))
    pairs = [(i, j) for i, j, _ in far.get("weight", format="list")]
    assert len(pairs) == len(set(pairs)) == len(near)
    assert 0.3 < np.mean([abs(i - j) > 2 for i, j in pairs]) < 0.7
    few = sim.Projection(a, a, sim.SmallWorldConnector(5.0, 0.1, n_connections=3), sim.StaticSynapse(weight=0.1))
    assert len(few) == 120


def test_clones_connect_the_same_pairs(sim: Any) -> None:
    a = sim.Population(12, sim.IF_cond_exp())
    first = sim.Projection(a, a, sim.FixedProbabilityConnector(0.3), sim.StaticSynapse(weight=0.1))
    second = sim.Projection(a, a, sim.CloneConnector(first), sim.StaticSynapse(weight=0.4))
    assert [p[:2] for p in first.get("weight", format="list")] == [p[:2] for p in second.get("weight", format="list")]


def test_connection_sets_keep_their_own_values(sim: Any) -> None:
    csa = pytest.importorskip("csa")
    a = sim.Population(5, sim.IF_cond_exp())
    plain = sim.Projection(a, a, sim.CSAConnector(csa.oneToOne), sim.StaticSynapse(weight=0.3))
    assert plain.get("weight", format="list") == [(i, i, 0.3) for i in range(5)]
    valued = sim.Projection(a, a, sim.CSAConnector(csa.cset(csa.oneToOne, 0.7, 0.9)), sim.StaticSynapse(weight=0.3))
    assert valued.get(["weight", "delay"], format="list")[2] == (2, 2, 0.7, 0.9)


def test_own_connectors_go_the_long_way(sim: Any) -> None:
    class Last(sim.FixedProbabilityConnector):
        def connect(self, projection: Any) -> None:
            projection._convergent_connect(np.array([1, 2]), 3, weight=0.4, delay=np.array([0.5, 0.6]))

    a = sim.Population(5, sim.IF_cond_exp())
    projection = sim.Projection(a, a, Last(0.5))
    assert projection.get(["weight", "delay"], format="list") == [(1, 3, 0.4, 0.5), (2, 3, 0.4, 0.6)]


def test_connections_are_saved_and_loaded(sim: Any, tmp_path: Any) -> None:
    projection = linked(sim)
    path = str(tmp_path / "connections.txt")
    projection.save(["weight", "delay"], path)
    again = sim.Projection(projection.pre, projection.post, sim.FromFileConnector(path))
    assert again.get(["weight", "delay"], format="list") == projection.get(["weight", "delay"], format="list")


def test_empty_lists_connect_nothing(sim: Any) -> None:
    projection = linked(sim, [])
    assert len(projection) == 0
    assert projection.get("weight", format="list") == []
    assert np.isnan(projection.get("weight", format="array")).all()


def test_smallest_and_largest_delay_are_found_by_themselves(sim: Any) -> None:
    a = sim.Population(5, sim.IF_cond_exp())
    sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay="0.5+0.1*d"))
    assert sim.get_min_delay() == 0.5
    assert sim.get_max_delay() == pytest.approx(0.9)


def test_synapses_without_delay_take_the_smallest(sim: Any) -> None:
    sim.setup(timestep=0.05, min_delay=0.2)
    a = sim.Population(2, sim.IF_cond_exp())
    assert sim.Projection(a, a, sim.AllToAllConnector()).get("delay", format="list", with_address=False) == [0.2] * 4


def test_assembly_receptors_keep_their_order(sim: Any) -> None:
    assembly = sim.Population(2, sim.IF_cond_exp()) + sim.Population(2, sim.EIF_cond_exp_isfa_ista())
    assert assembly.receptor_types == ["excitatory", "inhibitory"]
    assert sim.Projection(assembly, assembly, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1)).receptor_type == "excitatory"


def test_cells_know_their_place_in_every_group(sim: Any) -> None:
    a, b = sim.Population(5, sim.IF_cond_exp()), sim.Population(5, sim.IF_cond_exp())
    cell = b[3]
    assert (b.id_to_index(cell), b[2:].id_to_index(cell), (a[:2] + b[1:]).id_to_index(cell)) == (3, 1, 4)
    assert (cell.parent, cell.parent.network_id) == (b, 1)
    assert [int(c) for c in b] == [6, 7, 8, 9, 10]
    assert not hasattr(cell, "nothing")
    with pytest.raises(IndexError):
        b[:2].id_to_index(cell)
    with pytest.raises(ValueError, match="range"):
        a.id_to_index(cell)
