"""Chips and their datasheets as rows and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from neurosim.compare.results import chips_among
from neurosim.compare.tables import grid, number


def list_rows() -> list[dict[str, Any]]:
    """One dictionary per chip: name, title, size of the default machine, approximations."""
    from neurosim.chips import available, load

    return [_chip_row(name, load(name)) for name in available()]


def _chip_row(name: str, chip: Any) -> dict[str, Any]:
    cores = chip.cores()
    return {
        "name": name,
        "title": chip.title,
        "n_boards": chip.n_boards,
        "board_noun": chip.board_noun,
        "n_chips": chips_among(chip, np.arange(len(cores.core))),
        "n_cores": len(cores.core),
        "limits": {limit.resource: limit.capacity for limit in chip.limits()},
        "approximations": dict(chip.approximations),
    }


def list_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows of :func:`list_rows` for the terminal."""
    table = grid(
        "chips",
        ("name", "machine", "size", "chips>", "cores>", "opt-in approximations|"),
        caption="'neurosim chips NAME' shows a datasheet; 'ideal' is no chip at all",
    )
    for row in rows:
        size = f"{row['n_boards']} {row['board_noun']}{'s' if row['n_boards'] != 1 else ''}"
        table.add_row(
            row["name"], row["title"], size, number(row["n_chips"]), number(row["n_cores"]), ", ".join(row["approximations"]) or "-"
        )
    return table


def chip_facts(name: str) -> dict[str, Any]:
    """What a chip is: title, size, limits of a core, approximations, and the constants of its datasheet.

    A constant has name, value, unit, source and confidence; the ones that only inform come last.
    """
    from neurosim.chips import load

    chip = load(name)
    constants = sorted((row._asdict() for row in chip.sheet.passport()), key=lambda row: row["name"].startswith("facts."))
    return {**{key: value for key, value in _chip_row(name, chip).items() if key != "name"}, "constants": constants}


def chip_tables(facts: dict[str, Any]) -> tuple[Table, ...]:
    """The facts of :func:`chip_facts` for the terminal."""
    limits = grid(f"limits of one core of {facts['title']}", ("resource", "limit>"))
    for resource, capacity in facts["limits"].items():
        limits.add_row(resource, number(capacity, ",.6g"))
    approximations = grid("approximations, each switched on by its name: setup(approximate=[...])", ("name", "what it does|"))
    for word, meaning in facts["approximations"].items():
        approximations.add_row(word, meaning)
    return limits, approximations, datasheet_table(facts["chip"], facts["constants"])


def datasheet_table(name: str, rows: Sequence[dict[str, Any]]) -> Table:
    """The constants of a datasheet for the terminal; uncertain ones are marked."""
    table = grid(
        f"datasheet of {name}", ("constant", "value|", "unit|", "confidence", "source|"), caption="? marks constants that are not certain"
    )
    for row in rows:
        table.add_row(row["name"], _value(row["value"]), row["unit"], _confidence(row["confidence"]), row["source"])
    return table


def _value(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value, ",.6g")
    return str(value)


def _confidence(word: str) -> Text:
    return Text(word) if word == "high" else Text(f"? {word}", style="yellow")
