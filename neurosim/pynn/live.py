"""Live input and output of a running simulation, and how well a run keeps to real time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurosim.errors import NetworkError, StateError
from neurosim.live import Hub, LiveInput, LiveOutput, LiveReport
from neurosim.live.hub import LOOPBACK
from neurosim.pynn import simulator
from neurosim.pynn._errors import other_setup
from neurosim.pynn.cells import SpikeInjector
from neurosim.pynn.populations import Population


def live_input(
    population: Population,
    callback: Callable[[str, float, float], Any] | None = None,
    *,
    port: int | None = None,
    host: str = LOOPBACK,
    key: int | None = None,
    capacity: int | None = None,
) -> LiveInput:
    """Open a way into a population of :class:`SpikeInjector` cells.

    Parameters
    ----------
    population
        Cells that will fire when told to.
    callback
        Called before every slice with the population's label and the simulated times (ms) of its
        beginning and end; returns the cells that fire at its beginning, or a tuple of cells and
        times, or ``None``.
    port, host
        UDP port to listen at, 0 for any free one, and the address of this machine that it is bound
        to. Only programs on this machine can reach the default.
    key
        What datagrams call the population; by default its number in the order of creation, from 0.
    capacity
        Spikes that may wait, by default 8 a cell and at least 4096. What comes on top is dropped
        and counted.

    Returns
    -------
    LiveInput
        Its ``send(indices, times_ms=None)`` lets cells fire and may be called from any thread.

    Raises
    ------
    NetworkError
        If the population has no injectors, or has a live input already.
    SocketError
        If the port cannot be opened.

    Examples
    --------
    >>> import neurosim.pynn as sim
    >>> _ = sim.setup(timestep=0.1)
    >>> injector = sim.Population(10, sim.SpikeInjector(), label="in")
    >>> way_in = sim.live_input(injector)
    >>> way_in.send([3, 5])
    2
    """
    number = _checked(population, "live_input()")
    if not isinstance(population.celltype, SpikeInjector):
        raise NetworkError(
            f"cells of type {type(population.celltype).__name__} do not fire when told to.",
            where=f"Population '{population.label}'",
            used=type(population.celltype).__name__,
            remedy="Use sim.Population(n, sim.SpikeInjector()) and connect it.",
        )
    settings = {"port": port, "host": host, "key": key, "callback": callback, "capacity": capacity}
    return _hub().add_input(number, population.size, population.label, **settings)


def live_output(
    population: Population,
    callback: Callable[[str, Any, Any], Any] | None = None,
    *,
    port: int | None = None,
    host: str = LOOPBACK,
    key: int | None = None,
) -> LiveOutput:
    """Hand out a population's spikes while the simulation runs; they need not be recorded.

    Parameters
    ----------
    population
        Whose spikes.
    callback
        Called after every slice in which a cell fired, with the population's label, the times in ms
        and the indices of the cells, in order of time.
    port, host
        Where to send datagrams.
    key
        What datagrams call the population; by default its number in the order of creation, from 0.

    Returns
    -------
    LiveOutput
        Counts what went out.

    Raises
    ------
    ParameterError
        If neither ``callback`` nor ``port`` is given.
    """
    number = _checked(population, "live_output()")
    return _hub().add_output(number, population.size, population.label, callback=callback, port=port, host=host, key=key)


def live_report() -> LiveReport:
    """Spikes injected, handed out and dropped since ``setup()``, by population and reason."""
    hub = simulator.state.live
    return LiveReport() if hub is None else hub.report()


def realtime_report() -> Any:
    """How well the run kept to real time: lateness, work and jitter of its slices.

    Returns
    -------
    neurosim.engine.pacing.RealTime
        Prints as a table; ``table()`` gives the figures as a dictionary.

    Raises
    ------
    StateError
        Unless ``setup(pace="realtime")`` was called and something was run.
    """
    session = simulator.state.require_session("realtime_report()")
    if simulator.state.settings["pace"] != "realtime":
        raise StateError("this simulation runs as fast as it can.", where="realtime_report()", remedy='Give setup(pace="realtime").')
    return session.simulation.realtime


def _checked(population: Any, where: str) -> int:
    simulator.state.require(where)
    if not isinstance(population, Population):
        raise NetworkError(
            f"{type(population).__name__} is not a population.",
            where=where,
            used=population,
            remedy="Give a Population, not a view or assembly.",
        )
    if population._epoch != simulator.state.epoch:
        raise other_setup(f"Population '{population.label}'")
    return population._network_id


def _hub() -> Hub:
    if simulator.state.live is None:
        simulator.state.live = Hub()
    return simulator.state.live
