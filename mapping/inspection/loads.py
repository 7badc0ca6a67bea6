"""Loads of links, in the form in which they are passed to what draws and compares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip
from neurosim.errors import ParameterError
from neurosim.mapping.site import Site
from neurosim.mapping.structures import Topology


class LinkLoad(NamedTuple):
    """What passes every link of a machine.

    Attributes
    ----------
    topology
        Routers and their links; routers are numbered as in the chip's core table.
    load
        float64 (n_routers, n_links): what leaves each router by each link.
    unit
        Unit of the load, for legends.
    """

    topology: Topology
    load: NDArray[np.float64]
    unit: str = "packets"

    @classmethod
    def of(cls, chip: Chip, loads: Mapping[tuple[int, int], float], *, unit: str = "packets") -> LinkLoad:
        """Loads by pairs of neighbouring routers, as one counts them along paths.

        Raises
        ------
        ParameterError
            If two routers are not neighbours.
        """
        topology = Site.of(chip).topology
        load = np.zeros(topology.neighbour.shape)
        for (source, target), amount in loads.items():
            link = np.flatnonzero(topology.neighbour[source] == target)
            if not len(link):
                raise ParameterError(
                    f"there is no link from router {source} to {target}.",
                    where="LinkLoad",
                    used=(source, target),
                    remedy="Give loads of neighbours, in each way.",
                )
            load[source, link[0]] = amount
        return cls(topology, load, unit)

    @property
    def total(self) -> float:
        """Sum over links: hops of multicast trees."""
        return float(np.sum(self.load))

    @property
    def largest(self) -> float:
        """Load of the fullest link."""
        return float(np.max(self.load, initial=0.0))

    def links(self) -> Iterator[tuple[int, int, int, float]]:
        """``(router, link, neighbour, load)`` of every link that is there."""
        routers, links = np.nonzero(self.topology.neighbour >= 0)
        ends = self.topology.neighbour[routers, links]
        loads = np.asarray(self.load, np.float64)[routers, links]
        yield from zip(routers.tolist(), links.tolist(), ends.tolist(), loads.tolist(), strict=True)

    def checked(self, n_routers: int, where: str) -> LinkLoad:
        """The same, if its shape fits a machine of ``n_routers``.

        Raises
        ------
        ParameterError
            If the array has another shape than the topology, or the topology other routers than the machine.
        """
        expected = (n_routers, self.topology.neighbour.shape[1])
        for shape in (self.topology.neighbour.shape, np.shape(self.load)):
            if shape != expected:
                raise ParameterError(
                    f"the loads of links have the shape {shape}, the machine has {n_routers:,} routers of {expected[1]} links.",
                    where=where,
                    used=shape,
                    limit=expected,
                    remedy="Give loads of the same machine, float64 (n_routers, n_links).",
                )
        return self
