"""SVG as text: elements with escaped content and short numbers."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


def number(value: float) -> str:
    """A coordinate with at most one hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if "." in f"{value:.2f}" else f"{value:.0f}"


def element(name: str, *content: str, **attributes: object) -> str:
    """An element; underscores in names of attributes become hyphens (a last one goes), ``None`` is left out.

    Content is put in as it is, see :func:`text` and :func:`title` for what needs escaping.
    """
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    written = "".join(f" {key}={quoteattr(number(value) if isinstance(value, float) else str(value))}" for key, value in pairs)
    return f"<{name}{written}>{''.join(content)}</{name}>" if content else f"<{name}{written}/>"


def text(content: str, x: float, y: float, **attributes: object) -> str:
    """Text at a place."""
    return element("text", escape(content), x=float(x), y=float(y), **attributes)


def title(*lines: str) -> str:
    """A tooltip."""
    return element("title", escape("\n".join(line for line in lines if line)))


def polygon(points: Iterable[tuple[float, float]], **attributes: object) -> str:
    """A closed shape; its tooltip may follow as ``tooltip``."""
    tooltip = attributes.pop("tooltip", None)
    inner = (str(tooltip),) if tooltip else ()
    return element("polygon", *inner, points=" ".join(f"{number(x)},{number(y)}" for x, y in points), **attributes)


def segments(pairs: Iterable[tuple[tuple[float, float], tuple[float, float]]], **attributes: object) -> str:
    """Many straight lines as one path; empty text if there are none."""
    drawn = "".join(f"M{number(a[0])} {number(a[1])}L{number(b[0])} {number(b[1])}" for a, b in pairs)
    return element("path", d=drawn, fill="none", **attributes) if drawn else ""


def document(content: Iterable[str], width: float, height: float, style: str, label: str) -> str:
    """A whole picture on white paper."""
    size = {"width": float(width), "height": float(height), "viewBox": f"0 0 {number(width)} {number(height)}"}
    paper = element("rect", width=float(width), height=float(height), fill="#ffffff")
    parts = (f"<title>{escape(label)}</title>", f"<style>{style}</style>", paper, *(part for part in content if part))
    return element("svg", "\n", "\n".join(parts), "\n", xmlns="http://www.w3.org/2000/svg", role="img", **size) + "\n"
