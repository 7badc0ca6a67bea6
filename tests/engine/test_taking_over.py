"""Changes of a network between runs are taken over whole or not at all; processes may fork."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import neurosim.pynn as sim
from neurosim.engine import Simulation
from neurosim.errors import LossWarning, MemoryLimitError, NumericalError


def _network() -> tuple[Any, Any]:
    sim.setup(timestep=0.1, max_memory=0.02)
    cells = sim.Population(100, sim.IF_curr_exp(i_offset=0.4))
    cells.record("spikes")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[30.0]))
    sim.run(20.0)
    return cells, sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=50.0, delay=1.0))


def _times(cells: Any) -> np.ndarray:
    return np.concatenate([np.asarray(train) for train in cells.get_data("spikes").segments[0].spiketrains])


def test_a_change_that_was_refused_is_refused_again_and_changes_nothing() -> None:
    cells, projection = _network()
    sim.Projection(cells, sim.Population(50_000, sim.IF_curr_exp()), sim.AllToAllConnector(), sim.StaticSynapse())
    for _ in range(2):
        with pytest.raises(MemoryLimitError, match="the network needs about"):
            sim.run(20.0)
    assert sim.get_current_time() == 20.0
    assert projection.size() == 100


@pytest.mark.parametrize("place", ["_sample_now", "_assemble"])
def test_an_interrupted_change_is_made_at_the_next_run(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    cells, _ = _network()
    sim.run(20.0)
    expected = _times(cells)
    cells, _ = _network()
    with monkeypatch.context() as patch:
        patch.setattr(Simulation, place, _interrupt)
        with pytest.raises(KeyboardInterrupt):
            sim.run(20.0)
    sim.run(20.0)
    assert np.array_equal(_times(cells), expected)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.skipif(not hasattr(sys, "getdlopenflags"), reason="processes cannot fork on this system")
def test_a_forked_process_goes_on_with_threads_of_its_own() -> None:
    script = """
import os, neurosim as sim
sim.setup(timestep=0.1, threads=2)
p = sim.Population(10, sim.IF_curr_exp(i_offset=1.0))
sim.run(50)
child = os.fork()
sim.run(50)
os.write(1, f"{sim.get_current_time()}\\n".encode())  # whole: two processes write
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["100.0", "100.0"]


def test_a_cell_that_fires_too_often_in_a_step_is_warned_of() -> None:
    sim.setup(timestep=0.1)
    fast = {"i_offset": 5000.0, "cm": 1.0, "v_rest": -65.0, "v_reset": -70.0, "v_thresh": -55.0, "tau_refrac": 0.0}
    sim.Population(1, sim.IF_curr_exp(**fast)).record("spikes")
    with pytest.warns(LossWarning, match="a cell fired more than 16 times in a step of 0.1 ms; further spikes of that step are lost"):
        sim.run(5.0)


def test_ten_spikes_in_a_step_are_all_there() -> None:
    sim.setup(timestep=1.0)
    fast = {"i_offset": 500.0, "tau_m": 20.0, "cm": 1.0, "v_rest": -65.0, "v_reset": -70.0, "v_thresh": -55.0, "tau_refrac": 0.05}
    cell = sim.Population(1, sim.IF_curr_exp(**fast))
    cell.record("spikes")
    sim.run(20.0)
    interval = 0.05 + 20.0 * np.log((-70.0 + 65.0 - 1e4) / (-55.0 + 65.0 - 1e4))  # closed form; the first one starts at rest
    first = 20.0 * np.log(1e4 / (1e4 - 10.0))
    assert cell.mean_spike_count() == 1 + int((20.0 - first) / interval)


def test_a_membrane_that_is_no_number_any_more_ends_the_run() -> None:
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]))
    cells = sim.Population(3, sim.IF_cond_exp(), label="burnt")
    cells.record("v")
    sim.Projection(source, cells[1:], sim.AllToAllConnector(), sim.StaticSynapse(weight=1e30, delay=1.0))
    with pytest.raises(
        NumericalError, match=r"'burnt' at .* ms: the membrane potential of 2 of 3 cells is no number any more, first of cell 1"
    ):
        sim.run(10.0)
