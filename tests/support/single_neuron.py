"""Runs a group of equal neurons with given input spikes, by ``advance`` and ``receive`` only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.models.kernels import advance, receive
from neurosim.models.layout import RECEPTOR_KINDS, coefficients, initial_state, kernel_of


@dataclass
class Neurons:
    """A group under test; ``receptors`` are (kind, parameters) pairs."""

    model: str
    parameters: Mapping[str, Any]
    receptors: Sequence[tuple[str, Mapping[str, Any]]] = ()
    initial: Mapping[str, Any] = field(default_factory=dict)
    n: int = 1
    dt_ms: float = 0.1
    dtype: Any = np.float64
    kernel: int | None = None

    def __post_init__(self) -> None:
        names = tuple(kind for kind, _ in self.receptors)
        self.kernel = kernel_of(self.model, names) if self.kernel is None else self.kernel
        self.kinds = np.array([RECEPTOR_KINDS[name] for name in names], np.int64)
        self.coeff = coefficients(self.kernel, self.parameters, self.receptors, self.dt_ms, self.n, self.dtype)
        self.state = initial_state(self.kernel, self.parameters, self.initial, self.n, self.dtype)
        self.g = np.zeros((len(names), 2, self.n), self.dtype)
        self.inputs = np.zeros((len(names), self.n), self.dtype)
        self.i_inj = np.zeros(self.n, self.dtype)
        self.out_index = np.zeros(8 * self.n + 8, np.int64)
        self.out_offset = np.zeros(8 * self.n + 8)
        self.step_number = 0

    def step(self, weights: Mapping[int, Any] | None = None) -> list[tuple[int, float]]:
        """One step, then weights per receptor; gives (neuron, time) of the spikes."""
        for receptor, weight in (weights or {}).items():
            self.inputs[receptor] += weight
        common = (self.kernel, self.state, self.coeff, self.kinds, self.g)
        count = advance(*common, self.i_inj, self.dt_ms, self.out_index, self.out_offset, 0)
        count = receive(*common, self.inputs, self.dt_ms, self.out_index, self.out_offset, count)
        start = self.step_number * self.dt_ms
        self.step_number += 1
        return [(int(self.out_index[k]), start + float(self.out_offset[k])) for k in range(count)]

    def run(self, duration_ms: float, events: Mapping[int, Sequence[tuple[float, float]]] | None = None) -> list[tuple[int, float]]:
        """Spikes of a run; ``events`` lists (time, weight) per receptor, times on the grid, above 0."""
        table: dict[int, dict[int, float]] = {}
        for receptor, pairs in (events or {}).items():
            for time, weight in pairs:
                slot = table.setdefault(round(time / self.dt_ms) - 1, {})
                slot[receptor] = slot.get(receptor, 0.0) + weight
        spikes = []
        for k in range(round(duration_ms / self.dt_ms)):
            spikes += self.step(table.get(k))
        return spikes
