"""A hub on a session, without PyNN: live spikes do what other spikes do, on any number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine_networks import connect, network, neurons, pair_rule, record, spikes_at
from neurosim.connectivity import Bernoulli
from neurosim.live import Hub
from neurosim.network import WeightProbe
from neurosim.session import Session

RNG = np.random.default_rng(5)
CELLS, TIMES = RNG.integers(0, 20, 150), RNG.uniform(0.0, 98.0, 150)


def described(trains: list[list[float]], plastic: bool = False) -> Any:
    """Twenty sources that drive forty cells at random, which excite each other."""
    source, cells = spikes_at(0, *trains), neurons(1, 40, tau_refrac=2.0)
    rule = pair_rule(w_max=9.0) if plastic else None
    drive = connect(0, source, cells, Bernoulli(0.3), 4.0, 1.3, model="stdp" if plastic else "static", plasticity=rule)
    inner = connect(1, cells, cells, Bernoulli(0.1), 0.7, 0.4)
    probes = (*record(source, "spikes"), *record(cells, "spikes"))
    weights = (WeightProbe(0, "weight", 3.1),) if plastic else ()
    return network([source, cells], [drive, inner], probes, weight_probes=weights)


def injected(threads: int, plastic: bool = False, slice_ms: float = 5.0) -> tuple[Session, list[Any]]:
    session, hub, seen = Session(described([[]] * 20, plastic), threads=threads, slice_ms=slice_ms), Hub(), []
    hub.add_input(0, 20, "in").send(CELLS, TIMES)
    hub.add_output(1, 40, "cells", callback=lambda label, times, cells: seen.append((cells, times)))
    session.live = hub
    session.run_until(100.0)
    return session, seen


def listed(session: Session, population: int) -> list[tuple[int, float]]:
    cells, times = session.spikes(population)
    return list(zip(cells.tolist(), times.tolist(), strict=True))


@pytest.mark.parametrize("plastic", [False, True])
def test_an_array_source_with_the_same_times_gives_the_same_run(plastic: bool) -> None:
    live, _ = injected(1, plastic)
    trains = [sorted(TIMES[cell == CELLS]) for cell in range(20)]
    replayed = Session(described(trains, plastic))
    replayed.run_until(100.0)
    assert listed(live, 0) == listed(replayed, 0)
    cells, times = live.spikes(1)
    again, then = replayed.spikes(1)
    assert len(cells) > 100
    np.testing.assert_array_equal(cells, again)
    np.testing.assert_allclose(times, then, rtol=0, atol=1e-9)
    if plastic:
        np.testing.assert_allclose(live.weight_samples(0)[1], replayed.weight_samples(0)[1], rtol=1e-9)
        np.testing.assert_array_equal(live.weight_samples(0)[0], replayed.weight_samples(0)[0])


def test_threads_and_the_length_of_slices_change_nothing() -> None:
    first = listed(injected(1)[0], 1)
    assert listed(injected(2)[0], 1) == first
    assert listed(injected(3)[0], 1) == first
    other = listed(injected(1, slice_ms=0.7)[0], 1)
    assert [cell for cell, _ in other] == [cell for cell, _ in first]
    np.testing.assert_allclose([time for _, time in other], [time for _, time in first], rtol=0, atol=1e-9)


def test_outputs_have_every_spike_once_slice_by_slice() -> None:
    session, seen = injected(2)
    assert sorted((c, t) for cells, times in seen for c, t in zip(cells.tolist(), times.tolist(), strict=True)) == sorted(
        listed(session, 1)
    )
    ends = [times.max() for _, times in seen]
    assert all(times.min() > end for (_, times), end in zip(seen[1:], ends, strict=False))


def test_without_a_hub_the_length_of_slices_is_of_no_consequence() -> None:
    session = Session(described([[1.0]] * 20), slice_ms=0.1)
    session.run_until(20.0)
    assert session.simulation.slice_steps == 1
    assert session.simulation.realtime.n_slices == 0
