"""Room that a run needs beside its network: queues of what will arrive, and scratch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.engine import drives
from neurosim.engine.layout import Layout
from neurosim.models._tile import SCRATCH_ROWS, TILE, zeros


class Queues:
    """Queues of all blocks, by arrival step: runs of static synapses, and segments with memory."""

    def __init__(self, shape: tuple[int, int], *, with_memory: bool) -> None:
        self._entries = [np.empty((*shape, 64), np.uint64), np.empty((*shape, 64 if with_memory else 0), np.uint64)]
        self._counts = [np.zeros(shape, np.int64), np.zeros(shape, np.int64)]
        self.filling = np.zeros((2, shape[0]), np.int64)
        self._with_memory = with_memory

    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """What the run loop takes."""
        return self._entries[0], self._counts[0], self._entries[1], self._counts[1]

    def make_room(self, more: int) -> None:
        """Make room for ``more`` entries in every slot, and one that is written but does not count (:mod:`neurosim.engine.delivery`)."""
        needed = max(int(count.max(initial=0)) for count in self._counts) + more + 1
        if needed <= self._entries[0].shape[2]:
            return
        for k in range(1 + self._with_memory):
            wider = np.empty((*self._entries[k].shape[:2], 2 * needed), np.uint64)
            wider[:, :, : self._entries[k].shape[2]] = self._entries[k]
            self._entries[k] = wider


def scratch_of(layout: Layout, dtype: type) -> tuple[NDArray[np.generic], ...]:
    """Scratch of the run loop: heads, parts that still have to decay, and per block numbers, flags and counts."""
    n = layout.n_blocks
    scratch, flags = zeros((n, SCRATCH_ROWS * TILE), dtype), zeros((n, TILE), np.uint8)
    counting = zeros((n, drives.SCRATCH), np.uint32)
    return np.zeros((n, n), np.int64), np.zeros(len(layout.parts), np.int64), scratch, flags, counting
