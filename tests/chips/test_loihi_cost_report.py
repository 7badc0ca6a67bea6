"""The cost report of a run on Loihi: numbers, text, files, what it rests on and what it leaves out."""

from __future__ import annotations

import csv
import doctest
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chip_networks import balanced, connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips.loihi.cost import report as report_module
from neurosim.chips.loihi.cost.arrays import EVENTS
from neurosim.chips.loihi.cost.report import NOT_MODELLED
from neurosim.chips.loihi.cost.text import amount
from neurosim.connectivity import AllToAll, OneToOne
from neurosim.errors import DatasheetError, ParameterError, UnknownNameError
from neurosim.mapping import map_network
from neurosim.network import Plasticity

CHIP = chips.load("loihi")
N_STEPS = 40


def spikes_of(net, seed=0, each=4):
    rng = np.random.default_rng(seed)
    return {p.id: (rng.integers(0, N_STEPS, each * p.size), rng.integers(0, p.size, each * p.size)) for p in net.populations}


@pytest.fixture(scope="module")
def net():
    return balanced(0.05, curr(), dt=1.0)


@pytest.fixture(scope="module")
def mapping(net):
    return place(net, CHIP)


@pytest.fixture(scope="module")
def report(net, mapping):
    return CHIP.cost(net, mapping, spikes_of(net), N_STEPS)


def test_energy_is_the_same_sum_by_step_core_population_and_event(report):
    total = report.dynamic_uj * 1e6
    for part in (report.step_pj, report.core_pj, report.population_pj, report.event_pj):
        assert part.sum() == pytest.approx(total, rel=1e-12)
    assert report.energy_uj == report.dynamic_uj
    assert total == pytest.approx(
        sum(n * pj for n, pj in zip(report.counts.total.tolist(), report.profile.energy_pj.tolist(), strict=True))
    )


def test_events_are_those_of_the_run(net, mapping, report):
    spikes = spikes_of(net)
    assert report.n("neuron access") == report.n("neuron update") == 200 * N_STEPS
    assert report.n("spike") == sum(len(spikes[p][0]) for p in (0, 1))
    assert report.n("dense read") + report.n("sparse read") == report.operations.synaptic_additions
    assert report.n("message in") > report.n("message out") > 0
    assert report.core_labels == [CHIP.core_label(core) for core in range(7)]


def test_time_is_work_and_barrier(report):
    assert report.n_steps == N_STEPS
    assert report.barrier.seconds == pytest.approx(1e-6)
    assert report.time_s == pytest.approx(report.work_s.sum() + N_STEPS * 1e-6)
    assert report.biological_s == pytest.approx(0.04)
    assert report.power_mw == pytest.approx(1e-3 * report.energy_uj / report.time_s)


def test_following_messages_changes_times_only(net, mapping, report):
    followed = CHIP.cost(net, mapping, spikes_of(net), N_STEPS, detailed=True)
    assert followed.time_s > report.time_s
    assert followed.energy_uj == report.energy_uj
    assert "every message followed" in followed.summary()
    assert "cost.machine.link_buffer" in [row.name for row in followed.evidence]
    assert "cores work and messages travel" in followed.formula


def test_static_power_is_an_option_with_its_label(net, mapping, report):
    static = CHIP.cost(net, mapping, spikes_of(net), N_STEPS, static=True)
    assert static.static_uj == pytest.approx(104.4e3 * static.time_s)
    assert static.energy_uj == pytest.approx(report.energy_uj + static.static_uj)
    assert "static power of 1 chip, low confidence" in static.summary()
    row = next(row for row in static.evidence if row.name == "cost.machine.static_power")
    assert (row.confidence, row.evidence) == ("low", "derived from published figures")
    assert any("static power" in text for text in report.not_modelled)
    assert not any("static power" in text for text in static.not_modelled)


def test_neurons_that_are_known_to_rest_are_not_updated(net, mapping, report):
    rest = CHIP.cost(net, mapping, spikes_of(net), N_STEPS, updates={0: ([3, 4], [0, 1])})
    assert rest.n("neuron update") == 2
    assert rest.energy_uj == pytest.approx(report.least_uj + 2 * 21.6e-6)
    assert rest.time_s < report.time_s
    assert "if no neuron needed updating" in report.summary()
    assert "if no neuron needed updating" not in rest.summary()


def test_the_other_profile_is_labelled_as_simulated(net, mapping, report):
    other = CHIP.cost(net, mapping, spikes_of(net), N_STEPS, profile="davies2018")
    assert other.counts.total.tolist() == report.counts.total.tolist()
    assert {row.evidence for row in other.evidence} == {"simulated before there was silicon"}
    assert "not measured" in other.summary()
    assert any(text.startswith("spike (") and "no figure" in text for text in other.not_modelled)
    assert "N_spike" not in other.formula.split("Numbers of events")[0]


def test_a_realised_network_costs_what_the_translated_one_does(net, mapping, report):
    realised = CHIP.realise(net, mapping).network
    found = CHIP.cost(realised, mapping, spikes_of(net), N_STEPS)
    assert (found.energy_uj, found.time_s) == (report.energy_uj, report.time_s)
    assert found.operations.synaptic_additions == report.operations.synaptic_additions
    assert found.operations.state_bits <= report.operations.state_bits  # receptors that decay alike share a current


def test_a_mapping_of_the_mapper_will_do():
    plain = balanced(0.05, curr(), dt=1.0)
    found = CHIP.cost(plain, map_network(plain, CHIP), spikes_of(plain), N_STEPS)
    assert found.n("message out") >= 0
    assert found.n("neuron access") == 200 * N_STEPS


def test_learning_has_no_figure_in_the_fit_and_says_so():
    source, post = poisson(0, 3), lif(1, 4, curr())
    rule = Plasticity("pair", "additive", 20, 20, 0.01, 0.01, 0.0, 0.2)
    net = network((source, post), [connect(0, source, post, AllToAll(), 0.1, model="stdp", plasticity=rule)])
    spikes = {0: ([1, 2], [0, 1])}
    fit, simulated = (CHIP.cost(net, place(net, CHIP), spikes, 5, profile=name) for name in ("nahuku_fit", "davies2018"))
    assert fit.n("learning update") == 8
    assert any(text.startswith("learning update (8 of them)") for text in fit.not_modelled)
    assert not any(text.startswith("learning update") for text in simulated.not_modelled)
    assert any("end of epochs" in text for text in simulated.not_modelled)
    assert simulated.event_pj[EVENTS.index("learning update")] == 8 * 120.0


def test_several_chips_wait_for_the_measured_barrier():
    machine = chips.load("loihi", n_boards=2)
    one = lif(0, 8, curr())
    net = network((one,), [connect(0, one, one, OneToOne(), 0.1)])
    found = machine.cost(net, place(net, machine, per_core=1, first=124), {0: ([0], [0])}, 3)
    assert (found.n_chips, found.barrier.seconds) == (2, pytest.approx(14.3e-6))
    assert "the figure is that of 256 chips" in found.summary()
    assert "measured on silicon" in {row.evidence for row in found.evidence}


def test_the_summary_fits_on_a_screen(report):
    text = str(report)
    assert len(text.splitlines()) <= 50
    for words in ("40 steps of 1 ms", "barrier (2 tiles in use)", "neuron access", "and 1 more", "exc", "not in it", "fit to measurements"):
        assert words in text
    assert all(line in text for line in NOT_MODELLED)


def test_the_formula_gives_the_energy_of_a_step(report):
    terms = report.formula.splitlines()[1].removeprefix("  E = ").split(" + ")
    table = {symbol: float(number) for number, symbol in (term.split() for term in terms)}
    events = {"N_access": "neuron access", "N_update": "neuron update", "N_spike": "spike", "N_out": "message out"}
    events |= {"N_dense": "dense read", "N_sparse": "sparse read", "N_x": "hop east-west", "N_y": "hop north-south"}
    energy = sum(table[symbol] * report.n(event) for symbol, event in events.items())
    assert energy == pytest.approx(report.dynamic_uj * 1e6, rel=1e-12)
    assert "+ 1000" in report.formula.splitlines()[3]


def test_every_constant_has_its_evidence(report):
    assert all(row.source and row.unit and row.confidence for row in report.evidence)
    kinds = {row.name.split(".")[-1]: row.evidence for row in report.evidence}
    assert kinds["neuron_access"] == "fit to measurements"
    assert kinds["hop_x"] == "simulated before there was silicon"


@pytest.mark.parametrize(
    ("what", "rows", "first"),
    [
        ("steps", N_STEPS, "step"),
        ("cores", 7, "core"),
        ("populations", 3, "population"),
        ("events", 12, "event"),
        ("evidence", 22, "constant"),
    ],
)
def test_tables_as_csv(report, what, rows, first, tmp_path):
    text = report.to_csv(tmp_path / "table.csv", what=what)
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == text
    head, *found = csv.reader(io.StringIO(text))
    assert (head[0], len(found)) == (first, rows)
    assert all(len(row) == len(head) for row in found)
    if "energy_pj" in head:
        assert sum(float(row[head.index("energy_pj")]) for row in found) == pytest.approx(report.dynamic_uj * 1e6)


def test_an_unknown_table_is_answered_with_the_nearest(report):
    with pytest.raises(UnknownNameError, match="Did you mean 'cores'"):
        report.to_csv(what="core")


def test_json_holds_the_numbers(report, tmp_path):
    found = json.loads(report.to_json(tmp_path / "cost.json"))
    assert json.loads((tmp_path / "cost.json").read_text(encoding="utf-8")) == found
    assert found["energy_uj"] == report.energy_uj
    assert found["time_s"] == report.time_s
    assert found["events"]["spike"] == report.n("spike")
    assert found["operations"]["n_synapses"] == report.operations.n_synapses
    assert len(found["evidence"]) == len(report.evidence)


def test_a_file_that_cannot_be_written_is_refused(report, tmp_path):
    with pytest.raises(ParameterError, match="the file cannot be written"):
        report.to_json(tmp_path / "nowhere" / "cost.json")


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.5e-6, "2.5 us"), (1.0, "1 s"), (999e-6, "999 us"), (0.0, "0 s"), (3e-12, "3 ps"), (0.0123456, "12.35 ms")],
)
def test_amounts_have_prefixes(value, text):
    assert amount(value, "s") == text


def test_an_empty_network_has_a_report():
    empty = network([])
    found = CHIP.cost(empty, place(empty, CHIP), {}, 3, detailed=True)
    assert (found.energy_uj, found.time_s) == (0.0, pytest.approx(1.8e-6))
    assert "algorithmic time" in found.summary()


def test_a_constant_of_a_what_if_sheet_is_used(net, mapping, report, tmp_path):
    sheet = (Path(chips.__path__[0]) / "loihi" / "loihi.toml").read_text(encoding="utf-8")
    path = tmp_path / "cheap.toml"
    path.write_text(sheet.replace("neuron_access = {value = 51.2", "neuron_access = {value = 1.2"), encoding="utf-8")
    cheap = chips.load(path).cost(net, mapping, spikes_of(net), N_STEPS)
    assert report.energy_uj - cheap.energy_uj == pytest.approx(50e-6 * 200 * N_STEPS)
    path.write_text(sheet.replace("[2, 1000.0], [4", "[1, 1000.0], [4"), encoding="utf-8")
    with pytest.raises(DatasheetError, match="rising order"):
        chips.load(path)
    path.write_text(sheet.replace('evidence = "measured"', 'evidence = "hearsay"'), encoding="utf-8")
    with pytest.raises(DatasheetError, match="evidence"):
        chips.load(path)


def test_the_report_is_short_as_an_object(report):
    assert repr(report).startswith("<CostReport: ")
    assert repr(replace(report, static=True)) != repr(report)


def test_the_example_runs():
    done = doctest.testmod(report_module)
    assert (done.failed, done.attempted > 0) == (0, True)
