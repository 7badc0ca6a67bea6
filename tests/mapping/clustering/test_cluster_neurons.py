"""Partitions as a whole: no limit broken, never worse than the baseline, the same every time, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuron_tables as slow
from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.clustering import Limits, Stage, cluster_neurons, graphs
from neurosim.mapping.clustering.orders import bisection_groups, hilbert_order
from neurosim.mapping.structures import Fanout

FREE = np.zeros(40, np.int32)


@st.composite
def cases(draw):
    """Synapses, populations, limits, fixed neurons and a seed."""
    n, seed = draw(st.integers(1, 60)), draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    fanout = slow.random_table(n, draw(st.integers(0, 8)), seed)
    population = rng.integers(-1, 3, n).astype(np.int32)
    bent = np.cumsum([[0, 0], *rng.integers(1, 4, (7, 2))], axis=0)
    tables = (np.arange(9)[:, None] * [1, 2], np.arange(6)[:, None] * [2, 1], bent)
    most_inputs = max(len({u for u, row in enumerate(slow.rows_of(fanout)) if v in row}) for v in range(n))
    inbound = draw(st.sampled_from([None, most_inputs + 1, most_inputs + 20]))
    limits = Limits(np.array([12, 14]), tables, mixes=draw(st.booleans()), inbound=inbound, shares_fixed=draw(st.booleans()))
    fixed = np.full(n, -1, np.int32)
    placed = np.flatnonzero(population >= 0)
    if draw(st.booleans()) and len(placed) > 1:
        fixed[placed[:2]] = draw(st.permutations(range(4)))[:2]
    return fanout, population, limits, fixed, seed


@settings(max_examples=60, deadline=None)
@given(cases(), st.sampled_from(["fast", "normal", "best"]), st.booleans())
def test_limits_hold_pins_stay_and_nothing_is_worse_than_the_baseline(case, effort, has_positions) -> None:
    fanout, population, limits, fixed, seed = case
    positions = np.random.default_rng(seed).random((len(population), 2)) if has_positions else None
    found = cluster_neurons(fanout, population, limits, fixed=fixed, positions=positions, effort=effort, seed=seed)
    assert slow.faults(fanout, population, limits, found.core_of, fixed) == []
    assert found.packets == pytest.approx(slow.packets(fanout, found.core_of))
    first = found.stages[0]
    assert (first.candidate, first.stage) == ("sequential", "start")
    assert found.packets <= first.packets
    assert len(np.unique(found.core_of[found.core_of >= 0])) <= first.cores
    assert found.n_cores == found.core_of.max(initial=-1) + 1


@settings(max_examples=15, deadline=None)
@given(cases())
def test_the_same_seed_gives_the_same_partition(case) -> None:
    fanout, population, limits, fixed, seed = case
    one, two = (cluster_neurons(fanout, population, limits, fixed=fixed, seed=seed) for _ in range(2))
    assert one.core_of.tobytes() == two.core_of.tobytes()
    assert (one.packets, one.chosen) == (two.packets, two.chosen)


@pytest.mark.parametrize("metis", [True, False])
def test_hidden_clusters_are_found_with_and_without_metis(metis, monkeypatch) -> None:
    monkeypatch.setattr(graphs, "has_metis", lambda: metis and pytest.importorskip("pymetis") is not None)
    rng = np.random.default_rng(4)
    number = rng.permutation(200)
    rows = [number[(i // 20) * 20 + rng.integers(0, 20, 10)].tolist() for i in range(200)]
    fanout = slow.table([rows[i] for i in np.argsort(number)])
    found = cluster_neurons(fanout, np.zeros(200, np.int32), Limits.linear(20))
    assert found.n_cores == 10
    assert found.ratio < 0.25
    assert ("metis" in {stage.candidate for stage in found.stages}) == metis


def test_outbound_is_kept() -> None:
    fanout, population = slow.random_table(40, 6, 8), FREE
    limits = Limits.linear(8, outbound=30)
    found = cluster_neurons(fanout, population, limits)
    assert slow.faults(fanout, population, limits, found.core_of) == []


def test_a_given_baseline_is_what_has_to_be_beaten() -> None:
    fanout, baseline = slow.random_table(40, 6, 8), np.arange(40, dtype=np.int32) % 5
    found = cluster_neurons(fanout, FREE, Limits.linear(8), baseline=baseline)
    assert found.stages[0].packets == pytest.approx(slow.packets(fanout, baseline))
    assert found.ratio < 1


def test_no_time_gives_the_baseline_and_says_so() -> None:
    found = cluster_neurons(slow.random_table(40, 6, 8), FREE, Limits.linear(8), seconds=0)
    assert (found.chosen, found.cut_short, found.ratio) == ("sequential", True, 1.0)


def test_every_stage_is_told() -> None:
    told: list[Stage] = []
    found = cluster_neurons(slow.random_table(40, 6, 8), FREE, Limits.linear(8), progress=told.append)
    assert tuple(told) == found.stages


def test_nothing_to_place_needs_no_core() -> None:
    found = cluster_neurons(slow.table([]), [], Limits.linear(8))
    assert (found.n_cores, found.packets, len(found.core_of)) == (0, 0.0, 0)
    sources_only = cluster_neurons(slow.table([[0, 1], []]), [-1, -1], Limits.linear(8))
    assert (sources_only.n_cores, sources_only.core_of.tolist()) == (0, [-1, -1])


def test_a_hilbert_curve_goes_from_neighbour_to_neighbour() -> None:
    for d in (1, 2, 3):
        grid = np.stack(np.meshgrid(*[np.arange(8)] * d), axis=-1).reshape(-1, d).astype(float)
        order = hilbert_order(grid)
        assert sorted(order.tolist()) == list(range(8**d))
        assert (np.abs(np.diff(grid[order], axis=0)).sum(axis=1) == 1).all()


def test_bisection_makes_groups_of_the_same_size() -> None:
    sizes = np.bincount(bisection_groups(np.random.default_rng(0).random((103, 3)), 8))
    assert len(sizes) == 8
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize(
    ("changes", "message", "used"),
    [
        ({"rate": [1, np.nan]}, "the rate of neuron 1 is nan", None),
        ({"rate": [-1, 1]}, "the rate of neuron 0 is -1.0", -1.0),
        ({"rate": [np.inf, 1]}, "the rate of neuron 0 is inf", np.inf),
        ({"rate": [1]}, "there must be one rate per source", 1),
        ({"target": [0, 2]}, "there is a synapse to neuron 2; neurons are 0 to 1", 2),
        ({"target": [0, -1]}, "there is a synapse to neuron -1", -1),
        ({"indptr": [0, 1, 5]}, "indptr must begin with 0, never fall, and end with the number of targets", 5),
        ({"indptr": [0, 3, 2]}, "indptr must begin with 0", 2),
        ({"indptr": [1, 1, 2]}, "indptr must begin with 0", 2),
    ],
)
def test_a_malformed_table_is_refused(changes, message, used) -> None:
    good = {"indptr": [0, 1, 2], "target": [1, 0], "rate": [1.0, 1.0]}
    parts = {**good, **changes}
    fanout = Fanout(np.array(parts["indptr"]), np.array(parts["target"], np.int32), np.array(parts["rate"], np.float32))
    with pytest.raises(ParameterError, match=message) as caught:
        cluster_neurons(fanout, [0, 0], Limits.linear(2))
    assert caught.value.where == "cluster_neurons"
    assert used is None or caught.value.used == used


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"effort": "most"}, "effort is 'most'"),
        ({"seconds": -1}, "seconds is -1"),
        ({"seed": -1}, "the seed must be a whole number"),
        ({"population": [0, 3]}, "population of neuron 1 is 3; it must be -1 to 0"),
        ({"population": [0]}, "population must be whole numbers, one per neuron"),
        ({"fixed": [0, -2]}, "fixed of neuron 1 is -2"),
        ({"population": [0, -1], "fixed": [-1, 0]}, "neuron 1 is fixed but not to be placed"),
        ({"positions": [[0.0, 1.0]]}, "positions must be one row of coordinates per neuron"),
        ({"positions": [[0.0], [np.nan]]}, "the position of neuron 1 is not finite"),
        ({"baseline": [0, 0]}, "the baseline breaks a limit"),
    ],
)
def test_a_wrong_option_is_refused(given_, message) -> None:
    with pytest.raises(ParameterError, match=message):
        cluster_neurons(slow.table([[1], [0]]), **{"population": [0, 0], "limits": Limits.linear(1), **given_})


def test_a_neuron_with_a_million_sources_is_named() -> None:
    n = 1_000_000
    fanout = Fanout(np.arange(n + 1), np.full(n, 7, np.int32), np.ones(n, np.float32))
    with pytest.raises(
        PlacementError, match=r"Neuron 7 .* alone does not fit .*: 1,000,000 different neurons send to it, the limit is 4,096"
    ):
        cluster_neurons(fanout, np.zeros(n, np.int32), Limits.linear(256, inbound=4096))


def test_a_neuron_larger_than_a_core_is_refused() -> None:
    with pytest.raises(PlacementError, match=r"One neuron of population 1 alone .* needs 9 bits, the limit is 8") as caught:
        Limits.linear(8, [[1], [9]], names=("bits",))
    assert (caught.value.resource, caught.value.used, caught.value.limit) == ("bits", 9, 8)


def test_fixed_neurons_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(PlacementError, match="3 neurons are fixed on core 2, which cannot hold them together") as caught:
        cluster_neurons(slow.table([[], [], []]), [0, 0, 0], Limits.linear(2), fixed=[2, 2, 2])
    assert (caught.value.used, caught.value.limit) == (3, 2)


def test_an_outbound_limit_that_nothing_keeps_is_refused() -> None:
    rows = [[j for j in range(12) if j != i] for i in range(12)]
    with pytest.raises(PlacementError, match=r"have targets on .* cores together, the limit is 2") as caught:
        cluster_neurons(slow.table(rows), np.zeros(12, np.int32), Limits.linear(2, outbound=2))
    assert caught.value.resource == "outbound"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], ([[0], [1]],)), "capacity has shape"),
        (([4], ([[0, 0], [1, 1]],)), r"the table has shape \(2, 2\)"),
        (([4], ([[0]],)), r"the table has shape \(1, 1\)"),
        (([4], ([[1], [2]],)), "starts at 0 and never falls"),
        (([4], ([[0], [2], [1]],)), "starts at 0 and never falls"),
    ],
)
def test_malformed_limits_are_refused(arguments, message) -> None:
    with pytest.raises(ParameterError, match=message):
        Limits(*arguments)
    with pytest.raises(ParameterError, match="the inbound limit is negative"):
        Limits.linear(4, inbound=-1)


def test_cores_of_fixed_neurons_may_be_beyond_all_others() -> None:
    fixed = np.full(40, -1, np.int32)
    fixed[[3, 9]] = [500, 501]
    fanout, limits = slow.random_table(40, 6, 8), Limits.linear(16)
    found = cluster_neurons(fanout, FREE, limits, fixed=fixed, effort="best", positions=np.random.default_rng(0).random((40, 2)))
    assert slow.faults(fanout, FREE, limits, found.core_of, fixed) == []
    assert found.n_cores == 502
    assert found.ratio <= 1
