"""A session on a chip goes on after changes: state and learned weights stay, losses are noted once."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from chip_networks import cond, connect, curr, lif, network, poisson
from neurosim import chips
from neurosim.connectivity import AllToAll
from neurosim.errors import LossWarning, UnknownNameError, UnsupportedError
from neurosim.mapping import Pin
from neurosim.network import Current, Network, Plasticity, Population, Probe, Selection, WeightProbe
from neurosim.session import Session, fit

RULE = Plasticity("pair", "additive", 20.0, 20.0, 0.05, 0.05, 0.0, 0.02)
ALL = ("all",)

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")


def with_population(net: Network, index: int, population: Population) -> Network:
    populations = list(net.populations)
    populations[index] = population
    return replace(net, populations=tuple(populations))


def learning(kind="curr", **more) -> Network:
    """A source that fires at 200 Hz and two plastic targets."""
    receptors = cond() if kind == "cond" else curr()
    source, post = poisson(0, 4), lif(1, 3, receptors, "post", tau_refrac=2.0, i_offset=0.2)
    fast = replace(source, parameters={**source.parameters, "rate": 200.0})
    row = connect(0, fast, post, AllToAll(), 0.01, model="stdp", plasticity=RULE)
    return network((fast, post), [row], 1.0, **more)


def weights(session: Session) -> np.ndarray:
    rows = session.weights(0)
    return np.broadcast_to(rows.columns["weight"], rows.size)


@pytest.mark.parametrize("chip", ["loihi", "spinnaker"])
def test_learned_weights_survive_changes_of_their_targets(chip):
    net = learning()
    session = Session(net, chips.load(chip), approximate=ALL)
    session.run_until(300.0)
    learned = weights(session)
    assert not np.allclose(learned, 0.01, rtol=0.1)
    post = net.populations[1]
    net = with_population(net, 1, replace(post, parameters={**post.parameters, "tau_m": 15.0}))
    session.update(net)
    assert weights(session).tolist() == learned.tolist()
    more = lif(2, 5, curr(), "more", tau_refrac=2.0)
    strong = connect(1, net.populations[0], net.populations[1], AllToAll(), 2.0)
    session.update(replace(net, populations=(*net.populations, more), projections=(*net.projections, strong)))
    assert weights(session).tolist() == learned.tolist()
    assert session.mapping is not None
    assert len(session.mapping.where("more")) == 5


def test_weights_are_given_in_the_users_unit():
    probe = WeightProbe(0, "weight", 10.0)
    session = Session(learning("cond", weight_probes=(probe,)), chips.load("loihi"), approximate=ALL)
    session.run_until(20.0)
    assert session.fit.network.projections[0].realisation is not None
    assert 0.0 <= weights(session).min() <= weights(session).max() <= 0.0202
    times, values = session.weight_samples(0)
    assert values.shape == (len(times), 12)
    assert np.allclose(values[0], 0.01, rtol=0.01)


def test_potentials_stay_where_the_user_sets_other_parameters():
    rest = np.array([-60.0, -62.0, -64.0])
    post, source = lif(0, 3, cond(), "post", v_rest=rest), poisson(1, 5)
    net = network((post, source), [connect(0, source, post, AllToAll(), 0.01)])
    session = Session(net, chips.load("hicann"))
    session.run_until(15.0)
    before = session.state(0, "v")
    assert np.abs(before - rest).max() > 0.1
    session.update(with_population(net, 0, replace(post, parameters={**post.parameters, "v_rest": rest + 1.0, "tau_m": 25.0})))
    assert session.state(0, "v").tolist() == before.tolist()
    session.reset()
    assert np.allclose(session.state(0, "v"), rest + 1.0, atol=0.1)


def test_currents_and_probes_that_come_later_are_checked_too():
    net = learning()
    session = Session(net, chips.load("loihi"))
    session.run_until(1.0)
    current = Current(0, "dc", {"amplitude": 1.0, "start": 0.0, "stop": 1e9}, Selection.whole(net.populations[1]))
    with pytest.raises(UnsupportedError, match="approximate=\\['injection'\\]"):
        session.update(replace(net, currents=(current,)))
    session.run_until(2.0)
    willing = Session(net, chips.load("loihi"), approximate=("injection",))
    willing.run_until(1.0)
    n_losses = len(willing.ledger)
    willing.update(replace(net, currents=(current,)))
    willing.update(replace(net, currents=(current,), probes=(Probe(1, "spikes", np.arange(3)),)))
    assert len(willing.ledger) == n_losses + 1
    assert willing.ledger.of("approximation")[0].what == "current"


def test_a_variable_the_model_has_lost_is_not_recorded_later_either():
    adex = {"v_spike": -40.0, "delta_T": 1.0, "a": 4.0, "b": 0.08, "tau_w": 144.0}
    cells = replace(lif(0, 3, curr(), "cells", **adex), model="adex")
    net = network((cells,))
    session = Session(net, chips.load("spinnaker"), approximate=("adex",))
    session.run_until(1.0)
    session.update(replace(net, probes=(Probe(0, "w", np.arange(3), 0.1),)))
    session.run_until(2.0)
    assert [loss.what for loss in session.ledger.of("ignored")] == ["record w"]


def test_each_kind_of_loss_warns_once():
    net = learning("cond")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session = Session(net, chips.load("loihi"), approximate=ALL)
        post = net.populations[1]
        session.update(with_population(net, 1, replace(post, parameters={**post.parameters, "tau_m": 15.0})))
    assert len(caught) == len(session.ledger.kinds())
    assert {warning.category for warning in caught} == {LossWarning}
    rows = [(loss.kind, loss.where, loss.what) for loss in session.ledger]
    assert len(rows) == len(set(rows))


def test_misspelt_approximations_are_refused_without_a_chip_too():
    with pytest.raises(UnknownNameError, match="Did you mean 'conductance'"):
        fit(network(()), None, approximate=("conductanc",))
    assert fit(network(()), None, approximate=ALL).mapping is None


def test_pins_for_another_chip_are_left_out_and_noted():
    net = network([lif(0, 4, cond(), "cells")])
    pins = (Pin(0, None, (5, 5), 4, chip="hicann"), Pin(0, np.array([1]), 7, chip="spinnaker"))
    assert fit(net, chips.load("hicann"), pins=pins[:1]).mapping.where((0, 1))[0].label == "HICANN 93 (x=5, y=5)"  # type: ignore[union-attr]
    fitted = fit(net, chips.load("spinnaker"), pins=pins)
    assert fitted.mapping is not None
    assert fitted.mapping.core_of[0].tolist()[1] == 7
    (loss,) = [loss for loss in fitted.ledger if loss.what == "manual placement"]
    assert (loss.kind, loss.count, loss.total) == ("ignored", 1, 2)
    assert "made for hicann" in loss.detail


def test_whole_numbers_are_held_in_double_precision_whatever_is_asked_for():
    net = replace(learning(), probes=(Probe(0, "spikes", np.arange(4)), Probe(1, "spikes", np.arange(3))))
    runs = [Session(net, chips.load("loihi"), precision=precision) for precision in ("float64", "float32")]
    for session in runs:
        session.run_until(300.0)
    assert runs[1].simulation.dtype is np.float64
    assert len(runs[0].spikes(1)[0])
    assert all(np.array_equal(a, b) for i in (0, 1) for a, b in zip(runs[0].spikes(i), runs[1].spikes(i), strict=True))
    (loss,) = [loss for loss in runs[1].ledger if loss.what == "precision='float32'"]
    assert (loss.kind, loss.detail.startswith("The chip's neurons count in whole numbers")) == ("ignored", True)
    assert not [loss for loss in runs[0].ledger if "precision" in loss.what]


def test_chips_of_floating_point_numbers_take_single_precision():
    session = Session(learning(), chips.load("spinnaker"), precision="float32", approximate=ALL)
    assert session.simulation.dtype is np.float32
    assert not [loss for loss in session.ledger if "precision" in loss.what]
