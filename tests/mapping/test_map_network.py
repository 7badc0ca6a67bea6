"""Placement on a made-up chip: invariants, limits, pins, sizes, refusals."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from mapping_networks import chips, network, networks, population, projection, toy
from neurosim.chips.chip import Location
from neurosim.connectivity import Bernoulli, FixedIn, FixedTotal, OneToOne
from neurosim.errors import NeurosimError, ParameterError, PlacementError, UnknownNameError, UnsupportedError
from neurosim.mapping import Mapping, Pin, Place, count_traffic, fit_report, map_network
from neurosim.mapping.partition import _largest
from neurosim.mapping.place import _first_room
from neurosim.mapping.verify import faults
from neurosim.network import Network, Selection


def placed(net, chip, **options) -> Mapping:
    """Mapping; networks that do not fit are passed over."""
    try:
        return map_network(net, chip, **options)
    except PlacementError:
        reject()


# --- properties ------------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(net=networks(), chip=chips)
def test_a_mapping_verifies_with_its_traffic_and_uses(net, chip):
    mapping = placed(net, chip)
    assert mapping.traffic.method == "exact"
    mapping.verify()
    counted = sum(int((core >= 0).sum()) for core in mapping.core_of)
    assert int(mapping.utilisation().used[:, 0].sum()) == counted == mapping.n_placed
    neurons = sum(int((core >= 0).sum()) for p, core in zip(net.populations, mapping.core_of, strict=True) if not p.is_source)
    assert f"{neurons:,} placed" in mapping.summary()


@settings(max_examples=40, deadline=None)
@given(net=networks(), chip=chips)
def test_where_and_on_are_inverse(net, chip):
    mapping = placed(net, chip)
    for p in net.populations:
        for location in mapping.where(p.label):
            if location.core < 0:
                assert location.label == "host"
                continue
            found = mapping.on(location)
            assert any(r.population == p.label and location.neuron in r.indices for r in found)
    everyone = [(r.population_id, int(i)) for core in mapping.cores_used for r in mapping.on(int(core)) for i in r.indices]
    expected = [(p, int(i)) for p, core in enumerate(mapping.core_of) for i in np.flatnonzero(core >= 0)]
    assert sorted(everyone) == expected


@settings(max_examples=30, deadline=None)
@given(net=networks(), chip=chips)
def test_the_same_input_gives_the_same_mapping(net, chip):
    first, second = placed(net, chip, seed=3), placed(net, chip, seed=3)
    assert first == second
    assert first.to_json() == second.to_json()


@given(limit=st.integers(0, 70), at_most=st.integers(0, 70))
def test_binary_search_finds_the_largest(limit, at_most):
    assert _largest(lambda n: n <= limit, at_most) == min(limit, at_most)


# --- partition -------------------------------------------------------------------------------
def test_first_fit_fills_cores_in_order():
    mapping = map_network(network(20, 10), toy(neurons=16))
    assert mapping.core_of[0].tolist() == [0] * 16 + [1] * 4
    assert mapping.core_of[1].tolist() == [1] * 10
    assert mapping.local_of[1].tolist() == list(range(4, 14))


def test_populations_do_not_share_cores_where_the_chip_forbids_it():
    mapping = map_network(network(20, 10), toy(neurons=16, mixes=False))
    assert set(mapping.core_of[1].tolist()) == {2}


def test_sources_are_placed_only_where_the_chip_wants_them():
    net = network(8, 6, models=("lif", "poisson_source"))
    assert set(map_network(net, toy()).core_of[1].tolist()) == {-1}
    assert set(map_network(net, toy(sources=True)).core_of[1].tolist()) == {0}


def test_the_chips_own_order_of_neurons_is_followed():
    mapping = map_network(network(20), toy(neurons=16, reverse=True))
    assert mapping.core_of[0].tolist() == [1] * 4 + [0] * 16
    assert mapping.on(0)[0].indices.tolist() == list(range(19, 3, -1))


def test_the_tightest_limit_decides():
    mapping = map_network(network(20), toy(neurons=16, memory=25))
    assert mapping.n_cores_used == 2
    assert mapping.binding is not None
    assert mapping.binding.resource == "memory"
    assert (mapping.binding.used, mapping.binding.capacity) == (25, 25)


def test_soft_limits_are_kept_while_there_is_room():
    assert map_network(network(20), toy(soft_rows=6)).n_cores_used == 10
    crowded = map_network(network(60), toy(soft_rows=6))
    assert crowded.n_cores_used == 4
    assert crowded.binding is not None
    assert crowded.binding.fraction == 8.0


def test_limits_of_a_chip_leave_its_other_cores_empty():
    mapping = map_network(network(60), toy(chip_memory=70, height=3))
    assert mapping.n_cores_used == 4
    assert mapping.n_chips_used == 4
    assert mapping.utilisation("chip").used.max() == 64


def test_an_empty_network_gives_an_empty_mapping():
    mapping = map_network(Network(0.1, 1), toy())
    assert mapping.n_cores_used == 0
    assert mapping.binding is None
    assert "0 placed" in mapping.summary()
    assert str(mapping.utilisation()) == "no limited resource of a core is used"
    assert mapping.on((0, 0)) == []
    assert map_network(network(0, 3), toy()).n_placed == 3


# --- pins ------------------------------------------------------------------------------------
def test_pinned_neurons_are_where_they_should_be():
    pins = [Pin(1, None, (2, 1)), Pin(0, np.array([5, 3]), Place(1, 0, 1)), Pin(0, np.array([7]), 4)]
    mapping = map_network(network(30, 20), toy(), pins=pins)
    assert {(place.x, place.y) for place in mapping.where("p1")} == {(2, 1)}
    assert [place.core for place in mapping.where((0, [5, 3]))] == [1, 1]
    assert int(mapping.core_of[0][7]) == 4
    assert "p1[0-15]" in [str(r) for r in mapping.on((2, 1, 0))]


def test_pinned_neurons_have_their_cores_for_themselves_while_there_is_room():
    pins = [Pin(0, np.arange(4), (0, 0, 0))]
    roomy, crowded = map_network(network(30), toy(), pins=pins), map_network(network(190), toy(), pins=pins)
    assert [len(r.indices) for r in roomy.on(0)] == [4]
    assert [len(r.indices) for r in crowded.on(0)] == [16]
    assert map_network(network(170, 10), toy(mixes=False), pins=pins).n_cores_used == 12


def test_a_pin_may_point_at_the_place_of_another_neuron():
    first = map_network(network(4), toy(), pins=[Pin(0, None, (2, 0))])
    place = first.where((0, 0))[0]
    assert isinstance(place, Location)
    assert map_network(network(4), toy(), pins=[Pin(0, None, place)]) == first


@pytest.mark.parametrize(
    ("pins", "options", "kind", "text"),
    [
        ([Pin(0, None, (9, 0))], {}, PlacementError, "'p0' is pinned to (9, 0), which Toy (1 board) does not have. There are usable cores"),
        ([Pin(0, None, 99)], {}, PlacementError, "pinned to core 99, which"),
        ([Pin(0, None, (0, 0, 5))], {}, PlacementError, "pinned to (0, 0) core 5, which"),
        ([Pin(0, None, (0, 0, 0))], {}, PlacementError, "it needs 20 neurons, the limit is 16. Pin fewer"),
        ([Pin(0, None, (0, 0)), Pin(1, None, (0, 0))], {}, PlacementError, "'p1' does not fit on (0, 0), where it is pinned: together"),
        ([Pin(1, None, 1), Pin(0, np.arange(2), 1)], {"mixes": False}, PlacementError, "where population 'p1' is pinned already;"),
        ([Pin(1, None, 1), Pin(1, np.arange(2), 2)], {}, PlacementError, "'p1': neuron 0 is pinned twice. Pin each neuron"),
        ([Pin(2, None, 1)], {}, PlacementError, "'p2' cannot be pinned: Toy takes spike sources from the host"),
        ([Pin(0, np.arange(8), 0), Pin(1, np.arange(8), 1)], {"chip_memory": 60}, PlacementError, "chip 0 need 64 byte of chip memory"),
        ([Pin(7, None, 1)], {}, UnknownNameError, "unknown population '7'"),
        ([Pin(0, np.array([20]), 1)], {}, ParameterError, "neuron 20 is pinned, but the population has 20 neurons"),
        ([Pin(0, np.array([-1]), 1)], {}, ParameterError, "neuron -1 is pinned"),
        ([Pin(0, np.array([1, 1]), 1)], {}, ParameterError, "names the same neuron twice"),
        ([Pin(0, None, "here")], {}, ParameterError, "'here' is not a coordinate. Give (x, y)"),
        ([Pin(0, None, None, neuron_size=4)], {}, UnsupportedError, "Toy has no neuron size"),
    ],
)
def test_impossible_pins_are_refused(pins, options, kind, text):
    with pytest.raises(kind) as caught:
        map_network(network(20, 16, 3, models=("lif", "lif", "poisson_source")), toy(**options), pins=pins)
    assert text in str(caught.value)
    assert isinstance(caught.value, NeurosimError)


# --- what does not fit -------------------------------------------------------------------------
def test_a_network_too_large_names_a_number_of_boards_that_works():
    with pytest.raises(PlacementError) as caught:
        map_network(network(100, 300), toy())
    error = caught.value
    assert (error.population, error.resource, error.used, error.limit) == ("p1", "cores", 25, 12)
    assert str(error) == (
        "The network does not fit on Toy (1 board): it needs 25 cores, the limit is 12; population 'p1' is the first without room. "
        "Of 'p1' a core holds 16 neurons, so it takes 19 cores: one more would need 17 neurons, the limit of a core is 16. "
        "Use 3 boards (n_boards=3; tried: it fits), or fewer neurons."
    )
    assert map_network(network(100, 300), toy().with_boards(3)).n_cores_used == 25


def test_no_number_of_boards_is_promised_that_does_not_work():
    with pytest.raises(PlacementError, match=r"No number of boards that was tried holds it \(at most 2\)"):
        map_network(network(1000), toy(max_boards=2))


def test_a_machine_that_cannot_grow_says_so():
    with pytest.raises(PlacementError, match="There are no machines with more than 1 board: use fewer neurons"):
        map_network(network(1000), toy(max_boards=1))


def test_full_chips_are_named():
    with pytest.raises(PlacementError, match=r"needs 640 byte of chip memory, 6 chips have 70 each; population 'p0' is") as caught:
        map_network(network(160), toy(chip_memory=70))
    assert caught.value.remedy.startswith("Use 2 boards")


@pytest.mark.parametrize(("options", "scope"), [({"memory": 300, "cost": {"p0": 400}}, "core"), ({"chip_memory": 3}, "chip")])
def test_one_neuron_too_large_is_told_apart(options, scope):
    with pytest.raises(PlacementError, match=f"'p0': one neuron alone does not fit on an empty {scope}: .* cannot be split") as caught:
        map_network(network(4), toy(**options))
    assert caught.value.population == "p0"
    assert isinstance(caught.value.used, int)
    assert isinstance(caught.value.limit, int)
    assert caught.value.used > caught.value.limit


@pytest.mark.parametrize("seed", [-1, 0.5])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ParameterError, match="the seed must be a whole number"):
        map_network(network(3), toy(), seed=seed)


def test_fit_report_answers_without_raising():
    good, bad, hopeless = fit_report(network(20), toy()), fit_report(network(400), toy()), fit_report(network(4), toy(memory=6))
    assert (good.fits, good.cores, good.chips, good.boards_needed) == (True, 2, 1, 1)
    assert good.fraction == 1.0
    assert good.mapping is not None
    assert (bad.fits, bad.cores, bad.cores_available, bad.boards_needed) == (False, 25, 12, 3)
    assert (hopeless.fits, hopeless.boards_needed, hopeless.binding) == (False, None, "memory")
    assert "one neuron alone" in str(hopeless.error)
    pinned = fit_report(network(4), toy(), pins=[Pin(0, None, (9, 9))])
    assert not pinned.fits


# --- size of the machine -----------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_cores_go_to_the_first_chip_with_room(data):
    n_cores, n_chips = data.draw(st.integers(1, 200)), data.draw(st.integers(1, 40))
    chip_of = np.array(data.draw(st.lists(st.integers(0, n_chips - 1), min_size=n_cores, max_size=n_cores)))
    taken = np.array(data.draw(st.lists(st.booleans(), min_size=n_cores, max_size=n_cores)))
    used = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n_chips, max_size=n_chips)))[:, None]
    start = data.draw(st.integers(0, n_cores))
    use, capacity = np.array([data.draw(st.integers(0, 5))]), np.array([9])
    fitting = [i for i in range(start, n_cores) if not taken[i] and used[chip_of[i], 0] + use[0] <= 9]
    assert _first_room(chip_of, taken, used, use, capacity, start) == (fitting[0] if fitting else -1)


def test_a_large_machine_with_limits_of_its_chips_takes_seconds():
    chip = toy(width=300, height=200, cores_per_chip=6, chip_memory=70)
    begun = time.perf_counter()
    mapping = map_network(network(60_000), chip)
    assert time.perf_counter() - begun < 8
    assert (mapping.n_cores_used, mapping.n_chips_used) == (3750, 3750)


# --- traffic -----------------------------------------------------------------------------------
def test_packets_are_counted_per_distinct_remote_core():
    net = network(16, 32, rule=FixedTotal(0))
    whole = Selection.whole
    a, b = net.populations
    links = (projection(0, whole(a), whole(b), Bernoulli(1.0)), projection(1, whole(a), whole(b), Bernoulli(1.0)))
    traffic = map_network(Network(0.1, 1, net.populations, links), toy()).traffic
    assert traffic.packets == 32  # two remote cores for each of 16 sources, multapses count once
    assert traffic.hops == 16  # one of the two cores is on the same chip
    assert traffic.mean_hops == 0.5
    assert traffic.local == 0
    assert traffic.graph is not None
    assert [c.tolist() for c in traffic.graph] == [[0, 0], [1, 2], [16, 16]]


@pytest.mark.parametrize("rule", [Bernoulli(0.05), FixedIn(4, with_replacement=True), FixedTotal(1500)])
def test_expected_packets_agree_with_counted_ones(rule):
    net, chip = network(300, 200, 5, rule=rule, models=("lif", "lif", "poisson_source")), toy(neurons=40, memory=999, width=4)
    mapping = map_network(net, chip)
    expected = count_traffic(net, chip, mapping.core_of, max_exact=0)
    assert expected.method == "expected"
    for name in ("packets", "host_packets", "hops", "local"):
        assert getattr(expected, name) == pytest.approx(getattr(mapping.traffic, name), rel=0.1, abs=12)
    assert expected.graph is not None
    assert expected.graph.packets.sum() == pytest.approx(expected.packets)


def test_the_count_does_not_depend_on_the_size_of_the_table(monkeypatch):
    net, chip = network(60, 50, rule=Bernoulli(0.2)), toy()
    mapping = map_network(net, chip)
    monkeypatch.setattr("neurosim.mapping.traffic._MAX_MARKS", 100)
    again = count_traffic(net, chip, mapping.core_of)
    for name in ("packets", "local", "hops", "synapses"):
        assert getattr(again, name) == getattr(mapping.traffic, name)
    assert again.graph is not None
    assert mapping.traffic.graph is not None
    assert [c.tolist() for c in again.graph] == [c.tolist() for c in mapping.traffic.graph]


def test_a_large_network_is_mapped_from_its_rules():
    sizes = [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]
    populations = tuple(population(i, size) for i, size in enumerate(sizes))
    whole = [Selection.whole(p) for p in populations]
    n_total = 4_700_000
    links = tuple(projection(8 * i + j, whole[i], whole[j], FixedTotal(n_total)) for i in range(8) for j in range(8))
    net = Network(0.1, 1, populations, links)
    started = time.perf_counter()
    mapping = map_network(net, toy(width=20, height=20, neurons=256, memory=1000))
    text = mapping.summary()
    assert time.perf_counter() - started < 5.0
    assert mapping.n_placed == 77_169
    assert mapping.traffic.method == "expected"
    assert "300,800,000 synapses" in text


@pytest.mark.parametrize("scale", [np.nan, np.inf, 1.7e308, 1e-320, 0.0], ids=str)
def test_any_positions_will_do_because_they_are_hints(scale):
    """One to one, so that neurons are moved between cores."""
    net = network(40, 40, rule=OneToOne())
    with np.errstate(invalid="ignore"):
        positions = scale * np.linspace(-1, 1, 120).reshape(40, 3)
    net = replace(net, populations=tuple(replace(p, positions=positions) for p in net.populations))
    assert faults(map_network(net, toy(neurons=10, memory=200))) == []
