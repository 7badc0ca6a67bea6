"""A cost report as CSV and JSON text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.chips.loihi.cost.arrays import EVENTS, Floats, Int64
from neurosim.errors import ParameterError, UnknownNameError

if TYPE_CHECKING:
    from neurosim.chips.loihi.cost.report import CostReport

_COUNTS = tuple(f"n {event}".replace(" ", "_").replace("-", "_") for event in EVENTS)


def to_csv(report: CostReport, path: str | Path | None = None, *, what: str = "steps") -> str:
    """One table of a report as CSV text; see :meth:`CostReport.to_csv`."""
    makers = {"steps": _steps, "cores": _cores, "populations": _populations, "events": _events, "evidence": _evidence}
    if what not in makers:
        raise UnknownNameError.among("table", what, makers, where="CostReport.to_csv")
    head, rows = makers[what](report)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return _written(text.getvalue(), path)


def to_json(report: CostReport, path: str | Path | None = None) -> str:
    """All but the steps as JSON text; see :meth:`CostReport.to_json`."""
    found: dict[str, Any] = {
        "chip": report.title,
        "profile": report.profile.name,
        "model": "detailed" if report.detailed else "simple",
        "n_steps": report.n_steps,
        "dt_ms": report.dt_ms,
        "begin_ms": report.begin_ms,
        "reason": "",
        "time_s": report.time_s,
        "longest_step_s": float(report.step_s.max()),
        "barrier_s": report.barrier.seconds,
        "barrier_basis": report.barrier.basis,
        "energy_uj": report.energy_uj,
        "static_uj": report.static_uj,
        "least_uj": report.least_uj,
        "power_mw": report.power_mw,
        "all_updated": report.all_updated,
        "events": {event: report.n(event) for event in EVENTS},
        "event_pj": dict(zip(EVENTS, report.event_pj.tolist(), strict=True)),
        "population_pj": [list(row) for row in zip(report.population_labels, report.population_pj.tolist(), strict=True)],
        "core_pj": [list(row) for row in zip(report.core_labels, report.core_pj.tolist(), strict=True)],
        "operations": asdict(report.operations),
        "formula": report.formula,
        "not_modelled": list(report.not_modelled),
        "evidence": [row._asdict() for row in report.evidence],
    }
    return _written(json.dumps(found, indent=1) + "\n", path)


def _written(text: str, path: str | Path | None) -> str:
    """The text, also in a file if there is a path.

    Raises
    ------
    ParameterError
        If the file cannot be written.
    """
    if path is not None:
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            where = "CostReport"
            raise ParameterError(
                f"the file cannot be written: {error}.", where=where, used=str(path), remedy="Give another path."
            ) from None
    return text


Table = tuple[Sequence[str], Iterable[Sequence[object]]]


def _steps(report: CostReport) -> Table:
    numbers = zip(report.step_s.tolist(), report.step_pj.tolist(), report.counts.step.tolist(), strict=True)
    return ("step", "time_s", "energy_pj", *_COUNTS), ([step, time, energy, *counts] for step, (time, energy, counts) in enumerate(numbers))


def _cores(report: CostReport) -> Table:
    return ("core", "energy_pj", *_COUNTS), _labelled(report.core_labels, report.core_pj, report.counts.core)


def _populations(report: CostReport) -> Table:
    return ("population", "energy_pj", *_COUNTS), _labelled(report.population_labels, report.population_pj, report.counts.population)


def _labelled(labels: Sequence[str], energy: Floats, counts: Int64) -> Iterable[Sequence[object]]:
    return ([label, pj, *row] for label, pj, row in zip(labels, energy.tolist(), counts.tolist(), strict=True))


def _events(report: CostReport) -> Table:
    columns = (EVENTS, report.counts.total.tolist(), report.profile.energy_pj.tolist(), report.event_pj.tolist())
    return ("event", "number", "pj_each", "energy_pj"), zip(*columns, strict=True)


def _evidence(report: CostReport) -> Table:
    return ("constant", "value", "unit", "source", "confidence", "evidence"), report.evidence
