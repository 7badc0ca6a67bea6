"""What grouping builds on, against slow obvious twins."""

from __future__ import annotations

import numpy as np
import pytest

from core_nets import nets_from, random_case, random_nets
from neurosim.mapping.grouping import groups, spread
from neurosim.mapping.grouping.annealing import Annealing, hops_of
from neurosim.mapping.grouping.descent import descend
from neurosim.mapping.grouping.moving import km1, occupation_of
from neurosim.mapping.grouping.problem import Problem, coarsened, graph_of, problem_of, twins
from neurosim.mapping.routing import metric_of, route_trees, topology_of
from neurosim.mapping.routing.topology import TRIANGULAR
from neurosim.mapping.structures import Int32, Nets


def problem_from(nets: Nets, n: int) -> Problem:
    return problem_of(nets, np.ones((n, 1), np.int64), np.full(n, -1, np.int32))


def slow_km1(nets: Nets, group: Int32) -> float:
    total = 0.0
    for net in range(nets.n_nets):
        reached = {int(group[core]) for core in nets.target[nets.indptr[net] : nets.indptr[net + 1]]}
        total += float(nets.weight[net]) * len(reached - {int(group[nets.source[net]])})
    return total


@pytest.mark.parametrize("seed", range(5))
def test_packets_between_groups_are_counted_once_per_group_reached(seed) -> None:
    rng = np.random.default_rng(seed)
    nets, group = random_nets(rng, 30, 25), rng.integers(0, 6, 30).astype(np.int32)
    problem = problem_from(nets, 30)
    assert km1(problem, group) == slow_km1(nets, group)
    assert km1(coarsened(problem, group), np.arange(6, dtype=np.int32)) == slow_km1(nets, group)


@pytest.mark.parametrize("seed", range(5))
def test_descent_never_adds_packets_keeps_limits_and_its_books(seed) -> None:
    rng = np.random.default_rng(seed)
    nets = random_nets(rng, 40, 40)
    use = np.stack([np.ones(40), rng.integers(1, 5, 40)], axis=1).astype(np.int64)
    fixed = np.where(np.arange(40) == 7, 3, -1).astype(np.int32)
    problem = problem_of(nets, use, fixed)
    capacity = np.tile([6, 20], (8, 1)).astype(np.int64)
    start = np.where(fixed >= 0, fixed, -1).astype(np.int32)
    group = groups.in_order(problem, rng.permutation(40), capacity, start)
    assert group is not None
    better = descend(problem, group, capacity)
    assert slow_km1(nets, better) <= slow_km1(nets, group)
    assert better[7] == 3
    assert (occupation_of(problem, better, capacity).load <= capacity).all()
    np.testing.assert_array_equal(better, descend(problem, group, capacity))


@pytest.mark.parametrize("seed", range(4))
def test_annealing_keeps_its_books(seed) -> None:
    nets, router_of, topology = random_case(seed + 3)
    problem = problem_from(nets, len(router_of))
    capacity = np.full((topology.n_routers, 1), len(router_of), np.int64) * (topology.room > 0)[:, None]
    capacity[router_of] = len(router_of)
    metric = metric_of(topology)
    annealing = Annealing(problem, router_of, capacity, metric, 1)
    for temperature in (5.0, 0.01):
        annealing.stretch(temperature, temperature / 2, 200_000)
        assert annealing.hops == hops_of(problem, annealing.place, metric)
        books, fresh = annealing._state, occupation_of(problem, annealing.place, capacity)
        np.testing.assert_array_equal(books.pins, fresh.pins)
        np.testing.assert_array_equal(books.load, fresh.load)
        assert (books.member[books.place, books.slot] == np.arange(problem.n)).all()


def test_the_estimate_of_annealing_is_the_length_of_real_trees() -> None:
    topology = topology_of([(x, y) for x in range(6) for y in range(6)], 1, steps=TRIANGULAR)
    nets = random_nets(np.random.default_rng(0), 36, 30)
    estimate = hops_of(problem_from(nets, 36), np.arange(36, dtype=np.int32), metric_of(topology))
    real = route_trees(nets, np.arange(36), topology).tree_hops(nets.weight)
    assert real <= estimate <= 1.1 * real


def test_alike_cores_are_found_also_if_they_send_to_themselves() -> None:
    chain = nets_from([(core, [4, 5, 6, 7]) for core in range(4)])
    assert twins(problem_from(chain, 8), 2).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    apart = nets_from([(0, [2]), (1, [3])])  # both receive nothing, but they are not alike
    assert twins(problem_from(apart, 4), 4).tolist() == [0, 1, 0, 1]  # each with the one it shares all its nets with
    both = nets_from([(core, [0, 1, 2, 3]) for core in range(4)])
    assert len(set(twins(problem_from(both, 4), 4).tolist())) == 1


def test_a_line_is_found_again_and_cut_where_it_should_be() -> None:
    order = np.random.default_rng(2).permutation(24)
    nets = nets_from([(int(order[k]), [int(order[k + 1])]) for k in range(23)])
    problem, capacity = problem_from(nets, 24), np.full((6, 1), 4, np.int64)
    graph, start = graph_of(problem), np.full(24, -1, np.int32)
    by_line = groups.in_order(problem, groups.line_order(graph), capacity, start)
    assert by_line is not None
    assert km1(problem, by_line) == 5
    for group in (groups.grown(problem, graph, capacity, start), groups.cut(problem, graph, capacity, start, 0)):
        if group is not None:  # pymetis is optional
            assert np.bincount(group).max() <= 4
            assert km1(problem, group) <= 9


def test_what_does_not_fit_this_way_is_none() -> None:
    problem, start = problem_from(nets_from([]), 5), np.full(5, -1, np.int32)
    assert groups.in_order(problem, np.arange(5), np.full((2, 1), 2, np.int64), start) is None


def test_first_places_hold_one_group_per_router_with_enough_room() -> None:
    topology = topology_of([(x, y) for x in range(4) for y in range(4)], [3, 4] * 8, steps=TRIANGULAR)
    problem = problem_from(random_nets(np.random.default_rng(1), 10, 20), 10)
    problem.use[:3, 0] = 4
    capacity = topology.room[:, None].astype(np.int64)
    near = spread.compact(topology, np.arange(16), 10, capacity)
    assert len(set(near.tolist())) == 10
    modes = spread.modes(graph_of(problem))
    for place in (spread.along(problem, spread.snake(topology), capacity), spread.pulled(problem, modes, topology, near, capacity)):
        assert place is not None
        assert len(set(place.tolist())) == 10
        assert (problem.use[:, 0] <= capacity[place, 0]).all()
