"""Tables for the terminal, made with ``rich``."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neurosim.compare.results import ChipRun
from neurosim.losses import KINDS, Loss

if TYPE_CHECKING:
    from neurosim.compare.comparison import Comparison

_STAGES = ("build", "place", "compile", "run", "other")


def number(value: Any, form: str = ",.4g") -> str:
    """A number for reading; a dash where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else format(value, form)


def signed(value: Any, form: str = "+.2f") -> str:
    """A difference with its sign; a dash where there is none."""
    return f"{value:+,d}" if isinstance(value, int) else number(value, form)


def grid(title: str, columns: Iterable[str], *, caption: str = "") -> Table:
    """An empty table in the one style of the command line; columns ending in ``>`` are right-aligned."""
    table = Table(
        title=title or None, caption=caption or None, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left", pad_edge=False
    )
    for column in columns:
        right = column.endswith(">")
        table.add_column(column.removesuffix(">"), justify="right" if right else "left", overflow="fold")
    return table


def comparison_table(comparison: Comparison) -> Table:
    """One line per chip: where it went, what was lost, how it behaved."""
    columns = ["chip", "cores>", "chips>", "synapses lost>", "weight error>", "rate Hz>", "CV ISI>"]
    columns += ["r cells>", "r time>"] if _has_reference(comparison) else []
    plural = "" if len(comparison.runs) == 1 else "s"
    title = f"{comparison.name} on {len(comparison.runs)} chip{plural}"
    table = grid(title, [*columns, "chip's own time>", "approximations"], caption=_caption(comparison))
    for run, entry in zip(comparison.runs, comparison.rows(), strict=True):
        cells = _error_cells(run, len(columns) + 2) if run.error else _cells(run, entry, with_reference="r cells>" in columns)
        table.add_row(*cells)
    return table


def _has_reference(comparison: Comparison) -> bool:
    return comparison.ideal is not None and len(comparison.runs) > 1


def _caption(comparison: Comparison) -> str:
    parts = [f"{run.chip}: {run.error}" for run in comparison.failed]
    if _has_reference(comparison):
        parts.append("r: correlation with ideal, of spike counts over cells and of activity over time (5 ms bins)")
    if comparison.interrupted:
        parts.append("interrupted: later chips were not run, later times are missing")
    return "\n".join(parts)


def _error_cells(run: ChipRun, n_columns: int) -> list[str | Text]:
    return [run.chip, *["-"] * (n_columns - 2), Text("failed, see below", style="red")]


def _cells(run: ChipRun, entry: dict[str, Any], *, with_reference: bool) -> list[str | Text]:
    correlations = [number(mean_over(entry, key), ".2f") for key in ("rate_correlation", "activity_correlation")]
    return [
        run.chip,
        number(run.n_cores) if run.n_cores else "-",
        number(run.n_chips) if run.n_chips else "-",
        number(entry["synapses_lost"]) if run.n_cores else "-",
        percent(entry["weight_error"]),
        number(entry["rate_hz"], ".2f"),
        number(mean_over(entry, "cv_isi"), ".2f"),
        *(correlations if with_reference else []),
        duration(run.hardware_s),
        ", ".join(run.approximations) or "-",
    ]


def duration(seconds: float | None) -> str:
    """A time in a unit that suits it; a dash for none."""
    if seconds is None:
        return "-"
    unit, name = next(((unit, name) for unit, name in ((1.0, "s"), (1e-3, "ms")) if seconds >= unit), (1e-6, "us"))
    return f"{seconds / unit:.3g} {name}"


def percent(share: float) -> str:
    """A share in percent; a dash for none."""
    return f"{100 * share:.3g} %" if share else "-"


def mean_over(entry: dict[str, Any], key: str) -> float:
    """Mean over populations, weighted by the number of recorded cells."""
    pairs = [(p[key], p["n_recorded"]) for p in entry["populations"] if key in p and math.isfinite(p[key])]
    weight = sum(size for _, size in pairs)
    return sum(value * size for value, size in pairs) / weight if weight else float("nan")


def run_table(run: ChipRun, name: str) -> Table:
    """One run as a table of facts."""
    table = grid(f"{name} on {run.title}", ("", "value"))
    table.show_header = False
    facts = {
        "neurons": number(run.n_neurons),
        "synapses (expected)": number(run.n_synapses),
        "cores": number(run.n_cores) if run.n_cores else "",
        "chips": number(run.n_chips) if run.n_chips else "",
        "fullest resource": run.binding,
        "synapses lost": number(run.synapses_lost()) if run.n_cores else "",
        "approximations": ", ".join(run.approximations),
        "simulated": f"{run.duration_ms:g} ms",
        "chip's own time": duration(run.hardware_s) if run.hardware_s else "",
        "wall time": ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in run.stages.items()),
    }
    for label, value in facts.items():
        if value:
            table.add_row(label, value)
    return table


def population_table(comparison: Comparison, *, differences: bool = True) -> Table:
    """One line per chip and recorded population, with or without the differences from the ideal reference."""
    columns = (
        "chip",
        "population",
        "neurons>",
        "spikes>",
        "rate Hz>",
        "CV ISI>",
        "rate - ideal>",
        "spikes - ideal>",
        "r cells>",
        "r time>",
    )
    n_columns = len(columns) if differences else 6
    table = grid("recorded populations", columns[:n_columns])
    for run, entry in zip(comparison.runs, comparison.rows(), strict=True):
        for item in entry["populations"]:
            table.add_row(*[run.chip, item["population"], *_population_cells(item)][:n_columns])
    return table


def _population_cells(item: dict[str, Any]) -> list[str]:
    differences = (
        item.get("rate_difference_hz"),
        item.get("spike_difference"),
        item.get("rate_correlation"),
        item.get("activity_correlation"),
    )
    return [
        number(item["n_recorded"]),
        number(item["n_spikes"]),
        number(item["rate_hz"], ".2f"),
        number(item["cv_isi"], ".2f"),
        *("-" if value is None else signed(value) for value in differences[:2]),
        *(number(value, ".2f") for value in differences[2:]),
    ]


def stage_names(comparison: Comparison) -> list[str]:
    """Stages that occur, in the order in which they happen."""
    seen = {name for run in comparison.runs for name in run.stages}
    return [*(name for name in _STAGES if name in seen), *sorted(seen - set(_STAGES))]


def stage_table(comparison: Comparison) -> Table:
    """Wall time per stage of each run."""
    names = stage_names(comparison)
    table = grid("wall time in s", ("chip", *(f"{name}>" for name in names), "total>"))
    for run in comparison.runs:
        if run.stages:
            table.add_row(run.chip, *(number(run.stages.get(name), ".2f") for name in names), number(sum(run.stages.values()), ".2f"))
    return table


def loss_table(runs: Iterable[ChipRun], *, limit: int = 40) -> Table:
    """What was lost, chip by chip, equal losses of several places in one line; at most ``limit`` lines in all."""
    table = grid("what was lost", ("chip", "kind", "what", "where", "count>", "share>", "detail"))
    lines = [(run.chip, loss) for run in runs for loss in gathered(run.losses)]
    for chip, loss in lines[:limit]:
        table.add_row(chip, loss.kind, loss.what, loss.where, number(loss.count), percent(loss.fraction), loss.detail)
    if len(lines) > limit:
        table.caption = f"{len(lines) - limit:,} more lines; --json has them all"
    return table


def gathered(losses: Iterable[Loss]) -> list[Loss]:
    """Losses that differ in their place only put together, in the order of their kinds, the most frequent first."""
    groups: dict[tuple[str, str, str], list[Loss]] = {}
    for loss in losses:
        groups.setdefault((loss.kind, loss.what, loss.detail), []).append(loss)
    order = list(KINDS)
    return sorted((_together(group) for group in groups.values()), key=lambda loss: (order.index(loss.kind), -loss.count))


def _together(group: list[Loss]) -> Loss:
    first, count = group[0], sum(loss.count for loss in group)
    return Loss(
        first.kind,
        first.where if len(group) == 1 else f"{first.where} and {len(group) - 1} more",
        first.what,
        count,
        sum(loss.total for loss in group) if all(loss.total for loss in group) else 0,
        sum(loss.error_mean * loss.count for loss in group) / count if count else 0.0,
        max(loss.error_max for loss in group),
        first.unit,
        first.detail,
    )


def fit_table(runs: Iterable[ChipRun], name: str) -> Table:
    """One line per chip: does it fit, where, what binds and what would be lost."""
    columns = (
        "chip",
        "fits",
        "neurons>",
        "synapses>",
        "cores>",
        "chips>",
        "fullest resource",
        "synapses lost>",
        "weight error>",
        "approximations",
    )
    table = grid(f"{name}: does it fit?", columns)
    captions = []
    for run in runs:
        if run.error:
            captions.append(f"{run.chip}: {run.error}")
            table.add_row(run.chip, Text("no", style="red"), *["-"] * 8)
            continue
        sizes = [number(value) for value in (run.n_neurons, run.n_synapses, run.n_cores, run.n_chips)]
        lost = [number(run.synapses_lost()), percent(run.weight_error)]
        table.add_row(run.chip, Text("yes", style="green"), *sizes, run.binding or "-", *lost, ", ".join(run.approximations) or "-")
    table.caption = "\n".join(captions) or None
    return table


def as_text(*tables: Table, width: int = 160) -> str:
    """Tables as plain text."""
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, color_system=None)
    for table in tables:
        console.print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())
