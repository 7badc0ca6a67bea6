"""Rasters and rates as pictures; needs matplotlib (extra ``report``)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.compare.results import ChipRun
from neurosim.compare.statistics import Spikes
from neurosim.errors import MissingExtraError

if TYPE_CHECKING:
    from neurosim.compare.comparison import Comparison

#: Neurons shown at most in a raster, taken evenly from all recorded ones.
SHOWN_CELLS = 400
COLOURS = ("#1f4e79", "#b5432e", "#3b7d4f", "#7a5195", "#8c6d1f", "#4a4a4a")
#: Width of the bins of the rate curve in ms.
CURVE_BIN_MS = 5.0


def _pyplot() -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError.of("matplotlib", "report") from error
    return Figure, FigureCanvasAgg


def draw(comparison: Comparison, path: str | Path) -> Path:
    """Draw all runs, one band each: raster on the left, rates per population on the right."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(picture(comparison, kind=file.suffix.lstrip(".") or "png"))
    return file


def picture(comparison: Comparison, *, kind: str = "png") -> bytes:
    """The picture of :func:`draw` as bytes."""
    return render(figure(comparison), kind=kind)


def render(canvas_figure: Any, *, kind: str = "png") -> bytes:
    """A matplotlib figure as bytes."""
    buffer = io.BytesIO()
    canvas_figure.savefig(buffer, format=kind, dpi=130)
    return buffer.getvalue()


def figure(comparison: Comparison) -> Any:
    """The figure of :func:`draw`."""
    figure_class, canvas_class = _pyplot()
    runs = [run for run in comparison.runs if not run.error] or list(comparison.runs[:1])
    result = figure_class(figsize=(11.0, 0.8 + 2.1 * len(runs)), layout="constrained")
    canvas_class(result)
    axes = result.subplots(len(runs), 2, squeeze=False, width_ratios=(4, 1), sharex="col")
    for run, (left, right) in zip(runs, axes, strict=True):
        raster(left, run)
        rates(right, run)
    axes[-1][0].set_xlabel("time (ms)")
    axes[-1][1].set_xlabel("rate of a neuron (Hz)")
    result.suptitle(comparison.name, x=0.01, ha="left", fontweight="bold")
    return result


def raster(axes: Any, run: ChipRun) -> None:
    """Spikes as dots, one row per neuron, one colour per population, with the mean activity over them."""
    offset = 0
    sizes = shown(run)
    for number, (spikes, n_shown) in enumerate(zip(run.spikes, sizes, strict=True)):
        times_ms, heights = _dots(spikes, n_shown)
        axes.plot(times_ms, heights + offset, ".", ms=1.4, mew=0, color=COLOURS[number % len(COLOURS)], rasterized=True)
        axes.text(
            1.0,
            offset + n_shown,
            spikes.label,
            fontsize=7,
            va="top",
            ha="left",
            transform=_right_edge(axes),
            color=COLOURS[number % len(COLOURS)],
        )
        offset += n_shown
    axes.set_ylim(-0.5, max(offset, 1) - 0.5)
    axes.set_xlim(0, run.duration_ms or 1.0)
    axes.set_yticks([])
    axes.set_ylabel(f"{offset} neurons", fontsize=8)
    axes.set_title(heading(run), loc="left", fontsize=9)
    if run.spikes and run.duration_ms:
        _activity(axes, run)


def _right_edge(axes: Any) -> Any:
    return axes.get_yaxis_transform()


def shown(run: ChipRun) -> list[int]:
    """Neurons shown of each population: all, or a share of ``SHOWN_CELLS`` by size."""
    sizes = [len(spikes.cells) for spikes in run.spikes]
    total = sum(sizes)
    return [size if total <= SHOWN_CELLS else max(1, round(SHOWN_CELLS * size / total)) if size else 0 for size in sizes]


def _dots(spikes: Spikes, n_shown: int) -> tuple[np.ndarray, np.ndarray]:
    chosen = spikes.cells[np.linspace(0, max(len(spikes.cells) - 1, 0), n_shown).astype(int)] if n_shown else spikes.cells[:0]
    row = np.searchsorted(chosen, spikes.indices)
    hit = chosen[np.minimum(row, max(len(chosen) - 1, 0))] == spikes.indices if len(chosen) else np.zeros(len(spikes.indices), bool)
    return spikes.times_ms[hit], row[hit].astype(float)


def _activity(axes: Any, run: ChipRun) -> None:
    cells = sum(len(spikes.cells) for spikes in run.spikes)
    counts = np.sum([spikes.activity(CURVE_BIN_MS) for spikes in run.spikes], axis=0)
    rate_hz = counts / max(cells, 1) / CURVE_BIN_MS * 1000.0
    curve = axes.twinx()
    curve.plot((np.arange(len(rate_hz)) + 0.5) * CURVE_BIN_MS, rate_hz, color="black", lw=0.8, alpha=0.75)
    curve.set_ylim(0, max(4.0 * float(rate_hz.max(initial=0.0)), 1.0))
    curve.tick_params(labelsize=7)
    curve.set_ylabel("Hz", fontsize=7)


def rates(axes: Any, run: ChipRun) -> None:
    """Histogram of the rates of single neurons, one curve per population."""
    for number, spikes in enumerate(run.spikes):
        if not len(spikes.cells) or not run.duration_ms:
            continue
        rate_hz = spikes.counts() / run.duration_ms * 1000.0
        top = max(float(rate_hz.max(initial=0.0)), 1.0)
        axes.hist(
            rate_hz, bins=min(40, int(top * run.duration_ms / 1000.0) + 1), histtype="step", lw=1.2, color=COLOURS[number % len(COLOURS)]
        )
    axes.set_yticks([])
    axes.set_ylabel("neurons", fontsize=8)
    axes.tick_params(labelsize=7)


def heading(run: ChipRun) -> str:
    """One line above a raster."""
    if run.error:
        return f"{run.chip}: {run.error}"
    parts = [f"{run.chip}: mean rate {run.rate_hz():.1f} Hz"]
    if run.n_cores:
        parts.append(f"{run.n_cores:,} cores on {run.n_chips:,} chip{'s' if run.n_chips != 1 else ''}")
    if run.synapses_lost():
        parts.append(f"{run.synapses_lost():,} synapses lost")
    return ", ".join(parts)


def chip_map(run: ChipRun) -> Any:
    """Figure of the chip's used cores, coloured by how full they are."""
    figure_class, canvas_class = _pyplot()
    result = figure_class(figsize=(4.2, 3.6), layout="constrained")
    canvas_class(result)
    axes = result.subplots()
    grid = occupancy(run)
    picture_of = axes.imshow(grid, origin="lower", cmap="viridis", vmin=0.0, vmax=max(1.0, float(np.nanmax(grid))), interpolation="nearest")
    result.colorbar(picture_of, ax=axes, label="fullest resource (share of its limit)", shrink=0.85)
    axes.set_title(f"{run.chip}: {run.n_cores:,} cores in use", fontsize=9, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    return result


def occupancy(run: ChipRun) -> np.ndarray:
    """Fill of the used cores as a picture: chips at their (x, y), the cores of a chip in a small square."""
    x = np.array([use.x for use in run.cores])
    y = np.array([use.y for use in run.cores])
    core = np.array([use.core for use in run.cores])
    side = int(np.ceil(np.sqrt(core.max(initial=0) + 1)))
    pitch = side + 1 if side > 1 else 1
    columns, rows = (x - x.min()) * pitch + core % side, (y - y.min()) * pitch + core // side
    grid = np.full((int(rows.max()) + 1, int(columns.max()) + 1), np.nan)
    grid[rows, columns] = [use.fill for use in run.cores]
    return grid
