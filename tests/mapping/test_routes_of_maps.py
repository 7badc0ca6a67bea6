"""Routes of whole maps: never worse than the given order, around what is dead, checked by following packets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from mapping_networks import Sheet, ToyChip, network, networks, population, projection
from neurosim.connectivity import Bernoulli, OneToOne, Table
from neurosim.errors import ParameterError, PlacementError, UnknownNameError
from neurosim.mapping import Mapping, Options, Pin, map_network
from neurosim.mapping.verify import faults
from neurosim.network import Network, Selection

STEPS = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))


class TreeChip(ToyChip):
    """The made-up chip with trees and routing tables on a triangular mesh."""

    delivery = "multicast"
    router_steps = STEPS
    entries = 100

    def limits(self) -> Any:
        from neurosim.chips.chip import Limit

        return (*super().limits(), Limit("routing entries", "router", self.entries, "entries", "made up"))


def trees(**constants: Any) -> TreeChip:
    return TreeChip(Sheet(**{"width": 4, "height": 3, "mixes": False, **constants}))


def paths(**constants: Any) -> ToyChip:
    return ToyChip(Sheet(**{"width": 4, "height": 3, **constants}))


def chain(n: int = 6, size: int = 12) -> Network:
    """Populations one after the other, created in another order."""
    order = np.random.default_rng(3).permutation(n)
    cells = tuple(population(k, size) for k in range(n))
    whole = Selection.whole
    links = tuple(projection(k, whole(cells[int(order[k])]), whole(cells[int(order[k + 1])]), Bernoulli(0.5)) for k in range(n - 1))
    return Network(0.1, 1, cells, links)


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


def test_too_small_routing_tables_are_named() -> None:
    chip = trees(width=6, height=5)
    chip.entries = 1
    with pytest.raises(PlacementError, match=r"The routing table of chip \(\d, \d\) needs \d+ routing entries, it has 1") as caught:
        map_network(network(*[16] * 40, rule=Bernoulli(0.9)), chip, options=Options("fast"))
    assert (caught.value.resource, caught.value.limit) == ("routing entries", 1)


def test_paths_are_told_router_by_router() -> None:
    mapping = map_network(network(12, 12, rule=OneToOne()), paths(), pins=[Pin(0, None, (0, 0)), Pin(1, None, (2, 1))])
    way = mapping.path(("p0", 3), ("p1", 3))
    assert way.routers == ((0, 0), (1, 0), (2, 0), (2, 1))
    assert way.hops == 3
    assert (
        str(way) == "p0[3] on toy chip (0, 0) core 0 -> p1[3] on toy chip (2, 1) core 0: 3 links, chips (0, 0) - (1, 0) - (2, 0) - (2, 1)"
    )
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


# --- planted faults --------------------------------------------------------------------------
def _routing(mapping: Mapping, **changes: Any) -> Mapping:
    return replace(mapping, routed=replace(mapping.routed, **changes))


def _nets(mapping: Mapping, **changes: Any) -> Mapping:
    return _routing(mapping, nets=mapping.routed.nets._replace(**changes))


def _routes(mapping: Mapping, **changes: Any) -> Mapping:
    return _routing(mapping, routes=mapping.routed.routes._replace(**changes))


def _entries(mapping: Mapping, **changes: Any) -> Mapping:
    return _routing(mapping, entries=mapping.routed.entries._replace(**changes))


def _without_last_link(mapping: Mapping) -> Mapping:
    routes = mapping.routed.routes
    indptr = np.minimum(routes.indptr, routes.indptr[-1] - 1)
    return _routes(mapping, indptr=indptr, router=routes.router[:-1], link=routes.link[:-1])


def _with_detour(mapping: Mapping) -> Mapping:
    """The last tree goes on from its last router back to where it came from."""
    routes, topology = mapping.routed.routes, mapping.routed.topology
    end = topology.neighbour[routes.router[-1], routes.link[-1]]
    indptr = routes.indptr.copy()
    indptr[-1] += 1
    back = topology.opposite[routes.link[-1]]
    return _routes(
        mapping, indptr=indptr, router=np.append(routes.router, end).astype(np.int32), link=np.append(routes.link, back).astype(np.int8)
    )


def _without_target(mapping: Mapping) -> Mapping:
    nets = mapping.routed.nets
    row = next(n for n in range(nets.n_nets) if (nets.target[nets.indptr[n] : nets.indptr[n + 1]] != nets.source[n]).any())
    at = next(k for k in range(nets.indptr[row], nets.indptr[row + 1]) if nets.target[k] != nets.source[row])
    indptr = nets.indptr.copy()
    indptr[row + 1 :] -= 1
    return _nets(mapping, indptr=indptr, target=np.delete(nets.target, at))


def _moved_router(mapping: Mapping) -> Mapping:
    router_of = mapping.routed.router_of.copy()
    router_of[mapping.cores_used[0]] = (router_of[mapping.cores_used[0]] + 1) % mapping.routed.topology.n_routers
    return _routing(mapping, router_of=router_of)


def _wrong_neighbour(mapping: Mapping) -> Mapping:
    neighbour = mapping.routed.topology.neighbour.copy()
    router, link = np.argwhere(neighbour >= 0)[0]
    neighbour[router, link] = (neighbour[router, link] + 2) % len(neighbour)
    return _routing(mapping, topology=mapping.routed.topology._replace(neighbour=neighbour))


def _dead_link(mapping: Mapping) -> Mapping:
    routes, neighbour = mapping.routed.routes, mapping.routed.topology.neighbour.copy()
    neighbour[routes.router[0], routes.link[0]] = -1
    return _routing(mapping, topology=mapping.routed.topology._replace(neighbour=neighbour))


def _heavier(mapping: Mapping) -> Mapping:
    changed = _routing(mapping)
    loads = mapping.routed.loads.copy()
    loads[np.unravel_index(loads.argmax(), loads.shape)] += 1
    changed.routed.__dict__["loads"] = loads
    return changed


def _empty_core(mapping: Mapping) -> int:
    return next(core for core in range(mapping.n_cores) if core not in set(mapping.cores_used.tolist()))


def _foreign_target(mapping: Mapping) -> Mapping:
    target = mapping.routed.nets.target.copy()
    target[-1] = _empty_core(mapping)
    return _nets(mapping, target=target)


def _foreign_source(mapping: Mapping) -> Mapping:
    source = mapping.routed.nets.source.copy()
    source[-1] = _empty_core(mapping)
    return _nets(mapping, source=source)


def _twice(mapping: Mapping) -> Mapping:
    source = mapping.routed.nets.source.copy()
    source[1] = source[0]
    return _nets(mapping, source=source)


def _first(values: Any, change: Any) -> Any:
    found = values.copy()
    found[0] = change(found[0])
    return found


def _doubled_entry(mapping: Mapping) -> Mapping:
    e = mapping.routed.entries
    again = {name: np.append(getattr(e, name), getattr(e, name)[0]) for name in ("router", "key", "mask", "links")}
    return _entries(mapping, **again, indptr=np.append(e.indptr, e.indptr[-1]))


def _lost_entry(mapping: Mapping) -> Mapping:
    e = mapping.routed.entries
    gone = {name: getattr(e, name)[1:] for name in ("router", "key", "mask", "links")}
    return _entries(mapping, **gone, indptr=e.indptr[1:] - e.indptr[1], core=e.core[e.indptr[1] :])


def _same_key(mapping: Mapping) -> Mapping:
    keys = mapping.routed.keys
    return _routing(mapping, keys=keys._replace(key=_first(keys.key, lambda _: keys.key[1])))


def _too_many(mapping: Mapping) -> Mapping:
    chip = trees()
    chip.entries = 0
    return replace(mapping, chip=chip)


FAULTS = {
    "a link is missing": _without_last_link,
    "a tree has a loop": _with_detour,
    "a target is missing": _without_target,
    "a core is at another router": _moved_router,
    "a link leads elsewhere": _wrong_neighbour,
    "a link is dead": _dead_link,
    "a load is wrong": _heavier,
    "a core without cells receives": _foreign_target,
    "a core without cells sends": _foreign_source,
    "a core sends twice": _twice,
    "no tables": lambda m: _routing(m, entries=None),
    "an entry is lost": _lost_entry,
    "an entry is there twice": _doubled_entry,
    "an entry leaves by no link": lambda m: _entries(m, links=np.zeros_like(m.routed.entries.links)),
    "an entry leaves by all links": lambda m: _entries(m, links=np.full_like(m.routed.entries.links, 63)),
    "an entry has another key": lambda m: _entries(m, key=_first(m.routed.entries.key, lambda k: k + 4096)),
    "an entry asks for bits outside its mask": lambda m: _entries(
        m, mask=_first(m.routed.entries.mask, lambda _: 0), key=_first(m.routed.entries.key, lambda k: k | 1)
    ),
    "an entry gives to no core": lambda m: _entries(m, indptr=np.zeros_like(m.routed.entries.indptr), core=m.routed.entries.core[:0]),
    "an entry gives to another core": lambda m: _entries(m, core=_first(m.routed.entries.core, lambda c: (c + 1) % m.n_cores)),
    "two cores have one key": _same_key,
    "a table is too large": _too_many,
    "a cell is on what is to be avoided": lambda m: replace(m, options=replace(m.options, avoid=(int(m.cores_used[0]),))),
}


@pytest.mark.parametrize("plant", FAULTS.values(), ids=FAULTS)
def test_planted_faults_are_found(plant: Any) -> None:
    mapping = map_network(chain(), trees())
    assert faults(mapping) == []
    assert faults(plant(mapping))
