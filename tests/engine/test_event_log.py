"""All spikes are kept for the cost of a run: recorded or not, of sources that only drive too, across changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine_networks import CURRENT, connect, network, neurons, poisson, record
from neurosim.connectivity import AllToAll, OneToOne
from neurosim.engine import Simulation, drives, event_log, state
from neurosim.network import Network

N = 40


def driven(probes=()) -> Network:
    """Neurons with a source each, and others that the first excite."""
    cells, drive, more = neurons(0, N, CURRENT), poisson(1, N, 4000.0), neurons(2, 7, CURRENT)
    rows = [connect(0, drive, cells, OneToOne(), 0.5, 1.5), connect(1, cells, more, AllToAll(), 0.3, 0.5)]
    return network([cells, drive, more], rows, probes)


def started(net, **options) -> Simulation:
    simulation = Simulation(net, **options)
    event_log.begin(simulation)
    return simulation


def counted(simulation) -> dict[int, list[int]]:
    fired = event_log.fired(simulation)
    sizes = {p.id: p.size for p in simulation.network.populations}
    return {k: np.bincount(fired[k][1], minlength=n).tolist() if k in fired else [0] * n for k, n in sizes.items()}


def counts(simulation) -> dict[int, list[int]]:
    return {p.id: simulation.counts(p.id).tolist() for p in simulation.network.populations}


def in_order(pair) -> list[tuple[int, int]]:
    return sorted(zip(*(column.tolist() for column in pair), strict=True))


@pytest.mark.parametrize("threads", [1, 2])
def test_every_spike_is_kept_though_nothing_is_recorded(threads):
    simulation = started(driven(), threads=threads)
    simulation.run_until(30.0)
    simulation.run_until(50.0)
    assert simulation.driving == {1}
    assert counted(simulation) == counts(simulation)
    assert min(map(sum, counts(simulation).values())) > 0


def test_steps_are_those_of_the_recorded_times():
    net = driven()
    net = replace(net, probes=tuple(probe for p in net.populations for probe in record(p, "spikes")))
    simulation = started(net)
    simulation.run_until(50.0)
    for population, (steps, cells) in event_log.fired(simulation).items():
        index, times = simulation.spikes(population)
        expected = np.maximum(np.ceil(times / net.dt - 1e-9).astype(np.int64) - 1, 0)
        assert in_order((steps, cells)) == in_order((expected, index))


def test_keeping_spikes_changes_none():
    plain, kept = Simulation(driven()), started(driven())
    for simulation in (plain, kept):
        simulation.run_until(50.0)
    assert counts(plain) == counts(kept)


def test_spikes_of_drives_are_drawn_again_step_by_step():
    net = driven()
    simulation = started(net)
    simulation.run_until(20.0)
    steps, cells = event_log.fired(simulation)[1]
    for step in (0, 7, 150):
        drawn = drives.counts(net, net.populations[1], simulation.rates[1], step + 1, step + 1)
        assert np.bincount(cells[steps == step], minlength=N).tolist() == drawn.tolist()


def test_the_log_goes_on_when_layouts_change_and_drives_end():
    net = driven()
    simulation = started(net)
    simulation.run_until(20.0)
    extra = neurons(3, 5, CURRENT)
    rows = [*net.projections, connect(2, net.populations[0], extra, AllToAll(), 0.5, 0.5)]
    grown = replace(net, populations=(*net.populations, extra), projections=tuple(rows))
    simulation.update(grown)
    simulation.run_until(35.0)
    simulation.update(replace(grown, probes=tuple(record(net.populations[1], "spikes"))))
    assert simulation.driving == frozenset()
    simulation.run_until(50.0)
    assert counted(simulation) == counts(simulation)


def test_the_log_can_begin_anew():
    simulation = started(driven())
    simulation.run_until(20.0)
    before = counts(simulation)
    assert simulation.recordings.log is not None
    simulation.recordings.log.begin(simulation.step)
    assert counted(simulation) == {0: [0] * N, 1: [0] * N, 2: [0] * 7}
    simulation.run_until(45.0)
    steps = np.concatenate([steps for steps, _ in event_log.fired(simulation).values()])
    assert (steps.min(), steps.max() < 250) == (0, True)
    after = counts(simulation)
    assert counted(simulation) == {k: (np.array(after[k]) - before[k]).tolist() for k in after}


def test_a_loaded_state_is_counted_from_there(tmp_path):
    whole = started(driven())
    whole.run_until(20.0)
    before = counts(whole)
    state.save(whole, tmp_path / "a.state")
    whole.run_until(40.0)
    loaded = started(driven())
    state.load(loaded, state.read(tmp_path / "a.state", loaded.network, precision="float64"))
    loaded.run_until(40.0)
    after = counts(whole)
    assert counted(loaded) == {k: (np.array(after[k]) - before[k]).tolist() for k in after}


def test_a_change_that_fails_leaves_the_log_as_it_was(monkeypatch):
    simulation = started(driven())
    simulation.run_until(20.0)
    monkeypatch.setattr("neurosim.engine.stores.build", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        simulation.update(replace(driven(), probes=tuple(record(driven().populations[1], "spikes"))))
    monkeypatch.undo()
    assert counted(simulation) == counts(simulation)
