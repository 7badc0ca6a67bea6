"""Faults planted into the routes of a map: each is found by following packets and counting again."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mapping_networks import chain, trees
from neurosim.mapping import Mapping, map_network
from neurosim.mapping.verify import faults


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


def _split_entry(mapping: Mapping) -> Mapping:
    """The entry of a core's keys stands for the first half of them only."""
    keys, e = mapping.routed.keys, mapping.routed.entries
    at = next(k for k in range(len(e.key)) if e.key[k] in keys.key and e.mask[k] == keys.mask[keys.key == e.key[k]][0])
    mask = e.mask.copy()
    mask[at] += keys.size[keys.key == e.key[at]][0] // 2
    return _entries(mapping, mask=mask)


def _wider_entry(mapping: Mapping) -> Mapping:
    """A second entry of one router means the keys of the first one and more."""
    doubled = _doubled_entry(mapping)
    e = doubled.routed.entries
    wide = -(1 << 12) & ((1 << 32) - 1)
    return _entries(doubled, mask=np.append(e.mask[:-1], wide), key=np.append(e.key[:-1], e.key[-1] & wide))


def _alive(mapping: Mapping, **avoided: Any) -> Mapping:
    return replace(mapping, options=replace(mapping.options, **avoided))


def _unused_place(mapping: Mapping) -> tuple[int, int]:
    table = mapping.chip.cores()
    used = set(table.chip[mapping.cores_used].tolist())
    core = next(c for c in range(mapping.n_cores) if table.chip[c] not in used)
    return int(table.x[core]), int(table.y[core])


def _needless_target(mapping: Mapping) -> Mapping:
    """A core of a population that sends nowhere sends too."""
    nets, last = mapping.routed.nets, int(mapping.core_of[_end_of_chain()][0])
    staying = _routes(mapping, indptr=np.append(mapping.routed.routes.indptr, mapping.routed.routes.indptr[-1]))
    return _nets(
        staying,
        source=np.append(nets.source, last).astype(np.int32),
        indptr=np.append(nets.indptr, nets.indptr[-1] + 1),
        target=np.append(nets.target, last).astype(np.int32),
        weight=np.append(nets.weight, 1.0).astype(np.float32),
    )


def _end_of_chain() -> int:
    return int(np.random.default_rng(3).permutation(6)[-1])


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


TOLD = {
    "an entry means half of a core's keys": (_split_entry, r"1 routing entries mean only some keys of a core, first of core \d+"),
    "an entry covers another": (_wider_entry, r"routing entries mean keys that another one means, first at router \d+"),
    "a core has too few keys": (
        lambda m: _routing(m, keys=m.routed.keys._replace(mask=m.routed.keys.mask | 15)),
        r"core \d+ has 12 cells, but 1 keys",
    ),
    "an avoided link is used": (
        lambda m: _alive(m, avoid_links=(((1, 0), (0, 0)),)),
        r"a link from \(0, 0\) to \(1, 0\), which is to be avoided",
    ),
    "an avoided router is used": (lambda m: _alive(m, avoid=(_unused_place(m),)), r"a link from .* to .*, which is to be avoided"),
    "a core sends more than it fires": (
        lambda m: _nets(m, weight=m.routed.nets.weight * 2),
        r"core \d+ sends 24 packets, but its cells fire 12 times \(5 such nets\)",
    ),
    "a route is missing": (lambda m: _routes(m, indptr=m.routed.routes.indptr[:-1]), "there are 4 routes for 5 nets"),
    "a key is missing": (lambda m: _routing(m, keys=m.routed.keys._replace(key=m.routed.keys.key[1:])), "there are 4 keys for 5 nets"),
    "there are no keys": (lambda m: _routing(m, keys=None), "there are 0 keys for 5 nets"),
    "a core sends for nothing": (_needless_target, r"1 pairs of cores without synapses have packets, first from core \d+ to core \d+"),
}


@pytest.mark.parametrize(("plant", "told"), TOLD.values(), ids=TOLD)
def test_planted_faults_are_told(plant: Any, told: str) -> None:
    found = faults(plant(map_network(chain(), trees())))
    assert any(re.search(told, fault) for fault in found), found


@pytest.mark.parametrize("plant", FAULTS.values(), ids=FAULTS)
def test_planted_faults_are_found(plant: Any) -> None:
    mapping = map_network(chain(), trees())
    assert faults(mapping) == []
    assert faults(plant(mapping))
