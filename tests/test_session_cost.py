"""What a run takes: counted of all spikes, anew where the network became another one, refused where spikes are missing."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import neurosim as sim
from chip_networks import connect, curr, lif, network, poisson
from neurosim import _cost, chips
from neurosim.chips.chip import Chip
from neurosim.chips.operations import WordBits, operations
from neurosim.connectivity import AllToAll, Bernoulli, OneToOne
from neurosim.errors import MemoryLimitError, ParameterError, StateError, UnknownNameError, UnsupportedError
from neurosim.network import Network, Probe
from neurosim.session import Session

LOIHI = chips.load("loihi")
N = 40

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")


def driven(recorded=()) -> Network:
    """Neurons with a source each, and sparse connections among them; spikes of the populations ``recorded``."""
    cells, noise = lif(0, N, curr(), "cells", tau_refrac=2.0), poisson(1, N)
    rows = [connect(0, noise, cells, OneToOne(), 1.5), connect(1, cells, cells, Bernoulli(0.2), 0.02, delay=2.0)]
    return network((cells, noise), rows, 1.0, probes=tuple(Probe(p, "spikes", np.arange(N)) for p in recorded))


def run(net, chip: Chip | None = LOIHI, t_ms=200.0, **options) -> Any:
    session = Session(net, chip, **options)
    session.run_until(t_ms)
    return session


def numbers(report) -> tuple:
    return report.energy_uj, report.time_s, report.operations


# --- which spikes ------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def kept() -> Any:
    return run(driven(), cost=True)


def test_all_spikes_count_though_none_is_recorded(kept):
    report = kept.cost()
    assert report.n_steps == 200
    assert report.n("spike") == kept.counts(0).sum() > 0
    assert report.operations.n_spikes == kept.counts(0).sum() + kept.counts(1).sum()
    total_uj = report.energy_uj
    for part in (report.step_pj, report.core_pj, report.population_pj):
        assert part.sum() == pytest.approx(total_uj * 1e6)


def test_recorded_spikes_give_the_same_cost():
    net = driven(recorded=(0, 1))
    assert numbers(run(net).cost(detailed=True)) == numbers(run(net, cost=True).cost(detailed=True))


def test_missing_spikes_are_named_and_not_left_out():
    session = run(driven(recorded=(0,)))
    with pytest.raises(
        StateError, match=r"cost\(\): not recorded in full: 'noise' \(0 of \d+ spikes are\)\. The cost would be too low\."
    ) as caught:
        session.cost()
    assert "Give setup(cost=True) before the run, or record the spikes of all their cells." in str(caught.value)
    half = replace(driven(recorded=(0, 1)), probes=(Probe(0, "spikes", np.arange(N // 2)), Probe(1, "spikes", np.arange(N))))
    with pytest.raises(StateError, match=r"in full: 'cells' \(\d+ of \d+ spikes are\)\. The"):
        run(half).cost()


def test_many_populations_without_spikes_are_counted():
    cells = [lif(k, 2, curr(), f"p{k}", i_offset=1.0) for k in range(8)]
    with pytest.raises(StateError, match=r"'p4' \(0 of \d+ spikes are\) and 3 more\. The cost"):
        run(network(cells, dt=1.0)).cost()


def test_too_many_spikes_for_the_memory_are_refused(kept, monkeypatch):
    monkeypatch.setattr(_cost, "available_bytes", lambda: 1000)
    with pytest.raises(MemoryLimitError, match=r"cost\(\): counting [\d,]+ spikes takes .* of memory, .* are available\. Run for"):
        kept.cost()


def test_nothing_has_run_yet():
    with pytest.raises(StateError, match=r"cost\(\): nothing has run yet\. Call run\(\) before\."):
        Session(driven(), LOIHI, cost=True).cost()


def test_options_reach_the_model(kept):
    assert kept.cost(profile="davies2018").profile.name == "davies2018"
    assert kept.cost(static=True).energy_uj > kept.cost().energy_uj
    with pytest.raises(UnknownNameError, match=r"unknown cost profile 'davies'.*Did you mean 'davies2018'"):
        kept.cost(profile="davies")


# --- from when ---------------------------------------------------------------------------------
def test_changes_that_leave_places_and_synapses_alone_count_on():
    net = driven()
    session = run(net, cost=True)
    noise = net.populations[1]
    session.update(replace(net, populations=(net.populations[0], replace(noise, parameters={**noise.parameters, "rate": 50.0}))))
    session.run_until(300.0)
    report = session.cost()
    assert (report.begin_ms, report.n_steps) == (0.0, 300)
    assert report.operations.n_spikes == session.counts(0).sum() + session.counts(1).sum()


@pytest.mark.parametrize("chip", [LOIHI, None])
def test_another_network_is_counted_anew(chip):
    net = driven()
    session = run(net, chip, cost=True)
    before = [session.counts(p).sum() for p in (0, 1)]
    more = lif(2, 5, curr(), "more")
    session.update(
        replace(
            net, populations=(*net.populations, more), projections=(*net.projections, connect(2, net.populations[0], more, AllToAll(), 0.1))
        )
    )
    with pytest.raises(StateError, match="nothing has run yet since the network was changed at 200 ms"):
        session.cost()
    session.run_until(250.0)
    report = session.cost()
    assert (report.begin_ms, report.n_steps) == (200.0, 50)
    assert report.operations.n_spikes == sum(session.counts(p).sum() for p in (0, 1, 2)) - sum(before)
    assert "from 200 ms on; what was before is not in it" in report.summary()
    assert json.loads(report.to_json())["begin_ms"] == 200.0


def test_recorded_spikes_are_counted_from_a_change_on_as_well():
    net = driven(recorded=(0, 1))
    found = []
    for cost in (False, True):
        session = run(net, cost=cost)
        rows = (*net.projections, connect(2, net.populations[0], net.populations[0], Bernoulli(0.1), 0.01, seed=5))
        session.update(replace(net, projections=rows))
        session.run_until(260.0)
        found.append(numbers(session.cost()))
    assert found[0] == found[1]


def test_a_reset_counts_from_zero():
    session = run(driven(), cost=True)
    first = numbers(session.cost())
    session.reset()
    with pytest.raises(StateError, match=r"nothing has run yet\."):
        session.cost()
    session.run_until(200.0)
    assert numbers(session.cost()) == first


def test_a_loaded_state_counts_from_there(tmp_path):
    session = run(driven(), t_ms=100.0, cost=True)
    session.save_state(tmp_path / "a.state")
    loaded: Any = Session(driven(), LOIHI, cost=True)
    loaded.load_state(tmp_path / "a.state")
    loaded.run_until(200.0)
    session.run_until(200.0)
    report = loaded.cost()
    assert (report.begin_ms, report.n_steps) == (100.0, 100)
    assert 0 < report.operations.n_spikes < session.cost().operations.n_spikes


# --- chips without a model ---------------------------------------------------------------------
@pytest.mark.parametrize(("chip", "words"), [(None, WordBits(64, 64)), (chips.load("spinnaker"), WordBits(16, 32))])
def test_memory_and_operations_are_counted_on_any_chip(chip, words):
    session = run(driven(recorded=(0, 1)), chip)
    report = session.cost()
    spikes = {p: (np.zeros(len(session.spikes(p)[0]), np.int64), session.spikes(p)[0]) for p in (0, 1)}
    assert report.operations == operations(session.fit.network, spikes, 200, words)
    assert report.words == words
    assert (report.time_s, report.energy_uj) == (None, None)
    assert numbers(run(driven(), chip).cost())[2].synaptic_additions == run(driven(), chip, cost=True).cost().operations.synaptic_additions


def test_words_follow_the_precision():
    assert run(driven(), None, precision="float32").cost().words == WordBits(32, 32)


def test_options_are_refused_where_there_is_no_model():
    for chip, name in ((None, "the ideal reference"), (chips.load("spinnaker"), "SpiNNaker")):
        with pytest.raises(UnsupportedError, match=rf"cost\(\): {name} has no model of time and energy\. Leave 'profile' out"):
            run(driven(), chip).cost(profile="nahuku_fit")


@pytest.fixture(scope="module")
def counted():
    return run(driven(), None).cost()


def test_the_report_of_operations_says_why_there_is_no_energy(counted):
    text = str(counted)
    assert "not known: the ideal reference is no hardware." in text
    assert counted.operations.line in text
    assert repr(counted).endswith("no time or energy: the ideal reference is no hardware.>")
    assert "states of 0 (analogue)" in run(driven(), chips.load("hicann"), approximate=("all",)).cost().summary()


def test_the_report_of_operations_is_written(counted, tmp_path):
    found = json.loads(counted.to_json(tmp_path / "cost.json"))
    assert json.loads((tmp_path / "cost.json").read_text(encoding="utf-8")) == found
    assert (found["time_s"], found["energy_uj"], found["n_steps"]) == (None, None, 200)
    rows = dict(csv.reader(io.StringIO(counted.to_csv())))
    assert int(rows["synaptic_additions"]) == found["operations"]["synaptic_additions"] == counted.operations.synaptic_additions
    with pytest.raises(UnknownNameError, match="unknown table 'steps'"):
        counted.to_csv(what="steps")
    with pytest.raises(ParameterError, match="Cost: the file cannot be written"):
        counted.to_csv(tmp_path / "nowhere" / "cost.csv")


# --- scripts -----------------------------------------------------------------------------------
def script(**options):
    sim.setup(timestep=1.0, chip="loihi", rng_seed=1, **options)
    cells = sim.Population(N, sim.IF_curr_exp(tau_refrac=2.0, i_offset=1.0), label="cells")
    sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.1), sim.StaticSynapse(weight=0.02, delay=2.0))


def test_scripts_ask_for_it_in_setup():
    script(cost=True)
    with pytest.raises(StateError, match=r"cost\(\) needs a run first"):
        sim.cost()
    sim.run(100.0)
    plain, other = sim.cost(), sim.cost(profile="davies2018", detailed=True, static=True)
    assert (plain.profile.name, plain.detailed, plain.static) == ("nahuku_fit", False, False)
    assert (other.profile.name, other.detailed, other.static) == ("davies2018", True, True)
    sim.run(50.0)
    assert sim.cost().n_steps == 150
    sim.end()
    assert sim.cost().n_steps == 150


def test_scripts_that_did_not_ask_are_told_what_to_switch_on():
    script()
    sim.run(100.0)
    with pytest.raises(StateError, match=r"'cells' \(0 of \d+ spikes are\).*Give setup\(cost=True\) before the run"):
        sim.cost()
    with pytest.raises(ParameterError, match="cost='yes' is neither True nor False"):
        sim.setup(cost="yes")
