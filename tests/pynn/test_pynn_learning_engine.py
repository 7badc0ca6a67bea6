"""Loihi's learning engine behind PyNN's STDP and behind rules as text."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim.pynn as sim
from neurosim.errors import LossWarning, NeurosimError, ParameterError, UnsupportedError

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")
W_MAX = 0.1
PAIR = {"x1_impulse": 40, "x1_tau": 20.0, "y1_impulse": 40, "y1_tau": 20.0}


def stdp(dependence, weight=0.05):
    timing = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.01, A_minus=0.012)
    return sim.STDPMechanism(timing_dependence=timing, weight_dependence=dependence(w_min=0.0, w_max=W_MAX), weight=weight, delay=1.0)


def run(chip, synapse, *, ms=1000.0, stop=()):
    """Random spikes onto driven cells; the projection that learns."""
    sim.setup(timestep=1.0, min_delay=1.0, chip=chip, rng_seed=3)
    rng = np.random.default_rng(1)

    def trains(n, k):
        times = [np.unique(rng.integers(1, max(ms, 100), k)).astype(float) for _ in range(n)]
        return sim.Population(n, sim.SpikeSourceArray(spike_times=times))

    pre, drive = trains(40, 30), trains(10, 40)
    post = sim.Population(10, sim.IF_curr_exp(tau_m=10.0, cm=0.2, tau_refrac=5.0, tau_syn_E=3.0))
    sim.Projection(drive, post, sim.OneToOneConnector(), sim.StaticSynapse(weight=3.0, delay=1.0))
    learning = sim.Projection(pre, post, sim.AllToAllConnector(), synapse)
    post.record("spikes")
    for t in (*stop, ms):
        sim.run_until(t)
    return learning, post


def weights(projection):
    return np.array(projection.get("weight", format="array"))


@pytest.mark.parametrize("dependence", [sim.AdditiveWeightDependence, sim.MultiplicativeWeightDependence])
def test_stdp_on_the_chip_goes_where_the_ideal_one_goes(dependence):
    ideal = weights(run(None, stdp(dependence))[0])
    chip = weights(run("loihi", stdp(dependence))[0])
    assert chip.mean() == pytest.approx(ideal.mean(), abs=0.2 * abs(ideal.mean() - 0.05) + 0.001)
    assert chip.std() == pytest.approx(ideal.std(), rel=0.3)
    assert np.corrcoef(ideal.ravel(), chip.ravel())[0, 1] > 0.6
    unit = chip / (W_MAX / 255)
    assert np.allclose(unit, np.rint(unit), atol=1e-6)


def test_the_error_of_the_translation_is_in_the_ledger():
    run("loihi", stdp(sim.AdditiveWeightDependence), ms=10.0)
    (loss,) = [loss for loss in sim.losses() if loss.what == "plasticity"]
    assert (loss.kind, loss.unit) == ("rounded", "1")
    assert 0 < loss.error_mean <= loss.error_max < 0.01
    assert "x1" in loss.detail and "y0" in loss.detail


def test_a_rule_as_text_learns_and_keeps_to_mantissas():
    before, after = 0.05, weights(run("loihi", sim.SumOfProductsSynapse("2^-4*x1*y0 - 2^-4*y1*x0", w_max=W_MAX, weight=0.05, **PAIR))[0])
    assert after.std() > 0.002
    assert after.min() >= 0 and after.max() <= W_MAX + 1e-9
    assert abs(after.mean() - before) < 0.02
    unit = after / (W_MAX / 255)
    assert np.allclose(unit, np.rint(unit), atol=1e-6)


def test_a_run_in_pieces_learns_the_same():
    rule = sim.SumOfProductsSynapse("dw = 2^-4*x1*y0 - 2^-4*y1*x0", w_max=W_MAX, t_epoch=3, weight=0.05, **PAIR)
    whole = weights(run("loihi", rule)[0])
    rule = sim.SumOfProductsSynapse("dw = 2^-4*x1*y0 - 2^-4*y1*x0", w_max=W_MAX, t_epoch=3, weight=0.05, **PAIR)
    assert np.array_equal(weights(run("loihi", rule, stop=(100.0, 500.0, 501.0))[0]), whole)


def test_inhibitory_weights_stay_negative():
    rule = sim.SumOfProductsSynapse("-2^-2*x1*y0", w_max=-W_MAX, weight=-0.05, **PAIR)
    after = weights(run("loihi", rule)[0])
    assert after.max() <= 0
    assert after.min() < -0.05


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: sim.SumOfProductsSynapse("2^-2*x1", w_max=1.0, **PAIR), "dependency|event"),
        (lambda: sim.SumOfProductsSynapse("2^-2*x7*y0", w_max=1.0), "x7"),
        (lambda: sim.SumOfProductsSynapse("2^-2*x2*y0", w_max=1.0, **PAIR), "the rules read the trace x2, which has no impulse"),
        (lambda: sim.SumOfProductsSynapse("2^-2*x1*y0", w_max=1.0, x1_impulse=10), "'x1_tau' is missing"),
        (lambda: sim.SumOfProductsSynapse("2^-2*x1*y0", w_max=1.0, x1_tau=10), "'x1_impulse' is missing"),
        (lambda: sim.SumOfProductsSynapse("2^-2*x1*y0", w_max=1.0, x1_impulse=200, x1_tau=10.0), "impulse"),
        (lambda: sim.SumOfProductsSynapse("2^-2*x1*y0", w_max=0.0, **PAIR), "w_max is 0"),
        (lambda: sim.SumOfProductsSynapse("2^-2*r1*x1*y0", w_max=1.0, **PAIR), "the rules read r1, and nothing gives rewards"),
        (lambda: sim.SumOfProductsSynapse("dd = 2^-2*x1*y0", w_max=1.0, **PAIR), "delays that learn"),
        (lambda: sim.SumOfProductsSynapse("2^-2*x1*y0", w_max=1.0, t_epoch=64, **PAIR), "epoch"),
        (lambda: sim.SumOfProductsSynapse("2^-2*x1*y0", w_max=1.0, z1_tau=1.0), "z1_tau"),
    ],
)
def test_rules_that_cannot_be(make, text):
    sim.setup(timestep=1.0, min_delay=1.0)
    with pytest.raises((ParameterError, NeurosimError), match=text):
        make()


@pytest.mark.parametrize("chip", [None, "spinnaker"])
def test_only_chips_with_a_learning_engine_have_such_synapses(chip):
    with pytest.raises(UnsupportedError, match="sum") as error:
        run(chip, sim.SumOfProductsSynapse("2^-4*x1*y0", w_max=W_MAX, weight=0.05, **PAIR), ms=5.0)
    assert "loihi" in error.value.remedy


def test_a_rule_that_the_engine_cannot_hold_names_its_projection():
    timing = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=1e-9, A_minus=1e-9)
    additive = sim.AdditiveWeightDependence(w_min=0.0, w_max=W_MAX)
    synapse = sim.STDPMechanism(timing_dependence=timing, weight_dependence=additive, weight=0.05, delay=1.0)
    with pytest.raises(ParameterError, match="cannot be held") as error:
        run("loihi", synapse, ms=5.0)
    assert "Projection" in error.value.where


def test_warnings_are_of_our_own_kind():
    with pytest.warns(LossWarning):
        run("loihi", stdp(sim.AdditiveWeightDependence), ms=2.0)


@pytest.mark.parametrize(("weight", "other"), [(0.8, W_MAX), (0.05, 1.5 * W_MAX)])
def test_a_largest_weight_other_than_asked_for_is_told(weight, other):
    sim.setup(timestep=1.0, min_delay=1.0, chip="loihi")
    pre, post = sim.Population(2, sim.SpikeSourceArray()), sim.Population(2, sim.IF_curr_exp())
    for start, most, label in ((weight, W_MAX, "first"), (0.05, other, "second")):
        rule = sim.SumOfProductsSynapse("2^-4*x1*y0", w_max=most, weight=start, **PAIR)
        sim.Projection(pre, post, sim.AllToAllConnector(), rule, label=label)
    sim.run(1.0)
    found = {loss.where: loss for loss in sim.losses() if loss.what == "w_max"}
    loss, reach = found["Projection 'first'"], max(weight, other)
    assert loss.error_max == pytest.approx(reach - W_MAX)
    assert f"Weights end at {reach:.4g}, not at 0.1" in loss.detail and loss.unit == "nA"
    assert len(found) == 1  # 0.1 is an eighth of 0.8, which an exponent gives


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"w_max": "a"}, "'w_max' is 'a', not a number"),
        ({"w_max": [0.1, 0.2]}, "must be one number"),
        ({"w_max": float("inf")}, "'w_max' is inf; it must be one number"),
        ({"w_max": 0.1, "x1_impulse": "a", "x1_tau": 20.0}, "'x1_impulse' is 'a', not a number"),
        ({"w_max": 0.1, "x1_impulse": 20, "x1_tau": np.array([1.0, 2.0])}, "must be one number"),
    ],
)
def test_settings_of_a_rule_that_are_no_numbers(settings, text):
    with pytest.raises(NeurosimError, match=text):
        sim.SumOfProductsSynapse("2^-4*x1*y0", **settings)
