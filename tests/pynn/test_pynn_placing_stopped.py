"""Ctrl-C while a network is placed: nothing is lost, and the next run places anew."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import neurosim as sim
from neurosim.mapping import pipeline
from neurosim.pynn import simulator

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")


def build(**options):
    """Two populations on one Loihi chip."""
    sim.setup(timestep=1.0, chip="loihi", rng_seed=3, **options)
    exc = sim.Population(1500, sim.IF_curr_exp(i_offset=4.0), label="exc")
    inh = sim.Population(200, sim.IF_curr_exp(), label="inh")
    sim.Projection(exc, inh, sim.FixedProbabilityConnector(0.05), sim.StaticSynapse(weight=0.1, delay=1.0))
    exc.record("spikes")
    return exc, inh


def pressed(*_: object) -> None:
    """What Ctrl-C does, in the middle of placing."""
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("stage", ["table_of", "connect", "locate", "route"])
@pytest.mark.parametrize("ask", [lambda: sim.run(20.0), sim.mapping], ids=["run", "mapping"])
def test_a_network_survives_ctrl_c_while_it_is_placed(monkeypatch, stage, ask):
    exc, _ = build()
    sim.run(20.0)
    cores, n_spikes = sim.mapping().core_of, exc.mean_spike_count()
    exc, _ = build(progress=True)
    monkeypatch.setattr(pipeline, stage, pressed)
    with pytest.raises(KeyboardInterrupt):
        ask()
    assert simulator.state.session is None and sim.get_current_time() == 0.0
    monkeypatch.undo()
    sim.run(20.0)
    assert all(map(np.array_equal, sim.mapping().core_of, cores))
    assert exc.mean_spike_count() == n_spikes > 0


def test_ctrl_c_while_a_grown_network_is_placed_keeps_what_ran(monkeypatch):
    exc, _ = build()
    sim.run(20.0)
    n_spikes = exc.mean_spike_count()
    more = sim.Population(50, sim.IF_curr_exp(), label="more")
    monkeypatch.setattr(pipeline, "route", pressed)
    with pytest.raises(KeyboardInterrupt):
        sim.run(20.0)
    assert (exc.mean_spike_count(), sim.get_current_time()) == (n_spikes, 20.0)
    monkeypatch.undo()
    sim.run(20.0)
    assert sim.get_current_time() == 40.0 and exc.mean_spike_count() > n_spikes
    assert len(sim.mapping().where(more)) == 50
