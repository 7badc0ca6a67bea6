"""Placers that users bring: what they are given, what is checked, and that nothing gets worse by them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import ParameterError
from neurosim.mapping.budget import Budget
from neurosim.mapping.partition import Partition
from neurosim.mapping.place import chip_uses
from neurosim.mapping.routing import hops_between, metric_of, route_trees, route_xy
from neurosim.mapping.routing.topology import Metric
from neurosim.mapping.site import Site
from neurosim.mapping.structures import CoreGraph, Int32, Int64, Nets, Topology

_REMEDY = "Give every core a slot of its own, from 0 to task.n_slots - 1, and leave those of task.fixed where task.given has them."


class PlacerTask:
    """Cores that are to be put on slots of a machine. A slot is a core of the machine that may be used.

    Attributes
    ----------
    graph
        Packets between pairs of cores.
    nets
        What is sent as one packet: from a core to all that it sends to where the chip multicasts, else a pair.
    topology
        Routers with their coordinates and links.
    router_of_slot
        int32 (n_slots,): router of each slot.
    given
        int32 (n_cores,): slot of each core when cores fill the machine in its order.
    fixed
        bool (n_cores,): cores that are pinned and must stay where ``given`` has them.
    multicast
        Whether packets follow trees, or each target gets its own.
    seed
        Of whoever draws random numbers.
    """

    def __init__(self, site: Site, graph: CoreGraph, nets: Nets, given: Int32, fixed: NDArray[np.bool_], *, multicast: bool, seed: int):
        self.graph, self.nets = graph, nets
        self.topology: Topology = site.topology
        self.router_of_slot: Int32 = site.router_of[site.cores]
        self.given, self.fixed, self.multicast, self.seed = given, fixed, multicast, seed

    @property
    def n_cores(self) -> int:
        """Number of cores."""
        return len(self.given)

    @property
    def n_slots(self) -> int:
        """Number of slots; at least as many as there are cores."""
        return len(self.router_of_slot)

    @cached_property
    def _metric(self) -> Metric:
        return metric_of(self.topology)

    def links(self, a: ArrayLike, b: ArrayLike) -> Int32:
        """Fewest links between slots ``a`` and ``b``, elementwise (arrays are broadcast)."""
        return hops_between(self._metric, self.router_of_slot[np.asarray(a)], self.router_of_slot[np.asarray(b)])

    def hops(self, slot_of: ArrayLike) -> float:
        """Packets times links of the ways that packets will take, as ``mapping.routing.hops`` counts them."""
        way = route_trees if self.multicast else route_xy
        routes = way(self.nets, self.router_of_slot[np.asarray(slot_of)], self.topology, metric=self._metric)
        return routes.tree_hops(self.nets.weight)


#: Slot of each core, int (n_cores,), all different.
Placer = Callable[[PlacerTask], ArrayLike]


def placed_by(placer: Placer, task: PlacerTask, budget: Budget, partition: Partition, site: Site) -> Int64:
    """Real core of each logical core as a placer of the user's has it, or as given where that has no more hops.

    Raises
    ------
    ParameterError
        If the placer gives no slot of its own to each core, moves what is pinned, or puts more on a chip than that holds.
    """
    where = f"Placer '{getattr(placer, '__name__', placer)}'"
    slot_of = _checked(placer(task), task, where)
    real = site.cores[slot_of]
    _check_chips(real, budget, partition, where)
    return real if task.hops(slot_of) < task.hops(task.given) else site.cores[task.given]


def _checked(found: Any, task: PlacerTask, where: str) -> Int64:
    slots = np.asarray(found)
    if slots.shape != (task.n_cores,) or not np.issubdtype(slots.dtype, np.integer):
        text = f"it gave {slots.dtype} of shape {slots.shape}; whole numbers of shape ({task.n_cores},) are needed."
        raise ParameterError(text, where=where, used=slots.shape, limit=(task.n_cores,), remedy=_REMEDY)
    wrong = np.flatnonzero((slots < 0) | (slots >= task.n_slots))
    if len(wrong):
        text = f"it put core {wrong[0]} on slot {slots[wrong[0]]:,}, and there are {task.n_slots:,} slots."
        raise ParameterError(text, where=where, used=int(slots[wrong[0]]), limit=task.n_slots - 1, remedy=_REMEDY)
    taken, counts = np.unique(slots, return_counts=True)
    if (counts > 1).any():
        slot = int(taken[counts > 1][0])
        text = f"it put {counts.max()} cores on slot {slot:,}."
        raise ParameterError(text, where=where, used=int(counts.max()), limit=1, remedy=_REMEDY)
    moved = np.flatnonzero(task.fixed & (slots != task.given))
    if len(moved):
        text = f"it moved core {moved[0]}, which is pinned to slot {task.given[moved[0]]:,}."
        raise ParameterError(text, where=where, used=int(slots[moved[0]]), limit=int(task.given[moved[0]]), remedy=_REMEDY)
    return slots.astype(np.int64)


def _check_chips(real: Int64, budget: Budget, partition: Partition, where: str) -> None:
    use, capacity = chip_uses(partition, budget)
    chip = np.asarray(budget.chip.cores().chip, np.int64)[real]
    for k, limit in enumerate(budget.chip_limits):
        used = np.bincount(chip, weights=use[:, k]).astype(np.int64)
        over = np.flatnonzero(used[chip] > capacity[:, k])
        if len(over):
            most = int(used[chip[over[0]]])
            text = f"it puts {limit.amount(most)} on {budget.chip.router_noun} {chip[over[0]]}, which has {limit.capacity:,}."
            raise ParameterError(text, where=where, used=most, limit=limit.capacity, remedy="Spread these cores over more of them.")
