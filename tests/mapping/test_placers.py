"""Placers of the user's own: what they are given, what is refused, and that nothing gets worse by them."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as sim
from mapping_networks import Sheet, ToyChip, network, population, projection, toy
from neurosim.connectivity import Bernoulli
from neurosim.errors import ParameterError
from neurosim.mapping import Options, Pin, PlacerTask, map_network
from neurosim.network import Network, Selection


class TreeChip(ToyChip):
    """The made-up chip with trees."""

    delivery = "multicast"


CHIPS = {"ways": toy(width=4, height=3), "trees": TreeChip(Sheet(width=4, height=3)), "memory of chips": toy(chip_memory=140)}
NET = network(*[16] * 6, rule=Bernoulli(0.2))


def placed(placer, chip, pins=()):
    return map_network(NET, chip, pins=pins, options=Options(placer=placer))


def across() -> Network:
    """Six populations of a core each, of which each talks to the third after it."""
    groups = [population(k, 16) for k in range(6)]
    pairs = [(k, (k + 3) % 6) for k in range(6)]
    whole = Selection.whole
    links = [projection(n, whole(groups[a]), whole(groups[b]), Bernoulli(0.2)) for n, (a, b) in enumerate(pairs)]
    return Network(0.1, 1, tuple(groups), tuple(links))


@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
def test_a_placer_is_followed_where_that_is_better(chip):
    seen: list[PlacerTask] = []

    def in_pairs(task):
        seen.append(task)
        return [0, 2, 4, 1, 3, 5]

    in_order = map_network(across(), chip, options=Options("fast"))
    mapping = map_network(across(), chip, options=Options(placer=in_pairs))
    task = seen[0]
    assert (task.n_cores, task.n_slots, task.multicast) == (6, len(chip.cores().core), chip.delivery == "multicast")
    assert mapping.routing.hops == 0 < in_order.routing.hops == task.hops(task.given)
    assert [int(core[0]) for core in mapping.core_of] == [0, 2, 4, 1, 3, 5]
    assert mapping.options.placer is None


@pytest.mark.parametrize("chip", list(CHIPS.values())[:2], ids=list(CHIPS)[:2])
def test_a_placer_that_is_worse_changes_nothing(chip):
    def worst(task):
        random = np.random.default_rng(task.seed)
        return max((random.permutation(task.n_slots)[: task.n_cores] for _ in range(100)), key=task.hops)

    assert placed(worst, chip) == map_network(NET, chip, options=Options("fast"))


def test_links_between_slots_are_those_of_the_chip():
    def check(task):
        slots = np.arange(task.n_slots)
        expected = chip.hops(chip.cores().chip[slots][:, None], chip.cores().chip[slots][None, :])
        assert np.array_equal(task.links(slots[:, None], slots[None, :]), expected)
        return task.given

    chip = CHIPS["ways"]
    placed(check, chip)


def test_pins_are_told_and_kept():
    def check(task):
        assert task.fixed.sum() == 1
        return task.given

    mapping = placed(check, CHIPS["ways"], [Pin(2, None, (3, 2, 1))])
    assert {place.label for place in mapping.where(("p2", 0))} == {"toy chip (3, 2) core 1"}


def swapped(task):
    """What is pinned changes places with the next."""
    slot_of = task.given.copy()
    core = int(np.flatnonzero(task.fixed)[0])
    slot_of[[core, core - 1]] = slot_of[[core - 1, core]]
    return slot_of


WRONG = {
    "too few": (lambda task: [0], r"Placer '<lambda>': it gave int64 of shape \(1,\); whole numbers of shape \(6,\) are needed"),
    "no numbers": (lambda task: None, r"it gave object of shape \(\)"),
    "fractions": (lambda task: task.given + 0.5, r"it gave float64 of shape \(6,\)"),
    "outside": (lambda task: task.given + 100, r"it put core 0 on slot 1\d\d, and there are 24 slots"),
    "negative": (lambda task: task.given - 100, r"it put core 0 on slot -"),
    "two on one": (lambda task: task.given * 0, r"it put 6 cores on slot 0"),
    "a pin moved": (swapped, r"Placer 'swapped': it moved core \d, which is pinned to slot 23\. Give every core a slot of its own"),
}


@pytest.mark.parametrize(("placer", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused(placer, words):
    with pytest.raises(ParameterError, match=words):
        placed(placer, CHIPS["ways"], [Pin(2, None, (3, 2, 1))])


def test_a_chip_is_not_filled_beyond_what_it_holds():
    def crowded(task):
        return np.arange(task.n_cores)

    chip = toy(width=3, height=2, cores_per_chip=6, chip_memory=140)  # two cores of 64 bytes a chip
    with pytest.raises(ParameterError, match=r"Placer 'crowded': it puts 384 byte of chip memory on chip 0, which has 140\. Spread"):
        placed(crowded, chip)


def test_what_is_no_function_cannot_place():
    with pytest.raises(ParameterError, match=r"7 is no function, so it cannot place\. Give a function that takes a PlacerTask"):
        Options(placer=7)  # type: ignore[arg-type]


def test_a_script_brings_its_placer():
    asked = []
    sim.setup(timestep=1.0, chip="loihi")
    a, b = (sim.Population(1024, sim.IF_curr_exp(tau_refrac=1.0)) for _ in range(2))
    sim.Projection(a, b, sim.FixedNumberPreConnector(2), sim.StaticSynapse(weight=0.1, delay=1.0))
    sim.place(placer=lambda task: asked.append(task.n_cores) or task.given)
    sim.mapping()
    assert asked == [2]
    sim.end()
