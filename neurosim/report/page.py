"""Fill the one-page report."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from neurosim.compare import cost_table, loss_table, pictures, tables
from neurosim.compare.comparison import Comparison, row
from neurosim.compare.results import ChipRun
from neurosim.errors import MissingExtraError, ParameterError
from neurosim.losses import KINDS
from neurosim.report.template import TEMPLATE

#: Lines of the ledger shown per chip; the rest is counted.
SHOWN_LOSSES = 60


def write(comparison: Comparison, path: str | Path) -> Path:
    """Write the report to a file and give its path.

    Raises
    ------
    MissingExtraError
        If jinja2 or matplotlib is not installed.
    ParameterError
        If the file cannot be written.
    """
    file = Path(path)
    text = html(comparison)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ParameterError(
            f"the report cannot be written: {error.strerror}.", where=str(path), remedy="Give a file in a folder you may write to."
        ) from error
    return file


def html(comparison: Comparison) -> str:
    """The report as text; it refers to nothing outside itself."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingExtraError.of("jinja2", "report") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(number=tables.number, signed=tables.signed, duration=tables.duration)
    environment.filters.update(whole=_whole, error_text=loss_table.error_text)
    return environment.from_string(TEMPLATE).render(**content(comparison))


def _whole(value: int) -> str:
    return f"{value:,}" if value else "-"


def content(comparison: Comparison) -> dict[str, Any]:
    """Everything the template shows."""
    simulated = any(run.duration_ms for run in comparison.runs)
    has_ideal = comparison.ideal is not None and len(comparison.runs) > 1
    return {
        "name": comparison.name,
        "simulated": simulated,
        "has_ideal": has_ideal,
        "lead": lead(comparison),
        "chips": [chip_section(run, comparison) for run in comparison.runs],
        "raster": _embedded(pictures.figure(comparison)) if any(run.spikes for run in comparison.runs) else "",
        "kinds": KINDS,
        "stages": tables.stage_names(comparison),
        "costs": cost_table.sections(comparison.runs),
    }


def lead(comparison: Comparison) -> str:
    """One sentence under the title."""
    done = [run for run in comparison.runs if not run.error]
    if not done:
        return "No chip gave a result."
    first = done[0]
    text = f"{first.n_neurons:,} neurons and about {first.n_synapses:,} synapses"
    text += f", simulated for {first.duration_ms:g} ms" if first.duration_ms else ", placed but not simulated"
    return f"{text}, on {', '.join(run.chip for run in comparison.runs)}."


def chip_section(run: ChipRun, comparison: Comparison) -> dict[str, Any]:
    """What the page says of one chip."""
    entry = row(run, comparison.ideal)
    losses = loss_table.gathered(run.losses)
    return {
        "run": run,
        "row": entry,
        "weight_error": tables.percent(run.weight_error),
        "rows_r": tables.mean_over(entry, "rate_correlation"),
        "time_r": tables.mean_over(entry, "activity_correlation"),
        "cv": tables.mean_over(entry, "cv_isi"),
        "map": _embedded(pictures.chip_map(run)) if run.cores else "",
        "losses": losses[:SHOWN_LOSSES],
        "more_losses": max(0, len(losses) - SHOWN_LOSSES),
    }


def _embedded(figure: Any) -> str:
    """A figure as a ``data:`` address."""
    return "data:image/png;base64," + base64.b64encode(pictures.render(figure)).decode("ascii")
