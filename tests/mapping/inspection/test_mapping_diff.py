"""What differs between two mappings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from mapping_networks import chips, network, networks, toy
from neurosim.connectivity import AllToAll, Bernoulli
from neurosim.errors import NetworkError, ParameterError, PlacementError
from neurosim.mapping import Mapping, Options, Pin, map_network
from neurosim.mapping.inspection import LinkLoad, diff

NET = network(20, 10, rule=AllToAll())


def moved_to(mapping, core, first, last):
    """The same mapping with some neurons of its first population on another core."""
    cores = [column.copy() for column in mapping.core_of]
    cores[0][first : last + 1] = core
    return replace(mapping, core_of=tuple(cores))


@settings(max_examples=30, deadline=None)
@given(net=networks(), chip=chips, data=st.data())
def test_the_difference_from_itself_is_empty_and_the_inverse_is_the_way_back(net, chip, data):
    try:
        before = map_network(net, chip)
    except PlacementError:
        reject()
    assert not diff(before, before)
    free = [core for core in range(before.n_cores) if core not in before.cores_used]
    last = data.draw(st.integers(0, net.populations[0].size - 1))
    after = moved_to(before, free[-1], 0, last)
    there = diff(before, after)
    assert there.n_moved == last + 1
    assert diff(after, before) == there.inverse
    assert there.inverse.inverse == there
    assert sum(row["n_neurons"] for row in there.rows()) == there.n_moved == sum(share.moved for share in there.by_population)


def test_moved_neurons_are_told_in_runs():
    before = map_network(NET, toy())
    found = before.diff(moved_to(before, 7, 2, 4))
    assert [(str(run), run.before, run.after, run.n_neurons) for run in found.moved] == [("p0[2-4]", 0, 7, 3)]
    assert found.by_population == (("p0", 0, 3, 20),)
    assert found.rows()[0]["place_after"] == "toy chip (0, 1) core 1"
    assert {change.name: (change.before, change.after) for change in found.sizes} == {"cores used": (2, 3), "chips used": (1, 2)}


def test_resources_packets_and_hops_are_compared():
    before = map_network(NET, toy())
    found = before.diff(moved_to(before, 7, 2, 4))
    resources = {change.name: (change.before, change.after) for change in found.resources}
    assert resources["neurons, fullest core"] == (16, 14)
    assert "neurons" not in resources  # as many as before, elsewhere
    traffic = {change.name: (change.before, change.after) for change in found.traffic}
    assert traffic["packets"] == (before.traffic.packets, moved_to(before, 7, 2, 4).traffic.packets)
    assert {"packets", "hops", "mean hops"} == traffic.keys()


def test_it_prints_one_screen():
    before = map_network(NET, toy())
    lines = str(before.diff(moved_to(before, 7, 2, 4))).splitlines()
    assert lines[0] == "Differences on Toy (1 board)"
    assert lines[1].split(maxsplit=1) == ["moved", "3 of 30 cells (10 %): 3 of 20 of p0"]
    assert "  cores used             2 -> 3 (+1, +50 %)" in lines
    assert lines[-1] == "    p0[2-4]: toy chip (0, 0) core 0 -> toy chip (0, 1) core 1"
    assert str(before.diff(before)) == "No differences on Toy (1 board)"


def test_many_moves_are_cut_short():
    net = network(60)
    before, after = map_network(net, toy(width=40)), map_network(net, toy(width=40))
    scattered = replace(after, core_of=(np.arange(60, dtype=np.int32),))
    assert "    ... and 47 smaller ones" in str(before.diff(scattered))


def test_new_local_numbers_alone_are_a_difference():
    before = map_network(network(6), toy())
    found = before.diff(replace(before, local_of=(before.local_of[0][::-1].copy(),)))
    assert (found.n_moved, found.renumbered) == (0, 6)
    assert "6 cells have another local number" in str(found)


def test_seed_and_pins_are_settings():
    before, after = map_network(NET, toy()), map_network(NET, toy(), seed=3, pins=[Pin(1, np.array([4]), (2, 0))])
    settings_found = {setting.name: (setting.before, setting.after) for setting in before.diff(after).settings}
    assert settings_found == {"seed": ("0", "3"), "pins": ("", "p1[4] at (2, 0)")}
    assert "none -> p1[4] at (2, 0)" in str(before.diff(after))
    pins = [Pin(0, None, (0, 0), None), Pin(1, None, (1, 0), None)]
    one, other = map_network(NET, toy(), pins=pins), map_network(NET, toy(), pins=pins[::-1])
    assert [setting.name for setting in one.diff(other).settings] == ["order of pins"]


def test_rates_and_places_to_avoid_are_settings():
    many = np.arange(20.0)
    wishes = Options(rates={0: many, 1: 3.0}, avoid=((1, 0),), avoid_links=(((0, 0), (0, 1)),))
    before, after = map_network(NET, toy()), map_network(NET, toy(), options=wishes)
    found = {setting.name: setting.after for setting in before.diff(after).settings}
    assert found["rates"].startswith("p0 9.5 Hz on average (")
    assert found["rates"].endswith("), p1 3 Hz")
    assert (found["avoid"], found["avoid_links"]) == ("(1, 0)", "(0, 0) - (0, 1)")
    other = map_network(NET, toy(), options=replace(wishes, rates={0: many[::-1], 1: 3.0}))
    assert "rates" in {setting.name for setting in after.diff(other).settings}
    loaded = Mapping.from_json(after.to_json(), NET, toy())
    assert [setting.name for setting in after.diff(loaded).settings] == []


def test_rates_of_a_population_without_cells_are_told():
    net = network(0, 5, rule=Bernoulli(0.5))
    before, after = map_network(net, toy()), map_network(net, toy(), options=Options(rates={0: np.empty(0)}))
    assert [(setting.name, setting.after) for setting in before.diff(after).settings] == [("rates", "p0 0 Hz")]


def test_loads_of_links_are_compared_if_given():
    mapping = map_network(NET, toy())
    few, many = LinkLoad.of(mapping.chip, {(0, 1): 5.0}), LinkLoad.of(mapping.chip, {(0, 1): 5.0, (1, 2): 7.0})
    changes = {change.name: (change.before, change.after) for change in diff(mapping, mapping, loads=(few, many)).traffic}
    assert changes == {"tree hops": (5, 12), "largest link load": (5, 7)}


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        (
            map_network(network(20, 11, rule=AllToAll()), toy()),
            NetworkError,
            r"different networks \(2 populations, 30 cells; 2 populations, 31",
        ),
        (map_network(network(20, 10, rule=Bernoulli(0.5)), toy()), NetworkError, "Compare mappings of one network"),
        (map_network(NET, toy().with_boards(2)), ParameterError, "differ in their number of boards: 1 and 2"),
        (map_network(NET, toy(neurons=12)), ParameterError, "differ in their datasheet: "),
    ],
)
def test_mappings_of_other_networks_or_machines_are_refused(other, error, message):
    with pytest.raises(error, match=message):
        map_network(NET, toy()).diff(other)


@pytest.mark.parametrize(("n", "end"), [(8, "2 of 2 of p7"), (9, "2 of 2 of p7 and 1 more population"), (12, "and 4 more populations")])
def test_a_screen_names_a_few_populations_only(n, end):
    net = network(*[2] * n)
    found = map_network(net, toy()).diff(map_network(net, toy(), pins=[Pin(k, None, (0, 1)) for k in range(n)]))
    line = next(line for line in str(found).splitlines() if line.lstrip().startswith("moved"))
    assert line.endswith(end)
