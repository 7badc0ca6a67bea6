"""Legends of maps: a scale for amounts, names for populations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.mapping.inspection.colours import BLUES, INK, LINE, OTHERS, POPULATIONS, ramp
from neurosim.mapping.inspection.svg import element, text

#: Pixels that a legend is wide.
WIDTH = 190.0
_BAR_WIDTH, _BAR_HEIGHT, _ROW = 14.0, 168.0, 20.0
_MAX_NAME = 16


@dataclass(frozen=True, slots=True)
class Scale:
    """Colours of amounts from 0 to ``top``, with round numbers to write at ``ticks``."""

    top: float
    ticks: tuple[float, ...]
    unit: str
    stops: tuple[str, ...] = BLUES

    @classmethod
    def of(cls, values: NDArray[np.float64], unit: str, stops: tuple[str, ...] = BLUES) -> Scale:
        """Scale up to the largest value, or to 100 for percent."""
        known = values[np.isfinite(values)]
        largest = max(float(known.max(initial=0.0)), 100.0 if unit.startswith("%") else 0.0) or 1.0
        step = _round_step(largest)
        if (known == np.round(known)).all():
            step = max(step, 1.0)
        n_steps = math.ceil(largest / step - 1e-9)
        return cls(step * n_steps, tuple(step * i for i in range(n_steps + 1)), unit, stops)

    def colour(self, value: float) -> str:
        """Colour of an amount."""
        return ramp(self.stops, value / self.top)

    def legend(self, x: float, y: float) -> tuple[list[str], float]:
        """The scale as a bar, and the height it takes."""
        pieces = [element("stop", offset=i / (len(self.stops) - 1), stop_color=c) for i, c in enumerate(self.stops)]
        gradient = element("linearGradient", *pieces, id="scale", x1=0, y1=1, x2=0, y2=0)
        bar_y = y + 24
        bar = element("rect", x=x, y=bar_y, width=_BAR_WIDTH, height=_BAR_HEIGHT, fill="url(#scale)", stroke=LINE, rx=2)
        parts = [element("defs", gradient), text(self.unit, x, y + 10, class_="note"), bar]
        for tick in self.ticks:
            tick_y = bar_y + _BAR_HEIGHT * (1.0 - tick / self.top)
            parts.append(element("line", x1=x + _BAR_WIDTH, x2=x + _BAR_WIDTH + 4, y1=tick_y, y2=tick_y, stroke=INK))
            parts.append(text(compact(tick), x + _BAR_WIDTH + 8, tick_y + 4, class_="tick"))
        return parts, 24 + _BAR_HEIGHT + 14


@dataclass(frozen=True, slots=True)
class Names:
    """Colours of populations: distinct ones for the largest, grey for the others.

    Attributes
    ----------
    labels, sizes
        Label and number of placed neurons of every population.
    """

    labels: tuple[str, ...]
    sizes: tuple[int, ...]

    def shown(self) -> list[int]:
        """Populations with a colour of their own, in the order of the network."""
        present = [p for p in range(len(self.sizes)) if self.sizes[p]]
        largest = sorted(present, key=lambda p: -self.sizes[p])[: len(POPULATIONS)]
        return sorted(largest)

    def colour(self, population: float) -> str:
        """Colour of a population."""
        shown = self.shown()
        return POPULATIONS[shown.index(int(population))] if int(population) in shown else OTHERS

    def legend(self, x: float, y: float) -> tuple[list[str], float]:
        """Names with their colours, and the height they take."""
        shown = self.shown()
        others = [size for p, size in enumerate(self.sizes) if size and p not in shown]
        rows = [(self.colour(p), _shortened(self.labels[p]), self.sizes[p]) for p in shown]
        rows += [(OTHERS, f"{len(others)} others", sum(others))] if others else []
        parts = [text("population", x, y + 10, class_="note"), text("neurons", x + WIDTH, y + 10, class_="note", text_anchor="end")]
        for i, (colour, name, size) in enumerate(rows):
            row_y = y + 24 + i * _ROW
            parts += [*swatch(x, row_y, colour, name), text(f"{size:,}", x + WIDTH, row_y + 10, class_="tick", text_anchor="end")]
        return parts, 24 + len(rows) * _ROW + 4


def swatch(x: float, y: float, colour: str, label: str, stroke: str = "none") -> list[str]:
    """A coloured square and what it means."""
    return [
        element("rect", x=x, y=y, width=12.0, height=12.0, rx=2, fill=colour, stroke=stroke),
        text(label, x + 20, y + 10, class_="tick"),
    ]


def compact(value: float) -> str:
    """A number in at most five characters."""
    for limit, factor, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= limit:
            return f"{value / factor:.3g}{letter}"
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.2g}"


def _shortened(label: str) -> str:
    return label if len(label) <= _MAX_NAME else f"{label[: _MAX_NAME - 1]}…"


def _round_step(largest: float) -> float:
    """The smallest of 1, 2, 5, 10, ... that divides a range into at most five steps."""
    power = 10.0 ** math.floor(math.log10(largest / 5))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= largest / 5)
