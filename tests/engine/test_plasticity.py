"""Synapses with memory against slow, obvious models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_networks import DELTA, connect, network, neurons, pair_rule, pairs, record, spikes_at
from neurosim.connectivity import AllToAll
from neurosim.engine import Simulation
from neurosim.engine.synapses import delay_steps
from neurosim.network import Receptor, WeightProbe

EXPONENTS = {"additive": (0, 0), "multiplicative": (1, 1), "additive_multiplicative": (0, 1), "gutig": (0.3, 0.7)}


def slow_stdp(pre_ms, post_ms, weight, rule, delay, until):
    """All pairs, event by event, on the times at which spikes pass the synapse; of a tie, post first if the dendrite takes a step."""
    f = rule.dendritic_delay_fraction
    post_first = 2 * f * delay > 0.1 - 1e-9
    mu_plus, mu_minus = EXPONENTS[rule.dependence]
    events = [(round(t + (1 - f) * delay, 6), 0) for t in pre_ms] + [(round(t + f * delay, 6), 1) for t in post_ms]
    span = rule.w_max - rule.w_min
    pres, posts = [], []
    for t, is_post in sorted((e for e in events if e[0] <= until + 1e-6), key=lambda e: (e[0], e[1] != post_first)):
        u = (weight - rule.w_min) / span
        if is_post:
            u += rule.A_plus * (1 - u) ** mu_plus * sum(np.exp((s - t) / rule.tau_plus) for s in pres if s < t - 1e-6)
            posts.append(t)
        else:
            u -= rule.A_minus * u**mu_minus * sum(np.exp((s - t) / rule.tau_minus) for s in posts if s < t - 1e-6)
            pres.append(t)
        weight = rule.w_min + span * min(max(u, 0.0), 1.0)
    return weight


def forced(pre_ms, post_ms, rule, delay, weight=0.5, until=300.0, threads=1):
    """A pair of cells whose postsynaptic spikes are forced by strong input one step before."""
    pre, force, cell = spikes_at(0, pre_ms), spikes_at(1, np.asarray(post_ms) - 0.1), neurons(2, 1, DELTA, tau_refrac=0.05)
    nets = [
        connect(0, pre, cell, AllToAll(), weight, delay, model="stdp", plasticity=rule),
        connect(1, force, cell, AllToAll(), 100.0, 0.1),
    ]
    simulation = Simulation(network([pre, force, cell], nets, record(cell, "spikes")), threads=threads)
    simulation.run_until(until)
    return simulation


grid = st.lists(st.integers(10, 2800), max_size=30, unique=True).map(lambda ticks: np.sort(np.array(ticks)) / 10.0)


@settings(max_examples=40, deadline=None)
@given(
    grid, grid, st.sampled_from([0.0, 0.4, 1.0]), st.sampled_from(sorted(EXPONENTS)),
    st.sampled_from([0.1, 3.0]), st.sampled_from([0.0, 0.2]),
)  # fmt: skip
def test_stdp_equals_the_slow_model(pre_ms, post_ms, fraction, dependence, delay, w_min):
    own = {"mu_plus": 0.3, "mu_minus": 0.7} if dependence == "gutig" else {}
    rule = pair_rule(dependence=dependence, dendritic_delay_fraction=fraction, w_min=w_min, A_plus=0.1, A_minus=0.12, **own)
    simulation = forced(pre_ms, post_ms, rule, delay)
    np.testing.assert_allclose(simulation.spikes(2)[1], post_ms, atol=1e-9)
    expected = slow_stdp(pre_ms, post_ms, 0.5, rule, delay, 300.0 - fraction * delay)
    assert simulation.weights(0).columns["weight"][0] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("fraction", "expected"), [(1.0, 0.9), (0.5, 0.9), (0.0, 1.0)])
def test_of_a_tie_the_postsynaptic_spike_counts_first_where_the_dendrite_takes_a_step(fraction, expected):
    """At the upper limit a pair at one time takes away what the presynaptic spike depresses, or gives it back, by which counts last."""
    rule = pair_rule(A_plus=0.5, A_minus=0.1, tau_plus=1e9, tau_minus=1e9, dendritic_delay_fraction=fraction)
    shift = (1.0 - 2.0 * fraction) * 2.0  # a presynaptic spike passes with a postsynaptic one this much later
    post_ms = np.array([5.0, 20.0])
    pre_ms = np.array([10.0, 20.0 - shift])
    simulation = forced(pre_ms, post_ms, rule, 2.0, weight=1.0, until=60.0)
    assert simulation.weights(0).columns["weight"][0] == pytest.approx(expected, abs=1e-6)


ties = st.lists(st.integers(2, 40), max_size=25, unique=True).map(lambda ticks: 5.0 * np.sort(np.array(ticks)))


@settings(max_examples=40, deadline=None)
@given(ties, ties, st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from(sorted(EXPONENTS)), st.sampled_from([5.0, 10.0, 0.1]))
def test_stdp_with_many_ties_at_the_limits_equals_the_slow_model(pre_ms, post_ms, fraction, dependence, delay):
    own = {"mu_plus": 0.3, "mu_minus": 0.7} if dependence == "gutig" else {}
    rule = pair_rule(dependence=dependence, dendritic_delay_fraction=fraction, A_plus=0.6, A_minus=0.7, **own)
    expected = slow_stdp(pre_ms, post_ms, 0.5, rule, delay, 300.0 - fraction * delay)
    assert forced(pre_ms, post_ms, rule, delay).weights(0).columns["weight"][0] == pytest.approx(expected, abs=1e-10)


def test_more_postsynaptic_spikes_than_the_store_holds_are_not_forgotten():
    pre_ms, post_ms = np.array([1.0, 290.0]), np.arange(2.0, 285.0, 1.0)
    rule = pair_rule(A_plus=0.001, tau_plus=100.0)
    simulation = forced(pre_ms, post_ms, rule, 1.0)
    expected = slow_stdp(pre_ms, post_ms, 0.5, rule, 1.0, 299.0)
    assert simulation.weights(0).columns["weight"][0] == pytest.approx(expected, abs=1e-10)


def test_weights_survive_a_rebuild():
    pre_ms, post_ms, rule = np.arange(5.0, 280.0, 17.0), np.arange(8.0, 280.0, 13.0), pair_rule(A_plus=0.1)
    whole = forced(pre_ms, post_ms, rule, 2.0)
    part = forced(pre_ms, post_ms, rule, 2.0, until=120.0)
    old = part.network
    part.update(network([*old.populations, neurons(3, 2)], old.projections, old.probes))
    part.run_until(300.0)
    assert part.weights(0).columns["weight"][0] == pytest.approx(whole.weights(0).columns["weight"][0], abs=1e-12)


def test_recorded_weights_change_over_time_and_do_not_change_the_result():
    pre_ms, post_ms, rule = np.arange(5.0, 280.0, 17.0), np.arange(8.0, 280.0, 13.0), pair_rule(A_plus=0.1)
    plain = forced(pre_ms, post_ms, rule, 2.0)
    old = plain.network
    watched = Simulation(network(old.populations, old.projections, old.probes, weight_probes=(WeightProbe(0, "weight", 10.0),)))
    watched.run_until(300.0)
    times, weights = watched.weight_samples(0)
    np.testing.assert_allclose(times, np.arange(0.0, 301.0, 10.0))
    assert weights.shape == (31, 1) and weights[0, 0] == 0.5 and len(np.unique(weights)) > 10
    assert weights[-1, 0] == pytest.approx(plain.weights(0).columns["weight"][0], abs=1e-12)


def test_stdp_is_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(5)
    results = []
    for threads in (1, 2):
        pre, cells = spikes_at(0, *(np.sort(rng.integers(1, 2000, 20)) / 10 for _ in range(10))), neurons(1, 7, DELTA, i_offset=0.9)
        nets = [connect(0, pre, cells, AllToAll(), 1.5, 1.0, model="stdp", plasticity=pair_rule(w_max=3.0))]
        simulation = Simulation(network([pre, cells], nets, record(cells, "spikes")), threads=threads)
        simulation.run_until(200.0)
        results.append((simulation.weights(0).columns["weight"], simulation.spikes(1)))
        rng = np.random.default_rng(5)
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_short_term_depression_follows_its_equations():
    times = np.array([10.0, 20.0, 30.0, 80.0])
    source, cell = spikes_at(0, times), neurons(1, 1, DELTA)
    net = connect(0, source, cell, AllToAll(), 1.0, 1.0, model="tsodyks_markram", U=0.4, tau_rec=50.0, tau_facil=20.0)
    simulation = Simulation(network([source, cell], [net], record(cell, "v")))
    simulation.run_until(100.0)
    v = simulation.samples(1, "v")[2][:, 0]
    at = np.rint((times + 1.0) / 0.1).astype(int)
    jumps = v[at] + 65.0 - (v[at - 1] + 65.0) * np.exp(-0.1 / 20.0)
    x, u, expected = 1.0, 0.4, [0.4]
    for gap in np.diff(times):
        x = 1.0 + (x * (1.0 - u) - 1.0) * np.exp(-gap / 50.0)
        u = 0.4 + u * 0.6 * np.exp(-gap / 20.0)
        expected.append(x * u)
    np.testing.assert_allclose(jumps, expected, atol=1e-9)


@pytest.mark.parametrize(("tau_syn", "tau_facil"), [(3.0, 0.0), (5.0, 40.0), (50.0, 0.0)])
def test_resources_are_active_as_long_as_the_current_they_cause(tau_syn, tau_facil):
    times = np.array([10.0, 14.0, 21.0, 23.0, 60.0])
    source, cell = spikes_at(0, times), neurons(1, 1, (Receptor("excitatory", "curr_exp", {"tau_syn": tau_syn}),), v_thresh=1e6)
    net = connect(0, source, cell, AllToAll(), 1.0, 1.0, model="tsodyks_markram", U=0.4, tau_rec=50.0, tau_facil=tau_facil)
    simulation = Simulation(network([source, cell], [net], record(cell, "excitatory.gsyn")))
    simulation.run_until(100.0)
    g = simulation.samples(1, "excitatory.gsyn")[2][:, 0]
    at = np.rint((times + 1.0) / 0.1).astype(int)
    jumps = g[at] - g[at - 1] * np.exp(-0.1 / tau_syn)
    x, y, z, u, h = 1.0, 0.0, 0.0, 0.0, 1e-3
    steps, released = np.diff(times, prepend=0.0), []
    for gap in steps:
        for _ in range(round(gap / h)):  # the equations of the paper, step by step
            x, y, z = x + h * z / 50.0, y - h * y / tau_syn, z + h * (y / tau_syn - z / 50.0)
        u = 0.4 + (u * 0.6 * np.exp(-gap / tau_facil) if tau_facil else 0.0)
        released.append(u * x)
        x, y = x - u * x, y + u * x
    np.testing.assert_allclose(jumps, released, rtol=2e-4)


def test_stochastic_synapses_release_with_their_probability():
    times = np.arange(1.0, 500.0, 0.5)
    source, cell = spikes_at(0, times), neurons(1, 20, DELTA, v_thresh=1e6, tau_m=1e9)
    net = connect(0, source, cell, AllToAll(), 1.0, 1.0, model="stochastic", p=0.3)
    simulation = Simulation(network([source, cell], [net]))
    simulation.run_until(510.0)
    released = simulation.state(1, "v") + 65.0
    assert released.mean() == pytest.approx(0.3 * len(times), rel=0.03)
    assert released.std() == pytest.approx(np.sqrt(0.21 * len(times)), rel=0.5)


def test_weights_are_in_expansion_order():
    source, cell = spikes_at(0, [1.0], [2.0]), neurons(1, 3, DELTA)
    net = connect(
        0,
        source,
        cell,
        pairs([1, 0, 1, 0], [2, 1, 0, 0], weight=[0.4, 0.2, 0.3, 0.1], delay=[2.0, 1.0, 3.0, 1.0]),
        0.0,
        1.0,
        model="stdp",
        plasticity=pair_rule(),
    )
    simulation = Simulation(network([source, cell], [net]))
    rows = simulation.weights(0)
    found = {(int(i), int(j)): w for i, j, w in zip(rows.pre(), rows.post, rows.columns["weight"], strict=True)}
    assert found == {(1, 2): 0.4, (0, 1): 0.2, (1, 0): 0.3, (0, 0): 0.1}


def test_half_a_step_of_delay_is_rounded_up():
    assert delay_steps(np.array([0.1, 0.25, 1.05, 1.15, 1.149]), 0.1, "p").tolist() == [1, 3, 11, 12, 11]
