"""Real time is measured as distributions, in memory that does not grow, and waits end when they should."""

from __future__ import annotations

import time

import numpy as np
import pytest

from neurosim.engine.pacing import RealTime, sleep_until
from neurosim.engine.timing import LOWEST_MS, N_BINS, Histogram


def test_quantiles_are_right_to_six_percent() -> None:
    values = np.random.default_rng(1).lognormal(0.0, 2.0, 5000)
    histogram = Histogram()
    for value in values:
        histogram.add(float(value))
    for share in (0.1, 0.5, 0.9, 0.99):
        assert histogram.quantile(share) == pytest.approx(np.quantile(values, share), rel=0.07)
    assert histogram.quantiles()["max"] == values.max()
    assert histogram.n == histogram.counts.sum() == 5000


def test_every_time_has_a_bin_and_lies_within_its_edges() -> None:
    for value in (0.0, 1e-9, LOWEST_MS, 0.3, 1.0, 1e5, 1e12):
        histogram = Histogram()
        histogram.add(value)
        (number,) = np.flatnonzero(histogram.counts)
        assert histogram.edges_ms[number] <= value * (1 + 1e-12)
        assert value < histogram.edges_ms[number + 1] * (1 + 1e-12)
    assert len(Histogram().edges_ms) == N_BINS + 1


def test_no_times_give_zero_and_zeros_stay_zero() -> None:
    histogram = Histogram()
    assert histogram.quantile(0.5) == 0.0
    for _ in range(9):
        histogram.add(0.0)
    histogram.add(7.0)
    assert (histogram.quantile(0.9), histogram.quantile(1.0)) == (0.0, pytest.approx(7.0, rel=0.07))
    assert str(histogram) == "median 0, 90% 0, 99% " + f"{histogram.quantile(0.99):.3g}, max 7 ms"


def test_memory_does_not_grow_with_the_number_of_slices() -> None:
    histogram = Histogram()
    size = histogram.counts.nbytes
    for _ in range(10_000):
        histogram.add(0.25)
    assert histogram.counts.nbytes == size
    assert vars(histogram).keys() == vars(Histogram()).keys()


def test_a_wait_ends_at_its_time_and_sleeps_most_of_it() -> None:
    late, begun = [], time.thread_time()
    for _ in range(20):
        due = time.perf_counter() + 0.005
        sleep_until(due)
        late.append(time.perf_counter() - due)
    assert min(late) >= 0.0
    assert np.quantile(late, 0.25) < 1e-3
    assert time.thread_time() - begun < 0.05  # of 0.1 s


def test_slices_in_time_and_late_ones_are_told_apart() -> None:
    clock = RealTime(slice_ms=2.0)
    clock.start(10.0)
    clock.wait(12.0)
    assert (clock.n_slices, clock.overruns, clock.jitter.n) == (1, 0, 1)
    clock._origin_s -= 0.050
    clock.wait(14.0)
    assert (clock.n_slices, clock.overruns, clock.jitter.n) == (2, 1, 1)
    assert clock.lateness.largest_ms == pytest.approx(48.0, abs=5.0)
    assert clock.late_share == 0.5
    table = clock.table()
    assert (table["slices"], table["late"], table["slice_ms"]) == (2, 1, 2.0)
    assert table["lateness"]["max"] == clock.lateness.largest_ms  # type: ignore[index]
    first, head, *rows = str(clock).splitlines()
    assert first.startswith("real time: 1 of 2 slices late by more than 1 ms (50 %); lateness of all: median")
    assert first.endswith("slices of 2 ms")
    assert head.split() == ["median", "90%", "99%", "max", "ms"]
    assert [row.split()[0] for row in rows] == ["lateness", "work", "jitter"]


def test_a_clock_that_never_ran_has_no_late_slices() -> None:
    assert RealTime().late_share == 0.0
