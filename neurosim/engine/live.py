"""Spikes that come and go while a simulation runs: what the engine does between two slices.

The engine knows no sockets: whoever feeds it is an :class:`Exchange`, such as
:class:`neurosim.live.Hub`. An injected spike is treated like a source's: counted, recorded, and
queued for delivery from its step on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from neurosim.engine.simulation import Simulation

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


class Outlet(Protocol):
    """Wants the spikes of one population."""

    population: int
    size: int

    def collect(self, cells: Int64, times_ms: Floats) -> None:
        """Take spikes of the running slice."""
        ...


class Exchange(Protocol):
    """Brings spikes in and takes spikes out; all calls come from the simulation's thread."""

    @property
    def outputs(self) -> Sequence[Outlet]:
        """Who wants spikes."""
        ...

    def open_slice(self, step: int, stop: int, dt_ms: float) -> None:
        """Get ready for the steps from ``step`` to ``stop``."""
        ...

    def due(self, step: int) -> Iterable[tuple[int, Int64, Floats]]:
        """Population, cells and times (ms) of what fires at ``step``."""
        ...

    def next_step(self, stop: int) -> int:
        """First step before ``stop`` at which something fires, else ``stop``."""
        ...

    def close_slice(self, t_ms: float) -> None:
        """Hand out what was collected."""
        ...

    def clear(self) -> None:
        """Forget what waits."""
        ...


def run_slice(simulation: Simulation, last: int) -> None:
    """Run one slice, or up to step ``last``; a slice is interrupted where spikes are to be injected."""
    stop = min(simulation.step + simulation.slice_steps, last)
    exchange = simulation.live
    if exchange is None:
        _run_to(simulation, stop)
        return
    exchange.open_slice(simulation.step, stop, simulation.network.dt)
    while simulation.step < stop:
        _inject(simulation, exchange)
        _run_to(simulation, exchange.next_step(stop))
    exchange.close_slice(simulation.t_ms)


def _run_to(simulation: Simulation, stop: int) -> None:
    while simulation.step < stop:
        simulation._chunk(min(stop - simulation.step, simulation._until_stop()))


def _inject(simulation: Simulation, exchange: Exchange) -> None:
    """Let cells fire at the present step."""
    found = [(simulation.layout.base(population) + cells, times) for population, cells, times in exchange.due(simulation.step)]
    if not found:
        return
    gids, times = (np.concatenate(columns) for columns in zip(*found, strict=True))
    stamps = np.full(len(gids), simulation.step)
    simulation._pending = (np.concatenate([simulation._pending[0], gids]), np.concatenate([simulation._pending[1], stamps]))
    simulation._keep(gids, stamps, times, simulation.step)


def collect(simulation: Simulation, gids: Int64, times_ms: Floats) -> None:
    """Give new spikes to whoever wants them."""
    if simulation.live is None:
        return
    for outlet in simulation.live.outputs:
        base = simulation.layout.base(outlet.population)
        mine = np.flatnonzero((gids >= base) & (gids < base + outlet.size))
        outlet.collect(gids[mine] - base, times_ms[mine])
