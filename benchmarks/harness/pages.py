"""Results for readers: ``results/README.md`` and the block in the project's README."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import registry, results, tables
from benchmarks.harness.results import Report

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- benchmarks: written by `python -m benchmarks --readme` -->", "<!-- benchmarks: end -->"


class MarkerError(ValueError):
    """A page without the place for the results."""


def page(reports: Sequence[Report]) -> str:
    """All results in Markdown."""
    parts = ["# Results", introduction(reports), "## Targets", tables.target_table(reports), "## Correctness", tables.gate_table(reports)]
    return "\n\n".join([*parts, "## All figures", *map(details, reports)]) + "\n"


def details(report: Report) -> str:
    """All quantities of a workload that its cases show, side by side, and what the workload has to say about them."""
    heading = f"### {report.workload}{', full size' if report.full else ''}\n\n{report.question}"
    shown = [f"```\n{tables.screen(case)}\n```" for case in report.cases]
    notes = getattr(registry.workload(report.workload), "notes", None)
    return "\n\n".join([heading, *([notes(report)] if notes else []), *shown])


def introduction(reports: Sequence[Report]) -> str:
    """How the figures came about and on what machines."""
    if not reports:
        return "Nothing has been measured yet: `make bench`."
    lines = [
        "Medians; neurosim and the peer ran in turn, each run in a process of its own. `run` is wall time per second of biology, `cpu` the",
        "processor time of all threads, `ratio` how many times more the peer needs. Thresholds are crossed inside the step in neurosim, on",
        "the grid in the peers; the state is float32 in neurosim unless a line says otherwise, float64 in the peers.",
        "",
        *(f"* {line}" for line in sorted({machine_line(report) for report in reports})),
    ]
    return "\n".join(lines)


def machine_line(report: Report) -> str:
    """The machine of a report in one line."""
    facts = report.machine
    hardware = f"{facts['processor']}, {facts['cores']} cores ({', '.join(facts['caches'])}), {facts['memory_gib']} GiB"
    return f"{hardware}, {facts['system']}, Python {facts['python']}; {report.date[:10]}, commit {report.commit or 'unknown'}"


def block(reports: Sequence[Report]) -> str:
    """What the project's README quotes: the targets, full size where there is one."""
    shown = preferred(reports)
    if not shown:
        return f"{BEGIN}\n{END}"
    first = shown[0].machine
    words = f"Measured on {first['processor']}, {first['cores']} cores, {first['memory_gib']} GiB; peers and neurosim in turn, medians."
    return f"{BEGIN}\n{words}\n\n{tables.target_table(shown)}\n{END}"


def preferred(reports: Sequence[Report]) -> list[Report]:
    """Of each workload the full size if it was measured, else the smaller one; only those with targets."""
    best = {report.workload: report for report in sorted(reports, key=lambda report: report.full)}
    order = list(dict.fromkeys(report.workload for report in reports))
    return [best[name] for name in order if any(case.targets for case in best[name].cases)]


def update(text: str, reports: Sequence[Report]) -> str:
    """A page with its block replaced.

    Raises
    ------
    MarkerError
        If the page has no block.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise MarkerError(f"the page has no place for results; put these two lines where they belong:\n{BEGIN}\n{END}")
    return before + block(reports) + after


def write(reports: Sequence[Report], folder: Path = results.FOLDER) -> Path:
    """Write ``README.md`` beside the results."""
    file = folder / "README.md"
    file.write_text(page(reports), encoding="utf-8")
    return file
