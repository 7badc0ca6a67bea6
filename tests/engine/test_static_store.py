"""How static synapses are stored: what packing may lose, and that blocks do not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_networks import CURRENT, connect, network, neurons, pairs, record, spikes_at
from neurosim.chips.loihi.arithmetic import ARITHMETIC
from neurosim.columns import Random
from neurosim.connectivity import AllToAll, Bernoulli, FixedTotal
from neurosim.engine import Simulation, static, stores, targets
from neurosim.engine import layout as lay
from neurosim.engine.delivery import START_BITS
from neurosim.loihi import Compartments, Synapses, network_of
from neurosim.network import Selection


def built(net, threads=1, dtype=np.float32):
    layout = lay.plan(net, threads)
    return stores.build(net, layout, dtype, {}, threads), layout


def unpacked(store, layout, lanes):
    """Synapses of a store as sorted rows (source, target cell of the group, port, delay, weight)."""
    rows, table = [], store.static
    keys = list(lanes)
    for row in range(layout.n_blocks * layout.n_cells):
        first, at = divmod(int(table.rows[row, 0]), 1 << START_BITS)[::-1], int(table.rows[row, 1])
        for entry in table.runs[first[0] : sum(first)].tolist():
            delay, port, length = entry >> 40, (entry >> 32) & 0xFF, entry & 0xFFFFFFFF
            gid, block = divmod(row, layout.n_blocks)
            for k in range(at, at + length):
                if len(table.word):
                    word = int(table.word[k])
                    code = (word >> 16) - (1 << 16) * (word >> 31)
                    local, weight = word & 0xFFFF, code * lanes[keys[port]][0]
                else:
                    local, weight = int(table.target[k]), float(table.weight[k])
                rows.append((gid, block, port, local, delay, weight))
            at += length
    return sorted(rows)


def with_weights(weight, precision_rule=None, n=40):
    cells = neurons(0, n)
    rule = precision_rule or Bernoulli(0.3)
    return network([cells], [connect(0, cells, cells, rule, weight, Random("uniform", {"low": 0.5, "high": 3.0}, 7))])


@pytest.mark.parametrize(("weight", "dtype", "packed"), [
    (Random("normal", {"mu": 0.1, "sigma": 0.01}, 5), np.float32, True),
    (Random("normal", {"mu": 0.1, "sigma": 0.01}, 5), np.float64, False),
    (Random("lognormal", {"mu": 0.0, "sigma": 4.0}, 5), np.float32, False),
    (0.37, np.float32, True),
    (0.37, np.float64, True),
])  # fmt: skip
def test_weights_are_packed_only_where_that_loses_next_to_nothing(weight, dtype, packed):
    store, layout = built(with_weights(weight), dtype=dtype)
    assert bool(len(store.static.word)) == packed
    stored = np.array([row[-1] for row in unpacked(store, layout, store.lanes)])
    exact, _ = built(with_weights(weight), dtype=np.float64)
    truth = np.array([row[-1] for row in unpacked(exact, layout, exact.lanes)])
    bound = static.PACKED_ERROR * np.abs(truth).mean() if packed and dtype is np.float32 else 1e-6 * np.abs(truth).max()
    assert np.abs(np.sort(stored) - np.sort(truth)).max() <= (bound if dtype is np.float32 else 0.0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(1e-6, 1e3), st.floats(0.0, 0.5)), min_size=1, max_size=4), st.integers(0, 2**31))
def test_no_weight_is_rounded_by_more_than_a_thousandth_of_its_projections_mean(kinds, seed):
    cells = neurons(0, 30)
    projections = [
        connect(k, cells, cells, AllToAll(), Random("normal", {"mu": mean, "sigma": share * mean}, seed + k), 1.0)
        for k, (mean, share) in enumerate(kinds)
    ]
    store, layout = built(network([cells], projections))
    if not len(store.static.word):
        return
    unit = next(iter(store.lanes.values()))[0]
    for k in range(len(projections)):
        exact = stores.build(network([cells], [replace(projections[k], id=0)]), layout, np.float64, {})
        mean = np.abs(np.array([row[-1] for row in unpacked(exact, layout, exact.lanes)])).mean()
        assert 0.5 * unit <= static.PACKED_ERROR * mean * 1.1  # the mean is known from the distribution only


@pytest.mark.parametrize("threads", [2, 3])
def test_blocks_hold_the_same_synapses(threads):
    net = with_weights(Random("normal", {"mu": 0.1, "sigma": 0.01}, 5), FixedTotal(500))
    whole, one = built(net, dtype=np.float64)
    parts, many = built(net, threads, dtype=np.float64)

    def cells(layout, rows):
        first = {(b, int(layout.first[0, b])): int(layout.bounds[0, b]) for b in range(layout.n_blocks)}
        return sorted((gid, first[b, 0] + local, delay, weight) for gid, b, _, local, delay, weight in rows)

    assert cells(one, unpacked(whole, one, whole.lanes)) == cells(many, unpacked(parts, many, parts.lanes))


def test_many_inputs_at_once_do_not_overflow_the_integer_sums():
    n = 30_000
    source, cell = spikes_at(0, *[[1.0]] * n), neurons(1, 1, v_thresh=1e9)
    weights = np.full(n, 0.5)
    weights[0] = 1.0
    net = network([source, cell], [connect(0, source, cell, pairs(np.arange(n), np.zeros(n, int), weights), 0.0, 1.0)], record(cell, "v"))
    simulation = Simulation(net, precision="float32")
    simulation.run_until(3.0)
    g = simulation.state(1, "excitatory.gsyn")[0]
    assert g == pytest.approx(weights.sum() * np.exp(-1.0 / 5.0), rel=1e-3)


def test_a_delay_that_no_synapse_can_hold_is_refused():
    cells = neurons(0, 2)
    net = network([cells], [connect(0, cells, cells, AllToAll(), 0.1, 0.1 * targets.LARGEST_DELAY + 1.0)])
    with pytest.raises(Exception, match="a delay has more steps than a synapse can hold") as error:
        Simulation(net)
    assert error.value.limit == targets.LARGEST_DELAY


def test_coefficients_of_equal_cells_are_stored_once():
    alike, different = neurons(0, 2000), neurons(1, 2000, tau_m=np.linspace(5.0, 20.0, 2000))
    one, two = Simulation(network([alike])), Simulation(network([alike, different]))
    assert len(one.program.cells.coeff) < 20_000 < 80_000 < len(two.program.cells.coeff)
    assert len(set(one.program.cells.tile_at.tolist())) == 1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_cells_of_mixed_populations_keep_their_parameters_in_any_block(threads):
    sizes = (100, 300, 257, 3)
    populations = [neurons(k, n, CURRENT, i_offset=0.01 * (k + 1) + (np.arange(n) * 1e-4 if k % 2 else 0.0)) for k, n in enumerate(sizes)]
    simulation = Simulation(network(populations), threads=threads)
    simulation.run_until(200.0)
    for k, n in enumerate(sizes):
        current = 0.01 * (k + 1) + (np.arange(n) * 1e-4 if k % 2 else np.zeros(n))
        expected = -65.0 + 20.0 * current * (1 - np.exp(-10.0))
        below = expected < -50.0
        assert simulation.state(k, "v")[below] == pytest.approx(expected[below], abs=1e-6)


def test_selections_reach_the_right_cells():
    source, cells = spikes_at(0, [1.0], [2.0]), neurons(1, 600)
    target = Selection(((1, np.array([5, 299, 300, 301, 599])),))
    net = network([source, cells], [replace(connect(0, source, cells, AllToAll(), 0.5, 1.0), post=target)])
    for threads in (1, 2, 3):
        simulation = Simulation(net, threads=threads)
        simulation.run_until(2.5)
        assert np.flatnonzero(simulation.state(1, "excitatory.gsyn")).tolist() == [5, 299, 300, 301, 599]


@pytest.mark.parametrize(
    ("mantissas", "unit"),
    [([2, -6, 10, 254], 128.0), ([3, 4, -5, 0], 64.0), ([100], 256.0), ([1 / 128, 1, 2], 0.0), ([1, 2**15], 0.0)],
)
def test_weights_in_whole_numbers_are_packed_in_double_precision_as_multiples_of_what_they_share(mantissas, unit):
    n = len(mantissas)
    net = network_of(Compartments(n), [Synapses(range(n), range(n), 2 * np.arange(n), source="compartments")], (), ARITHMETIC["chip"])
    rule = pairs(range(n), range(n), 64 * np.array(mantissas), np.ones(n))
    net = replace(net, projections=(replace(net.projections[0], rule=rule),))
    store, layout = built(net, dtype=np.float64)
    assert store.lanes == {(1, 0): (unit, unit == 0)}
    assert bool(len(store.static.word)) == (unit > 0)
    stored = [row[-1] for row in unpacked(store, layout, store.lanes)]
    assert stored == [64 * m for m in mantissas]
