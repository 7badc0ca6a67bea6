"""Loihi: what slices take of a core, mantissas with exponents, parameters on the chip's grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chip_networks import connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips.loihi.weights import encode
from neurosim.columns import Random
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, OneToOne, expand
from neurosim.network import Plasticity

CHIP = chips.load("loihi")
NONE: frozenset[str] = frozenset()


def alone(receptors=None, size=2000, delay=0.1, dt=0.1, rule=None, **more):
    """Source population 0 onto population 1."""
    post, source = lif(1, size, receptors or curr(), "post"), poisson(0, 100)
    return network((source, post), [connect(0, source, post, rule or OneToOne(), 0.1, delay=delay, **more)], dt)


def most(net, resource, population=1):
    """Most neurons on a core by one resource."""
    limit = {limit.resource: limit.capacity for limit in CHIP.limits()}[resource]
    return max(n for n in range(1, 1200) if CHIP.slice_usage(net, population, n)[resource] <= limit)


def test_limits_are_those_of_the_chip():
    assert {limit.resource: (limit.capacity, limit.scope, limit.hard) for limit in CHIP.limits()} == {
        "compartments": (1024, "core", True),
        "dendritic accumulators": (8192, "core", True),
        "synaptic memory": (16384, "core", True),
        "longest axon list": (256, "core", True),
        "input axons": (4096, "core", True),
        "output axons": (4096, "core", True),
        "compartment profiles": (32, "core", True),
        "threshold profiles": (16, "core", True),
        "synapse formats": (15, "core", True),
        "pre-trace configurations": (3, "core", True),
        "core-wide settings": (1, "core", True),
        "noise settings": (1, "core", True),
    }
    assert set(CHIP.slice_usage(alone(), 1, 5)) == {limit.resource for limit in CHIP.limits()}


def test_a_core_has_1024_compartments():
    assert most(alone(), "compartments") == 1024


def test_each_synaptic_time_constant_takes_a_compartment():
    assert most(alone(curr(5.0, 10.0)), "compartments") == 512
    assert most(alone(curr(kind="curr_delta")), "compartments") == 1024


@pytest.mark.parametrize(("steps", "compartments"), [(1, 1024), (7, 1024), (8, 512), (15, 512), (31, 256), (32, 128), (63, 128)])
def test_long_delays_take_accumulators_from_compartments(steps, compartments):
    assert most(alone(delay=0.1 * steps), "dendritic accumulators") == compartments


def test_every_use_grows_with_the_slice():
    net = alone(rule=Bernoulli(0.1), delay=1.0)
    uses = [CHIP.slice_usage(net, 1, n) for n in range(1, 300)]
    for resource in uses[0]:
        assert (np.diff([use[resource] for use in uses]) >= 0).all()


def test_input_axons_are_the_sources_that_reach_the_slice():
    assert CHIP.slice_usage(alone(rule=AllToAll()), 1, 1)["input axons"] == 100
    assert CHIP.slice_usage(alone(), 1, 30)["input axons"] == 30
    rule = Plasticity("pair", "additive", 20, 20, 0.01, 0.01, 0.0, 0.2)
    assert CHIP.slice_usage(alone(rule=AllToAll(), model="stdp", plasticity=rule), 1, 1)["input axons"] == 200


def test_estimates_are_nearly_never_too_small():
    net = alone(rule=Bernoulli(0.03), size=400)
    rows = expand(net, net.projections[0])
    for n in (1, 10, 100):
        use = CHIP.slice_usage(net, 1, n)["input axons"]
        real = [len(np.unique(rows.pre()[(rows.post >= start) & (rows.post < start + n)])) for start in range(0, 400, n)]
        assert max(real) <= use <= 3 * np.mean(real) + 12


def test_a_large_dense_network_runs_out_of_output_axons():
    group = lif(0, 6000, curr())
    net = network((group,), [connect(0, group, group, FixedIn(600), 0.1, delay=0.1)])
    assert CHIP.slice_usage(net, 0, 1)["output axons"] > 5
    dense = lif(0, 1000, curr())
    net = network((dense,), [connect(0, dense, dense, AllToAll(), 0.1, delay=0.1)])
    assert CHIP.slice_usage(net, 0, 100)["output axons"] < 4096


def test_spike_sources_send_from_the_host():
    assert not CHIP.places_sources


@given(st.floats(-1.0, 1.0), st.booleans())
def test_a_mantissa_is_within_half_a_step(weight, mixed):
    unit = 1 / 254
    if not mixed:
        weight = abs(weight)
    step = 2 * unit if mixed else unit
    assert abs(encode(weight, unit, 255, mixed=mixed) * unit - weight) <= step / 2 + 1e-12


def test_mantissas_of_both_signs_are_even_and_end_at_254():
    codes = encode(np.array([-300.0, -256.4, -3.0, 0.9, 1.1, 300.0]), 1.0, 255, mixed=True)
    assert codes.tolist() == [-256, -256, -4, 0, 2, 254]
    assert encode(np.array([0.4, 0.6, 300.0]), 1.0, 255, mixed=False).tolist() == [0, 1, 255]


def test_each_projection_has_its_own_power_of_two_below_the_largest_weight():
    source, post = poisson(0, 20), lif(1, 20, curr(), "post")
    small = Random("uniform", {"low": 0.0, "high": 0.3}, 3)
    net = network((source, post), [connect(0, source, post, OneToOne(), -30.0, "inhibitory"), connect(1, source, post, AllToAll(), small)])
    result = CHIP.realise(net, place(net, CHIP))
    strong, weak = (expand(result.network, p).columns["weight"] for p in result.network.projections)
    assert np.allclose(strong, -30.0)
    finer = next(k for k in range(8) if np.allclose(weak * 255 / 30 * 2**k, np.rint(weak * 255 / 30 * 2**k), atol=1e-6))
    assert finer >= 3  # no more, so that what arrives in a step does not overflow
    unit = 30 / 255 / 2**finer
    assert np.abs(weak - expand(net, net.projections[1]).columns["weight"]).max() <= unit / 2 + 1e-12
    rounded = next(loss for loss in result.losses if loss.kind == "rounded" and loss.what == "weight")
    assert rounded.count >= 370
    assert rounded.error_max <= unit / 2 + 1e-12


def test_weights_of_both_signs_in_one_projection():
    source, post = poisson(0, 20), lif(1, 20, curr(), "post")
    net = network((source, post), [connect(0, source, post, AllToAll(), Random("uniform", {"low": -1.0, "high": 1.0}, 3))])
    result = CHIP.realise(net, place(net, CHIP))
    held = expand(result.network, result.network.projections[0]).columns["weight"]
    asked = expand(net, net.projections[0]).columns["weight"]
    assert np.abs(held - asked).max() <= 1 / 254 + 1e-6
    assert any("even mantissas" in loss.detail for loss in result.losses)


def test_time_constants_are_12_bit_decays():
    net = network([lif(0, 3, curr(), tau_m=20.0)])
    result = CHIP.translate(net, NONE)
    tau = result.network.populations[0].parameters["tau_m"]
    assert 4096 * (1 - np.exp(-0.1 / tau)) == pytest.approx(20, abs=1e-9)
    loss = next(loss for loss in result.losses if loss.what == "tau_m")
    assert (loss.kind, loss.count, loss.unit) == ("rounded", 3, "ms")
    assert loss.error_max == pytest.approx(abs(tau - 20.0))


def test_refractory_times_end_at_62_steps():
    result = CHIP.translate(network([lif(0, 3, curr(), tau_refrac=10.0)]), NONE)
    assert result.network.populations[0].parameters["tau_refrac"] == pytest.approx(6.2)
    assert [loss.kind for loss in result.losses if loss.what == "tau_refrac"] == ["clipped"]


def test_the_bias_has_twelve_bits():
    current = np.array([0.0, 0.1, -0.123456])
    result = CHIP.translate(network([lif(0, 3, curr(), i_offset=current)]), NONE)
    held = result.network.populations[0].parameters["i_offset"]
    assert np.abs(held - current).max() < 0.13 * 2**-12
    assert held[0] == 0


def test_delays_are_whole_steps_from_one():
    source, post = poisson(0, 4), lif(1, 4, curr())
    delays = np.broadcast_to(np.array([0.04, 0.26, 1.0, 6.2]), (4, 4)).copy()
    net = network((source, post), [connect(0, source, post, AllToAll(), 0.5, delay=delays)])
    result = CHIP.realise(net, place(net, CHIP))
    rows = expand(result.network, result.network.projections[0])
    assert np.allclose(rows.columns["delay"][:4], [0.1, 0.3, 1.0, 6.2])
    loss = next(loss for loss in result.losses if loss.kind == "delay")
    assert (loss.count, loss.total) == (8, 16)


def test_learning_is_done_by_the_chips_engine_and_its_error_is_noted():
    rule = Plasticity("pair", "additive", 20, 20, 0.01, 0.01, 0.0, 0.2)
    net = CHIP.translate(alone(model="stdp", plasticity=rule), NONE).network
    result = CHIP.realise(net, place(net, CHIP))
    synapse = result.network.projections[0].synapse
    assert synapse.model == "taught"
    assert synapse.teacher.epoch_steps == 1
    (loss,) = [loss for loss in result.losses if loss.what == "plasticity"]
    assert loss.detail.startswith("Pair STDP as 'dw = ")


def test_doubtful_constants_are_in_the_ledger_once():
    found = [loss for loss in CHIP.translate(alone(), NONE).losses if loss.kind == "uncertain"]
    assert len(found) == 1
    assert "core.accumulators" in found[0].detail


def test_constants_that_do_not_matter_are_not_in_the_ledger():
    assert CHIP.translate(network(()), NONE).losses == ()
    spinnaker = chips.load("spinnaker").translate(network([poisson(0, 3)]), NONE).losses
    assert [loss.detail.split(" ")[0] for loss in spinnaker] == ["memory.neuron"]


@pytest.mark.parametrize(("tau", "held"), [(20_000.0, 4095.95), (0.1, 0.1202)])
def test_time_constants_beyond_the_decays_are_clipped(tau, held):
    result = CHIP.translate(network([lif(0, 3, curr(), tau_m=tau)], dt=1.0), NONE)
    assert result.network.populations[0].parameters["tau_m"] == pytest.approx(held, rel=1e-3)
    (loss,) = [loss for loss in result.losses if loss.what == "tau_m"]
    assert (loss.kind, loss.count) == ("clipped", 3)
    assert loss.error_max == pytest.approx(abs(tau - held), rel=1e-2)


def test_limits_are_told_with_their_units():
    said = [limit.amount(4097) for limit in CHIP.limits()]
    assert [said[2], said[4]] == ["4,097 words of synaptic memory", "4,097 input axons"]


@pytest.mark.parametrize(("n", "told"), [(8, 0), (9, 1)])
def test_more_threshold_profiles_than_are_sure_are_told(n, told):
    net = network([lif(0, n, curr(), v_thresh=-50.0 + np.arange(n))])
    found = [loss for loss in CHIP.realise(net, place(net, CHIP)).losses if loss.kind == "uncertain"]
    assert len(found) == told
    assert all((loss.what, loss.count, loss.where) == ("threshold profiles", 1, "loihi chip 0 tile (0, 0) core 0") for loss in found)
    assert all("Up to 9 threshold profiles on a core; 8 are sure, 16 assumed" in loss.detail for loss in found)
