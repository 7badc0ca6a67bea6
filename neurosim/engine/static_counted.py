"""Stores of static synapses by a table of counts.

The first pass counts the synapses of every (source, block, port, delay), the second puts each one
at its place. Rules are expanded twice: that is repeatable and mostly cheap, holding or sorting hundreds
of millions of synapses is neither. Some rows of the others are kept. Rows of one projection have
different sources and so touch different places: threads share them without a lock.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.engine.delivery import LONGEST_RUN, START_BITS
from neurosim.engine.program import Static
from neurosim.engine.targets import BLOCK, Mapper, Piece, Target

#: Bytes of rows that are kept between the passes, where it takes longer to expand them than to write and read them.
KEPT_BYTES = 1 << 28

Rows = Piece | tuple[int, int]


class Counted:
    """Static synapses counted in a table of the given shape: rows, ports, delays.

    Attributes
    ----------
    rows, runs
        As the store has them.
    n, longest
        Synapses, and the most with one source, port and delay.
    """

    def __init__(self, targets: list[Target], n_blocks: int, shape: tuple[int, int, int], real: type, mapper: Mapper) -> None:
        self._targets, self._n_blocks, self._levels, self._real, self._mapper = targets, n_blocks, shape[2], real, mapper
        self._places = np.zeros(shape, np.int32)
        self._room, self._lock = KEPT_BYTES, Lock()
        self._rows = [self._count(target) for target in targets]
        sizes = np.zeros((2, shape[0] + 1), np.int64)
        self.longest = int(_measure(self._places, sizes[:, 1:]))
        np.cumsum(sizes, axis=1, out=sizes)
        self.n, self.rows, self.runs = int(sizes[1, -1]), np.zeros((shape[0], 2), np.uint64), np.empty(sizes[0, -1] + 1, np.uint64)
        _fill_runs(self._places, sizes, self.rows, self.runs)
        self.runs[-1] = 0

    def _count(self, target: Target) -> list[Rows]:
        """First pass; gives the rows that are kept, and where the others are."""

        def work(block: tuple[int, int]) -> Rows:
            keep = target.expansion.costly and self._room > 0
            piece, indegree = target.look(block, self._levels, self._real if keep else None), np.zeros(len(target.place), np.int32)
            _count(*piece.rows(), target.gids, target.place, target.alike, self._n_blocks, self._places, indegree)
            target.see(piece, indegree)
            return self._kept(piece) or block if keep else block

        found = list(self._mapper(work, target.expansion.blocks(BLOCK)))
        target.finish()
        return found

    def _kept(self, piece: Piece) -> Piece | None:
        """The piece as it is put later, if there is room for it."""
        piece = piece._replace(weight=piece.weights(self._real))
        with self._lock:
            if piece.bytes() > self._room:
                return None
            self._room -= piece.bytes()
        return piece

    def put(self, store: Static, units: NDArray[np.float64]) -> None:
        """Put all synapses at their places; once only, for the places move on."""
        for target, rows in zip(self._targets, self._rows, strict=True):
            self._put(target, rows, store, units)
            rows.clear()

    def _put(self, target: Target, rows: list[Rows], store: Static, units: NDArray[np.float64]) -> None:
        def work(which: Rows) -> None:
            piece = which if isinstance(which, Piece) else target.expand(which, self._levels, self._real)
            sides = (target.gids, target.place, target.alike, self._n_blocks, self._places, store.rows)
            _put(*piece.rows(), piece.weights(self._real), *sides, store.target, store.weight, store.word, units)

        for _ in self._mapper(work, rows):
            pass


@entry(nogil=True)
def _count(start, indptr, post, steps, gids, place, alike, n_blocks, counts, indegree):
    one = steps.size == 1
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        if one and alike and indptr[r] < indptr[r + 1]:
            p = np.int64(place[post[indptr[r]]])
            counts[gid * n_blocks + ((p >> 16) & 0xFFFF), p & 0xFFFF, steps[0]] += indptr[r + 1] - indptr[r]
            for k in range(indptr[r], indptr[r + 1]):
                indegree[post[k]] += 1
            continue
        for k in range(indptr[r], indptr[r + 1]):
            p = np.int64(place[post[k]])
            row = (p >> 16) & 0xFFFF
            counts[gid * n_blocks + row, p & 0xFFFF, steps[0] if one else steps[k]] += 1
            indegree[post[k]] += 1


@entry()
def _measure(counts, out):
    """Runs and synapses of every row; returns the length of the longest run."""
    longest = 0
    for row in range(counts.shape[0]):
        for port in range(counts.shape[1]):
            for level in range(counts.shape[2]):
                length = np.int64(counts[row, port, level])
                out[0, row] += min(length, 1)
                out[1, row] += length
                longest = max(longest, length)
                if length > LONGEST_RUN:
                    out[0, row] += (length - 1) // LONGEST_RUN
    return longest


@entry()
def _fill_runs(counts, firsts, out_rows, out_runs):
    """Runs of every row in the order of ports and delays; counts become first places in the row.

    ``out_runs`` has one to spare: a run is written at every place, and stays where there are synapses.
    Asking whether there are takes longer, since it cannot be foreseen.
    """
    for row in range(counts.shape[0]):
        e, n = firsts[0, row], firsts[0, row + 1] - firsts[0, row]
        if n == 0:
            continue
        out_rows[row, 0], out_rows[row, 1] = np.uint64(e | (n << START_BITS)), np.uint64(firsts[1, row])
        at = 0
        for port in range(counts.shape[1]):
            for level in range(counts.shape[2]):
                left = np.int64(counts[row, port, level])
                counts[row, port, level] = at
                at += left
                while left > LONGEST_RUN:
                    out_runs[e] = np.uint64(LONGEST_RUN | (port << 32) | (level << 40))
                    e, left = e + 1, left - LONGEST_RUN
                out_runs[e] = np.uint64(left | (port << 32) | (level << 40))
                e += min(left, 1)


@inner()
def _code(value, place, units):
    """A weight in units of the port it goes to, in the upper bits of a packed synapse."""
    return (np.int64(np.rint(value / units[np.int64(place) & 0xFFFF])) & 0xFFFF) << 16


@inner()
def _put_row(at, targets, weight, place, units, out_target, out_weight, out_word):
    """Synapses of one row that stay side by side: with one delay, to one port; ``weight`` is one or one per synapse."""
    first, one = place[targets[0]], weight.size == 1
    sign = -1 if first >> np.uint64(63) else 1
    code = _code(sign * weight[0], first, units)
    for k in range(targets.size):
        local = np.int64(place[targets[k]] >> np.uint64(32)) & 0xFFFF
        value = sign * (weight[0] if one else weight[k])
        if out_word.size > 0:
            out_word[at + k] = np.uint32((code if one else _code(value, first, units)) | local)
        else:
            out_target[at + k] = local
            out_weight[at + k] = value


@entry(nogil=True)
def _put(start, indptr, post, steps, weight, gids, place, alike, n_blocks, places, rows, out_target, out_weight, out_word, units):
    one_step, one_weight, packed = steps.size == 1, weight.size == 1, out_word.size > 0
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        if one_step and alike and indptr[r] < indptr[r + 1]:
            p = np.int64(place[post[indptr[r]]])
            row, port = gid * n_blocks + ((p >> 16) & 0xFFFF), p & 0xFFFF
            at, targets = np.int64(rows[row, 1]) + places[row, port, steps[0]], post[indptr[r] : indptr[r + 1]]
            places[row, port, steps[0]] += targets.size
            own = weight if one_weight else weight[indptr[r] : indptr[r + 1]]
            _put_row(at, targets, own, place, units, out_target, out_weight, out_word)
            continue
        for k in range(indptr[r], indptr[r + 1]):
            p = place[post[k]]
            port, local = np.int64(p) & 0xFFFF, np.int64(p >> np.uint64(32)) & 0xFFFF
            row = gid * n_blocks + (np.int64(p >> np.uint64(16)) & 0xFFFF)
            level = steps[0] if one_step else steps[k]
            at = np.int64(rows[row, 1]) + places[row, port, level]
            places[row, port, level] += 1
            value = weight[0] if one_weight else weight[k]
            if p >> np.uint64(63):
                value = -value
            if packed:
                out_word[at] = np.uint32(_code(value, p, units) | local)
            else:
                out_target[at] = local
                out_weight[at] = value
