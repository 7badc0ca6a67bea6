"""Words of synaptic memory on every core from the synapses themselves, one by one.

The synapses of a source onto a core are one list. All that have one synapse format there (the same bits, signs,
exponent and rule of learning) are written in one way, the one of :func:`.packing.ways` that takes the fewest words;
thus a core needs no more formats than :mod:`.settings` counts. Where a list would then be longer than a list may be,
each format is written so that its longest list is shortest. Never more than what :mod:`.lists` takes for certain.

Targets are numbered as neurons are on their core: compartments that take the same current lie one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.chips.loihi.packing import Format, bits_of, cost_of, ways
from neurosim.chips.loihi.sheet import Synapses
from neurosim.connectivity import Expansion
from neurosim.network import Network, Projection, Selection, Synapse

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

#: From a network, the cores of its cells, and words of all lists and of the longest by core, to what every limit counts.
ByWords = Callable[[Network, Sequence[Int32], Int64, Int64], dict[str, Int64]]

_BLOCK = 2_000_000


class Part(NamedTuple):
    """Synapses of one projection onto one population.

    Attributes
    ----------
    projection
        Its position in the network.
    population
        Id of the targets.
    group
        Number of the synapse format; all of a group on a core are written in one way.
    form
        Bits of a synapse; how it is compressed is not said.
    """

    projection: int
    population: int
    group: int
    form: Format


class Layout(NamedTuple):
    """How lists lie in the memory of a core.

    Attributes
    ----------
    parts
        All parts of a network.
    rule
        Constants of the datasheet.
    word_bits
        Bits of a word.
    longest
        Words that a list may have.
    """

    parts: tuple[Part, ...]
    rule: Synapses
    word_bits: int
    longest: int

    @property
    def forms(self) -> tuple[tuple[Format, ...], ...]:
        """Per group all ways to write it."""
        found = {part.group: ways(part.form, self.rule) for part in self.parts}
        return tuple(found[group] for group in range(len(found)))


class _Block(NamedTuple):
    """Synapses of some rows of a projection: cells that send, where their rows begin, target cells, and the part of each population."""

    sources: Int64
    indptr: Int64
    target: Int32
    part_of: Int32


class _Shape(NamedTuple):
    """Factors of the number that a synapse is sorted by: core, source, part, number of its target on the core."""

    n_cells: int
    n_parts: int
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class ListedSynapses:
    """All synapses of a network, 4 bytes each, and how they are packed.

    Attributes
    ----------
    layout
        Formats and rules.
    population_of
        int32 (n_cells,): population of every cell, cells being counted through all populations.
    blocks
        The synapses.
    """

    layout: Layout
    population_of: Int32
    blocks: tuple[_Block, ...]

    @classmethod
    def of(cls, network: Network, layout: Layout) -> ListedSynapses:
        """Expand every projection."""
        sizes = [population.size for population in network.populations]
        first = np.cumsum([0, *sizes])
        numbers = {k: np.full(len(sizes), -1, np.int32) for k in range(len(network.projections))}
        for number, part in enumerate(layout.parts):
            numbers[part.projection][part.population] = number
        blocks = []
        for k, projection in enumerate(network.projections):
            sources, targets = _cells(first, projection.pre), _cells(first, projection.post).astype(np.int32)
            expansion = Expansion(network, bare(projection))
            for start, stop in expansion.blocks(_BLOCK):
                rows = expansion.expand(start, stop, columns=(), dtypes={"post": np.int32})
                blocks.append(_Block(sources[start:stop], np.asarray(rows.indptr, np.int64), targets[rows.post], numbers[k]))
        return cls(layout, np.repeat(np.arange(len(sizes), dtype=np.int32), sizes), tuple(blocks))

    def words(self, core_of: Sequence[Int32], local_of: Sequence[Int32], n_cores: int) -> tuple[Int64, Int64]:
        """Words of all lists and of the longest list on every core, int64 (n_cores,) each; see :class:`SynapseCount`."""
        words, longest = np.zeros(n_cores, np.int64), np.zeros(n_cores, np.int64)
        if not self.layout.parts:
            return words, longest
        core, local = (np.concatenate([np.empty(0, np.int32), *column]) for column in (core_of, local_of))
        shape = _Shape(len(core), len(self.layout.parts), int(local.max(initial=0)) + 1)
        keys = np.empty(sum(len(block.target) for block in self.blocks), np.int64)
        n_keys = 0
        for block in self.blocks:
            n_keys = _put_keys(*block, self.population_of, core, local, shape, keys, n_keys)
        keys = keys[:n_keys]
        keys.sort()
        self._pack(keys, shape, words, longest)
        return words, longest

    def _pack(self, keys: Int64, shape: _Shape, out_words: Int64, out_longest: Int64) -> None:
        layout = self.layout
        costs = np.array([[cost_of(form, layout.rule) for form in forms] for forms in layout.forms], np.int64)
        group_of = np.array([part.group for part in layout.parts], np.int32)
        total, longest = np.zeros(costs.shape[:2], np.int64), np.zeros(costs.shape[:2], np.int64)
        held, way = np.zeros(len(costs), np.int32), np.zeros(len(costs), np.int64)
        words = (layout.word_bits, layout.rule.terminator_bits.value, layout.longest)
        local = (keys % shape.width).astype(np.int32)
        _pack(keys, local, shape, group_of, costs, words, total, longest, held, way, out_words, out_longest)


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What :meth:`Chip.listed` gives: words, and of them every limit that counts synapses."""

    network: Network
    synapses: ListedSynapses
    by_words: ByWords

    @classmethod
    def of(cls, network: Network, layout: Layout, by_words: ByWords) -> Counted:
        """Expand a network."""
        return cls(network, ListedSynapses.of(network, layout), by_words)

    def use(self, core_of: Sequence[Int32], local_of: Sequence[Int32], n_cores: int) -> dict[str, Int64]:
        """Use of every limit that counts synapses, by its name."""
        return self.by_words(self.network, core_of, *self.synapses.words(core_of, local_of, n_cores))


def bare(projection: Projection) -> Projection:
    """The same synapses without weights and delays."""
    return replace(projection, synapse=Synapse(projection.synapse.model, {}), realisation=None)


def _cells(first: Int64, selection: Selection) -> Int64:
    return np.concatenate([np.empty(0, np.int64), *(first[p] + np.asarray(i, np.int64) for p, i in selection.parts)])


@entry(nogil=True)
def _put_keys(sources, indptr, target, part_of, population_of, core, local, shape, out, n):
    """Number of every synapse onto a core, from position ``n`` on; gives the position after the last."""
    for row in range(sources.size):
        for k in range(indptr[row], indptr[row + 1]):
            t = target[k]
            if core[t] >= 0:
                part = np.int64(part_of[population_of[t]])
                out[n] = ((np.int64(core[t]) * shape.n_cells + sources[row]) * shape.n_parts + part) * shape.width + local[t]
                n += 1
    return n


@entry(nogil=True)
def _pack(keys, local, shape, group_of, costs, words, total, longest, held, way, out_words, out_longest):
    """Words of every core; ``total``, ``longest`` (group, way), ``held`` and ``way`` (group) are working space."""
    per_core = shape.n_cells * shape.n_parts * shape.width
    begin = 0
    while begin < keys.size:
        core = keys[begin] // per_core
        end = begin
        while end < keys.size and keys[end] < (core + 1) * per_core:
            end += 1
        n_held = _measure(keys, local, begin, end, shape, group_of, costs, words, total, longest, held)
        for h in range(n_held):
            way[held[h]] = _least(total[held[h]], total[held[h]])
        used, most = _write(keys, local, begin, end, shape, group_of, costs, words, way)
        if most > words[2]:
            for h in range(n_held):
                way[held[h]] = _least(longest[held[h]], total[held[h]])
            used, most = _write(keys, local, begin, end, shape, group_of, costs, words, way)
        for h in range(n_held):
            total[held[h]] = 0
            longest[held[h]] = 0
        out_words[core], out_longest[core] = used, most
        begin = end


@inner()
def _measure(keys, local, begin, end, shape, group_of, costs, words, total, longest, held):
    """Words of all lists and of the longest, by group and way; writes the groups there are and gives their number."""
    n_held = 0
    a = begin
    while a < end:
        b = _end_of_part(keys, a, end, shape.width)
        group = group_of[(keys[a] // shape.width) % shape.n_parts]
        if total[group, 0] == 0:  # no list takes 0 words
            held[n_held] = group
            n_held += 1
        for w in range(costs.shape[1]):
            n = _in_words(bits_of(local, a, b, costs[group, w]), words)
            total[group, w] += n
            longest[group, w] = max(longest[group, w], n)
        a = b
    return n_held


@inner()
def _write(keys, local, begin, end, shape, group_of, costs, words, way):
    """Words of all lists and of the longest, each group being written in its way; parts of a source follow each other."""
    per_source = shape.n_parts * shape.width
    used, most, bits = 0, 0, 0
    a = begin
    while a < end:
        b = _end_of_part(keys, a, end, shape.width)
        group = group_of[(keys[a] // shape.width) % shape.n_parts]
        bits += bits_of(local, a, b, costs[group, way[group]])
        if b == end or keys[b] // per_source != keys[a] // per_source:
            n = _in_words(bits, words)
            used += n
            most = max(most, n)
            bits = 0
        a = b
    return used, most


@inner()
def _end_of_part(keys, a, end, width):
    stop = (keys[a] // width + 1) * width
    b = a + 1
    while b < end and keys[b] < stop:
        b += 1
    return b


@inner()
def _in_words(bits, words):
    return -(-(bits + words[1]) // words[0])


@inner()
def _least(first, then):
    """Position of the smallest number; of equal ones that with the smallest of the others."""
    best = 0
    for k in range(1, first.size):
        if first[k] < first[best] or (first[k] == first[best] and then[k] < then[best]):
            best = k
    return best
