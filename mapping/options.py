"""What a user may ask of placement beside pins: effort, time, rates, and places to leave alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError, UnknownNameError

if TYPE_CHECKING:
    from neurosim.mapping.placers import Placer

#: Efforts, and the most synapses that each looks at one by one.
EFFORTS = {"fast": 20_000_000, "normal": 20_000_000, "best": 400_000_000}
_WHERE = "Placement"


@dataclass(frozen=True, slots=True)
class Options:
    """How a network is placed.

    Attributes
    ----------
    effort
        ``"fast"`` fills cores and chips in their order. ``"normal"`` and ``"best"`` look for fewer packets
        and shorter ways, the latter longer. Neither cores nor packets between
        cores are ever more than with ``"fast"``; links may be, where fewer packets leave no better places.
    seconds
        Time after which the best that was found is taken; ``None``: no limit. If it is met, the result
        depends on the speed of the machine.
    rates
        Spikes per second by population id, a number or an array (size,); unknown ones count as 1.
    avoid
        Coordinates of cores, or of whole routers, that are dead: nothing is put there, and nothing
        goes through such a router.
    avoid_links
        Pairs of neighbouring routers ``((x, y), (x, y))`` between which the link is dead.
    chip
        Name of the chip that ``avoid`` and ``avoid_links`` are meant for; sessions on others leave them out.
        ``None`` is any.
    placer
        A function of one's own that puts cores on slots, in place of ours: takes a
        :class:`~neurosim.mapping.PlacerTask`, gives the slot of each core. Where it is no better than filling in
        order, that is taken. Not asked with ``effort="fast"``.
    progress
        Called with the name of the stage and the part of it that is done (0 to 1; 0 while that is not known).
    """

    effort: str = "normal"
    seconds: float | None = None
    rates: Mapping[int, ArrayLike] = field(default_factory=dict)
    avoid: tuple[object, ...] = ()
    avoid_links: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    chip: str | None = None
    placer: Placer | None = None
    progress: Callable[[str, float], None] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.effort, str) or self.effort not in EFFORTS:
            raise UnknownNameError.among("effort", self.effort, EFFORTS, where=_WHERE)
        if self.seconds is not None and not (isinstance(self.seconds, int | float | np.number) and self.seconds > 0):
            text = f"the time for placing is {self.seconds} s; it must be above 0."
            raise ParameterError(text, where=_WHERE, used=self.seconds, limit=0, remedy="Leave seconds out for no limit.")

        for name, noun in (("avoid", "places"), ("avoid_links", "pairs of neighbouring places")):
            given = getattr(self, name)
            if not isinstance(given, tuple | list) or (name == "avoid_links" and not all(map(_is_pair, given))):
                example = "[(0, 3), (1, 1, 5)]" if name == "avoid" else "[((0, 0), (1, 0))]"
                text = f"{name}={given!r} is no list of {noun}."
                raise ParameterError(text, where=_WHERE, used=given, remedy=f"For example {name}={example}.")
        if not isinstance(self.rates, Mapping):
            text = f"rates={self.rates!r} is no dictionary."
            raise ParameterError(text, where=_WHERE, used=self.rates, remedy="Give {population: rate in Hz}.")
        if self.placer is not None and not callable(self.placer):
            text = f"{self.placer!r} is no function, so it cannot place."
            raise ParameterError(text, where=_WHERE, used=self.placer, remedy="Give a function that takes a PlacerTask.")

    @property
    def searches(self) -> bool:
        """Whether anything is looked for beyond filling cores and chips in order."""
        return self.effort != "fast"


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2
