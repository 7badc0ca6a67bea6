"""Colours of maps: those of the reports, and ramps made of them."""

from __future__ import annotations

INK = "#1c2430"
SOFT = "#667085"
LINE = "#d5dbe4"
PAPER = "#ffffff"
HULL = "#fbfcfd"
EMPTY = "#edf0f4"
IDLE = "#e3e7ee"
BUSY = "#c3cedc"
OTHERS = "#a3abb8"

#: Populations; the first six are those of the rasters, the others the same hues, lighter.
POPULATIONS = ("#1f4e79", "#b5432e", "#3b7d4f", "#7a5195", "#8c6d1f", "#4a4a4a", "#7ba7cf", "#dd9b83", "#8dc09a", "#bb9fcc", "#d3b866")
#: From little to much.
BLUES = ("#d0dfee", "#a1bfdb", "#5c8fbf", "#1f4e79", "#10304f")
REDS = ("#f3dad1", "#e6b3a2", "#cf7a61", "#b5432e", "#6e2114")


def ramp(stops: tuple[str, ...], share: float) -> str:
    """Colour at a share of a ramp, 0 to 1 (clipped), as ``#rrggbb``."""
    place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    lower = min(int(place), len(stops) - 2)
    pairs = zip(_channels(stops[lower]), _channels(stops[lower + 1]), strict=True)
    mixed = [round(a + (b - a) * (place - lower)) for a, b in pairs]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def text_on(fill: str) -> str:
    """Dark or light, whichever is read better on a fill."""
    red, green, blue = _channels(fill)
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else PAPER


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
