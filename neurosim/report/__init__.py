"""A comparison or a mapping as one self-contained HTML page.

``page.py`` gathers what goes on the page and fills the template of ``template.py``; pictures come
from ``neurosim.compare.pictures`` and are written into the page. Needs the extra ``report``.
"""

from __future__ import annotations

from neurosim.report.page import html, write

__all__ = ["html", "write"]
