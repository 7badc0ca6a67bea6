"""Saved states of PyNN scripts: another process, or the same one, continues them exactly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.pynn import simulator
from small_script import small, spikes

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys, warnings
import numpy as np
warnings.simplefilter("ignore")
import neurosim as sim

chip, first, last, state, out, threads = sys.argv[1:]
sim.setup(timestep=0.1, rng_seed=5, chip=chip, approximate="all", threads=int(threads))
noise = sim.Population(40, sim.SpikeSourcePoisson(rate=60.0), label="noise")
exc = sim.Population(80, sim.IF_cond_exp(tau_refrac=2.0, i_offset=0.3), label="exc")
inh = sim.Population(20, sim.IF_cond_exp(tau_refrac=2.0, i_offset=0.3), label="inh")
exc.initialize(v=sim.RandomDistribution("uniform", low=-65.0, high=-50.0))
static = sim.StaticSynapse(weight=0.01, delay=sim.RandomDistribution("uniform", low=0.5, high=5.0))
sim.Projection(noise, exc, sim.FixedProbabilityConnector(0.3), static)
sim.Projection(noise, inh, sim.FixedProbabilityConnector(0.3), static)
sim.Projection(inh, exc, sim.FixedProbabilityConnector(0.3), static, receptor_type="inhibitory")
pair = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.02, A_minus=0.02)
stdp = sim.STDPMechanism(timing_dependence=pair, weight_dependence=sim.AdditiveWeightDependence(w_max=0.02), weight=0.008, delay=1.0)
learning = sim.Projection(exc, inh, sim.FixedProbabilityConnector(0.4), stdp)
exc.record(["spikes", "v"], sampling_interval=1.0)
inh.record("spikes")

if first != "0":
    sim.run(float(first))
    sim.save_state(state)
elif state != "none":
    print(sim.load_state(state))
sim.run_until(float(last))
segment = exc.get_data().segments[0]
spikes = [np.asarray(train) for cells in (exc, inh) for train in cells.get_data("spikes").segments[0].spiketrains]
np.savez(out, *spikes, v=np.asarray(segment.analogsignals[0]), t=np.asarray(segment.analogsignals[0].times.rescale("ms")),
         w=learning.get("weight", format="array"), now=sim.get_current_time())
"""


def script(tmp_path: Path, *arguments: object) -> dict[str, np.ndarray]:
    path, out = tmp_path / "script.py", tmp_path / "out.npz"
    path.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(path), *map(str, (*arguments[:4], out, arguments[4]))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=300)
    assert done.returncode == 0, done.stderr
    with np.load(out) as found:
        return dict(found)


@pytest.mark.slow
@pytest.mark.parametrize("chip", ["ideal", "hicann", "spinnaker", "loihi"])
def test_another_process_continues_a_script(chip: str, tmp_path: Path) -> None:
    state = tmp_path / "run.state"
    whole = script(tmp_path, chip, 60, 120, state, 2)
    continued = script(tmp_path, chip, 0, 120, state, 1)
    straight = script(tmp_path, chip, 0, 120, "none", 1)
    assert sum(len(train) for name, train in whole.items() if name.startswith("arr")) > 100
    for name, values in whole.items():
        np.testing.assert_array_equal(values, continued[name], err_msg=name)
        np.testing.assert_array_equal(values, straight[name], err_msg=name)


@pytest.fixture
def saved(sim: Any, tmp_path: Path) -> Path:
    """State of the small network after 20 ms."""
    small(sim)
    sim.run(20.0)
    path = tmp_path / "small.state"
    sim.save_state(path)
    return path


def test_time_recordings_and_what_follows_are_those_of_the_saved_run(sim: Any, saved: Path) -> None:
    sim.run(30.0)
    parts = simulator.state.populations
    whole, v = spikes(parts[0]), np.asarray(parts[0].get_data("v").segments[0].analogsignals[0])
    parts = small(sim, threads=2)
    assert sim.load_state(saved) == 20.0
    assert sim.get_current_time() == 20.0
    assert len(parts["cells"].get_data("v").segments[0].analogsignals[0]) == 201  # of before
    sim.run(30.0)
    assert sim.get_current_time() == 50.0
    assert spikes(parts["cells"]) == whole
    assert sum(map(len, whole)) > 5
    np.testing.assert_array_equal(np.asarray(parts["cells"].get_data("v").segments[0].analogsignals[0]), v)


def test_changes_that_no_run_has_seen_are_saved_too(sim: Any, tmp_path: Path) -> None:
    def changed() -> Any:
        parts = small(sim)
        sim.run(20.0)
        parts["cells"].set(tau_m=10.0)
        parts["cells"].initialize(v=-52.0)
        parts["drive"].set(rate=300.0)
        parts["current"].set_parameters(amplitude=1.5) if hasattr(parts["current"], "set_parameters") else None
        return parts

    parts = changed()
    sim.save_state(tmp_path / "a.state")
    sim.run(30.0)
    whole = spikes(parts["cells"])
    parts = small(sim, tau_m=10.0, rate=300.0, amplitude=parts["current"].get_parameters()["amplitude"])
    sim.load_state(tmp_path / "a.state")
    sim.run(30.0)
    assert spikes(parts["cells"]) == whole


def test_parameters_change_after_loading_as_they_would_have_then(sim: Any, saved: Path) -> None:
    simulator.state.populations[0].set(i_offset=2.0)
    sim.run(20.0)
    whole = spikes(simulator.state.populations[0])
    parts = small(sim)
    sim.load_state(saved)
    parts["cells"].set(i_offset=2.0)
    sim.run(20.0)
    assert spikes(parts["cells"]) == whole


def test_weights_read_after_going_back_are_those_of_then(sim: Any, tmp_path: Path) -> None:
    sim.setup(timestep=0.1, rng_seed=2)
    pre, post = sim.Population(5, sim.SpikeSourcePoisson(rate=200.0)), sim.Population(5, sim.IF_curr_exp(i_offset=1.0))
    rule = sim.SpikePairRule(A_plus=0.1, A_minus=0.1)
    stdp = sim.STDPMechanism(timing_dependence=rule, weight_dependence=sim.AdditiveWeightDependence(w_max=2.0), weight=1.0, delay=1.0)
    net = sim.Projection(pre, post, sim.AllToAllConnector(), stdp)
    sim.run(50.0)
    sim.save_state(tmp_path / "a.state")
    then = net.get("weight", format="array")
    pre.set(rate=400.0)
    sim.run(50.0)
    assert not np.array_equal(net.get("weight", format="array"), then)
    pre.set(rate=200.0)
    sim.load_state(tmp_path / "a.state")
    np.testing.assert_array_equal(net.get("weight", format="array"), then)


def test_reset_after_loading_begins_at_the_beginning(sim: Any, saved: Path) -> None:
    first = spikes(simulator.state.populations[0])
    parts = small(sim)
    sim.load_state(saved)
    sim.reset()
    assert sim.get_current_time() == 0.0
    sim.run(20.0)
    assert spikes(parts["cells"]) == first
    assert len(parts["cells"].get_data().segments) == 2


def test_recordings_that_were_cleared_begin_where_they_began(sim: Any, tmp_path: Path) -> None:
    parts = small(sim)
    sim.run(10.0)
    parts["cells"].get_data(clear=True)
    sim.run(10.0)
    sim.save_state(tmp_path / "a.state")
    expected = [train.t_start for train in parts["cells"].get_data("spikes").segments[-1].spiketrains]
    parts = small(sim)
    sim.load_state(tmp_path / "a.state")
    block = parts["cells"].get_data()
    assert [train.t_start for train in block.segments[-1].spiketrains] == expected
    assert float(expected[0]) == 10.0
    signal = block.segments[-1].analogsignals[0]
    assert float(signal.t_stop) == pytest.approx(20.0, abs=0.11)


def test_what_went_to_a_file_stays_there_and_the_rest_goes_to_the_next(sim: Any, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    small(sim, record_to=tmp_path / "a.h5")
    sim.run(20.0)
    sim.save_state(tmp_path / "a.state")
    parts = small(sim, record_to=tmp_path / "b.h5")
    sim.load_state(tmp_path / "a.state")
    sim.run(10.0)
    assert len(parts["cells"].get_data("v").segments[0].analogsignals[0]) == 100
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        assert list(b) == ["segment000"]
        first, then = a["segment000/cells/v"], b["segment000/cells/v"]
        assert len(first["values"]) == 201
        assert then.attrs["first_ms"] == pytest.approx(20.1)
