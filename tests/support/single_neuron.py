"""Runs a group of equal neurons with given input spikes, by ``advance_*`` and ``receive_*`` only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.models import kernels
from neurosim.models._redo import MAX_SPIKES
from neurosim.models._tile import SCRATCH_ROWS, TILE, n_tiles
from neurosim.models.layout import RECEPTOR_KINDS, coefficients, initial_state, kernel_of, n_states

ADVANCE = {
    kernels.K_LIF_LINEAR: kernels.advance_linear,
    kernels.K_LIF: kernels.advance_leaky,
    kernels.K_ADEX: kernels.advance_adaptive,
    kernels.K_IZHIKEVICH: kernels.advance_adaptive,
    kernels.K_HH: kernels.advance_hh,
}


def tiled(rows: np.ndarray) -> np.ndarray:
    """Rows (n_rows, n) as tiles, flat."""
    n_rows, n = rows.shape
    out = np.zeros((n_tiles(n), n_rows, TILE), rows.dtype)
    for t in range(len(out)):
        piece = rows[:, t * TILE : (t + 1) * TILE]
        out[t, :, : piece.shape[1]] = piece
    return out.reshape(-1)


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
        coeff = coefficients(self.kernel, self.parameters, self.receptors, self.dt_ms, self.n, self.dtype)
        self.coeff = tiled(coeff)
        self.tiles = np.arange(n_tiles(self.n)) * len(coeff) * TILE
        state = initial_state(self.kernel, self.parameters, self.initial, self.n, self.dtype)
        self.n_states, n_receptors = n_states(self.kernel), len(names)
        self.x = tiled(np.concatenate([state, np.zeros((2 * n_receptors, self.n), self.dtype)]))
        self.inputs = np.zeros((n_receptors, len(self.tiles) * TILE), self.dtype)
        self.codes = np.zeros(self.inputs.size, np.int32)
        self.lanes = np.tile(np.array([0.0, 1.0], self.dtype), n_receptors)
        self.i_inj = np.zeros(self.n, self.dtype)
        self.scratch, self.flags = np.zeros(SCRATCH_ROWS * TILE, self.dtype), np.zeros(TILE, np.uint8)
        self.out_index = np.zeros(MAX_SPIKES * self.n + 8, np.int32)
        self.out_offset = np.zeros(MAX_SPIKES * self.n + 8)
        self.step_number = 0

    def _rows(self) -> np.ndarray:
        tiles = self.x.reshape(len(self.tiles), -1, TILE)
        return np.concatenate(list(tiles), axis=1)[:, : self.n]

    @property
    def state(self) -> np.ndarray:
        """Membrane variables (n_states, n)."""
        return self._rows()[: self.n_states]

    @state.setter
    def state(self, rows: np.ndarray) -> None:
        every = self._rows()
        every[: self.n_states] = rows
        self.x = tiled(every)

    @property
    def g(self) -> np.ndarray:
        """Synaptic state (n_receptors, 2, n)."""
        return self._rows()[self.n_states :].reshape(len(self.kinds), 2, self.n)

    def step(self, weights: Mapping[int, Any] | None = None) -> list[tuple[int, float]]:
        """One step, then weights per receptor; gives (neuron, time) of the spikes."""
        for receptor, weight in (weights or {}).items():
            self.inputs[receptor, : self.n] += weight
        arrived = (self.inputs.reshape(-1), self.codes, self.lanes)
        first = (self.x, self.coeff, self.tiles, self.kinds)
        nothing = (np.zeros_like(arrived[0]), self.codes, self.lanes)
        last = (self.scratch, self.flags, self.out_index, self.out_offset)
        count = ADVANCE[self.kernel](*first, *nothing, self.i_inj, self.n, self.dt_ms, False, *last, 0)
        receive = kernels.receive_hh if self.kernel == kernels.K_HH else kernels.receive_firing
        count = receive(*first, *arrived, self.i_inj, self.n, self.dt_ms, True, *last, count)
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
