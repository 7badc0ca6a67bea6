"""Synapses that are taught at the end of every epoch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from neurosim.connectivity import AllToAll, OneToOne, Table
from neurosim.engine import Simulation, state
from neurosim.errors import ParameterError, StateFileError
from neurosim.network import Network, Population, Probe, Projection, Receptor, Rows, Selection, Synapse, WeightProbe

DT = 1.0


@dataclass
class Counting:
    """Adds 1 to every synapse whose source fired, and keeps all it was told."""

    rows: Rows
    told: list = field(default_factory=list)

    def advance(self, pre, pre_at, post, post_at, reward_at):
        self.told.append((pre.tolist(), pre_at.tolist(), post.tolist(), post_at.tolist(), reward_at.tolist()))
        changed = np.flatnonzero(np.isin(self.rows.pre(), pre))
        self.weight[changed] += 1.0
        return changed, self.weight[changed]

    def __post_init__(self):
        self.weight = np.full(self.rows.size, self.rows.columns["weight"], np.float64)

    def learned(self):
        return {"tag": np.full(self.rows.size, float(len(self.told)))}

    def state(self):
        return {"weight": self.weight.copy()}

    def restore(self, state):
        self.weight[:] = state["weight"]


@dataclass(frozen=True)
class Teacher:
    epoch_steps: int

    def begin(self, rows, n_pre, n_post, seed):
        return Counting(rows)


def network(epoch=5, teacher=True, sign=1, reward=None):
    source = Population(0, "in", 3, "array_source", spike_times=(np.array([2.0, 7.0, 8.0]), np.array([5.0]), np.array([16.0])))
    parameters = {"v_rest": 0.0, "cm": 1.0, "tau_m": 10.0, "tau_refrac": 0.1, "i_offset": 0.0, "v_reset": 0.0, "v_thresh": 40.0}
    cells = Population(1, "out", 2, "lif", parameters=parameters, receptors=(Receptor("in", "curr_delta", {}, sign),))
    synapse = Synapse("taught", {"weight": 10.0, "delay": 1.0}, teacher=Teacher(epoch) if teacher else None, reward=reward)
    projection = Projection(0, "p", Selection.whole(source), Selection.whole(cells), "in", AllToAll(), synapse, 1)
    probes = (Probe(1, "v", np.arange(2), 1.0), Probe(1, "spikes", np.arange(2)))
    return Network(DT, 3, (source, cells), (projection,), (), probes, (WeightProbe(0, "weight", 5.0),))


def test_weights_change_at_the_end_of_epochs_and_act_from_then_on():
    simulation = Simulation(network(), threads=2)
    simulation.run_until(20.0)
    times, weights = simulation.weight_samples(0)
    assert times.tolist() == [0.0, 5.0, 10.0, 15.0, 20.0]
    assert weights[:, ::2].tolist() == [[10, 10, 10], [11, 11, 10], [12, 11, 10], [12, 11, 10], [12, 11, 11]]
    v = simulation.samples(1, "v")[2][:, 0]
    decay = np.exp(-0.1)
    assert v[3] == pytest.approx(10.0)
    assert v[6] == pytest.approx(10.0 * decay**3 + 11.0)  # the spike at 5 ms arrives after the epoch's end
    told = simulation.stores.lessons[0].learner.told
    assert [pre for pre, *_ in told] == [[0, 1], [0, 0], [], [2]]
    assert [steps for _, steps, *_ in told] == [[2, 5], [2, 3], [], [1]]


def test_the_order_of_threads_changes_nothing():
    first, second = (Simulation(network(epoch=2), threads=n) for n in (1, 2))
    for simulation in (first, second):
        simulation.run_until(18.0)
    assert np.array_equal(first.samples(1, "v")[2], second.samples(1, "v")[2])
    assert np.array_equal(first.weights(0).columns["weight"], second.weights(0).columns["weight"])


@pytest.mark.parametrize("pause", [10.0, 13.0])
def test_a_saved_state_goes_on_within_an_epoch(tmp_path, pause):
    whole, before, after = (Simulation(network()) for _ in range(3))
    whole.run_until(20.0)
    before.run_until(pause)
    state.save(before, tmp_path / "state", version="1")
    state.load(after, state.read(tmp_path / "state", after.network, precision="float64"))
    after.run_until(20.0)
    assert np.array_equal(after.weights(0).columns["weight"], whole.weights(0).columns["weight"])
    assert np.array_equal(after.samples(1, "v")[2][-5:], whole.samples(1, "v")[2][-5:])
    told = whole.stores.lessons[0].learner.told
    assert after.stores.lessons[0].learner.told == told[int(pause // 5) :]


def test_learned_weights_outlive_a_change_of_the_network():
    simulation = Simulation(network())
    simulation.run_until(12.0)
    old = simulation.network
    third = Population(2, "more", 4, "lif", parameters=old.populations[1].parameters, receptors=old.populations[1].receptors)
    simulation.update(Network(DT, 3, (*old.populations, third), old.projections, (), old.probes, old.weight_probes))
    assert simulation.weights(0).columns["weight"].tolist() == [12, 12, 11, 11, 10, 10]
    simulation.run_until(20.0)
    assert simulation.weights(0).columns["weight"].tolist() == [12, 12, 11, 11, 11, 11]
    simulation.reset()
    assert simulation.weights(0).columns["weight"].tolist() == [10] * 6


def test_inhibitory_receptors_have_the_users_sign():
    simulation = Simulation(network(sign=-1))
    simulation.run_until(5.0)
    assert simulation.samples(1, "v")[2][3, 0] == pytest.approx(-10.0)
    assert simulation.weights(0).columns["weight"].tolist() == [11, 11, 11, 11, 10, 10]


def test_what_cannot_be_taught():
    with pytest.raises(ParameterError, match="there is no teacher"):
        Simulation(network(teacher=False))
    plain = network()
    pre = Selection(((0, np.array([0, 0])),))
    twice = Projection(0, "p", pre, plain.projections[0].post, "in", Table([0, 1], [0, 1]), plain.projections[0].synapse, 1)
    with pytest.raises(ParameterError, match="a cell is twice on one side"):
        Simulation(Network(DT, 3, plain.populations, (twice,)))


#: The second and third source of ``network()``, which fire at 5 and at 16 ms.
LATE = Selection(((0, np.array([1, 2])),))


def test_spikes_of_rewarding_cells_are_told_by_epoch():
    for reward, steps in ((LATE, [[5], [], [], [1]]), (Selection(((0, np.array([0])),)), [[2], [2, 3], [], []]), (None, [[]] * 4)):
        simulation = Simulation(network(reward=reward), threads=2)
        simulation.run_until(20.0)
        told = simulation.stores.lessons[0].learner.told
        assert [steps for *_, steps in told] == steps


def test_what_is_learned_besides_weights_is_read_and_recorded():
    one = network()
    probes = (*one.weight_probes, WeightProbe(0, "tag", 10.0))
    simulation = Simulation(Network(DT, 3, one.populations, one.projections, (), (), probes))
    simulation.run_until(20.0)
    assert simulation.weights(0).columns["tag"].tolist() == [4] * 6
    assert simulation.weight_samples(0, "tag")[1].tolist() == [[0] * 6, [2] * 6, [4] * 6]


def test_a_saved_state_keeps_the_rewards_of_its_epoch(tmp_path):
    before, after = (Simulation(network(epoch=7, reward=LATE)) for _ in range(2))
    before.run_until(6.0)
    state.save(before, tmp_path / "state", version="1")
    file = state.read(tmp_path / "state", after.network, precision="float64")
    state.load(after, file)
    after.run_until(21.0)
    assert [steps for *_, steps in after.stores.lessons[0].learner.told] == [[5], [], [2]]
    with pytest.raises(StateFileError, match="'reward'"):
        state.read(tmp_path / "state", network(epoch=7), precision="float64")


def test_rewards_of_sources_that_would_only_drive_count():
    """Such sources never fire one by one unless something needs their spikes."""
    one = network()
    parameters = {"rate": 200.0, "start": 0.0, "duration": 1e9}
    drive = Population(2, "drive", 2, "poisson_source", parameters=parameters)
    ends = Selection.whole(drive), one.projections[0].post
    driven = Projection(1, "d", *ends, "in", OneToOne(), Synapse("static", {"weight": 1.0, "delay": 1.0}), 1)
    for reward in (None, Selection.whole(drive)):
        learning = replace(one.projections[0], synapse=replace(one.projections[0].synapse, reward=reward))
        simulation = Simulation(Network(DT, 3, (*one.populations, drive), (learning, driven)))
        assert (2 in simulation.driving) == (reward is None)
        simulation.run_until(100.0)
        n_told = sum(len(steps) for *_, steps in simulation.stores.lessons[0].learner.told)
        assert n_told == (0 if reward is None else simulation.counts(2).sum())
    assert n_told > 20


def test_rewards_go_on_when_the_network_changes():
    simulation = Simulation(network(reward=LATE))
    simulation.run_until(4.0)
    old = simulation.network
    more = Population(2, "more", 4, "array_source", spike_times=(np.empty(0),) * 4)
    simulation.run_until(6.0)
    simulation.update(Network(DT, 3, (*old.populations, more), old.projections, (), old.probes))
    simulation.run_until(20.0)
    assert [steps for *_, steps in simulation.stores.lessons[0].learner.told] == [[], [], [1]]
