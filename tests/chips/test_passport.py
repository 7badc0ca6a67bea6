"""Passports of chips: pages that follow the datasheets, and stand in docs/ as they are now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neurosim import chips
from neurosim.chips.hicann import ChipModel
from neurosim.chips.passport import markdown, shown, table, tables
from neurosim.errors import DatasheetError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", chips.available())
def test_the_page_in_docs_is_what_the_command_prints(name):
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == markdown(chips.load(name)), (
        f"run: neurosim chips {name} --markdown > docs/{name}.md"
    )


@pytest.mark.parametrize("name", chips.available())
def test_every_constant_limit_and_approximation_is_on_the_page(name):
    chip = chips.load(name)
    page = markdown(chip)
    rows = [f"| `{row.name}` | {shown(row.value)} | {row.unit} | {row.confidence} |" for row in chip.passport()]
    rows += [f"| {limit.resource} | {shown(limit.capacity)} |" for limit in chip.limits()]
    rows += [f"| `{word}` | {meaning} |" for word, meaning in chip.approximations.items()]
    assert not [row for row in rows if row not in page]
    assert page.startswith(f"# Passport of {chip.title}\n")


def test_a_datasheet_of_ones_own_changes_the_prose_and_the_tables(tmp_path):
    own = tmp_path / "mine.toml"
    text = (ROOT / "chips" / "loihi" / "loihi.toml").read_text(encoding="utf-8")
    own.write_text(text.replace("compartments = {value = 1024", "compartments = {value = 2000"), encoding="utf-8")
    page = markdown(chips.load(own))
    assert "update up to 2,000 compartments" in page
    assert "| compartments | 2,000 | compartments |" in page


def test_doubts_are_the_constants_that_are_not_certain():
    found = tables(chips.load("loihi"))["doubts"]
    names = re.findall(r"^\| `([^`]+)` \| .* \| (low|medium) \|", found, flags=re.MULTILINE)
    sheet = chips.load("loihi").sheet
    uncertain = [(row.name, row.confidence) for row in sheet.passport() if row.confidence != "high"]
    assert names == [(name, word) for name, word in uncertain if not name.startswith(("facts.", "cost."))]


def test_choices_of_descriptions_stand_side_by_side():
    found = tables(chips.load("loihi"))["descriptions"].splitlines()
    assert found[0] == "| choice | `chip` | `lava` | `nengo_loihi` | `brian2_loihi` |"
    assert "| `cut` | floor | floor | nearest | zero |" in found
    assert tables(chips.load("hicann"))["descriptions"] == "none"


def test_prose_that_asks_for_what_there_is_not_is_refused(tmp_path, monkeypatch):
    prose = tmp_path / "hicann.md"
    prose.write_text("A wafer of {wafer.reticles} reticles.", encoding="utf-8")
    monkeypatch.setattr("inspect.getfile", lambda _: str(tmp_path / "chip.py"))
    with pytest.raises(DatasheetError, match=r"the passport asks for 'wafer.reticles', which is neither a constant nor a table") as error:
        markdown(chips.load("hicann"))
    assert error.value.remedy == "Correct its prose."


def test_a_class_made_in_a_session_has_a_passport_too():
    made = type("Made", (ChipModel,), {"__module__": "__main__"})
    assert "| denmems | 512 | denmems |" in markdown(made(chips.load("hicann").sheet))


def test_cells_keep_their_bars_and_empty_tables_say_so():
    assert table(("a", "b"), [("1|2", "3")]).splitlines()[-1] == "| 1\\|2 | 3 |"
    assert table(("a",), []) == "none"


@pytest.mark.parametrize(
    ("value", "text"),
    [(16384, "16,384"), (0.5, "0.5"), ((1, 63), "1, 63"), (((1, 600.0), (2, 1e3)), "(1, 600), (2, 1,000)"), (True, "True")],
)
def test_values_are_shown_with_commas(value, text):
    assert shown(value) == text
