"""Kernels of placement against slow, obvious twins, on every kind of mesh."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.mapping.placement import Positions, placement_cost
from neurosim.mapping.placement.anneal import sweep_swaps
from neurosim.mapping.placement.force import sweep_forces
from neurosim.mapping.placement.graph import adjacency
from neurosim.mapping.placement.kernels import State, random_state
from neurosim.mapping.placement.problem import Problem
from neurosim.mapping.placement.relax import diffuse, spread
from neurosim.mapping.placement.starts import STARTS
from neurosim.mapping.structures import CoreGraph
from placement_cases import meshes, random_graph, slow_cost

MESHES = meshes()
QUANTILES = np.linspace(0, 4, 16, dtype=np.float32)


def task(name: str, n_cores: int = 20) -> Problem:
    positions = MESHES[name]
    return Problem(random_graph(n_cores, 150), n_cores, positions, {0: 7, 5: 3})


def consistent(problem: Problem, state: State) -> bool:
    sites = problem.positions.sites
    cores = np.arange(problem.n_cores)
    return bool(
        (state.core_at[state.slot_of] == cores).all()
        and (state.core_at >= 0).sum() == problem.n_cores
        and (state.spot == sites.place[sites.site[state.slot_of]]).all()
    )


def table(problem: Problem, squared: bool) -> np.ndarray:
    """Potential between all sites, from coordinates."""
    positions, sites = problem.positions, problem.positions.sites
    first = positions.slots[sites.begin[:-1]]
    n = len(first)
    hops = positions.distances(np.repeat(first, n), np.tile(first, n)).reshape(n, n)
    if not squared:
        return hops
    if positions.metric == "table":
        return hops**2
    best = np.full((n, n), 10**9)
    for turn_x in (-1, 0, 1) if positions.wrap[0] else (0,):
        for turn_y in (-1, 0, 1) if positions.wrap[1] else (0,):
            dx = positions.x[first][:, None].astype(int) - positions.x[first] + turn_x * positions.wrap[0]
            dy = positions.y[first][:, None].astype(int) - positions.y[first] + turn_y * positions.wrap[1]
            best = np.minimum(best, dx * dx + dy * dy - (dx * dy if positions.metric == "hexagonal" else 0))
    return best


def slow_potential(problem: Problem, state: State, potential: np.ndarray) -> int:
    """Scaled packets times potential over all rows, halved."""
    graph, site = problem.adjacency, problem.positions.sites.site[state.slot_of]
    source = np.repeat(np.arange(problem.n_cores), np.diff(graph.indptr))
    return int((graph.weight.astype(np.int64) * potential[site[source], site[graph.neighbour]]).sum()) // 2


def slow_pulls(problem: Problem, state: State, potential: np.ndarray) -> np.ndarray:
    graph, sites = problem.adjacency, problem.positions.sites
    site = sites.site[state.slot_of]
    pulls = np.zeros((problem.n_cores, sites.near.shape[1]), np.int64)
    for core in range(problem.n_cores):
        row = slice(graph.indptr[core], graph.indptr[core + 1])
        others, weight = site[graph.neighbour[row]], graph.weight[row].astype(np.int64)
        for direction, to in enumerate(sites.near[site[core]]):
            if to >= 0:
                pulls[core, direction] = weight @ (potential[site[core], others] - potential[to, others])
    return pulls


@pytest.mark.parametrize("name", MESHES)
def test_the_cost_is_that_of_pair_by_pair(name: str) -> None:
    problem = task(name)
    position_of = STARTS["random"](problem)
    expected = slow_cost(problem.graph, problem.positions, position_of)
    assert placement_cost(problem.graph, problem.positions, position_of) == pytest.approx(expected, rel=1e-12)
    scale = problem.adjacency.weight.sum() / problem.graph.packets.sum()
    assert problem.scaled_cost(position_of) / scale == pytest.approx(expected, rel=1e-6)


def test_rows_hold_both_ends_of_every_pair_and_no_core_itself() -> None:
    graph = CoreGraph(np.array([0, 0, 1, 2]), np.array([1, 2, 0, 2]), np.array([1.0, 0.0, 3.0, 5.0]))
    rows = adjacency(graph, 3)
    assert rows.indptr.tolist() == [0, 2, 4, 4]
    assert rows.neighbour.tolist() == [1, 1, 0, 0]
    assert np.array(rows.weight[:2] / rows.weight[0]).tolist() == pytest.approx([1, 3])


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("name", MESHES)
def test_forces_keep_exact_pulls_and_gain_what_they_say(name: str, squared: bool) -> None:
    problem = task(name)
    state, sites = problem.state(STARTS["random"](problem)), problem.positions.sites
    potential = table(problem, squared)
    pull = np.zeros((problem.n_cores, sites.near.shape[1]), np.int64)
    before = slow_potential(problem, state, potential)
    for sweep in range(4):
        before -= sweep_forces(problem.adjacency, sites, state, squared, sweep, pull)
        assert slow_potential(problem, state, potential) == before
        assert (pull == slow_pulls(problem, state, potential)).all()
        assert consistent(problem, state)
    assert problem.position_of(state)[[0, 5]].tolist() == [7, 3]


@pytest.mark.parametrize("attraction", [0, 128])
@pytest.mark.parametrize("name", MESHES)
def test_annealing_saves_what_it_says(name: str, attraction: int) -> None:
    problem = task(name)
    state, sites = problem.state(STARTS["random"](problem)), problem.positions.sites
    potential, random = table(problem, squared=False), random_state(1)
    before = slow_potential(problem, state, potential)
    order = problem.free_cores.astype(np.int32)
    for temperature in (1e9, 1e8, 0.0):
        settings = np.array([temperature, 2, attraction])
        saved = sweep_swaps(problem.adjacency, sites, state, order, 200, settings, QUANTILES, random)
        before -= saved
        assert slow_potential(problem, state, potential) == before
        assert consistent(problem, state)
    assert saved >= 0
    assert problem.position_of(state)[[0, 5]].tolist() == [7, 3]


def test_without_a_raster_nothing_is_tried() -> None:
    apart = np.arange(6000, dtype=np.int32)
    problem = Problem(random_graph(6000, 100), 6000, Positions(apart, apart), {})
    state = problem.state(STARTS["given"](problem))
    order = problem.free_cores.astype(np.int32)
    settings = np.array([0.0, 2, 0])
    assert sweep_swaps(problem.adjacency, problem.positions.sites, state, order, 100, settings, QUANTILES, random_state(1)) == 0


def test_diffusion_keeps_what_is_smooth_and_removes_what_is_not() -> None:
    n = 64
    ring = CoreGraph(np.arange(n), (np.arange(n) + 1) % n, np.ones(n))
    problem = Problem(ring, n, Positions.grid(8, 8), {})
    angle = 2 * np.pi * np.arange(n) / n
    waves = np.stack([np.cos(angle), np.cos(9 * angle)], axis=1)
    after = diffuse(problem.thinned, waves, np.zeros(n, np.bool_), 8)
    assert after[:, 0] == pytest.approx(waves[:, 0] * (after[0, 0]), abs=1e-9)
    assert after[0, 0] > 0.85
    assert np.abs(after[:, 1]).max() < 0.25


def test_one_step_of_diffusion_goes_towards_the_mean_of_the_neighbours() -> None:
    problem = task("mesh")
    rng = np.random.default_rng(0)
    before = rng.random((20, 2))
    held = np.arange(20) == 4
    graph = problem.thinned
    after = diffuse(graph, before, held, 1)
    slack = 0.5  # what one step assumes of the fastest modes
    for core in range(20):
        row = slice(graph.indptr[core], graph.indptr[core + 1])
        mean = np.average(before[graph.neighbour[row]], axis=0, weights=graph.weight[row])
        expected = before[core] + (0 if held[core] else 1 / (1 + slack / 2)) * (mean - before[core])
        assert after[core] == pytest.approx(expected, rel=1e-6)


def test_thinning_keeps_pairs_together_and_sums_in_the_mean() -> None:
    n = 300
    pair = np.arange(n * n)
    pair = pair[pair // n < pair % n]
    problem = Problem(CoreGraph(pair // n, pair % n, np.ones(len(pair))), n, Positions.grid(20, 15), {})
    thinned = problem.thinned
    source = np.repeat(np.arange(n), np.diff(thinned.indptr))
    there = dict(zip(zip(source.tolist(), thinned.neighbour.tolist(), strict=True), thinned.weight.tolist(), strict=True))
    assert all(there[other, one] == weight for (one, other), weight in there.items())
    assert 40 < len(there) / n < 56
    assert thinned.weight.sum(dtype=np.float64) == pytest.approx(problem.adjacency.weight.sum(dtype=np.float64), rel=0.05)


@pytest.mark.parametrize("n", [1, 2, 7, 16, 30])
def test_spreading_is_halving(n: int) -> None:
    rng = np.random.default_rng(n)
    coordinates, places = rng.random((n, 2)), rng.integers(0, 6, (n, 2)).astype(np.float64)
    place = spread(coordinates, places)

    def halve(cores: list[int], spots: list[int]) -> dict[int, int]:
        if len(cores) == 1:
            return {cores[0]: spots[0]}
        width, height = np.ptp(places[spots], axis=0)
        axis, middle = int(height > width), len(cores) // 2
        cores = sorted(cores, key=lambda k: (coordinates[k, axis], coordinates[k, 1 - axis], k))
        spots = sorted(spots, key=lambda k: (places[k, axis], places[k, 1 - axis], k))
        return halve(cores[:middle], spots[:middle]) | halve(cores[middle:], spots[middle:])

    assert dict(enumerate(place.tolist())) == halve(list(range(n)), list(range(n)))


def test_spreading_nothing_gives_nothing() -> None:
    assert len(spread(np.empty((0, 2)), np.empty((0, 2)))) == 0
