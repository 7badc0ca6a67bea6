"""Saved states of PyNN scripts: another process continues them, files of something else are refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim.pynn as backend
from neurosim.engine import state_file
from neurosim.errors import ParameterError, StateError, StateFileError
from neurosim.pynn import simulator

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


def small(sim: Any, **changed: Any) -> dict[str, Any]:
    """A small network, with something of it changed."""
    options = {"timestep": 0.1, "rng_seed": 3, "size": 10, "tau_m": 20.0, "weight": 0.5, "p": 0.5, "amplitude": 0.9, "n": 1, **changed}
    sim.setup(**{k: options[k] for k in ("timestep", "rng_seed", "threads", "precision", "chip", "record_to") if k in options})
    cells = sim.Population(options["size"], sim.IF_curr_exp(tau_m=options["tau_m"]), label="cells")
    drive = sim.Population(10, sim.SpikeSourcePoisson(rate=options.get("rate", 100.0)), label="drive")
    connector = options.get("connector") or sim.FixedProbabilityConnector(options["p"])
    synapse = sim.StaticSynapse(weight=options["weight"], delay=1.0)
    nets = [sim.Projection(drive, cells, connector, synapse, label="link") for _ in range(options["n"])]
    current = sim.DCSource(amplitude=options["amplitude"])
    current.inject_into(cells)
    cells.record(["spikes", "v"])
    return {"cells": cells, "drive": drive, "nets": nets, "current": current}


def spikes(population: Any) -> list[list[float]]:
    return [np.asarray(train).tolist() for train in population.get_data("spikes").segments[-1].spiketrains]


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


# --- refusals -------------------------------------------------------------------------------------
OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "size": ({"size": 11}, r"Population 'cells': 'size' is 11 here and 10 in the file"),
    "parameter": ({"tau_m": 10.0}, r"Population 'cells': 'tau_m' is 10\.0 here and 20\.0 in the file"),
    "source": ({"rate": 50.0}, r"Population 'drive': 'rate' is 50\.0 here and 100\.0 in the file"),
    "weight": ({"weight": 0.4}, r"Projection 'link': 'weight' is 0\.4 here and 0\.5 in the file"),
    "probability": ({"p": 0.4}, r"Projection 'link': 'rule' is not what it was"),
    "rule": ({"connector": backend.AllToAllConnector()}, r"Projection 'link': 'rule' is not what it was"),
    "projections": ({"n": 2}, r"there are 2 projections here and 1 in the file"),
    "current": ({"amplitude": 1.0}, r"Current 'dc': 'amplitude' is 1\.0 here and 0\.9 in the file"),
    "seed": ({"rng_seed": 4}, r"'seed' is 4 here and 3 in the file\. And \d+ more differences"),
    "timestep": ({"timestep": 0.2}, r"'timestep' is 0\.2 here and 0\.1 in the file"),
    "precision": ({"precision": "float32"}, r"'precision' is float32 here and float64 in the file"),
    "chip": ({"chip": "spinnaker"}, r"'chip' is spinnaker here and ideal in the file"),
}


@pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")
@pytest.mark.parametrize("case", OTHERS)
def test_a_state_of_another_network_is_refused_with_what_differs(case: str, sim: Any, saved: Path) -> None:
    changed, text = OTHERS[case]
    parts = small(sim, **changed)
    sim.run(5.0)
    before = spikes(parts["cells"])
    with pytest.raises(StateFileError, match=rf"State file '.*small.state': belongs to another simulation: {text}") as caught:
        sim.load_state(saved)
    assert "Build the network and set parameters as they were" in caught.value.remedy
    assert caught.value.used != caught.value.limit
    assert sim.get_current_time() == 5.0
    assert spikes(parts["cells"]) == before


def test_functions_and_strings_of_the_distance_are_compared(sim: Any, tmp_path: Path) -> None:
    def net(rule: Any) -> None:
        sim.setup(timestep=0.1, rng_seed=1)
        cells = sim.Population(12, sim.IF_curr_exp())
        sim.Projection(cells, cells, sim.DistanceDependentProbabilityConnector(rule), sim.StaticSynapse(weight=0.1), label="d")

    net("exp(-d/3.0)")
    sim.save_state(tmp_path / "a.state")
    net("exp(-d/3.0)")
    sim.load_state(tmp_path / "a.state")
    net("exp(-d/4.0)")
    with pytest.raises(StateFileError, match="Projection 'd': 'rule' is not what it was"):
        sim.load_state(tmp_path / "a.state")


def test_a_driving_source_that_is_recorded_now_is_refused(sim: Any, tmp_path: Path) -> None:
    def net(recorded: bool) -> Any:
        sim.setup(timestep=0.1, rng_seed=1)
        cells, drive = sim.Population(10, sim.IF_curr_exp()), sim.Population(10, sim.SpikeSourcePoisson(rate=900.0), label="drive")
        sim.Projection(drive, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=1.0))
        cells.record("spikes")
        drive.record("spikes" if recorded else None)
        return cells, drive

    for first in (False, True):
        net(first)
        sim.run(10.0)
        sim.save_state(tmp_path / f"{first}.state")
        sim.run(10.0)
    whole = spikes(simulator.state.populations[0])
    net(True)
    with pytest.raises(StateFileError, match="Population 'drive': its spikes were not recorded"):
        sim.load_state(tmp_path / "False.state")
    cells, _ = net(False)  # the other way round it goes on as if recorded
    sim.load_state(tmp_path / "True.state")
    sim.run(10.0)
    assert spikes(cells) == whole


def edited(path: Path, **changes: Any) -> Path:
    """A copy of a state file with another manifest; arrays whose new value is ``None`` are left out."""
    with np.load(path) as file:
        arrays = dict(file)
    manifest = json.loads(arrays.pop("manifest").tobytes())
    for name, value in changes.items():
        if name in arrays and value is None:
            del arrays[name]
        elif name in arrays:
            arrays[name] = value
        else:
            manifest[name] = value
    out = path.with_name("edited.state")
    np.savez(out, manifest=np.frombuffer(json.dumps(manifest).encode(), np.uint8), **arrays)
    return Path(shutil.move(out.with_name(out.name + ".npz"), out))


BAD: dict[str, tuple[Any, str]] = {
    "missing": (lambda path: path.with_name("none.state"), "there is no such file. Check the path"),
    "folder": (lambda path: path.parent, "is a folder. Give the name of a file"),
    "text": (lambda path: changed_bytes(path, lambda _: b"hello"), "is not a state file. Give a file that save_state"),
    "empty": (lambda path: changed_bytes(path, lambda _: b""), "is not a state file"),
    "truncated": (
        lambda path: changed_bytes(path, lambda data: data[: len(data) // 2]),
        "is damaged or incomplete (File is not a zip file)",
    ),
    "flipped": (lambda path: changed_bytes(path, flipped), "is damaged or incomplete (Bad CRC-32"),
    "other archive": (lambda path: other_archive(path), "is not a state file"),
    "other format": (lambda path: edited(path, format="something"), "is not a state file"),
    "version": (lambda path: edited(path, version=99), "has format version 99, this release of neurosim reads version 1. Load it with"),
    "no array": (lambda path: edited(path, **{"cells/0/state": None}), "is incomplete or was edited: 'cells/0/state' is missing"),
    "shape": (lambda path: edited(path, **{"cells/0/state": np.zeros(3)}), "'cells/0/state' has type float64 and shape (3,)"),
    "type": (lambda path: edited(path, **{"cells/0/counts": np.zeros(10)}), "'cells/0/counts' has type float64"),
    "spikes": (lambda path: edited(path, **{"spikes/cell": np.arange(3)}), "there are spikes of cells that do not exist"),
    "time": (lambda path: edited(path, step=None), "is incomplete or was edited"),
    "recordings": (lambda path: edited(path, recorded=[{}]), "is incomplete or was edited"),
    "objects": (lambda path: pickled(path), "is damaged or incomplete"),
}


def changed_bytes(path: Path, change: Any) -> Path:
    out = path.with_name("changed.state")
    out.write_bytes(change(path.read_bytes()))
    return out


def flipped(data: bytes) -> bytes:
    at = data.index(b"cells/0/state.npy") + 400
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def other_archive(path: Path) -> Path:
    out = path.with_name("other.npz")
    np.savez(out, a=np.arange(3))
    return out


def pickled(path: Path) -> Path:
    out = path.with_name("pickled.state")
    shutil.copy(path, out)
    with zipfile.ZipFile(out, "a") as archive, archive.open("extra.npy", "w") as entry:
        np.lib.format.write_array(entry, np.array([{}], dtype=object))
    return out


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_used_is_refused(case: str, sim: Any, saved: Path) -> None:
    make, text = BAD[case]
    path = make(saved)
    parts = small(sim)
    sim.run(5.0)
    before = spikes(parts["cells"])
    with pytest.raises(StateFileError) as caught:
        sim.load_state(path)
    assert f"State file '{path}': " in str(caught.value)
    assert text in str(caught.value)
    assert caught.value.remedy
    assert sim.get_current_time() == 5.0
    sim.run(5.0)
    assert [train[: len(b)] for train, b in zip(spikes(parts["cells"]), before, strict=True)] == before


def test_a_state_of_another_release_gives_a_warning(sim: Any, saved: Path) -> None:
    small(sim)
    with pytest.warns(UserWarning, match=r"was written by neurosim 0\.0\.7, this is .*: the run may not go on bit for bit"):
        assert sim.load_state(edited(saved, neurosim="0.0.7")) == 20.0


def test_a_file_that_cannot_be_written_is_an_error(sim: Any, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(StateFileError, match=r"State file '.*none/a.state': cannot be written: no such file or directory\. Give a file in"):
        sim.save_state(tmp_path / "none" / "a.state")
    with pytest.raises(StateFileError, match="is a folder"):
        sim.save_state(tmp_path)
    with pytest.raises(ParameterError, match=r"State file: 3 is not a file name\. For example 'run\.state'"):
        sim.save_state(3)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_earlier_file_survives_a_save_that_is_interrupted(fault: BaseException, sim: Any, saved: Path, monkeypatch: Any) -> None:
    before = saved.read_bytes()
    write_array, written = np.lib.format.write_array, []

    def interrupted(*args: Any, **options: Any) -> None:
        if len(written) == 4:
            raise fault
        written.append(write_array(*args, **options))

    sim.run(5.0)
    monkeypatch.setattr(state_file.np.lib.format, "write_array", interrupted)
    expected = StateFileError if isinstance(fault, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match="cannot be written: no space left on device" if isinstance(fault, OSError) else None):
        sim.save_state(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_link_stays_a_link(sim: Any, saved: Path) -> None:
    link = saved.with_name("link.state")
    link.symlink_to(saved.name)
    sim.run(5.0)
    sim.save_state(link)
    assert link.is_symlink()
    small(sim)
    assert sim.load_state(saved) == 25.0


@pytest.mark.parametrize("name", ["save_state", "load_state"])
def test_a_state_needs_a_set_up(name: str, sim: Any, tmp_path: Path) -> None:
    simulator.state.clear()
    with pytest.raises(StateError, match=rf"{name}\(\) needs a simulation that was set up"):
        getattr(sim, name)(tmp_path / "a.state")


# --- threads ---------------------------------------------------------------------------------------
def test_more_threads_than_cores_give_a_warning_and_far_more_an_error(sim: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("neurosim.machine.cores", lambda: 2)
    with pytest.warns(
        UserWarning, match=r"threads=3, but this process may use 2 cores; more only make a run slower\. Use threads=2"
    ) as seen:
        sim.setup(threads=3)
    assert seen[0].filename == __file__
    with pytest.raises(ParameterError, match=r"setup\(\): the number of threads is 1,000; it must be 1 to 16 with the 2 cores") as caught:
        sim.setup(threads=1000)
    assert (caught.value.used, caught.value.limit) == (1000, 16)
    assert caught.value.remedy == "Use threads=2; results do not depend on it."
    sim.setup(threads=2)
