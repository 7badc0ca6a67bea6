"""A neuron's spikes do not depend on how a run is cut up, nor on what other groups of neurons receive."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as sim

FAST = {"tau_m": 10.0, "tau_refrac": 2.0, "tau_syn_E": 0.5, "tau_syn_I": 0.7, "cm": 0.25}


def spikes_of(kind: str, precision: str, *, pieces: int = 1, amplitude: float = 0.0) -> np.ndarray:
    """Spikes of cells with input of both signs, next to a group of another kind that gets a current."""
    signs = {"excitatory": 1.0, "inhibitory": -1.0 if kind == "IF_curr_exp" else 1.0}
    weight = 0.2 if kind == "IF_curr_exp" else 0.008
    sim.setup(timestep=0.1, precision=precision)
    others = sim.Population(20, sim.EIF_cond_exp_isfa_ista())
    sim.DCSource(amplitude=amplitude).inject_into(others)
    cells, sources = sim.Population(60, getattr(sim, kind)(**FAST)), sim.Population(60, sim.SpikeSourcePoisson(rate=6000.0))
    for receptor, sign in signs.items():
        connector = sim.FixedNumberPreConnector(3, rng=sim.NumpyRNG(seed=5))
        share = weight if receptor == "excitatory" else 0.3 * weight
        sim.Projection(sources, cells, connector, sim.StaticSynapse(weight=sign * share, delay=1.0), receptor_type=receptor)
    cells.record("spikes")
    for _ in range(pieces):
        sim.run(60.0 / pieces)
    return np.concatenate([np.asarray(train.magnitude) for train in cells.get_data().segments[0].spiketrains])


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["IF_curr_exp", "IF_cond_exp"])
def test_pieces_of_a_run_give_the_spikes_of_the_whole(kind: str, precision: str) -> None:
    whole = spikes_of(kind, precision)
    assert len(whole) > 100
    np.testing.assert_array_equal(spikes_of(kind, precision, pieces=60), whole)


@pytest.mark.parametrize("kind", ["IF_curr_exp", "IF_cond_exp"])
def test_a_current_into_one_group_leaves_the_others_alone(kind: str) -> None:
    np.testing.assert_array_equal(spikes_of(kind, "float64", amplitude=3.0), spikes_of(kind, "float64"))
