"""The kernels do what is written down: random rules, spikes and synapses, against the slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learning_rules import rule_sets
from learning_twin import TwinProjection
from neurosim.chips.loihi.learning import LearningProjection, Spikes, Trace, TraceSettings, VariableFormat, parse, weight_format

TRACE_NAMES = ("x1", "x2", "y1", "y2", "y3", "r1")
TAG, DELAY = VariableFormat(-256, 255), VariableFormat(0, 62)


@st.composite
def trace_settings(draw):
    decay = draw(st.sampled_from(["exponential", "linear"]))
    taus = st.floats(1, 60) if decay == "linear" else st.one_of(st.just(0), st.floats(0.5, 60))
    traces = draw(st.dictionaries(st.sampled_from(TRACE_NAMES), st.builds(Trace, st.floats(0, 127), taus), min_size=3))
    return TraceSettings(traces, draw(st.integers(1, 5)), decay)


def on_grid(rng, form, size):
    return rng.integers(0, (form.high - form.low) // 2**form.coarse + 1, size) * 2**form.coarse + form.low


def spikes_of(times):
    """Spikes in the terms of the projection, from a list of steps per neuron."""
    pairs = [(i, t) for i, steps in enumerate(times) for t in steps]
    return Spikes(np.array([i for i, _ in pairs], np.int64), np.array([t for _, t in pairs], np.int64))


def fire(rng, n, n_steps, rate):
    return [list(np.flatnonzero(rng.random(n_steps) < rate) + 1) for _ in range(n)]


def compare(rules, setting, form, seed, away, n_pre=4, n_post=5, n_epochs=6):
    rng = np.random.default_rng(seed)
    connected = rng.random((n_pre, n_post)) < 0.7
    synapses = [(i, j) for i in range(n_pre) for j in range(n_post) if connected[i, j]]
    start = {name: on_grid(rng, one, len(synapses)) for name, one in zip("wdt", (form, DELAY, TAG), strict=True)}
    fast = LearningProjection(
        np.concatenate([[0], np.cumsum(connected.sum(1))]),
        [j for _, j in synapses],
        n_post,
        start["w"],
        rules,
        setting,
        weight=form,
        delays=start["d"],
        tags=start["t"],
        rounding="away" if away else "random",
        seed=seed,
    )
    slow = TwinProjection(
        synapses, n_pre, n_post, {n: v.tolist() for n, v in start.items()}, rules, setting, (form, DELAY, TAG), seed, away=away
    )
    rate = rng.choice([0.1, 0.5, 0.9])
    for _ in range(n_epochs):
        pre, post = (fire(rng, n, setting.epoch_steps, rate) for n in (n_pre, n_post))
        reward = fire(rng, 1, setting.epoch_steps, 0.5)[0]
        before = fast.weights.copy(), fast.delays.copy()
        changes = fast.advance(spikes_of(pre), spikes_of(post), np.array(reward, np.int64))
        slow.advance(pre, post, reward)
        assert fast.weights.tolist() == slow.values["w"]
        assert fast.delays.size == 0 or fast.delays.tolist() == slow.values["d"]
        assert fast.tags.size == 0 or fast.tags.tolist() == slow.values["t"]
        for kind, traces in (("x", fast.pre), ("y", fast.post), ("r", fast.reward)):
            assert traces.tolist() == list(slow.sides[kind].values.values())
        other = np.flatnonzero((before[0] != fast.weights) | (before[1] != fast.delays if fast.delays.size else False))
        assert sorted(changes.synapses.tolist()) == other.tolist()
        assert changes.weights.tolist() == fast.weights[changes.synapses].tolist()
        assert changes.n_visited <= len(synapses)


@settings(max_examples=60, deadline=None)
@given(rule_sets(), trace_settings(), st.sampled_from(["excitatory", "inhibitory", "mixed"]), st.integers(0, 2**32), st.booleans())
def test_the_kernels_do_what_the_twin_does(rules, setting, sign, seed, away):
    compare(rules, setting, weight_format(sign, 8), seed, away)


@pytest.mark.parametrize("bits", [2, 5])
def test_fewer_bits_of_weight_are_rounded_at_random_to_their_grid(bits):
    rules = parse("dw = 2^-2*x1*y0 - 2^-2*y1*x0 + 3*2^-3*u1*w")
    setting = TraceSettings({"x1": Trace(20, 5), "y1": Trace(30.5, 8)}, 3)
    compare(rules, setting, weight_format("mixed", bits), 7, away=False)


def test_rows_and_columns_of_more_than_a_block_are_updated_whole():
    rules = parse("dw = 2^-2*x1*y0 - 2^-3*y1*x0")
    setting = TraceSettings({"x1": Trace(20, 5), "y1": Trace(30.5, 8)}, 2)
    compare(rules, setting, weight_format(), 3, away=False, n_pre=1100, n_post=2, n_epochs=3)
    compare(rules, setting, weight_format(), 4, away=False, n_pre=2, n_post=1100, n_epochs=3)
