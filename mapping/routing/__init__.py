"""Routing: which links the packets of every net pass, and what routers must know for it.

Start with :func:`topology_of` (``topology.py``: routers, links, the directions of links, what is dead, distances) and
:func:`route_trees` or :func:`route_xy` (``trees.py``; how a tree grows is in ``growing.py``). ``paths.py``
routes on any weighted graph with limited capacity, such as the buses of a wafer. ``loads.py`` counts
what links carry, ``keys.py`` and ``tables.py`` make keys and routing entries, and ``walk.py`` checks all
of it by following packets. Pure functions of arrays (``neurosim/mapping/structures.py``); no chip's
name appears here.
"""

from __future__ import annotations

from neurosim.mapping.routing.keys import Keys, allocate_keys
from neurosim.mapping.routing.loads import Congestion, congestion_of, depths, link_loads
from neurosim.mapping.routing.paths import BusGraph, PathRoutes, route_paths
from neurosim.mapping.routing.tables import Entries, check_entries, table_entries
from neurosim.mapping.routing.topology import Dead, Metric, dead_parts, hops_between, metric_of, topology_of
from neurosim.mapping.routing.trees import route_trees, route_xy, unicast
from neurosim.mapping.routing.walk import Walk, walk_entries, walk_routes

__all__ = [
    "BusGraph",
    "Congestion",
    "Dead",
    "Entries",
    "Keys",
    "Metric",
    "PathRoutes",
    "Walk",
    "allocate_keys",
    "check_entries",
    "congestion_of",
    "dead_parts",
    "depths",
    "hops_between",
    "link_loads",
    "metric_of",
    "route_paths",
    "route_trees",
    "route_xy",
    "table_entries",
    "topology_of",
    "unicast",
    "walk_entries",
    "walk_routes",
]
