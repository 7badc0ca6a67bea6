"""Who fired in which step, of all cells, recorded or not: what the cost of a run is counted from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.engine import drives
from neurosim.engine.layout import Layout

if TYPE_CHECKING:
    from neurosim.engine.simulation import Simulation

Int64 = NDArray[np.int64]
#: Steps and cells by population id.
Fired = dict[int, tuple[Int64, Int64]]


class EventLog:
    """Keeps 8 bytes a spike; layouts may change between pieces.

    Attributes
    ----------
    since
        Step after which spikes are kept.
    """

    def __init__(self, since: int = 0) -> None:
        self.since = since
        self._pieces: list[tuple[Layout, int, NDArray[np.uint32], NDArray[np.uint32]]] = []

    def add(self, layout: Layout, gids: Int64, steps: Int64) -> None:
        """Append the spikes of one chunk: global ids, and the steps at whose end they are sent."""
        if len(gids):
            first = int(steps.min())
            self._pieces.append((layout, first, gids.astype(np.uint32), (steps - first).astype(np.uint32)))

    def begin(self, since: int) -> None:
        """Forget everything and go on from a step."""
        self.since, self._pieces = since, []

    def fired(self) -> Fired:
        """Steps, and indices of cells, of all spikes by population id."""
        parts: dict[int, list[tuple[Int64, Int64]]] = {}
        for layout, first, gids, late in self._pieces:
            number = np.searchsorted(layout.bases, gids, side="right") - 1
            id_of = np.argsort(layout.number_of)
            for k in np.unique(number).tolist():
                mine = number == k
                parts.setdefault(int(id_of[k]), []).append((first + late[mine].astype(np.int64), gids[mine] - layout.bases[k]))
        return {population: joined(*pairs) for population, pairs in parts.items()}


def joined(*pairs: tuple[Int64, Int64]) -> tuple[Int64, Int64]:
    """Several pairs of steps and cells as one."""
    steps, cells = (np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*pairs, strict=True))
    return steps, cells


def begin(simulation: Simulation) -> None:
    """Keep who fires from now on."""
    simulation.recordings.log = EventLog(simulation.step)


def fired(simulation: Simulation) -> Fired:
    """Steps and cells of all spikes since the log began, by population id; steps are counted from 0.

    Sources that only drive never fire one by one: their numbers are drawn again, and are the very same.
    A source that fires at the very beginning counts for the first step.
    """
    log: Any = simulation.recordings.log
    found = log.fired()
    for population in simulation.driving:
        drawn = drives.events(
            simulation.network, simulation.network.populations[population], simulation.rates[population], log.since + 1, simulation.step
        )
        found[population] = joined(drawn, *([found[population]] if population in found else []))
    return {population: (np.maximum(steps - log.since - 1, 0), cells) for population, (steps, cells) in found.items()}
