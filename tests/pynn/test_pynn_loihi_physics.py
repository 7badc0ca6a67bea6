"""Neurons on Loihi beside ideal ones: where potentials go, how far they reach, what is told of the rest."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import neurosim.pynn as sim
from neurosim.errors import LossWarning

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")


def run(chip, cell, *, ms=400.0, dt=0.1, weight=None, times=(50.0,), record=("v",), receptor="excitatory", initial=None, **options):
    """One cell and what it recorded, by name, with spike times under ``"spikes"``."""
    sim.setup(timestep=dt, min_delay=dt, chip=chip, rng_seed=1, **(options if chip else {}))
    cells = sim.Population(1, cell)
    if initial is not None:
        cells.initialize(v=initial)
    if weight is not None:
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=list(times)))
        sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight, delay=dt), receptor_type=receptor)
    cells.record(("spikes", *record))
    sim.run(ms)
    segment = cells.get_data().segments[0]
    found = {signal.name: np.asarray(signal).ravel() for signal in segment.analogsignals}
    return found | {"spikes": np.asarray(segment.spiketrains[0])}


def losses(what):
    return [loss for loss in sim.losses() if loss.what == what]


@pytest.mark.parametrize("tau_m", [0.03, 7.3, 20.0, 30.0])
def test_a_current_moves_the_potential_as_far_as_without_a_chip(tau_m):
    cell = sim.IF_curr_exp(tau_m=tau_m, cm=0.05 * tau_m, i_offset=0.6)
    ideal, chip = run(None, cell)["v"], run("loihi", cell)["v"]
    assert ideal[-1] == pytest.approx(-53.0, abs=0.001)
    assert chip[-1] == pytest.approx(-53.0, abs=0.005)
    (loss,) = losses("cm")
    assert (loss.kind, loss.unit) == ("rounded", "nF") and loss.error_max > 0


def test_where_time_constants_are_clipped_the_capacitance_stays():
    cell = sim.IF_curr_exp(tau_m=1e5, cm=1.0)
    chip = run("loihi", cell, weight=1.0, ms=70.0)["v"]
    assert not losses("cm")
    assert chip[-1] - chip[0] == pytest.approx(run(None, cell, weight=1.0, ms=70.0)["v"][-1] - chip[0], rel=0.05)


@pytest.mark.parametrize(
    "values",
    [{"i_offset": -2.0}, {"v_rest": -65.0, "v_reset": -50.0, "v_thresh": -45.0}, {"v_rest": -90.0, "v_thresh": -60.0, "i_offset": -0.5}],
)
def test_potentials_rest_as_far_below_the_reset_as_they_should(values):
    cell = sim.IF_curr_exp(**values)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "potentials would have fallen")
        chip = run("loihi", cell)["v"]
    assert np.abs(chip - run(None, cell)["v"]).max() < 0.5
    assert chip[-1] == pytest.approx(run(None, cell)["v"][-1], abs=0.01)


def test_potentials_that_end_at_their_register_are_told():
    with pytest.warns(LossWarning, match="fallen below the lowest of their registers .* times so far and stayed there"):
        chip = run("loihi", sim.IF_curr_exp(), weight=-5.0, times=range(50, 80, 2), receptor="inhibitory", ms=100.0)["v"]
    assert chip.min() < -80.0
