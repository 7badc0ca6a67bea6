"""Faults planted in valid mappings are all found by the independent check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mapping_networks import network, networks, toy
from neurosim.chips.chip import CoreTable
from neurosim.connectivity import Bernoulli
from neurosim.errors import VerificationError
from neurosim.losses import Ledger, Loss
from neurosim.mapping import Pin, map_network
from neurosim.mapping.verify import faults, verify


def valid(**options):
    net = network(20, 16, 3, rule=Bernoulli(0.3), models=("lif", "lif", "poisson_source"))
    mapping = map_network(net, toy(**options), pins=[Pin(1, np.arange(2), (2, 1, 0))])
    assert mapping.traffic.method == "exact"
    assert faults(mapping) == []
    return mapping


def moved(mapping, population, neuron, core=None, local=None):
    """The mapping with one neuron elsewhere."""
    core_of, local_of = [c.copy() for c in mapping.core_of], [c.copy() for c in mapping.local_of]
    if core is not None:
        core_of[population][neuron] = core
    if local is not None:
        local_of[population][neuron] = local
    return replace(mapping, core_of=tuple(core_of), local_of=tuple(local_of))


def with_loss(mapping, count, where="Population 'p0'"):
    return replace(mapping, losses=Ledger([Loss("neuron", where, "neurons", count, 20)]))


def with_limit(mapping, **constants):
    return replace(mapping, chip=toy(**constants))


def with_table(mapping, change):
    chip = toy()
    chip._table = change(chip.cores())
    return replace(mapping, chip=chip)


def with_traffic(mapping, **changes):
    broken = replace(mapping)
    broken.__dict__["traffic"] = replace(mapping.traffic, **changes)
    return broken


def crowded(mapping):
    """All neurons of the first population on core 0."""
    broken = [np.zeros(20, np.int32), *mapping.core_of[1:]], [np.arange(20, dtype=np.int32) + 100, *mapping.local_of[1:]]
    return replace(mapping, core_of=tuple(broken[0]), local_of=tuple(broken[1]))


FAULTS = {
    "population missing": (lambda m: replace(m, core_of=m.core_of[:-1]), "core_of has 2 arrays for 3 populations"),
    "locals missing": (lambda m: replace(m, local_of=m.local_of[:1]), "local_of has 1 arrays"),
    "neuron missing": (lambda m: replace(m, core_of=(m.core_of[0][:-1], *m.core_of[1:])), "'p0' has shape (19,), not (20,)"),
    "wrong type": (lambda m: replace(m, core_of=(m.core_of[0].astype(float), *m.core_of[1:])), "'p0' is float64, not int32"),
    "no such core": (lambda m: moved(m, 0, 4, core=12), "neuron 4 of 'p0' is on core 12, which does not exist (there are 12)"),
    "negative core": (lambda m: moved(m, 0, 4, core=-2), "core -2, which does not exist"),
    "no local number": (lambda m: moved(m, 0, 4, local=-1), "without a local number (-1)"),
    "local number off chip": (lambda m: moved(m, 2, 1, local=5), "neuron 1 of 'p2' is off chip, but has the local number 5"),
    "neuron forgotten": (lambda m: moved(m, 0, 4, core=-1, local=-1), "Population 'p0': 1 neurons are on no core, 0 are reported lost"),
    "loss not true": (lambda m: with_loss(m, 3), "3 neurons are reported lost, but only 0 are on no core"),
    "loss too small": (
        lambda m: with_loss(moved(moved(m, 0, 4, -1, -1), 0, 5, -1, -1), 1),
        "2 neurons are on no core, 1 are reported lost",
    ),
    "loss of a stranger": (lambda m: with_loss(m, 1, "Population 'q'"), "Population 'q': 1 neurons are reported lost"),
    "source on a core": (lambda m: moved(m, 2, 0, core=3, local=0), "1 sources of 'p2' are on cores"),
    "same place, one population": (lambda m: moved(m, 0, 4, local=5), "neuron 5 of 'p0' and neuron 4 of 'p0' share local number 5 of toy"),
    "same place, two populations": (
        lambda m: moved(m, 1, 5, core=m.core_of[0][0], local=m.local_of[0][0]),
        "neuron 5 of 'p1' and neuron 0 of 'p0' share local number",
    ),
    "neurons beyond the limit": (crowded, "uses 20 neurons, the limit of a core is 16"),
    "memory beyond the limit": (lambda m: with_limit(m, memory=36), "memory, the limit of a core is 36"),
    "chip beyond the limit": (lambda m: with_limit(m, chip_memory=127), "uses 128 chip memory, the limit of a chip is 127"),
    "populations share a core": (lambda m: with_limit(m, mixes=False), "holds neurons of 'p0', 'p1', but a core may hold one population"),
    "pin not obeyed": (lambda m: moved(m, 1, 1, core=7, local=9), "1 neurons of 'p1' are not where they are pinned, first neuron 1"),
    "pinned neuron nowhere": (lambda m: moved(m, 1, 1, core=-1, local=-1), "first neuron 1: it is on no core"),
    "pin to nowhere": (lambda m: replace(m, pins=(Pin(0, None, (9, 9)),)), "20 neurons of 'p0' are not where they are pinned"),
    "core listed twice": (
        lambda m: with_table(m, lambda t: CoreTable(t.chip, t.x, t.y, t.core * 0)),
        "core table lists chip 0 core 0 2 times",
    ),
    "ragged core table": (lambda m: with_table(m, lambda t: t._replace(x=t.x[:-1])), "columns of different lengths"),
    "packets miscounted": (lambda m: with_traffic(m, packets=m.traffic.packets + 1), "counted again they are"),
    "host packets miscounted": (lambda m: with_traffic(m, host_packets=0), "the mapping states 0 host_packets"),
    "hops miscounted": (lambda m: with_traffic(m, hops=0.5), "the mapping states 0.5 hops"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name):
    plant, text = FAULTS[name]
    broken = plant(valid())
    with pytest.raises(VerificationError) as caught:
        verify(broken)
    assert any(text in fault for fault in caught.value.faults), caught.value.faults
    assert str(caught.value).startswith(f"Mapping on 'toy': {len(caught.value.faults)} rules are broken: (1) ")


def test_reported_losses_are_accepted():
    mapping = valid()
    lost = with_loss(moved(mapping, 0, 4, core=-1, local=-1), 1)
    assert faults(replace(lost, routed=None)) == []


def test_soft_limits_are_no_fault():
    assert faults(with_limit(valid(), soft_rows=1)) == []


def test_many_faults_are_counted_but_not_all_printed():
    broken = valid()
    for neuron in range(8):
        broken = moved(broken, 0, neuron, local=19)
    with pytest.raises(VerificationError, match=r"And \d+ more, see \.faults") as caught:
        broken.verify()
    assert len(caught.value.faults) == 7


@settings(max_examples=40, deadline=None)
@given(net=networks(), data=st.data())
def test_any_neuron_moved_onto_the_place_of_another_is_found(net, data):
    chip = toy(width=20)
    mapping = map_network(net, chip)
    placed = [(p, int(i)) for p, core in enumerate(mapping.core_of) for i in np.flatnonzero(core >= 0)]
    assume(len(placed) > 1)
    (p, i), (q, j) = data.draw(st.lists(st.sampled_from(placed), min_size=2, max_size=2, unique=True))
    broken = moved(mapping, p, i, core=int(mapping.core_of[q][j]), local=int(mapping.local_of[q][j]))
    assert any("share local number" in fault for fault in faults(broken))
