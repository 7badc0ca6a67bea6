"""How long a step takes on Loihi: kernels against slow twins, barriers, and what must hold of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loihi_cost_cases import Case, cores_of, detailed_twin, fanout, random_case, simple_twin
from neurosim import chips
from neurosim.chips.loihi.cost.arrays import EVENTS
from neurosim.chips.loihi.cost.events import activity_of, cells_of, count
from neurosim.chips.loihi.cost.heap import drop_first, put
from neurosim.chips.loihi.cost.noc import detailed
from neurosim.chips.loihi.cost.profile import profile_of
from neurosim.chips.loihi.cost.timing import simple
from neurosim.errors import UnknownNameError

COSTS = chips.load("loihi").sheet.cost
FIT, SIMULATED = (profile_of(COSTS, name) for name in ("nahuku_fit", "davies2018"))


def irregular(table, seed):
    """A table whose times never add up to the same, so that no two messages are ready at once."""
    rng = np.random.default_rng(seed)
    return table._replace(
        access=rng.uniform(1e-9, 9e-9),
        update=rng.uniform(1e-9, 9e-9),
        message_out=rng.uniform(1e-9, 9e-9),
        reads=rng.uniform(1e-9, 9e-9, 4),
        link_buffer=float(rng.uniform(0.01, 2.0)),
    )


def followed(case, table):
    return detailed(*case.parts, table, count(*case.parts))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.booleans())
def test_simple_times_are_those_of_the_twin(seed, all_updated):
    case = random_case(seed, all_updated=all_updated)
    table = irregular(FIT.time, seed)
    assert simple(*case.parts, table) == pytest.approx(simple_twin(case, table), rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.05, 0.4]))
def test_detailed_times_are_those_of_the_twin(seed, all_updated, busy):
    case = random_case(seed, all_updated=all_updated, busy=busy)
    table = irregular(FIT.time, seed)
    assert followed(case, table) == pytest.approx(detailed_twin(case, table), rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_following_messages_never_takes_less_than_the_sums(seed):
    case = random_case(seed)
    assert (followed(case, FIT.time) >= simple(*case.parts, FIT.time) * (1 - 1e-12)).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_a_step_does_not_depend_on_the_others(seed):
    case = random_case(seed)
    alone = []
    for step in range(case.activity.n_steps):
        spikes, updates = (
            (np.zeros(ptr[step + 1] - ptr[step], int), cells[ptr[step] : ptr[step + 1]])
            for ptr, cells in ((case.activity.spike_ptr, case.activity.spike), (case.activity.update_ptr, case.activity.update))
        )
        part = activity_of(spikes, 1, updates=updates, n_cells=case.cells.n_cells)
        alone.append(followed(Case(case.cores, case.cells, case.fanout, part), FIT.time)[0])
    assert followed(case, FIT.time).tolist() == alone


def one_message(n_reads=3, to=17):
    """Two neurons on core 0, of which the first sends to another core."""
    cells, _ = cells_of([0, 0, 1], [0, 0, 0])
    return Case(cores_of([0, to]), cells, fanout([(0, 1, [n_reads, 0, 0, 0])], 3), activity_of(([0], [0]), 1, n_cells=3))


def test_a_message_in_numbers():
    case = one_message()
    one = FIT.time.access + FIT.time.update
    sent = one + FIT.time.spike + FIT.time.message_out
    taken = FIT.time.message_in + 3 * FIT.time.reads[0]
    assert simple(*case.parts, FIT.time)[0] == pytest.approx(sent + one, rel=1e-12)
    # core 17 is on the tile east of that of core 0
    assert followed(case, FIT.time)[0] == pytest.approx(sent + FIT.time.hop_x + taken, rel=1e-12)


def test_a_full_link_makes_the_sender_wait():
    cells, _ = cells_of([0] * 6 + [1, 2], [0] * 8)
    messages = fanout([*((cell, 1, [50, 0, 0, 0]) for cell in range(5)), (5, 2, [500, 0, 0, 0])], 8)
    case = Case(cores_of([0, 4, 16]), cells, messages, activity_of(([0] * 6, range(6)), 1, n_cells=8))
    wide, narrow = FIT.time, FIT.time._replace(link_buffer=0.001)
    # the sixth message, to a core that has nothing else to do, takes longest: it leaves later if others are in the way
    assert followed(case, wide)[0] == followed(case, wide._replace(link_buffer=1e9))[0]
    assert followed(case, narrow)[0] > 1.1 * followed(case, wide)[0]
    assert followed(case, narrow) == pytest.approx(detailed_twin(case, narrow), rel=1e-12)


def test_what_the_host_feeds_in_takes_time_at_its_receiver_only():
    cells, _ = cells_of([0, -1], [0, 1])
    case = Case(cores_of([5]), cells, fanout([(1, 0, [0, 40, 0, 0])], 2), activity_of(([0], [1]), 2, n_cells=2))
    taken = FIT.time.message_in + 40 * FIT.time.reads[1]
    idle = FIT.time.access + FIT.time.update
    for found in (simple(*case.parts, FIT.time), followed(case, FIT.time)):
        assert found.tolist() == pytest.approx([taken, idle], rel=1e-12)


def test_no_cores_take_no_time():
    cells, _ = cells_of([-1], [0])
    case = Case(cores_of([]), cells, fanout([], 1), activity_of(([0], [0]), 2, n_cells=1))
    assert simple(*case.parts, FIT.time).tolist() == followed(case, FIT.time).tolist() == [0.0, 0.0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.integers(0, 50)), max_size=40))
def test_the_heap_gives_entries_in_order(entries):
    keys, tags, size = np.zeros(40), np.zeros(40, np.int64), 0
    for key, tag in entries:
        size = put(keys, tags, size, key, tag)
    found = []
    while size:
        found.append((keys[0], tags[0]))
        size = drop_first(keys, tags, size)
    assert found == sorted(entries)


@pytest.mark.parametrize(("tiles", "ns"), [(0, 600), (1, 600), (2, 1000), (3, 1000), (4, 1400), (28, 1400), (29, 1800), (32, 1800)])
def test_the_fitted_barrier_has_steps(tiles, ns):
    assert FIT.barrier(tiles, 1).seconds == pytest.approx(ns * 1e-9)


@pytest.mark.parametrize(("tiles", "ns"), [(1, 113), (32, 465), (16.5, 289)])
def test_the_simulated_barrier_is_interpolated(tiles, ns):
    found = SIMULATED.barrier(tiles, 1)
    assert found.seconds == pytest.approx(ns * 1e-9)
    assert "interpolated" in found.basis


@pytest.mark.parametrize(
    ("n_chips", "us", "words"),
    [
        (2, 14.3, "that of 256 chips"),
        (256, 14.3, "as measured"),
        (512, 15.25, "interpolated between 256 and 768 chips"),
        (768, 16.2, "as measured"),
        (800, 16.2, "that of 768 chips"),
    ],
)
def test_several_chips_have_the_measured_barrier(n_chips, us, words):
    for profile in (FIT, SIMULATED):
        found = profile.barrier(40, n_chips)
        assert found.seconds == pytest.approx(us * 1e-6)
        assert words in found.basis
        assert profile.evidence(found.constant)[0].evidence == "measured on silicon"


def test_the_simulated_table_tells_active_from_inactive_neurons():
    energy = dict(zip(EVENTS, SIMULATED.energy_pj.tolist(), strict=True))
    assert energy["neuron access"] == 52.0
    assert energy["neuron access"] + energy["neuron update"] == 81.0
    assert energy["dense read"] == energy["sparse read"] == energy["convolution read"] == 23.6
    assert energy["learning update"] == 120.0
    assert set(SIMULATED.unknown) == {"noise", "spike", "message in"}
    assert FIT.unknown == ("learning update",)


def test_an_unknown_profile_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'davies2018'"):
        profile_of(COSTS, "davis2018")
