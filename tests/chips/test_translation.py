"""What chips refuse, with which words, and what an approximation does and costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chip_networks import LIF, balanced, cond, connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips import working_point as wp
from neurosim.chips.neurons import to_lif
from neurosim.chips.translate import OPTIONS
from neurosim.columns import Random
from neurosim.connectivity import AllToAll, OneToOne, expand
from neurosim.errors import ParameterError, UnsupportedError
from neurosim.losses import Ledger
from neurosim.network import Current, Plasticity, Population, Probe, Receptor, Selection, WorkingPoint

HICANN, LOIHI, SPINNAKER = (chips.load(name) for name in ("hicann", "loihi", "spinnaker"))
ADEX = {**LIF, "v_spike": -40.0, "delta_T": 1.0, "a": 4.0, "b": 0.0805, "tau_w": 144.0}
IZHIKEVICH = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "i_offset": 0.0}
HH = {
    "gbar_Na": 20.0, "gbar_K": 6.0, "g_leak": 0.01, "cm": 0.2, "v_offset": -63.0,
    "e_rev_Na": 50.0, "e_rev_K": -90.0, "e_rev_leak": -65.0, "i_offset": 0.0,
}  # fmt: skip
CELLS = {"adex": ADEX, "izhikevich": IZHIKEVICH, "hh": HH}
NONE: frozenset[str] = frozenset()


def cell(model, receptors=None, size=10, **changes):
    names = {"adex": "EIF_cond_exp_isfa_ista", "izhikevich": "Izhikevich", "hh": "HH_cond_exp"}
    receptors = curr() if receptors is None else receptors
    return Population(0, "cells", size, model, {**CELLS[model], **changes}, receptors, {"v": -60.0}, cell_type=names[model])


def one(receptor, population=None):
    population = population or lif(0, 10, (receptor,), "post")
    source = poisson(1, 10)
    return network((population, source), [connect(0, source, population, OneToOne(), 1.0)])


def pair(rule):
    a = lif(0, 10, curr(), "a")
    return network((a,), [connect(0, a, a, OneToOne(), 0.1, model="stdp", plasticity=rule)])


def with_model(model, **columns):
    a = lif(0, 10, cond(), "a")
    return network((a,), [connect(0, a, a, OneToOne(), 0.1, model=model, **columns)])


def injected():
    a = lif(0, 10, curr(), "a")
    return network((a,), currents=(Current(0, "noise", {"mean": 0.1, "stdev": 0.1, "dt": 0.1}, Selection.whole(a)),))


ADDITIVE = Plasticity("pair", "additive", 20.0, 20.0, 0.01, 0.01, 0.0, 0.2)
GUTIG = Plasticity("pair", "gutig", 20.0, 20.0, 0.01, 0.01, 0.0, 0.2, 0.5, 0.5)
POWER_LAW = Plasticity("pair", "power_law", 15.0, 30.0, 0.1, 0.005, 0.0, np.inf, 0.4, w_0=0.1)
GAMMA = Population(0, "gamma", 5, "gamma_source", {"alpha": 2.0, "beta": 1.0, "start": 0.0, "duration": 1e3}, cell_type="SpikeSourceGamma")
TM = {"U": 0.5, "tau_rec": 100.0, "tau_facil": 0.0}

REFUSED = [
    (LOIHI, network([lif(0, 9, cond(), "exc")]), "conductance", ("Population 'exc'", "conductance-based synapses", "IF_curr_exp")),
    (LOIHI, network([cell("adex")]), "adex", ("AdEx", "EIF_cond_exp_isfa_ista", "leaky integrate-and-fire")),
    (LOIHI, network([cell("izhikevich")]), "cells", ("Izhikevich",)),
    (LOIHI, network([cell("hh")]), "cells", ("Hodgkin-Huxley",)),
    (LOIHI, one(Receptor("excitatory", "curr_alpha", {"tau_syn": 2.0})), "alpha", ("alpha-shaped synapses",)),
    (LOIHI, pair(GUTIG), "stdp", ("gutig", "multiplicative")),
    (LOIHI, with_model("tsodyks_markram", **TM), "conductance", ()),
    (LOIHI, injected(), "injection", ("Current source (noise)", "i_offset")),
    (SPINNAKER, network([cell("adex")]), "adex", ("Population 'cells'", "AdEx")),
    (SPINNAKER, network([cell("hh")]), "cells", ("Hodgkin-Huxley",)),
    (SPINNAKER, one(Receptor("excitatory", "cond_alpha", {"tau_syn": 2.0, "e_rev": 0.0})), "alpha", ("alpha-shaped",)),
    (SPINNAKER, network([GAMMA]), "sources", ("SpikeSourceGamma", "SpikeSourcePoisson")),
    (SPINNAKER, with_model("tsodyks_markram", **TM), "short_term_plasticity", ("Projection 'a>a'", "short-term plasticity")),
    (SPINNAKER, with_model("stochastic", p=0.5), "stochastic_synapses", ("at random",)),
    (SPINNAKER, pair(GUTIG), "stdp", ("gutig",)),
    (LOIHI, pair(POWER_LAW), "stdp", ("power_law", "multiplicative")),
    (SPINNAKER, pair(POWER_LAW), "stdp", ("power_law", "multiplicative")),
    (SPINNAKER, pair(Plasticity("pair", "additive", 20, 20, 0.1, 0.1, 0, 1, dendritic_delay_fraction=0.5)), "stdp", ("fraction 0.5",)),
    (HICANN, network([lif(0, 9, curr(), "exc")]), "current", ("current-based synapses", "IF_cond_exp")),
    (HICANN, one(Receptor("excitatory", "curr_delta")), "delta", ("step the potential",)),
    (HICANN, one(Receptor("excitatory", "cond_alpha", {"tau_syn": 2.0, "e_rev": 0.0})), "alpha", ("alpha-shaped",)),
    (HICANN, network([cell("hh", cond())]), "cells", ("Hodgkin-Huxley",)),
    (HICANN, with_model("tsodyks_markram", **TM), "short_term_plasticity", ()),
]


@pytest.mark.parametrize(("chip", "net", "option", "words"), REFUSED)
def test_a_refusal_names_the_option_and_the_nearest_alternative(chip, net, option, words):
    with pytest.raises(UnsupportedError) as error:
        chip.translate(net, NONE)
    text = str(error.value)
    assert error.value.option == option
    assert f"approximate=['{option}']" in text
    assert chip.title in text
    assert all(word in text for word in words), text
    assert isinstance(error.value, NotImplementedError)


@pytest.mark.parametrize(("chip", "net", "option", "words"), REFUSED)
def test_opting_in_accepts_it_and_is_in_the_ledger(chip, net, option, words):
    result = chip.translate(net, chip.check_approximations(["all"]))
    found = [loss for loss in result.losses if loss.kind == "approximation" and loss.detail.startswith(f"'{option}'")]
    assert found
    assert all(loss.count for loss in found)
    again = chip.translate(result.network, NONE) if option not in ("sources", "injection") else None
    assert again is None or not any(loss.kind == "approximation" for loss in again.losses)


@pytest.mark.parametrize("chip", [HICANN, LOIHI, SPINNAKER], ids=lambda chip: chip.name)
def test_every_listed_approximation_is_a_known_one(chip):
    assert set(chip.approximations) <= set(OPTIONS)


def test_what_a_chip_has_itself_goes_through_unchanged():
    for chip, kind in ((SPINNAKER, "cond_exp"), (SPINNAKER, "curr_alpha"), (SPINNAKER, "curr_delta"), (LOIHI, "curr_exp")):
        receptors = cond() if kind == "cond_exp" else curr(kind=kind)
        result = chip.translate(network([lif(0, 5, receptors)]), NONE)
        assert [r.kind for r in result.network.populations[0].receptors] == [r.kind for r in receptors]
        assert not [loss for loss in result.losses if loss.kind == "approximation"]
    for chip in (SPINNAKER, LOIHI):
        assert chip.translate(pair(ADDITIVE), NONE).network.projections[0].synapse.plasticity == ADDITIVE
    assert HICANN.translate(network([cell("adex", cond())]), NONE).network.populations[0].model == "adex"
    assert SPINNAKER.translate(network([cell("izhikevich")]), NONE).network.populations[0].model == "izhikevich"


@pytest.mark.parametrize("chip", [LOIHI, SPINNAKER])
def test_a_power_law_becomes_multiplicative_around_its_reference_weight(chip):
    result = chip.translate(pair(POWER_LAW), frozenset({"stdp", "current"}))
    held = result.network.projections[0].synapse.plasticity
    assert (held.dependence, held.w_min, held.w_max) == ("multiplicative", 0.0, pytest.approx(0.2))
    (loss,) = [loss for loss in result.losses if loss.detail.startswith("'stdp'")]
    assert 0.05 < loss.error_mean < 0.3
    assert loss.error_max == 1.0  # the smallest weights, which a power law raises least and this rule most


def test_hicann_has_no_plasticity_and_keeps_the_weights():
    result = HICANN.translate(pair(ADDITIVE), frozenset({"stdp", "current"}))
    assert result.network.projections[0].synapse.model == "static"


def test_conductances_become_currents_at_the_working_point():
    net = balanced()
    result = LOIHI.translate(net, frozenset({"conductance"}))
    exc, inh = (expand(result.network, result.network.projections[k]).columns["weight"] for k in (0, 2))
    assert np.allclose(exc, 0.004 * 55.0)
    assert np.allclose(inh, 0.051 * -25.0)
    assert {r.kind for r in result.network.populations[0].receptors} == {"curr_exp"}
    errors = {loss.what: loss.error_max for loss in result.losses if loss.kind == "approximation"}
    assert errors == pytest.approx({"receptor 'excitatory'": 5 / 55, "receptor 'inhibitory'": 5 / 25})


def test_the_working_point_of_each_cell_counts():
    thresholds = np.array([-50.0, -40.0])
    post, source = lif(0, 2, cond(), v_thresh=thresholds), poisson(1, 2)
    net = network((post, source), [connect(0, source, post, AllToAll(), 0.01)])
    result = LOIHI.translate(net, frozenset({"conductance"}))
    rows = expand(result.network, result.network.projections[0])
    assert np.allclose(rows.columns["weight"], 0.01 * np.array([55.0, 50.0, 55.0, 50.0]))


def test_currents_become_conductances_with_reversal_far_away():
    post, source = lif(0, 3, curr(), "post"), poisson(1, 3)
    rows = [connect(0, source, post, OneToOne(), 0.13), connect(1, source, post, OneToOne(), -0.26, "inhibitory")]
    result = HICANN.translate(network((post, source), rows), frozenset({"current"}))
    weights = [np.unique(expand(result.network, p).columns["weight"]) for p in result.network.projections]
    assert np.allclose(weights, [[0.001], [0.002]])
    reversals = [float(np.mean(r.parameters["e_rev"])) for r in result.network.populations[0].receptors]
    assert np.allclose(reversals, [-55 + 130, -55 - 130], atol=0.5)


def test_an_alpha_synapse_keeps_area_and_mean_time():
    tau, conversion = wp.alpha_to_exponential(2.0, 20.0)
    assert tau == 4.0
    assert conversion.factor * tau == pytest.approx(np.e * 2.0)
    assert 0 < conversion.error_max < 0.1


def test_a_two_exponential_synapse_keeps_area_and_mean_time():
    rise, decay = 1.0, 4.0
    t = np.arange(0, 100, 0.001)
    shape = np.exp(-t / decay) - np.exp(-t / rise)
    area = shape.sum() * 0.001 / shape.max()
    tau, conversion = wp.beta_to_exponential(rise, decay, 20.0)
    assert conversion.factor * tau == pytest.approx(area, rel=1e-3)
    assert wp.beta_to_exponential(2.0, 2.0, 20.0)[0] == 4.0


def test_a_voltage_step_becomes_the_same_charge():
    conversion = wp.step_to_exponential(lif(0, 1, curr()), 1.3)
    assert conversion.factor * 1.3 == pytest.approx(0.2)
    assert 0.1 < conversion.error_max < 0.3


def test_short_term_plasticity_is_averaged_at_ten_hertz():
    result = SPINNAKER.translate(with_model("tsodyks_markram", **TM), frozenset({"short_term_plasticity"}))
    rows = expand(result.network, result.network.projections[0])
    assert set(rows.columns) == {"weight", "delay"}
    assert rows.columns["weight"] == pytest.approx(0.1 * 0.5 / (1 + 0.5 * 10 * 0.1))
    loss = next(loss for loss in result.losses if loss.kind == "approximation")
    assert 0 < loss.error_mean < loss.error_max


def test_random_release_becomes_its_mean():
    result = SPINNAKER.translate(with_model("stochastic", p=0.25), frozenset({"stochastic_synapses"}))
    assert expand(result.network, result.network.projections[0]).columns["weight"] == pytest.approx(0.025)


@pytest.mark.parametrize("model", ["adex", "izhikevich", "hh"])
def test_simplified_neurons_rest_below_threshold_and_the_rate_error_is_measured(model):
    simple = to_lif(cell(model))
    p = simple.parameters
    assert p["v_reset"] <= p["v_rest"] < p["v_thresh"]
    assert 1.0 < p["tau_m"] < 50.0
    assert 0 < simple.error_mean_hz <= simple.error_max_hz < 400


def test_an_izhikevich_neuron_keeps_its_threshold_current():
    p = to_lif(cell("izhikevich")).parameters
    # u settled: 0.04 v^2 + (5 - b) v + 140 + I has one root at I = 4 pA
    assert p["cm"] / p["tau_m"] * (p["v_thresh"] - p["v_rest"]) == pytest.approx(0.004)
    assert (p["v_rest"], p["v_thresh"]) == pytest.approx((-70.0, -50.0))


def test_a_hodgkin_huxley_neuron_rests_near_its_leak():
    p = to_lif(cell("hh")).parameters
    assert p["v_rest"] == pytest.approx(-65.0, abs=2)
    assert -60 < p["v_thresh"] < -45


def test_probes_of_variables_that_are_gone_are_dropped_and_noted():
    probes = (Probe(0, "w", np.arange(3), 0.1), Probe(0, "v", np.arange(3), 0.1))
    result = SPINNAKER.translate(network([cell("adex")], probes=probes), frozenset({"adex"}))
    assert [p.variable for p in result.network.probes] == ["v"]
    assert Ledger(list(result.losses)).of("ignored")[0].what == "record w"


@pytest.mark.parametrize(("chip", "delay", "limit"), [(LOIHI, 6.4, 6.3), (SPINNAKER, 461.0, 460.8)])
def test_a_delay_beyond_the_range_is_refused(chip, delay, limit):
    a = lif(0, 10, curr(), "a")
    net = network((a,), [connect(0, a, a, OneToOne(), 0.125, delay=delay)])
    text = f"the delay {delay:g} ms is beyond the range of {chip.title}: the longest is {limit:g} ms"
    with pytest.raises(ParameterError, match=text) as error:
        chip.translate(net, NONE)
    assert (error.value.used, error.value.where) == (delay, "Projection 'a>a'")
    assert "Shorten" in error.value.remedy
    result = chip.translate(net, frozenset({"delay"}))
    assert expand(result.network, result.network.projections[0]).columns["delay"] == pytest.approx(limit)
    assert {loss.what for loss in chip.realise(result.network, place(net, chip)).losses} <= {"v_thresh"}
    loss = next(loss for loss in result.losses if loss.kind == "approximation")
    assert (loss.count, loss.total, loss.unit) == (10, 10, "ms")
    assert loss.error_mean == loss.error_max == pytest.approx(delay - limit)


def test_random_delays_beyond_the_range_are_found_when_they_are_drawn():
    a = lif(0, 100, curr(), "a")
    delay = Random("exponential", {"beta": 3.0}, 3)
    net = network((a,), [connect(0, a, a, AllToAll(), 0.1, delay=delay)])
    translated = LOIHI.translate(net, NONE).network
    with pytest.raises(ParameterError, match="is beyond the range of Loihi"):
        LOIHI.realise(translated, place(net, LOIHI))
    shortened = LOIHI.translate(net, frozenset({"delay"})).network
    rows = expand(LOIHI.realise(shortened, place(net, LOIHI)).network, shortened.projections[0])
    assert np.max(rows.columns["delay"]) <= 6.3 + 1e-9


def test_random_delays_that_hardly_reach_the_end_are_shortened_quietly():
    a = lif(0, 10, curr(), "a")
    delay = Random("normal_clipped", {"mu": 1.5, "sigma": 0.3, "low": 0.1, "high": 14.0}, 3)
    net = network((a,), [connect(0, a, a, OneToOne(), 0.1, delay=delay)])
    result = LOIHI.translate(net, frozenset({"delay"}))
    assert not [loss for loss in result.losses if loss.kind == "approximation"]
    assert result.network.projections[0].realisation is not None


def test_spinnaker_takes_one_kind_of_receptor_per_population():
    mixed = (*curr()[:1], *cond()[1:])
    with pytest.raises(UnsupportedError, match="receptors of several kinds"):
        SPINNAKER.translate(network([lif(0, 5, mixed)]), NONE)
    with pytest.raises(UnsupportedError, match="at most 4 synapse types"):
        SPINNAKER.translate(network([lif(0, 5, tuple(curr()[0] for _ in range(5)))]), NONE)


def test_hicann_takes_two_receptors():
    with pytest.raises(UnsupportedError, match="neurons with 3 receptors"):
        HICANN.translate(network([lif(0, 5, (*cond(), cond()[0]))]), NONE)


@pytest.mark.parametrize(
    ("chip", "words"),
    [
        (LOIHI, "The nearest it has is the leaky integrate-and-fire neuron (IF_curr_exp)."),
        (SPINNAKER, "The nearest it has is the leaky integrate-and-fire neuron (IF_curr_exp or IF_cond_exp)."),
        (HICANN, "The nearest it has is the AdEx neuron (EIF_cond_exp_isfa_ista)."),
    ],
)
def test_the_nearest_cell_is_one_that_the_chip_has(chip, words):
    with pytest.raises(UnsupportedError) as error:
        chip.translate(network([cell("hh", cond())]), NONE)
    assert words in str(error.value)


def test_parameters_of_izhikevich_neurons_have_their_own_units():
    result = SPINNAKER.translate(network([cell("izhikevich", a=0.02, b=0.2)]), NONE)
    assert {loss.what: loss.unit for loss in result.losses if loss.kind == "rounded"} == {"a": "1/ms", "b": "1/ms"}


def test_shortened_delays_are_counted():
    a = lif(0, 100, curr(), "a")
    net = network((a,), [connect(0, a, a, AllToAll(), 0.1, delay=Random("exponential", {"beta": 3.0}, 3))])
    delays = expand(net, net.projections[0]).columns["delay"]
    loss = next(loss for loss in LOIHI.translate(net, frozenset({"delay"})).losses if loss.kind == "approximation")
    long = delays[delays > 6.3]
    assert (loss.count, loss.total) == (len(long), 10_000)
    assert (loss.error_mean, loss.error_max) == pytest.approx(((long - 6.3).mean(), (long - 6.3).max()))


def test_replaced_plasticity_and_release_have_an_error():
    def lost(chip, net, option):
        (loss,) = [loss for loss in chip.translate(net, chip.check_approximations("all")).losses if loss.detail.startswith(f"'{option}'")]
        return loss

    mixed = Plasticity("pair", "additive_multiplicative", 20.0, 20.0, 0.01, 0.01, 0.0, 0.2)
    assert (lost(SPINNAKER, pair(mixed), "stdp").error_mean, lost(SPINNAKER, pair(mixed), "stdp").error_max) == pytest.approx((0.25, 1.0))
    assert lost(HICANN, pair(ADDITIVE), "stdp").error_mean == 1.0
    assert 0 < lost(LOIHI, pair(GUTIG), "stdp").error_mean < 0.2
    release = lost(SPINNAKER, with_model("stochastic", p=0.25), "stochastic_synapses")
    drawn = np.random.default_rng(1).random(200_000) < 0.25
    assert release.error_mean == pytest.approx(np.abs(drawn / 0.25 - 1).mean(), rel=0.01)
    assert release.error_max == pytest.approx(np.abs(drawn / 0.25 - 1).max())
    differing = lost(SPINNAKER, with_model("stochastic", p=Random("uniform", {"low": 0.1, "high": 0.9}, 3)), "stochastic_synapses")
    assert "Error not measured" in differing.detail


def test_cores_that_the_tool_chain_would_add_are_named():
    def ignored(dt, delay):
        a = lif(0, 300, curr(), "a")
        net = network((a,), [connect(0, a, a, OneToOne(), 0.1, delay=delay)], dt)
        return [loss.what for loss in SPINNAKER.translate(net, NONE).losses if loss.kind == "ignored"]

    assert ignored(1.0, 32.0) == []
    assert ignored(1.0, 33.0) == ["delay cores"]
    assert ignored(0.1, 3.2) == ["synapse cores"]
    assert ignored(0.1, 3.3) == ["synapse cores", "delay cores"]


def test_a_population_may_have_a_working_point_of_its_own():
    net = balanced()
    populations = tuple(replace(p, working_point=WorkingPoint(-58.0, "given")) for p in net.populations)
    result = LOIHI.translate(replace(net, populations=populations), frozenset({"conductance"}))
    exc, inh = (expand(result.network, result.network.projections[k]).columns["weight"] for k in (0, 2))
    assert np.allclose(exc, 0.004 * 58.0)
    assert np.allclose(inh, 0.051 * -22.0)
    errors = {loss.what: (loss.error_mean, loss.error_max) for loss in result.losses if loss.kind == "approximation"}
    mean = np.abs(np.linspace(-60, -50, 21) + 58).mean()
    assert errors["receptor 'excitatory'"] == pytest.approx((mean / 58, 8 / 58))
    assert errors["receptor 'inhibitory'"] == pytest.approx((mean / 22, 8 / 22))
    assert "Working point -58 mV, given; error is" in next(loss.detail for loss in result.losses if loss.kind == "approximation")
