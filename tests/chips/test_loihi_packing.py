"""Synaptic memory of Loihi: lists bit by bit, against a slow twin and the numbers of nengo-loihi."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chip_networks import connect, curr, lif, network
from neurosim import chips
from neurosim.chips.loihi.lists import Lists
from neurosim.chips.loihi.load import Load
from neurosim.chips.loihi.packing import (
    Format,
    axon_entries,
    cheapest,
    check_bits,
    coarse_bits,
    index_bits_of,
    list_bits,
    list_words,
    shared_words,
)
from neurosim.chips.loihi.sheet import LoihiSheet
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedTotal, OneToOne, Table, expand
from neurosim.errors import DatasheetError, ParameterError

SHEET = cast(LoihiSheet, chips.load("loihi").sheet)
RULE, WORD = SHEET.synapses, SHEET.core.word_bits.value
FIGURES = Path(__file__).parents[1] / "data" / "loihi" / "memory_per_axon.json"


def one(targets, form):
    """Bits and words of a single list."""
    targets = np.asarray(targets, np.int64)
    bits = list_bits(np.array([0, len(targets)]), targets, form, RULE)
    return int(bits[0]), int(list_words(bits, RULE, WORD)[0])


def slow_bits(targets, form):
    """The same by making every entry, as a list of the numbers that it covers."""
    entries: list[list[int]] = []
    header = RULE.header_bits.value + (0 if form.compression == "sparse" else form.index_bits)
    for target in map(int, targets):
        gap = target - entries[-1][-1] if entries else None
        fill = list(range(entries[-1][-1] + 1, target)) if gap and form.compression == "dense" else []
        new = gap is None or len(entries[-1]) + len(fill) + 1 > 60
        new |= gap is not None and form.compression == "runlength" and not 1 <= gap <= 2**form.skip_bits
        new |= gap is not None and form.compression == "dense" and (gap < 1 or len(fill) * form.synapse_bits > header)
        if new:
            entries.append([target])
        else:
            entries[-1] += [*fill, target]
    return sum(header + len(entry) * form.synapse_bits for entry in entries)


def test_the_coarse_figures_are_those_of_nengo_loihi():
    rows = json.loads(FIGURES.read_text())["rows"]
    assert len(rows) == 144
    for compression, index, weight, per_entry, n, bits in rows:
        assert per_entry == RULE.per_entry_coarse.value
        assert coarse_bits(n, Format(compression, weight, index_bits=index), RULE, WORD) == bits


def test_the_published_example_takes_fewer_words_when_packed_exactly():
    assert coarse_bits(512, Format("dense", 8), RULE, WORD) == 4608
    bits, words = one(range(512), Format("dense", 8))
    assert (bits, words) == (512 * 8 + 9 * (10 + 10), 67)


@pytest.mark.parametrize(("bits", "words"), [(0, 0), (1, 1), (58, 1), (59, 2), (63, 2), (64, 2), (65, 2), (122, 2), (123, 3), (128, 3)])
def test_the_end_of_a_list_takes_a_word_where_the_last_has_no_room(bits, words):
    assert int(list_words(np.array([bits]), RULE, WORD)[0]) == words


def test_an_entry_holds_60_synapses():
    form = Format("sparse", 8)
    assert one(range(61), form)[0] - one(range(60), form)[0] == 10 + 18


def test_run_length_splits_at_gaps_of_more_than_32():
    form = Format("runlength", 8)
    assert one([0, 32], form)[0] == 20 + 2 * 13
    assert one([0, 33], form)[0] == 2 * 20 + 2 * 13


def test_dense_stores_zeros_where_that_is_cheaper_than_a_new_entry():
    form = Format("dense", 8)
    assert one([0, 3], form)[0] == 20 + 4 * 8
    assert one([0, 4], form)[0] == 2 * 20 + 2 * 8


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 300), max_size=200).map(sorted),
    st.sampled_from(["sparse", "runlength", "dense"]),
    st.sampled_from([1, 4, 8]),
    st.sampled_from([0, 3, 6]),
    st.sampled_from([2, 5]),
)
def test_lists_agree_with_a_slow_twin(targets, compression, weight, delay, skip):
    form = Format(compression, weight, delay, 0, 10, skip)
    assert one(targets, form)[0] == slow_bits(targets, form)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 200), unique=True, max_size=80).map(sorted), min_size=1, max_size=5))
def test_the_cheapest_way_is_no_more_than_any_other(lists):
    indptr, targets = np.cumsum([0, *map(len, lists)]), np.array([t for row in lists for t in row], np.int64)
    _, words = cheapest(indptr, targets, Format("sparse", 8), RULE, WORD)
    for way in ("sparse", "runlength", "dense"):
        other = list_words(list_bits(indptr, targets, Format(way, 8), RULE), RULE, WORD)
        assert words.sum() <= other.sum()
    assert shared_words(words) == len(lists) * max(words)


def test_a_dense_matrix_is_written_densely_and_a_thin_one_with_indices():
    dense, _ = cheapest(np.array([0, 100]), np.arange(100), Format("sparse", 8), RULE, WORD)
    thin, _ = cheapest(np.array([0, 10]), np.arange(0, 1000, 100), Format("sparse", 8), RULE, WORD)
    middle, _ = cheapest(np.array([0, 100]), np.arange(0, 800, 8), Format("sparse", 8), RULE, WORD)
    assert [form.compression for form in (dense, thin, middle)] == ["dense", "sparse", "runlength"]
    assert middle.skip_bits == 3


UNKNOWN_BITS = [("weight", 7, "Use 8 bits."), ("weight", 9, "Use 8 bits or fewer."), ("skip", 1, "Use 2 bits.")]


@pytest.mark.parametrize(("name", "bits", "remedy"), UNKNOWN_BITS)
def test_bits_that_cannot_be_encoded_are_refused(name, bits, remedy):
    with pytest.raises(ParameterError, match=f"{bits} bits of {name} cannot be encoded; there are") as error:
        check_bits(name, bits, RULE)
    assert (error.value.used, error.value.remedy) == (bits, remedy)
    with pytest.raises(ParameterError, match="7 bits of weight cannot be encoded"):
        one([1], Format("sparse", 7))


def test_a_datasheet_with_weights_of_7_bits_is_refused(tmp_path):
    text = (Path(chips.__path__[0]) / "loihi" / "loihi.toml").read_text().replace("weight_bits = {value = 8", "weight_bits = {value = 7")
    (tmp_path / "seven.toml").write_text(text)
    with pytest.raises(DatasheetError, match="7 bits of weight cannot be encoded; there are 1, 2, 3, 4, 5, 6, 8"):
        chips.load(tmp_path / "seven.toml")


@pytest.mark.parametrize(("n", "bits"), [(1, 6), (64, 6), (65, 7), (1024, 10), (4096, 12)])
def test_indices_have_the_fewest_bits_that_will_do(n, bits):
    assert index_bits_of(n, RULE) == bits


def test_too_many_targets_cannot_be_numbered():
    with pytest.raises(ParameterError, match="13 bits of index cannot be encoded"):
        index_bits_of(4097, RULE)


def test_output_axons_cost_by_kind_and_one_more_on_another_chip():
    assert [axon_entries(kind, 10, 4, RULE) for kind in ("discrete", "pop16", "pop32")] == [14, 14, 24]
    with pytest.raises(ParameterError, match="there is no axon 'pop64'"):
        axon_entries("pop64", 1, 0, RULE)


RULES = st.one_of(
    st.just(AllToAll()),
    st.just(OneToOne()),
    st.sampled_from([0.02, 0.1, 0.3, 0.7]).map(Bernoulli),
    st.sampled_from([5, 40]).map(FixedIn),
    st.sampled_from([300, 5000]).map(lambda n: FixedTotal(n, with_replacement=True)),
)


@settings(max_examples=25, deadline=None)
@given(RULES, st.sampled_from([1, 20, 100]), st.sampled_from([0.1, 0.5, 5.0]), st.integers(1, 99))
def test_what_rules_let_expect_is_hardly_ever_less_than_what_lists_take(rule, n, delay, seed):
    pre, post = lif(0, 120, curr(), "pre"), lif(1, 120, curr(), "post")
    net = network((pre, post), [connect(0, pre, post, rule, 0.1, delay=delay, seed=seed)])
    lists = Load(net, SHEET).lists(net.projections[0])
    words, longest = lists_of(net, n, lists)
    assert words <= lists.words(n)
    assert longest <= lists.longest(n)


def lists_of(net, n, lists: Lists):
    """Words of all lists and of the longest onto the first n targets, written as the projection writes them."""
    rows = expand(net, net.projections[0])
    targets = [np.sort(rows.post[a:b][rows.post[a:b] < n]) for a, b in pairwise(rows.indptr)]
    words = list_words(
        list_bits(np.cumsum([0, *map(len, targets)]), np.concatenate(targets), lists.form(lists.compression), RULE), RULE, WORD
    )
    return int(words.sum()), int(words.max())


def test_all_to_all_is_exact_and_tight():
    pre, post = lif(0, 50, curr(), "pre"), lif(1, 300, curr(), "post")
    net = network((pre, post), [connect(0, pre, post, AllToAll(), 0.1, delay=0.1)])
    lists = Load(net, SHEET).lists(net.projections[0])
    assert lists_of(net, 200, lists) == (lists.words(200), lists.longest(200))
    assert lists.words(200) == 50 * 27


def test_a_table_of_synapses_is_bounded_from_above():
    pre, post = lif(0, 4, curr(), "pre"), lif(1, 9, curr(), "post")
    table = Table(np.array([0, 0, 1, 3, 3, 3]), np.array([1, 1, 4, 2, 5, 8]), {})
    net = network((pre, post), [connect(0, pre, post, table, 0.1, delay=0.1)])
    lists = Load(net, SHEET).lists(net.projections[0])
    assert lists.compression == "sparse"
    assert lists_of(net, 9, lists)[0] <= lists.words(9) <= 10
