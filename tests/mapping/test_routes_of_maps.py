"""Routes of whole maps: never worse than the given order, around what is dead, checked by following packets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from mapping_networks import Sheet, ToyChip, chain, network, networks, population, projection, trees
from neurosim.connectivity import Bernoulli, OneToOne, Table
from neurosim.errors import NeurosimError, ParameterError, PlacementError, UnknownNameError
from neurosim.mapping import Mapping, Options, Pin, map_network
from neurosim.mapping.verify import faults
from neurosim.network import Network, Selection


def paths(**constants: Any) -> ToyChip:
    return ToyChip(Sheet(**{"width": 4, "height": 3, **constants}))


@pytest.mark.parametrize("chip", [trees(), paths()], ids=["trees", "paths"])
def test_effort_pays_and_changes_nothing_else(chip: ToyChip) -> None:
    plain, better = (map_network(chain(), chip, options=Options(effort)) for effort in ("fast", "normal"))
    assert better.routing.hops < plain.routing.hops
    assert better.n_cores_used == plain.n_cores_used
    assert better.traffic.packets <= plain.traffic.packets
    assert (better.n_placed, faults(better), faults(plain)) == (plain.n_placed, [], [])


@settings(max_examples=25, deadline=None)
@given(networks())
def test_nothing_is_worse_than_in_given_order(net: Network) -> None:
    for chip in (trees(neurons=64, memory=600), paths(neurons=64, memory=600)):
        try:
            plain = map_network(net, chip, options=Options("fast"))
        except PlacementError:
            continue
        better = map_network(net, chip, seed=1)
        assert better.n_cores_used <= plain.n_cores_used
        assert better.traffic.packets <= plain.traffic.packets + 1e-9
        assert better.routing.hops <= plain.routing.hops + 1e-6


def test_one_to_one_partners_share_a_core() -> None:
    rng = np.random.default_rng(1)
    cells = population(0, 120), population(1, 120)
    rule = Table(np.arange(120), rng.permutation(120))
    net = Network(0.1, 1, cells, (projection(0, Selection.whole(cells[0]), Selection.whole(cells[1]), rule),))
    chip = paths(neurons=40, memory=1000)
    plain, better = map_network(net, chip, options=Options("fast")), map_network(net, chip)
    assert plain.traffic.packets > 80
    assert better.traffic.packets <= 0.1 * plain.traffic.packets


def test_what_is_dead_is_left_alone_and_walked_around() -> None:
    options = Options(avoid=((1, 0), (0, 1, 1)), avoid_links=(((2, 0), (3, 0)), ((2, 1), (2, 2))))
    mapping = map_network(chain(), trees(), options=options)
    table = mapping.chip.cores()
    used = {(int(table.x[c]), int(table.y[c]), int(table.core[c])) for c in mapping.cores_used}
    assert not any((x, y) == (1, 0) for x, y, _ in used)
    assert (0, 1, 1) not in used
    assert faults(mapping) == []
    assert faults(replace(mapping, options=replace(options, avoid=(*options.avoid, int(mapping.cores_used[0])))))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"avoid": [(9, 9)]}, ParameterError, r"\(9, 9\) is to be avoided, but Toy \(1 board\) has no such place"),
        ({"avoid_links": [((0, 0), (2, 0))]}, ParameterError, r"there is no link between \(0, 0\) and \(2, 0\). Name two neighbouring"),
        (
            {"avoid": [(x, y) for x in range(4) for y in range(3)]},
            PlacementError,
            r"Every core of Toy \(1 board\) is dead or to be avoided",
        ),
        ({"rates": {0: -1.0}}, ParameterError, "a firing rate is -1. Give rates of 0 Hz or more"),
        ({"rates": {0: np.nan}}, ParameterError, "a firing rate is nan"),
        ({"rates": {0: [1.0, 2.0]}}, ParameterError, "there are 2 rates for 12 cells"),
        ({"rates": {0: np.inf}}, ParameterError, "a firing rate is inf"),
        ({"rates": {0: "x"}}, ParameterError, "Population 'p0': the firing rate 'x' is no number. Give one rate in Hz"),
        ({"rates": {9: 1.0}}, UnknownNameError, "rates: unknown population '9'"),
        ({"rates": {"p0": 1.0}}, UnknownNameError, "rates: unknown population 'p0'"),
    ],
)
def test_wishes_that_cannot_be(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        map_network(chain(), paths(), options=Options(**options))


def test_wrong_options() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown effort 'great'\. Known: best, fast, normal"):
        Options(effort="great")
    with pytest.raises(ParameterError, match="the time for placing is 0 s; it must be above 0"):
        Options(seconds=0)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"effort": ["fast"]}, r"unknown effort '\['fast'\]'"),
        ({"seconds": "x"}, "the time for placing is x s; it must be above 0"),
        ({"seconds": float("nan")}, "the time for placing is nan s"),
        ({"avoid": 3}, r"Placement: avoid=3 is no list of places\. For example avoid=\[\(0, 3\)"),
        ({"avoid": "ab"}, "avoid='ab' is no list of places"),
        ({"avoid_links": 3}, r"avoid_links=3 is no list of pairs .* For example avoid_links=\[\(\(0, 0\), \(1, 0\)\)\]"),
        ({"avoid_links": [(0, 0, 0)]}, "is no list of pairs of neighbouring places"),
        ({"rates": [1.0]}, r"rates=\[1\.0\] is no dictionary\. Give {population"),
    ],
)
def test_wishes_of_a_wrong_kind(options: dict[str, Any], match: str) -> None:
    with pytest.raises(NeurosimError, match=match):
        Options(**options)


def test_a_pin_on_what_is_to_be_avoided() -> None:
    pins = [Pin(0, np.arange(3), (1, 1, 0))]
    with pytest.raises(PlacementError, match=r"Population 'p0' is pinned to toy chip \(1, 1\) core 0, which is to be avoided"):
        map_network(chain(), paths(), pins=pins, options=Options(avoid=((1, 1),)))


def test_parts_that_cannot_reach_each_other_are_named() -> None:
    wall = tuple(((1, y), (2, y)) for y in range(3)) + tuple(((1, y), (2, y + 1)) for y in range(2))
    pins = [Pin(0, None, (0, 0)), Pin(1, None, (3, 0))]
    net = network(12, 12, rule=Bernoulli(0.5))
    with pytest.raises(PlacementError, match=r"No way leads from core \d+ on router \d+ at \(0, \d\) to router \d+ at \(3, \d\)"):
        map_network(net, trees(), pins=pins, options=Options(avoid_links=wall))


@pytest.mark.parametrize("chip", [trees(), paths()], ids=["trees", "paths"])
@pytest.mark.parametrize("effort", ["fast", "normal"])
def test_cells_keep_together_where_the_machine_is_cut_in_two(chip: ToyChip, effort: str) -> None:
    """The corner where cores are filled first is cut off."""
    wall = (((0, 0), (1, 0)), ((0, 0), (0, 1)), *([((0, 0), (1, 1))] if len(chip.router_steps) == 6 else []))
    mapping = map_network(network(*[16] * 5, rule=Bernoulli(0.5)), chip, options=Options(effort, avoid_links=wall))
    table = mapping.chip.cores()
    assert faults(mapping) == []
    assert (0, 0) not in {(int(table.x[c]), int(table.y[c])) for c in mapping.cores_used}


def test_a_pin_to_a_chip_with_a_dead_core_takes_the_others() -> None:
    net = network(12, 12, rule=Bernoulli(0.5))
    mapping = map_network(net, trees(), pins=[Pin(0, None, (0, 0))], options=Options(avoid=((0, 0, 0),)))
    assert np.unique(mapping.core_of[0]).tolist() == [1]
    with pytest.raises(PlacementError, match=r"'p0' is pinned to toy chip \(0, 0\) core 0, which is to be avoided"):
        map_network(net, trees(), pins=[Pin(0, None, (0, 0))], options=Options(avoid=((0, 0),)))


def test_too_small_routing_tables_are_named() -> None:
    chip = trees(width=6, height=5)
    chip.entries = 1
    with pytest.raises(PlacementError, match=r"The routing table of chip \(\d, \d\) needs \d+ routing entries, it has 1") as caught:
        map_network(network(*[16] * 40, rule=Bernoulli(0.9)), chip, options=Options("fast"))
    assert (caught.value.resource, caught.value.limit) == ("routing entries", 1)


def test_too_few_keys_are_counted() -> None:
    chip = trees()
    chip.keys_per_neuron = 1 << 28  # type: ignore[misc]
    with pytest.raises(PlacementError, match=r"The network needs 21,743,271,936 keys; 32 bits give 4,294,967,296") as caught:
        map_network(chain(), chip)
    assert caught.value.resource == "keys"


def test_paths_are_told_router_by_router() -> None:
    mapping = map_network(network(12, 12, rule=OneToOne()), paths(), pins=[Pin(0, None, (0, 0)), Pin(1, None, (2, 1))])
    way = mapping.path(("p0", 3), ("p1", 3))
    assert way.routers == ((0, 0), (1, 0), (2, 0), (2, 1))
    assert way.hops == 3
    assert (
        str(way) == "p0[3] on toy chip (0, 0) core 0 -> p1[3] on toy chip (2, 1) core 0: 3 links, chips (0, 0) - (1, 0) - (2, 0) - (2, 1)"
    )
    near = map_network(network(4, 4, rule=OneToOne()), paths(), pins=[Pin(0, None, (0, 0)), Pin(1, None, (1, 0))])
    assert str(near.path(("p0", 3), ("p1", 3))).endswith(": 1 link, chips (0, 0) - (1, 0)")
    same = map_network(network(4, 4, rule=OneToOne()), paths(), pins=[Pin(0, None, (0, 0, 0)), Pin(1, None, (0, 0, 1))])
    assert str(same.path(("p0", 3), ("p1", 3))).endswith(": 0 links, chip (0, 0)")
    with pytest.raises(ParameterError, match=r"'p0' stands for 12 cells\. Name one cell at each end"):
        mapping.path("p0", ("p1", 0))


@pytest.mark.parametrize("chip", [trees(), paths()], ids=["trees", "paths"])
def test_routes_of_a_saved_map_are_found_again(chip: ToyChip) -> None:
    options = Options(avoid=((1, 0),), avoid_links=(((2, 0), (3, 0)),), rates={0: 7.5, 3: np.arange(12.0)})
    mapping = map_network(chain(), chip, options=options)
    loaded = Mapping.from_json(mapping.to_json(), mapping.network, chip)
    assert not mapping.diff(loaded)
    assert loaded.to_json() == mapping.to_json()
    for name in ("source", "indptr", "target", "weight"):
        assert np.array_equal(getattr(loaded.routing.nets, name), getattr(mapping.routing.nets, name))
    assert np.array_equal(loaded.routing.loads, mapping.routing.loads)
    assert Mapping.from_json(mapping.to_json(), chip=chip).routing is None


def test_the_same_seed_gives_the_same_map() -> None:
    maps = [map_network(chain(), trees(), seed=seed) for seed in (5, 5)]
    assert maps[0].to_json() == maps[1].to_json()
    assert not maps[0].diff(maps[1])
