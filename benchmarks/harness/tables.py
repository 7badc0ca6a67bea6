"""Tables: of one case on the screen, of everything in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.harness.results import KeptCase, KeptTarget, Report

UNITS = {"s": "s", "gib": "GiB", "hz": "Hz", "ns": "ns", "ms": "ms", "pa": "pA", "factor": "s per s"}
VERDICTS = {True: "yes", False: "**no**", None: "not measured"}
REACHED = {True: "reached", False: "MISSED", None: "not measured"}
PASSED = {True: "passed", False: "FAILED", None: "not checked"}


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def quantity_words(name: str) -> str:
    """``run_factor`` as ``run (s per s)``."""
    words, _, unit = name.rpartition("_")
    return f"{words.replace('_', ' ')} ({UNITS[unit]})" if words and unit in UNITS else name.replace("_", " ")


def with_unit(value: float | None, quantity: str) -> str:
    """``0.67`` as ``0.67 s``; factors have no unit."""
    if value is None:
        return "-"
    unit = UNITS.get(quantity.rpartition("_")[2], "")
    return number(value) + (f" {unit}" if unit and unit != "s per s" else "")


def screen(case: KeptCase) -> str:
    """One case: medians (and the best) of each side, how many times more than the first the others need; targets; gates."""
    sides = list(case.medians)
    header = ["", *(word for side in sides for word in (side, "(best)"))] + [f"{side} / {sides[0]}" for side in sides[1:]]
    rows = [header, *(_screen_row(case, quantity, sides) for quantity in case.shown)] if sides else []
    lines = [case.label, *_aligned(rows)]
    lines += [f"  {side}: {why}" for side, why in case.absent.items()]
    lines += [f"  target {_target_words(target)}: {REACHED[target.reached]}" for target in case.targets]
    lines += [f"  gate {gate.what}: {PASSED[gate.passed]}: {gate.words}" for gate in case.gates]
    return "\n".join(lines)


def _screen_row(case: KeptCase, quantity: str, sides: list[str]) -> list[str]:
    row = [quantity_words(quantity)]
    for side in sides:
        row += _screen_cell(case, side, quantity)
    ours = case.medians[sides[0]].get(quantity)
    for side in sides[1:]:
        theirs = case.medians[side].get(quantity)
        row.append(_ratio(theirs, ours))
    return row


def _ratio(theirs: Any, ours: Any) -> str:
    comparable = isinstance(ours, float | int) and isinstance(theirs, float | int) and ours
    return f"{theirs / ours:.2f}" if comparable else "-"


def _screen_cell(case: KeptCase, side: str, quantity: str) -> list[str]:
    median = case.medians[side].get(quantity)
    if isinstance(median, list):
        return [" ".join(number(value) for value in median), ""]
    if not isinstance(median, float | int):
        return ["-" if median is None else str(median), ""]
    best = min(record[quantity] for record in case.records[side])
    return [number(median), f"({number(best)})"]


def _aligned(rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  " + "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]


def _target_words(target: KeptTarget) -> str:
    return f"{target.words}: {measured_words(target)}, wanted {wanted_words(target)}"


def measured_words(target: KeptTarget) -> str:
    """What was reached: the ratio where there is a peer, else the value."""
    return f"{number(target.ratio)} times" if target.ratio is not None else with_unit(target.value, target.quantity)


def wanted_words(target: KeptTarget) -> str:
    """What must be reached, and what is hoped for."""
    words = [f"{number(target.at_least)} times" if target.at_least is not None else ""]
    words += [f"at most {with_unit(target.at_most, target.quantity)}" if target.at_most is not None else ""]
    words += [f"aim {with_unit(target.aim, target.quantity)}" if target.aim is not None else ""]
    return "; ".join(filter(None, words))


HEADER = ("workload", "measured", "neurosim", "peer", "ratio", "at least", "reached")


def target_table(reports: Sequence[Report]) -> str:
    """Every target: ours, the peer's, their ratio, what was wanted."""
    rows = [_target_row(case, target) for report in reports for case in report.cases for target in case.targets]
    return markdown(HEADER, rows)


def _target_row(case: KeptCase, target: KeptTarget) -> list[str]:
    ours, theirs = with_unit(target.value, target.quantity), with_unit(target.peer_value, target.quantity)
    peer = f"{target.peer} {theirs}" if target.peer else "-"
    ratio = number(target.ratio) if target.ratio is not None else "-"
    return [case.label, target.words, ours, peer, ratio, wanted_words(target), VERDICTS[target.reached]]


def gate_table(reports: Sequence[Report]) -> str:
    """Every gate and its outcome."""
    rows = [[gate.what, PASSED[gate.passed], gate.words] for report in reports for case in report.cases for gate in case.gates]
    return markdown(("gate", "", "measured"), rows)


def markdown(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; nothing is said to be none."""
    if not rows:
        return "none"
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
