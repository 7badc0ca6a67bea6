"""Numbers that describe spike trains."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.compare.statistics import Spikes, correlation, describe, difference


def train(pairs, n_cells=3, duration_ms=1000.0, cells=None):
    indices = np.array([p[0] for p in pairs], np.int64)
    times_ms = np.array([p[1] for p in pairs], float)
    return Spikes("p", np.arange(n_cells) if cells is None else np.asarray(cells), indices, times_ms, duration_ms)


def test_the_rate_is_over_recorded_cells_only():
    assert train([(2, 10.0), (4, 20.0)], cells=[2, 4]).rate_hz() == 1.0


def test_counts_follow_the_recorded_cells():
    assert train([(4, 1.0), (4, 2.0), (7, 3.0)], cells=[2, 4, 7]).counts().tolist() == [0, 2, 1]


def test_a_population_without_spikes_has_rate_zero_and_no_cv():
    silent = train([])
    assert silent.rate_hz() == 0.0
    assert np.isnan(silent.cv_isi())


def test_nothing_recorded_and_nothing_run_have_no_rate():
    assert np.isnan(train([], n_cells=0).rate_hz())
    assert np.isnan(train([], duration_ms=0.0).rate_hz())


def test_regular_spikes_have_cv_zero():
    assert train([(0, t) for t in range(0, 100, 10)]).cv_isi() == pytest.approx(0.0, abs=1e-9)


def test_poisson_spikes_have_cv_one():
    times = np.cumsum(np.random.default_rng(1).exponential(1.0, 20000))
    assert train([(0, t) for t in times], duration_ms=20000.0).cv_isi() == pytest.approx(1.0, abs=0.03)


def test_cv_does_not_mix_the_intervals_of_different_cells():
    pairs = [(0, 0.0), (1, 1.0), (0, 10.0), (1, 21.0), (0, 20.0), (1, 41.0)]
    assert train(sorted(pairs, key=lambda p: p[1])).cv_isi() == pytest.approx(0.0, abs=1e-9)


def test_activity_counts_every_spike_once():
    spikes = train([(0, 0.0), (1, 4.9), (2, 5.0), (0, 1000.0)])
    assert spikes.activity().sum() == 4
    assert spikes.activity()[:2].tolist() == [2, 1]


def test_equal_runs_differ_by_nothing():
    spikes = train([(0, 1.0), (0, 30.0), (1, 7.0)])
    found = difference(spikes, spikes)
    assert found["rate_difference_hz"] == 0
    assert found["spike_difference"] == 0
    assert found["rate_correlation"] == pytest.approx(1.0)
    assert found["activity_correlation"] == pytest.approx(1.0)


def test_correlation_of_a_constant_does_not_exist():
    assert np.isnan(correlation(np.ones(4), np.arange(4)))
    assert np.isnan(correlation(np.arange(3), np.arange(4)))


def test_the_description_has_stable_keys():
    assert list(describe(train([(0, 1.0)]))) == ["population", "n_recorded", "n_spikes", "rate_hz", "cv_isi"]
