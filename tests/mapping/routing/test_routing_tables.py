"""Keys, routing entries, what they are limited to, and the walk that must find every fault in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_nets import nets_from, random_case
from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.routing import (
    Entries,
    allocate_keys,
    check_entries,
    link_loads,
    route_trees,
    route_xy,
    table_entries,
    topology_of,
    walk_entries,
    walk_routes,
)
from neurosim.mapping.routing.topology import TRIANGULAR
from neurosim.mapping.structures import Routes

LINE = topology_of([(x, 0) for x in range(5)], 8)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 300)), min_size=1, max_size=40), st.sampled_from([1, 16]))
def test_blocks_of_keys_are_aligned_apart_and_read_back(senders, per_neuron) -> None:
    population, n_neurons = np.array(senders).T
    keys = allocate_keys(population, n_neurons, per_neuron=per_neuron)
    assert (keys.key % keys.size == 0).all()
    assert (keys.size >= n_neurons * per_neuron).all()
    order = np.argsort(keys.key)
    assert (np.diff(keys.key[order]) >= keys.size[order][:-1]).all()
    assert ((keys.key & keys.block_mask[population]) == keys.block_key[population]).all()
    for sender in range(len(senders)):
        local = int(n_neurons[sender]) - 1
        assert keys.owner_of(keys.key_of(sender, local)) == (sender, local)
        assert keys.owner_of(keys.key_of(sender) + per_neuron - 1) == (sender, 0)


def test_a_key_of_nobody_has_no_owner() -> None:
    keys = allocate_keys([0, 0, 0], [4, 4, 4])
    assert keys.owner_of(12) is None
    assert keys.owner_of(-1) is None


@pytest.mark.parametrize(("sender", "local"), [(2, 0), (0, 4), (-1, 0)])
def test_a_neuron_that_is_not_there_has_no_key(sender, local) -> None:
    with pytest.raises(ParameterError, match=f"sender {sender} has no neuron {local}"):
        allocate_keys([0, 0], [4, 4]).key_of(sender, local)


def test_too_few_keys_are_an_error() -> None:
    with pytest.raises(PlacementError, match="needs 512 keys; 8 bits give 256") as caught:
        allocate_keys([0, 1], [256, 256], width=8)
    assert (caught.value.used, caught.value.limit) == (512, 256)
    with pytest.raises(ParameterError, match="3 keys per neuron is no power of two"):
        allocate_keys([0], [1], per_neuron=3)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([route_xy, route_trees]))
def test_tables_deliver_every_packet_once_and_load_links_as_the_trees_do(seed, merge, route) -> None:
    nets, router_of, topology = random_case(seed)
    routes = route(nets, router_of, topology)
    rng = np.random.default_rng(seed)
    keys = allocate_keys(rng.integers(0, 4, nets.n_nets), rng.integers(1, 9, nets.n_nets))
    entries = table_entries(nets, routes, router_of, topology, keys, merge=merge)
    walk = walk_entries(nets, entries, router_of, topology, keys)
    assert walk.faults == ()
    np.testing.assert_allclose(walk.loads, link_loads(routes, nets.weight, topology))
    order = np.lexsort((entries.key, entries.router))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    size = (1 << keys.width) - entries.mask
    same = np.diff(entries.router) == 0
    assert (np.diff(entries.key)[same] >= size[:-1][same]).all()  # no packet is meant by two entries
    if merge:
        assert len(entries.key) <= len(table_entries(nets, routes, router_of, topology, keys, merge=False).key)


def test_straight_through_needs_no_entry() -> None:
    nets = nets_from([(0, [1])])
    routes = route_trees(nets, np.array([0, 4]), LINE)
    entries = table_entries(nets, routes, np.array([0, 4]), LINE, allocate_keys([0], [1]))
    assert entries.router.tolist() == [0, 4]
    assert entries.links.tolist() == [1, 0]
    assert entries.core.tolist() == [1]


def test_cores_of_one_population_share_an_entry_also_over_keys_that_are_nobodys() -> None:
    router_of = np.array([0] * 7 + [2])
    nets = nets_from([(core, [7]) for core in range(7)])
    routes = route_trees(nets, router_of, LINE)
    keys = allocate_keys([0] * 7, [64] * 7)
    entries = table_entries(nets, routes, router_of, LINE, keys)
    assert entries.router.tolist() == [0, 2]
    assert entries.mask.tolist() == [2**32 - 512] * 2


def test_keys_that_come_straight_through_are_not_covered() -> None:
    router_of = np.array([0, 1, 0, 3])  # cores 0 to 2 send to core 3; at router 1 only core 1's packets need an entry
    nets = nets_from([(core, [3]) for core in range(3)])
    keys = allocate_keys([0] * 3, [1] * 3)
    entries = table_entries(nets, route_trees(nets, router_of, LINE), router_of, LINE, keys)
    at_one = entries.router == 1
    assert (entries.key[at_one].tolist(), entries.mask[at_one].tolist()) == ([1], [2**32 - 1])


def test_a_table_that_is_too_full_is_told() -> None:
    nets = nets_from([(core, [core + 6]) for core in range(6)])
    router_of = np.array([0] * 6 + [1] * 6)
    keys = allocate_keys(range(6), [1] * 6)
    entries = table_entries(nets, route_trees(nets, router_of, LINE), router_of, LINE, keys)
    assert check_entries(entries, LINE, 6).tolist() == [6, 6, 0, 0, 0]
    with pytest.raises(PlacementError) as caught:
        check_entries(entries, LINE, 5)
    assert str(caught.value).startswith("Router 0 at (0, 0) needs 6 routing entries, the limit is 5 (1 others are too full as well).")
    assert (caught.value.resource, caught.value.used, caught.value.limit) == ("routing entries", 6, 5)


# --- the walk finds faults ---------------------------------------------------------------------
def test_the_walk_finds_what_is_not_delivered_and_what_is_too_much() -> None:
    nets, router_of = nets_from([(0, [1, 2])]), np.array([0, 1, 2])
    routes = route_trees(nets, router_of, LINE)
    keys = allocate_keys([0], [1])
    entries = table_entries(nets, routes, router_of, LINE, keys)
    short = walk_routes(nets, Routes(np.array([0, 1]), routes.router[:1], routes.link[:1]), router_of, LINE)
    assert short.undelivered.tolist() == [[0, 2]]
    assert not short.is_right
    wrong = walk_entries(nets, entries._replace(core=np.array([1, 3], np.int32)), router_of, LINE, keys)
    assert wrong.undelivered.tolist() == [[0, 2]]
    assert wrong.unwanted.tolist() == [[0, 3]]
    assert wrong.faults[0] == "1 undelivered, the first at (0, 2)"


def test_the_walk_finds_loops_duplicates_dead_links_and_dropped_packets() -> None:
    torus = topology_of([(x, y) for x in range(3) for y in range(3)], 1, steps=TRIANGULAR, wrap=(3, 3))
    nets, keys = nets_from([(0, [1])]), allocate_keys([0], [1])
    place = np.array([0, 4])
    # east, then straight on round the torus, back to the source
    one, none = np.zeros(1, np.int32), np.zeros(0, np.int32)
    entries = Entries(one, keys.key, keys.mask, np.array([1]), np.array([0, 0]), none)
    walk = walk_entries(nets, entries, place, torus, keys)
    assert walk.loops.tolist() == walk.duplicates.tolist() == [[0, 0]]
    assert walk.hops.tolist() == [3]
    unmet = walk_entries(nets, entries._replace(key=keys.key + 1), place, torus, keys)
    assert unmet.dropped.tolist() == [[0, 0]]
    # two ways to router 4
    twice = Routes(np.array([0, 3]), np.array([0, 0, 1], np.int32), np.array([1, 2, 0], np.int8))
    assert walk_routes(nets, twice, place, torus).duplicates.tolist() == [[0, 4]]
    dead = walk_routes(nets, Routes(np.array([0, 1]), np.array([4], np.int32), np.array([0], np.int8)), np.array([4, 4]), LINE)
    assert dead.dead.tolist() == [[4, 0]]
