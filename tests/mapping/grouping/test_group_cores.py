"""Cores on routers: limits, pins, effort, and never worse than natural order."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_nets import nets_from, random_nets
from neurosim.errors import ParameterError, PlacementError, UnknownNameError
from neurosim.mapping.grouping import Demand, Options, group_cores
from neurosim.mapping.routing import Dead, route_trees, topology_of, walk_routes
from neurosim.mapping.routing.topology import TRIANGULAR

FAST = Options(effort="fast")
FIELD = topology_of([(x, y) for x in range(4) for y in range(3)], 4, steps=TRIANGULAR, dead=Dead([5], [(0, 0)], [1, 2]))


def chain(n: int, seed: int):
    order = np.random.default_rng(seed).permutation(n)
    return nets_from([(int(order[k]), [int(order[k + 1])]) for k in range(n - 1)])


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_limits_and_pins_are_kept_and_it_is_never_worse_than_natural_order(seed) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    nets = random_nets(rng, n, int(rng.integers(1, 25)))
    router, slot = np.full(n, -1), np.full(n, -1)
    router[0], slot[0] = 3, 2
    router[1] = 3
    demand = Demand(n, rng.integers(1, 4, (n, 1)), np.array([12]), ("memory",), router, slot)
    found = group_cores(nets, demand, FIELD, options=FAST._replace(seed=seed))
    assert (np.bincount(found.router_of, minlength=12) <= FIELD.room).all()
    assert np.bincount(found.router_of, demand.use[:, 0]).max() <= 12
    assert found.router_of[:2].tolist() == [3, 3]
    assert found.slot_of[0] == 2
    assert len(set(zip(found.router_of.tolist(), found.slot_of.tolist(), strict=True))) == n
    assert (found.slot_of < FIELD.room[found.router_of]).all()
    assert found.hops <= found.natural_hops
    routes = route_trees(nets, found.router_of, FIELD)
    assert routes.tree_hops(nets.weight) == found.hops
    assert walk_routes(nets, routes, found.router_of, FIELD).faults == ()


def test_the_same_seed_gives_the_same_groups() -> None:
    nets = random_nets(np.random.default_rng(4), 40, 40)
    first, again = (group_cores(nets, Demand(40), FIELD, options=FAST) for _ in range(2))
    assert first.router_of.tolist() == again.router_of.tolist()
    assert first.stages == again.stages


def test_a_shuffled_chain_is_laid_out_as_short_as_can_be() -> None:
    topology = topology_of([(x, y) for x in range(5) for y in range(5)], 4)
    found = group_cores(chain(80, 3), Demand(80), topology, options=FAST)
    assert found.hops <= 22  # 19 is the least: 20 full routers
    assert found.hops < 0.2 * found.natural_hops


def test_without_pymetis_groups_are_still_short(monkeypatch) -> None:
    real = builtins.__import__

    def without(name, *rest):
        if name == "pymetis":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    found = group_cores(chain(40, 3), Demand(40), FIELD, options=FAST)
    assert found.hops <= 14


def test_more_effort_takes_longer_but_time_ends_it_and_progress_is_told() -> None:
    told: list[tuple[str, float]] = []
    nets = random_nets(np.random.default_rng(4), 40, 40)
    options = Options(effort="best", seconds=1e-6, progress=lambda stage, share: told.append((stage, share)))
    assert group_cores(nets, Demand(40), FIELD, options=options).stopped
    group_cores(nets, Demand(40), FIELD, options=options._replace(effort="fast", seconds=None))
    assert told[-1][1] == 1.0
    assert {stage.partition(":")[0] for stage, _ in told} >= {"cores"}


def test_nets_without_targets_and_machines_of_one_router_are_fine() -> None:
    one = topology_of([(0, 0)], 4)
    assert group_cores(nets_from([(0, [1])]), Demand(2), one, options=FAST).router_of.tolist() == [0, 0]
    assert group_cores(nets_from([(0, [])]), Demand(2), FIELD, options=FAST).hops == 0


@pytest.mark.parametrize(
    ("demand", "text", "resource"),
    [
        (Demand(60), "does not fit on the machine: it needs 60 cores, the limit is 42", "cores"),
        (
            Demand(2, np.array([[9], [3]]), np.array([5]), ("memory",)),
            "Core 0 fits nowhere: it needs 9 memory, no chip has more than 5",
            "memory",
        ),
        (Demand(12, np.full((12, 1), 3), np.array([5])), "12 cores do not fit on 11 chips", "chips"),
        (Demand(5, router=np.full(5, 4)), r"pinned to router 4 at \(1, 1\) needs 5 cores, the limit is 4", "cores"),
        (Demand(1, router=np.array([4]), slot=np.array([4])), "Core 0 is pinned to core 4 of router 4", "cores"),
    ],
)
def test_what_does_not_fit_is_told(demand, text, resource) -> None:
    with pytest.raises(PlacementError, match=text) as caught:
        group_cores(nets_from([]), demand, FIELD)
    assert caught.value.resource == resource


@pytest.mark.parametrize(
    ("demand", "options", "text"),
    [
        (Demand(2, np.ones((3, 1)), np.array([1])), FAST, "do not belong to 2 cores"),
        (Demand(2, router=np.array([0, 99])), FAST, "pins name router 99"),
        (Demand(2, router=np.array([3, 3]), slot=np.array([1, 1])), FAST, "two cores are pinned to the same place"),
        (Demand(2), Options(seconds=0.0), "seconds=0.0 and seed=0"),
        (Demand(2), Options(seed=-1), "seed=-1 must be"),
    ],
)
def test_wrong_arguments_are_told(demand, options, text) -> None:
    with pytest.raises(ParameterError, match=text):
        group_cores(nets_from([]), demand, FIELD, options=options)


def test_an_unknown_effort_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'normal'"):
        group_cores(nets_from([]), Demand(2), FIELD, options=Options(effort="norml"))


def test_every_core_of_the_machine_dead_is_an_error() -> None:
    with pytest.raises(ParameterError, match="no router has a usable core"):
        topology_of([(0, 0), (1, 0)], 4, dead=Dead([0, 1]))
