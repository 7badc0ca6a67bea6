"""A stand-in for the session: records nothing, keeps every network it was given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from neurosim.losses import Ledger
from neurosim.network import Network


class FakeSession:
    """Answers like a session of a network in which nothing happens."""

    made: ClassVar[list[FakeSession]] = []

    def __init__(self, network: Network, chip: Any = None, **options: Any) -> None:
        self.networks = [network]
        self.network, self.chip, self.options = network, chip, options
        self.simulation = SimpleNamespace(t_ms=0.0)
        self.mapping, self.ledger = None, Ledger()
        self.made.append(self)

    @property
    def t_ms(self) -> float:
        return self.simulation.t_ms

    def update(self, network: Network) -> None:
        self.network = network
        self.networks.append(network)

    def run_until(self, t_ms: float, *, progress: bool | None = None) -> None:
        self.simulation.t_ms = t_ms

    def reset(self) -> None:
        self.simulation.t_ms = 0.0

    def clear(self, population: int) -> None:
        pass

    def spikes(self, population: int) -> tuple[np.ndarray, np.ndarray]:
        return np.empty(0, np.int64), np.empty(0)

    def results(self) -> FakeSession:
        return self

    def samples(self, population: int, variable: str, cells: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        (probe,) = [p for p in self.network.probes if p.population == population and p.variable == variable]
        times_ms = np.arange(round(self.simulation.t_ms / probe.interval) + 1) * probe.interval
        return probe.indices, times_ms, np.zeros((len(times_ms), len(probe.indices)))
