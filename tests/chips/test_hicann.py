"""HICANN: neurons on denmems, parameter ranges, 4-bit rows, delays, synapses without a place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chip_networks import balanced, cond, connect, lif, network, place, poisson
from neurosim import chips
from neurosim.chips.hicann.neurons import fold_current
from neurosim.chips.hicann.wafer import Packing, pack
from neurosim.chips.parameters import Parameters
from neurosim.columns import Random
from neurosim.connectivity import AllToAll, FixedIn, OneToOne, expand
from neurosim.errors import ParameterError
from neurosim.network import Population, Probe
from neurosim.session import Session

CHIP = chips.load("hicann")
NONE: frozenset[str] = frozenset()


@dataclass
class Pin:
    population: int
    neuron_size: int | None = None
    indices: object = None
    coordinate: object = None


def capacity(size):
    """Most neurons of a size on one HICANN, by the limits."""
    net = network([lif(0, 600, cond())])
    chip = CHIP.configure(net, [Pin(0, size)])
    limits = {limit.resource: limit.capacity for limit in chip.limits() if limit.hard}
    fits = [n for n in range(1, 601) if all(chip.slice_usage(net, 0, n)[name] <= limit for name, limit in limits.items())]
    return max(fits)


@pytest.mark.parametrize(("size", "neurons"), [(1, 472), (2, 256), (4, 128), (6, 80), (8, 64), (16, 32), (32, 16), (64, 8)])
def test_neurons_per_hicann(size, neurons):
    assert capacity(size) == neurons


@pytest.mark.parametrize("size", [0, 3, 5, 66, 128, -2, True])
def test_an_impossible_neuron_size_is_refused(size):
    net = network([lif(0, 5, cond(), "cells")])
    with pytest.raises(ParameterError, match=r"Population 'cells': the neuron size .* is impossible"):
        CHIP.configure(net, [Pin(0, size)])


def test_two_sizes_for_one_population_are_refused():
    net = network([lif(0, 5, cond())])
    with pytest.raises(ParameterError, match="two neuron sizes"):
        CHIP.configure(net, [Pin(0, 4), Pin(0, 8)])


def test_configuring_leaves_the_chip_as_it_was():
    net = network([lif(0, 5, cond())])
    assert CHIP.configure(net, [Pin(0, 8)]).neuron_size(0) == 8
    assert CHIP.neuron_size(0) == 4


def test_the_first_script_one_neuron_of_four_denmems():
    net = network([lif(0, 1, cond(), "pop")])
    core = chips.hicann.coordinate(x=5, y=5).enum
    found = CHIP.location(net, place(net, CHIP, first=core), 0, 0)
    assert (found.x, found.y, found.label) == (5, 5, "HICANN 93 (x=5, y=5)")
    assert [(d.row, d.column) for d in found.denmems] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert str(found.denmems[2]) == "HICANN 93 (x=5, y=5) denmem 256 (row=1, column=0)"


def test_a_source_is_on_the_host():
    net = network([poisson(0, 3)])
    assert CHIP.location(net, place(net, CHIP), 0, 1).label == "host"


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([1, 2, 4, 6, 8, 10, 16, 24, 32, 64])), max_size=6))
def test_neurons_of_any_sizes_that_fit_get_denmems_of_their_own(slices):
    used = sum(Packing(size, 64).denmems(n) for n, size in slices)
    placed = pack(slices, 64, 32)
    everything = [denmem for row in placed for neuron in row for denmem in neuron]
    assert len(set(everything)) == len(everything) == sum(n * size for n, size in slices)
    if used <= 512:
        assert all(0 <= column < 256 and row in (0, 1) for row, column in everything)
    for row in placed:
        for neuron in row:
            assert len({column // 32 for _, column in neuron}) == 1


def test_parameters_beyond_the_calibration_are_clipped_and_noted():
    post = lif(0, 4, cond(exc=0.5), "post", tau_m=np.array([2.0, 20.0, 20.0, 900.0]), tau_refrac=0.0)
    result = CHIP.translate(network([post]), NONE)
    clipped = {loss.what: loss for loss in result.losses if loss.kind == "clipped"}
    assert set(clipped) == {"tau_m", "tau_refrac", "excitatory.tau_syn"}
    assert (clipped["tau_m"].count, clipped["tau_m"].error_max) == (2, pytest.approx(900 - 482))
    held = result.network.populations[0]
    assert held.parameters["tau_m"] == pytest.approx([5.41, 20.0, 20.0, 482.0])
    assert held.parameters["tau_refrac"] == pytest.approx(0.147)
    assert held.receptors[0].parameters["tau_syn"] == pytest.approx(1.3)


def test_voltages_are_on_the_grid_of_the_converters():
    result = CHIP.translate(network([lif(0, 4, cond(), v_thresh=-50.05)]), NONE)
    step = 1800 / 1023 / 10
    codes = (np.array([result.network.populations[0].parameters["v_thresh"]]) + 120) / step
    assert np.allclose(codes, np.rint(codes))
    assert all(loss.error_max <= step / 2 + 1e-12 for loss in result.losses if loss.kind == "rounded" and loss.unit == "mV")


def test_a_network_beyond_the_default_window_gets_a_wider_one():
    receptors = cond()
    far = (receptors[0].__class__("excitatory", "cond_exp", {"tau_syn": 5.0, "e_rev": 140.0}), receptors[1])
    result = CHIP.translate(network([lif(0, 4, far)]), NONE)
    assert result.network.populations[0].receptors[0].parameters["e_rev"] == pytest.approx(140.0, abs=0.4)
    assert any("neurons.window" in loss.detail for loss in result.losses if loss.kind == "uncertain")


def test_a_constant_current_moves_the_resting_potential():
    result = CHIP.translate(network([lif(0, 4, cond(), "post", i_offset=0.1)]), NONE)
    held = result.network.populations[0]
    assert held.parameters["i_offset"] == 0.0
    assert held.parameters["v_rest"] == pytest.approx(-50.0, abs=0.1)
    loss = next(loss for loss in result.losses if loss.what == "i_offset")
    assert (loss.count, loss.error_max) == (4, 0.0)


def test_membranes_start_at_rest():
    start = Random("uniform", {"low": -60.0, "high": -50.0}, 4)
    post = lif(0, 50, cond())
    net = network([Population(0, "p", 50, "lif", post.parameters, post.receptors, {"v": start}, cell_type="IF_cond_exp")])
    result = CHIP.translate(net, NONE)
    assert result.network.populations[0].initial["v"] == result.network.populations[0].parameters["v_rest"]
    loss = next(loss for loss in result.losses if loss.what == "initial v")
    assert loss.count == 50
    assert 3 < loss.error_mean < 7


def adex(**changes):
    parameters = {**lif(0, 1, cond()).parameters, "v_spike": -40.0, "delta_T": 0.0, "a": 0.0, "b": 0.0, "tau_w": 100.0, **changes}
    return Population(0, "adex", 3, "adex", parameters, cond(), cell_type="EIF_cond_exp_isfa_ista")


def test_adaptation_may_be_switched_off_but_not_beyond_the_range():
    off = CHIP.translate(network([adex()]), NONE)
    assert not [loss for loss in off.losses if loss.kind == "clipped"]
    on = CHIP.translate(network([adex(delta_T=5.0, tau_w=1000.0)]), NONE)
    assert {loss.what for loss in on.losses if loss.kind == "clipped"} == {"delta_T", "tau_w"}
    assert on.network.populations[0].parameters["delta_T"] == pytest.approx(1.35)


def realised(net, per_core=32, chip=CHIP):
    translated = chip.translate(net, NONE)
    result = chip.realise(translated.network, place(net, chip, per_core))
    return result, [expand(result.network, projection) for projection in result.network.projections]


def test_a_row_of_equal_weights_is_exact():
    result, rows = realised(balanced(weights=(0.004, 0.02)))
    assert all(np.allclose(block.columns["weight"], 0.02 if k in (2, 3) else 0.004) for k, block in enumerate(rows))
    assert not [loss for loss in result.losses if loss.what == "weight"]


def test_weights_have_sixteen_levels_of_their_rows_maximum():
    source, post = poisson(0, 30), lif(1, 64, cond(), "post")
    weight = Random("uniform", {"low": 0.0, "high": 0.01}, 5)
    net = network((source, post), [connect(0, source, post, AllToAll(), weight)])
    asked = expand(net, net.projections[0])
    result, (rows,) = realised(net)
    hicann = rows.post // 32
    for pre in range(30):
        for core in (0, 1):
            here = (rows.pre() == pre) & (hicann == core)
            top = asked.columns["weight"][here].max()
            codes = rows.columns["weight"][here] / (top / 15)
            assert np.allclose(codes, np.rint(codes), atol=1e-6)
            assert codes.max() == pytest.approx(15)
            assert np.abs(rows.columns["weight"][here] - asked.columns["weight"][here]).max() < top / 15
    kinds = {loss.kind: loss for loss in result.losses if loss.what == "weight"}
    assert kinds["rounded"].count > 1500
    assert kinds["zeroed"].count > 0
    # rounding at random is right in the mean
    assert rows.columns["weight"].mean() == pytest.approx(asked.columns["weight"].mean(), rel=0.01)


def test_a_row_is_the_same_whatever_is_asked_for_with_it():
    source, post = poisson(0, 30), lif(1, 64, cond(), "post")
    net = network((source, post), [connect(0, source, post, AllToAll(), Random("uniform", {"low": 0.0, "high": 0.01}, 5))])
    result, (rows,) = realised(net)
    part = expand(result.network, result.network.projections[0], 7, 9)
    chosen = (rows.pre() >= 7) & (rows.pre() < 9)
    assert (part.columns["weight"] == rows.columns["weight"][chosen]).all()


def test_rounding_to_the_nearest_is_an_option_of_the_datasheet(tmp_path):
    with open(chips.__path__[0] + "/hicann/hicann.toml", encoding="utf-8") as sheet:
        (tmp_path / "my.toml").write_text(sheet.read().replace('"stochastic"', '"nearest"'))
    source, post = poisson(0, 10), lif(1, 32, cond(), "post")
    net = network((source, post), [connect(0, source, post, AllToAll(), Random("uniform", {"low": 0.0, "high": 0.01}, 5))])
    asked = expand(net, net.projections[0]).columns["weight"]
    _, (rows,) = realised(net, chip=chips.load(tmp_path / "my.toml"))
    assert np.abs(rows.columns["weight"] - asked).max() <= 0.01 / 30 + 1e-12


def test_weights_beyond_the_strongest_row_setting_are_clipped():
    result, rows = realised(balanced())
    clipped = [loss for loss in result.losses if loss.kind == "clipped"]
    assert [loss.where for loss in clipped] == ["Projection 'inh>exc'", "Projection 'inh>inh'"]
    assert np.allclose(rows[2].columns["weight"], 0.02668, atol=1e-4)
    assert "capacitor = 'small'" in clipped[0].detail


def test_small_capacitors_hold_stronger_synapses(tmp_path):
    with open(chips.__path__[0] + "/hicann/hicann.toml", encoding="utf-8") as sheet:
        (tmp_path / "my.toml").write_text(sheet.read().replace('value = "big"', 'value = "small"'))
    result, _ = realised(balanced(), chip=chips.load(tmp_path / "my.toml"))
    assert not [loss for loss in result.losses if loss.kind == "clipped"]


def test_delays_follow_from_the_route_and_not_from_the_user():
    result, rows = realised(balanced())
    inside = rows[0].post // 32 == rows[0].pre() // 32
    assert np.allclose(rows[0].columns["delay"][inside], 0.6841)
    far = (rows[0].pre() // 32 == 0) & (rows[0].post // 32 == 4)
    assert np.allclose(rows[0].columns["delay"][far], 0.6444 + 0.0397 * 5)
    assert np.allclose(rows[4].columns["delay"], 0.6841)
    assert sum(loss.count for loss in result.losses if loss.kind == "delay") == sum(block.size for block in rows)


def test_delays_of_long_routes():
    form = CHIP.sheet.delays
    for n, expected in ((1, 0.684), (10, 1.041), (52, 2.709)):
        assert (form.offset.value + n * form.per_hicann.value) / 100 == pytest.approx(expected, abs=1e-3)


def test_inputs_beyond_those_of_a_neuron_are_lost_and_counted():
    sources, post = [poisson(k, 300, f"noise{k}") for k in range(4)], lif(4, 3, cond(), "post")
    net = network((*sources, post), [connect(k, s, post, AllToAll(), 0.001, seed=k) for k, s in enumerate(sources)])
    result, rows = realised(net)
    assert [block.size for block in rows] == [900, 900, 888, 0]
    lost = [(loss.where, loss.count, loss.total) for loss in result.losses if loss.kind == "synapse"]
    assert lost == [("Projection 'noise2>post'", 12, 900), ("Projection 'noise3>post'", 900, 900)]
    assert np.bincount(np.concatenate([block.post for block in rows])).tolist() == [896] * 3


def test_a_larger_neuron_loses_nothing():
    source, post = poisson(0, 1200), lif(1, 3, cond(), "post")
    net = network((source, post), [connect(0, source, post, FixedIn(1100), 0.001)])
    chip = CHIP.configure(net, [Pin(1, 8)])
    result, _ = realised(net, chip=chip)
    assert not [loss for loss in result.losses if loss.kind == "synapse"]


def test_neurons_of_a_hicann_share_the_reset_potential():
    a, b = lif(0, 10, cond(), "a", v_reset=-60.0), lif(1, 30, cond(), "b", v_reset=-70.0)
    net = network((a, b))
    chip = CHIP.configure(net, ())
    translated = chip.translate(net, NONE).network
    together = place(net, chip)
    together.core_of[1][:] = 0
    together.local_of[1][:] = np.arange(10, 40)
    result = chip.realise(translated, together)
    assert {loss.where: loss.count for loss in result.losses if loss.kind == "shared"} == {"Population 'a'": 10, "Population 'b'": 30}
    assert result.network.populations[0].parameters["v_reset"] == pytest.approx(-67.5, abs=0.2)
    assert chip.realise(translated, place(net, chip)).losses == ()


def test_neurons_of_other_columns_keep_their_own_reset():
    a = lif(0, 2, cond(), "a", v_reset=np.array([-60.0, -70.0]))
    net = network((a,))
    chip = CHIP.configure(net, [Pin(0, 2)])
    translated = chip.translate(net, NONE).network
    # two denmems are one column wide: the neurons are of different parity
    assert chip.realise(translated, place(net, chip)).losses == ()


def test_one_to_one_inputs_use_little():
    post, source = lif(0, 100, cond()), poisson(1, 100)
    net = network((post, source), [connect(0, source, post, OneToOne(), 0.001)])
    assert CHIP.slice_usage(net, 0, 50) == {"denmems": 200, "L1 addresses": 50, "synapses": 50}


def test_a_constant_current_is_a_shift_of_the_resting_potential_with_adaptation_too():
    adex = {"v_spike": -30.0, "delta_T": 1.0, "a": 4.0, "b": 0.01, "tau_w": 144.0}
    plain = replace(lif(0, 1, cond(), "cells", **adex, i_offset=0.3), model="adex")
    item = Parameters.of(plain)
    fold_current(item)
    folded = replace(item.result(), id=1)
    shift = 0.3 / (0.2 / 20.0 + 0.004)
    assert folded.parameters["v_rest"] == pytest.approx(-60.0 + shift)
    # the adaptation current of the folded neuron is smaller by a x shift throughout
    plain = replace(plain, initial={"v": -55.0, "w": 0.0})
    folded = replace(folded, initial={"v": -55.0, "w": -0.004 * shift})
    session = Session(network((plain, folded), probes=tuple(Probe(p, "spikes", np.arange(1)) for p in (0, 1))))
    session.run_until(500.0)
    times = [session.spikes(p)[1] for p in (0, 1)]
    assert len(times[0]) > 3
    assert times[1] == pytest.approx(times[0], abs=1e-6)
    assert (item.losses[0].what, item.losses[0].error_max) == ("i_offset", 0.0)


@pytest.mark.parametrize(("x", "y"), [(5.0, 5), ("5", 5), (-1, 5), (5, 99), (0, 0)])
def test_coordinates_are_those_of_the_wafer(x, y):
    with pytest.raises(ParameterError, match="there is no HICANN at"):
        CHIP.coordinate(x, y)


def test_no_row_is_weaker_than_the_weakest_setting():
    source, post = poisson(0, 40), lif(1, 40, cond(), "post")
    net = network((source, post), [connect(0, source, post, AllToAll(), 2e-5)])
    result, (rows,) = realised(net)
    code = 0.026685 * (200 / 15) / (550 / 1) / 15
    assert set(np.rint(rows.columns["weight"] / code)) == {0.0, 1.0}
    assert rows.columns["weight"].mean() == pytest.approx(2e-5, rel=0.15)
    kinds = {loss.kind: loss for loss in result.losses if loss.what == "weight"}
    assert kinds["zeroed"].count == int((rows.columns["weight"] == 0).sum())
    assert kinds["rounded"].count == int((rows.columns["weight"] > 0).sum())
    assert kinds["rounded"].error_max == pytest.approx(code - 2e-5, rel=1e-3)
    assert "(at least 0.000647 uS)" in kinds["rounded"].detail


def test_the_ways_to_stronger_synapses_are_true(tmp_path):
    source, post = poisson(0, 4), lif(1, 4, cond(), "post")
    net = network((source, post), [connect(0, source, post, AllToAll(), 1e3)])

    def strongest(chip):
        result, (rows,) = realised(net, chip=chip)
        return float(np.max(rows.columns["weight"])), next(loss.detail for loss in result.losses if loss.kind == "clipped")

    most, text = strongest(CHIP)
    assert "13.2 times as strong" in text
    assert "tau_m reaches from 1.08 to 96.3 ms" in text
    assert strongest(CHIP.configure(net, [Pin(1, 2)]))[0] == pytest.approx(2 * most)
    with open(chips.__path__[0] + "/hicann/hicann.toml", encoding="utf-8") as sheet:
        (tmp_path / "my.toml").write_text(sheet.read().replace('value = "big"', 'value = "small"'))
    small = chips.load(tmp_path / "my.toml")
    assert strongest(small)[0] == pytest.approx(2.16456 / 0.1642 * most)
    assert "neurons.capacitor" not in strongest(small)[1]
    assert small.translate(network([lif(0, 3, cond(), tau_m=1.1)]), NONE).network.populations[0].parameters["tau_m"] == 1.1
