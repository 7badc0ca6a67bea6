"""A picture of the machine with what is where: plain SVG, with tooltips, without any drawing library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ParameterError
from neurosim.mapping.inspection import svg
from neurosim.mapping.inspection.colours import BUSY, EMPTY, HULL, IDLE, INK, LINE, REDS, SOFT, text_on
from neurosim.mapping.inspection.files import write
from neurosim.mapping.inspection.loads import LinkLoad
from neurosim.mapping.inspection.map_layout import Layout, layout
from neurosim.mapping.inspection.map_legend import WIDTH as LEGEND_WIDTH
from neurosim.mapping.inspection.map_legend import Names, Scale, compact, swatch
from neurosim.mapping.inspection.map_values import Shading, n_routers, neurons_per_core, routers_of, shading
from neurosim.mapping.pins import machine

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping

_LEFT, _TOP, _BOTTOM, _SPACE, _NARROWEST = 44.0, 76.0, 34.0, 30.0, 300.0
_ROOM_FOR_NUMBER = 24.0
_SMALLEST_CELL, _SMALLEST_NUMBER, _SMALLEST_MESH = 4.0, 28.0, 12.0
_LINKED = 0.46
_MAX_TIP = 160
_STYLE = f"""
text {{ font-family: {svg.FONT}; fill: {INK}; font-size: 12px; }}
.title {{ font-size: 16px; font-weight: 600; }} .note, .axis {{ fill: {SOFT}; }} .axis {{ font-size: 10px; }} .tick {{ font-size: 12px; }}
.value {{ font-size: 11px; text-anchor: middle; pointer-events: none; }}
.router, .core {{ stroke-linejoin: round; }} g:hover > .router, .core:hover, .link:hover {{ stroke: {INK}; stroke-width: 1.5; }}
"""


def chip_map(
    mapping: Mapping,
    path: str | Path | None = None,
    *,
    colour: str = "neurons",
    links: LinkLoad | None = None,
    entries: NDArray[np.integer] | None = None,
) -> str:
    """Map of the machine as SVG text, also written to ``path`` if given.

    Every router is one shape, with its cores inside where there is room; whoever points at one
    is told what is there.

    Parameters
    ----------
    path
        File to write; ``None`` only gives the text.
    colour
        What colours show: ``"neurons"``, ``"populations"`` (the largest one), ``"sent"`` or
        ``"received"`` (packets if every neuron fires once), ``"fullest"`` (resource), the name of a limited
        resource, ``"entries"`` (of routing tables) or ``"links"`` (loads of links).
    links
        Loads of links for ``"links"``; those of the mapping's routes if left out.
    entries
        int (n_routers,): entries of every router's table for ``"entries"``; those of the mapping if left out.

    Raises
    ------
    UnknownNameError
        If there is nothing to show of the name ``colour``.
    ParameterError
        If loads or entries are missing or of another machine, packets per pair of cores are not known,
        or the file cannot be written.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> text = chip_map(map_network(network, chips.load("loihi")), colour="populations")
    >>> text.count('class="router"')
    32
    """
    routing = mapping.routing if colour in ("links", "entries") and mapping.complete else None
    if colour == "links" and links is None and routing is not None:
        links = LinkLoad(routing.topology, routing.loads)
    if colour == "entries" and entries is None and routing is not None and routing.entries is not None:
        entries = routing.entries_used
    values = shading(mapping, colour, entries)
    if links is not None:
        links.checked(n_routers(mapping), "Mapping.chip_map")
    if colour == "links" and links is None:
        raise ParameterError(
            "no loads of links were given.", where="Mapping.chip_map", used="links", remedy="Give links=, or choose another colour."
        )
    text = _Picture(mapping, values, links if colour == "links" else None).text()
    if path is not None:
        write(path, text)
    return text


class _Picture:
    """One map: the layout, the values, and the parts drawn from them."""

    def __init__(self, mapping: Mapping, values: Shading, links: LinkLoad | None) -> None:
        self.mapping, self.values, self.links = mapping, values, links
        self.layout: Layout = layout(mapping.chip)
        self.counts = neurons_per_core(mapping)
        self.cores_at = _grouped(routers_of(mapping), len(self.layout.x))
        most = max((len(cores) for cores in self.cores_at), default=0)
        room = values.core is not None and most > 1 and self.layout.cell(most) >= _SMALLEST_CELL
        self.detailed = room and links is None
        self.most_cores = most
        self.scale = self._scale()

    def _scale(self) -> Scale | Names:
        if self.links is not None:
            return Scale.of(np.asarray(self.links.load, np.float64), self.links.unit, REDS)
        if self.values.is_population:
            labels = tuple(p.label for p in self.mapping.network.populations)
            return Names(labels, tuple(int(row.sum()) for row in self.counts))
        shown = self.values.core if self.detailed and self.values.core is not None else self.values.router
        return Scale.of(shown, self.values.unit)

    @property
    def heading(self) -> str:
        """What colours show."""
        if self.links is not None:
            return "Load of links"
        return self.values.core_title if self.detailed else self.values.router_title

    def text(self) -> str:
        """The whole picture."""
        width, height = self.layout.size
        side_x = _LEFT + max(width, _NARROWEST) + _SPACE
        side, side_height = self._legend(side_x)
        head = [svg.text(self.heading, _LEFT, 30, class_="title"), svg.text(self._summary(), _LEFT, 50, class_="note")]
        body = svg.element("g", "\n", "\n".join(part for part in self._map() if part), "\n", transform=f"translate({_LEFT:g} {_TOP:g})")
        size = (side_x + LEGEND_WIDTH + _SPACE, _TOP + max(height, side_height) + _BOTTOM)
        return svg.document([*head, body, *side], *size, _STYLE, f"{self.heading}, {machine(self.mapping.chip)}")

    def _summary(self) -> str:
        m = self.mapping
        counts = [
            ("core", m.n_cores_used, m.n_cores),
            (m.chip.router_noun, m.n_routers_used, m.n_routers),
            ("chip", m.n_chips_used, m.n_chips),
        ]
        # the same number twice says nothing: a core that is a router is called by the router's name
        shown = [row for row, above in zip(counts, [*counts[1:], None], strict=True) if above is None or row[1:] != above[1:]]
        if shown[-1][0] == "chip" and m.n_chips == m.n_routers:
            shown[-1] = (m.chip.router_noun, *shown[-1][1:])
        parts = [
            machine(m.chip),
            f"{m.n_placed:,} neurons",
            *(f"{used:,} of {n:,} {noun}{'s' if n != 1 else ''}" for noun, used, n in shown),
        ]
        return "  ·  ".join(parts)

    # --- the machine -----------------------------------------------------------------------
    def _map(self) -> Iterator[str]:
        yield from self._axes()
        if self.links is not None or self.layout.unit >= _SMALLEST_MESH:
            yield svg.segments(self._mesh(), stroke=LINE, stroke_width=min(max(0.06 * self.layout.unit, 1.0), 3.0))
        if self.links is not None:
            yield from self._loads(self.links)
        for router in range(len(self.layout.x)):
            yield self._router(router)
        if self.mapping.chip.map_group or self.layout.unit < _SMALLEST_MESH:
            yield svg.segments(self.layout.borders(), stroke=SOFT, stroke_width=1.2, stroke_linecap="round", pointer_events="none")

    def _mesh(self) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
        centre = self.layout.centre
        for a, b in self.mapping.chip.topology().edges:
            near = abs(self.layout.x[a] - self.layout.x[b]) <= 1 and abs(self.layout.y[a] - self.layout.y[b]) <= 1
            if near:  # a torus's way around is not drawn across the map
                yield (float(centre[a, 0]), float(centre[a, 1])), (float(centre[b, 0]), float(centre[b, 1]))

    def _router(self, router: int) -> str:
        cores = self.cores_at[router]
        inner = list(self._cells(router, cores)) if self.detailed else []
        fill, scale = self._fill(router, cores), _LINKED if self.links is not None else None
        stroke = {"stroke": LINE, "stroke_width": 1.0} if self.detailed else {}
        shape = svg.polygon(self.layout.outline(router, scale), class_="router", fill=fill, **stroke)
        return svg.element("g", svg.title(*self._tip(router, cores)), shape, *inner, self._number(router, fill))

    def _fill(self, router: int, cores: NDArray[np.int64]) -> str:
        if self.links is not None:
            return BUSY if self.counts[:, cores].any() else IDLE
        value = self.values.router[router]
        if self.detailed:
            return HULL
        return EMPTY if np.isnan(value) else self.scale.colour(float(value))

    def _number(self, router: int, fill: str) -> str:
        """The value inside a shape, where it is large enough and has no cores drawn in it."""
        value = float(self.values.router[router])
        if self.detailed or self.links is not None or self.values.is_population or np.isnan(value) or self.layout.unit < _SMALLEST_NUMBER:
            return ""
        x, y = self.layout.centre[router]
        return svg.text(compact(value), float(x), float(y) + 4, class_="value", style=f"fill:{text_on(fill)}")

    def _cells(self, router: int, cores: NDArray[np.int64]) -> Iterator[str]:
        assert self.values.core is not None
        for core, (x, y, width, height) in zip(cores.tolist(), self.layout.cells(router, self.most_cores), strict=False):
            value = float(self.values.core[core])
            fill = EMPTY if np.isnan(value) else self.scale.colour(value)
            box = {"x": x, "y": y, "width": width, "height": height, "rx": min(2.0, 0.2 * width), "fill": fill}
            yield svg.element("rect", svg.title(*self._core_tip(core, value)), class_="core", **box)
            if not np.isnan(value) and not self.values.is_population and min(width, height) >= _SMALLEST_NUMBER:
                yield svg.text(compact(value), x + width / 2, y + height / 2 + 4, class_="value", style=f"fill:{text_on(fill)}")

    def _loads(self, links: LinkLoad) -> Iterator[str]:
        """Half of every link, from the router that sends: both ways of a link lie side by side, end to end."""
        assert isinstance(self.scale, Scale)
        width = min(max(0.14 * self.layout.unit, 1.5), 7.0)
        for router, link, end, load in links.links():
            if load <= 0:
                continue
            x, y = self.layout.centre[router]
            dx, dy = self.layout.way(tuple(links.topology.step[link])) / 2
            tip = svg.title(f"{self._place(router)} to {self._place(end)}: {load:,.6g} {links.unit}")
            line = {"x1": float(x), "y1": float(y), "x2": float(x + dx), "y2": float(y + dy)}
            yield svg.element("line", tip, class_="link", stroke=self.scale.colour(load), stroke_width=width, **line)

    # --- words -----------------------------------------------------------------------------
    def _place(self, router: int) -> str:
        return f"({self.layout.x[router]}, {self.layout.y[router]})"

    def _tip(self, router: int, cores: NDArray[np.int64]) -> Iterator[str]:
        chip = self.mapping.chip
        group = f", {chip.map_group} {self.layout.group[router]}" if chip.map_group else ""
        yield f"{chip.router_noun} {self._place(router)}{group}"
        counts = self.counts[:, cores]
        yield f"{int(counts.any(axis=0).sum()):,} of {len(cores):,} cores used, {int(counts.sum()):,} neurons"
        totals = counts.sum(axis=1)
        present = np.flatnonzero(totals)
        names = [f"{self.mapping.network.populations[p].label} {totals[p]:,}" for p in present[np.argsort(-totals[present], kind="stable")]]
        yield _cut(", ".join(names))
        value = float(self.values.router[router])
        if self.links is None and not self.values.is_population and not np.isnan(value):
            yield f"{self.values.router_title}: {value:,.6g} {self.values.unit}"

    def _core_tip(self, core: int, value: float) -> Iterator[str]:
        yield self.mapping.chip.core_label(core)
        if np.isnan(value):
            yield "unused"
            return
        yield _cut(", ".join(map(str, self.mapping.on(core))))
        if not self.values.is_population:
            yield f"{self.values.core_title}: {value:,.6g} {self.values.unit}"

    # --- around it -------------------------------------------------------------------------
    def _axes(self) -> Iterator[str]:
        """Numbers of rows on the left and of columns below, as many as have room; along the edge where columns lean."""
        lay = self.layout
        middle, half = lay.centre, np.ptp(lay.corner, axis=0) / 2
        lean = 0.5 * lay.across[0, 1] * np.sign(lay.across[1, 1])
        left, low = middle[:, 0].min(), middle[:, 1].max()
        for y in np.unique(lay.y)[:: _every(14.0, abs(lay.across[1, 1]))].tolist():
            row = middle[lay.y == y]
            yield svg.text(str(y), (row[:, 0].min() if lean else left) - half[0] - 6, row[0, 1] + 4, class_="axis", text_anchor="end")
        for x in np.unique(lay.x)[:: _every(_ROOM_FOR_NUMBER, lay.across[0, 0])].tolist():
            column = middle[lay.x == x]
            end = column[np.argmax(column[:, 1])]
            if lean and not self._free_below(x, int(lay.y[lay.x == x][np.argmax(column[:, 1])])):
                continue
            yield svg.text(str(x), end[0] + lean, (end[1] if lean else low) + half[1] + 13, class_="axis", text_anchor="middle")

    def _free_below(self, x: int, y: int) -> bool:
        """True if there is room for a number below the last router of a leaning column."""
        below = y - 1 if self.layout.across[1, 1] < 0 else y + 1
        return self.layout.unit >= _ROOM_FOR_NUMBER or not any((x + side, below) in self.layout.number for side in (-1, 1))

    def _legend(self, x: float) -> tuple[list[str], float]:
        """Everything right of the map, and the height it takes."""
        parts, height = self.scale.legend(x, _TOP)
        y = _TOP + height
        noun = "core" if self.detailed else self.mapping.chip.router_noun
        for label, fill in [("used", BUSY), ("unused", IDLE)] if self.links is not None else [("unused", EMPTY)]:
            parts += swatch(x, y, fill, f"{label} {noun}", LINE)
            y += 20
        if self.mapping.chip.map_group:
            parts.append(svg.element("line", x1=x, x2=x + 12, y1=y + 6, y2=y + 6, stroke=SOFT, stroke_width=1.6))
            parts.append(svg.text(f"edge of a {self.mapping.chip.map_group}", x + 20, y + 10, class_="tick"))
            y += 20
        for note in self._notes():
            parts.append(svg.text(note, x, y + 12, class_="note"))
            y += 16
        return parts, y - _TOP

    def _notes(self) -> tuple[str, ...]:
        if self.links is not None:
            return ("The half of a link next to", f"a {self.mapping.chip.router_noun} is what it sends.")
        return ("Small boxes are the cores", f"of a {self.mapping.chip.router_noun}.") if self.detailed else ()


def _every(room: float, step: float) -> int:
    """Distance of numbers along an axis: 1, 2, 5, 10, ... so that each has its room."""
    return next(n for power in range(9) for n in (10**power, 2 * 10**power, 5 * 10**power) if n * step >= room)


def _grouped(router: NDArray[np.int64], n: int) -> list[NDArray[np.int64]]:
    """Cores of every router, in the order of the core table."""
    order = np.argsort(router, kind="stable")
    return np.split(order, np.searchsorted(router[order], np.arange(1, n)))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TIP else f"{text[:_MAX_TIP]} ..."
