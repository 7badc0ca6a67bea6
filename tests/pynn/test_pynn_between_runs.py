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
