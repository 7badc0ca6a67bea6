"""Synaptic memory of a Loihi core, bit by bit: lists of entries, one list for each input axon.

An entry begins with a header (format and number of synapses) and holds up to 60 synapses. It is written
in one of three ways, which the format says:

* ``sparse``: every synapse has the index of its target;
* ``runlength``: the first index, then for every synapse how many targets are skipped before it;
* ``dense``: the first index, then one weight for each target from there on, zeros where there is no synapse.

A list ends with a terminator of 6 bits and starts at a word of 64. The rules are those that the compiler
NxTF (intel-nrc-ecosystem/models) follows; :func:`coarse_bits` has those of nengo-loihi, which are simpler and
never smaller.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.chips.loihi.sheet import Synapses
from neurosim.errors import ParameterError

Int64 = NDArray[np.int64]
Compression = Literal["sparse", "runlength", "dense"]


class Format(NamedTuple):
    """How the synapses of an entry are written.

    Attributes
    ----------
    compression
        ``"sparse"``, ``"runlength"`` or ``"dense"``.
    weight_bits, delay_bits, tag_bits
        Of each synapse; delays of one step and static synapses need no bits for delay and tag.
    index_bits
        Of a target's number on the core.
    skip_bits
        Of a gap, ``runlength`` only.
    """

    compression: Compression
    weight_bits: int
    delay_bits: int = 0
    tag_bits: int = 0
    index_bits: int = 10
    skip_bits: int = 5

    @property
    def synapse_bits(self) -> int:
        """Bits of one synapse."""
        own = {"sparse": self.index_bits, "runlength": self.skip_bits, "dense": 0}[self.compression]
        return self.weight_bits + self.delay_bits + self.tag_bits + own

    @property
    def first_bits(self) -> int:
        """Bits of the first target's number, once in an entry."""
        return 0 if self.compression == "sparse" else self.index_bits


class Cost(NamedTuple):
    """Format as kernels read it: bits of a header and of a synapse, synapses per entry, longest gap or 0, and whether zeros fill gaps."""

    header: int
    synapse: int
    per_entry: int
    longest_gap: int
    fills: int


def check_bits(name: str, bits: int, rule: Synapses) -> int:
    """The same number, if a format can have it.

    Raises
    ------
    ParameterError
        If it cannot; 7 bits of weight are the one gap among 1 to 8.
    """
    legal = {"weight": rule.legal_weight_bits, "index": rule.index_bits, "skip": rule.skip_bits}[name].value
    if bits in legal:
        return bits
    larger = [other for other in legal if other > bits]
    remedy = f"Use {min(larger)} bits." if larger else f"Use {max(legal)} bits or fewer."
    known = ", ".join(map(str, legal))
    raise ParameterError(
        f"{bits} bits of {name} cannot be encoded; there are {known}.", where="Synapse format", used=bits, limit=known, remedy=remedy
    )


def index_bits_of(n_targets: int, rule: Synapses) -> int:
    """Fewest bits that number so many targets.

    Raises
    ------
    ParameterError
        If no format numbers so many.
    """
    needed = math.ceil(math.log2(max(n_targets, 2)))
    return next((bits for bits in sorted(rule.index_bits.value) if bits >= needed), 0) or check_bits("index", needed, rule)


def list_words(bits: Int64, rule: Synapses, word_bits: int) -> Int64:
    """Words of lists whose entries take some bits, 0 for none; one more where the terminator finds no room in the last word."""
    return np.where(bits > 0, -(-(bits + rule.terminator_bits.value) // word_bits), 0)


def list_bits(indptr: Int64, targets: Int64, form: Format, rule: Synapses) -> Int64:
    """Bits of the entries of every list, without terminators, int64 (n,).

    Parameters
    ----------
    indptr
        int64 (n + 1,): where each list begins.
    targets
        int64 (n_synapses,): numbers of the targets on the core, rising within each list; a number may occur twice.
    form
        How they are written.
    rule
        Constants of the datasheet.

    Raises
    ------
    ParameterError
        If the format cannot be encoded.
    """
    check_bits("weight", form.weight_bits, rule)
    check_bits("index", form.index_bits, rule)
    check_bits("skip", form.skip_bits, rule)
    bits = np.zeros(len(indptr) - 1, np.int64)
    _list_bits(np.asarray(indptr, np.int64), np.asarray(targets, np.int64), cost_of(form, rule), bits)
    return bits


def cheapest(indptr: Int64, targets: Int64, form: Format, rule: Synapses, word_bits: int) -> tuple[Format, Int64]:
    """Of all ways to write the same lists, the one with the fewest words, and the words of every list.

    ``form`` gives the bits of weight, delay, tag and index; parameters are those of :func:`list_bits`.
    """
    found = [(each, list_words(list_bits(indptr, targets, each, rule), rule, word_bits)) for each in ways(form, rule)]
    return min(found, key=lambda pair: int(pair[1].sum()))


def ways(form: Format, rule: Synapses) -> tuple[Format, ...]:
    """All ways to write what ``form`` writes; of equally good ones the first is taken."""
    run_lengths = (form._replace(compression="runlength", skip_bits=bits) for bits in rule.skip_bits.value)
    return form._replace(compression="sparse"), form._replace(compression="dense"), *run_lengths


def shared_words(words: Int64) -> int:
    """Words of the lists of one population axon: all are as long as the longest."""
    return int(words.max(initial=0)) * len(words)


def coarse_bits(n_synapses: int, form: Format, rule: Synapses, word_bits: int) -> int:
    """Bits of one list as nengo-loihi counts them: every entry of 64 synapses fills whole words, nothing else counts."""
    own = form.index_bits if form.compression == "sparse" else 0
    each, most = form.weight_bits + form.delay_bits + form.tag_bits + own, rule.per_entry_coarse.value
    full, rest = divmod(n_synapses, most)
    sizes = [most] * full + [rest] * (rest > 0)
    return sum(-(-(rule.header_bits.value + size * each) // word_bits) * word_bits for size in sizes)


def axon_entries(kind: str, n_axons: int, n_off_chip: int, rule: Synapses) -> int:
    """Output axon entries that some axons take, of which some lead to other chips.

    Parameters
    ----------
    kind
        ``"discrete"``, ``"pop16"`` or ``"pop32"``.

    Raises
    ------
    ParameterError
        If there is no such kind.
    """
    costs = {"discrete": rule.axon_discrete, "pop16": rule.axon_pop16, "pop32": rule.axon_pop32}
    if kind not in costs:
        raise ParameterError(f"there is no axon '{kind}'.", where="Output axons", used=kind, limit=tuple(costs), remedy="Use 'discrete'.")
    return costs[kind].value * n_axons + rule.axon_other_chip.value * n_off_chip


def cost_of(form: Format, rule: Synapses) -> Cost:
    """What kernels need to know of a format."""
    gap = 2**form.skip_bits if form.compression == "runlength" else 0
    header = rule.header_bits.value + form.first_bits
    return Cost(header, form.synapse_bits, rule.per_entry.value, gap, int(form.compression == "dense"))


@inner()
def bits_of(targets, start, stop, cost):
    """Bits of one list; ``cost`` has the numbers of a :class:`Cost`.

    A dense entry is split where that is cheaper than zeros, and where a target comes twice.
    """
    header, synapse, per_entry, longest_gap, fills = cost[0], cost[1], cost[2], cost[3], cost[4]
    bits, held, last = 0, 0, 0
    for k in range(start, stop):
        gap = targets[k] - last
        zeros = gap - 1 if fills else 0
        fresh = held == 0 or held + 1 + zeros > per_entry
        if longest_gap > 0 and not fresh:
            fresh = gap < 1 or gap > longest_gap
        if fills and not fresh:
            fresh = gap < 1 or zeros * synapse > header
        if fresh:
            bits += header
            held, zeros = 0, 0
        bits += (1 + zeros) * synapse
        held += 1 + zeros
        last = targets[k]
    return bits


@entry()
def _list_bits(indptr, targets, cost, out_bits):
    """Bits of every list."""
    for row in range(len(out_bits)):
        out_bits[row] = bits_of(targets, indptr[row], indptr[row + 1], cost)
