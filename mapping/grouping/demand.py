"""What cores need of the routers they are put on, and where some of them must be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.routing.topology import router_label
from neurosim.mapping.structures import Int32, Int64, Topology


class Demand(NamedTuple):
    """Cores to be put on routers.

    Attributes
    ----------
    n_cores
        Number of cores.
    use
        int64 (n_cores, n_resources): what each takes of resources that add up at a router, such as
        shared memory; ``None`` if there are none.
    capacity
        int64 (n_resources,) or (n_routers, n_resources): how much of them a router has.
    names
        Names of the resources, for messages.
    router, slot
        int (n_cores,): router, and number of the core there, of cores that must be somewhere; -1
        elsewhere, ``None`` if that is everywhere. A slot without a router means nothing.
    """

    n_cores: int
    use: Int64 | None = None
    capacity: Int64 | None = None
    names: tuple[str, ...] = ()
    router: NDArray[np.integer] | None = None
    slot: NDArray[np.integer] | None = None

    def arrays(self, topology: Topology) -> tuple[Int64, Int64, Int32]:
        """Use (n_cores, 1 + n_resources), capacity (n_routers, 1 + n_resources), router of pinned cores; column 0 counts cores.

        Raises
        ------
        ParameterError
            If a shape is wrong or a pin is out of range.
        PlacementError
            If the cores cannot fit: names the resource and by how much.
        """
        n, n_routers = self.n_cores, topology.n_routers
        more = np.zeros((n, 0), np.int64) if self.use is None else np.asarray(self.use, np.int64)
        given = np.zeros(more.shape[1:], np.int64) if self.capacity is None else np.asarray(self.capacity, np.int64)
        if more.ndim != 2 or len(more) != n or given.shape not in {more.shape[1:], (n_routers, *more.shape[1:])}:
            text = f"use {more.shape} and capacity {given.shape} do not belong to {n} cores on {n_routers} routers."
            raise ParameterError(text, where="Demand", used=more.shape, remedy="Give use per core, capacity per resource or per router.")
        use = np.concatenate([np.ones((n, 1), np.int64), more], axis=1)
        capacity = np.concatenate([topology.room[:, None].astype(np.int64), np.broadcast_to(given, (n_routers, more.shape[1]))], axis=1)
        capacity[topology.room == 0] = 0
        fixed = self._pins(topology)
        self._check(use, capacity, fixed, topology)
        return use, capacity, fixed

    def _pins(self, topology: Topology) -> Int32:
        fixed = np.full(self.n_cores, -1, np.int32) if self.router is None else np.asarray(self.router, np.int32)
        if fixed.shape != (self.n_cores,) or fixed.max(initial=-1) >= topology.n_routers:
            text = f"pins name router {fixed.max(initial=-1)}, or are not one number per core."
            raise ParameterError(text, where="Demand", used=fixed.shape, limit=topology.n_routers, remedy="Give each core a router or -1.")
        slot = self._slots()
        pinned = np.flatnonzero((slot >= 0) & (fixed >= 0))
        for core in pinned.tolist():
            if slot[core] >= topology.room[fixed[core]]:
                raise _no_slot(core, int(slot[core]), int(fixed[core]), topology)
        pairs = fixed[pinned].astype(np.int64) * (int(topology.room.max()) + 1) + slot[pinned]
        if len(np.unique(pairs)) < len(pairs):
            raise ParameterError("two cores are pinned to the same place.", where="Demand", remedy="Pin one of them elsewhere.")
        return fixed

    def _slots(self) -> Int32:
        return np.full(self.n_cores, -1, np.int32) if self.slot is None else np.asarray(self.slot, np.int32)

    def _name(self, resource: int) -> str:
        return "cores" if resource == 0 else self.names[resource - 1] if resource <= len(self.names) else f"resource {resource - 1}"

    def _check(self, use: Int64, capacity: Int64, fixed: Int32, topology: Topology) -> None:
        remedy = "Use a larger machine, or fewer and fuller cores."
        for k, (used, limit) in enumerate(zip(use.sum(axis=0).tolist(), capacity.sum(axis=0).tolist(), strict=True)):
            if used > limit:
                raise PlacementError(core="the machine", resource=self._name(k), used=used, limit=limit, remedy=remedy)
        most = use.max(axis=0, initial=0)
        for k in np.flatnonzero(most > capacity.max(axis=0)).tolist():
            core = int(use[:, k].argmax())
            text = f"Core {core} fits nowhere: it needs {most[k]:,} {self._name(k)}, no chip has more than {capacity[:, k].max():,}."
            raise PlacementError(
                text, core=f"core {core}", resource=self._name(k), used=int(most[k]), limit=int(capacity[:, k].max()), remedy=remedy
            )
        load = np.zeros(capacity.shape, np.int64)
        np.add.at(load, fixed[fixed >= 0], use[fixed >= 0])
        for router, k in np.argwhere(load > capacity).tolist():
            name = router_label(topology, router)
            text = f"What is pinned to {name} needs {load[router, k]:,} {self._name(k)}, the limit is {capacity[router, k]:,}."
            used, limit = int(load[router, k]), int(capacity[router, k])
            raise PlacementError(text, core=name, resource=self._name(k), used=used, limit=limit, remedy="Pin fewer cores there.")

    def slots_on(self, router_of: Int32, topology: Topology) -> Int32:
        """Number of each core at its router, int32 (n_cores,): pinned ones first, the others in order on what is left."""
        wished, pinned = self._slots(), self._pins(topology) >= 0
        slot = np.where(pinned, wished, -1).astype(np.int32)
        for router in np.unique(router_of).tolist():
            here = np.flatnonzero(router_of == router)
            left = np.setdiff1d(np.arange(topology.room[router]), slot[here])
            waiting = here[slot[here] < 0]
            slot[waiting] = left[: len(waiting)]
        return slot


def _no_slot(core: int, slot: int, router: int, topology: Topology) -> PlacementError:
    name, room = router_label(topology, router), int(topology.room[router])
    text = f"Core {core} is pinned to core {slot} of {name}, which has {room} usable cores."
    return PlacementError(
        text, core=name, resource="cores", used=slot, limit=room, remedy="Pin it to a smaller number, or to another router."
    )
