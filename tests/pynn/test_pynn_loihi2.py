"""Scripts on Loihi 2: programs of several kinds side by side, that learn, and go on from a saved state."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as sim

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.losses.LossWarning")


def build():
    sim.setup(timestep=0.1, chip="loihi2", approximate=["all"], rng_seed=1)
    drive = sim.Population(40, sim.SpikeSourcePoisson(rate=40.0))
    adex = sim.Population(5, sim.EIF_cond_exp_isfa_ista(tau_refrac=2.0))
    quadratic = sim.Population(5, sim.Izhikevich(i_offset=0.006))
    pairs = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.01, A_minus=0.012)
    bounds = sim.AdditiveWeightDependence(w_min=0.0, w_max=0.03)
    rule = sim.STDPMechanism(timing_dependence=pairs, weight_dependence=bounds, weight=0.015, delay=1.0)
    learning = sim.Projection(drive, adex, sim.AllToAllConnector(), rule, receptor_type="excitatory")
    sim.Projection(adex, quadratic, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=2.0), receptor_type="excitatory")
    for cells in (adex, quadratic):
        cells.record("spikes")
    return adex, quadratic, learning


def late_spikes(cells, after):
    times = np.sort(np.concatenate([np.asarray(train) for train in cells.get_data().segments[0].spiketrains]))
    return times[times > after].tolist()


def test_programs_learn_and_go_on_from_a_saved_state(tmp_path):
    adex, quadratic, learning = build()
    sim.run(200.0)
    whole = [late_spikes(cells, 100.0) for cells in (adex, quadratic)]
    assert min(map(len, whole)) > 5
    assert np.ptp(learning.get("weight", format="array")) > 0
    sim.end()
    build()
    sim.run(100.0)
    sim.save_state(tmp_path / "state")
    sim.end()
    adex, quadratic, _ = build()
    sim.load_state(tmp_path / "state")
    sim.run(100.0)
    assert [late_spikes(cells, 100.0) for cells in (adex, quadratic)] == whole
    sim.end()
