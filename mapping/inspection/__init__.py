"""What one asks of a mapping afterwards: pure functions of it, most of them methods of ``Mapping`` too.

``diff.py`` compares two mappings, ``rollup.py`` sums traffic by population, ``reasons.py`` says why
neurons are where they are, ``files.py`` writes CSV, ``graphs.py`` gives networkx graphs.
Start with ``chip_map.py`` for pictures: ``map_layout.py`` knows where things are, ``map_values.py``
what colours show, ``map_legend.py`` and ``colours.py`` how, ``svg.py`` writes text. ``loads.py`` is
the form in which loads of links come in. Nothing here changes a mapping or knows a chip's name.
"""

from __future__ import annotations

from neurosim.mapping.inspection.chip_map import chip_map
from neurosim.mapping.inspection.diff import MappingDiff, diff
from neurosim.mapping.inspection.files import COLUMNS, to_csv
from neurosim.mapping.inspection.graphs import core_graph, machine_graph, route_tree
from neurosim.mapping.inspection.loads import LinkLoad
from neurosim.mapping.inspection.reasons import Reasons, why
from neurosim.mapping.inspection.rollup import PopulationTraffic, roll_up

__all__ = [
    "COLUMNS",
    "LinkLoad",
    "MappingDiff",
    "PopulationTraffic",
    "Reasons",
    "chip_map",
    "core_graph",
    "diff",
    "machine_graph",
    "roll_up",
    "route_tree",
    "to_csv",
    "why",
]
