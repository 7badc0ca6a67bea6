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

if TYPE_CHECKING:
    from neurosim.compare.comparison import Comparison

#: Stages of a run in the order in which they happen; others that a run names come last.
_STAGES = ("build", "working point", "place", "compile", "kernels", "run", "other")
#: Recorded populations shown per chip.
SHOWN_POPULATIONS = 12


def number(value: Any, form: str = ",.4g") -> str:
    """A number for reading; a dash where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else format(value, form)


def signed(value: Any, form: str = "+.2f") -> str:
    """A difference with its sign; a dash where there is none."""
    return f"{value:+,d}" if isinstance(value, int) else number(value, form)


def grid(title: str, columns: Iterable[str], *, caption: str = "") -> Table:
    """An empty table in the one style of the command line.

    A column ending in ``>`` is right-aligned, one ending in ``|`` may be broken into lines in a
    narrow terminal; the others keep their width.
    """
    table = Table(title=title or None, caption=caption or None, box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    table.title_justify = table.caption_justify = "left"
    for column in columns:
        breaks = column.endswith("|")
        table.add_column(column.rstrip(">|"), justify="right" if column.endswith(">") else "left", overflow="fold", no_wrap=not breaks)
    return table


def comparison_table(comparison: Comparison) -> Table:
    """One line per chip: where it went, what was lost, how it behaved."""
    reference, accelerated = _has_reference(comparison), any(run.hardware_s for run in comparison.runs)
    columns = ["chip", "cores>", "chips>", "synapses\nlost>", "weight\nerror>", "rate\nHz>", "CV\nISI>"]
    columns += ["r\ncells>", "r\ntime>"] if reference else []
    columns += ["chip\ntime>"] if accelerated else []
    plural = "" if len(comparison.runs) == 1 else "s"
    title = f"{comparison.name} on {len(comparison.runs)} chip{plural}"
    table = grid(title, columns, caption=_caption(comparison))
    for run, entry in zip(comparison.runs, comparison.rows(), strict=True):
        cells = [run.chip, Text("failed", style="red")] if run.error else _cells(run, entry, reference=reference, accelerated=accelerated)
        table.add_row(*cells)
    return table


def _has_reference(comparison: Comparison) -> bool:
    return comparison.ideal is not None and len(comparison.runs) > 1


def _caption(comparison: Comparison) -> str:
    parts = [f"{', '.join(chips)}: {error}" for error, chips in same_errors(comparison.runs).items()]
    parts += [approximation_line(comparison.runs)] if any(run.approximations for run in comparison.runs) else []
    if _has_reference(comparison):
        parts.append("r: correlation with ideal, of spike counts over cells and of activity over time (5 ms bins)")
    if any(run.hardware_s for run in comparison.runs):
        parts.append("chip time: what the chip itself would take, where that is not biological time")
    if comparison.interrupted:
        parts.append("interrupted: later chips were not run, later times are missing")
    return "\n".join(parts)


def same_errors(runs: Iterable[ChipRun]) -> dict[str, list[str]]:
    """Each error with the chips that gave it."""
    found: dict[str, list[str]] = {}
    for run in runs:
        if run.error:
            found.setdefault(run.error, []).append(run.chip)
    return found


def approximation_line(runs: Iterable[ChipRun]) -> str:
    """The approximations that had an effect, chip by chip."""
    used = [f"{run.chip}: {', '.join(run.approximations)}" for run in runs if run.approximations]
    return f"approximations in effect: {'; '.join(used)}" if used else ""


def _cells(run: ChipRun, entry: dict[str, Any], *, reference: bool, accelerated: bool) -> list[str]:
    correlations = [number(mean_over(entry, key), ".2f") for key in ("rate_correlation", "activity_correlation")]
    return [
        run.chip,
        number(run.n_cores) if run.n_cores else "-",
        number(run.n_chips) if run.n_chips else "-",
        number(entry["synapses_lost"]) if run.n_cores else "-",
        percent(entry["weight_error"]),
        number(entry["rate_hz"], ".2f"),
        number(mean_over(entry, "cv_isi"), ".2f"),
        *(correlations if reference else []),
        *([duration(run.hardware_s)] if accelerated else []),
    ]


def duration(seconds: float | None) -> str:
    """A time in a unit that suits it; a dash for none."""
    if seconds is None:
        return "-"
    unit, name = next(((unit, name) for unit, name in ((1.0, "s"), (1e-3, "ms")) if seconds >= unit), (1e-6, "us"))
    return f"{seconds / unit:.3g} {name}"


def percent(share: float) -> str:
    """A share in percent; a dash for none."""
    if not share:
        return "-"
    return f"{100 * share:.3g} %" if share >= 1e-4 else "< 0.01 %"


def mean_over(entry: dict[str, Any], key: str) -> float:
    """Mean over populations, weighted by the number of recorded cells."""
    pairs = [(p[key], p["n_recorded"]) for p in entry["populations"] if key in p and math.isfinite(p[key])]
    weight = sum(size for _, size in pairs)
    return sum(value * size for value, size in pairs) / weight if weight else float("nan")


def run_table(run: ChipRun, name: str) -> Table:
    """One run as a table of facts."""
    table = grid(f"{name} on {run.title}", ("", "value|"))
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
    columns = ["chip", "population|", "neurons>", "spikes>", "rate\nHz>", "CV\nISI>"]
    columns += ["rate -\nideal>", "r\ncells>", "r\ntime>"] if differences else []
    table = grid("recorded populations", columns)
    hidden = 0
    for run, entry in zip(comparison.runs, comparison.rows(), strict=True):
        hidden += max(0, len(entry["populations"]) - SHOWN_POPULATIONS)
        for item in entry["populations"][:SHOWN_POPULATIONS]:
            table.add_row(*[run.chip, item["population"], *_population_cells(item)][: len(columns)])
    if hidden:
        table.caption = f"{hidden:,} more lines; --json has them all"
    return table


def _population_cells(item: dict[str, Any]) -> list[str]:
    return [
        number(item["n_recorded"]),
        number(item["n_spikes"]),
        number(item["rate_hz"], ".2f"),
        number(item["cv_isi"], ".2f"),
        signed(item.get("rate_difference_hz")),
        *(number(item.get(key), ".2f") for key in ("rate_correlation", "activity_correlation")),
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


def fit_table(runs: Iterable[ChipRun], name: str) -> Table:
    """One line per chip: does it fit, where, what binds and what would be lost. Errors are below, where no explanation is."""
    runs = tuple(runs)
    columns = ("chip", "fits", "cores>", "chips>", "fullest resource|", "synapses\nlost>", "weight\nerror>")
    table = grid(f"{name}: does it fit?{_size(runs)}", columns)
    for run in runs:
        if run.error:
            table.add_row(run.chip, Text("no", style="red"))
            continue
        lost = [number(run.synapses_lost()), percent(run.weight_error)]
        table.add_row(run.chip, Text("yes", style="green"), number(run.n_cores), number(run.n_chips), run.binding or "-", *lost)
    captions = [f"{', '.join(chips)}: {error}" for error, chips in same_errors(run for run in runs if run.explanation is None).items()]
    table.caption = "\n".join(filter(None, (*captions, approximation_line(runs)))) or None
    return table


def _size(runs: tuple[ChipRun, ...]) -> str:
    run = next((run for run in runs if not run.error), None)
    return f" {run.n_neurons:,} neurons, about {run.n_synapses:,} synapses" if run is not None else ""


def as_text(*tables: Table, width: int = 140) -> str:
    """Tables as plain text."""
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, color_system=None, markup=False, emoji=False)
    print_all(console, *tables)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def print_all(console: Console, *tables: Table) -> None:
    """Print the tables that hold something, an empty line between them, titles and captions as wide as there is room."""
    captioned = False
    for table in tables:
        if not table.row_count:
            continue
        if captioned:
            console.print()
        title, caption = table.title, table.caption
        console.print(title or "", style="table.title", highlight=False)
        table.title = table.caption = None
        console.print(table)
        table.title, table.caption, captioned = title, caption, bool(caption)
        if caption:
            console.print(caption, style="table.caption", highlight=False)
