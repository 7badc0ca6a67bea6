"""Why a network does not fit: the reason in numbers, and a change that maps when it is applied."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chip_networks import connect, curr, lif, poisson
from chip_networks import network as described
from mapping_networks import Sheet, ToyChip, network, population, projection, toy
from neurosim import chips
from neurosim.chips.chip import Limit
from neurosim.columns import Expression
from neurosim.connectivity import AllToAll, Bernoulli, DistanceDependent, FixedIn, FixedOut, FixedTotal, OneToOne, Table
from neurosim.errors import ParameterError, PlacementError, UnknownNameError
from neurosim.mapping import Explanation, Options, Pin, explain, map_network
from neurosim.mapping.explain_scale import inputs_of, with_fewer_cells, with_fewer_inputs
from neurosim.mapping.explain_tries import largest_factor
from neurosim.network import Current, Network, Probe, Projection, Selection, Synapse


class TreeChip(ToyChip):
    """The made-up chip with trees and small routing tables."""

    delivery = "multicast"

    def limits(self) -> Any:
        return (*super().limits(), Limit("routing entries", "router", 1, "entries", "made up"))


def on(chip_name: str, net: Network, **more: Any) -> tuple[Network, Any]:
    """A network in a chip's terms, and the chip."""
    chip = chips.load(chip_name, **more)
    return chip.translate(net, chip.check_approximations(["all"])).network, chip


def places(chip: Any) -> tuple[tuple[int, int], ...]:
    table = chip.cores()
    return tuple(sorted({(int(x), int(y)) for x, y in zip(table.x, table.y, strict=True)}))


# --- the networks that users bring ---------------------------------------------------------------
def a_million_inputs() -> Any:
    reader, noise = lif(0, 1, curr(), "reader"), poisson(1, 1_000_000)
    return (*on("loihi", described([reader, noise], [connect(0, noise, reader, AllToAll(), 0.1)])), (), None)


def a_full_pinned_core() -> Any:
    return (*on("loihi", described([lif(0, 2000, curr(), "exc")])), (Pin(0, None, 0),), None)


def too_many_cores() -> Any:
    return (*on("loihi", described([lif(0, 200_000, curr(), "exc")])), (), None)


def too_many_cores_of_a_wafer() -> Any:
    return (*on("hicann", described([lif(0, 30_000, curr(), "exc"), lif(1, 30_000, curr(), "inh")])), (), None)


def a_neuron_beyond_the_memory() -> Any:
    reader, noise = lif(0, 1, curr(), "reader"), poisson(1, 1000)
    return (*on("spinnaker", described([reader, noise], [connect(0, noise, reader, FixedTotal(40_000_000), 0.1)])), (), None)


def too_much_memory() -> Any:
    exc, noise = lif(0, 4000, curr(), "exc"), poisson(1, 20_000)
    return (*on("spinnaker", described([exc, noise], [connect(k, noise, exc, AllToAll(), 0.1, seed=k) for k in range(30)])), (), None)


def too_many_axons() -> Any:
    conv, image = lif(0, 50, curr(), "conv"), poisson(1, 512 * 3 * 3, "maps")
    return (*on("loihi", described([conv, image], [connect(0, image, conv, FixedIn(4608), 0.1)])), (), None)


def too_many_routing_entries() -> Any:
    n = 1100
    reader, noise = lif(0, 1, curr(), "reader"), [poisson(1 + k, 1, f"s{k}") for k in range(n)]
    pre = Selection(tuple((p.id, np.arange(1)) for p in noise))
    synapse = Synapse("static", {"weight": np.full(n, 0.1), "delay": 1.0})
    all_in = Projection(0, "in", pre, Selection.whole(reader), "excitatory", Table(np.arange(n), np.zeros(n, np.int64)), synapse, 1)
    return (*on("spinnaker", described([reader, *noise], [all_in]), n_boards=2), (), Options("fast"))


def two() -> Network:
    a, b = lif(0, 50, curr(), "a"), lif(1, 50, curr(), "b")
    return described([a, b], [connect(0, a, b, Bernoulli(0.5), 0.1)])


def dead_links() -> Any:
    around = tuple(((0, 0), end) for end in ((1, 0), (1, 1), (0, 1)))
    return (*on("spinnaker", two()), (Pin(0, None, (0, 0)), Pin(1, None, (4, 4))), Options("fast", avoid_links=around))


def every_chip_dead() -> Any:
    net, chip = on("loihi", two())
    return net, chip, (), Options(avoid=places(chip))


def a_pin_outside() -> Any:
    return (*on("hicann", two()), (Pin(0, None, (99, 99)),), None)


CASES = [
    (a_million_inputs, "neuron", "reader", "synaptic memory", 1_000_000, 16_384, {"inputs"}),
    (a_full_pinned_core, "pin", "exc", "compartments", 2000, 1024, {"pins"}),
    (too_many_cores, "population", "exc", "cores", 196, 128, {"n_boards", "cells"}),
    (too_many_cores_of_a_wafer, "machine", "inh", "cores", 469, 384, {"cells"}),
    (a_neuron_beyond_the_memory, "neuron", "reader", "SDRAM", 163_792_152, 122_504_066, {"inputs"}),
    (too_much_memory, "population", "exc", "SDRAM", None, None, {"cells"}),
    (too_many_axons, "neuron", "conv", "input axons", 4608, 4096, {"inputs"}),
    (too_many_routing_entries, "routing", "", "routing entries", 1100, 1023, {"inputs"}),
    (dead_links, "reach", "", "routes", None, None, {"avoid_links", "pins"}),
    (every_chip_dead, "machine", "", "cores", 2, 0, {"avoid", "n_boards"}),
    (a_pin_outside, "pin", "a", "", "(99, 99)", "usable cores at x 0 to 35, y 0 to 15, core 0 to 0", {"pins"}),
]


@pytest.mark.parametrize(("make", "kind", "label", "resource", "needed", "available", "changes"), CASES, ids=[c[0].__name__ for c in CASES])
def test_reason_and_remedy(make, kind, label, resource, needed, available, changes):
    net, chip, pins, options = make()
    with pytest.raises(PlacementError):
        map_network(net, chip, pins=pins, options=options or Options("fast"))
    found = explain(net, chip, pins=pins, options=options)
    assert (found.fits, found.kind, found.population, found.resource) == (False, kind, label, resource)
    if needed is not None:
        assert (found.needed, found.available) == (needed, available)
    assert found.remedies
    assert changes <= {name for remedy in found.remedies for name in remedy.change}
    for remedy in found.remedies:
        case = remedy.apply(net, chip, pins, options)
        map_network(case.network, case.chip, pins=case.pins, options=case.options)
    shown = str(found)
    assert kind in shown and len(shown.splitlines()) <= 40
    assert all(word in shown for word in (label, "" if kind == "reach" else resource, found.remedies[0].text))
    assert found.seconds < 15


def test_the_numbers_of_shared_memory_are_said():
    found = explain(*too_much_memory()[:2], options=Options("fast"))
    assert isinstance(found.needed, int) and isinstance(found.available, int)
    assert found.needed > found.available
    assert f"needed     {found.needed:,} B of SDRAM" in str(found)


def test_dead_parts_are_named():
    net, chip, pins, options = dead_links()
    found = explain(net, chip, pins=pins, options=options)
    assert found.dead == ("link (0, 0) - (1, 0)", "link (0, 0) - (1, 1)", "link (0, 0) - (0, 1)")
    assert "(4, 4)" in found.place
    assert found.remedies[0].text == "Do not avoid link (0, 0) - (1, 0)."


def test_a_pinned_core_keeps_as_many_as_it_holds():
    net, chip, pins, _ = a_full_pinned_core()
    first = explain(net, chip, pins=pins).remedies[0]
    assert first.text == "Pin only 1,024 of these 2,000 neurons to core 0."
    assert len(first.change["pins"][0].indices) == 1024


# --- the made-up chip ------------------------------------------------------------------------------
def test_too_many_cores_are_told_population_by_population():
    found = explain(network(100, 300), toy(memory=40))
    assert (found.kind, found.needed, found.available) == ("population", 26, 12)
    assert [(need.population, need.cores, need.binding) for need in found.needs] == [("p0", 7, "neurons"), ("p1", 19, "neurons")]
    assert found.needs[1].parts == {"neurons": 19, "memory": 18}
    assert [remedy.change for remedy in found.remedies] == [{"n_boards": 3}, {"cells": 0.482}]


def test_populations_that_only_together_are_too_many():
    assert explain(network(100, 100), toy()).kind == "machine"


def test_memory_of_chips_counts_chips():
    found = explain(network(160), toy(chip_memory=70))
    assert (found.kind, found.resource, found.needed, found.available) == ("population", "chip memory", 640, 420)
    assert found.needs[0].parts["chip memory"] == 10


def test_one_neuron_that_nothing_helps():
    found = explain(network(4), toy(memory=6))
    assert (found.kind, found.needed, found.available, found.remedies) == ("neuron", 7, 6, ())
    assert found.needs[0].cores is None and "never" in str(found)
    assert "Nothing that was tried works." in str(found)


def test_routing_tables_of_the_made_up_chip():
    chip = TreeChip(Sheet(width=4, height=3, mixes=False))
    crowded = explain(network(*[16] * 16, rule=Bernoulli(0.9)), chip, options=Options("fast"))
    assert (crowded.kind, crowded.available) == ("routing", 1)
    assert crowded.needed > 1 and crowded.place.startswith("chip (")


def test_pins_of_other_populations_stay():
    pins = [Pin(0, None, (0, 0)), Pin(1, None, (9, 9))]
    found = explain(network(10, 10), toy(), pins=pins)
    assert [remedy.change for remedy in found.remedies] == [{"pins": (pins[0],)}]
    avoided = explain(network(10, 10), toy(), pins=pins[:1], options=Options(avoid=((0, 0),)))
    assert avoided.kind == "pin" and {"pins", "avoid"} <= {name for r in avoided.remedies for name in r.change}


def test_a_network_that_fits_says_how_much_room_is_left():
    found = explain(network(10, 30), toy(), options=Options(avoid=((0, 0),)))
    assert isinstance(found, Explanation)
    assert (found.fits, found.kind, found.needed, found.available, found.room) == (True, "", 3, 10, 0.7)
    assert found.binding is not None and found.binding.resource == "neurons"
    assert "3 of 10 used, 70 % left" in str(found)
    assert explain(Network(0.1, 1), toy()).fits


@pytest.mark.parametrize("make", [case[0] for case in CASES[:2]] + [dead_links, a_pin_outside])
def test_an_explanation_is_plain_values_too(make):
    net, chip, pins, options = make()
    found = explain(net, chip, pins=pins, options=options)
    plain = json.loads(json.dumps(found.to_dict()))
    assert (plain["kind"], plain["needed"], plain["machine"]) == (found.kind, found.needed, found.machine)
    assert [need["cores"] for need in plain["needs"]] == [need.cores for need in found.needs]
    assert [entry["text"] for entry in plain["tried"] if entry["works"]] == [remedy.text for remedy in found.remedies]


def test_changes_of_places_are_said_in_words():
    pins = [Pin(0, np.arange(2), (0, 0)), Pin(0, np.arange(2, 4), None), Pin(1, None, (9, 9))]
    found = explain(network(10, 10), toy(), pins=pins).to_dict()
    kept = [{"population": 0, "n_neurons": 2, "place": "(0, 0)"}, {"population": 0, "n_neurons": 2, "place": None}]
    assert found["tried"][0]["change"] == {"pins": kept}
    assert explain(network(10), toy(), options=Options(avoid=((0, 0),))).to_dict()["binding"].startswith("neurons")


def test_what_is_no_lack_of_room_is_raised():
    with pytest.raises(UnknownNameError, match="unknown population '7'"):
        explain(network(4), toy(), pins=[Pin(7, None, 0)])


# --- smaller copies --------------------------------------------------------------------------------
WHOLE = Selection.whole


def one_projection(rule: Any, weight: Any = 1.0) -> Network:
    a, b = population(0, 40), population(1, 20)
    link = projection(0, WHOLE(a), WHOLE(b), rule)
    link = replace(link, synapse=Synapse("static", {"weight": weight, "delay": 1.0}))
    return Network(0.1, 1, (a, b), (link,), (Current(0, "dc", {}, WHOLE(b)),), (Probe(1, "spikes", np.array([0, 3])),))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Bernoulli(0.5), 100),
        (AllToAll(), 200),
        (FixedIn(8), 40),
        (FixedIn(np.full(20, 8)), 40),
        (FixedOut(8), 80),
        (FixedOut(np.full(40, 8)), 80),
        (FixedTotal(400), 100),
        (OneToOne(), 10),
        (Table([0, 1, 2], [0, 0, 2]), 2),
    ],
)
def test_fewer_cells_keep_their_share_of_the_synapses(rule, expected):
    half = with_fewer_cells(one_projection(rule), 0.5)
    link = half.projections[0]
    assert [p.size for p in half.populations] == [20, 10]
    assert link.rule.expected(half.ends(link)) == expected
    assert half.currents[0].targets.size == 10 and half.probes[0].indices.tolist() == [0]


def test_values_of_cells_and_synapses_follow_them():
    weight = np.arange(800.0).reshape(40, 20)
    half = with_fewer_cells(one_projection(AllToAll(), weight), 0.5)
    assert np.array_equal(half.projections[0].synapse.columns["weight"], weight[::2, ::2])
    table = Table([0, 1, 2], [0, 0, 2], {"weight": [1.0, 2.0, 3.0]})
    listed = with_fewer_cells(one_projection(table, np.arange(3.0)), 0.5).projections[0]
    assert listed.rule.columns["weight"].tolist() == [1.0, 3.0]
    assert listed.synapse.columns["weight"].tolist() == [0.0, 2.0]
    cells = replace(population(0, 4), parameters={"tau_m": np.arange(4.0)}, positions=np.zeros((4, 3)), spike_times=(np.zeros(1),) * 4)
    kept = with_fewer_cells(Network(0.1, 1, (cells,)), 0.5).populations[0]
    assert kept.parameters["tau_m"].tolist() == [0.0, 2.0]
    assert (len(kept.positions), len(kept.spike_times)) == (2, 2)


@pytest.mark.parametrize(
    ("rule", "inputs"),
    [
        (AllToAll(), 10),
        (Bernoulli(0.5), 5),
        (FixedIn(8), 2),
        (FixedOut(8), 4),
        (FixedTotal(400), 5),
        (OneToOne(), 1),
        (Table(np.repeat(np.arange(40), 20), np.tile(np.arange(20), 40)), 10),
        (DistanceDependent(Expression("distance", lambda d: np.ones_like(d))), 10),
    ],
)
def test_fewer_inputs_per_neuron(rule, inputs):
    found = with_fewer_inputs(one_projection(rule), 0.25, 1)
    link = found.projections[0]
    assert link.rule.expected(found.ends(link)) == pytest.approx(20 * inputs)
    assert inputs_of(found, 1) >= inputs
    assert with_fewer_inputs(one_projection(rule), 0.25, 0).projections[0].rule is rule


@pytest.mark.parametrize("change", [with_fewer_cells, with_fewer_inputs])
@pytest.mark.parametrize("factor", [0, 1.5, -1])
def test_a_factor_is_a_part(change, factor):
    with pytest.raises(ParameterError, match="it must be above 0 and at most 1"):
        change(network(4), factor)


@pytest.mark.parametrize("limit", [0.0005, 0.003, 0.2, 0.5, 0.77, 0.995])
@pytest.mark.parametrize("error", [0.95, 1.0, 1.05])
def test_the_largest_factor_is_found(limit, error):
    found = largest_factor(lambda factor: factor <= limit, min(limit * error, 0.999))
    assert 0.93 * limit <= found <= limit


def test_no_factor_is_found_where_none_works():
    assert largest_factor(lambda factor: False, 0.5) == 0
