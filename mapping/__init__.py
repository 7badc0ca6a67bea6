"""Placement: which neuron sits on which core of a chip, checked, and the answers one wants afterwards.

Start with :func:`map_network` (``pipeline.py``). Its stages are pure functions of arrays (``structures.py``), in this order:
``budget`` (limits as vectors), ``site`` (cores, routers and links that may be used), ``partition`` (first fit, pins
first), ``stages`` (who sends to whom, by ``fanout`` and ``reach``; better partitions by ``clustering/``; real cores by
``place`` in order, by ``placement/`` or, where trees count, by ``grouping/``), ``routes`` (ways, keys and tables, by
``routing/``), ``verify`` with ``verify_routes`` (independent check). ``traffic`` and ``usage`` count packets and
resources when asked for. :class:`Mapping` (``mapping.py``) is the result: ``summary``, ``where``, ``on``, ``path``,
``utilisation``, ``losses``, ``to_json`` (``serial.py``, with ``fingerprint.py``). ``lookup.py`` reads what users point
at, ``options.py`` what they ask for; ``placers.py`` runs placers of their own, ``ways.py`` follows a spike,
``summary.py`` prints; ``inspection/`` compares, explains, draws and writes tables. ``explain.py`` says why a network
does not fit, with changes that work (``explain_tries.py``, on copies by ``explain_scale.py``). No chip's name appears
here: everything a chip decides comes through :mod:`neurosim.chips.chip`.
"""

from __future__ import annotations

from neurosim._callable import make_callable
from neurosim._guard import refuse_bare_import
from neurosim.mapping.explain import Explanation, explain
from neurosim.mapping.lookup import Resident
from neurosim.mapping.mapping import Mapping
from neurosim.mapping.options import Options
from neurosim.mapping.pins import Pin, Place
from neurosim.mapping.pipeline import FitReport, fit_report, map_network
from neurosim.mapping.placers import PlacerTask
from neurosim.mapping.structures import CoreGraph
from neurosim.mapping.traffic import Traffic, count_traffic
from neurosim.mapping.usage import Binding, Utilisation

__all__ = [
    "Binding",
    "CoreGraph",
    "Explanation",
    "FitReport",
    "Mapping",
    "Options",
    "Pin",
    "Place",
    "PlacerTask",
    "Resident",
    "Traffic",
    "Utilisation",
    "count_traffic",
    "explain",
    "fit_report",
    "map_network",
]

refuse_bare_import(__name__, "neurosim.mapping")
make_callable(__name__)
