"""Cores on routers: the entrance to grouping."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.errors import PlacementError
from neurosim.mapping.grouping.demand import Demand
from neurosim.mapping.grouping.groups import in_order
from neurosim.mapping.grouping.options import Options
from neurosim.mapping.grouping.problem import Problem, problem_of
from neurosim.mapping.grouping.search import Search
from neurosim.mapping.routing.topology import Metric, metric_of
from neurosim.mapping.routing.trees import route_trees
from neurosim.mapping.structures import Int32, Int64, Nets, Topology


class Grouping(NamedTuple):
    """Where cores are.

    Attributes
    ----------
    router_of
        int32 (n_cores,): router of each core.
    slot_of
        int32 (n_cores,): number of the core at its router, from 0.
    hops, natural_hops
        Packets times links of the trees of :func:`~neurosim.mapping.routing.route_trees`: here, and
        with cores in natural order (a few percent too many if it is far worse). The former is never larger.
    stages
        Name of each stage and packets times links after it (an estimate that leaves ties between trees open).
    stopped
        Whether time was up before all work was done.
    """

    router_of: Int32
    slot_of: Int32
    hops: float
    natural_hops: float
    stages: tuple[tuple[str, float], ...]
    stopped: bool


def group_cores(
    nets: Nets, demand: Demand, topology: Topology, *, options: Options | None = None, metric: Metric | None = None
) -> Grouping:
    """Put cores on routers such that multicast trees are short.

    Cores are grouped in several ways (in natural order, along a line through the packets, grown,
    cut by METIS if pymetis is installed), groups improved by moves and swaps, put on routers and
    annealed there on the length of the very trees that packets will take; then single cores are.

    Parameters
    ----------
    nets
        Who sends to whom.
    demand
        Number of cores, what they need, where some must be.
    topology
        Routers; ``room`` is how many cores each takes.
    options
        Effort, time, seed, progress.
    metric
        What :func:`~neurosim.mapping.routing.metric_of` gave for this topology, if it is at hand.

    Returns
    -------
    Grouping
        Never worse than natural order; the same for the same arguments unless time ran out.

    Raises
    ------
    PlacementError
        If the cores do not fit, or some target cannot be reached.
    ParameterError, UnknownNameError
        If demand or options are out of range.
    """
    chosen = (options or Options()).checked()
    use, capacity, fixed = demand.arrays(topology)
    distances = metric or metric_of(topology)
    problem = problem_of(nets, use, fixed)
    natural = natural_order(problem, capacity, topology)
    search = Search(topology, distances, capacity, chosen)
    place, _ = search.best(problem, natural)
    hops = route_trees(nets, place, topology, metric=distances).tree_hops(nets.weight)
    natural_hops = search.stages[0][1]
    if hops > 0.8 * natural_hops:  # the estimate may be a little too long: look closely
        natural_hops = route_trees(nets, natural, topology, metric=distances).tree_hops(nets.weight)
    if hops > natural_hops:
        place, hops = natural, natural_hops
    return Grouping(place, demand.slots_on(place, topology), hops, natural_hops, tuple(search.stages), search.stopped)


def natural_order(problem: Problem, capacity: Int64, topology: Topology) -> Int32:
    """Router of each core when routers are filled one after the other, int32 (n,); pins are kept.

    Raises
    ------
    PlacementError
        If not even the largest-first order fits.
    """
    orders = (np.arange(problem.n), np.lexsort((np.arange(problem.n), *-problem.use[:, 1:].T)) if problem.use.shape[1] > 1 else None)
    for order in orders:
        place = None if order is None else in_order(problem, order, capacity, problem.fixed)
        if place is not None:
            return place
    text = f"{problem.n:,} cores do not fit on {int((topology.room > 0).sum()):,} chips, though there is enough of everything in total."
    raise PlacementError(text, resource="chips", used=problem.n, remedy="Use a larger machine, or smaller cores that fit together better.")
