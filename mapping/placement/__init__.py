"""Placement of cores (or groups of cores) on routers: pure functions of arrays and a seed.

Start with :func:`place_cores` (``portfolio.py``): several starts (``starts.py``, ``curves.py``), of which the
cheapest are improved (``improve.py``): unfolded (``relax.py``), settled by forces (``force.py``), annealed
(``anneal.py``). ``positions.py`` says where cores may stand and how far apart that is, ``graph.py`` what a placement
costs, ``problem.py`` holds what all stages share, ``kernels.py`` what all kernels share. No chip's name appears here.
"""

from __future__ import annotations

from neurosim.mapping.placement.graph import placement_cost
from neurosim.mapping.placement.portfolio import Effort, PlacementReport, Stage, place_cores
from neurosim.mapping.placement.positions import Positions

__all__ = [
    "Effort",
    "PlacementReport",
    "Positions",
    "Stage",
    "place_cores",
    "placement_cost",
]
