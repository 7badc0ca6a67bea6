"""Synapses that learn: skipped work, repeated spikes, states, and what is refused."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

from neurosim.chips.loihi import learning
from neurosim.chips.loihi.learning import (
    LearningProjection,
    Spikes,
    Trace,
    TraceSettings,
    grammar,
    parse,
    projection,
    translate,
    weight_format,
)
from neurosim.chips.loihi.learning.rules import default_limits
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.network import Plasticity

PAIR = parse("dw = 2^-2*x1*y0 - 2^-2*y1*x0")
SETTINGS = TraceSettings({"x1": Trace(16, 10), "y1": Trace(16, 10)})

WRONG: Any = "exponentially"


def dense(n_pre=3, n_post=4, rules=PAIR, settings=SETTINGS, weights: Any = 100, **more):
    targets = np.tile(np.arange(n_post), n_pre)
    return LearningProjection(np.arange(n_pre + 1) * n_post, targets, n_post, np.full(targets.size, weights), rules, settings, **more)


def at(*neurons, step=1):
    return Spikes(np.array(neurons), np.full(len(neurons), step))


def random_spikes(rng, n):
    return at(*np.flatnonzero(rng.random(n) < 0.3))


def test_synapses_that_no_term_can_change_are_not_visited():
    one = dense()
    assert one.advance().n_visited == 0
    # without a trace yet, a spike alone changes nothing, and rows are looked at for the other sides' sake
    assert one.advance(pre=at(1)).n_visited == 4
    found = one.advance(post=at(2))
    assert found.n_visited == 3
    assert found.synapses.tolist() == [6]
    assert one.weights[6] > 100
    assert np.all(np.delete(one.weights, 6) == 100)


def test_decimated_terms_act_in_every_kth_epoch_only():
    one = dense(rules=parse("dw = u2*2^0"), weights=0)
    seen = [one.advance().n_visited and int(one.weights[0]) for _ in range(8)]
    assert seen == [0, 0, 0, 1, 0, 0, 0, 2]


def test_earlier_spikes_of_an_epoch_add_their_impulse_to_its_start():
    settings = TraceSettings({"x1": Trace(20, 0), "x2": Trace(100, 1e12)}, 4)
    one = dense(1, 1, settings=settings)
    one.advance(pre=Spikes([0, 0, 0], [1, 4, 2]))
    # three impulses saturate x2; x1 forgets within a step, and keeps the last one alone
    assert one.pre[:, 0].tolist() == [20, 127]


def test_rewards_gate_what_is_learned():
    one = dense(1, 1, rules=parse("dw = r0*x0"), weights=0)
    assert [one.advance(pre=at(0), reward=reward).weights.tolist() for reward in ([], [1], 1)] == [[], [1], [2]]


def test_delays_learn_within_their_range():
    one = dense(1, 2, rules=parse("dd = 2^3*x0; dt = -2^8*x0"), delays=[60, 2], longest_delay=62)
    found = one.advance(pre=at(0))
    assert found.synapses.tolist() == [0, 1]
    assert one.delays.tolist() == [62, 10]
    assert one.tags.tolist() == [-256, -256]
    assert found.weights.tolist() == [100, 100]


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    def learned(seed):
        rng, one = np.random.default_rng(1), dense(20, 20, settings=SETTINGS, seed=seed)
        for _ in range(30):
            one.advance(random_spikes(rng, 20), random_spikes(rng, 20))
        return one.weights.tolist()

    assert learned(1) == learned(1)
    assert learned(1) != learned(2)


def test_a_restored_state_goes_on_as_if_nothing_had_been_in_between():
    rng = np.random.default_rng(5)
    spikes = [(random_spikes(rng, 20), random_spikes(rng, 20)) for _ in range(20)]
    settings = TraceSettings(SETTINGS.traces, 1, "linear")
    whole, first, second = (dense(20, 20, settings=settings, seed=3) for _ in range(3))
    for pair in spikes:
        whole.advance(*pair)
    for pair in spikes[:10]:
        first.advance(*pair)
    second.restore(first.state())
    for pair in spikes[10:]:
        second.advance(*pair)
    assert second.weights.tolist() == whole.weights.tolist()
    assert second.pre.tolist() == whole.pre.tolist()
    assert second.epoch == 20


def test_a_state_of_another_size_is_refused():
    with pytest.raises(ParameterError, match=r"the state has shape \(12,\) for 'weights', \(9,\) is needed"):
        dense(3, 3).restore(dense(3, 4).state())
    state = dense().state()
    del state["post"]
    with pytest.raises(ParameterError, match=r"the state has no array for 'post'"):
        dense().restore(state)


def test_projections_without_synapses_or_neurons_learn_nothing():
    for starts, n_post in (([0], 0), ([0, 0], 3)):
        one = LearningProjection(starts, [], n_post, [], PAIR, SETTINGS)
        assert one.advance().synapses.size == 0


@pytest.mark.parametrize(
    ("sign", "bits", "expected"),
    [
        ("excitatory", 8, (0, 255, 0)),
        ("excitatory", 4, (0, 240, 4)),
        ("inhibitory", 8, (-255, 0, 0)),
        ("mixed", 8, (-256, 254, 1)),
        ("mixed", 2, (-256, 128, 7)),
    ],
)
def test_weight_formats_are_those_of_the_sign_modes(sign, bits, expected):
    form = weight_format(sign, bits)
    assert (form.low, form.high, form.coarse) == expected


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: weight_format(WRONG), UnknownNameError, "unknown sign mode 'exponentially'. Known: excitatory"),
        (lambda: weight_format("mixed", 1), ParameterError, "weights of sign mode 'mixed' have 2 to 8 bits, not 1"),
        (lambda: dense(rounding="awy"), UnknownNameError, "unknown rounding 'awy'. Did you mean 'away'"),
        (lambda: dense(weights=256), ParameterError, "weights must be from 0 to 255, not 256"),
        (lambda: dense(weights=-1), ParameterError, "weights must be from 0 to 255, not -1"),
        (lambda: dense(weights=1.5), ParameterError, "weights must be a list of whole numbers"),
        (lambda: dense(weights=3, weight=weight_format("mixed")), ParameterError, "weights must be multiples of 2"),
        (lambda: dense(rules=parse("dd = x0"), delays=[1]), ParameterError, "there are 1 delays for 12 synapses"),
        (lambda: dense(rules=parse("dd = x0"), delays=[63] * 12), ParameterError, "delays must be from 0 to 62, not 63"),
        (
            lambda: LearningProjection([0, 3], [0], 1, [1], PAIR, SETTINGS),
            ParameterError,
            "rows must begin with 0, rise, and end with .* 1",
        ),
        (lambda: LearningProjection([0, 1], [2], 1, [1], PAIR, SETTINGS), ParameterError, "targets must be from 0 to 0, not 2"),
        (lambda: dense().advance(pre=at(3)), ParameterError, "presynaptic neurons must be from 0 to 2, not 3"),
        (lambda: dense().advance(post=at(0, step=2)), ParameterError, "postsynaptic steps must be from 1 to 1, not 2"),
        (lambda: dense().advance(reward=[0]), ParameterError, "reward steps must be from 1 to 1, not 0"),
        (lambda: dense().advance(pre=Spikes([0, 1], [1])), ParameterError, "there are 2 presynaptic neurons and 1 steps"),
        (lambda: TraceSettings({"x3": Trace(1, 1)}), UnknownNameError, "unknown trace 'x3'"),
        (lambda: TraceSettings(decay=WRONG), UnknownNameError, "unknown decay 'exponentially'. Did you mean 'exponential'"),
        (lambda: TraceSettings(epoch_steps=64), ParameterError, "epoch must be a whole number of steps from 1 to 63, not 64"),
        (lambda: TraceSettings({"x1": Trace(128, 1)}), ParameterError, "the impulse of x1 must be a number from 0 to 127, not 128"),
        (
            lambda: TraceSettings({"x1": Trace(1, -1)}),
            ParameterError,
            "the time constant of x1 in steps must be a number of at least 0, not -1",
        ),
        (lambda: TraceSettings({"x1": Trace(1, 0.5)}, decay="linear"), ParameterError, "must be a number of at least 1, not 0.5"),
    ],
)
def test_refusals_say_what_is_wrong(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_number_formats_are_those_of_the_datasheet():
    limits = default_limits()
    narrow = limits.model_copy(update={"trace_bits": limits.trace_bits.model_copy(update={"value": 5})})
    one = dense(settings=TraceSettings({"x1": Trace(100, 10)}), limits=narrow)
    one.advance(pre=at(0))
    assert one.pre[0, 0] == 31


def test_examples_of_the_documentation_hold():
    names = {name: getattr(learning, name) for name in learning.__all__} | {"Plasticity": Plasticity}
    for module in (grammar, projection, translate):
        found = doctest.testmod(module, extraglobs=names)
        assert found.attempted > 0
        assert found.failed == 0
