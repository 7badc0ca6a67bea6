"""What a chip has itself, for :mod:`neurosim.chips.translate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from neurosim.network import Population


class Programs(Protocol):
    """Neuron models that a chip runs as programs."""

    def runs(self, model: str) -> bool:
        """Tell whether there is a program for a neuron model."""
        ...

    def rate_error(self, population: Population) -> tuple[float, float]:
        """Mean and largest error of the firing rate, Hz."""
        ...


@dataclass(frozen=True, slots=True)
class Native:
    """What a chip has itself.

    Attributes
    ----------
    models
        Neuron models.
    receptors
        Receptor kinds.
    sources
        Spike sources that the chip generates; ``None`` if the host feeds in any.
    dependences
        Weight dependences of pair STDP.
    full_dendritic_delay
        True if the whole delay must be dendritic in STDP.
    products
        True if weights may learn by sums of products of spikes and traces.
    adaptation
        True if spikes of integrate-and-fire neurons may step a current that slows them (``adex`` without ``a`` and ``delta_T``).
    programs
        Neuron models that the chip runs as programs in whole numbers, if these are opted in.
    runs_elsewhere
        A chip that has programs for neuron models that this one lacks, by model.
    injection
        Can currents be injected?
    shortest_tau_ms
        Time constant of the current that stands for a voltage step.
    reversal_mv
        Distances of the excitatory and inhibitory reversal potential from the working point, for
        currents that become conductances.
    speedup
        How many times faster than biology the chip runs.
    """

    models: frozenset[str]
    receptors: frozenset[str]
    sources: frozenset[str] | None = None
    dependences: frozenset[str] = frozenset()
    full_dendritic_delay: bool = False
    products: bool = False
    adaptation: bool = False
    programs: Programs | None = None
    runs_elsewhere: Mapping[str, str] = field(default_factory=dict)
    injection: bool = False
    shortest_tau_ms: float = 1.0
    reversal_mv: tuple[float, float] = (70.0, -70.0)
    speedup: float = 1.0
