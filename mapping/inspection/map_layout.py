"""Where everything is on a map: routers as squares or hexagons, cores inside them, outlines of boards."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]
Point = tuple[float, float]

#: Size that a map fills at most unless its routers would become smaller than SMALLEST, in pixels.
WIDTH, HEIGHT = 700.0, 620.0
SMALLEST, LARGEST = 9.0, 84.0

#: Steps (x, y) to the neighbours behind the sides of a router, in the order of their angle, by its shape.
STEPS = {
    "square": ((1, 0), (0, 1), (-1, 0), (0, -1)),
    "hexagon": ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1)),
}


@dataclass(frozen=True)
class Layout:
    """Places of routers on a map in pixels, the y axis down.

    Attributes
    ----------
    x, y
        Coordinates of each router, int64 (n,), by router number.
    group
        Part that each router belongs to, such as its board, int64 (n,).
    shape
        ``"square"`` or ``"hexagon"``.
    across
        Pixels (2, 2): columns are the ways of a step in x and in y.
    corner
        Corners of a router's shape around its centre, float64 (n_sides, 2); side ``k`` goes from corner ``k - 1`` to ``k``.
    origin
        Pixels added to every place so that all are positive, (2,).
    """

    x: Int64
    y: Int64
    group: Int64
    shape: str
    across: Floats
    corner: Floats
    origin: Floats

    @cached_property
    def centre(self) -> Floats:
        """Centre of every router, (n, 2)."""
        return np.stack([self.x, self.y], axis=1) @ self.across.T + self.origin

    @property
    def sides(self) -> tuple[tuple[int, int], ...]:
        """Steps to the neighbours behind the sides, in the order of their angle."""
        return STEPS[self.shape]

    @property
    def unit(self) -> float:
        """Smaller side of the box around a router."""
        return float(np.ptp(self.corner, axis=0).min())

    @property
    def size(self) -> Point:
        """Width and height of the map."""
        far = self.centre.max(axis=0) + self.corner.max(axis=0)
        return float(far[0]), float(far[1])

    @property
    def gap(self) -> float:
        """Room between neighbours."""
        return min(max(0.1 * self.unit, 0.8), 6.0)

    @cached_property
    def number(self) -> dict[Point, int]:
        """Router at given coordinates."""
        return {(x, y): router for router, (x, y) in enumerate(zip(self.x.tolist(), self.y.tolist(), strict=True))}

    def outline(self, router: int, scale: float | None = None) -> list[Point]:
        """Corners of a router's shape, by default with half a gap on every side."""
        factor = 1.0 - self.gap / np.ptp(self.corner, axis=0) if scale is None else scale
        return [(float(x), float(y)) for x, y in self.centre[router] + factor * self.corner]

    def cells(self, router: int, n_cores: int) -> list[tuple[float, float, float, float]]:
        """Boxes ``(x, y, width, height)`` of the cores of a router, row by row from the top left."""
        columns, width, height = self._grid(n_cores)
        rows = math.ceil(n_cores / columns)
        left, top = self.centre[router] - (columns * width / 2, rows * height / 2)
        gap = min(max(0.12 * min(width, height), 0.5), 3.0)
        places = (divmod(i, columns) for i in range(n_cores))
        return [(float(left + c * width + gap / 2), float(top + r * height + gap / 2), width - gap, height - gap) for r, c in places]

    def cell(self, n_cores: int) -> float:
        """Smaller side of the box of a core."""
        return min(self._grid(n_cores)[1:])

    def _grid(self, n_cores: int) -> tuple[int, float, float]:
        """Columns, and width and height of a box, such that boxes are as near to squares as can be."""
        box = np.ptp(self.corner, axis=0) * (1.0 - 1.6 * self.gap / self.unit)
        if self.shape == "hexagon":  # the rectangle that just fits between the slanted sides
            box = np.array([0.76, 0.52]) * np.ptp(self.corner, axis=0)
        columns = min(range(1, n_cores + 1), key=lambda c: -min(box[0] / c, box[1] / math.ceil(n_cores / c)))
        return columns, float(box[0] / columns), float(box[1] / math.ceil(n_cores / columns))

    def borders(self) -> Iterator[tuple[Point, Point]]:
        """Sides between different groups, and between routers and the outside, once each."""
        for (x, y), router in self.number.items():
            for side, (dx, dy) in enumerate(self.sides):
                other = self.number.get((x + dx, y + dy))
                if other is None or (router < other and self.group[router] != self.group[other]):
                    a, b = self.centre[router] + self.corner[side - 1], self.centre[router] + self.corner[side]
                    yield (float(a[0]), float(a[1])), (float(b[0]), float(b[1]))

    def way(self, step: tuple[int, int]) -> Floats:
        """Pixels of a step (x, y)."""
        return self.across @ np.asarray(step, np.float64)


def layout(chip: Chip) -> Layout:
    """Layout of all routers of a machine, as large as fits :data:`WIDTH` and :data:`HEIGHT`."""
    nodes = sorted(chip.topology().nodes(data=True))
    x, y = (np.array([data[name] for _, data in nodes], np.int64) for name in ("x", "y"))
    group = np.array([data.get(chip.map_group, 0) for _, data in nodes], np.int64)
    across, corner = _basis(chip)
    middle = np.stack([x, y], axis=1) @ across.T
    extent = np.ptp(middle, axis=0) + np.ptp(corner, axis=0)
    scale = min(WIDTH / extent[0], HEIGHT / extent[1])
    unit = np.ptp(corner, axis=0).min()
    scale = min(max(scale, SMALLEST / unit), LARGEST / unit)
    origin = -scale * (middle.min(axis=0) + corner.min(axis=0))
    return Layout(x, y, group, chip.map_shape, scale * across, scale * corner, origin)


def _basis(chip: Chip) -> tuple[Floats, Floats]:
    """Ways of the steps and corners of a router whose height (square) or width (hexagon) is 1."""
    down = np.array([1.0, 1.0 if chip.y_points_down else -1.0])
    if chip.map_shape == "hexagon":
        across = np.array([[1.0, -0.5], [0.0, math.sqrt(3) / 2]])
        angles = np.radians(30.0 + 60.0 * np.arange(6))
        corner = np.stack([np.cos(angles), np.sin(angles)], axis=1) / math.sqrt(3)
    else:
        width = chip.map_aspect
        across = np.diag([width, 1.0])
        corner = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (width / 2, 0.5)
    return across * down[:, None], corner * down
