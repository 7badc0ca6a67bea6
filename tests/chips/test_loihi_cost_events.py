"""What happens in a step on Loihi: counted against loops, from networks and placements."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chip_networks import balanced, connect, curr, lif, network, place, poisson
from loihi_cost_cases import fired_at, messages_of, random_case, updated_at
from neurosim import chips
from neurosim.chips.loihi.cost.arrays import ACCESS, EVENTS, HOP_X, HOP_Y, IN, NOISE, OUT, READ, SPIKE, UPDATE
from neurosim.chips.loihi.cost.energy import by_event, by_row
from neurosim.chips.loihi.cost.events import activity_of, cells_of, count
from neurosim.chips.loihi.cost.fanout import fanout_of, memory_kind
from neurosim.chips.loihi.cost.place import activity, placed
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, OneToOne, Table, expand
from neurosim.errors import NetworkError, ParameterError
from neurosim.network import Plasticity

CHIP = chips.load("loihi")


def counted(case, step, core=None, population=None):
    """Events of a step by a loop over everything; of one core or population if asked for."""
    found = np.zeros(len(EVENTS), int)
    of_core, compartments = case.cells.core, case.cells.compartments

    def add(event, number, *, where, who):
        if core in (None, where) and population in (None, case.cells.population[who]):
            found[event] += number

    for cell in range(case.cells.n_placed):
        add(ACCESS, compartments[cell], where=of_core[cell], who=cell)
    for cell in updated_at(case, step):
        add(UPDATE, compartments[cell], where=of_core[cell], who=cell)
        add(NOISE, compartments[cell] * case.cells.noisy[cell], where=of_core[cell], who=cell)
    for cell in fired_at(case, step):
        here = of_core[cell]
        add(SPIKE, here >= 0, where=here, who=cell)
        for target, reads in messages_of(case, cell):
            if here >= 0:
                add(OUT, 1, where=here, who=cell)
                add(HOP_X, abs(case.cores.x[here] - case.cores.x[target]), where=here, who=cell)
                add(HOP_Y, abs(case.cores.y[here] - case.cores.y[target]), where=here, who=cell)
            add(IN, 1, where=target, who=cell)
            for kind, n in enumerate(reads):
                add(READ + kind, n, where=target, who=cell)
    return found


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.booleans())
def test_counts_by_step_core_and_population_are_those_of_a_loop(seed, all_updated):
    case = random_case(seed, all_updated=all_updated)
    counts = count(*case.parts)
    steps = range(case.activity.n_steps)
    assert counts.step.tolist() == [counted(case, step).tolist() for step in steps]
    for core in range(case.cores.n_cores):
        assert counts.core[core].tolist() == sum(counted(case, step, core=core) for step in steps).tolist()
    for population in range(case.cells.n_populations):
        assert counts.population[population].tolist() == sum(counted(case, step, population=population) for step in steps).tolist()


@given(st.integers(0, 10**6))
def test_steps_cores_and_populations_add_up_to_the_same(seed):
    counts = count(*random_case(seed).parts)
    assert counts.core.sum(axis=0).tolist() == counts.total.tolist() == counts.population.sum(axis=0).tolist()
    table = np.random.default_rng(seed).random(len(EVENTS))
    sums = [by_row(part, table).sum() for part in counts]
    assert sums == pytest.approx([by_event(counts.step, table).sum()] * 3, rel=1e-12)


def test_cells_are_numbered_core_by_core_with_the_host_last():
    cells, number = cells_of([1, -1, 0, 1, 0], [0, 0, 1, 1, 1], compartments=[1, 0, 2, 3, 1])
    assert number.tolist() == [2, 4, 0, 3, 1]
    assert cells.first.tolist() == [0, 2, 4]
    assert cells.core.tolist() == [0, 0, 1, 1, -1]
    assert cells.compartments.tolist() == [2, 1, 1, 3, 0]
    assert cells.population.tolist() == [1, 1, 0, 1, 0]


def test_spikes_in_any_order_are_sorted_by_step_and_cell():
    found = activity_of(([2, 0, 2, 2], [1, 5, 0, 1]), 4, n_cells=6)
    assert found.spike_ptr.tolist() == [0, 1, 1, 4, 4]
    assert found.spike.tolist() == [5, 0, 1, 1]
    assert found.all_updated


@pytest.mark.parametrize(
    ("spikes", "words"),
    [
        (([0], [0, 1]), "1 steps for 2 cells of spikes"),
        (([4], [0]), "spike at step 4; there are 4 steps"),
        (([-1], [0]), "spike at step -1"),
        (([0], [6]), "spike at cell 6; there are 6 cells"),
        (([0.5], [0]), "steps of spikes are of type float64"),
        (([[0]], [0]), r"shape \(1, 1\)"),
        (([[0], [0, 1]], [0]), "steps of spikes are of type object"),
    ],
)
def test_spikes_that_do_not_fit_are_refused(spikes, words):
    with pytest.raises(ParameterError, match=words):
        activity_of(spikes, 4, n_cells=6)


def arrays(net, mapping):
    cores, cells, places = placed(CHIP, net, mapping)
    return cores, cells, places, fanout_of(net, places, CHIP.sheet)


def test_a_spike_is_one_message_for_each_core_with_a_target():
    net, per_core = balanced(0.05, curr()), 32
    mapping = place(net, CHIP, per_core)
    cores, cells, places, fanout = arrays(net, mapping)
    expected = {}
    for projection in net.projections:
        rows = expand(net, projection)
        (pre, _), (post, _) = projection.pre.parts[0], projection.post.parts[0]
        for source, target in zip(rows.pre().tolist(), rows.post.tolist(), strict=True):
            key = (int(places.number[pre][source]), int(cores.core.searchsorted(mapping.core_of[post][target])))
            expected[key] = expected.get(key, 0) + 1
    found = zip(fanout.source.tolist(), fanout.core.tolist(), fanout.reads.sum(axis=1).tolist(), strict=True)
    assert {(source, core): n for source, core, n in found} == expected
    assert (np.diff(fanout.source * cores.n_cores + fanout.core) > 0).all()
    assert cells.n_placed == 200
    assert cells.compartments[: cells.n_placed].tolist() == [1] * 200


def test_blocks_do_not_change_the_fanout(monkeypatch):
    net = balanced(0.05, curr())
    places = placed(CHIP, net, place(net, CHIP))[2]
    whole = fanout_of(net, places, CHIP.sheet)
    monkeypatch.setattr("neurosim.chips.loihi.cost.fanout.BLOCK", 50)
    for one, other in zip(whole, fanout_of(net, places, CHIP.sheet), strict=True):
        assert np.array_equal(one, other)


def test_two_synapses_between_the_same_cells_are_read_twice_in_one_message():
    one = lif(0, 2, curr())
    net = network((one,), [connect(k, one, one, Table(np.array([0]), np.array([1])), 0.1) for k in range(2)])
    fanout = arrays(net, place(net, CHIP))[3]
    assert (fanout.indptr.tolist(), fanout.reads.sum(axis=1).tolist()) == ([0, 1, 1], [2])


def test_synapses_that_learn_are_read_and_learn():
    source, post = poisson(0, 3), lif(1, 4, curr())
    rule = Plasticity("pair", "additive", 20, 20, 0.01, 0.01, 0.0, 0.2)
    net = network((source, post), [connect(0, source, post, AllToAll(), 0.1, model="stdp", plasticity=rule)])
    assert arrays(net, place(net, CHIP))[3].reads.tolist() == [[4, 0, 0, 4]] * 3


@pytest.mark.parametrize(
    ("rule", "kind"), [(AllToAll(), "dense"), (OneToOne(), "sparse"), (Bernoulli(0.1), "sparse"), (FixedIn(90), "dense")]
)
def test_dense_lists_are_used_where_they_are_shorter(rule, kind):
    one = lif(0, 100, curr())
    net = network((one,), [connect(0, one, one, rule, 0.1)])
    assert memory_kind(net, net.projections[0], CHIP.sheet) == kind


def test_two_synaptic_time_constants_are_two_compartments():
    net = network([lif(0, 3, curr(5.0, 10.0))])
    assert placed(CHIP, net, place(net, CHIP))[1].compartments.tolist() == [2, 2, 2]


def test_cores_have_their_tiles_and_chips():
    net, machine = network([lif(0, 4, curr())]), chips.load("loihi", n_boards=4)
    cores = placed(machine, net, place(net, machine, per_core=1, first=127))[0]
    assert cores.core.tolist() == [127, 128, 129, 130]
    assert cores.tile.tolist() == [31, 32, 32, 32]
    assert cores.chip.tolist() == [0, 1, 1, 1]
    assert (cores.n_cores, cores.n_tiles, cores.n_chips) == (4, 2, 2)
    table = machine.cores()
    assert cores.x.tolist() == table.x[127:131].tolist()
    assert cores.y.tolist() == table.y[127:131].tolist()


def test_a_mapping_of_another_network_is_refused():
    net, other = network([lif(0, 4, curr())]), network([lif(0, 5, curr())])
    with pytest.raises(NetworkError, match=r"populations of \[5\] cells, the network has \[4\]"):
        placed(CHIP, net, place(other, CHIP))


def test_an_empty_network_costs_nothing():
    net = network([])
    cores, cells, places, fanout = arrays(net, place(net, CHIP))
    counts = count(cores, cells, fanout, activity(net, cells, places, {}, 3))
    assert counts.step.shape == (3, len(EVENTS))
    assert not counts.total.any()


@pytest.mark.parametrize(
    ("spikes", "words"),
    [
        ({5: ([0], [0])}, "spikes are given for population 5; there are 1"),
        ({"exc": ([0], [0])}, "for population 'exc'"),
        ({0: ([0], [4])}, "Population 'p0': there is a spike at cell 4; there are 4 cells"),
        ({0: [0]}, "spikes are not a pair of arrays"),
        ({0: ([0.1], [0])}, "round\\(time / dt\\)"),
        ([(0, 0)], "spikes are of type list"),
    ],
)
def test_spikes_of_populations_that_do_not_fit_are_refused(spikes, words):
    net = network([lif(0, 4, curr())])
    _, cells, places = placed(CHIP, net, place(net, CHIP))
    with pytest.raises(ParameterError, match=words):
        activity(net, cells, places, spikes, 3)


@pytest.mark.parametrize("n_steps", [0, -1, 1.5, True, None])
def test_the_number_of_steps_is_checked(n_steps):
    net = network([lif(0, 4, curr())])
    _, cells, places = placed(CHIP, net, place(net, CHIP))
    with pytest.raises(ParameterError, match="whole number from 1"):
        activity(net, cells, places, {}, n_steps)
