"""Synaptic memory of Loihi cores from the synapses one by one: three counts that agree, and a mapper that goes by them."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chip_networks import connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips.loihi.packing import Format, ways
from neurosim.chips.loihi.settings import FORMATS
from neurosim.chips.loihi.sheet import LoihiSheet
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, OneToOne, Table, expand
from neurosim.errors import PlacementError, VerificationError
from neurosim.mapping import Options, Pin, map_network
from neurosim.mapping.verify import faults
from neurosim.network import Selection

CHIP, CHIP2 = chips.load("loihi"), chips.load("loihi2")
SHEET = cast(LoihiSheet, CHIP.sheet)
RULE = SHEET.synapses
FAST = Options("fast")


# --- a slow twin ------------------------------------------------------------------------------
def bits_of(targets: list[int], form: Format) -> int:
    """Bits of one list, entry by entry."""
    entries: list[list[int]] = []
    header = RULE.header_bits.value + (0 if form.compression == "sparse" else form.index_bits)
    for target in targets:
        gap = target - entries[-1][-1] if entries else 0
        fill = list(range(entries[-1][-1] + 1, target)) if entries and form.compression == "dense" else []
        fits = bool(entries) and len(entries[-1]) + len(fill) < RULE.per_entry.value
        if form.compression == "runlength":
            fits = fits and 1 <= gap <= 2**form.skip_bits
        if form.compression == "dense":
            fits = fits and gap >= 1 and len(fill) * form.synapse_bits <= header
        if fits:
            entries[-1] += [*fill, target]
        else:
            entries.append([target])
    return sum(header + len(entry) * form.synapse_bits for entry in entries)


def words_of(bits: int) -> int:
    return -(-(bits + RULE.terminator_bits.value) // SHEET.core.word_bits.value)


def by_hand(net, placed, chip=CHIP):
    """Words of all lists and of the longest by core, written as said: lists of a format in the way that takes the fewest words."""
    load, groups = chip._load(net), chip._groups(net)  # pyright: ignore[reportAttributeAccessIssue]
    found: dict[int, dict[tuple, list[int]]] = {}
    for k, projection in enumerate(net.projections):
        pre = [(p, int(i)) for p, cells in projection.pre.parts for i in cells]
        post = [(p, int(i)) for p, cells in projection.post.parts for i in cells]
        rows = expand(net, projection)
        for row, source in enumerate(pre):
            for t in rows.post[rows.indptr[row] : rows.indptr[row + 1]].tolist():
                population, cell = post[t]
                core = int(placed.core_of[population][cell])
                if core >= 0:
                    found.setdefault(core, {}).setdefault((source, k, population), []).append(int(placed.local_of[population][cell]))
    totals = {}
    for core, parts in found.items():
        sizes = {  # bits of each part in each way
            key: [bits_of(sorted(targets), form) for form in ways(load.lists(net.projections[key[1]]).form("sparse"), RULE)]
            for key, targets in parts.items()
        }
        chosen = {}
        for group in {groups[key[1], key[2]] for key in sizes}:
            mine = [bits for key, bits in sizes.items() if groups[key[1], key[2]] == group]
            chosen[group] = min(range(len(mine[0])), key=lambda way: (sum(words_of(bits[way]) for bits in mine), way))
        lists = [
            words_of(sum(sizes[key][chosen[groups[key[1], key[2]]]] for key in keys))
            for _, keys in groupby(sorted(sizes), key=lambda key: key[0])
        ]
        totals[core] = (sum(lists), max(lists))
    return totals


@st.composite
def networks(draw):
    """Listed and drawn synapses among two populations and a source of spikes, also of views, with and without delays."""
    a, b = lif(0, draw(st.integers(1, 40)), curr(), "a"), lif(1, draw(st.integers(1, 40)), curr(), "b")
    cells = (a, b, poisson(2, draw(st.integers(1, 6))))
    rows = []
    for k in range(draw(st.integers(0, 4))):
        pre, post = draw(st.sampled_from(cells)), draw(st.sampled_from(cells[:2]))
        pairs = draw(st.lists(st.tuples(st.integers(0, pre.size - 1), st.integers(0, post.size - 1)), max_size=120))
        table = Table(*np.array(pairs, np.int64).reshape(-1, 2).T, {})
        rule = draw(st.sampled_from([table, table, AllToAll(), Bernoulli(0.3), FixedIn(1)]))
        delay, weight = draw(st.sampled_from([0.1, 0.5])), draw(st.sampled_from([0.1, 0.02]))
        row = connect(k, pre, post, rule, weight, delay=delay, seed=draw(st.integers(0, 9)))
        if draw(st.booleans()) and not isinstance(rule, Table):  # both populations at once, last cells first
            both = Selection(((1, np.arange(b.size)[::-1].copy()), (0, np.arange(a.size))))
            row = replace(row, post=both)
        rows.append(row)
    return network(cells, rows)


@settings(max_examples=80, deadline=None)
@given(networks(), st.integers(3, 30), st.sampled_from(["loihi", "loihi2"]))
def test_both_counts_agree_with_a_slow_twin(net, per_core, name):
    chip = {"loihi": CHIP, "loihi2": CHIP2}[name]
    placed = place(net, chip, per_core=per_core)
    n_cores = 1 + max(int(cores.max(initial=0)) for cores in placed.core_of)
    counted = chip.listed(net)
    assert counted is not None
    quick, again = counted.use(placed.core_of, placed.local_of, n_cores), chip.recount(net, placed.core_of, placed.local_of, n_cores)
    assert {key: list(used) for key, used in quick.items()} == {key: list(used) for key, used in again.items()}
    wanted = by_hand(net, placed, chip)
    assert quick["synaptic memory"].tolist() == [wanted.get(core, (0, 0))[0] for core in range(n_cores)]
    if name == "loihi":
        assert quick["longest axon list"].tolist() == [wanted.get(core, (0, 0))[1] for core in range(n_cores)]


@settings(max_examples=25, deadline=None)
@given(networks())
def test_the_table_of_use_is_that_of_the_slow_twin_and_no_core_exceeds_it(net):
    found = map_network(net, CHIP, options=FAST)
    table, wanted = found.utilisation("core"), by_hand(net, found)
    used = dict(zip(table.places.tolist(), table.used[:, table.resources.index("synaptic memory")].tolist(), strict=True))
    assert used == {core: wanted.get(core, (0, 0))[0] for core in used}
    assert max(used.values()) <= 16384


@settings(max_examples=25, deadline=None)
@given(networks(), st.integers(1, 40))
def test_lists_never_take_more_than_slices_are_said_to(net, per_core):
    net = replace(net, projections=tuple(p for p in net.projections if isinstance(p.rule, Table | AllToAll)))
    placed = place(net, CHIP, per_core=per_core)
    used = CHIP.recount(net, placed.core_of, placed.local_of, 128)
    bound = np.zeros(128, np.int64)
    for population, cores in enumerate(placed.core_of):
        for core in np.unique(cores[cores >= 0]):
            bound[core] += CHIP.slice_usage(net, population, int((cores == core).sum()))["synaptic memory"]
    assert (used["synaptic memory"] <= bound).all()


# --- ways of writing ---------------------------------------------------------------------------
def listed(pre, post, *, pairs, chunk=1):
    """A list of pairs between sources and targets."""
    table = Table(*np.array(pairs, np.int64).reshape(-1, 2).T, {})
    return network((pre, post), [connect(0, pre, post, table, 0.1, delay=0.1)])


def every(pre, post):
    """All pairs, listed."""
    return np.stack(np.meshgrid(np.arange(pre.size), np.arange(post.size), indexing="ij"), axis=-1).reshape(-1, 2)


def test_a_matrix_that_is_listed_takes_as_much_as_all_to_all():
    pre, post = poisson(0, 50), lif(1, 300, curr(), "post")
    one = map_network(listed(pre, post, pairs=every(pre, post)), CHIP, options=FAST)
    other = map_network(network((pre, post), [connect(0, pre, post, AllToAll(), 0.1, delay=0.1)]), CHIP, options=FAST)
    used = [found.utilisation("core").used[0, found.utilisation("core").resources.index("synaptic memory")] for found in (one, other)]
    assert used == [50 * 40, 50 * 40]


def test_listed_synapses_take_no_more_cores_than_the_same_by_rule():
    """By what slices seem to take they would be written with indices, on more than twice the cores."""
    pre, post = poisson(0, 1000), lif(1, 700, curr(), "post")
    rule = network((pre, post), [connect(0, pre, post, AllToAll(), 0.1, delay=0.1)])
    bound = CHIP.slice_usage(listed(pre, post, pairs=every(pre, post)), 1, 115)["synaptic memory"]
    assert bound > 2 * 16384
    n_cores = [map_network(net, CHIP, options=FAST).n_cores_used for net in (rule, listed(pre, post, pairs=every(pre, post)))]
    assert n_cores[1] <= n_cores[0]


def test_lists_of_one_source_follow_each_other_in_one_list():
    pre, post = poisson(0, 10), lif(1, 4, curr(), "post")
    rows = [connect(k, pre, post, AllToAll(), 0.1, delay=0.1, seed=k) for k in range(3)]
    found = map_network(network((pre, post), rows), CHIP, options=FAST).utilisation("core")
    sparse, dense = 10 + 4 * 18, 20 + 4 * 8
    assert dense < sparse
    assert found.used[0, found.resources.index("synaptic memory")] == 10 * words_of(3 * dense)


def test_all_lists_of_a_format_on_a_core_are_written_in_one_way():
    """A core needs no more formats than are counted, so a full list is written with indices too where the many short ones are."""
    pre, post = poisson(0, 41), lif(1, 200, curr(), "post")
    pairs = [(0, t) for t in range(100)] + [(k, k % 29 + 34 * t) for k in range(1, 41) for t in range(6)]
    net = listed(pre, post, pairs=pairs)
    placed = place(net, CHIP, per_core=200)
    assert [len(np.unique(table)) for table in CHIP.settings(net)[FORMATS][1:]] == [1]
    dense = words_of(100 * 8 + 2 * 20) + 40 * words_of(6 * 28)
    sparse = words_of(100 * 18 + 2 * 10) + 40 * words_of(10 + 6 * 18)
    used = CHIP.recount(net, placed.core_of, placed.local_of, 1)["synaptic memory"]
    assert sparse < dense
    assert used.tolist() == [sparse]


def test_where_a_list_would_be_too_long_all_are_written_so_that_it_is_shortest():
    pre, post = poisson(0, 201), lif(1, 1001, curr(), "post")
    pairs = [(0, t) for t in range(1000)] + [(k, k % 29 + 34 * t) for k in range(1, 201) for t in range(6)]
    net = listed(pre, post, pairs=pairs)
    dense, sparse = ([words_of(bits_of(list(range(1000)), form)), words_of(6 * each)] for form, each in forms_and_bits())
    assert sparse[0] > 256 > dense[0]
    assert sparse[0] + 200 * words_of(10 + 6 * 18) < dense[0] + 200 * dense[1]
    placed = place(net, CHIP, per_core=1001)
    counted = CHIP.listed(net)
    assert counted is not None
    for found in (counted.use(placed.core_of, placed.local_of, 1), CHIP.recount(net, placed.core_of, placed.local_of, 1)):
        assert (found["synaptic memory"][0], found["longest axon list"][0]) == (dense[0] + 200 * dense[1], dense[0])


def forms_and_bits():
    """Dense and sparse, with the bits of an entry of one synapse."""
    sparse, dense, *_ = ways(Format("sparse", 8), RULE)
    return (dense, 20 + 8), (sparse, 10 + 18)


# --- limits -----------------------------------------------------------------------------------
def crowded(n_neurons):
    """Sources that each reach every second of some neurons; the exact count of the core is what breaks first."""
    pre, post = poisson(0, 2000), lif(1, n_neurons, curr(), "post")
    pairs = every(pre, post)
    return listed(pre, post, pairs=pairs[(pairs.sum(axis=1) % 2) == 0])


def on_one_core(net):
    size = net.populations[1].size
    return hand_made(net, np.full(size, 7, np.int32), np.arange(size, dtype=np.int32))


def hand_made(net, core_of, local_of):
    """What verification looks at, of a population that a source feeds."""
    host = np.full(net.populations[0].size, -1, np.int32)
    return SimpleNamespace(network=net, chip=CHIP, core_of=[host, core_of], local_of=[host, local_of], pins=(), losses=())


def heavy():
    """A drawn network with those neurons together that happen to have the most inputs, more than a core holds of them."""
    pre, post = poisson(0, 2000), lif(1, 5000, curr(), "post")
    net = network((pre, post), [connect(0, pre, post, Bernoulli(0.05), 0.1, delay=0.1)])
    inputs = np.bincount(expand(net, net.projections[0]).post, minlength=post.size)
    n = next(n for n in range(1, post.size) if CHIP.slice_usage(net, 1, n + 1)["synaptic memory"] > 16384)
    core_of, local_of = np.empty(post.size, np.int32), np.empty(post.size, np.int32)
    most, rest = np.split(np.argsort(-inputs, kind="stable"), [n])
    core_of[np.sort(most)], local_of[np.sort(most)] = 0, np.arange(n)
    core_of[np.sort(rest)], local_of[np.sort(rest)] = 1 + np.arange(len(rest)) // (n // 2), np.arange(len(rest)) % (n // 2)
    return hand_made(net, core_of, local_of)


def test_a_hand_made_core_with_too_many_synapses_is_a_fault_that_only_the_count_sees(monkeypatch):
    full = heavy()
    used = CHIP.recount(full.network, full.core_of, full.local_of, 128)["synaptic memory"]
    assert used[0] == by_hand(full.network, full)[0][0] > 16384 >= used[1:].max()
    found = faults(full)
    assert len(found) == 1
    where = "loihi chip 0 tile (0, 0) core 0"
    for part in (where, f"{used[0]:,} words of synaptic memory", "'noise>post'", "'post'", "16,384", "put fewer"):
        assert part in found[0]
    monkeypatch.setattr("neurosim.mapping.verify_limits.MAX_EXPANDED", -1)
    assert faults(full) == []


def by_hand_total(n):
    """Words of :func:`crowded` from one even and one odd list."""
    lists = [list(range(first, n, 2)) for first in (0, 1)]
    return min(1000 * sum(words_of(bits_of(targets, form)) for targets in lists) for form in ways(Format("sparse", 8), RULE))


#: Neurons of :func:`crowded` that a core holds.
MOST = max(n for n in range(60, 120) if by_hand_total(n) <= 16384)


def test_a_core_that_is_just_full_is_no_fault():
    assert faults(on_one_core(crowded(MOST))) == []
    assert faults(on_one_core(crowded(MOST + 1)))


def test_neurons_that_fit_by_the_count_fit_where_they_are_pinned():
    net = crowded(MOST)
    assert CHIP.slice_usage(net, 1, MOST)["synaptic memory"] > 16384
    found = map_network(net, CHIP, pins=[Pin(1, None, 7)], options=FAST)
    assert np.unique(found.core_of[1]).tolist() == [7]
    with pytest.raises(PlacementError) as error:
        map_network(crowded(MOST + 1), CHIP, pins=[Pin(1, None, 7)], options=FAST)
    assert (error.value.population, error.value.resource, error.value.limit) == ("post", "synaptic memory", 16384)


def test_verification_refuses_a_mapping_of_too_many_synapses():
    found = map_network(crowded(140), CHIP, options=FAST)
    assert found.n_cores_used == 2
    moved = replace(
        found, core_of=(found.core_of[0], np.zeros(140, np.int32)), local_of=(found.local_of[0], np.arange(140, dtype=np.int32))
    )
    with pytest.raises(VerificationError, match=r"words of synaptic memory, counted synapse by synapse"):
        moved.verify()


@pytest.mark.parametrize("effort", ["fast", "normal"])
def test_the_mapper_fills_cores_by_the_count(effort):
    cells = lif(0, 1500, curr(), "a")
    net = network((cells,), [connect(k, cells, cells, Bernoulli(0.12), 0.1 / (k + 1), delay=0.1, seed=k) for k in range(3)])
    net = replace(net, projections=(*net.projections, connect(3, cells, cells, OneToOne(), 0.1, delay=0.1)))
    found = map_network(net, CHIP, options=Options(effort))
    table = found.utilisation("core")
    used = table.used[:, table.resources.index("synaptic memory")]
    slices = 1 + 1500 // next(n for n in range(1, 1500) if CHIP.slice_usage(net, 0, n + 1)["synaptic memory"] > 16384)
    assert used.max() <= 16384
    assert used.sum() > 0.85 * 16384 * (len(used) - 1)
    assert found.n_cores_used < slices
