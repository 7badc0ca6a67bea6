"""Loihi 2: what cores hold, neurons as programs, what is refused, and how long steps take."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from chip_networks import connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips.loihi.second.load import words_per_neuron
from neurosim.chips.loihi.second.timing import EVENTS, MaxAffine
from neurosim.connectivity import AllToAll, Bernoulli, OneToOne
from neurosim.engine import Simulation
from neurosim.errors import DatasheetError, ParameterError, PlacementError, UnknownNameError, UnsupportedError
from neurosim.mapping import map_network
from neurosim.models import MODELS
from neurosim.network import Network, Population, Probe

CHIP, FIRST = chips.load("loihi2"), chips.load("loihi")
PROGRAMS = frozenset({"programs"})
NONE: frozenset[str] = frozenset()


def cells(model, size=20, ident=0, receptors=None, cell_type="", **changes):
    parameters = MODELS[model].defaults() | changes
    start = {"v": parameters.get("v_rest", -65.0)}
    return Population(ident, model, size, model, parameters, curr() if receptors is None else receptors, start, cell_type=cell_type)


def ring(size, rule=None, delay=1.0, weight=0.1, **changes):
    group = lif(0, size, curr(), **changes)
    return network([group], [connect(0, group, group, rule or OneToOne(), weight, delay=delay)])


# --- what it is ------------------------------------------------------------------------------
def test_limits_are_those_of_the_datasheet():
    assert {limit.resource: limit.capacity for limit in CHIP.limits()} == {
        "neurons": 8192,
        "core memory": 192 * 1024,
        "synaptic memory": 128 * 1024 // 8,
        "input axons": 4096,
        "output axons": 4096,
    }
    assert set(CHIP.slice_usage(ring(5), 0, 5)) == {limit.resource for limit in CHIP.limits()}
    assert len(CHIP.cores().core) == 128
    assert CHIP.core_label(5) == "loihi2 chip 0 tile (0, 1) core 1"


def test_boards_are_named_after_a_colon():
    assert chips.load("loihi2:hala_point").n_chips == 1152
    with pytest.raises(UnknownNameError, match="hala_point"):
        chips.load("loihi2:hala_pont")


def test_most_of_the_datasheet_is_labelled_uncertain():
    rows = {row.name: row.confidence for row in CHIP.passport()}
    assert {name for name in rows if name.startswith("timing.") and rows[name] == "low"} >= {"timing.synapse_read", "timing.barrier"}
    assert rows["core.state_word"] == rows["core.program"] == rows["core.input_axons"] == "low"


def test_uncertain_constants_that_matter_are_in_the_ledger():
    found = [loss for loss in CHIP.translate(ring(5), NONE).losses if loss.kind == "uncertain"]
    assert len(found) == 1
    assert all(name in found[0].detail for name in ("core.memory = 196608 bytes", "core.delay_word", "synapses.exponents", "ours"))


def test_barriers_in_a_sheet_rise(tmp_path):
    text = (chips.__path__[0] + "/loihi/loihi2.toml", "[2, 111.0], [4, 156.0]", "[4, 111.0], [2, 156.0]")
    with open(text[0], encoding="utf-8") as file:
        sheet = file.read()
    assert text[1] in sheet
    (tmp_path / "my.toml").write_text(sheet.replace(text[1], text[2]), encoding="utf-8")
    with pytest.raises(DatasheetError, match="numbers of tiles in rising order"):
        chips.load(tmp_path / "my.toml")


# --- what a core holds ------------------------------------------------------------------------
def test_a_core_has_8192_small_neurons_and_not_one_more():
    small = network([cells("izhikevich", 8192, receptors=())])
    assert map_network(small, CHIP).n_cores_used == 1
    more = network([cells("izhikevich", 8193, receptors=())])
    assert map_network(more, CHIP).n_cores_used == 2


def test_bytes_are_shared_by_states_delays_programs_and_synapses():
    """Two states and two currents of 4 bytes, 2^3 steps of delay of 2 bytes, 512 bytes of program."""
    net = ring(10, delay=0.5)
    net = replace(net, populations=(lif(0, 10, curr(5.0, 10.0)),))
    used = CHIP.slice_usage(net, 0, 10)
    assert used["core memory"] == 10 * (4 * 4 + 8 * 2) + 512 + 8 * used["synaptic memory"]


def test_parameters_that_differ_between_neurons_are_state():
    assert words_per_neuron(lif(0, 3, curr())) == 3  # both receptors have the same time constant
    assert words_per_neuron(lif(0, 3, curr(), i_offset=np.arange(3.0))) == 4
    assert words_per_neuron(cells("adex")) == 4
    assert words_per_neuron(cells("izhikevich", receptors=curr(kind="curr_delta"))) == 2


def test_a_neuron_whose_synapses_need_more_than_the_memory_is_refused():
    source, post = poisson(1, 200_000), lif(0, 1, curr())
    net = network([post, source], [connect(0, source, post, AllToAll(), 0.1)])
    with pytest.raises(PlacementError, match="limit") as error:
        map_network(CHIP.translate(net, NONE).network, CHIP)
    assert "Population 'p0'" in str(error.value)


def test_delays_reach_64_steps():
    assert CHIP.longest_delay_ms(ring(2), ring(2).projections[0]) == pytest.approx(6.4)
    assert CHIP.translate(ring(2, delay=6.4), NONE).network
    with pytest.raises(ParameterError, match=r"beyond the range of Loihi 2: the longest is 6\.4 ms"):
        CHIP.translate(ring(2, delay=6.5), NONE)


# --- programs ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("model", "words"), [("adex", "AdEx"), ("izhikevich", "Izhikevich neurons")])
def test_programs_are_opted_in(model, words):
    with pytest.raises(UnsupportedError, match=words) as error:
        CHIP.translate(network([cells(model)]), NONE)
    assert error.value.option == "programs"
    assert "the chip's microcode is not public" in str(error.value)


def test_the_first_generation_offers_an_approximation_and_the_second():
    with pytest.raises(UnsupportedError) as error:
        FIRST.translate(network([cells("adex", cell_type="EIF_cond_exp_isfa_ista")]), NONE)
    assert error.value.option == "adex"
    assert "Chip 'loihi2' runs it as a program" in str(error.value)
    assert "approximate=['adex']" in str(error.value)


def test_hodgkin_huxley_neurons_are_no_programs():
    with pytest.raises(UnsupportedError, match="Hodgkin-Huxley") as error:
        CHIP.translate(network([cells("hh")]), NONE)
    assert error.value.option == "cells"


@pytest.mark.parametrize(("model", "low", "high"), [("adex", 0.01, 0.5), ("izhikevich", 0.05, 2.0)])
def test_a_program_is_in_the_ledger_with_its_measured_error(model, low, high):
    translated = CHIP.translate(network([cells(model)]), PROGRAMS)
    assert translated.network.populations[0].model == model
    (loss,) = [loss for loss in translated.losses if loss.kind == "approximation"]
    assert (loss.what, loss.count, loss.unit) == ("cell type", 20, "Hz")
    assert low < loss.error_max < high
    assert loss.detail.startswith("'programs': the neuron is an integer program of ours; the chip's microcode is not public.")


def test_parameters_that_registers_cannot_hold_are_brought_into_reach():
    steep = cells("adex", delta_T=0.05, v_spike=300.0, tau_refrac=0.12)
    translated = CHIP.translate(network([steep]), PROGRAMS)
    held = translated.network.populations[0].parameters
    assert held["delta_T"] == 0.2
    assert held["v_spike"] == pytest.approx(-70.6 + 250.0)
    assert held["tau_refrac"] == pytest.approx(0.1)
    assert {loss.what: loss.kind for loss in translated.losses if loss.kind in ("clipped", "rounded")} == {
        "delta_T": "clipped",
        "v_spike": "clipped",
        "tau_refrac": "rounded",
        "excitatory.tau_syn": "rounded",
        "inhibitory.tau_syn": "rounded",
    }


def simulated(net, duration=400.0, chip=None):
    if chip is not None:
        translated = chip.translate(net, PROGRAMS).network
        net = chip.realise(translated, map_network(translated, chip)).network
    run = Simulation(net)
    run.run_until(duration)
    return run


@pytest.mark.parametrize("kind", ["curr_exp", "curr_delta"])
@pytest.mark.parametrize(("model", "weight", "scale"), [("adex", 0.5, 3.0), ("izhikevich", 0.0006, 3.0)])
def test_inputs_act_on_programs_as_on_the_ideal_neuron(model, weight, scale, kind):
    """The potential after a few weak inputs, whose charge is kept, peaks within two per cent of the ideal one."""
    start = MODELS[model].defaults().get("v_rest", -70.0)
    size = weight if kind == "curr_exp" else scale
    source = Population(1, "in", 2, "array_source", spike_times=(np.array([60.0, 62.0]), np.array([61.0])))
    post = replace(
        cells(model, 3, receptors=curr(kind=kind)), initial={"v": start, "w" if model == "adex" else "u": 0.2 * start * (model != "adex")}
    )
    links = [connect(0, source, post, AllToAll(), size), connect(1, source, post, AllToAll(), size / 3, seed=2)]
    net = network([post, source], links)
    net = replace(net, probes=(Probe(0, "v", np.arange(3), 0.1),))
    ideal, found = (simulated(net, 100.0, chip).samples(0, "v")[2][590:, 0] for chip in (None, CHIP))
    peak = ideal.max() - ideal[0]
    assert 2.0 < peak < 20.0
    assert abs(found.max() - ideal.max()) < 0.02 * peak
    assert abs(int(found.argmax()) - int(ideal.argmax())) <= 3


def test_a_network_of_programs_fires_at_nearly_the_ideal_rate():
    drive, exc = poisson(1, 100), cells("adex", 60, tau_refrac=2.0)
    links = [connect(0, drive, exc, Bernoulli(0.5), 0.12), connect(1, exc, exc, Bernoulli(0.1), 0.05, seed=3)]
    net = replace(network([exc, drive], links), probes=(Probe(0, "spikes", np.arange(60)),))
    ideal, found = (len(simulated(net, 600.0, chip).spikes(0)[0]) for chip in (None, CHIP))
    assert ideal > 300
    assert abs(found / ideal - 1) < 0.05


# --- time -------------------------------------------------------------------------------------
def timed(n_steps=20, spikes=None, **options):
    exc, inh = lif(0, 30, curr()), cells("adex", 20, 1)
    net = network([exc, inh], [connect(0, exc, inh, AllToAll(), 0.1), connect(1, inh, exc, OneToOne(), 0.1)], dt=1.0)
    found = CHIP.translate(net, PROGRAMS).network
    return found, CHIP.cost(found, place(found, CHIP, per_core=20), spikes or {}, n_steps, **options)


def test_steps_are_the_largest_term_of_any_core_by_hand():
    """Cores: 20 and 10 of the first population, 20 AdEx neurons with 10 parts of a step each."""
    terms = [{"step": 10.0, "neuron": 1.0, "update": 0.5, "spike": 2.0}, {"synapse": 6.0, "message in": 7.0}, {"message out": 40.0}]
    spikes = {0: ([3, 3, 4, 5, 5, 5], [0, 1, 25, 0, 1, 2]), 1: ([7], [4])}
    _, report = timed(spikes=spikes, model=MaxAffine.of(terms, shortest_ns=0.0))
    quiet = 10 + 20 + 0.5 * 20 * 10
    wanted = np.full(20, quiet)
    wanted[3] = 2 * (20 * 6 + 7)
    wanted[5] = 3 * (20 * 6 + 7)  # three spikes of neurons that reach 20 AdEx neurons each
    wanted[7] = quiet + 2  # an AdEx neuron
    assert (report.step_s * 1e9).tolist() == pytest.approx(np.maximum(wanted, quiet).tolist())
    assert report.term[[0, 5, 7]].tolist() == [0, 1, 0]
    assert report.core[[0, 5]].tolist() == [2, 2]
    counts = dict(zip(EVENTS, report.totals.tolist(), strict=True))
    assert counts == {
        "step": 20, "neuron": 20 * 50, "update": 20 * (30 + 200), "spike": 7, "message out": 7, "message in": 7, "synapse": 6 * 20 + 1,
    }  # fmt: skip


def test_no_step_is_shorter_than_the_shortest():
    _, report = timed(model=[{"neuron": 0.1}])
    assert (report.step_s * 1e9).tolist() == pytest.approx([200.0] * 20)
    assert set(report.term.tolist()) == {-1}
    assert "the shortest step of 200 ns (20)" in report.summary()


def test_the_candidate_follows_from_the_datasheet():
    _, report = timed()
    neurons = 20 * (3.0 + 10 * 1.85)
    assert report.step_s[0] * 1e9 == pytest.approx(neurons + 66.7)
    assert "low confidence, not calibrated" in report.summary()
    assert "no figure is published" in report.summary()


def test_there_is_no_energy_unless_the_user_gives_figures(tmp_path):
    _, report = timed(spikes={0: ([1], [0])})
    with pytest.raises(UnsupportedError, match=r"no energy of an operation on this chip is published.*energy_pj=\{'synapse': 5.0\}"):
        _ = report.energy_uj
    assert json.loads(report.to_json())["energy_uj"] is None
    _, priced = timed(spikes={0: ([1], [0])}, energy_pj={"synapse": 5.0, "spike": 1.0})
    assert priced.energy_uj == pytest.approx(101e-6)
    assert "by the user's figures" in priced.summary()
    assert json.loads(priced.to_json(tmp_path / "cost.json")) == json.loads((tmp_path / "cost.json").read_text())


def test_wrong_coefficients_are_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'synapse'"):
        timed(model=[{"synapses": 1.0}])
    with pytest.raises(ParameterError, match=r"coefficient of 'spike' is -1; it must be a number from 0") as error:
        timed(energy_pj={"spike": -1})
    assert error.value.used == -1
    with pytest.raises(ParameterError, match="a time model without terms says nothing"):
        timed(model=[])


def test_a_realised_network_takes_as_long_as_the_translated_one():
    net, report = timed(spikes={0: ([1, 2], [0, 29])})
    where = place(net, CHIP, per_core=20)
    again = CHIP.cost(CHIP.realise(net, where).network, where, {0: ([1, 2], [0, 29])}, 20)
    assert again.step_s.tolist() == report.step_s.tolist()


def test_many_steps_are_counted_in_pieces(monkeypatch):
    from neurosim.chips.loihi.second import timing

    spikes = {0: ([0, 5, 5, 19], [3, 3, 28, 9])}
    _, whole = timed(spikes=spikes)
    monkeypatch.setattr(timing, "_ROOM", 50)
    _, pieces = timed(spikes=spikes)
    assert pieces.step_s.tolist() == whole.step_s.tolist()
    assert pieces.totals.tolist() == whole.totals.tolist()


def test_a_network_without_neurons_takes_the_shortest_steps():
    empty = Network(1.0, 1)
    report = CHIP.cost(empty, map_network(empty, CHIP), {}, 3)
    assert (report.step_s * 1e9).tolist() == pytest.approx([200.0] * 3)


def test_resets_above_the_threshold_do_not_stop_translation():
    """With an exponential onset v_reset may be above v_thresh; integrate-and-fire neurons are reset to v_rest then."""
    bursting = network([cells("adex", v_reset=-46.0, v_spike=0.0)])
    for option, where in ((frozenset({"programs"}), CHIP), (frozenset({"adex"}), FIRST)):
        assert where.translate(bursting, option).network.populations[0].model == "adex"
    assert FIRST.translate(bursting, frozenset({"adex"})).network.populations[0].parameters["v_reset"] == pytest.approx(-70.6)
    simple = chips.load("spinnaker").translate(bursting, frozenset({"adex"})).network.populations[0]
    assert float(simple.parameters["v_reset"]) == pytest.approx(-70.6, abs=1e-3)


def test_the_datasheet_is_reached_by_attribute_and_by_setup():
    assert chips.loihi2.ChipModel is type(CHIP)
    assert type(CHIP).__mro__[1] is type(FIRST)
