"""Rewards and tags of Loihi's learning engine in networks: what the engine as a library makes of the same spikes."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

import neurosim.pynn as sim
from neurosim.chips.loihi.learning import LearningProjection, Spikes, Trace, TraceSettings, parse
from neurosim.errors import NeurosimError, ParameterError
from neurosim.pynn import learning as module

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")
N_PRE, N_POST, SEED = 12, 5, 3
PAIR = {"x1_impulse": 40.3, "x1_tau": 15.0, "y1_impulse": 33, "y1_tau": 20.0}
REWARD = {"r1_impulse": 25.7, "r1_tau": 12.0}
FOREVER = 1e12
LIBRARY = [
    ("2^-4*r1*x1*y0", None, {}),
    ("r0*x0 - 2^-1*r0*y0", None, {}),
    ("2^-2*u0*t*r1", "2^-1*x1*y0 - 2^-1*y1*x0 - 2^-5*u0*t", {"t_epoch": 4}),
    ("2^-3*y0*t*(r1 - 20)", "x1*y0 - 2^-1*y1*x0", {"t_epoch": 7, "decay": "linear"}),
    ("2^-1*u1*r1*sgn(t)", "2^-1*x1*y0 - y1*x0", {"t_epoch": 2}),
]


def trains(rng, n, k, ms):
    return [np.unique(rng.integers(1, int(ms), k)).astype(float) for _ in range(n)]


def sources(times):
    return sim.Population(len(times), sim.SpikeSourceArray(spike_times=times))


def network(rule, tag, *, ms=400.0, rewards=None, **more):
    """Random spikes before and behind synapses that learn, and rewards; returns projection, populations."""
    sim.setup(timestep=1.0, min_delay=1.0, chip="loihi", rng_seed=SEED)
    rng = np.random.default_rng(1)
    pre, drive = sources(trains(rng, N_PRE, 20, ms)), sources(trains(rng, N_POST, 25, ms))
    reward = rewards(rng) if rewards else sources(trains(rng, 1, 40, ms))
    post = sim.Population(N_POST, sim.IF_curr_delta(tau_m=5.0, tau_refrac=2.0))
    sim.Projection(drive, post, sim.OneToOneConnector(), sim.StaticSynapse(weight=25.0, delay=1.0))
    synapse = sim.SumOfProductsSynapse(rule, dt=tag, reward=reward, w_max=1.0, weight=0.5, delay=1.0, **(PAIR | REWARD | more))
    return sim.Projection(pre, post, sim.AllToAllConnector(), synapse), pre, post, reward


def spikes(population):
    """Neurons and steps of what was recorded."""
    found = population.get_data("spikes").segments[0].spiketrains
    steps = [np.ceil(np.asarray(train) - 1e-6).astype(np.int64) for train in found]
    return np.repeat(np.arange(len(steps)), [len(s) for s in steps]), np.concatenate([np.empty(0, np.int64), *steps])


def library(projection, rule, tag, fired, ms, more):
    """Weights and tags that the library learns from the same spikes."""
    epoch = more.get("t_epoch", 1)
    given = {**PAIR, **REWARD}
    traces = {name: Trace(given[f"{name}_impulse"], given[f"{name}_tau"]) for name in ("x1", "y1", "r1")}
    settings = TraceSettings(traces, epoch, more.get("decay", "exponential"))
    rules = parse("\n".join([f"dw = {rule}", *([f"dt = {tag}"] if tag else [])]))
    targets, seed = np.tile(np.arange(N_POST), N_PRE), SEED + projection.freeze().seed
    one = LearningProjection(np.arange(N_PRE + 1) * N_POST, targets, N_POST, np.full(targets.size, 128), rules, settings, seed=seed)
    for first in range(0, int(ms) // epoch * epoch, epoch):
        now = [(who[here], steps[here] - first) for who, steps in fired for here in [(steps > first) & (steps <= first + epoch)]]
        one.advance(Spikes(*now[0]), Spikes(*now[1]), now[2][1])
    return one


@pytest.mark.parametrize(("rule", "tag", "more"), LIBRARY)
def test_networks_learn_from_rewards_exactly_what_the_library_does(rule, tag, more):
    projection, *populations = network(rule, tag, **more)
    for population in populations:
        population.record("spikes")
    sim.run(400.0)
    expected = library(projection, rule, tag, [spikes(population) for population in populations], 400.0, more)
    mantissas = np.array(projection.get("weight", format="list", with_address=False)) * 255
    assert np.allclose(mantissas, expected.weights, atol=1e-6)
    assert len(np.unique(expected.weights)) > 5
    if tag:
        assert projection.get("tag", format="list", with_address=False) == expected.tags.tolist()
        assert len(np.unique(expected.tags)) > 5


def deterministic(rewards, rule="r0*x0", **more):
    """A synapse that sees a spike in each of three epochs of four steps; its mantissa afterwards, from 0."""
    sim.setup(timestep=1.0, min_delay=1.0, chip="loihi", rng_seed=SEED)
    pre, post = sources([[2.0, 6.0, 10.0]]), sim.Population(1, sim.IF_curr_exp())
    synapse = sim.SumOfProductsSynapse(rule, reward=rewards(), t_epoch=4, w_max=1.0, weight=0.0, delay=1.0, **more)
    projection = sim.Projection(pre, post, sim.OneToOneConnector(), synapse)
    sim.run(12.0)
    return round(projection.get("weight", format="list", with_address=False)[0] * 255, 6)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([[]], 0),
        ([[6.0]], 1),
        ([[4.0]], 1),  # the last step of the first epoch
        ([[5.0, 7.0]], 1),  # once in an epoch
        ([[1.0], [9.0]], 2),
        ([[1.0], [3.0], [12.0]], 2),
        ([[1.0, 5.0, 9.0]], 3),
    ],
)
def test_a_reward_is_there_for_the_epoch_of_its_spike(times, expected):
    assert deterministic(lambda: sources(times)) == expected


def test_the_trace_of_rewards_takes_up_every_spike_of_every_cell():
    trace = {"r1_impulse": 10, "r1_tau": FOREVER}
    rule = "x0*r1"  # 10 in the first epoch (its spike is before that of pre), 40 and 40 later
    assert deterministic(lambda: sources([[1.0, 5.0], [5.0], [6.0]]), rule, **trace) == 10 + 40 + 40


def test_rewards_come_from_views_assemblies_and_neurons():
    times = [[1.0, 5.0, 9.0], [5.0], []]
    assert deterministic(lambda: sources(times)[1:3]) == 1
    assert deterministic(lambda: sources(times[1:]) + sources([[9.0]])) == 2
    assert deterministic(driven) == 2


def driven():
    """A neuron of the chip that fires in the second and third epoch."""
    cells = sim.Population(1, sim.IF_curr_delta(tau_m=5.0, tau_refrac=1.0), label="critic")
    sim.Projection(sources([[4.0, 8.0]]), cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=30.0, delay=1.0))
    return cells


@pytest.mark.parametrize(("time", "epoch_of_it"), [(1.0, 1), (3.0, 1), (4.0, 2), (5.0, 2), (8.0, 3), (11.0, 3)])
def test_live_rewards_count_in_the_epoch_that_is_not_over_when_they_come(time, epoch_of_it):
    def injector():
        cells = sim.Population(1, sim.SpikeInjector(), label="rewards")
        sim.live_input(cells).send([0], time)
        return cells

    trace = {"r1_impulse": 10, "r1_tau": FOREVER}
    assert deterministic(injector, "u0*r1", **trace) == 10 * (4 - epoch_of_it)


def test_tagged_synapses_learn_from_rewards_that_come_later():
    """Two synapses see the same spikes before theirs, two others after; rewards come in one half of a run only."""
    sim.setup(timestep=1.0, min_delay=1.0, chip="loihi", rng_seed=SEED)
    starts = np.arange(50.0, 1000.0, 100.0)
    pre, drive = sources([starts] * 4), sources([starts + lag - 1.0 for lag in (5, 8, -5, -8)])
    reward = sources([starts[5:] + 20.0])
    post = sim.Population(4, sim.IF_curr_delta(tau_m=5.0, tau_refrac=2.0))
    sim.Projection(drive, post, sim.OneToOneConnector(), sim.StaticSynapse(weight=25.0, delay=1.0))
    pair = {"x1_impulse": 100, "x1_tau": 15.0, "y1_impulse": 100, "y1_tau": 15.0, "r1_impulse": 30, "r1_tau": 5.0}
    tag = "2^-1*x1*y0 - 2^-1*y1*x0 - 2^-3*u0*t"
    synapse = sim.SumOfProductsSynapse("2^-3*u0*t*r1", dt=tag, reward=reward, t_epoch=4, w_max=1.0, weight=0.5, **pair)
    projection = sim.Projection(pre, post, sim.OneToOneConnector(), synapse)
    assert projection.get("tag", format="list", with_address=False) == [0.0] * 4
    projection.record(["weight", "tag"], sampling_interval=4.0)
    sim.run(1000.0)
    times, weights = projection.get_recorded("weight")
    tags = projection.get_recorded("tag")[1]
    assert np.abs(weights[times < starts[5]] - weights[0]).max() == 0  # tags alone change nothing
    assert (tags[times < starts[5]].max(axis=0)[:2] > 15).all() and (tags[times < starts[5]].min(axis=0)[2:] < -15).all()
    assert (weights[-1, :2] > weights[0, :2] + 0.04).all() and (weights[-1, 2:] < weights[0, 2:] - 0.04).all()
    assert str(projection.get_signal("tag").dimensionality) == "dimensionless"
    both = projection.get(["weight", "tag"], format="array")
    assert np.array_equal(np.diag(both[1]), tags[-1]) and np.array_equal(np.diag(both[0]), weights[-1])


def test_a_run_in_pieces_with_other_cells_added_learns_the_same_from_rewards():
    rule, tag, more = LIBRARY[2]
    found = []
    for stops in ((400.0,), (101.0, 102.0, 250.0, 400.0)):
        projection, *_ = network(rule, tag, **more)
        for stop in stops:
            sim.run_until(stop)
            if stop == 102.0:
                sim.Population(3, sim.IF_curr_exp())
        found.append(projection.get(["weight", "tag"], format="array"))
    assert np.array_equal(found[0], found[1])


def test_a_saved_state_goes_on_with_its_rewards(tmp_path):
    rule, tag, more = LIBRARY[2]
    found = []
    for stop in (None, 202.0):
        projection, *_ = network(rule, tag, **more)
        if stop:
            sim.run_until(stop)
            sim.save_state(tmp_path / "state")
            projection, *_ = network(rule, tag, **more)
            sim.load_state(tmp_path / "state")
        sim.run_until(400.0)
        found.append(projection.get(["weight", "tag"], format="array"))
    assert np.array_equal(found[0], found[1])


def test_random_rewards_that_nobody_records_count():
    def noise(rng):
        return sim.Population(2, sim.SpikeSourcePoisson(rate=50.0))

    without, *_ = network("2^-3*r1*x0", None, rewards=noise, r1_impulse=0)
    sim.run(400.0)
    assert np.ptp(without.get("weight", format="array")) == 0
    projection, *_ = network("2^-3*r1*x0", None, rewards=noise)
    sim.run(400.0)
    assert projection.get("weight", format="array").mean() > 0.6


@pytest.mark.parametrize(
    ("rule", "more", "text"),
    [
        ("r0*x0", {}, "the rules read r0, and nothing gives rewards. Give reward=population"),
        ("r0*r1*x0", REWARD, "the rules read r0 and r1, and nothing gives rewards"),
        ("r1*x0", {"reward": 3.0}, "reward must be a Population, PopulationView or Assembly, not float"),
        ("r1*x0", {"cells": True}, "the rules read the trace r1, which has no impulse. Give r1_impulse and r1_tau"),
        ("r1*x0", {"cells": True, "r1_impulse": 128, "r1_tau": 1.0}, "the impulse of r1 must be a number from 0 to 127"),
        ("2^-2*x1*y0", {"dt": "r0*x0", **PAIR}, "the rules read r0, and nothing gives rewards"),
    ],
)
def test_rewards_that_cannot_be(rule, more, text):
    sim.setup(timestep=1.0, min_delay=1.0, chip="loihi")
    settings = dict(more)
    if settings.pop("cells", False):
        settings["reward"] = sources([[1.0]])
    with pytest.raises(ParameterError, match=text):
        sim.SumOfProductsSynapse(rule, w_max=1.0, **settings)


def test_rewards_of_an_earlier_setup_are_refused():
    sim.setup(timestep=1.0, min_delay=1.0, chip="loihi")
    synapse = sim.SumOfProductsSynapse("r0*x0", w_max=1.0, reward=sources([[1.0]]), delay=1.0)
    sim.setup(timestep=1.0, min_delay=1.0, chip="loihi")
    with pytest.raises(NeurosimError, match=r"belongs to an earlier setup\(\)"):
        sim.Projection(sources([[1.0]]), sim.Population(1, sim.IF_curr_exp()), sim.OneToOneConnector(), synapse)


def test_synapses_without_a_tag_have_none_to_read_or_record():
    projection, *_ = network("r0*x0", None)
    with pytest.raises(NeurosimError, match="unknown parameter 'tag'"):
        projection.get("tag", format="list")
    with pytest.raises(NeurosimError, match=r"'tag' of a projection cannot be recorded\. Record 'weight'"):
        projection.record("tag")


def test_the_example_of_the_documentation_holds():
    found = doctest.testmod(module)
    assert found.attempted > 10
    assert found.failed == 0
