"""Recordings that go to a file while a network runs: what is in it, what is lost when a run is killed, what is refused."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim
import neurosim.pynn as backend
from neurosim.engine import memory, record_file, recording
from neurosim.engine.records import Stretch
from neurosim.errors import MemoryLimitError, MissingExtraError, ParameterError, RecordFileError
from neurosim.network import Network, Population
from neurosim.pynn import simulator

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.h5"


@pytest.fixture
def setup(path: Path) -> Iterator[Callable[..., Any]]:
    def begin(record_to: Any = path, **settings: Any) -> Any:
        backend.setup(timestep=0.1, record_to=record_to, **settings)
        return backend

    yield begin
    simulator.state.clear()


def firing(sim: Any, n: int = 3, label: str = "exc") -> Any:
    cells = sim.Population(n, sim.IF_cond_exp(i_offset=[1.0 + 0.5 * i for i in range(n)]), label=label)
    cells.record(["spikes", "v"])
    return cells


def test_the_file_says_all_and_get_data_reads_it_back(setup: Any, path: Path) -> None:
    results = []
    for target in (None, path):
        sim = setup(target, rng_seed=5)
        cells = firing(sim)
        cells[[0, 2]].record("gsyn_inh")
        sim.run(30.0)
        sim.run(70.0)
        results.append((cells.spikes(), cells.get_data().segments[0]))
    with h5py.File(path) as file:
        assert {name: file.attrs[name] for name in ("format", "format_version", "dt_ms", "seed", "precision", "chip")} == {
            "format": "neurosim recordings", "format_version": 1, "dt_ms": 0.1, "seed": 5, "precision": "float64", "chip": "ideal",
        }  # fmt: skip
        assert file.attrs["neurosim_version"] == neurosim.__version__
        group = file["segment000/exc"]
        assert (file["segment000"].attrs["t_stop_ms"], group.attrs["label"], group.attrs["size"]) == (100.0, "exc", 3)
        assert dict(group["v"].attrs) == {"units": "mV", "first_ms": 0.0, "interval_ms": 0.1, "variable": "v"}
        assert (group["gsyn_inh"].attrs["units"], group["gsyn_inh/cells"][:].tolist()) == ("uS", [0, 2])
        ((cells_, times), segment), ((_, _), filed) = results
        assert (group["spikes/cells"][:] == cells_).all()
        assert (group["spikes/times"][:] == times).all()
        assert len(times) > 10
        assert group["spikes/times"].attrs["units"] == "ms"
        assert (group["v/values"][:] == next(s for s in segment.analogsignals if s.name == "v").magnitude).all()
    for ours, theirs in zip(filed.analogsignals, segment.analogsignals, strict=True):
        assert (ours.name, ours.shape, ours.t_start, ours.units) == (theirs.name, theirs.shape, theirs.t_start, theirs.units)
        assert np.array_equal(ours.magnitude, theirs.magnitude)
    assert [t.tolist() for t in filed.spiketrains] == [t.tolist() for t in segment.spiketrains]


def test_clear_and_reset_leave_what_is_in_the_file(setup: Any, path: Path) -> None:
    sim = setup()
    cells, silent = firing(sim, label="a/b"), sim.Population(1, sim.IF_cond_exp(), label="a/b")
    silent.record("spikes")
    sim.run(10.0)
    cells.get_data(clear=True)
    sim.run(5.0)
    assert cells.get_data().segments[0].analogsignals[0].shape == (50, 3)
    sim.reset()
    silent.record("v")
    sim.run(2.0)
    block = cells.get_data()
    assert [s.analogsignals[0].shape for s in block.segments] == [(50, 3), (21, 3)]
    assert cells[1:2].get_data("v").segments[1].analogsignals[0].shape == (21, 1)
    sim.end()
    assert len(cells.get_data().segments) == 2  # read after end()
    with h5py.File(path) as file:
        shapes = {name: file[name].shape for name in ("segment000/a_b (0)/v/values", "segment000/a_b (0)/v_2/values")}
        assert list(shapes.values()) == [(101, 3), (50, 3)]
        assert file["segment000/a_b (0)/v_2"].attrs["first_ms"] == pytest.approx(10.1)
        assert file["segment001/a_b (1)/v/values"].shape == (21, 1)
        assert file["segment000/a_b (1)/spikes/cells"].shape == (0,)


def test_cells_recorded_later_begin_a_group_of_their_own(setup: Any, path: Path) -> None:
    sim = setup()
    cells = sim.Population(4, sim.IF_curr_exp(i_offset=1.0))
    cells[:2].record("v")
    sim.run(1.0)
    cells.record("v")
    sim.run(1.0)
    (signal,) = cells.get_data().segments[0].analogsignals
    assert signal.shape == (21, 4)
    assert np.isnan(signal.magnitude[:11, 2:]).all()
    assert not np.isnan(signal.magnitude[11:]).any()
    with h5py.File(path) as file:
        (group,) = file["segment000"].values()
        assert (group["v/values"].shape, group["v_2/values"].shape) == ((11, 2), (10, 4))


def test_single_precision_takes_half_the_room(path: Path) -> None:
    network, stretch = Network(0.1, 1, (Population(0, "exc", 3, "lif"),)), Stretch(np.arange(3), 0, 1, 0.1)
    stretch.add(np.array([[1.5, 2.5, 0.1]]))
    file = record_file.RecordFile(path, dtype="float32")
    stretch.write(lambda it: file.new_samples(0, network, 0, "v", it))
    file.close()
    out = np.empty((1, 3))
    stretch.read(out)
    assert out.tolist() == [[1.5, 2.5, float(np.float32(0.1))]]
    with h5py.File(path) as opened:
        assert opened["segment000/exc/v/values"].dtype == np.float32


def test_memory_stays_flat(setup: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "CHUNK_BYTES", 100_000)
    sim = setup()
    cells = sim.Population(100, sim.IF_curr_exp(i_offset=1.0))
    cells.record("v")
    most = []
    write = recording.Recordings.write

    def watched(self: Any, *arguments: Any, **keywords: Any) -> None:
        most.append(sum(stretch._buffer.nbytes for record in self.samples.values() for stretch in record._stretches))
        write(self, *arguments, **keywords)

    monkeypatch.setattr(recording.Recordings, "write", watched)
    sim.run(500.0)
    assert len(most) > 20
    assert max(most) <= 250_000  # of 4 MB
    values = cells.get_data().segments[0].analogsignals[0].magnitude
    assert values.shape == (5001, 100)
    assert not np.isnan(values).any()


KILLED = """
import sys
import neurosim as sim
from neurosim.pynn import simulator
sim.setup(timestep=0.1, record_to=sys.argv[1])
cells = sim.Population(50, sim.IF_curr_exp(i_offset=2.0), label="exc")
cells.record(["v", "spikes"])
sim.run(1.0)
simulator.state.session.run_until(1e6, on_chunk=lambda t_ms: print(t_ms, flush=True))
"""


def test_a_killed_run_leaves_a_readable_file(path: Path) -> None:
    seen: list[tuple[float, float]] = []
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not seen or seen[-1][0] < seen[0][0] + 1.0:
            t_ms = float(process.stdout.readline())
            seen.append((time.monotonic(), t_ms))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    with h5py.File(path) as file:
        until = file["segment000"].attrs["t_stop_ms"]
        values, times = file["segment000/exc/v/values"], file["segment000/exc/spikes/times"][:]
        assert until >= max(t_ms for when, t_ms in seen if when < seen[-1][0] - 0.5) > 100.0
        assert len(values) >= round(until / 0.1) + 1
        assert not np.isnan(values[: round(until / 0.1) + 1]).any()
        assert times[-1] > until - 20.0
        assert np.bincount(file["segment000/exc/spikes/cells"][:]).min() > 0


def test_ctrl_c_keeps_what_was_recorded(setup: Any, path: Path) -> None:
    sim = setup()
    cells = firing(sim)
    sim.run(0.1)
    calls = []

    def stop(t_ms: float) -> None:
        calls.append(t_ms)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        simulator.state.session.run_until(1e6, progress=False, on_chunk=stop)
    reached = simulator.state.session.t_ms
    assert calls == [reached]
    with h5py.File(path) as file:
        assert file["segment000"].attrs["t_stop_ms"] == pytest.approx(reached)
        assert len(file["segment000/exc/v/values"]) == round(reached / 0.1) + 1
    assert len(cells.get_data("v").segments[0].analogsignals[0]) == round(reached / 0.1) + 1


def test_no_file_is_ever_replaced_unasked(setup: Any, path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(RecordFileError, match=r"the file exists already. Give another name, move it, or say overwrite=True."):
        setup()
    assert path.read_text() == "precious"
    sim = setup(overwrite=True)
    cells = firing(sim)
    assert path.read_text() == "precious"  # until there is something to write
    sim.run(1.0)
    assert len(cells.get_data("v").segments[0].analogsignals[0]) == 11
    path.unlink()
    sim = setup()
    firing(sim)
    path.write_text("made meanwhile")
    with pytest.raises(RecordFileError, match="exists already"):
        sim.run(1.0)
    assert path.read_text() == "made meanwhile"


def test_a_file_that_cannot_be_made_is_refused_at_once(setup: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecordFileError, match=r"the folder .*nowhere does not exist. Make it first."):
        setup(tmp_path / "nowhere" / "run.h5")
    with pytest.raises(RecordFileError, match=r"is a folder. Give the name of a file."):
        setup(tmp_path)
    with pytest.raises(ParameterError, match=r"7 is not a file name. For example record_to='run.h5'."):
        setup(7)
    with pytest.raises(ParameterError, match="overwrite='yes' is neither True nor False"):
        setup(overwrite="yes")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(RecordFileError, match=r"permission denied. Give a file in a folder you may write to."):
        setup(tmp_path / "run.h5")


def test_without_h5py_the_line_to_type_is_told(setup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"needs the package 'h5py'. pip install 'neurosim-chips\[hdf5\]'"):
        setup()


def test_a_full_disk_loses_nothing(setup: Any, path: Path) -> None:
    sim = setup()
    cells = firing(sim, 50)
    sim.run(1.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))  # as a quota or a full disk would
    try:
        with pytest.raises(RecordFileError, match=r"no room for the recordings: file too large; .* are to be written") as caught:
            sim.run(50.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Make room and call run() again: nothing is lost so far." in caught.value.remedy
    with h5py.File(path) as file:
        assert file["segment000"].attrs["t_stop_ms"] == 1.0
    sim.run_until(60.0)
    values = cells.get_data("v").segments[0].analogsignals[0].magnitude
    assert values.shape == (601, 50)
    assert not np.isnan(values).any()


def test_a_run_larger_than_the_disk_is_not_begun(setup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = setup()
    firing(sim)
    free = type("Usage", (), {"free": 5_000_000})
    monkeypatch.setattr(record_file.shutil, "disk_usage", lambda _: free)
    with pytest.raises(RecordFileError, match=r"no space left on device; 24 MB are to be written, 5 MB of the disk are free"):
        sim.run(100_000.0)
    assert sim.get_current_time() == 0.0
    monkeypatch.delattr(os, "posix_fallocate")  # as on macOS: the free space is looked at instead
    sim.run(10.0)
    free.free = 1000  # type: ignore[attr-defined]
    monkeypatch.setattr(record_file.RecordFile, "check_run", lambda *_: None)
    with pytest.raises(RecordFileError, match="no space left on device"):
        sim.run(10.0)


def test_a_run_larger_than_the_memory_names_the_file_as_a_way_out(setup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 60_000_000)
    sim = setup(None)
    firing(sim, 100)
    with pytest.raises(MemoryLimitError, match=r"takes 80 MB of memory, 60 MB are available.*setup\(record_to='FILE.h5'\)"):
        sim.run(10_000.0)
    assert sim.get_current_time() == 0.0
    sim.run(1.0)


def test_a_file_that_vanished_or_broke_is_told(setup: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = setup()
    cells = firing(sim)
    sim.run(1.0)
    path.rename(path.with_name("moved.h5"))
    with pytest.raises(RecordFileError, match=r"cannot be read: .*no such file"):
        cells.get_data()
    with pytest.raises(RecordFileError, match=r"cannot be written: .*no such file"):
        sim.run(1.0)
    path.with_name("moved.h5").rename(path)
    sim.run(1.0)
    file = simulator.state.session._file
    opened = file.writing()
    with (
        pytest.raises(RecordFileError, match=r"could not be written any more: input/output error. What was written before is in the file"),
        file.faults("written"),
    ):
        raise OSError(5, "Input/output error")
    with pytest.raises(RecordFileError, match="could not be written any more"):
        sim.run(1.0)
    opened.close()


OTHER = """
import sys
import neurosim as sim
sim.setup(timestep=0.1, record_to=sys.argv[1], overwrite=True, rng_seed=2)
cells = sim.Population(3, sim.IF_cond_exp(i_offset=2.0), label="exc")
cells.record(["spikes", "v"])
sim.run(20.0)
"""


def test_two_simulations_never_mix_in_one_file(setup: Any, path: Path) -> None:
    sim = setup(overwrite=True)
    cells = firing(sim)
    sim.run(10.0)
    subprocess.run([sys.executable, "-c", OTHER, str(path)], check=True)
    theirs = path.read_bytes()
    text = r"no longer the file of this simulation: another one has replaced it\. What was not written yet is still in memory"
    for _ in range(2):
        with pytest.raises(RecordFileError, match=text):
            sim.run(10.0)
    with pytest.raises(RecordFileError, match=text):
        cells.get_data()
    assert sim.get_current_time() == 10.0
    assert path.read_bytes() == theirs


def test_a_file_that_somebody_reads_is_refused_and_nothing_is_lost(setup: Any, path: Path) -> None:
    sim = setup()
    cells = firing(sim)
    sim.run(5.0)
    script = "import h5py, sys; file = h5py.File(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        with pytest.raises(RecordFileError, match=r"another program has the file open: .*\. Nothing is lost: .* call run\(\) again"):
            sim.run(5.0)
        assert sim.get_current_time() == 5.0
        reader.communicate()
    sim.run(5.0)
    values = cells.get_data("v").segments[0].analogsignals[0].magnitude
    assert values.shape == (101, 3)
    assert not np.isnan(values).any()


@pytest.mark.parametrize("label", ["a\0b", "a\ud800"])
def test_a_label_that_no_file_can_hold_is_refused(label: str, setup: Any) -> None:
    sim = setup()
    cells = sim.Population(2, sim.IF_cond_exp(), label=label)
    with pytest.raises(ParameterError, match=r"has a letter \(NUL, or half of a pair\) that no file can hold\. Give another label"):
        cells.record("v")
    setup(None)
    sim.Population(2, sim.IF_cond_exp(), label=label).record("v")


def test_a_group_that_was_removed_is_told(setup: Any, path: Path) -> None:
    sim = setup()
    cells = firing(sim)
    sim.run(1.0)
    with h5py.File(path, "r+") as file:
        del file["segment000/exc/v"]
    with pytest.raises(RecordFileError, match="the file cannot be read"):
        cells.get_data()
    with pytest.raises(RecordFileError, match="the file could not be written any more"):
        sim.run(1.0)
