"""The potential at which conductances become currents on chips that have only these, and the other way round.

A population is given one (:class:`neurosim.network.WorkingPoint`) by the user, or by a short run of the same network on
the ideal reference. :mod:`neurosim.chips.working_point` says what chips do with it.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from neurosim._message import message
from neurosim.chips import working_point
from neurosim.chips.values import Values, at, compact, parameter
from neurosim.columns import Floats
from neurosim.errors import MemoryLimitError, NumericalError, ParameterError, UnknownNameError
from neurosim.network import Indices, Network, Population, Probe, WorkingPoint

#: A working point as users give it: one for all (mV), by label, or how to find it.
Choice = float | Mapping[str, float] | str

CHOICES = ("measured", "midway")
#: Length of the measurement, and the part of it at the beginning that does not count.
MEASURED_MS, SETTLING = 200.0, 0.25
#: A measurement is made shorter where it would take more cells times steps than these, but not below some time.
MOST_CELL_STEPS, SHORTEST_MS = 5e8, 20.0
#: Cells of each population that are sampled, those of all populations, and how often (ms).
MOST_CELLS, MOST_CELLS_IN_ALL, EVERY_MS = 200, 20_000, 0.5
#: Time before a spike in which the potential counts (ms). Of 5, 7, 10 and 15 ms, tried on six networks with synaptic time
#: constants of 5 and 10 ms, 7 ms gave Loihi the rates closest to those of the ideal reference; 5 and 10 ms are nearly as good.
BEFORE_MS = 7.0


def checked(choice: Any, *, where: str = "setup()") -> Choice:
    """A choice that can be.

    Raises
    ------
    ParameterError
        If it is no number of mV, no dictionary of labels to such numbers and no known word.
    """
    if isinstance(choice, str) and choice in CHOICES:
        return choice
    if isinstance(choice, Mapping) and all(isinstance(label, str) and _is_number(mv) for label, mv in choice.items()):
        return {label: float(mv) for label, mv in choice.items()}
    if _is_number(choice):
        return float(choice)
    text = f"working_point={choice!r} is no potential in mV."
    remedy = "Give a number, a dictionary {label: mV}, 'measured' or 'midway'."
    raise ParameterError(text, where=where, used=choice, limit=CHOICES, remedy=remedy)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool) and math.isfinite(value)


def given(network: Network, choice: Choice) -> Network:
    """The network with the working points that were given; those that are only to be measured stay as they are.

    Raises
    ------
    UnknownNameError
        If there is no population of a label.
    """
    if isinstance(choice, str):
        return network
    labels = [population.label for population in network.populations if not population.is_source]
    if isinstance(choice, Mapping):
        for label in choice:
            if label not in labels:
                raise UnknownNameError.among("population", label, labels, where="setup(working_point=...)")
        return with_points(network, {p.id: WorkingPoint(choice[p.label], "given") for p in network.populations if p.label in choice})
    return with_points(network, {p.id: WorkingPoint(float(choice), "given") for p in network.populations if not p.is_source})


class Kept:
    """Working points of one session: measured once, when they are first needed, and put on every later network.

    Attributes
    ----------
    wall_s
        Seconds that measuring took, by name of the stage; empty before.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice, self.wall_s = choice, {}
        self._points: dict[int, WorkingPoint] | None = None

    def put(self, network: Network, needed: Callable[[], bool], **options: Any) -> Network:
        """The network with its working points.

        Parameters
        ----------
        needed
            True if the chip makes use of them; not asked where there is nothing to measure.
        options
            Those of :func:`measured`.

        Raises
        ------
        UnknownNameError
            If one is given for an unknown population.
        """
        open_ones = self.choice == "measured" or isinstance(self.choice, Mapping)
        if self._points is None and open_ones and needed():
            begun = time.perf_counter()
            self._points = measured(network, **options)
            self.wall_s = {"working point": time.perf_counter() - begun}
        return given(with_points(network, self._points or {}), self.choice)


def with_points(network: Network, points: Mapping[int, WorkingPoint]) -> Network:
    """The network with working points by population id."""
    if not points:
        return network
    populations = tuple(replace(p, working_point=points[p.id]) if p.id in points else p for p in network.populations)
    return replace(network, populations=populations)


def measured(network: Network, *, threads: int = 1, max_memory: float | None = None) -> dict[int, WorkingPoint]:
    """Potential of each population of neurons on its way to spikes, from a short run on the ideal reference.

    The mean over the last ``BEFORE_MS`` before each spike: that is where input decides when a neuron fires. The mean over all
    times is no good: where inhibition is strong neurons mostly stay far below, and synapses written there make
    several times as many spikes. Refractory cells do not count, nor does the first quarter of the time. A
    population that does not fire gets its mean over all times. Where nothing fires at all, or the network fits in no memory,
    the working point is midway, and says why.

    Deterministic: the same network gives the same potentials on any number of threads.

    Parameters
    ----------
    network
        As described by the user.
    threads, max_memory
        See :class:`neurosim.engine.Simulation`.

    Returns
    -------
    dict of int to WorkingPoint
        By population id; empty if there are no neurons.
    """
    neurons = [population for population in network.populations if not population.is_source]
    if not neurons:
        return {}
    until_ms = _duration_ms(network)
    span = f"{until_ms:g} ms on the ideal reference"
    try:
        simulation = _run(network, neurons, until_ms, threads, max_memory)
    except (MemoryLimitError, NumericalError) as error:
        reason = "fits in no memory" if isinstance(error, MemoryLimitError) else "runs away"
        return _midway(neurons, f"since the network {reason} on the ideal reference")
    if not any(simulation.counts(population.id).any() for population in network.populations):
        return _midway(neurons, f"since nothing fires in {span}")
    return {p.id: _point(simulation, p, until_ms, span) for p in neurons}


def _duration_ms(network: Network) -> float:
    n_cells = sum(population.size for population in network.populations)
    affordable = max(MOST_CELL_STEPS / max(n_cells, 1) * network.dt, SHORTEST_MS)
    return max(round(min(MEASURED_MS, affordable) / network.dt), 4) * network.dt


def _run(network: Network, neurons: list[Population], until_ms: float, threads: int, max_memory: float | None) -> Any:
    from neurosim.engine import Simulation

    every_ms = max(round(EVERY_MS / network.dt), 1) * network.dt
    most = max(min(MOST_CELLS, MOST_CELLS_IN_ALL // len(neurons)), 1)
    probes = tuple(Probe(p.id, name, _some(p.size, most), every_ms) for p in neurons for name in ("v", "spikes"))
    with message("measuring working points on the ideal reference"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run that was asked for warns
        alone = replace(network, probes=probes, weight_probes=())
        simulation = Simulation(alone, threads=threads, max_memory=max_memory)
        simulation.run_until(until_ms, progress=False)
    return simulation


def _some(size: int, most: int) -> Indices:
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(np.int64))


def _point(simulation: Any, population: Population, until_ms: float, span: str) -> WorkingPoint:
    """Where cells have different thresholds, each one's point is as far from its own midway as all are on average."""
    cells, times_ms, v_mv = simulation.samples(population.id, "v")
    free = np.broadcast_to((times_ms >= SETTLING * until_ms)[:, None], v_mv.shape)
    if "v_reset" in population.parameters:  # where a refractory cell stays whatever comes in
        integrating = free & (v_mv != at(parameter(population, "v_reset"), cells))
        free = integrating if integrating.any() else free
    rising = free & before_spikes(cells, times_ms, *simulation.spikes(population.id))
    used = rising if rising.any() else free
    when = f"in the {BEFORE_MS:g} ms before spikes" if rising.any() else "(nothing fires)"
    found, midway = f"the mean {when} of {span}", _midway_mv(population)
    if not isinstance(midway, np.ndarray):
        return WorkingPoint(float(v_mv[used].mean()), found)
    return WorkingPoint(midway + float((v_mv - midway[cells])[used].mean()), found)


def before_spikes(cells: Indices, times_ms: Floats, fired: Indices, fired_ms: Floats) -> NDArray[np.bool_]:
    """Which samples, (n_times, n_cells), lie in the last ``BEFORE_MS`` before a spike of the cell.

    Parameters
    ----------
    cells, times_ms
        Whose samples, ascending, and when they were taken.
    fired, fired_ms
        Spikes of these cells.
    """
    edges = np.zeros((len(times_ms) + 1, len(cells)), np.int64)
    column = np.searchsorted(cells, fired)
    np.add.at(edges, (np.searchsorted(times_ms, fired_ms - BEFORE_MS), column), 1)
    np.add.at(edges, (np.searchsorted(times_ms, fired_ms), column), -1)
    return np.cumsum(edges, axis=0)[:-1] > 0


def _midway_mv(population: Population) -> Values:
    """Midway between rest and threshold (mV); 0 for models without a threshold."""
    if not {"v_rest", "v_thresh"} <= population.parameters.keys():
        return 0.0
    return compact(working_point.mean_potential(population))


def _midway(neurons: list[Population], why: str) -> dict[int, WorkingPoint]:
    """Midway for those that have one, with the reason why it is not measured."""
    found = f"{working_point.MIDWAY}, {why}"
    return {p.id: WorkingPoint(_midway_mv(p), found) for p in neurons if "v_thresh" in p.parameters}
