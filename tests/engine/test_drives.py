"""Poisson sources that only drive: the same process as sources that fire, whatever else happens to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from engine_networks import CURRENT, connect, network, neurons, poisson, record
from neurosim.connectivity import AllToAll, OneToOne
from neurosim.engine import Simulation, drives
from neurosim.network import Network, WeightProbe

N, RATE_HZ = 300, 8000.0


def driven(probes=(), rate=RATE_HZ, rule=None, weight=1e-3, n=N, **source) -> Network:
    cells = neurons(0, n, CURRENT, v_thresh=1e6)
    drive = poisson(1, n, rate)
    drive = replace(drive, parameters={**drive.parameters, **source})
    projections = [connect(0, drive, cells, rule or OneToOne(), weight, 1.5)]
    return network([cells, drive], projections, [*record(cells, "v", interval=0.1), *probes])


def run(net, t_ms=50.0, **options) -> Simulation:
    simulation = Simulation(net, **options)
    simulation.run_until(t_ms)
    return simulation


def test_only_unwatched_one_to_one_static_sources_drive():
    assert drives.candidates(driven()) == {1}
    assert drives.candidates(driven(), watched=[1]) == frozenset()
    assert drives.candidates(driven(rule=AllToAll())) == frozenset()
    assert drives.candidates(driven(rate=1e6)) == frozenset()
    base = driven()
    assert drives.candidates(driven(record(base.populations[1], "spikes"))) == frozenset()
    assert drives.candidates(replace(base, weight_probes=(WeightProbe(0, "weight", 1.0),))) == frozenset()


@pytest.mark.parametrize("mean", [1e-4, 0.03, 0.8, 2.3, 20.0])
def test_counts_are_poisson(mean):
    limits = drives.thresholds(mean).astype(float) / 2.0**32
    k = np.arange(len(limits))
    assert limits == pytest.approx(stats.poisson.cdf(k, mean), abs=2.0**-32 + 1e-12)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_membrane_sees_the_same_mean_and_variance_as_from_spikes(precision):
    seen = {}
    for name, net in (("counts", driven()), ("spikes", driven(record(driven().populations[1], "spikes")))):
        simulation = run(net, 200.0, precision=precision)
        assert bool(simulation.driving) == (name == "counts")
        seen[name] = simulation.samples(0, "v")[2][1000:]
    for statistic in (np.mean, np.var):
        per_cell = {name: statistic(v, axis=0) for name, v in seen.items()}
        error = np.sqrt(sum(v.var() / N for v in per_cell.values()))
        assert abs(per_cell["counts"].mean() - per_cell["spikes"].mean()) < 5 * error


def test_the_number_of_spikes_is_that_of_the_process_and_stays_in_its_window():
    simulation = run(driven(start=10.03, duration=20.0), 50.0)
    counts = simulation.counts(1)
    expected = RATE_HZ * 0.02
    assert counts.mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / N))
    assert counts.var() == pytest.approx(expected, rel=0.5)
    v = simulation.samples(0, "v")[2]
    assert np.all(v[: 101 + 15 + 1] == v[0]) and np.any(v[101 + 15 + 1] > v[0])  # sent at 10.1 ms, there 1.5 ms later, seen a step later


def test_blocks_and_threads_do_not_matter():
    one = run(driven())
    for threads in (2, 3):
        many = run(driven(), threads=threads)
        np.testing.assert_array_equal(one.samples(0, "v")[2], many.samples(0, "v")[2])
        np.testing.assert_array_equal(one.counts(1), many.counts(1))


def test_a_new_rate_holds_from_now_on():
    net = driven()
    simulation = run(net, 30.0)
    before = simulation.counts(1)
    quiet = replace(net.populations[1], parameters={**net.populations[1].parameters, "rate": 0.0})
    simulation.update(replace(net, populations=(net.populations[0], quiet)))
    simulation.run_until(60.0)
    np.testing.assert_array_equal(simulation.counts(1), before)
    v = simulation.samples(0, "v")[2]
    assert np.mean(v[300:314] > v[299:313]) > 0.3  # what was on its way still arrives
    assert np.all(np.diff(v[450:].mean(axis=1)) < 0)


def test_a_source_that_is_recorded_later_goes_on_firing():
    net = driven()
    simulation = run(net, 40.0, threads=2)
    v_before, counts = simulation.samples(0, "v")[2][-1], simulation.counts(1)
    watched = replace(net, probes=(*net.probes, *record(net.populations[1], "spikes")))
    simulation.update(watched)
    simulation.run_until(80.0)
    _, times = simulation.spikes(1)
    assert not simulation.driving and times.min() > 40.0
    expected = N * RATE_HZ * 0.04
    assert len(times) == pytest.approx(expected, abs=5 * np.sqrt(expected))
    np.testing.assert_array_equal(simulation.counts(1) - counts, np.bincount(simulation.spikes(1)[0], minlength=N))
    v = simulation.samples(0, "v")[2]
    assert np.abs(v[401:420].mean(axis=1) - v_before.mean()).max() < 0.2  # no gap, no double drive


def test_reset_draws_the_same_again():
    simulation = run(driven(), 20.0)
    first = simulation.samples(0, "v")[2]
    simulation.reset()
    simulation.run_until(20.0)
    np.testing.assert_array_equal(simulation.samples(0, "v")[2], first)
