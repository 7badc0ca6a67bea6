"""Energy and time on Loihi against runs of SANA-FE; see tests/data/loihi/README.md."""

from __future__ import annotations

import numpy as np
import pytest

from loihi_cost_cases import DATA, reference
from neurosim import chips
from neurosim.chips.loihi.cost.arrays import EVENTS
from neurosim.chips.loihi.cost.energy import by_row
from neurosim.chips.loihi.cost.events import count
from neurosim.chips.loihi.cost.noc import detailed
from neurosim.chips.loihi.cost.profile import profile_of
from neurosim.chips.loihi.cost.timing import simple

PROFILE = profile_of(chips.load("loihi").sheet.cost, "nahuku_fit")
TIES = {"random_64n_4cores_2tiles": [84]}
PARTS = {
    "soma": ("neuron access", "neuron update", "noise", "spike"),
    "synapse": ("dense read", "sparse read", "convolution read"),
    "network": ("message out", "message in", "hop east-west", "hop north-south"),
}


def error(found, expected):
    expected = np.asarray(expected)
    return np.abs(found - expected) / np.where(expected == 0, 1.0, expected)


def with_barrier(case, work_s):
    return work_s + PROFILE.barrier(case.cores.n_tiles, case.cores.n_chips).seconds


@pytest.mark.parametrize("name", DATA)
def test_energy_is_that_of_the_reference(name):
    case = reference(name, recorded_order=True)
    counts = count(*case.parts)
    energy = DATA[name]["energy_j"]
    assert error(1e-12 * by_row(counts.step, PROFILE.energy_pj), energy["total"]).max() < 1e-12
    for part, events in PARTS.items():
        columns = [EVENTS.index(event) for event in events]
        assert error(1e-12 * counts.step[:, columns] @ PROFILE.energy_pj[columns], energy[part]).max() < 1e-12


@pytest.mark.parametrize("name", DATA)
def test_counts_are_those_of_the_reference(name):
    counts = count(*reference(name, recorded_order=True).parts)
    own = {event: counts.step[:, k] for k, event in enumerate(EVENTS)}
    theirs = DATA[name]["counts"]
    assert own["neuron update"].tolist() == theirs["updated"]
    assert own["spike"].tolist() == theirs["fired"]
    assert (own["dense read"] + own["sparse read"]).tolist() == theirs["spikes"]
    assert (own["hop east-west"] + own["hop north-south"]).tolist() == theirs["hops"]


@pytest.mark.parametrize("name", DATA)
def test_simple_time_is_that_of_the_reference(name):
    case = reference(name, recorded_order=True)
    assert error(with_barrier(case, simple(*case.parts, PROFILE.time)), DATA[name]["simple_s"]).max() < 1e-12


@pytest.mark.parametrize("name", DATA)
def test_detailed_time_is_that_of_the_reference_where_no_two_messages_are_ready_at_once(name):
    case = reference(name, recorded_order=True)
    found = with_barrier(case, detailed(*case.parts, PROFILE.time, count(*case.parts)))
    errors = error(found, DATA[name]["detailed_s"])
    tied = np.isin(np.arange(len(errors)), TIES.get(name, []))
    assert errors[~tied].max() < 1e-12
    assert errors.max() < 1e-3


@pytest.mark.parametrize("name", DATA)
def test_ascending_cores_change_the_detailed_time_by_less_than_two_percent(name):
    case = reference(name, recorded_order=False)
    found = with_barrier(case, detailed(*case.parts, PROFILE.time, count(*case.parts)))
    assert error(found, DATA[name]["detailed_s"]).max() < 0.02
    assert error(found.sum(), np.sum(DATA[name]["detailed_s"])) < 0.003
