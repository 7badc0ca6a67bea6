"""STDP weights against a slow, obvious model, for every dependence, delay and history."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from engine_networks import DELTA, connect, network, neurons, pair_rule, pairs, record, spikes_at
from neurosim.connectivity import AllToAll
from neurosim.engine import Simulation, plastic_store
from neurosim.errors import StateError
from neurosim.network import Plasticity, WeightProbe

END_MS = 200.0
RULES = {
    "additive": pair_rule(A_plus=0.06, A_minus=0.07),
    "multiplicative": pair_rule(dependence="multiplicative", A_plus=0.06, A_minus=0.07, w_min=0.1, tau_plus=12.0),
    "mixed": pair_rule(dependence="additive_multiplicative", A_plus=0.06, A_minus=0.07, tau_minus=33.0),
    "gutig": pair_rule(dependence="gutig", A_plus=0.06, A_minus=0.07, mu_plus=0.3, mu_minus=0.7),
    "power_law": Plasticity("pair", "power_law", 15.0, 30.0, 0.1, 0.02, 0.0, np.inf, mu_plus=0.4, w_0=0.2),
}


def slow_weight(pre_ms, post_ms, weight, rule, delay, until):
    """Event by event, all pairs, at the times at which spikes pass the synapse."""
    f = rule.dendritic_delay_fraction
    before = {0: [], 1: []}
    for t, is_post in passages(pre_ms, post_ms, f, delay):
        slack = -1e-6 if is_post and not post_first(f, delay) else 1e-6
        if t > until - f * delay + slack:
            continue
        tau = rule.tau_plus if is_post else rule.tau_minus
        trace = sum(exp((s - t) / tau) for s in before[1 - is_post] if s < t - 1e-6)
        before[is_post].append(t)
        if rule.dependence == "power_law":
            change = rule.A_plus * rule.w_0 * (weight / rule.w_0) ** rule.mu_plus if is_post else -rule.A_minus * weight
        else:
            span = rule.w_max - rule.w_min
            room = max((rule.w_max - weight if is_post else weight - rule.w_min) / span, 0.0)
            change = span * (rule.A_plus * room**rule.mu_plus if is_post else -rule.A_minus * room**rule.mu_minus)
        weight = min(max(weight + change * trace, rule.w_min), rule.w_max)
    return weight


def passages(pre_ms, post_ms, f, delay):
    """When spikes pass the synapse, and whether they are postsynaptic, in the order in which they count."""
    events = [(round(t + (1 - f) * delay, 6), False) for t in pre_ms] + [(round(t + f * delay, 6), True) for t in post_ms]
    return sorted(events, key=lambda event: (event[0], event[1] != post_first(f, delay)))


def post_first(f, delay, dt_ms=0.1):
    """Whether of a tie the postsynaptic spike counts first: as in NEST, wherever the dendrite takes a step."""
    return 2 * f * delay > dt_ms - 1e-9


def trains(rng, n, mean_ms, burst=0):
    """Random trains on the grid; the first one has a burst of ``burst`` spikes, one every step."""
    found = []
    for i in range(n):
        ticks = np.unique(np.cumsum(np.maximum(rng.exponential(mean_ms * 10, 2000).astype(int), 1)))
        ticks = ticks[(ticks > 9) & (ticks < 10 * END_MS - 80)]
        if burst and i == 0:
            ticks = np.union1d(ticks, 700 + np.arange(burst))
        found.append(ticks / 10.0)
    return found


def forced_network(seed, rules, *, burst=0, n_pre=6, n_post=5, at=60):
    """Plastic projections between given trains: a strong synapse makes each target fire when its train says."""
    rng = np.random.default_rng(seed)
    pre_ms, post_ms = trains(rng, n_pre, 13.0), trains(rng, n_post, 11.0, burst)
    source, force = spikes_at(0, *pre_ms), spikes_at(1, *(t - 0.1 for t in post_ms))
    cells = neurons(2, n_post, DELTA, tau_refrac=0.05, v_thresh=5e3)
    nets = [connect(0, force, cells, pairs(range(n_post), range(n_post)), 1e4, 0.1)]
    for number, rule in enumerate(rules, start=1):
        ends = rng.integers(0, (n_pre, n_post), (at, 2))
        ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
        delay, weight = rng.integers(1, 40, at) / 10.0, rng.uniform(0.15, 0.9, at)
        table = pairs(ends[:, 0], ends[:, 1], weight, delay)
        nets.append(connect(number, source, cells, table, 0.0, 1.0, model="stdp", plasticity=rule))
    return network([source, force, cells], nets, record(cells, "spikes")), pre_ms, post_ms


def expected_weights(rows, pre_ms, post_ms, rule, until, start=None):
    first = rows.columns["weight"] if start is None else start
    ends = zip(rows.pre(), rows.post, first, rows.columns["delay"], strict=True)
    return [slow_weight(pre_ms[i], post_ms[j], w, rule, d, until) for i, j, w, d in ends]


def check_forced(simulation, post_ms):
    cells, times = simulation.spikes(2)
    for j, train in enumerate(post_ms):
        np.testing.assert_allclose(times[cells == j], train, atol=1e-9)


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
@pytest.mark.parametrize("fraction", [0.0, 0.37, 0.5, 1.0])
def test_every_dependence_equals_the_slow_model(fraction, precision, tolerance):
    rules = [plastic_rule(name, fraction) for name in RULES]
    net, pre_ms, post_ms = forced_network(7, rules)
    simulation = Simulation(net, precision=precision)
    first = [simulation.weights(number) for number in range(1, len(rules) + 1)]
    for until in (90.0, END_MS):  # weights are read in mid-run, too
        simulation.run_until(until)
        for number, rule in enumerate(rules, start=1):
            expected = expected_weights(first[number - 1], pre_ms, post_ms, rule, until)
            np.testing.assert_allclose(simulation.weights(number).columns["weight"], expected, rtol=tolerance, atol=tolerance)
    check_forced(simulation, post_ms)


def plastic_rule(name, fraction):
    rule = RULES[name]
    names = ("timing", "dependence", "tau_plus", "tau_minus", "A_plus", "A_minus", "w_min", "w_max", "mu_plus", "mu_minus")
    return Plasticity(*(getattr(rule, n) for n in names), dendritic_delay_fraction=fraction, w_0=rule.w_0)


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_bursts_longer_than_the_history_are_not_forgotten(fraction):
    rules = [plastic_rule("power_law", fraction), plastic_rule("additive", fraction)]
    net, pre_ms, post_ms = forced_network(3, rules, burst=5 * plastic_store.HISTORY + 150)
    simulation = Simulation(net)
    first = [simulation.weights(number) for number in (1, 2)]
    simulation.run_until(END_MS)
    check_forced(simulation, post_ms)
    for number, rule in enumerate(rules, start=1):
        expected = expected_weights(first[number - 1], pre_ms, post_ms, rule, END_MS)
        np.testing.assert_allclose(simulation.weights(number).columns["weight"], expected, rtol=1e-11)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_weights_do_not_depend_on_threads_or_on_being_looked_at(precision):
    rules = [plastic_rule("power_law", 1.0), plastic_rule("gutig", 0.37)]
    net, _, _ = forced_network(11, rules, n_pre=9, n_post=90, at=3000)
    probed = network(net.populations, net.projections, net.probes, weight_probes=(WeightProbe(1, "weight", 7.0),))
    found = []
    for watched, threads in ((net, 1), (net, 2), (net, 3), (net, 4), (probed, 2)):
        simulation = Simulation(watched, threads=threads, precision=precision)
        simulation.run_until(END_MS)
        found.append([simulation.weights(number).columns["weight"] for number in (1, 2)])
    assert len(np.unique(found[0][0])) > 1000
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("threads", [1, 2])
def test_learning_goes_on_after_weights_are_set_and_the_network_grows(threads):
    rules = [plastic_rule("power_law", 0.37), plastic_rule("multiplicative", 0.37)]
    net, pre_ms, post_ms = forced_network(5, rules)
    simulation = Simulation(net, threads=threads)
    first = [simulation.weights(number) for number in (1, 2)]
    simulation.run_until(100.0)
    now = simulation.weights(1)
    table = pairs(now.pre(), now.post, np.full(now.size, 0.4), now.columns["delay"])
    changed = connect(1, net.populations[0], net.populations[2], table, 0.0, 1.0, model="stdp", plasticity=rules[0])
    simulation.update(network([*net.populations, neurons(3, 2)], [net.projections[0], changed, net.projections[2]], net.probes))
    np.testing.assert_array_equal(simulation.weights(1).columns["weight"], 0.4)
    simulation.run_until(END_MS)
    expected = expected_weights(first[1], pre_ms, post_ms, rules[1], END_MS)
    np.testing.assert_allclose(simulation.weights(2).columns["weight"], expected, rtol=1e-12)
    expected = [
        after_setting(pre_ms[i], post_ms[j], 0.4, rules[0], d, 100.0)
        for i, j, d in zip(now.pre(), now.post, np.asarray(now.columns["delay"]), strict=True)
    ]
    np.testing.assert_allclose(simulation.weights(1).columns["weight"], expected, rtol=1e-12)


def after_setting(pre_ms, post_ms, weight, rule, delay, set_ms):
    """Weight at the end if it is set to ``weight`` at ``set_ms``: traces remain, changes so far do not."""
    f = rule.dendritic_delay_fraction
    before = {0: [], 1: []}
    for t, is_post in passages(pre_ms, post_ms, f, delay):
        trace = sum(exp((s - t) / (rule.tau_plus if is_post else rule.tau_minus)) for s in before[1 - is_post] if s < t - 1e-6)
        before[is_post].append(t)
        counted = t + f * delay < set_ms + (-1e-6 if is_post and not post_first(f, delay) else 1e-6)
        if counted or t > END_MS - f * delay:
            continue
        change = rule.A_plus * rule.w_0 * (weight / rule.w_0) ** rule.mu_plus if is_post else -rule.A_minus * weight
        weight += change * trace
    return weight


def test_a_plastic_synapse_takes_six_or_ten_bytes():
    source, cells = spikes_at(0, *([1.0] for _ in range(50))), neurons(1, 40, DELTA)
    nets = [connect(0, source, cells, AllToAll(), 0.5, 1.0, model="stdp", plasticity=pair_rule())]
    for precision, size in (("float32", 6), ("float64", 10)):
        store = Simulation(network([source, cells], nets), precision=precision).stores.plastic
        assert store.target.nbytes + store.weight.nbytes == 2000 * size
        assert len(store.table) == 50


def test_more_spikes_a_step_than_the_history_holds_is_an_error():
    net, _, _ = forced_network(2, [plastic_rule("additive", 1.0)])
    simulation = Simulation(net)
    simulation.program.dynamic.plastic.overflow[0] = 3
    with pytest.raises(StateError, match="fired more often within two dendritic delays than the STDP store holds"):
        simulation.run_until(1.0)
