"""Learned weights are told in the unit they were given in, also where a chip converts them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import neurosim as sim
from neurosim.errors import LossWarning


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        yield


def learned(receptor, chip, v_rest=-65.0):
    """First and last recorded weights, and the present ones; presynaptic spikes come just before postsynaptic ones."""
    sim.setup(timestep=1.0, min_delay=1.0, chip=chip, approximate=["conductance", "stdp"] if chip else ())
    times = np.arange(10.0, 200.0, 20.0)
    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=times), label="sources")
    force = sim.Population(1, sim.SpikeSourceArray(spike_times=times + 2.0), label="force")
    cells = sim.Population(2, sim.IF_cond_exp(v_rest=v_rest, v_reset=-66.0, v_thresh=-55.0), label="cells")
    sim.Projection(force, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.3, delay=1.0), receptor_type="excitatory")
    rule = sim.SpikePairRule(A_plus=0.1, A_minus=0.01)
    synapse = sim.STDPMechanism(rule, sim.AdditiveWeightDependence(w_min=0.0, w_max=0.02), weight=0.01, delay=1.0)
    projection = sim.Projection(sources, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    projection.record("weight", sampling_interval=10.0)
    sim.run(200.0)
    return projection.get_recorded("weight")[1], projection.get("weight", format="array"), projection


@pytest.mark.parametrize("receptor", ["excitatory", "inhibitory"])
@pytest.mark.parametrize("v_rest", [-65.0, [-65.0, -64.0]])
def test_weights_learned_on_loihi_are_in_microsiemens(receptor, v_rest):
    recorded, present, _ = learned(receptor, "loihi", v_rest)
    np.testing.assert_allclose(recorded[0], 0.01, rtol=0.1)
    assert (present > 0.012).all() and (present <= 0.0225).all()  # potentiated, also where the current is negative
    np.testing.assert_allclose(recorded[-1], present.ravel(), rtol=1e-12)


def test_weights_learned_on_loihi_are_not_converted_twice():
    _, present, projection = learned("excitatory", "loihi")
    projection.set(delay=2.0)
    sim.run(1.0)
    np.testing.assert_allclose(projection.get("weight", format="array"), present, rtol=0.02)
