"""The count of :mod:`.listed` once more, for the independent check of a mapping: other code, and little memory.

Synapses are expanded row by row of the rules and kept for some cores at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.loihi.listed import Layout
from neurosim.chips.loihi.packing import list_bits, list_words
from neurosim.network import Network

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

#: Synapses kept at a time, if rules give as many as they let expect.
_KEPT = 4_000_000
_ROWS = 1 << 12


def recount(network: Network, layout: Layout, core_of: Sequence[Int32], local_of: Sequence[Int32], n_cores: int) -> tuple[Int64, Int64]:
    """Words of all lists and of the longest list on every core, int64 (n_cores,) each; see :meth:`.listed.ListedSynapses.words`."""
    words, longest = np.zeros(n_cores, np.int64), np.zeros(n_cores, np.int64)
    used = np.unique(np.concatenate([np.empty(0, np.int64), *(cores[cores >= 0] for cores in core_of)]))
    expected = sum(projection.rule.expected(network.ends(projection)) for projection in network.projections)
    n_ranges = min(max(int(expected // _KEPT) + 1, 1), max(len(used), 1))
    for cores in np.array_split(used, n_ranges) if layout.parts else ():
        if len(cores):
            found = _counted(layout, *_synapses(network, layout, core_of, local_of, int(cores[0]), int(cores[-1])))
            some = slice(int(cores[0]), int(cores[0]) + len(found[0]))
            words[some], longest[some] = found
    return words, longest


def _synapses(
    network: Network, layout: Layout, core_of: Sequence[Int32], local_of: Sequence[Int32], low: int, high: int
) -> tuple[Int64, Int64, Int64, Int64]:
    """Core (from ``low`` on), source, part and target's number of every synapse onto cores up to ``high``, sorted by these."""
    width = 1 + max(int(column.max(initial=0)) for column in local_of)
    sizes = (high - low + 1, sum(len(column) for column in core_of), len(layout.parts), width)
    start = np.cumsum([0, *(population.size for population in network.populations)])
    found = [np.empty(0, np.int64)]
    for number, part in enumerate(layout.parts):
        projection = network.projections[part.projection]
        pre = np.concatenate([start[p] + np.asarray(i, np.int64) for p, i in projection.pre.parts])
        core = np.concatenate([core_of[p][i] if p == part.population else np.full(len(i), -1) for p, i in projection.post.parts])
        local = np.concatenate([local_of[p][i] for p, i in projection.post.parts])
        here = (core >= low) & (core <= high)
        for rows, targets in _rows(network, part.projection) if here.any() else ():
            kept = here[targets]
            place = ((core[targets[kept]].astype(np.int64) - low) * sizes[1] + pre[rows[kept]]) * sizes[2] + number
            found.append(place * sizes[3] + local[targets[kept]])
    keys = np.sort(np.concatenate(found))
    head, local = np.divmod(keys, sizes[3])
    head, part_number = np.divmod(head, sizes[2])
    return *np.divmod(head, sizes[1]), part_number, local


def _rows(network: Network, position: int) -> Iterator[tuple[Int64, Int64]]:
    """Positions of sources and targets in a projection's selections, synapse by synapse, some rows at a time."""
    projection = network.projections[position]
    ends = network.ends(projection)
    for first in range(0, projection.pre.size, _ROWS):
        last = min(first + _ROWS, projection.pre.size)
        indptr, targets = projection.rule.expand(first, last, ends)
        yield np.repeat(np.arange(first, last), np.diff(indptr)), np.asarray(targets, np.int64)


def _counted(layout: Layout, core: Int64, source: Int64, part: Int64, local: Int64) -> tuple[Int64, Int64]:
    """Words of all lists and of the longest, of cores from 0 to the last that has any; synapses are sorted."""
    if not len(core):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    changes = np.flatnonzero((np.diff(core) != 0) | (np.diff(source) != 0) | (np.diff(part) != 0)) + 1
    indptr = np.concatenate([[0], changes, [len(core)]])
    core, source, part = core[indptr[:-1]], source[indptr[:-1]], part[indptr[:-1]]
    group = np.array([each.group for each in layout.parts])[part]
    bits = _bits(layout, indptr, local, group)
    in_words = list_words(bits, layout.rule, layout.word_bits)
    pair, index = np.unique(core * len(layout.forms) + group, return_inverse=True)
    total, longest = np.zeros((2, len(pair), bits.shape[1]), np.int64)
    np.add.at(total, index, in_words)
    np.maximum.at(longest, index, in_words)
    last = np.flatnonzero(np.append((np.diff(core) != 0) | (np.diff(source) != 0), True))
    ways = total.argmin(axis=1)
    shortest = np.array([min(range(len(row)), key=lambda w: (row[w], sums[w])) for row, sums in zip(longest, total, strict=True)])
    usual = _lists(layout, bits, ways[index], last, core)
    too_long = usual[1][pair // len(layout.forms)] > layout.longest
    return _lists(layout, bits, np.where(too_long, shortest, ways)[index], last, core)


def _bits(layout: Layout, indptr: Int64, local: Int64, group: Int64) -> Int64:
    """Bits of every list's part in every way, int64 (n_parts, n_ways); groups of equal formats together."""
    forms = layout.forms
    bits = np.zeros((len(group), len(forms[0])), np.int64)
    for each in dict.fromkeys(forms):
        mine = np.isin(group, [number for number, form in enumerate(forms) if form == each])
        for way, form in enumerate(each):
            bits[mine, way] = list_bits(indptr, local, form, layout.rule)[mine]
    return bits


def _lists(layout: Layout, bits: Int64, way: Int64, last: Int64, core: Int64) -> tuple[Int64, Int64]:
    """Words of all lists and of the longest by core, parts being written in their ways; ``last`` are the last parts of lists."""
    whole = np.diff(np.cumsum(bits[np.arange(len(bits)), way])[last], prepend=0)
    in_words = list_words(whole, layout.rule, layout.word_bits)
    longest = np.zeros(int(core.max()) + 1, np.int64)
    np.maximum.at(longest, core[last], in_words)
    return np.bincount(core[last], in_words, len(longest)).astype(np.int64), longest
