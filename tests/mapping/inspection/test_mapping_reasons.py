"""Why neurons are where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mapping_networks import network, toy
from neurosim.connectivity import AllToAll, OneToOne
from neurosim.mapping import Mapping, Options, Pin, map_network


def test_the_limit_that_closed_the_core_before_is_named():
    reason = map_network(network(20), toy(neurons=16)).why(("p0", 17))[0]
    assert (reason.placed_by, reason.before, reason.closed_by) == ("order", 0, "neurons")
    assert "has no room: one more would take 17 of 16 neurons" in reason.closed_text
    assert reason.fullest is not None
    assert (reason.fullest.resource, reason.fullest.used) == ("neurons", 4)


def test_the_most_exceeded_limit_is_named():
    assert map_network(network(20), toy(neurons=16, memory=25)).why(("p0", 17))[0].closed_by == "memory"


def test_limits_of_a_chip_count_too():
    mapping = map_network(network(30), toy(chip_memory=62))
    assert mapping.why(("p0", 20))[0].closed_by == "chip memory"


def test_populations_kept_apart_are_named():
    reason = map_network(network(20, 10), toy(mixes=False)).why("p1")[0]
    assert reason.closed_by == "population"
    assert reason.closed_text == "toy chip (0, 0) core 1 holds p0; the chip keeps populations apart"


def test_pins_are_named_and_their_cores_are_kept():
    mapping = map_network(network(20), toy(), pins=[Pin(0, np.arange(2), (0, 0, 0))])
    pinned, free = mapping.why("p0")[0], mapping.why("p0")[1]
    assert (pinned.placed_by, pinned.text) == ("pin", "hand: 2 of 2 pinned to (0, 0) core 0")
    assert free.closed_by == "pin"
    assert "is kept for pinned neurons" in str(free)


def test_the_first_core_has_none_before():
    assert "none: it is the first core that is used" in str(map_network(network(5), toy()).why("p0"))


def test_room_on_the_core_before_is_told():
    mapping = map_network(network(5), toy())
    after = replace(mapping, core_of=(np.array([0, 0, 0, 3, 3], np.int32),), local_of=(np.array([0, 1, 2, 0, 1], np.int32),))
    assert after.why(("p0", 4))[0].closed_by == "room"


def test_partners_come_by_packets_and_then_by_distance():
    mapping = map_network(network(4, 4, 40, rule=AllToAll()), toy(neurons=4, width=12), options=Options("fast"))
    partners = mapping.why("p1")[0].partners
    assert partners is not None
    assert [(p.core, p.packets, p.links) for p in partners] == [(0, 4, 0), (2, 4, 1), (3, 4, 1), (4, 4, 2), (5, 4, 2)]
    assert partners[0].residents == "p0"


def test_companions_are_listed():
    reason = map_network(network(20, 10), toy()).why("p1")[0]
    assert [str(companion) for companion in reason.companions] == ["p0[16-19]"]
    assert "  with          p0[16-19]" in str(reason)


def test_sources_on_the_host_have_a_reason_too():
    reasons = map_network(network(8, 6, models=("poisson_source", "lif"), rule=OneToOne()), toy()).why("p0")
    assert str(reasons).startswith("p0[0-7]: 8 cells on the host\n  placed by     the chip: it takes spike sources from the host")


def test_many_cores_are_cut_short():
    reasons = map_network(network(20), toy(neurons=2, width=9)).why("p0")
    assert len(reasons) == 10
    assert str(reasons).endswith("... and 4 more cores")


@pytest.mark.parametrize("keep", [True, False])
def test_a_loaded_mapping_says_what_it_knows(keep):
    mapping = map_network(network(20, rule=AllToAll()), toy(), options=Options("fast"))
    loaded = Mapping.from_json(mapping.to_json(), mapping.network if keep else None, toy())
    assert loaded.why(("p0", 17))[0].closed_by == ("neurons" if keep else "")


def test_unknown_partners_are_told():
    mapping = map_network(network(20, rule=AllToAll()), toy())
    mapping.__dict__["traffic"] = replace(mapping.traffic, graph=None)
    assert "partners      not known" in str(mapping.why("p0"))
