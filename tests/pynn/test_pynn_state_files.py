"""State files that cannot be used are refused, and nothing has changed then; threads that are too many."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim.pynn as backend
from neurosim.engine import state_file
from neurosim.errors import ParameterError, StateError, StateFileError
from neurosim.pynn import simulator
from small_script import small, spikes


@pytest.fixture
def saved(sim: Any, tmp_path: Path) -> Path:
    """State of the small network after 20 ms."""
    small(sim)
    sim.run(20.0)
    path = tmp_path / "small.state"
    sim.save_state(path)
    return path


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
    "spikes": (lambda path: edited(path, **{"spikes/cell": np.arange(3)}), "'spikes/step' have different lengths"),
    "about": (lambda path: edited(path, about=[3]), "'about' is [3], no table"),
    "segment": (
        lambda path: edited(path, about={"running": True, "segment": "x", "recording_starts": []}),
        "'about.segment' is 'x', no whole number",
    ),
    "starts": (
        lambda path: edited(path, about={"running": True, "segment": 0, "recording_starts": ["x"]}),
        "'about.recording_starts' has values that are no times",
    ),
    "running": (
        lambda path: edited(path, about={"running": 3, "segment": 0, "recording_starts": []}),
        "'about.running' is 3, neither true nor false",
    ),
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
