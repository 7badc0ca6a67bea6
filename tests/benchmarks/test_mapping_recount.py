"""The second opinion on maps finds what is planted, and nothing in maps that are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks.mapping import checks, many_networks
from benchmarks.mapping.misfits import MISFITS, cells, network, noise
from benchmarks.mapping.recount import packets_of, synapses_of
from neurosim import chips
from neurosim.connectivity import Bernoulli, Table
from neurosim.mapping import Mapping, map_network

CHIPS = ("spinnaker", "loihi", "hicann")


@cache
def right(chip_name: str) -> Mapping:
    """Neurons and sources on several routers, some synapses as a list and some as a rule."""
    parts = [cells(0, 3000, "a"), cells(1, 2500, "b"), noise(2, 40)]
    near = Table(np.repeat(np.arange(3000), 3), (np.repeat(np.arange(3000), 3) + np.tile([0, 1, 600], 3000)) % 2500)
    return map_network(network(parts, [(0, 1, near), (1, 0, Bernoulli(0.01)), (2, 0, Bernoulli(0.05))]), chips.load(chip_name))


def found(mapping: Mapping) -> list[str]:
    return checks.violations(mapping, synapses_of(mapping))


@pytest.mark.parametrize("chip_name", CHIPS)
def test_nothing_is_found_in_a_right_map(chip_name: str) -> None:
    assert found(right(chip_name)) == []


@pytest.mark.parametrize("chip_name", CHIPS)
def test_packets_are_those_between_cores_and_from_the_host(chip_name: str) -> None:
    mapping = right(chip_name)
    assert packets_of(mapping, synapses_of(mapping)) == mapping.traffic.packets + mapping.traffic.host_packets


# --- faults --------------------------------------------------------------------------------------
def _moved(mapping: Mapping, **changes: Any) -> Mapping:
    """The map with neurons ``at`` of the first population elsewhere; the routes stay."""
    core_of, local_of = [c.copy() for c in mapping.core_of], [c.copy() for c in mapping.local_of]
    at = changes["at"]
    core_of[0][at] = changes.get("core", core_of[0][at])
    local_of[0][at] = changes.get("local", local_of[0][at])
    return replace(mapping, core_of=tuple(core_of), local_of=tuple(local_of), routed=mapping.routing)


def _routed(mapping: Mapping, part: str, **changes: Any) -> Mapping:
    """The map with arrays of its nets, routes, entries or keys replaced; loads stay those of the right map."""
    old = mapping.routing
    assert old is not None
    new = replace(old, **{part: getattr(old, part)._replace(**changes)})
    new.__dict__["loads"] = old.loads
    return replace(mapping, routed=new)


def off_chip(mapping: Mapping) -> Mapping:
    return _moved(mapping, at=5, core=-1, local=-1)


def in_anothers_place(mapping: Mapping) -> Mapping:
    return _moved(mapping, at=5, core=mapping.core_of[0][6], local=mapping.local_of[0][6])


def crowded(mapping: Mapping) -> Mapping:
    home = int(mapping.core_of[0][0])
    return _moved(mapping, at=slice(0, 2000), core=home, local=np.arange(10_000, 12_000))


def on_an_empty_core(mapping: Mapping) -> Mapping:
    empty = int(np.setdiff1d(np.arange(mapping.n_cores), mapping.cores_used)[-1])
    return _moved(mapping, at=7, core=empty, local=0)


def mixed(mapping: Mapping) -> Mapping:
    return _moved(mapping, at=7, core=int(mapping.core_of[1][0]), local=9999)


def loads_altered(mapping: Mapping) -> Mapping:
    wrong = replace(mapping.routing, nets=mapping.routing.nets)  # type: ignore[union-attr,type-var]
    wrong.__dict__["loads"] = mapping.routing.loads + 1.0  # type: ignore[union-attr]
    return replace(mapping, routed=wrong)


def entry_lost(mapping: Mapping) -> Mapping:
    entries = mapping.routing.entries  # type: ignore[union-attr]
    counts = np.diff(entries.indptr)
    lost = int(np.flatnonzero(counts > 0)[0])
    keep = np.arange(len(counts)) != lost
    core = np.delete(entries.core, np.arange(entries.indptr[lost], entries.indptr[lost + 1]))
    changes = {name: getattr(entries, name)[keep] for name in ("router", "key", "mask", "links")}
    return _routed(mapping, "entries", **changes, indptr=np.concatenate([[0], np.cumsum(counts[keep])]), core=core)


def entry_sends_back(mapping: Mapping) -> Mapping:
    entries = mapping.routing.entries  # type: ignore[union-attr]
    return _routed(mapping, "entries", links=entries.links | 0b111111)


def entry_for_another_core(mapping: Mapping) -> Mapping:
    core = mapping.routing.entries.core.copy()  # type: ignore[union-attr]
    other = mapping.routing.router_of != mapping.routing.router_of[core[0]]  # type: ignore[union-attr]
    core[0] = int(np.flatnonzero(other)[0])
    return _routed(mapping, "entries", core=core)


def entry_twice(mapping: Mapping) -> Mapping:
    entries = mapping.routing.entries  # type: ignore[union-attr]
    twice = {name: np.append(getattr(entries, name), getattr(entries, name)[0]) for name in ("router", "key", "mask", "links")}
    return _routed(mapping, "entries", **twice, indptr=np.append(entries.indptr, entries.indptr[-1]))


def key_shared(mapping: Mapping) -> Mapping:
    key = mapping.routing.keys.key.copy()  # type: ignore[union-attr]
    key[1] = key[0]
    return _routed(mapping, "keys", key=key)


def net_too_light(mapping: Mapping) -> Mapping:
    return _routed(mapping, "nets", weight=mapping.routing.nets.weight * np.float32(0.5))  # type: ignore[union-attr]


def link_turned(mapping: Mapping) -> Mapping:
    routes, link = mapping.routing.routes, mapping.routing.routes.link.copy()  # type: ignore[union-attr]
    first = int(routes.indptr[:-1][np.diff(routes.indptr) > 1][0])
    link[first + 1] = (link[first] + 2) % 4
    return _routed(mapping, "routes", link=link)


def link_left_out(mapping: Mapping) -> Mapping:
    routes = mapping.routing.routes  # type: ignore[union-attr]
    indptr = routes.indptr.copy()
    indptr[indptr == len(routes.link)] -= 1
    return _routed(mapping, "routes", indptr=indptr, router=routes.router[:-1], link=routes.link[:-1])


def net_forgotten(mapping: Mapping) -> Mapping:
    nets, routes = mapping.routing.nets, mapping.routing.routes  # type: ignore[union-attr]
    n_pins, n_links = int(nets.indptr[-2]), int(routes.indptr[-2])
    fewer = nets._replace(source=nets.source[:-1], indptr=nets.indptr[:-1], target=nets.target[:n_pins], weight=nets.weight[:-1])
    shorter = routes._replace(indptr=routes.indptr[:-1], router=routes.router[:n_links], link=routes.link[:n_links])
    return replace(mapping, routed=replace(mapping.routing, nets=fewer, routes=shorter))  # type: ignore[type-var]


PLANTED: list[tuple[str, Callable[[Mapping], Mapping], str]] = [
    *((chip, off_chip, "1 cells are on no core") for chip in CHIPS),
    *((chip, in_anothers_place, "in the place of another") for chip in CHIPS),
    *((chip, crowded, "the limit is") for chip in CHIPS),
    *((chip, on_an_empty_core, "do not arrive") for chip in CHIPS),
    *((chip, loads_altered, "do not add up to the loads") for chip in CHIPS),
    ("spinnaker", mixed, "holds cells of several populations"),
    ("spinnaker", entry_lost, "do not arrive"),
    ("spinnaker", entry_sends_back, "come to a router twice"),
    ("spinnaker", entry_for_another_core, "delivers to a core of another router"),
    ("spinnaker", entry_twice, "meets two entries"),
    ("spinnaker", key_shared, "two cells send the same key"),
    ("spinnaker", net_too_light, "nets do not weigh"),
    ("loihi", net_forgotten, "do not arrive"),
    ("loihi", link_turned, "leads back"),
    ("loihi", link_left_out, "not of the shortest length"),
    ("hicann", link_turned, "leads back"),
    ("hicann", net_forgotten, "do not arrive"),
    ("hicann", link_left_out, "do not arrive"),
]


@pytest.mark.parametrize(("chip_name", "plant", "words"), PLANTED, ids=[f"{plant.__name__}-{chip}" for chip, plant, _ in PLANTED])
def test_a_planted_fault_is_found(chip_name: str, plant: Callable[[Mapping], Mapping], words: str) -> None:
    assert any(words in text for text in found(plant(right(chip_name))))


# --- the rest of the checks ------------------------------------------------------------------------
def test_an_explanation_that_names_something_else_is_not_accepted() -> None:
    case = MISFITS["a population of too many cores, Loihi"]()
    assert checks.unexplained(case) == []
    assert checks.unexplained(case._replace(available=129)) == ["capacity is 128, not 129", "'129' is not shown"]
    assert checks.unexplained(case._replace(named="inh"))[0] == "'inh' is not named"
    fits = case._replace(network=network([cells(0, 10, "exc")], []))
    assert {"it is said to fit", "no change is offered"} <= set(checks.unexplained(fits))


def test_random_networks_come_from_their_seed_and_have_all_kinds_of_rules() -> None:
    first, again = many_networks.drawn(3), many_networks.drawn(3)
    assert [p.size for p in first.populations] == [p.size for p in again.populations]
    kinds = {type(p.rule).__name__ for seed in range(40) for p in many_networks.drawn(seed).projections}
    assert kinds == {"AllToAll", "Bernoulli", "FixedIn", "FixedOut", "FixedTotal", "OneToOne", "Table"}


def test_expected_packets_are_compared_by_population() -> None:
    mapping = right("spinnaker")
    synapses = synapses_of(mapping)
    counted, expected = checks.between_populations(mapping, synapses, mapping.traffic.graph)
    assert np.array_equal(counted, expected)
    assert counted.sum() == mapping.traffic.packets


def test_metis_is_asked_for_again_after_the_check_without_it() -> None:
    asked = checks.graphs.has_metis
    with checks.no_metis():
        assert not checks.graphs.has_metis()
    assert checks.graphs.has_metis is asked


def test_a_missed_row_fails_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {"M1": lambda: iter([checks.Row("M1", "a map", "1 violation", "0", False)]), "M17": checks.distributed}
    monkeypatch.setattr(checks, "ROWS", rows)
    assert checks.main([]) == 1
    assert capsys.readouterr().out.splitlines()[0].endswith("MISSED")
    assert checks.main(["M17"]) == 0
    assert "not done" in capsys.readouterr().out


def test_a_network_that_fits_only_without_searching_would_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    mapped = checks._mapped
    monkeypatch.setattr(checks, "_mapped", lambda net, chip, effort: None if effort == "normal" else mapped(net, chip, effort))
    rows = list(checks.random_maps(n=1))
    assert all(row.reached is False and "fits with one effort only" in row.found for row in rows)
