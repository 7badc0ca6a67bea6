"""The commands: what they print, how they fail, how quickly they answer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from neurosim.cli import app
from neurosim.cli.commands import names

SMALL = """
import neurosim as sim
sim.setup(timestep=0.1, rng_seed=3)
cell = sim.IF_cond_exp(tau_refrac=2.0, i_offset=1.0)
a = sim.Population(12, cell, label="a")
b = sim.Population(3, cell, label="b")
sim.Projection(a, b, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.004, delay=1.0), receptor_type="excitatory")
a.record("spikes")
b[:2].record("spikes")
sim.run(100.0)
print("the script speaks")
sim.end()
"""
BIG = SMALL.replace("Population(12", "Population(2000000").replace("AllToAll", "OneToOne")


@pytest.fixture
def call(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.py").write_text(SMALL)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_help_answers_within_a_moment():
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "neurosim", "--help"], capture_output=True, text=True, check=True)
    assert time.perf_counter() - begun < 2.0  # 0.15 s on a quiet machine
    assert all(word in done.stdout for word in ("run", "fit", "compare", "chips", "Exit codes"))


def test_help_imports_nothing_heavy():
    code = "import sys; from neurosim.cli import app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "numba", "pyNN", "pydantic", "matplotlib", "networkx"} & set(done.stdout.split())


@pytest.mark.parametrize("command", ["run", "fit", "compare"])
def test_a_missing_script_is_wrong_use(call, command):
    done = call(command, "smal.py")
    assert done.exit_code == 2
    assert "there is no such script file. Did you mean 'small.py'?" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    "arguments", ["run small.py --chip loihy", "fit small.py --chip loihy", "compare small.py --chips loihy", "chips loihy"]
)
def test_an_unknown_chip_is_wrong_use_with_the_nearest_name(call, arguments):
    done = call(*arguments.split())
    assert done.exit_code == 2
    assert "unknown chip 'loihy'. Did you mean 'loihi'?" in done.stderr


def test_an_unknown_option_is_wrong_use(call):
    assert call("run", "small.py", "--chop", "loihi").exit_code == 2


def test_a_missing_datasheet_is_wrong_use(call):
    done = call("chips", "mine.toml")
    assert done.exit_code == 2
    assert "there is no such file" in done.stderr


def test_no_chips_at_all_is_wrong_use(call):
    done = call("compare", "small.py", "--chips", ",")
    assert done.exit_code == 2
    assert "no chip is named" in done.stderr


def test_a_script_that_raises_gives_its_own_lines_and_one_message(call):
    Path("bad.py").write_text("def f():\n    return 1 / 0\n\nf()\n")
    done = call("run", "bad.py")
    assert done.exit_code == 1
    assert 'bad.py", line 4' in done.stderr
    assert done.stderr.rstrip().endswith("neurosim: bad.py, line 2: ZeroDivisionError: division by zero")
    assert "neurosim/compare" not in done.stderr


def test_what_a_script_recorded_before_it_raised_is_kept(call):
    import numpy as np

    Path("late.py").write_text(SMALL.replace("sim.end()", "1 / 0"))
    done = call("run", "late.py", "--spikes", "kept.npz")
    assert done.exit_code == 1
    assert "the script failed at t = 100 ms; what was recorded until then is kept and shown" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    with np.load("kept.npz") as saved:
        assert len(saved["a.times_ms"])


def test_spikes_in_a_forbidden_place_are_one_clear_error(call):
    done = call("run", "small.py", "--spikes", "no/such/folder/spikes.npz")
    assert done.exit_code == 2
    assert "the spikes cannot be written: No such file or directory. Give a file you may write." in done.stderr


def test_an_interrupt_before_anything_ran_says_so(call):
    Path("stopped.py").write_text("raise KeyboardInterrupt\n")
    done = call("run", "stopped.py")
    assert done.exit_code == 130
    assert "neurosim: interrupted; nothing was recorded." in done.stderr


def test_an_interrupt_keeps_what_was_recorded(call):
    Path("stopped.py").write_text(SMALL.replace("sim.end()", "raise KeyboardInterrupt"))
    done = call("run", "stopped.py", "--json")
    assert done.exit_code == 130
    assert json.loads(done.stdout)["populations"][0]["n_spikes"] > 0


def test_one_fault_on_all_chips_is_told_once(call):
    Path("bad.py").write_text("raise ValueError('no')\n")
    done = call("compare", "bad.py", "--chips", "ideal,loihi")
    assert done.exit_code == 1
    assert done.output.count("ValueError: no") == 1
    assert "ideal, loihi: bad.py, line 1: ValueError: no" in done.stdout
    assert "recorded populations" not in done.stdout


def test_the_version_is_told(call):
    import neurosim

    assert call("--version").stdout == f"neurosim {neurosim.__version__}\n"


@pytest.mark.parametrize("module", ["neurosim", "neurosim.cli"])
def test_the_command_is_a_module_too(module):
    done = subprocess.run([sys.executable, "-m", module, "chips", "x"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "unknown chip 'x'" in done.stderr


def test_the_demo_finds_its_script():
    from neurosim.cli.demo import example

    assert "Brette" in example().read_text()


def test_the_demo_refuses_at_once_without_the_report_extra(call, monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = call("demo")
    assert done.exit_code == 1
    assert "pip install 'neurosim-chips[report]'" in done.stderr


def test_with_json_an_error_is_json_too(call):
    Path("bad.py").write_text("raise ValueError('no')\n")
    done = call("run", "bad.py", "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["type"], error["cause"], error["where"]) == ("ScriptError", "ValueError", "bad.py, line 1")


def test_lists_are_split_at_commas():
    assert names(" ideal, hicann,,loihi ") == ["ideal", "hicann", "loihi"]


# --- end to end -------------------------------------------------------------------------------


def test_run_shows_what_the_script_says_and_a_summary(call):
    done = call("run", "small.py")
    assert done.exit_code == 0, done.output
    assert "the script speaks" in done.stdout
    assert "Ideal reference" in done.stdout


def test_run_keeps_the_scripts_own_chip_unless_told_otherwise(call):
    Path("own.py").write_text(SMALL.replace("setup(", "setup(chip='spinnaker', "))
    assert json.loads(call("run", "own.py", "--json").stdout)["chip"] == "spinnaker"
    assert json.loads(call("run", "own.py", "--chip", "ideal", "--json").stdout)["n_cores"] == 0


def test_run_gives_json_alone_and_saves_spikes(call):
    import numpy as np

    done = call("run", "small.py", "--chip", "spinnaker", "--json", "--spikes", "spikes.npz")
    assert done.exit_code == 0, done.output
    row = json.loads(done.stdout)
    with np.load("spikes.npz") as saved:
        assert len(saved["a.times_ms"]) == row["populations"][0]["n_spikes"] > 0
    assert [p["n_recorded"] for p in row["populations"]] == [12, 2]
    assert row["n_cores"] >= 1
    assert "the script speaks" in done.stderr


def test_fit_does_not_simulate_and_names_all_chips(call):
    done = call("fit", "small.py", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rows"]
    assert [row["chip"] for row in rows] == ["hicann", "loihi", "loihi2", "spinnaker"]
    assert all(row["fits"] and row["n_cores"] >= 1 for row in rows)
    assert "the script speaks" not in done.output


def test_a_network_that_does_not_fit_gives_exit_code_one(call):
    Path("big.py").write_text(BIG)
    done = call("fit", "big.py", "--chip", "ideal,loihi")
    assert done.exit_code == 1
    assert done.stdout.count("the network does not fit") == 1
    for words in ("reason     population", "needed     1,955 cores", "available  128 cores", "Use 16 boards (n_boards=16)"):
        assert words in done.stdout
    assert "At least so many cores" in done.stdout and "the limit is 128" in done.stdout


def test_why_a_network_does_not_fit_is_json_too(call):
    Path("big.py").write_text(BIG)
    ideal, loihi = json.loads(call("fit", "big.py", "--chip", "ideal,loihi", "--json").stdout)["rows"]
    assert ideal["explanation"] is None
    found = loihi["explanation"]
    assert (found["kind"], found["resource"], found["needed"], found["available"]) == ("population", "cores", 1955, 128)
    assert found["needs"][0]["parts"]["compartments"] == 1954
    assert 16 in [change["change"].get("n_boards") for change in found["tried"] if change["works"]]


def test_an_error_that_is_no_lack_of_room_has_no_explanation(call):
    Path("placed.py").write_text(SMALL.replace("a.record", "sim.place(a, neuron_size=4)\na.record", 1))
    done = call("fit", "placed.py", "--chip", "loihi")
    assert "loihi: " in done.stdout and "has no neuron size" in done.stdout
    assert "does not fit" not in done.stdout


def test_what_a_script_avoids_holds_when_it_is_fitted(call):
    Path("avoiding.py").write_text(
        SMALL.replace("rng_seed=3)", 'rng_seed=3, chip="loihi")').replace("a.record", "sim.place(avoid=[(9, 9)])\na.record", 1)
    )
    rows = json.loads(call("fit", "avoiding.py", "--chip", "loihi,spinnaker", "--json").stdout)["rows"]
    assert "has no such place" in rows[0]["error"]
    assert rows[1]["fits"]
    assert "place to avoid" in [loss["what"] for loss in rows[1]["losses"] if loss["kind"] == "ignored"]


def test_compare_puts_chips_side_by_side(call):
    done = call("compare", "small.py", "--chips", "ideal,loihi", "--json", "--report", "r.html", "--plot", "p.png")
    assert done.exit_code == 0, done.output
    ideal, loihi = json.loads(done.stdout)["rows"]
    assert ideal["populations"][0]["n_spikes"] > 0
    assert loihi["approximations"] == ["conductance"]
    assert "rate_difference_hz" in loihi["populations"][0]
    assert Path("r.html").exists()
    assert Path("p.png").exists()


def test_a_chip_that_fails_does_not_stop_the_others(call):
    Path("placed.py").write_text(SMALL.replace("a.record", "sim.place(a, neuron_size=4)\na.record", 1))
    done = call("compare", "placed.py", "--chips", "loihi,ideal", "--json")
    assert done.exit_code == 1
    loihi, ideal = json.loads(done.stdout)["rows"]
    assert "has no neuron size" in loihi["error"]
    assert not ideal["error"]


def test_fit_stops_where_a_script_asks_for_its_mapping(call):
    placing = "sim.place(a, neuron_size=4)\nprint(sim.mapping().where(a[0])[0].denmems)\na.record"
    Path("placed.py").write_text(SMALL.replace("a.record", placing, 1))
    rows = json.loads(call("fit", "placed.py", "--chip", "hicann,loihi", "--json").stdout)["rows"]
    assert [row["fits"] for row in rows] == [True, False]


def test_chips_prints_a_passport_in_markdown(call):
    from neurosim.chips import load
    from neurosim.chips.passport import markdown

    assert call("chips", "spinnaker", "--markdown").stdout == markdown(load("spinnaker"))
    nameless = call("chips", "--markdown")
    assert nameless.exit_code == 2
    assert "--markdown needs a chip. Name one." in nameless.stderr


def test_chips_lists_all_and_shows_a_datasheet(call):
    listed = json.loads(call("chips", "--json").stdout)["chips"]
    assert [chip["name"] for chip in listed] == ["hicann", "loihi", "loihi2", "spinnaker"]
    assert {chip["name"]: (chip["n_chips"], chip["n_cores"]) for chip in listed}["loihi"] == (1, 128)
    constants = json.loads(call("chips", "loihi", "--json").stdout)["constants"]
    assert {"name", "value", "unit", "source", "confidence"} == set(constants[0])
    text = call("chips", "loihi").stdout
    assert all(word in text for word in ("confidence", "limits of one core", "compartments", "approximations"))


def test_run_and_compare_record_to_files(call, tmp_path):
    h5py = pytest.importorskip("h5py")
    assert call("run", "small.py", "--record-to", "out.h5").exit_code == 0
    with h5py.File(tmp_path / "out.h5") as file:
        assert sorted(file["segment000"]) == ["a", "b"]
    again = call("run", "small.py", "--record-to", "out.h5")
    assert again.exit_code == 1
    assert "the file exists already" in again.stderr
    assert call("run", "small.py", "--record-to", "out.h5", "--overwrite").exit_code == 0
    own = (tmp_path / "small.py").read_text().replace("rng_seed=3", "rng_seed=3, record_to='own.h5'")
    (tmp_path / "own.py").write_text(own)
    assert call("fit", "own.py").exit_code == 0
    assert not list(tmp_path.glob("own*.h5"))
    assert call("compare", "own.py", "--chips", "ideal,spinnaker").exit_code == 0
    assert sorted(p.name for p in tmp_path.glob("own*.h5")) == ["own.ideal.h5", "own.spinnaker.h5"]
