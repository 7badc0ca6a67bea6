"""Grouping: which cores share a router, and which router that is.

Start with :func:`group_cores` (``group.py``), which asks ``demand.py`` what fits and ``search.py`` for the
best. The search makes groups (``groups.py``, ``descent.py``), finds first places for them (``spread.py``) and
anneals (``annealing.py``, on the trees of :mod:`neurosim.mapping.routing`), first bunches of alike cores,
then groups, then single cores. ``problem.py`` holds objects and nets, ``moving.py`` what changes when one
moves, ``options.py`` the effort. No chip's name appears here.
"""

from __future__ import annotations

from neurosim.mapping.grouping.demand import Demand
from neurosim.mapping.grouping.group import Grouping, group_cores
from neurosim.mapping.grouping.options import Options

__all__ = ["Demand", "Grouping", "Options", "group_cores"]
