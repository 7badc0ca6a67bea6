"""The part of a machine that may be used: cores, routers and links, without what is to be avoided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip
from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.pins import as_place, cores_at, describe, extent, machine
from neurosim.mapping.routing import Dead, topology_of
from neurosim.mapping.structures import Int32, Int64, Topology, among


@dataclass(frozen=True, eq=False)
class Site:
    """A chip and what of it must not be used.

    Attributes
    ----------
    chip
        The machine.
    usable
        bool (n_cores,): which cores of the core table may be used.
    router_of
        int32 (n_cores,): index of each core's router in ``topology``.
    topology
        Routers that have cores, and the links between them; dead ones have neither room nor links.
    """

    chip: Chip
    usable: NDArray[np.bool_]
    router_of: Int32
    topology: Topology

    @classmethod
    def of(cls, chip: Chip, avoid: Sequence[object] = (), avoid_links: Sequence[tuple[object, object]] = ()) -> Site:
        """What is left of a chip.

        Raises
        ------
        ParameterError
            If a place to avoid does not exist, or two routers are no neighbours.
        PlacementError
            If no core is left.
        """
        table = chip.cores()
        numbers, first, router_of = np.unique(table.chip, return_index=True, return_inverse=True)
        xy = np.stack([table.x[first], table.y[first]], axis=1)
        usable = np.ones(len(table.core), bool)
        routers = [router for place in avoid for router in _avoided(chip, place, router_of, usable)]
        links = [_link(chip, xy, pair) for pair in avoid_links]
        if not usable.any():
            text = f"Every core of {machine(chip)} is dead or to be avoided."
            raise PlacementError(text, resource="cores", used=0, limit=len(usable), remedy="Avoid fewer chips, or use another machine.")
        room = np.bincount(router_of[usable], minlength=len(numbers))
        dead = Dead(routers=sorted(set(routers)), links=links)
        steps, wrap = chip.router_steps, chip.router_wrap
        return cls(chip, usable, router_of.astype(np.int32), topology_of(xy, room, steps=steps, wrap=wrap, dead=dead))

    def largest_part(self) -> Site:
        """The same without the cores from which no way leads to where most others are."""
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import connected_components

        begin, link = np.nonzero(self.topology.neighbour >= 0)
        n, ends = self.topology.n_routers, (begin, self.topology.neighbour[begin, link])
        _, part = connected_components(csr_matrix((np.ones(len(begin), np.int8), ends), (n, n)), directed=False)
        inside = part == np.argmax(np.bincount(part, self.topology.room))
        room = np.where(inside, self.topology.room, 0).astype(np.int32)
        return Site(self.chip, self.usable & inside[self.router_of], self.router_of, self.topology._replace(room=room))

    def on_chips_of(self, cores: Int64) -> Site:
        """The same with those chips only that some cores are on."""
        chip_of = self.chip.chip_numbers(np.arange(len(self.usable)))
        usable = self.usable & among(chip_of, chip_of[cores])
        room = np.bincount(self.router_of[usable], minlength=self.topology.n_routers).astype(np.int32)
        return Site(self.chip, usable, self.router_of, self.topology._replace(room=room))

    @cached_property
    def cores(self) -> Int64:
        """Usable cores of the core table, in fill order."""
        return np.flatnonzero(self.usable)

    @cached_property
    def _slots(self) -> tuple[Int64, Int64]:
        """Usable cores sorted by router, and where those of each router begin."""
        order = self.cores[np.argsort(self.router_of[self.cores], kind="stable")]
        begin = np.concatenate([[0], np.cumsum(self.topology.room)])
        return order, begin.astype(np.int64)

    def cores_in(self, router: Int32, slot: Int32) -> Int64:
        """Core in each numbered slot of a router."""
        order, begin = self._slots
        return order[begin[router] + slot]

    def slots_of(self, cores: Int64) -> Int32:
        """Number of each usable core among those of its router."""
        order, begin = self._slots
        rank = np.empty(len(self.usable), np.int64)
        rank[order] = np.arange(len(order))
        return (rank[cores] - begin[self.router_of[cores]]).astype(np.int32)


def _avoided(chip: Chip, place: object, router_of: NDArray[np.integer], usable: NDArray[np.bool_]) -> list[int]:
    """Mark the cores at a place as not usable; the routers there, if whole ones are meant."""
    cores = cores_at(chip.cores(), place)
    if not len(cores):
        known = extent(chip.cores())
        text = f"{describe(place)} is to be avoided, but {machine(chip)} has no such place."
        raise ParameterError(text, where="Placement", used=place, limit=known, remedy=f"There are {known}.")
    usable[cores] = False
    whole = not isinstance(place, int | np.integer) and as_place(place).core is None
    return np.unique(router_of[cores]).tolist() if whole else []


def _link(chip: Chip, xy: Int32, pair: tuple[object, object]) -> tuple[int, int]:
    """Router and number of the link between two neighbours."""
    ends = [as_place(end) for end in pair]
    found = [np.flatnonzero((xy[:, 0] == end.x) & (xy[:, 1] == end.y)) for end in ends]
    step = (ends[1].x - ends[0].x, ends[1].y - ends[0].y)
    if len(found[0]) and len(found[1]) and step in chip.router_steps:
        return int(found[0][0]), chip.router_steps.index(step)
    text = f"there is no link between {describe(pair[0])} and {describe(pair[1])}."
    raise ParameterError(text, where="Placement", used=pair, remedy=f"Name two neighbouring {chip.router_noun}s.")
