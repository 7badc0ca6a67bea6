"""Rasters and rates as pictures; needs matplotlib (extra ``report``)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.compare.results import ChipRun
from neurosim.compare.statistics import Spikes
from neurosim.errors import MissingExtraError, ParameterError

if TYPE_CHECKING:
    from neurosim.compare.comparison import Comparison

#: Neurons shown at most in a raster, taken evenly from all recorded ones.
SHOWN_CELLS = 400
#: Kinds of picture files.
KINDS = ("png", "pdf", "svg", "jpg")
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
    """Draw all runs, one band each: raster and activity on the left, rates of single neurons on the right.

    Raises
    ------
    ParameterError
        If the file's ending is no kind of picture, or the file cannot be written.
    MissingExtraError
        If matplotlib is not installed.
    """
    file = Path(path)
    kind = file.suffix.lstrip(".") or "png"
    if kind not in KINDS:
        raise ParameterError(
            f"'.{kind}' is no kind of picture.", where=str(path), used=kind, limit=list(KINDS), remedy=f"Use one of .{', .'.join(KINDS)}."
        )
    data = picture(comparison, kind=kind)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as error:
        raise ParameterError(
            f"the picture cannot be written: {error.strerror}.", where=str(path), remedy="Give a file in a folder you may write to."
        ) from error
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
    result = figure_class(figsize=(11.0, 0.8 + 2.5 * len(runs)), layout="constrained")
    canvas_class(result)
    heights = (3, 1) * len(runs)
    grid = result.add_gridspec(2 * len(runs), 2, width_ratios=(5, 1.3), height_ratios=heights)
    top_hz = max((float(_curve_hz(run).max(initial=0.0)) for run in runs), default=1.0) or 1.0
    widest = None
    for number, run in enumerate(runs):
        upper = result.add_subplot(grid[2 * number, 0])
        lower = result.add_subplot(grid[2 * number + 1, 0], sharex=upper)
        raster(upper, run)
        activity(lower, run, top_hz, last=run is runs[-1])
        widest = result.add_subplot(grid[2 * number : 2 * number + 2, 1], sharex=widest)
        rates(widest, run, last=run is runs[-1])
    result.suptitle(comparison.name, x=0.01, ha="left", fontweight="bold")
    return result


def raster(axes: Any, run: ChipRun) -> None:
    """Spikes as dots, one row per neuron, one colour per population."""
    offset, middles = 0, []
    for number, (spikes, n_shown) in enumerate(zip(run.spikes, shown(run), strict=True)):
        times_ms, heights = _dots(spikes, n_shown)
        axes.plot(times_ms, heights + offset, ".", ms=1.5, mew=0, color=_colour(number), rasterized=True)
        middles.append(offset + n_shown / 2)
        offset += n_shown
    axes.set_ylim(-0.5, max(offset, 1) - 0.5)
    axes.set_xlim(0, run.duration_ms or 1.0)
    axes.set_yticks(middles, [_short(spikes.label) for spikes in run.spikes], fontsize=8)
    for number, label in enumerate(axes.get_yticklabels()):
        label.set_color(_colour(number))
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=False)
    axes.set_title(heading(run), loc="left", fontsize=9)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _short(label: str) -> str:
    return label if len(label) <= 18 else f"{label[:17]}."


def _curve_hz(run: ChipRun) -> np.ndarray:
    """Mean rate of all recorded neurons per bin."""
    cells = sum(len(spikes.cells) for spikes in run.spikes)
    if not cells or not run.duration_ms:
        return np.zeros(0)
    counts = np.sum([spikes.activity(CURVE_BIN_MS) for spikes in run.spikes], axis=0)
    return counts / cells / CURVE_BIN_MS * 1000.0


def activity(axes: Any, run: ChipRun, top_hz: float, *, last: bool) -> None:
    """Mean rate of all recorded neurons over time."""
    rate_hz = _curve_hz(run)
    axes.fill_between((np.arange(len(rate_hz)) + 0.5) * CURVE_BIN_MS, rate_hz, color="#5b6778", lw=0)
    axes.set_ylim(0, 1.05 * top_hz)
    axes.set_ylabel("Hz", fontsize=8)
    axes.tick_params(labelsize=8, labelbottom=last)
    if last:
        axes.set_xlabel("time (ms)", fontsize=9)


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


def rates(axes: Any, run: ChipRun, *, last: bool) -> None:
    """Histogram of the rates of single neurons, one curve per population."""
    seconds = run.duration_ms / 1000.0
    counts = [spikes.counts() for spikes in run.spikes]
    most = max((int(count.max(initial=0)) for count in counts), default=0)
    step = max(1, -(-most // 30))
    edges = (np.arange(0, most + 2 * step, step) - 0.5) / (seconds or 1.0)
    for number, count in enumerate(counts):
        if len(count) and seconds:
            axes.hist(count / seconds, bins=edges, histtype="stepfilled", alpha=0.6, color=_colour(number))
    axes.set_yticks([])
    axes.set_ylabel("neurons", fontsize=8)
    axes.tick_params(labelsize=8)
    if last:
        axes.set_xlabel("rate of a neuron (Hz)", fontsize=9)


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
    """Figure of the machine's cores: grey where unused, coloured by how full the others are."""
    figure_class, canvas_class = _pyplot()
    result = figure_class(figsize=(4.2, 3.6), layout="constrained")
    canvas_class(result)
    axes = result.subplots()
    unused, fill = occupancy(run)
    origin: Any = "upper" if run.y_points_down else "lower"
    axes.imshow(unused, origin=origin, cmap="Greys", vmin=0.0, vmax=8.0, interpolation="nearest")
    image = axes.imshow(fill, origin=origin, cmap="viridis", vmin=0.0, vmax=max(1.0, float(np.nanmax(fill))), interpolation="nearest")
    result.colorbar(image, ax=axes, label="fullest resource (share of its limit)", shrink=0.85)
    axes.set_title(f"{run.chip}: {run.n_cores:,} cores in use", fontsize=9, loc="left")
    axes.set_axis_off()
    return result


def occupancy(run: ChipRun) -> tuple[np.ndarray, np.ndarray]:
    """The machine as two pictures, NaN where there is nothing: 1 for each core, and the fill of the used ones.

    Chips are at their (x, y); the cores of a chip fill a small square.
    """
    used = [(use.x, use.y, use.core) for use in run.cores]
    every = np.array([*run.machine, *used])
    low, side = every.min(axis=0), int(np.ceil(np.sqrt(every[:, 2].max() + 1)))
    pitch = side + 1 if side > 1 else 1

    def pixels(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y, core = (places - [low[0], low[1], 0]).T
        return y * pitch + core // side, x * pitch + core % side

    rows, columns = pixels(every)
    unused = np.full((int(rows.max()) + 1, int(columns.max()) + 1), np.nan)
    fill = unused.copy()
    unused[rows, columns] = 1.0
    fill[pixels(np.array(used))] = [use.fill for use in run.cores]
    return unused, fill
