"""A table of counts and sorting give the very same store, whatever the network, threads and blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_networks import connect, network, neurons, pairs
from neurosim.columns import Random
from neurosim.connectivity import Bernoulli, FixedIn, FixedTotal, OneToOne
from neurosim.engine import layout as lay
from neurosim.engine import static, static_counted, static_sorted, targets

NORMAL = Random("normal", {"mu": 0.1, "sigma": 0.03}, 5)
SPREAD = Random("lognormal", {"mu": 0.0, "sigma": 4.0}, 5)
DELAYS = Random("uniform", {"low": 0.5, "high": 3.0}, 7)
RULES = [OneToOne(), Bernoulli(0.1), FixedTotal(60), FixedIn(2), pairs([3, 3, 3, 1, 0], [2, 2, 0, 4, 4], [0.5, 0.25, -0.5, 1.0, 0.125])]
WAYS = {"Counted": static_counted, "Sorted": static_sorted}


@contextmanager
def only(way: str) -> Iterator[pytest.MonkeyPatch]:
    """One way for every network, in pieces of few synapses; the other one would fail."""
    least = {"Counted": np.inf, "Sorted": -1.0}[way]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static, "PLACES_PER_SYNAPSE", least)
        patch.setattr(static, "SMALL_TABLE", least)
        patch.setattr(static, next(name for name in WAYS if name != way), None)
        for module in (targets, *WAYS.values()):
            patch.setattr(module, "BLOCK", 25)
        yield patch


def built(net: Any, layout: lay.Layout, dtype: type, threads: int = 1) -> static.Built:
    return static.build_static(net, list(net.projections), layout, dtype, threads)


def check_same(one: static.Built, other: static.Built) -> None:
    for name, column in one.store._asdict().items():
        np.testing.assert_array_equal(column, getattr(other.store, name), err_msg=name, strict=True)
    assert (one.units, one.most, one.n_synapses) == (other.units, other.most, other.n_synapses)
    assert (one.min_delay, one.max_delay) == (other.min_delay, other.max_delay)


def some_network(kinds: Any) -> Any:
    cells = [neurons(0, 40), neurons(1, 30)]
    return network(cells, [connect(k, cells[a], cells[b], *what) for k, (a, b, *what) in enumerate(kinds)])


end = st.integers(0, 1)
projections = st.tuples(end, end, st.sampled_from(RULES), st.sampled_from([0.5, NORMAL, SPREAD]), st.sampled_from([1.0, DELAYS]))


@settings(max_examples=60, deadline=None)
@given(st.lists(projections, max_size=4), st.integers(1, 4), st.sampled_from([np.float32, np.float64]))
def test_both_ways_give_the_identical_store(kinds, blocks, dtype):
    net, stored = some_network(kinds), []
    for way in WAYS:
        with only(way):
            stored.append(built(net, lay.plan(net, blocks), dtype))
    check_same(*stored)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("weight", [0.5, NORMAL])
def test_threads_build_what_one_thread_builds(way, weight):
    net = some_network([(0, 0, FixedTotal(400), weight, DELAYS), (0, 1, OneToOne(), weight, 1.0)])
    layout = lay.plan(net, 6)
    with only(way):
        stored = [built(net, layout, np.float32, threads) for threads in (1, 2, 3)]
    check_same(stored[0], stored[1])
    check_same(stored[0], stored[2])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("weight", [0.5, NORMAL])
def test_kept_rows_and_rows_expanded_twice_give_the_same_store(threads, weight):
    net, stored, kept = some_network([(0, 1, FixedIn(12), weight, DELAYS), (1, 0, Bernoulli(0.2), weight, 1.0)]), [], []
    for room in (0, 700, 1 << 28):  # none, some, all
        with only("Counted") as patch:
            patch.setattr(static_counted, "KEPT_BYTES", room)
            keep = static_counted.Counted._kept
            patch.setattr(static_counted.Counted, "_kept", lambda self, piece, keep=keep: kept.append(keep(self, piece)) or kept[-1])
            stored.append(built(net, lay.plan(net, 1), np.float32, threads))
    check_same(stored[0], stored[1])
    check_same(stored[0], stored[2])
    assert None in kept
    assert any(piece is not None for piece in kept)


def test_runs_that_are_too_long_for_one_entry_are_cut_the_same_way():
    net, stored = some_network([(0, 1, FixedTotal(300), NORMAL, 1.0), (0, 0, FixedTotal(200), NORMAL, 1.0)]), []
    for way, module in WAYS.items():
        with only(way) as patch:
            patch.setattr(module, "LONGEST_RUN", 3)
            for name in ("_measure", "_fill_runs"):  # compiled code has the true limit in it
                patch.setattr(module, name, getattr(module, name).py_func)
            stored.append(built(net, lay.plan(net, 2), np.float64))
    check_same(*stored)
    lengths = stored[0].store.runs & np.uint64(0xFFFFFFFF)
    assert lengths.max() == 3
    assert lengths.sum() == 500


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**40)), st.integers(41, 63))
def test_numbers_are_sorted_stably(numbers, n_bits):
    keys = np.array(numbers, np.uint64)
    for given_keys in (keys, keys % np.uint64(4)):
        found, order = static_sorted._in_order(given_keys.copy(), n_bits)
        expected = np.argsort(given_keys, kind="stable")
        np.testing.assert_array_equal(found, given_keys[expected])
        np.testing.assert_array_equal(order if len(order) else np.arange(len(keys)), expected)


def test_few_synapses_between_many_cells_are_sorted_and_small_networks_are_not():
    many, few = neurons(0, 70_000), neurons(1, 100)
    sparse = network([many, few], [connect(0, many, many, OneToOne(), 0.1, 1.0)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static, "Counted", None)
        assert built(sparse, lay.plan(sparse, 1), np.float32).n_synapses == 70_000
    small = some_network([(0, 1, OneToOne(), 0.1, 1.0)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static, "Sorted", None)
        assert built(small, lay.plan(small, 1), np.float32).n_synapses == 30
