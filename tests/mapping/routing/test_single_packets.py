"""Packets with one target are followed one by one: against the walk that moves all at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.mapping.routing import Dead, route_xy, topology_of, walk, walk_routes
from neurosim.mapping.structures import Nets, Routes

SQUARE = [(x, y) for x in range(5) for y in range(4)]
TOPOLOGY = topology_of(SQUARE, 1)
PLACE = np.arange(20)[::-1].copy()


def packets(seed: int, n: int = 12) -> Nets:
    """Nets of one target each, now and then the source itself."""
    rng = np.random.default_rng(seed)
    source, target = rng.integers(0, 20, (2, n)).astype(np.int32)
    return Nets(source, np.arange(n + 1, dtype=np.int64), target, rng.integers(1, 9, n).astype(np.float32))


def slow(nets: Nets, routes: Routes, topology) -> walk.Walk:
    """The walk of all at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "_walk_straight", lambda nets, routes, place, topology: walk._unwalked(nets, topology))
        return walk_routes(nets, routes, PLACE, topology)


def planted(rng: np.random.Generator, routes: Routes) -> Routes:
    """Routes with something wrong: links turned, left out, in another order or twice."""
    indptr, router, link = routes.indptr.copy(), routes.router.copy(), routes.link.copy()
    hop, kind = int(rng.integers(len(router))), int(rng.integers(5))
    net = int(np.searchsorted(indptr, hop, side="right")) - 1
    if kind == 0:
        link[hop] = rng.integers(4)
    elif kind == 1:
        router[hop] = rng.integers(20)
    elif kind == 2:
        router, link, indptr = np.delete(router, hop), np.delete(link, hop), indptr - (np.arange(len(indptr)) > net)
    elif kind == 3:
        extra = (int(rng.integers(20)), int(rng.integers(4)))
        router, link = np.insert(router, hop, extra[0]), np.insert(link, hop, extra[1]).astype(np.int8)
        indptr = indptr + (np.arange(len(indptr)) > net)
    else:
        order = rng.permutation(np.arange(indptr[net], indptr[net + 1]))
        router[indptr[net] : indptr[net + 1]], link[indptr[net] : indptr[net + 1]] = router[order], link[order]
    return Routes(indptr, router.astype(np.int32), link)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3))
def test_both_walks_find_the_same_on_right_and_wrong_routes(seed, n_faults):
    rng, nets = np.random.default_rng(seed), packets(seed)
    routes, topology = route_xy(nets, PLACE, TOPOLOGY), TOPOLOGY
    for _ in range(n_faults):
        routes = planted(rng, routes)
    if seed % 2:
        topology = topology_of(SQUARE, 1, dead=Dead([], [(int(rng.integers(20)), int(rng.integers(4)))]))
    found, expected = walk_routes(nets, routes, PLACE, topology), slow(nets, routes, topology)
    assert np.allclose(found.loads, expected.loads)
    for name in ("hops", "depth"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    for name in ("undelivered", "unwanted", "duplicates", "loops", "dead", "dropped"):
        assert sorted(getattr(found, name).tolist()) == sorted(getattr(expected, name).tolist())
    assert not expected.straight.any()


def test_only_nets_without_fault_and_with_one_target_are_straight():
    nets = Nets(np.array([0, 1, 2], np.int32), np.array([0, 1, 3, 4]), np.array([5, 3, 4, 7], np.int32), np.ones(3, np.float32))
    routes = route_xy(packets(0, 1)._replace(source=nets.source[2:], target=nets.target[3:]), PLACE, TOPOLOGY)
    both = Routes(np.array([0, 0, 0, len(routes.router)]), routes.router, routes.link)
    assert walk_routes(nets, both, PLACE, TOPOLOGY).straight.tolist() == [False, False, True]


def test_links_that_lead_round_and_beyond_the_target_are_not_straight():
    """From router 0 up to 1, where the target is; then back and up again, or one link further."""
    nets = Nets(np.array([19], np.int32), np.array([0, 1]), np.array([18], np.int32), np.ones(1, np.float32))
    right = route_xy(nets, PLACE, TOPOLOGY)
    there, up = int(right.router[0]), int(right.link[0])
    down = int(TOPOLOGY.opposite[up])
    assert walk_routes(nets, right, PLACE, TOPOLOGY).straight.all()
    for router, link in (([there, there + 1, there], [up, down, up]), ([there, there + 1], [up, up])):
        routes = Routes(np.array([0, len(router)]), np.array(router, np.int32), np.array(link, np.int8))
        assert not walk_routes(nets, routes, PLACE, TOPOLOGY).straight.any()
