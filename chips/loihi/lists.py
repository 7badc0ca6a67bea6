"""Words of synaptic memory that the lists of a projection take on a core, from its rule alone.

Exact for all-to-all; for rules that treat all pairs alike the expected number and four standard deviations,
which hardly any core exceeds; for other rules a number that no core exceeds. Lists of several projections of
one source are counted one by one: together they never take more. :mod:`.listed` counts synapses that are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim.chips.loihi.packing import Compression, Format, index_bits_of
from neurosim.chips.loihi.sheet import FamilySheet
from neurosim.chips.usage import MARGIN, even, expected, longest_row, reaching_sources, several_per_pair, slice_synapses
from neurosim.chips.values import log_binomial
from neurosim.network import Network, Projection

#: Slice for which the compression of a projection is chosen.
_TYPICAL = 256


@dataclass(frozen=True)
class Lists:
    """Lists of one projection.

    Attributes
    ----------
    network, projection, sheet
        Where they belong.
    delay_bits
        Bits that a delay takes.
    """

    network: Network
    projection: Projection
    sheet: FamilySheet
    delay_bits: int

    def form(self, compression: Compression) -> Format:
        """Format with the bits that the synapses need; the longest gap is the cheapest to have."""
        rule = self.sheet.synapses
        skip, index = max(rule.skip_bits.value), index_bits_of(self.sheet.targets_per_core, rule)
        return Format(compression, rule.weight_bits.value, self.delay_bits, 0, index, skip)

    @cached_property
    def density(self) -> float:
        """Expected synapses per pair of cells."""
        return expected(self.network, self.projection) / max(self.projection.pre.size * self.projection.post.size, 1)

    @cached_property
    def compression(self) -> Compression:
        """The way to write lists that takes the fewest words on a slice of typical size; the same for every slice."""
        n_neurons = max(min(_TYPICAL, self.projection.post.size), 1)
        ways: tuple[Compression, ...] = ("dense", "runlength", "sparse") if even(self.projection) else ("dense", "sparse")
        allowed = ways[-1:] if several_per_pair(self.projection) else ways
        return min(allowed, key=lambda way: self._words(way, n_neurons))

    def words(self, n_neurons: int) -> int:
        """Words of all lists onto ``n_neurons`` of the targets."""
        return self._words(self.compression, n_neurons)

    def longest(self, n_neurons: int) -> int:
        """Words of the longest of them."""
        if self.compression == "dense":
            return self._in_words(self._dense_bits(n_neurons))
        n_synapses = longest_row(self.network, self.projection, n_neurons)
        return self._in_words(self._bits(self.compression, n_synapses, min(n_synapses, 1)))

    def _words(self, way: Compression, n_neurons: int) -> int:
        n_lists = reaching_sources(self.network, self.projection, n_neurons)
        if way == "dense":
            return n_lists * self._in_words(self._dense_bits(n_neurons))
        n_synapses = slice_synapses(self.network, self.projection, n_neurons)
        word, end = self.sheet.core.word_bits.value, self.sheet.synapses.terminator_bits.value
        # a list loses at most all bits but one of its last word
        most = math.ceil((self._bits(way, n_synapses, n_lists) + n_lists * (end + word - 1)) / word)
        if way == "sparse" and even(self.projection) and self.density < 1:
            return min(most, self._expected_words(n_neurons))
        return most

    def _bits(self, way: Compression, n_synapses: int, n_lists: int) -> int:
        """Bits of the entries of some lists, of which every one has a header and every 60 synapses may need another."""
        form, rule = self.form(way), self.sheet.synapses
        entries = n_lists + n_synapses // rule.per_entry.value
        if way == "runlength":  # a gap is too long if so many targets in a row are left out
            missed = n_synapses * (1 - min(self.density, 1.0)) ** (2**form.skip_bits - 1)
            entries += math.ceil(missed + MARGIN * math.sqrt(missed))
        return n_synapses * form.synapse_bits + entries * (rule.header_bits.value + form.first_bits)

    def _dense_bits(self, n_neurons: int) -> int:
        form, rule = self.form("dense"), self.sheet.synapses
        return n_neurons * form.synapse_bits + -(-n_neurons // rule.per_entry.value) * (rule.header_bits.value + form.first_bits)

    def _in_words(self, bits: int) -> int:
        return -(-(bits + self.sheet.synapses.terminator_bits.value) // self.sheet.core.word_bits.value) if bits else 0

    def _expected_words(self, n_neurons: int) -> int:
        """Words of sparse lists whose lengths are binomially distributed, with a margin."""
        rule, word, n_lists = self.sheet.synapses, self.sheet.core.word_bits.value, self.projection.pre.size
        trials = n_neurons * (8 if several_per_pair(self.projection) else 1)  # nearly Poisson then
        p = self.density * n_neurons / trials
        if not 0 < p < 1:
            return 0 if p <= 0 else 1 << 62
        mean, reach = trials * p, 12 * math.sqrt(trials * p * (1 - p)) + 12
        lengths = np.arange(max(0, int(mean - reach)), min(trials, int(mean + reach)) + 1)
        bits = lengths * self.form("sparse").synapse_bits + -(-lengths // rule.per_entry.value) * rule.header_bits.value
        words = np.where(lengths > 0, -(-(bits + rule.terminator_bits.value) // word), 0)
        words_each = float(words @ np.exp(log_binomial(lengths.tolist(), trials, p)))
        variance = trials * p * (1 - p) * (self.form("sparse").synapse_bits / word) ** 2 + 0.25
        return math.ceil(n_lists * words_each + MARGIN * math.sqrt(n_lists * variance))
