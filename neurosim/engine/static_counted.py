"""Stores of static synapses by a table of counts.

The first pass counts the synapses of every (block, source, port, delay), the second puts each one
at its place. Rules are expanded twice instead of being kept: expansion is cheap and repeatable,
sorting hundreds of millions of synapses is neither. Rows of one projection have different sources
and so touch different places: threads share them without a lock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry
from neurosim.engine.delivery import LONGEST_RUN, START_BITS
from neurosim.engine.program import Static
from neurosim.engine.targets import BLOCK, Mapper, Target


class Counted:
    """Static synapses counted in a table of the given shape: rows, ports, delays.

    Attributes
    ----------
    rows, runs
        As the store has them.
    n, longest
        Synapses, and the most with one source, port and delay.
    """

    def __init__(self, targets: list[Target], n_cells: int, shape: tuple[int, int, int], real: type, mapper: Mapper) -> None:
        self._targets, self._n_cells, self._levels, self._real, self._mapper = targets, n_cells, shape[2], real, mapper
        self._places = np.zeros(shape, np.int32)
        for target in targets:
            self._count(target)
        sizes = np.zeros((2, shape[0] + 1), np.int64)
        self.longest = int(_measure(self._places, sizes[:, 1:]))
        np.cumsum(sizes, axis=1, out=sizes)
        self.n, self.rows, self.runs = int(sizes[1, -1]), np.zeros((shape[0], 2), np.uint64), np.empty(sizes[0, -1], np.uint64)
        _fill_runs(self._places, sizes, self.rows, self.runs)

    def _count(self, target: Target) -> None:
        def work(block: tuple[int, int]) -> None:
            piece, indegree = target.look(block, self._levels, None), np.zeros(len(target.place), np.int32)
            _count(*piece.rows(), target.gids, target.place, self._n_cells, self._places, indegree)
            target.see(piece, indegree)

        for _ in self._mapper(work, target.expansion.blocks(BLOCK)):
            pass
        target.finish()

    def put(self, store: Static, units: NDArray[np.float64]) -> None:
        """Put all synapses at their places."""
        for target in self._targets:
            self._put(target, store, units)

    def _put(self, target: Target, store: Static, units: NDArray[np.float64]) -> None:
        def work(block: tuple[int, int]) -> None:
            piece = target.expand(block, self._levels, self._real)
            sides = (target.gids, target.place, self._n_cells, self._places, store.rows)
            _put(*piece.rows(), piece.weights(self._real), *sides, store.target, store.weight, store.word, units)

        for _ in self._mapper(work, target.expansion.blocks(BLOCK)):
            pass


@entry(nogil=True)
def _count(start, indptr, post, steps, gids, place, n_cells, counts, indegree):
    one = steps.size == 1
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = place[post[k]]
            row = np.int64(p >> np.uint64(16)) & 0xFFFF
            counts[row * n_cells + gid, np.int64(p) & 0xFFFF, steps[0] if one else steps[k]] += 1
            indegree[post[k]] += 1


@entry()
def _measure(counts, out):
    """Runs and synapses of every row; returns the length of the longest run."""
    longest = 0
    for row in range(counts.shape[0]):
        for port in range(counts.shape[1]):
            for level in range(counts.shape[2]):
                length = np.int64(counts[row, port, level])
                if length > 0:
                    out[0, row] += 1 + (length - 1) // LONGEST_RUN
                    out[1, row] += length
                    longest = max(longest, length)
    return longest


@entry()
def _fill_runs(counts, firsts, out_rows, out_runs):
    """Runs of every row in the order of ports and delays; counts become first places in the row."""
    for row in range(counts.shape[0]):
        e, n = firsts[0, row], firsts[0, row + 1] - firsts[0, row]
        if n == 0:
            continue
        out_rows[row, 0], out_rows[row, 1] = np.uint64(e | (n << START_BITS)), np.uint64(firsts[1, row])
        at = 0
        for port in range(counts.shape[1]):
            for level in range(counts.shape[2]):
                left = np.int64(counts[row, port, level])
                if left > 0:
                    counts[row, port, level] = at
                    at += left
                while left > 0:
                    length = min(left, LONGEST_RUN)
                    out_runs[e] = np.uint64(length | (port << 32) | (level << 40))
                    e += 1
                    left -= length


@entry(nogil=True)
def _put(start, indptr, post, steps, weight, gids, place, n_cells, places, rows, out_target, out_weight, out_word, units):
    one_step, one_weight, packed = steps.size == 1, weight.size == 1, out_word.size > 0
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = place[post[k]]
            port, local = np.int64(p) & 0xFFFF, np.int64(p >> np.uint64(32)) & 0xFFFF
            row = (np.int64(p >> np.uint64(16)) & 0xFFFF) * n_cells + gid
            level = steps[0] if one_step else steps[k]
            at = np.int64(rows[row, 1]) + places[row, port, level]
            places[row, port, level] += 1
            value = weight[0] if one_weight else weight[k]
            if p >> np.uint64(63):
                value = -value
            if packed:
                code = np.int64(np.rint(value / units[port]))
                out_word[at] = np.uint32(((code & 0xFFFF) << 16) | local)
            else:
                out_target[at] = local
                out_weight[at] = value
