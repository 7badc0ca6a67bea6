"""Time, energy, memory and operations of runs, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from neurosim.compare.results import ChipRun

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("time", "energy", "a step", "power", "memory", "additions", "products")


def cost_table(runs: Iterable[ChipRun]) -> Table:
    """One line per run; a dash where a chip has no model, and why below."""
    from neurosim.compare.tables import grid

    found = sections(runs)
    table = grid("time and energy on the chip", ("chip", *(f"{name}>" for name in COLUMNS)))
    for item in found:
        table.add_row(item["chip"], *item["cells"])
    lines = [f"{item['chip']}: {note}" for item in found for note in item["notes"]]
    lines += [
        f"{item['chip']}: {n} things are not in it; --json and --report list them" for item in found if (n := len(item["not_modelled"]))
    ]
    table.caption = "\n".join(lines) or None
    return table


def sections(runs: Iterable[ChipRun]) -> list[dict[str, Any]]:
    """What is to be said of the cost of each run that has one: cells of a table, notes, formula, evidence, what is left out."""
    return [_section(run.chip, run.cost) for run in runs if run.cost]


def _section(chip: str, cost: dict[str, Any]) -> dict[str, Any]:
    return {
        "chip": chip,
        "columns": COLUMNS,
        "cells": _cells(cost),
        "notes": _notes(cost),
        "formula": cost.get("formula", ""),
        "not_modelled": cost.get("not_modelled", []),
        "evidence": cost.get("evidence", []),
    }


def _cells(cost: dict[str, Any]) -> list[str]:
    energy_uj, time_s, counted = cost.get("energy_uj"), cost.get("time_s"), cost.get("operations")
    first = ["-"] * 4
    if energy_uj is not None and time_s is not None:
        steps, power_uw = cost["n_steps"], energy_uj / time_s
        first = [
            _amount(time_s, "s"),
            _amount(energy_uj * 1e-6, "J"),
            _amount(energy_uj * 1e-6 / steps, "J"),
            _amount(power_uw * 1e-6, "W"),
        ]
    if not counted:
        return [*first, "-", "-", "-"]
    bits = sum(counted[name] for name in ("weight_bits", "state_bits", "spike_bits"))
    sums, products = (sum(counted[f"{who}_{what}"] for who in ("synaptic", "neuron")) for what in ("additions", "multiplications"))
    return [*first, f"{bits / 8 / 1024:,.4g} KiB", f"{sums:.4g}", f"{products:.4g}"]


def _amount(value: float, unit: str) -> str:
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")):
        if abs(value) >= factor or value == 0:
            return f"{value / factor:.4g} {prefix}{unit}"
    return f"{value / 1e-12:.4g} p{unit}"


def _notes(cost: dict[str, Any]) -> list[str]:
    """Why there is no time or energy; else what the numbers rest on, with low confidence named."""
    if cost.get("reason"):
        return [f"no time and energy: {cost['reason']}"]
    evidence = cost.get("evidence", [])
    kinds = list(dict.fromkeys(row["evidence"] for row in evidence))
    counted = ", ".join(f"{sum(row['evidence'] == kind for row in evidence)} {kind}" for kind in kinds)
    low = [row["name"].rpartition(".")[2] for row in evidence if row["confidence"] == "low"]
    notes = [f"profile {cost['profile']}; constants: {counted}"] if counted else []
    notes += [f"low confidence: {', '.join(low)}"] if low else []
    return notes + ([f"from {cost['begin_ms']:g} ms on: the network was another one before"] if cost.get("begin_ms") else [])
