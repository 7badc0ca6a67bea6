"""Placement as a whole: every core once, pins kept, never worse, the same again, bad input refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import ParameterError, PlacementError, UnknownNameError
from neurosim.mapping.placement import Effort, Positions, place_cores
from neurosim.mapping.placement.improve import Cooling, anneal, settle, unfold
from neurosim.mapping.placement.portfolio import EFFORTS
from neurosim.mapping.placement.problem import Deadline, Problem
from neurosim.mapping.placement.starts import STARTS
from neurosim.mapping.structures import CoreGraph
from placement_cases import chain, meshes, random_graph, slow_cost

MESHES = meshes()
SHORT = Effort(tuple(STARTS) + tuple(f"unfold:{name}" for name in STARTS), 2, 1, 1e5, 20, 5)
NOBODY = CoreGraph(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


@given(
    name=st.sampled_from(sorted(MESHES)),
    n_cores=st.integers(1, 25),
    n_pairs=st.integers(0, 120),
    n_pins=st.integers(0, 5),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_every_placement_is_valid_exact_and_no_worse_than_before(name: str, n_cores: int, n_pairs: int, n_pins: int, seed: int) -> None:
    positions, graph = MESHES[name], random_graph(n_cores, n_pairs, seed)
    rng = np.random.default_rng(seed)
    current = rng.permutation(len(positions))[:n_cores].astype(np.int32)
    pins = {int(core): int(current[core]) for core in rng.permutation(n_cores)[:n_pins]}
    position_of, report = place_cores(graph, positions, n_cores=n_cores, pins=pins, effort=SHORT, seed=seed, current=current)
    assert position_of.dtype == np.int32
    assert len(set(position_of.tolist())) == n_cores
    assert position_of.min() >= 0 and position_of.max() < len(positions)
    assert all(position_of[core] == position for core, position in pins.items())
    assert report.cost == pytest.approx(slow_cost(graph, positions, position_of), rel=1e-9, abs=1e-9)
    assert report.cost <= slow_cost(graph, positions, current) + 1e-9
    assert all(report.cost <= stage.cost + 1e-9 for stage in report.stages)
    again, _ = place_cores(graph, positions, n_cores=n_cores, pins=pins, effort=SHORT, seed=seed, current=current)
    assert (again == position_of).all()


@pytest.mark.parametrize("name", MESHES)
@pytest.mark.parametrize("start", STARTS)
def test_every_start_is_a_placement_and_no_improvement_makes_it_worse(name: str, start: str) -> None:
    problem = Problem(random_graph(20, 60), 20, MESHES[name], {3: 2, 4: 20})
    begun, forever = STARTS[start](problem), Deadline(None)
    problem.check_placement(begun)
    for improved in (unfold(problem, begun, forever), settle(problem, begun, forever), anneal(problem, begun, Cooling(5), 0, forever)):
        problem.check_placement(improved)
        assert problem.cost(improved) <= problem.cost(begun) * (1 + 1e-9)


@pytest.mark.parametrize("start", ["fiedler", "bisection", "spectral"])
def test_starts_from_packets_alone_see_through_scrambled_numbers(start: str) -> None:
    side = 16
    ids = np.arange(side * side)
    right, up = ids[ids % side < side - 1], ids[:-side]
    name = np.random.default_rng(4).permutation(len(ids))
    graph = CoreGraph(name[np.append(right, up)], name[np.append(right + 1, up + side)], np.ones(len(right) + len(up)))
    problem = Problem(graph, len(ids), Positions.grid(side, side), {})
    found = {kind: problem.cost(STARTS[kind](problem)) for kind in ("random", start)}
    assert found[start] < 0.5 * found["random"]
    assert problem.cost(unfold(problem, STARTS[start](problem), Deadline(None))) < 0.2 * found["random"]


@pytest.mark.parametrize("effort", ["normal", "best"])
@pytest.mark.parametrize("seed", range(3))
def test_seven_cores_are_placed_as_well_as_can_be(effort: str, seed: int) -> None:
    positions = Positions.grid(4, 2)
    graph = random_graph(7, 20, seed)
    hops = positions.distances(np.repeat(np.arange(8), 8), np.tile(np.arange(8), 8)).reshape(8, 8)
    every = np.array(list(itertools.permutations(range(8), 7)))
    costs = (graph.packets * hops[every[:, graph.source], every[:, graph.target]]).sum(axis=1)
    _, report = place_cores(graph, positions, n_cores=7, effort=effort, seed=seed)
    assert report.cost == pytest.approx(costs.min())


def test_a_chain_lies_along_neighbours() -> None:
    name = np.random.default_rng(0).permutation(100)
    graph = CoreGraph(name[:-1], name[1:], np.ones(99))
    _, report = place_cores(graph, Positions.grid(10, 10), n_cores=100)
    assert report.cost < 130  # 99 at best, 660 at random


def test_cores_on_one_router_talk_for_nothing() -> None:
    positions = Positions.grid(4, 4, cores=4)
    group = np.random.default_rng(1).permutation(np.repeat(np.arange(16), 4))
    pairs = [(a, b) for a in range(64) for b in range(64) if a != b and group[a] == group[b]]
    graph = CoreGraph(np.array([a for a, _ in pairs]), np.array([b for _, b in pairs]), np.ones(len(pairs)))
    _, report = place_cores(graph, positions, n_cores=64, effort="best")
    assert report.cost == 0


def test_few_cores_on_a_large_machine_stay_together() -> None:
    _, report = place_cores(chain(9), Positions.grid(40, 40, "hexagonal", torus=True), n_cores=9)
    assert report.cost == 8


def test_a_pinned_core_draws_the_others() -> None:
    position_of, report = place_cores(chain(4), Positions.grid(20, 20), n_cores=4, pins={0: 399})
    assert position_of[0] == 399
    assert report.cost == 3


def test_all_cores_may_be_pinned() -> None:
    position_of, report = place_cores(chain(3), Positions.grid(3, 1), n_cores=3, pins={0: 2, 1: 0, 2: 1})
    assert position_of.tolist() == [2, 0, 1]
    assert report.cost == 3


def test_cores_without_packets_are_placed_in_order() -> None:
    position_of, report = place_cores(NOBODY, Positions.grid(3, 2), n_cores=5)
    assert position_of.tolist() == [0, 1, 2, 3, 4]
    assert report.cost == 0


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_report_names_every_stage_and_progress_reaches_the_end(effort: str) -> None:
    told: list[tuple[float, str]] = []
    _, report = place_cores(
        random_graph(30, 100), Positions.grid(6, 6), n_cores=30, effort=effort, progress=lambda *news: told.append(news)
    )
    assert [stage.start for stage in report.stages if stage.stage == "start"] == list(EFFORTS[effort].starts)
    assert report.start in EFFORTS[effort].starts
    assert report.complete
    assert [part for part, _ in told] == sorted(part for part, _ in told)
    assert told[-1][0] == 1.0
    assert f"{report.start} won with" in str(report)


def test_when_time_is_up_the_best_so_far_is_given() -> None:
    _, report = place_cores(random_graph(900, 9000), Positions.grid(30, 30), n_cores=900, effort="best", seconds=1e-9)
    assert not report.complete
    assert [stage.start for stage in report.stages] == ["given"]
    assert "cut short" in str(report)


def test_large_and_tiny_packets_do_not_overflow() -> None:
    graph = random_graph(400, 4000)
    for factor in (1e-30, 1e30):
        scaled = CoreGraph(graph.source, graph.target, graph.packets * factor)
        _, report = place_cores(scaled, Positions.grid(20, 20), n_cores=400, effort="fast")
        assert math.isfinite(report.cost)
        assert report.cost < 0.95 * report.stages[0].cost


# --- what is refused -------------------------------------------------------------------------
def refused(graph: CoreGraph = NOBODY, n_cores: int = 3, error: type = ParameterError, **options):
    with pytest.raises(error) as caught:
        place_cores(graph, options.pop("positions", Positions.grid(2, 2)), n_cores=n_cores, **options)
    return caught.value


@pytest.mark.parametrize("packets", [math.nan, math.inf, -1.0])
def test_packets_that_are_no_counts_are_refused(packets: float) -> None:
    error = refused(CoreGraph(np.array([0, 1]), np.array([1, 2]), np.array([1.0, packets])))
    assert f"CoreGraph: packets of pair 1 -> 2 are {packets}; they must be finite and not negative." in str(error)
    assert error.used == packets or math.isnan(packets)


@pytest.mark.parametrize("core", [-1, 3])
def test_a_core_out_of_range_is_refused(core: int) -> None:
    error = refused(CoreGraph(np.array([0]), np.array([core]), np.ones(1)))
    assert f"target of pair 0 is core {core}, but there are 3 cores." in str(error)
    assert (error.used, error.limit) == (core, 2)


def test_columns_of_different_length_are_refused() -> None:
    assert "the columns have [2, 1, 1] rows." in str(refused(CoreGraph(np.array([0, 1]), np.array([1]), np.ones(1))))


def test_no_cores_are_refused() -> None:
    error = refused(n_cores=0)
    assert "there are no cores to place. Give at least one core." in str(error)
    assert (error.used, error.limit) == (0, 1)


def test_too_few_positions_are_refused() -> None:
    error = refused(n_cores=5, error=PlacementError)
    assert "5 cores do not fit on 4 positions. Use a larger machine" in str(error)
    assert (error.used, error.limit, error.resource) == (5, 4, "positions")


@pytest.mark.parametrize(
    ("pins", "message", "used"),
    [
        ({3: 0}, "core 3 is fixed to position 0, but cores go from 0 to 2.", 3),
        ({0: 4}, "core 0 is fixed to position 4, but positions go from 0 to 3.", 4),
        ({0: -1}, "core 0 is fixed to position -1, but positions go from 0 to 3.", -1),
        ({0: 2, 1: 2}, "cores 0 and 1 are both fixed to position 2.", 2),
    ],
)
def test_wrong_pins_are_refused(pins: dict[int, int], message: str, used: int) -> None:
    error = refused(pins=pins)
    assert message in str(error)
    assert error.used == used


@pytest.mark.parametrize(
    ("current", "message"),
    [
        ([0, 1], "the current placement has the shape (2,)"),
        ([0, 1, 4], "the current placement has core 2 at position 4."),
        ([0, 1, 1], "the current placement has cores 1 and 2 at position 1."),
        ([1, 0, 2], "the current placement has core 0 at position 1, but it is fixed to 0."),
    ],
)
def test_a_current_placement_that_is_none_is_refused(current: list[int], message: str) -> None:
    assert message in str(refused(current=np.array(current), pins={0: 0}))


def test_other_options_are_checked() -> None:
    assert "the time limit is 0 s; it must be more than 0." in str(refused(seconds=0))
    assert "unknown effort 'beste'. Did you mean 'best'?" in str(refused(effort="beste", error=UnknownNameError))
    unknown = Effort(("unfold:hilber",), 1, 1, 1, 1, 1)
    assert "unknown start 'unfold:hilber'." in str(refused(effort=unknown, error=UnknownNameError))
