"""The same network on several chips, side by side.

Start at :func:`compare` (``runner.py``), which gives a :class:`Comparison` (``comparison.py``):
rows, table, JSON, picture. ``scripts.py`` runs a user's script under settings of ours,
``arguments.py`` gives it the arguments it expects, ``worker.py`` is the process in which each chip
runs, ``results.py`` what is kept of it, ``costs.py`` and ``cost_table.py`` what it takes on the
chip, ``statistics.py`` the numbers, ``fitting.py`` the question
whether a script's network fits at all.
"""

from __future__ import annotations

from neurosim.compare.comparison import Comparison
from neurosim.compare.fitting import fit_script
from neurosim.compare.results import ChipRun
from neurosim.compare.runner import compare
from neurosim.compare.scripts import run_script

__all__ = ["ChipRun", "Comparison", "compare", "fit_script", "run_script"]
