"""How the cost grows: time and memory against neurons, synapses and rate, with 1 and 2 threads.

One quantity varies, the others stay; straight lines are fitted to the medians.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import network
from benchmarks.harness.cases import NEUROSIM, Case, Found, Gate, Side, Size
from benchmarks.harness.results import Report
from benchmarks.harness.tables import markdown, number
from benchmarks.recording import rate_gate

BASE = {"neurons": 20_000, "indegree": 500, "wanted_hz": 10.0}
RUN_MS = 1000.0
THREADS = (1, 2)
PLOT = "scaling.png"


@dataclass(frozen=True, slots=True)
class Axis:
    """A quantity that varies: the option, its values, its name and unit, and what one value is in that unit.

    Synapses follow from the in-degree and the number of neurons, which is another at full size.
    """

    option: str
    values: tuple[float, ...]
    words: str
    per_value: float = 1.0


AXES = (
    Axis("neurons", (5000, 10_000, 20_000, 40_000), "neurons (thousands)", 1e-3),
    Axis("indegree", (125, 250, 500, 1000, 2000), "synapses (millions)", 1e-6),
    Axis("wanted_hz", (2.5, 5.0, 10.0, 20.0, 40.0), "rate (Hz)"),
)
COSTS = {"run_factor": "run (s per s)", "build_s": "build (s)", "rss_gib": "memory (GiB)"}
FULL_FACTOR = 4
"""At full size neurons are four times as many everywhere."""


def cases(size: Size) -> list[Case]:
    """A case per point; points shared by several axes are measured once."""
    factor = FULL_FACTOR if size.full else 1
    points = [{**BASE, axis.option: value} for axis in AXES for value in axis.values]
    unique = {tuple(point.values()): point for point in points}
    return [_case({**point, "neurons": int(point["neurons"] * factor)}, size) for point in unique.values()]


def _case(point: dict[str, Any], size: Size) -> Case:
    return Case(
        label=f"{point['neurons']:,} neurons, in-degree {point['indegree']:,}, {point['wanted_hz']:g} Hz",
        sides=tuple(Side(NEUROSIM, "pynn", {"threads": n}, f"{n} thread{'s' * (n > 1)}") for n in THREADS),
        options={**point, "run_ms": RUN_MS},
        shown=("run_factor", "cpu_factor", "build_s", "rss_gib"),
        warm={"neurons": 100, "indegree": 10, "run_ms": 1.0} if point["wanted_hz"] == BASE["wanted_hz"] else None,
        repeats=None if size.full else 1,
    )


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """The rate is as asked for, and the spikes are the same with one and with two threads."""
    fingerprints = {side["digest"] for side in found.values()}
    same = Gate(f"{case.label}: same spikes", len(fingerprints) == 1 if len(found) == len(THREADS) else None, f"{len(found)} runs")
    return [rate_gate(case.label, next(iter(found.values()), None), case.options["wanted_hz"]), same]


def pynn(options: dict[str, Any]) -> Found:
    """Through PyNN."""
    return network.pynn(options)


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line through the points of one axis, cost and number of threads."""

    axis: Axis
    cost: str
    side: str
    x: np.ndarray
    y: np.ndarray

    @property
    def fit(self) -> tuple[float, float, float]:
        """Slope, intercept and share of the variance explained."""
        slope, intercept = np.polyfit(self.x, self.y, 1)
        residual, spread = self.y - slope * self.x - intercept, self.y - self.y.mean()
        return float(slope), float(intercept), float(1.0 - (residual**2).sum() / max((spread**2).sum(), 1e-30))


def lines(report: Report) -> list[Line]:
    """Every line that the report has three points or more of."""
    base = {**BASE, "neurons": BASE["neurons"] * (FULL_FACTOR if report.full else 1)}
    sides = list(dict.fromkeys(side for case in report.cases for side in case.medians))
    found = [_line(report, base, axis, cost, side) for axis in AXES for cost in COSTS for side in sides]
    return [line for line in found if len(line.x) >= 3]


def _line(report: Report, base: dict[str, Any], axis: Axis, cost: str, side: str) -> Line:
    others = [name for name in base if name != axis.option]
    chosen = [case for case in report.cases if all(case.options[name] == base[name] for name in others) and side in case.medians]
    per_value = axis.per_value * (base["neurons"] if axis.option == "indegree" else 1)
    points = sorted((case.options[axis.option] * per_value, case.medians[side][cost]) for case in chosen)
    x, y = zip(*points, strict=True) if points else ((), ())
    return Line(axis, cost, side, np.array(x, dtype=float), np.array(y, dtype=float))


def notes(report: Report) -> str:
    """The fits as a table."""
    rows = []
    for line in lines(report):
        slope, intercept, explained = line.fit
        rows.append([COSTS[line.cost], line.axis.words, line.side, number(slope), number(intercept), f"{explained:.4f}"])
    return markdown(("cost", "against", "", "slope", "intercept", "R²"), rows) + f"\n\n![Cost against size]({PLOT})"


def draw(report: Report, folder: Path) -> None:
    """Costs against axes, measured points and fitted lines."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(len(COSTS), len(AXES), figsize=(10, 8), squeeze=False, layout="constrained")
    for line in lines(report):
        panel = panels[list(COSTS).index(line.cost), AXES.index(line.axis)]
        slope, intercept, explained = line.fit
        colour = f"C{int(line.side[0]) - 1}"
        panel.plot(line.x, line.y, "o", color=colour)
        panel.plot(line.x, slope * line.x + intercept, "-", color=colour, label=f"{line.side}, R² {explained:.3f}")
        panel.set(xlabel=line.axis.words, ylabel=COSTS[line.cost])
        panel.legend(fontsize="small")
    for panel in panels.flat:
        panel.set_ylim(bottom=0.0)  # once all points are there: it ends the scaling of the axis
    figure.savefig(folder / PLOT, dpi=100)
    plt.close(figure)
