"""Datasheets: what is in them, and what is said when something is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim import chips
from neurosim.errors import DatasheetError, ParameterError, UnknownNameError

FOLDER = Path(chips.__file__).parent


def copy_of(name, tmp_path, *changes):
    text = (FOLDER / name / f"{name}.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / f"my_{name}.toml"
    path.write_text(text)
    return path


def test_four_chips_come_with_neurosim():
    assert chips.available() == ("hicann", "loihi", "loihi2", "spinnaker")


@pytest.mark.parametrize("name", chips.available())
def test_every_constant_has_unit_source_and_confidence(name):
    rows = chips.load(name).passport()
    assert len(rows) > 55
    assert all(row.source and row.confidence in ("high", "medium", "low") for row in rows)


@pytest.mark.parametrize("name", chips.available())
def test_a_sheet_cannot_be_changed(name):
    sheet = chips.load(name).sheet
    with pytest.raises(ValueError, match="frozen"):
        sheet.title = "other"


def test_a_what_if_chip_is_loaded_by_its_path(tmp_path):
    halved = ("compartments = {value = 1024", "compartments = {value = 512")
    path = copy_of("loihi", tmp_path, halved, ('title = "Loihi"', 'title = "Half a Loihi"'))
    chip = chips.load(path)
    assert {limit.resource: limit.capacity for limit in chip.limits()}["compartments"] == 512
    assert chip.title == "Half a Loihi"
    assert chip.sheet.digest() != chips.load("loihi").sheet.digest()
    assert chips.load(str(path)).sheet.digest() == chip.sheet.digest()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("compartments = {value = 1024", "compartments = {value = 'many'", ("core.compartments.value", "'many'", "valid integer")),
        ("compartments = {value = 1024", "compartments = {value = -3", ("core.compartments.value", "-3", "greater than 0")),
        ("compartments = {value = 1024", "compartments = {value = 1024.0", ("core.compartments.value", "valid integer")),
        ("compartments = {value", "compartmentz = {value", ("core.compartments", "is missing", "1 more fault")),
        ("[mesh]\n", "[mesh]\nwarp = 3\n", ("mesh.warp", "unknown")),
        ('confidence = "high"', 'confidence = "absolute"', ("confidence", "'high', 'medium' or 'low'")),
        ('kind = "loihi"', 'kind = "loyhi"', ("'kind'", "'loyhi'", "'hicann', 'loihi', 'loihi2', 'spinnaker'")),
        ('kind = "loihi"\n', "", ("'kind'", "missing")),
        ('board = "chip"', 'board = "surfboard"', ("'board'", "'surfboard'", "'nahuku32'")),
        ("[mesh]", "[mesh", ("not valid TOML",)),
        ('unit = "tiles (x, y)", ', "", ("mesh.tiles.unit", "is missing")),
    ],
)
def test_a_fault_names_file_field_and_what_is_expected(tmp_path, old, new, words):
    path = copy_of("loihi", tmp_path, (old, new))
    with pytest.raises(DatasheetError) as error:
        chips.load(path)
    assert all(word in str(error.value) for word in (str(path), *words)), str(error.value)
    assert isinstance(error.value, ValueError)


def test_a_misspelt_field_is_guessed(tmp_path):
    path = copy_of("loihi", tmp_path, ("[core]\n", "[core]\ncompartmnts = 3\n"))
    with pytest.raises(DatasheetError, match="Did you mean 'compartments'"):
        chips.load(path)


def test_an_impossible_neuron_size_in_a_sheet_is_refused(tmp_path):
    path = copy_of("hicann", tmp_path, ("neuron_size = {value = 4", "neuron_size = {value = 5"))
    with pytest.raises(DatasheetError, match=r"neuron_size' is 5; expected 1 or an even number up to 64"):
        chips.load(path)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(DatasheetError, match="no such file"):
        chips.load(tmp_path / "nothing.toml")
    (tmp_path / "noise.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasheetError, match="cannot be read"):
        chips.load(tmp_path / "noise.toml")
    with pytest.raises(DatasheetError, match="cannot be read"):
        chips.load(tmp_path)


def test_an_unknown_chip_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'spinnaker'"):
        chips.load("spinaker")
    with pytest.raises(UnknownNameError, match="Known: hicann, loihi, loihi2, spinnaker"):
        chips.load("abacus")


@pytest.mark.parametrize("boards", [0, -1, 1.5, 10**6])
def test_the_number_of_boards_is_checked(boards):
    with pytest.raises(ParameterError, match="whole number from 1 to 768") as error:
        chips.load("loihi", n_boards=boards)
    assert error.value.used == boards


def test_a_wafer_is_alone():
    with pytest.raises(ParameterError, match="number of wafers"):
        chips.load("hicann", n_boards=2)


@pytest.mark.parametrize("name", chips.available())
def test_approximations_are_known_by_name(name):
    chip = chips.load(name)
    assert chip.check_approximations(["all"]) == frozenset(chip.approximations)
    assert chip.check_approximations(["conductance"]) == {"conductance"}
    with pytest.raises(UnknownNameError, match="Did you mean 'conductance'"):
        chip.check_approximations(["conductanse"])


def test_sources_are_honest_about_what_is_only_assumed():
    low = {row.name for row in chips.load("spinnaker").passport() if row.confidence == "low"}
    assert {"core.array_sources", "facts.link_packet_rate"} <= low


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("spinnaker", "chips = {value = 48", "chips = {value = 24", ("'board.chips' is 24", "the outline has 48 chips; change both")),
        ("spinnaker", "neurons = {value = 256", "neurons = {value = 16384", ("'core.neurons' is 16384", "holds at most 8192")),
        ("spinnaker", "shortest_tau = {value = 1.0", "shortest_tau = {value = 0.0", ("shortest_tau.value", "greater than 0")),
        ("loihi", "exponents = {value = [-8, 7]", "exponents = {value = [7, -8]", ("synapses.exponents.value", "the smaller number first")),
        ("hicann", "tau_syn = {value = [0.130, 1.511]", "tau_syn = {value = [1.511, 0.130]", ("neurons.tau_syn", "number first")),
    ],
)
def test_constants_that_contradict_each_other_are_refused(tmp_path, name, old, new, words):
    path = copy_of(name, tmp_path, (old, new))
    with pytest.raises(DatasheetError) as error:
        chips.load(path)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize("name", chips.available())
def test_a_constant_that_no_code_reads_is_a_fact(name):
    """A user who changes a constant outside ``[facts]`` must see the change."""
    chip = chips.load(name)
    code = "\n".join(path.read_text() for path in (FOLDER / type(chip).__module__.split(".")[2]).rglob("*.py") if path.stem != "sheet")
    names = [name for name, _ in chip.sheet.constants() if not name.startswith(("facts.", "mesh.boards."))]
    assert [name for name in names if f".{name.split('.')[-1]}" not in code] == []
