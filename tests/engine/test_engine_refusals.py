"""Refusals of the engine and of the description that no other test reads."""

from __future__ import annotations

import numpy as np
import pytest

from engine_networks import network, neurons, record, spikes_at
from neurosim.engine import Simulation
from neurosim.engine.currents import check
from neurosim.errors import NetworkError, ParameterError, UnknownNameError
from neurosim.network import Current, Population, Selection


def current(kind, **parameters):
    """A current into no cell."""
    return Current(0, kind, parameters, Selection(()))


def test_a_current_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'amplitude' is not a finite number\. Give finite values"):
        check(current("dc", amplitude=np.nan, start=0.0, stop=10.0))


def test_times_of_a_step_current_rise() -> None:
    with pytest.raises(ParameterError, match=r"the times of a step current are not sorted\. Sort times and amplitudes together"):
        check(current("step", times=np.array([2.0, 1.0]), amplitudes=np.array([0.1, 0.2])))


def test_every_cell_of_a_source_has_a_train() -> None:
    source = Population(0, "drive", 3, "array_source", spike_times=(np.array([1.0]),))
    with pytest.raises(ParameterError, match=r"Population 'drive': has 1 spike trains for 3 cells\. Give one array"):
        Simulation(network([source], probes=record(source, "spikes")))


def test_the_time_step_stays_what_it_was() -> None:
    source = spikes_at(0, [1.0])
    simulation = Simulation(network([source]))
    with pytest.raises(NetworkError, match=r"the time step cannot change while a simulation runs\. Call setup"):
        simulation.update(network([source], dt=0.2))


def test_a_state_that_a_model_has_not_is_refused_with_those_it_has() -> None:
    simulation = Simulation(network([neurons(0, 2, label="exc")]))
    with pytest.raises(UnknownNameError, match=r"Population 'exc': unknown state variable 'w'\. Known: v"):
        simulation.state(0, "w")


def test_a_receptor_that_a_population_has_not_is_refused_with_those_it_has() -> None:
    with pytest.raises(NetworkError, match=r"Population 'exc': has no receptor 'nmda'\. Receptors: 'excitatory', 'inhibitory'"):
        neurons(0, 2, label="exc").receptor_index("nmda")
