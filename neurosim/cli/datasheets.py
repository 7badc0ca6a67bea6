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
        ("name", "machine", "size", "chips>", "cores>", "opt-in approximations"),
        caption="'neurosim chips NAME' shows a datasheet; 'ideal' is no chip at all",
    )
    for row in rows:
        size = f"{row['n_boards']} {row['board_noun']}{'s' if row['n_boards'] != 1 else ''}"
        table.add_row(
            row["name"], row["title"], size, number(row["n_chips"]), number(row["n_cores"]), ", ".join(row["approximations"]) or "-"
        )
    return table


def datasheet_rows(name: str) -> list[dict[str, Any]]:
    """The constants of a chip: name, value, unit, source, confidence."""
    from neurosim.chips import load

    return [row._asdict() for row in load(name).sheet.passport()]


def datasheet_table(name: str, rows: Sequence[dict[str, Any]]) -> Table:
    """The rows of :func:`datasheet_rows` for the terminal; uncertain constants are marked."""
    table = grid(
        f"datasheet of {name}", ("constant", "value>", "unit", "confidence", "source"), caption="? marks constants that are not certain"
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
