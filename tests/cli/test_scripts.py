"""Running users' scripts: what they see, what is kept, and how they fail."""

from __future__ import annotations

import sys

import pytest

from neurosim.compare.scripts import read_script, run_script
from neurosim.errors import ScriptError

#: A script that does what the front end does, without building anything.
STUB = """
import sys
from neurosim.network import Network
from neurosim.pynn import overrides
settings = overrides.apply({"chip": "loihi", "timestep": 0.1})
overrides.frozen(Network(dt=0.1, seed=1), chip=settings["chip"])
"""


@pytest.fixture
def script(tmp_path):
    def write(text, name="net.py"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def test_settings_of_the_caller_win_over_the_scripts(script):
    capture = run_script(script(STUB), chip="hicann", threads=2)
    assert capture.settings == {"chip": "hicann", "timestep": 0.1, "threads": 2}
    assert capture.network.dt == 0.1


def test_ideal_is_no_chip_and_none_leaves_the_scripts_own(script):
    assert run_script(script(STUB), chip="ideal").settings["chip"] is None
    assert run_script(script(STUB), chip=None).settings["chip"] == "loihi"


def test_a_script_sees_its_arguments_its_name_and_its_folder(script, tmp_path):
    script("VALUE = 3", "neighbour_module_of_net.py")
    checks = "assert sys.argv[1:] == ['a', '--b'], sys.argv\nassert __name__ == '__main__'\n"
    file = script(STUB + "import neighbour_module_of_net\n" + checks)
    before = (list(sys.argv), list(sys.path))
    run_script(file, ["a", "--b"])
    assert (sys.argv, sys.path) == before


def test_a_script_that_is_only_fitted_stops_at_its_first_run(script):
    careless = STUB.replace("overrides.frozen", "try:\n    overrides.frozen") + "except Exception:\n    pass\n"
    file = script(careless + "raise RuntimeError('went on')\n")
    assert run_script(file, stop_before_run=True).network is not None


def test_global_random_numbers_are_the_same_in_every_run(script):
    file = script("import numpy, random\n" + STUB.replace("0.1}", "numpy.random.rand(), 'r': random.random()}"))
    assert run_script(file).settings == run_script(file).settings


def test_a_missing_script_is_named_with_the_nearest_file(script, tmp_path):
    script("", "network.py")
    with pytest.raises(ScriptError, match=r"netwrk\.py: there is no such script file\. Did you mean '.*network\.py'\?"):
        read_script(tmp_path / "netwrk.py")


def test_a_folder_is_no_script(tmp_path):
    with pytest.raises(ScriptError, match="It is a folder; give the Python file itself"):
        read_script(tmp_path)


def test_a_binary_file_is_no_script(tmp_path):
    (tmp_path / "x.py").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ScriptError, match="the script cannot be read"):
        read_script(tmp_path / "x.py")


def test_a_script_that_raises_is_one_error_with_its_own_lines_only(script):
    file = script("import json\ndef load():\n    return json.loads('{')\n\nload()\n")
    with pytest.raises(ScriptError, match=r"net\.py, line 3: JSONDecodeError: Expecting property name") as caught:
        run_script(file)
    lines = "".join(vars(caught.value)["lines"])
    assert "line 5" in lines
    assert "line 3" in lines
    assert "json/decoder" not in lines
    assert "runpy" not in lines


def test_an_error_of_ours_keeps_its_own_words(script):
    file = script("from neurosim.errors import ParameterError as E\nraise E('tau_m is negative.', where='Cell', remedy='Be positive.')\n")
    with pytest.raises(ScriptError, match=r"net\.py, line 2: Cell: tau_m is negative\. Be positive\.$"):
        run_script(file)


def test_a_syntax_error_names_its_line(script):
    with pytest.raises(ScriptError, match=r"net\.py, line 2: SyntaxError"):
        run_script(script("a = 1\nb = = 2\n"))


def test_a_script_that_leaves_with_a_status_failed(script):
    with pytest.raises(ScriptError, match="the script ended itself with status 3"):
        run_script(script("import sys\nsys.exit(3)\n"))


def test_a_script_may_leave_with_status_zero(script):
    assert run_script(script(STUB + "sys.exit(0)\n")).network is not None


def test_a_script_without_setup_is_told_so(script):
    with pytest.raises(ScriptError, match=r"never called setup\(\) of neurosim"):
        run_script(script("print(1)\n"))


def test_a_script_without_run_is_told_so(script):
    with pytest.raises(ScriptError, match=r"never called run\(\)"):
        run_script(script("from neurosim.pynn import overrides\noverrides.apply({})\n"))


def test_an_interrupted_script_hands_over_what_it_had(script):
    with pytest.raises(KeyboardInterrupt) as caught:
        run_script(script(STUB + "raise KeyboardInterrupt\n"))
    assert vars(caught.value)["capture"].network is not None
