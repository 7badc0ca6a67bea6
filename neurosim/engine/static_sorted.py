"""Stores of static synapses by sorting, for networks in which a source has few synapses.

A table with a place for every (source, block, port, delay) would be mostly empty, and take longer
to go through than all the rest. Here every synapse gets a number made of these four instead, and
all are kept until their order is known: some thirty bytes each, less than their share of the table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry
from neurosim.engine.delivery import LONGEST_RUN, START_BITS
from neurosim.engine.program import Static
from neurosim.engine.targets import BLOCK, Mapper, Target

#: Bits that a number has for (source, block), port and delay together.
MOST_KEY_BITS = 63
#: Bits by which the numbers are sorted at a time: as many counters as fit the nearest cache.
_DIGIT = 11


class _Part(NamedTuple):
    """Some synapses as they came: number, place in its part (with the sign in the highest bit), weight."""

    key: NDArray[np.uint64]
    local: NDArray[np.uint32]
    weight: NDArray[np.floating]


class Sorted:
    """Static synapses sorted by numbers; for the arguments and attributes see :class:`neurosim.engine.static_counted.Counted`."""

    def __init__(self, targets: list[Target], n_blocks: int, shape: tuple[int, int, int], real: type, mapper: Mapper) -> None:
        self._n_blocks, self._levels, self._real = n_blocks, shape[2], real
        self._bits = np.array([(shape[1] - 1).bit_length(), (shape[2] - 1).bit_length()], np.uint64)
        parts = [part for target in targets for part in self._parts(target, mapper)]
        keys = np.concatenate([part.key for part in parts] or [np.empty(0, np.uint64)])
        self._local = np.concatenate([part.local for part in parts] or [np.empty(0, np.uint32)])
        self._weight = np.concatenate([part.weight for part in parts] or [np.empty(0, real)])
        parts.clear()
        self.n, n_bits = len(keys), (shape[0] - 1).bit_length() + int(self._bits.sum())
        self._keys, self._order = _in_order(keys, n_bits)
        self.rows = np.zeros((shape[0], 2), np.uint64)
        sizes = np.zeros(2, np.int64)
        _measure(self._keys, sizes)
        self.longest, self.runs = int(sizes[1]), np.zeros(sizes[0] + 1, np.uint64)
        _fill_runs(self._keys, self._bits, self.rows, self.runs)

    def _parts(self, target: Target, mapper: Mapper) -> list[_Part]:
        def work(block: tuple[int, int]) -> _Part:
            piece, indegree = target.look(block, self._levels, self._real), np.zeros(len(target.place), np.int32)
            n = len(piece.post)
            keys, local = np.empty(n, np.uint64), np.empty(n, np.uint32)
            _number(*piece.rows(), target.gids, target.place, self._n_blocks, self._bits, keys, local, indegree)
            target.see(piece, indegree)
            return _Part(keys, local, np.broadcast_to(piece.weights(self._real), n))

        found = list(mapper(work, target.expansion.blocks(BLOCK)))
        target.finish()
        return found

    def put(self, store: Static, units: NDArray[np.float64]) -> None:
        """Put all synapses at their places; once only, then they are gone from here."""
        _put(self._keys, self._order, self._local, self._weight, self._bits, store.target, store.weight, store.word, units)
        del self._keys, self._order, self._local, self._weight


def _in_order(keys: NDArray[np.uint64], n_bits: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """Sorted numbers, and which they were: equal ones in the order they came in; nothing of the latter if all came sorted."""
    index = np.empty(0, np.uint32)
    if _ascending(keys):
        return keys, index
    index, spare, others = np.arange(len(keys), dtype=np.uint32), np.empty_like(keys), np.empty(len(keys), np.uint32)
    places = np.empty(1 << _DIGIT, np.int64)
    for shift in range(0, n_bits, _DIGIT):
        _sort_digit(keys, index, shift, places, spare, others)
        keys, spare, index, others = spare, keys, others, index
    return keys, index


@entry(nogil=True)
def _ascending(keys):
    found = True
    for k in range(1, keys.size):
        found &= keys[k - 1] <= keys[k]
    return found


@entry(nogil=True)
def _sort_digit(keys, index, shift, places, out_keys, out_index):
    """Sort numbers by the digit that begins at bit ``shift``, stably; ``places`` has room for a counter per digit."""
    mask = np.uint64(places.size - 1)
    places[:] = 0
    for k in range(keys.size):
        places[(keys[k] >> np.uint64(shift)) & mask] += 1
    at = np.int64(0)
    for d in range(places.size):
        n = places[d]
        places[d] = at
        at += n
    for k in range(keys.size):
        d = (keys[k] >> np.uint64(shift)) & mask
        at = places[d]
        places[d] = at + 1
        out_keys[at] = keys[k]
        out_index[at] = index[k]


@entry(nogil=True)
def _number(start, indptr, post, steps, gids, place, n_blocks, bits, out_keys, out_local, indegree):
    """Number synapses by (source, block), port and delay, the lower ones of which have ``bits`` bits."""
    one = steps.size == 1
    port_bits, step_bits = bits[0], bits[1]
    for r in range(indptr.size - 1):
        gid = gids[start + r]
        for k in range(indptr[r], indptr[r + 1]):
            p = place[post[k]]
            row = np.uint64(gid * n_blocks + ((np.int64(p) >> 16) & 0xFFFF))
            port, step = p & np.uint64(0xFFFF), np.uint64(steps[0] if one else steps[k])
            out_keys[k] = (((row << port_bits) | port) << step_bits) | step
            out_local[k] = np.uint32((p >> np.uint64(32)) & np.uint64(0xFFFF)) | np.uint32(p >> np.uint64(63)) << np.uint32(31)
            indegree[post[k]] += 1


@entry(nogil=True)
def _measure(keys, out_sizes):
    """How many runs sorted numbers make, and how often the most frequent is there."""
    n_runs, longest, first = np.int64(0), np.int64(0), np.int64(0)
    for k in range(1, keys.size + 1):
        if k == keys.size or keys[k] != keys[k - 1]:
            n_runs += 1 + (k - 1 - first) // LONGEST_RUN
            longest, first = max(longest, k - first), k
    out_sizes[0], out_sizes[1] = n_runs, longest


@entry(nogil=True)
def _fill_runs(keys, bits, out_rows, out_runs):
    """Runs of sorted numbers, and the entries of rows that have some."""
    e, first = np.int64(0), np.int64(0)
    port_bits, step_bits = bits[0], bits[1]
    for k in range(1, keys.size + 1):
        if k < keys.size and keys[k] == keys[k - 1]:
            continue
        key = keys[k - 1]
        row = np.int64(key >> (port_bits + step_bits))
        port = np.int64((key >> step_bits) & ((np.uint64(1) << port_bits) - np.uint64(1)))
        step = np.int64(key & ((np.uint64(1) << step_bits) - np.uint64(1)))
        if out_rows[row, 0] == 0:
            out_rows[row, 0], out_rows[row, 1] = np.uint64(e), np.uint64(first)
        while first < k:
            length = min(k - first, LONGEST_RUN)
            out_runs[e] = np.uint64(length | (port << 32) | (step << 40))
            out_rows[row, 0] += np.uint64(1 << START_BITS)
            e, first = e + 1, first + length


@entry(nogil=True)
def _put(keys, order, locals_, weight, bits, out_target, out_weight, out_word, units):
    """Write synapses in their order."""
    port_bits, step_bits = bits[0], bits[1]
    in_order, packed = order.size == 0, out_word.size > 0
    for at in range(keys.size):
        k = at if in_order else np.int64(order[at])
        value, local = weight[k], np.int64(locals_[k])
        if local >> 31:
            value = -value
        if packed:
            port = np.int64((keys[at] >> step_bits) & ((np.uint64(1) << port_bits) - np.uint64(1)))
            code = np.int64(np.rint(value / units[port]))
            out_word[at] = np.uint32(((code & 0xFFFF) << 16) | (local & 0xFFFF))
        else:
            out_target[at] = local & 0xFFFF
            out_weight[at] = value
