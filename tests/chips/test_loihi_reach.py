"""Weights on Loihi that would ruin the grid of all others, or of the threshold, are clipped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurosim.pynn as sim
from chip_networks import connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips.loihi.reach import FEWEST, _filled
from neurosim.connectivity import AllToAll, expand
from neurosim.network import Plasticity

CHIP = chips.load("loihi")


def realised(weights, chip=CHIP, receptor="excitatory", kind="curr_exp", **more):
    """Sources onto cells, a row of weights for each source, and the realised network."""
    weights = np.asarray(weights, float)
    source, post = poisson(0, weights.shape[0]), lif(1, weights.shape[1], curr(kind=kind), "post")
    net = network((source, post), [connect(0, source, post, AllToAll(), weights, receptor, delay=0.1, **more)])
    result = chip.realise(net, place(net, chip))
    return result, np.asarray(expand(result.network, result.network.projections[0]).columns["weight"]).reshape(weights.shape)


def of_weights(result):
    return {loss.kind: loss for loss in result.losses if loss.what == "weight"}


def normal(factor, shape=(100, 100)):
    weights = np.random.default_rng(1).normal(0.1, 0.02, shape).clip(0)
    weights[3, 5] *= factor
    return weights


@pytest.mark.parametrize("chip", ["loihi", "loihi2"])
@pytest.mark.parametrize("factor", [1e3, -1e3, 1e9])
def test_one_huge_weight_is_clipped_and_the_others_keep_their_mantissas(factor, chip):
    weights = normal(factor)
    result, held = realised(weights, chips.load(chip))
    found = of_weights(result)
    assert set(found) == {"rounded", "clipped"}
    clipped = found["clipped"]
    assert (clipped.count, clipped.total) == (1, 10_000)
    assert clipped.error_max == pytest.approx(abs(weights[3, 5] - held[3, 5]))
    assert "Larger weights would leave all others, or the threshold, too coarse a grid." in clipped.detail
    assert 0.18 < abs(held[3, 5]) < 5.0
    others = np.delete(weights.ravel() - held.ravel(), 305)
    assert np.abs(others).max() < 0.005


def test_signed_weights_around_zero_keep_their_mantissas_too():
    weights = np.random.default_rng(2).normal(0.0, 0.1, (50, 50))
    weights[7, 7] = 300.0
    result, held = realised(weights)
    assert of_weights(result)["clipped"].count == 1
    assert np.median(np.abs(weights - held) / np.abs(weights)) < 0.1


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param(np.random.default_rng(1).lognormal(-3.0, 1.0, (100, 100)), id="many large ones"),
        pytest.param(np.random.default_rng(1).pareto(2.5, (100, 100)) * 0.1, id="a heavy tail"),
        pytest.param(normal(10.0), id="one that costs the others little"),
        pytest.param(np.append(np.full((100, 1), 0.01), [[30.0]], axis=0), id="one that is nearly all its cell receives"),
        pytest.param(np.full((10, 10), 5.0), id="equal ones"),
    ],
)
def test_large_weights_that_matter_are_held(weights):
    result, held = realised(weights)
    assert "clipped" not in of_weights(result)
    assert held.max() == pytest.approx(weights.max(), rel=0.003)


@pytest.mark.parametrize("kind", ["curr_exp", "curr_delta"])
@pytest.mark.parametrize("weight", [1e4, 1e8])
def test_weights_of_thousands_of_thresholds_leave_the_threshold_its_mantissas(weight, kind):
    result, held = realised(np.full((5, 20), weight), kind=kind)
    mantissa = result.network.populations[1].parameters["threshold"] / 64
    assert FEWEST / 2 <= mantissa <= 2 * FEWEST
    (clipped,) = of_weights(result).values()
    assert (clipped.kind, clipped.count) == ("clipped", 100)
    assert clipped.error_max == pytest.approx(weight - held.max())
    if kind == "curr_delta":  # 128 thresholds of 10 mV fill what arrives in a step, 1.94 times this weight at the most
        assert held.max() == pytest.approx(1280.0 / 1.944, rel=0.01)


def test_weights_that_are_learned_end_where_their_rule_says():
    rule = Plasticity("pair", "additive", 20, 20, 0.01, 0.01, 0.0, 1000.0)
    result, held = realised(np.full((5, 20), 900.0), model="stdp", plasticity=rule)
    assert "clipped" not in of_weights(result)
    assert held.max() == pytest.approx(900.0, rel=0.003)


amounts = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.01, 1e4)), min_size=1, max_size=6)


@given(amounts, st.floats(0.1, 1e9))
def test_a_level_fills_the_room_and_no_more(pairs, room):
    given, factors = np.array(pairs).T
    level = _filled(given, factors, room)
    needed = float((factors * np.minimum(given, level)).sum())
    assert needed <= room * (1 + 1e-9)
    assert needed == pytest.approx(room) if np.isfinite(level) else (factors * given).sum() <= room * (1 + 1e-9)


@pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")
def test_a_population_fires_at_its_rate_whatever_one_of_its_weights_is():
    def rates(chip, factor):
        sim.setup(timestep=0.1, chip=chip, rng_seed=3)
        source, cells = sim.Population(100, sim.SpikeSourcePoisson(rate=20.0)), sim.Population(100, sim.IF_curr_exp())
        sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=normal(factor), delay=0.1))
        cells.record("spikes")
        sim.run(1000.0)
        return np.delete([len(train) for train in cells.get_data().segments[0].spiketrains], 5)

    ideal = rates(None, 1000.0)
    assert ideal.mean() > 30
    assert rates("loihi", 1000.0).mean() == pytest.approx(ideal.mean(), rel=0.04)
    assert rates("loihi", 1.0).mean() == pytest.approx(ideal.mean(), rel=0.04)
