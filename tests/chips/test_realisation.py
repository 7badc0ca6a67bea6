"""Measuring what a chip makes of synapses: every value counted, the engine gets what was measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from chip_networks import balanced, cond, connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips import realise as module
from neurosim.chips.realise import Chain, Change, keep, keyed_uniform, measure
from neurosim.chips.synapses import Convert, Shorten
from neurosim.columns import Expression, Random
from neurosim.connectivity import AllToAll, Bernoulli, OneToOne, Table, count, expand
from neurosim.network import Rows, Selection

ALL = [chips.load(name) for name in chips.available()]


@dataclass(frozen=True)
class Tenths:
    """Weights in tenths up to 0.5; synapses onto odd targets do not exist."""

    def kept(self, rows):
        return rows.post % 2 == 0

    def weights(self, rows):
        return np.minimum(np.rint(np.broadcast_to(rows.columns["weight"], (rows.size,)) * 10) / 10, 0.5)

    def limit(self, rows):
        return 0.55

    def delays(self, rows):
        return 1.0


def small():
    source, post = poisson(0, 2), lif(1, 4, curr())
    weights = np.array([[0.04, 9.0, 0.27, 9.0], [0.3, 9.0, 0.8, 9.0]])
    return network((source, post), [connect(0, source, post, AllToAll(), weights, delay=2.0)])


def test_every_change_is_counted_once():
    net = small()
    found = measure(net, net.projections[0], Tenths())
    assert (found.n, found.lost) == (8, 4)
    assert (found.zeroed.count, found.rounded.count, found.clipped.count, found.delayed.count) == (1, 1, 1, 4)
    assert found.rounded.largest == pytest.approx(0.03)
    assert found.clipped.largest == pytest.approx(0.3)
    assert found.delayed.total_error == pytest.approx(4.0)


def test_the_engine_gets_what_was_measured():
    net = small()
    rows = expand(net, replace(net.projections[0], realisation=Chain(Tenths())))
    assert rows.post.tolist() == [0, 2, 0, 2]
    assert rows.indptr.tolist() == [0, 2, 4]
    assert rows.columns["weight"] == pytest.approx([0.0, 0.3, 0.3, 0.5])
    assert rows.columns["delay"] == 1.0


def test_rows_without_dropped_synapses():
    rows = Rows(3, np.array([0, 2, 2, 5]), np.arange(5), {"weight": np.arange(5.0), "delay": 1.0})
    kept = keep(rows, np.array([True, False, False, True, True]))
    assert (kept.start, kept.indptr.tolist(), kept.post.tolist()) == (3, [0, 1, 1, 3], [0, 3, 4])
    assert keep(rows, None) is rows


def test_errors_of_scalars_and_arrays_add_up():
    change = Change()
    change.add(0.5, True, 10)
    change.add(np.array([1.0, 2.0]), np.array([False, True]), 2)
    change.add(3.0, False, 5)
    assert (change.count, change.total_error, change.largest) == (11, 7.0, 2.0)


def test_statistics_of_converted_weights_need_no_expansion():
    source, post = poisson(0, 1000), lif(1, 1000, curr())
    projection = connect(0, source, post, AllToAll(), Random("uniform", {"low": 0.0, "high": 1.0}, 2))
    net = network((source, post), [projection])
    scaled = replace(projection, realisation=Shorten(5.0, Convert(-2.0)))
    found = module.weight_statistics(net, scaled, 1.0)
    assert (found.mean, found.variance) == pytest.approx((-1.0, 4 / 12))
    assert found.low < -1.9
    uneven = replace(projection, realisation=Convert(np.linspace(1.0, 2.0, 1000)))
    assert module.weight_statistics(net, uneven, 1.0).high == pytest.approx(2.0, abs=0.01)


def test_keyed_numbers_depend_on_row_and_place_only():
    rows = Rows(0, np.array([0, 3, 5]), np.zeros(5, np.int64), {})
    late = Rows(1, np.array([0, 2]), np.zeros(2, np.int64), {})
    assert (keyed_uniform(7, rows)[3:] == keyed_uniform(7, late)).all()
    many = Rows(0, np.arange(0, 100_001, 100), np.zeros(100_000, np.int64), {})
    drawn = keyed_uniform(1, many)
    assert abs(drawn.mean() - 0.5) < 0.005
    assert abs(drawn.var() - 1 / 12) < 0.001
    assert not (drawn == keyed_uniform(2, many)).any()


def test_large_projections_are_estimated_from_a_sample(monkeypatch):
    monkeypatch.setattr(module, "SAMPLE_ABOVE", 1000)
    monkeypatch.setattr(module, "SAMPLE_SYNAPSES", 4000)
    source, post = poisson(0, 1000), lif(1, 100, curr())
    net = network((source, post), [connect(0, source, post, Bernoulli(0.5), Random("uniform", {"low": 0.0, "high": 1.0}, 2))])
    chip = chips.load("spinnaker")
    result = chip.realise(net, place(net, chip))
    loss = next(loss for loss in result.losses if loss.kind == "rounded")
    assert loss.total == pytest.approx(50_000, rel=0.1)
    assert "Estimated from" in loss.detail


@pytest.mark.parametrize("chip", ALL, ids=lambda chip: chip.name)
def test_all_chips_realise_the_benchmark_network(chip):
    net = balanced()
    translated = chip.translate(net, chip.check_approximations(["all"])).network
    result = chip.realise(translated, place(translated, chip))
    assert all(loss.count <= loss.total or not loss.total for loss in result.losses)
    for before, after in zip(net.projections, result.network.projections, strict=True):
        assert count(result.network, after) == count(net, before)


@pytest.mark.parametrize("chip", ALL, ids=lambda chip: chip.name)
def test_a_table_a_view_and_an_assembly(chip):
    receptors = cond() if chip.name == "hicann" else curr()
    a, b = lif(0, 6, receptors, "a"), lif(1, 8, receptors, "b", v_thresh=Random("uniform", {"low": -52.0, "high": -48.0}, 1))
    table = Table([0, 1, 1], [2, 3, 0], {"weight": [0.004, 0.002, 0.001], "delay": [1.0, 2.0, 3.0]})
    listed = connect(0, a, b, table, 0.5)
    both = Selection(((0, np.array([5, 1])), (1, np.array([0, 7, 3]))))
    mixed = replace(connect(1, a, b, AllToAll(), 0.004), pre=both, post=both)
    net = network((a, b), [listed, mixed])
    translated = chip.translate(net, frozenset()).network
    result = chip.realise(translated, place(translated, chip))
    rows = expand(result.network, result.network.projections[1])
    assert rows.size == 25
    assert np.allclose(rows.columns["weight"], 0.004, rtol=0.02)
    assert np.allclose(expand(result.network, result.network.projections[0]).columns["weight"], [0.004, 0.002, 0.001], rtol=0.1)


@pytest.mark.parametrize("chip", ALL, ids=lambda chip: chip.name)
def test_empty_populations_and_projections_without_synapses(chip):
    receptors = cond() if chip.name == "hicann" else curr()
    nothing, some = lif(0, 0, receptors, "nothing"), lif(1, 5, receptors, "some")
    net = network((nothing, some), [connect(0, nothing, some, AllToAll(), 0.01), connect(1, some, some, Bernoulli(0.0), 0.01)])
    translated = chip.translate(net, frozenset()).network
    result = chip.realise(translated, place(translated, chip))
    assert not [loss for loss in result.losses if loss.total == 0 and loss.kind != "uncertain"]
    assert all(value >= 0 for value in chip.slice_usage(net, 1, 5).values())


@pytest.mark.parametrize("chip", ALL, ids=lambda chip: chip.name)
def test_weights_by_distance(chip):
    receptors = cond() if chip.name == "hicann" else curr()
    a = lif(0, 20, receptors, "a")
    weight = Expression("distance", lambda d: 0.004 * np.exp(-d / 10))
    net = network((a,), [connect(0, a, a, AllToAll(), weight)])
    translated = chip.translate(net, frozenset()).network
    result = chip.realise(translated, place(translated, chip))
    held = expand(result.network, result.network.projections[0]).columns["weight"]
    asked = expand(net, net.projections[0]).columns["weight"]
    assert np.abs(held - asked).max() < 0.004 / 14


@pytest.mark.parametrize("chip", ALL, ids=lambda chip: chip.name)
def test_uses_are_whole_numbers_and_grow(chip):
    net = balanced()
    for population in net.populations:
        if population.is_source and not chip.places_sources:
            continue
        before = None
        for n in range(1, min(population.size, 60)):
            use = chip.slice_usage(net, population.id, n)
            assert all(isinstance(value, int) for value in use.values())
            assert before is None or all(use[name] >= before[name] for name in use)
            before = use


def test_spinnaker_memory_grows_with_the_longest_row():
    chip = chips.load("spinnaker")
    a, b = lif(0, 100, curr(), "a"), lif(1, 300, curr(), "b")
    dense = network((a, b), [connect(0, a, b, AllToAll(), 0.1)])
    sparse = network((a, b), [connect(0, a, b, OneToOne(), 0.1)])
    # 100 rows of 3 header words and 256 synapses, a table entry, 256 neurons
    assert chip.slice_usage(dense, 1, 256)["SDRAM"] == 100 * 4 * (3 + 256) + 24 + 256 * 128
    assert chip.slice_usage(sparse, 1, 256)["SDRAM"] == 100 * 4 * (3 + 1) + 24 + 256 * 128


def test_spinnaker_limits():
    chip = chips.load("spinnaker")
    found = {limit.resource: (limit.capacity, limit.scope) for limit in chip.limits()}
    assert found["neurons"] == (256, "core")
    assert found["Poisson sources"] == (500, "core")
    assert found["SDRAM"] == (123469792 - 488476 - 477250, "chip")
    net = balanced()
    assert chip.slice_usage(net, 2, 20) == {"neurons": 0, "Poisson sources": 20, "array sources": 0, "SDRAM": 20 * 128}
    assert not chip.mixes_populations


def test_spinnaker_parameters_are_s16_15():
    chip = chips.load("spinnaker")
    net = network([lif(0, 3, curr(), tau_m=10.1, tau_refrac=2.04)])
    result = chip.translate(net, frozenset())
    held = result.network.populations[0].parameters
    assert held["tau_m"] * 2**15 == round(10.1 * 2**15)
    assert held["tau_refrac"] == pytest.approx(2.1)
    assert {loss.what for loss in result.losses if loss.kind == "rounded"} == {"tau_m", "cm", "tau_refrac"}
