"""Examples in docstrings hold, and the gallery in the documentation is whole."""

from __future__ import annotations

import doctest
import importlib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["chip_map", "diff", "files", "graphs", "reasons", "rollup"])
def test_examples_in_docstrings(name):
    done = doctest.testmod(importlib.import_module(f"neurosim.mapping.inspection.{name}"))
    assert done.attempted
    assert not done.failed


@pytest.mark.parametrize(("name", "routers"), [("hicann", 384), ("spinnaker", 48), ("loihi", 128), ("links", 144)])
def test_the_gallery_shows_whole_machines(name, routers):
    file = ROOT / "docs" / "images" / f"maps_{name}.svg"
    assert sum(element.get("class") == "router" for element in ET.parse(file).iter()) == routers
    assert f'"{file.name}"' in (ROOT / "examples" / "chip_maps.py").read_text(encoding="utf-8")
