"""Values of synapses changed between runs: what a synapse remembers is not lost with them."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as sim

DEPRESSING = {"weight": 1.0, "delay": 1.0, "U": 0.5, "tau_rec": 200.0, "tau_facil": 50.0}
CHANGES = {
    "weight": lambda projection: projection.set(weight=projection.get("weight", format="list", with_address=False)),
    "delay": lambda projection: projection.set(delay=projection.get("delay", format="list", with_address=False)),
    "one connection": lambda projection: setattr(projection[1], "weight", projection[1].weight),
}


def network(synapse):
    """Three regular sources on a cell that is driven to fire; the projection and the recorded cell."""
    sim.setup(timestep=0.1, min_delay=0.1)
    sources = sim.Population(3, sim.SpikeSourceArray(spike_times=np.arange(5.0, 95.0, 9.0)))
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=[0.0, 1.2]))
    projection = sim.Projection(sources, cells, sim.FixedProbabilityConnector(0.8, rng=sim.NumpyRNG(seed=1)), synapse())
    cells.record(["v", "spikes"])
    return cells, projection


def depressing():
    return sim.TsodyksMarkramSynapse(**DEPRESSING)


def learning():
    timing, weights = sim.SpikePairRule(A_plus=0.1, A_minus=0.08), sim.AdditiveWeightDependence(w_max=2.0)
    return sim.STDPMechanism(timing, weights, weight=1.0, delay=1.5, dendritic_delay_fraction=0.5)


def results(synapse, change=None):
    cells, projection = network(synapse)
    if change is not None:
        sim.run(47.3)
        change(projection)
    sim.run_until(100.0)
    return np.asarray(cells.get_data("v").segments[0].analogsignals[0]), projection.get("weight", format="list", with_address=False)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("synapse", [depressing, learning])
def test_setting_values_to_what_they_are_changes_nothing(synapse, change):
    v, weights = results(synapse)
    v_after, weights_after = results(synapse, CHANGES[change])
    np.testing.assert_array_equal(v_after, v)
    np.testing.assert_array_equal(weights_after, weights)


def test_doubled_weights_act_on_the_resources_that_are_left():
    cells, projection = network(lambda: sim.TsodyksMarkramSynapse(**{**DEPRESSING, "tau_rec": 1e9, "tau_facil": 0.0}))
    sim.run(60.0)
    projection.set(weight=2.0)
    sim.run(35.0)
    v = np.asarray(cells.get_data("v").segments[0].analogsignals[0])[:, 0]
    assert np.diff(v[600:]).max() < 0.05 * np.diff(v[:120]).max()  # seven spikes left less than a hundredth


def test_reset_goes_back_to_a_weight_set_by_hand():
    _, projection = network(learning)
    sim.run(50.0)
    projection[0].weight = 0.123
    sim.run(20.0)
    sim.reset()
    assert projection[0].weight == 0.123 and projection[1].weight == 1.0


def paired(dependence, receptor="excitatory", weight=0.5):
    """Weight after one potentiation and one depression, each of 0.1 of the range times a distance."""
    sim.setup(timestep=0.1, min_delay=0.1)
    sources = sim.Population(1, sim.SpikeSourceArray(spike_times=[10.0, 150.0]))
    force = sim.Population(1, sim.SpikeSourceArray(spike_times=[10.9, 149.0]))
    cell = sim.Population(1, sim.IF_curr_delta(tau_refrac=0.1))
    sim.Projection(force, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=100.0, delay=0.1), receptor_type="excitatory")
    rule = sim.SpikePairRule(tau_plus=1e9, tau_minus=1e9, A_plus=0.1, A_minus=0.1)
    synapse = sim.STDPMechanism(rule, dependence, weight=weight, delay=0.1, dendritic_delay_fraction=0.0)
    projection = sim.Projection(sources, cell, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    cell.record("spikes")
    sim.run(12.0)
    first = projection[0].weight
    sim.run(150.0)
    assert len(cell.spikes()[0]) == 2
    return first, projection[0].weight


def after_two_potentiations_and_two_depressions(w, plus, minus):
    first = w + 0.1 * plus(w)
    second = first + 0.1 * plus(first)
    return first, second - 2 * 0.1 * minus(second)


def constant(_w):
    return 1.0


def room_below(w):
    return w


def room_above(w):
    return 1.0 - w


DEPENDENCES = {
    "additive": (lambda **limits: sim.AdditiveWeightDependence(**limits), constant, constant),
    "multiplicative": (lambda **limits: sim.MultiplicativeWeightDependence(**limits), room_above, room_below),
    "mixed": (lambda **limits: sim.AdditivePotentiationMultiplicativeDepression(**limits), constant, room_below),
    "gutig": (
        lambda **limits: sim.GutigWeightDependence(mu_plus=0.4, mu_minus=0.2, **limits),
        lambda w: (1.0 - w) ** 0.4,
        lambda w: w**0.2,
    ),
}


@pytest.mark.parametrize("name", DEPENDENCES)
def test_weight_dependence_is_the_one_asked_for(name):
    dependence, plus, minus = DEPENDENCES[name]
    expected = after_two_potentiations_and_two_depressions(0.5, plus, minus)
    assert paired(dependence(w_min=0.0, w_max=1.0)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", DEPENDENCES)
def test_negative_weights_learn_as_positive_ones_do(name):
    dependence, plus, minus = DEPENDENCES[name]
    expected = [-w for w in after_two_potentiations_and_two_depressions(0.5, plus, minus)]
    assert paired(dependence(w_min=0.0, w_max=-1.0), "inhibitory", -0.5) == pytest.approx(expected, rel=1e-6)


def test_largest_weight_of_the_wrong_sign_is_refused():
    with pytest.raises(sim.errors.ConnectionError, match="differ in sign"):
        paired(sim.AdditiveWeightDependence(w_min=0.0, w_max=1.0), "inhibitory", -0.5)


@pytest.mark.parametrize(("sign", "receptor"), [(1.0, "excitatory"), (-1.0, "inhibitory")])
def test_power_law_is_the_one_of_its_equations(sign, receptor):
    found = paired(sim.PowerLawWeightDependence(w_0=0.2 * sign, mu_plus=0.4), receptor, 0.5 * sign)
    expected = after_two_potentiations_and_two_depressions(0.5, lambda w: 0.2 * (w / 0.2) ** 0.4, room_below)
    assert found == pytest.approx([sign * w for w in expected], rel=1e-6)


def test_reference_weight_of_a_power_law_is_checked():
    with pytest.raises(sim.errors.InvalidParameterValueError, match="w_0 is 0; weights are measured in it"):
        sim.PowerLawWeightDependence(w_0=0.0)
    with pytest.raises(sim.errors.ConnectionError, match=r"the weight -0.5 and w_0 \(0.2\) differ in sign"):
        paired(sim.PowerLawWeightDependence(w_0=0.2), "inhibitory", -0.5)
