"""The way of a spike from one cell to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.chips.chip import Location
from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Way:
    """Where a spike passes.

    Attributes
    ----------
    source, target
        Places of the two cells.
    routers
        Coordinates (x, y) of the routers passed, both ends included; one if both are at the same router,
        none if no packet goes from one core to the other.
    noun
        What the chip calls a router.
    """

    source: Location
    target: Location
    routers: tuple[tuple[int, int], ...]
    noun: str

    @property
    def hops(self) -> int:
        """Links passed."""
        return max(len(self.routers) - 1, 0)

    def __str__(self) -> str:
        ends = f"{self.source.population}[{self.source.neuron}] on {self.source.label}"
        goal = f"{self.target.population}[{self.target.neuron}] on {self.target.label}"
        if not self.routers:
            return f"{ends}: no spikes go to {goal}"
        through = " - ".join(f"({x}, {y})" for x, y in self.routers)
        links = "1 link" if self.hops == 1 else f"{self.hops} links"
        return f"{ends} -> {goal}: {links}, {self.noun}{'s' if self.hops else ''} {through}"


def way(mapping: Mapping, source: Any, target: Any) -> Way:
    """Way of a spike; see :meth:`Mapping.path`."""
    places = [_one(mapping, item) for item in (source, target)]
    routing = mapping.routing
    if routing is None:
        text = "a mapping that was loaded without its network has no routes."
        raise ParameterError(text, where="Mapping.path", remedy="Load it with the network it was made for.")
    cores = [_core(mapping, place) for place in places]
    found = [int(routing.router_of[cores[0]])] if cores[0] == cores[1] else routing.path(*cores)
    routers = tuple((int(routing.topology.x[router]), int(routing.topology.y[router])) for router in found)
    return Way(places[0], places[1], routers, mapping.chip.router_noun)


def _one(mapping: Mapping, item: Any) -> Location:
    found = mapping.where(item)
    if len(found) != 1:
        text = f"{item!r} stands for {len(found):,} cells."
        raise ParameterError(text, where="Mapping.path", used=len(found), limit=1, remedy="Name one cell at each end.")
    return found[0]


def _core(mapping: Mapping, place: Location) -> int:
    core = next(
        int(core_of[place.neuron])
        for population, core_of in zip(mapping.network.populations, mapping.core_of, strict=True)
        if population.label == place.population and (core_of[place.neuron] >= 0) == (place.core >= 0)
    )
    if core < 0:
        text = f"{place.population}[{place.neuron}] is on the host: its spikes come from outside the machine."
        raise ParameterError(text, where="Mapping.path", used=place.population, remedy="Name cells that are on cores.")
    return core
