"""One network on one chip: translate, map, realise, compile, run.

On the ideal reference (no chip) the network runs as it is described, in float64. On a chip it is
first written in the chip's terms, placed, and given the weights and delays of its place; what was
lost on the way is in ``session.ledger``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip
from neurosim.losses import Ledger
from neurosim.mapping import Mapping, Pin, map_network
from neurosim.network import Network, Rows

if TYPE_CHECKING:
    from neurosim.engine import Simulation

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Fit:
    """A network on a chip, without running it.

    Attributes
    ----------
    network
        As the chip realises it.
    mapping
        Where everything is; ``None`` on the ideal reference.
    ledger
        All losses.
    wall_s
        Seconds per stage: ``translate``, ``place``, ``realise``.
    """

    network: Network
    chip: Chip | None
    mapping: Mapping | None
    ledger: Ledger
    wall_s: dict[str, float] = field(default_factory=dict)


def fit(network: Network, chip: Chip | None, *, approximate: Iterable[str] = (), pins: Sequence[Pin] = (), seed: int = 0) -> Fit:
    """Write a network in a chip's terms, place it and realise its synapses.

    Parameters
    ----------
    network
        As described by the user.
    chip
        ``None`` is the ideal reference, which changes nothing.
    approximate
        Names of the approximations that are allowed.
    pins
        Manual placements.

    Raises
    ------
    UnsupportedError
        If the chip lacks a model and its approximation is not allowed.
    PlacementError
        If the network does not fit.
    """
    ledger, wall_s = Ledger(), {}
    if chip is None:
        return Fit(network, None, None, ledger)
    begun = time.perf_counter()
    chip = chip.configure(network, pins)
    translation = chip.translate(network, chip.check_approximations(approximate))
    ledger.extend(translation.losses)
    wall_s["translate"] = time.perf_counter() - begun
    begun = time.perf_counter()
    mapping = map_network(translation.network, chip, pins=pins, seed=seed)
    ledger.extend(mapping.losses)
    wall_s["place"] = time.perf_counter() - begun
    begun = time.perf_counter()
    realised = chip.realise(translation.network, mapping)
    ledger.extend(realised.losses)
    wall_s["realise"] = time.perf_counter() - begun
    return Fit(realised.network, chip, replace(mapping, losses=ledger), ledger, wall_s)


class Session:
    """A network, placed on a chip (or on none), that can run.

    Parameters
    ----------
    network
        As described by the user.
    chip
        ``None`` is the ideal reference.
    threads, precision, pace
        See :class:`neurosim.engine.Simulation`.
    approximate, pins
        See :func:`fit`.

    Examples
    --------
    >>> from neurosim.network import Network
    >>> session = Session(Network(dt=0.1, seed=1))
    >>> session.run_until(1.0)
    >>> session.t_ms
    1.0
    """

    def __init__(
        self,
        network: Network,
        chip: Chip | None = None,
        *,
        threads: int = 1,
        precision: str = "float64",
        pace: str = "accelerated",
        approximate: Iterable[str] = (),
        pins: Sequence[Pin] = (),
    ) -> None:
        self._options = {"threads": threads, "precision": precision, "pace": pace}
        self._approximate, self.pins = tuple(approximate), tuple(pins)
        self.chip, self.network = chip, network
        self._warned: set[str] = set()
        self._simulation: Simulation | None = None
        self.fit = self._fitted(network)

    def _fitted(self, network: Network) -> Fit:
        result = fit(network, self.chip, approximate=self._approximate, pins=self.pins)
        fresh = Ledger([loss for loss in result.ledger if loss.kind not in self._warned])
        self._warned |= set(fresh.kinds())
        fresh.warn()
        return result

    # --- what it is ------------------------------------------------------------------------
    @property
    def mapping(self) -> Mapping | None:
        """Where everything is; ``None`` on the ideal reference."""
        return self.fit.mapping

    @property
    def ledger(self) -> Ledger:
        """All losses so far."""
        return self.fit.ledger

    @property
    def simulation(self) -> Simulation:
        """The running network; compiled when first asked for."""
        if self._simulation is None:
            from neurosim.engine import Simulation

            self._simulation = Simulation(self.fit.network, **self._options)  # type: ignore[arg-type]
        return self._simulation

    @property
    def t_ms(self) -> float:
        """Simulated time in ms."""
        return 0.0 if self._simulation is None else self._simulation.t_ms

    @property
    def wall_s(self) -> dict[str, float]:
        """Seconds spent per stage so far."""
        return {**self.fit.wall_s, **(self._simulation.wall_s if self._simulation else {})}

    # --- life ------------------------------------------------------------------------------
    def update(self, network: Network) -> None:
        """Continue with a changed network; parts that are the same objects are unchanged."""
        if network is self.network:
            return
        before, old = self.network, self.fit.network
        self.network = network
        if _same(before.populations, network.populations) and _same(before.projections, network.projections):
            changed = {"currents": network.currents, "probes": network.probes, "weight_probes": network.weight_probes}
            self.fit.network = replace(old, **changed)
        else:
            self.fit = self._fitted(network)
            if self.chip is not None:
                self.fit.network = _reuse(before, network, old, self.fit.network)
        if self._simulation is not None:
            self._simulation.update(self.fit.network)

    def run_until(self, t_ms: float, *, progress: bool | None = None, on_chunk: Callable[[float], None] | None = None) -> None:
        """Run until ``t_ms``; see :meth:`neurosim.engine.Simulation.run_until`."""
        self.simulation.run_until(t_ms, progress=progress, on_chunk=on_chunk)

    def reset(self) -> None:
        """Back to time zero and the initial state; recordings are cleared."""
        if self._simulation is not None:
            self._simulation.reset()

    # --- results ---------------------------------------------------------------------------
    def spikes(self, population: int) -> tuple[Int64, Floats]:
        """Recorded spikes: cell indices and times in ms, sorted by time."""
        return self.simulation.spikes(population)

    def samples(self, population: int, variable: str) -> tuple[Int64, Floats, Floats]:
        """Recorded cells, times in ms and values (n_samples, n_cells)."""
        return self.simulation.samples(population, variable)

    def counts(self, population: int) -> Int64:
        """Number of spikes of every cell since the start."""
        return self.simulation.counts(population)

    def weights(self, projection: int) -> Rows:
        """Synapses of a projection with their present weights."""
        return self.simulation.weights(projection)

    def weight_samples(self, projection: int, variable: str = "weight") -> tuple[Floats, Floats]:
        """Times in ms and recorded weights (n_times, n_synapses)."""
        return self.simulation.weight_samples(projection, variable)

    def currents(self, current: int) -> tuple[Floats, Floats]:
        """Times in ms and values in nA of a recorded current."""
        return self.simulation.currents(current)

    def state(self, population: int, variable: str) -> Floats:
        """Present value of a state variable of every cell."""
        return self.simulation.state(population, variable)

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far."""
        if self._simulation is not None:
            self._simulation.clear(population)


def _same(before: Sequence[object], after: Sequence[object]) -> bool:
    return len(before) == len(after) and all(a is b for a, b in zip(before, after, strict=True))


def _reuse(before: Network, after: Network, old: Network, new: Network) -> Network:
    """``new`` with the realised objects of ``old`` wherever the user's description is unchanged.

    The engine tells by identity what is unchanged; a projection also changes with its targets.
    """
    kept = [a is b for a, b in zip(before.populations, after.populations, strict=False)]
    kept += [False] * (len(after.populations) - len(kept))
    populations = tuple(old.populations[i] if keep else p for i, (keep, p) in enumerate(zip(kept, new.populations, strict=True)))
    projections = list(new.projections)
    for i, (a, b) in enumerate(zip(before.projections, after.projections, strict=False)):
        if a is b and all(kept[p] for p, _ in (*b.pre.parts, *b.post.parts)):
            projections[i] = old.projections[i]
    return replace(new, populations=populations, projections=tuple(projections))
