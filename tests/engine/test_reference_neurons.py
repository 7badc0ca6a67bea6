"""Single neurons through the whole engine against tight-tolerance solutions with exact crossings."""

from __future__ import annotations

import numpy as np
import pytest

from engine_networks import connect, network, pairs, record, spikes_at
from neurosim.engine import Simulation
from neurosim.network import Population, Receptor
from reference_neurons import NAMES, SETS, cell, model, receptors, weights

#: Largest error of a spike time in ms. Measured are 3.5e-7, 2.5e-7 and 8.5e-8, as the README tells.
TOLERANCE_MS = 1e-6


def simulate(kind, entry):
    sides = zip(("excitatory", "inhibitory"), receptors(kind, entry), strict=True)
    ends = tuple(Receptor(side, shape, values) for side, (shape, values) in sides)
    neuron = Population(2, "cell", 1, model(kind), cell(kind, entry), ends, {"v": entry["V_init"]})
    sources = [spikes_at(0, entry["exc"]["times"]), spikes_at(1, entry["inh"]["times"])]
    nets = [
        connect(n, sources[n], neuron, pairs([0], [0]), weight, entry["delay"], receptor=ends[n].name)
        for n, weight in enumerate(weights(kind, entry))
    ]
    simulation = Simulation(network([*sources, neuron], nets, record(neuron, "spikes")))
    simulation.run_until(entry["t_sim"])
    return simulation.spikes(2)[1]


@pytest.mark.parametrize(("kind", "entry"), SETS, ids=NAMES)
def test_spike_times_are_those_of_the_exact_solution(kind, entry):
    times = simulate(kind, entry)
    assert len(times) == len(entry["exact"])
    np.testing.assert_allclose(times, entry["exact"], atol=TOLERANCE_MS, rtol=0)
