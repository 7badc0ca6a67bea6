"""Time, delivery, recording and thread independence of the engine."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from engine_networks import CONDUCTANCE, CURRENT, DELTA, connect, network, neurons, pairs, poisson, record, spikes_at
from neurosim.connectivity import AllToAll, Bernoulli, FixedTotal
from neurosim.engine import Simulation, carry
from neurosim.errors import LossWarning, ParameterError, UnknownNameError
from neurosim.models import MODELS
from neurosim.network import Current, Population, Selection
from neurosim.session import Session


def balanced(threads=1, seed=3, t_ms=100.0, precision="float64"):
    cells = neurons(0, 200, CONDUCTANCE, v_reset=-60.0, v_rest=-60.0, initial={"v": np.linspace(-60, -50.5, 200)}, cm=0.2)
    drive = poisson(1, 50, 300.0)
    nets = [
        connect(0, cells, cells, Bernoulli(0.1), 0.004, 1.5),
        connect(1, drive, cells, Bernoulli(0.2), 0.006, np.random.default_rng(0).uniform(0.5, 3.0, (50, 200))),
    ]
    simulation = Simulation(
        network([cells, drive], nets, record(cells, "spikes", "v", interval=1.0), seed=seed), threads=threads, precision=precision
    )
    simulation.run_until(t_ms)
    return simulation


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_the_same_seed_gives_the_same_spikes_for_any_number_of_threads(threads):
    one, many = balanced(), balanced(threads)
    assert len(one.spikes(0)[0]) > 200
    np.testing.assert_array_equal(one.spikes(0), many.spikes(0))
    np.testing.assert_array_equal(one.samples(0, "v")[2], many.samples(0, "v")[2])


def test_thousands_that_fire_in_one_step_are_delivered_alike_by_any_number_of_threads():
    """More than are queued together, from two populations of one group: every block has some numbers of both."""
    given, heard, n = [neurons(k, 700, i_offset=9.0) for k in range(2)], neurons(2, 40, v_thresh=1e6), 8000
    rng = np.random.default_rng(4)
    lists = [(rng.integers(0, 700, n), rng.integers(0, 40, n), rng.uniform(0.001, 0.1, n), rng.uniform(0.5, 1.5, n)) for _ in given]
    nets = [connect(k, cells, heard, pairs(*columns), 0.0) for k, (cells, columns) in enumerate(zip(given, lists, strict=True))]
    probes = [*record(given[0], "spikes"), *record(heard, "excitatory.gsyn")]
    runs = [Simulation(network([*given, heard], nets, probes), threads=threads) for threads in (1, 2, 3)]
    for simulation in runs:
        simulation.run_until(6.0)
    fired, found = np.unique(runs[0].spikes(0)[1]), [simulation.samples(2, "excitatory.gsyn")[2] for simulation in runs]
    assert len(runs[0].spikes(0)[0]) == 700 * len(fired) > 0
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
    expected = np.zeros((61, 40))
    for _, post, weight, delay in lists:
        for first_ms in fired:
            arrived = np.ceil(first_ms / 0.1 - 1e-9).astype(int) + np.rint(delay / 0.1).astype(int)
            for step in range(61):
                on = arrived <= step
                expected[step] += np.bincount(post[on], weight[on] * np.exp((arrived[on] - step) * 0.02), minlength=40)
    np.testing.assert_allclose(found[0], expected, rtol=1e-9, atol=1e-12)


def test_two_runs_are_identical_and_another_seed_differs():
    first, again, other = balanced(), balanced(), balanced(seed=4)
    np.testing.assert_array_equal(first.spikes(0), again.spikes(0))
    assert len(first.spikes(0)[0]) != len(other.spikes(0)[0]) or not np.array_equal(first.spikes(0)[1], other.spikes(0)[1])


def test_single_precision_keeps_the_rate():
    assert len(balanced(precision="float32").spikes(0)[0]) == pytest.approx(len(balanced().spikes(0)[0]), rel=0.1)


def test_many_short_runs_equal_one_long_run():
    whole = balanced()
    pieces = balanced(t_ms=0.0)
    for t in (0.1, 7.3, 7.4, 33.3, 100.0):
        pieces.run_until(t)
    np.testing.assert_array_equal(whole.spikes(0), pieces.spikes(0))
    np.testing.assert_array_equal(whole.samples(0, "v")[2], pieces.samples(0, "v")[2])


def test_a_spike_acts_exactly_one_delay_later():
    source, cell = spikes_at(0, [1.0]), neurons(1, 1, DELTA)
    simulation = Simulation(network([source, cell], [connect(0, source, cell, AllToAll(), 3.0, 2.3)], record(cell, "v")))
    simulation.run_until(5.0)
    _, times, v = simulation.samples(1, "v")
    assert len(times) == 51
    after = times > 3.3 - 0.05
    np.testing.assert_allclose(v[~after, 0], -65.0, atol=1e-12)
    np.testing.assert_allclose(v[after, 0], -65.0 + 3.0 * np.exp(-(times[after] - 3.3) / 20.0), atol=1e-12)


def test_a_source_spike_at_zero_is_delivered():
    source, cell = spikes_at(0, [0.0]), neurons(1, 1, DELTA)
    simulation = Simulation(
        network([source, cell], [connect(0, source, cell, AllToAll(), 3.0, 0.1)], record(cell, "v") + record(source, "spikes"))
    )
    simulation.run_until(1.0)
    assert simulation.samples(1, "v")[2][1, 0] == pytest.approx(-62.0, abs=1e-9)
    np.testing.assert_array_equal(simulation.spikes(0)[1], [0.0])


def test_source_spikes_between_steps_are_recorded_as_given():
    source = spikes_at(0, [0.05, 0.07, 1.234], [])
    simulation = Simulation(network([source], probes=record(source, "spikes")))
    simulation.run_until(2.0)
    np.testing.assert_allclose(simulation.spikes(0)[1], [0.05, 0.07, 1.234], atol=1e-12)
    np.testing.assert_array_equal(simulation.counts(0), [3, 0])


def test_multapses_add_up_and_inhibition_is_negative():
    source, cell = spikes_at(0, [1.0]), neurons(1, 2, DELTA)
    nets = [
        connect(0, source, cell, pairs([0, 0, 0], [0, 0, 1]), 2.0),
        connect(1, source, cell, pairs([0], [1]), -1.5, receptor="inhibitory"),
    ]
    simulation = Simulation(network([source, cell], nets, record(cell, "v")))
    simulation.run_until(2.0)
    np.testing.assert_allclose(simulation.samples(1, "v")[2][-1], [-61.0, -64.5], atol=1e-9)


def test_changed_parameters_keep_the_state():
    cell = neurons(0, 1, i_offset=0.1)
    old = network([cell], probes=record(cell, "v"))
    simulation = Simulation(old)
    simulation.run_until(10.0)
    simulation.update(network([neurons(0, 1, i_offset=0.0)], probes=old.probes))
    simulation.run_until(20.0)
    _, times, v = simulation.samples(0, "v")
    peak = -65.0 + 2.0 * (1 - np.exp(-10.0 / 20.0))
    assert len(times) == 201
    assert v[100, 0] == pytest.approx(peak, abs=1e-9)
    assert v[200, 0] == pytest.approx(-65.0 + (peak + 65.0) * np.exp(-0.5), abs=1e-9)


@pytest.mark.parametrize(("model", "variable"), [("adex", "w"), ("izhikevich", "u"), ("hh", "m"), ("hh", "h"), ("hh", "n")])
def test_every_variable_of_a_membrane_can_be_set_between_runs_and_read(model, variable):
    def cell(value):
        return Population(0, "cell", 2, model, MODELS[model].defaults(), CONDUCTANCE, {"v": -65.0, variable: value})

    probes = record(cell(0.0), variable)
    simulation = Simulation(network([cell(0.1)], probes=probes))
    simulation.run_until(1.0)
    simulation.update(network([cell(0.25)], probes=probes))
    np.testing.assert_array_equal(simulation.state(0, variable), 0.25)
    simulation.run_until(2.0)
    assert simulation.samples(0, variable)[2][0].tolist() == [0.1, 0.1]


def test_a_new_population_does_not_disturb_what_runs():
    whole = balanced()
    part = balanced(t_ms=40.0)
    old = part.network
    extra = neurons(2, 3, CURRENT)
    part.update(network([*old.populations, extra], old.projections, old.probes, seed=old.seed))
    part.run_until(100.0)
    np.testing.assert_array_equal(whole.spikes(0), part.spikes(0))


@pytest.mark.parametrize("threads", [1, 2])
def test_cells_that_stay_where_they_are_go_on_as_if_they_were_written_anew(threads, monkeypatch):
    source, noise, cells = spikes_at(0, [1.0, 5.0, 5.4, 9.0]), poisson(1, 20, 500.0), neurons(2, 300, CURRENT, i_offset=0.8)
    step = Current(0, "step", {"times": np.array([0.0]), "amplitudes": np.array([0.5])}, Selection(((2, np.arange(3)),)))
    first = [connect(0, source, cells, AllToAll(), 0.3, 2.0), connect(1, noise, cells, FixedTotal(900), 0.2, 1.5)]
    added = connect(2, cells, cells, FixedTotal(3000), 0.05, 1.0)
    probes, found = (*record(cells, "v", "spikes"), *record(noise, "spikes")), []
    for kept in (True, False):
        if not kept:
            monkeypatch.setattr(carry, "_same_cells", lambda *_: False)
        simulation = Simulation(network([source, noise, cells], first, probes, currents=(step,)), threads=threads)
        simulation.run_until(5.0)
        state = simulation.program.cells.state
        simulation.update(network([source, noise, cells], [*first, added], probes, currents=(step,)))
        assert (simulation.program.cells.state is state) == kept
        simulation.run_until(30.0)
        found.append((*simulation.spikes(1), *simulation.spikes(2), *simulation.samples(2, "v"), simulation.counts(2)))
    assert len(found[0][2]) > 300
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_changed_spike_times_take_effect():
    source = spikes_at(0, [1.0, 5.0])
    probes = record(source, "spikes")
    simulation = Simulation(network([source], probes=probes))
    simulation.run_until(3.0)
    simulation.update(network([spikes_at(0, [2.0, 3.0, 4.0])], probes=probes))
    simulation.run_until(10.0)
    np.testing.assert_allclose(simulation.spikes(0)[1], [1.0, 3.0, 4.0])


def test_reset_repeats_the_run_exactly():
    simulation = balanced()
    first = simulation.spikes(0)
    simulation.reset()
    assert simulation.t_ms == 0.0 and len(simulation.spikes(0)[0]) == 0
    simulation.run_until(100.0)
    np.testing.assert_array_equal(first, simulation.spikes(0))


def test_a_step_current_is_constant_within_steps_and_recorded():
    cell = neurons(0, 2)
    current = Current(
        0, "step", {"times": np.array([1.0, 2.0]), "amplitudes": np.array([0.5, 0.0])}, Selection(((0, np.array([1])),)), recorded=True
    )
    simulation = Simulation(network([cell], probes=record(cell, "v"), currents=(current,)))
    simulation.run_until(3.0)
    times, values = simulation.currents(0)
    np.testing.assert_allclose(values, np.where((times > 0.95) & (times < 1.95), 0.5, 0.0))
    v = simulation.samples(0, "v")[2]
    np.testing.assert_allclose(v[:, 0], -65.0)
    assert v[20, 1] == pytest.approx(-65.0 + 10.0 * (1 - np.exp(-1.0 / 20.0)), abs=1e-9)


def test_poisson_sources_have_their_rate_and_stay_in_their_window():
    source = poisson(0, 400, 50.0, start=100.0, duration=500.0)
    simulation = Simulation(network([source], probes=record(source, "spikes")))
    simulation.run_until(1000.0)
    times = simulation.spikes(0)[1]
    assert times.min() >= 100.0 and times.max() < 600.0
    assert len(times) == pytest.approx(400 * 25, rel=0.04)


def test_ctrl_c_stops_cleanly_and_keeps_what_was_recorded():
    simulation = balanced(t_ms=1.0)
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        simulation.run_until(1e6)
    _, times = simulation.spikes(0)
    assert simulation.interrupted and 1.0 < simulation.t_ms < 1e6
    assert times.max() <= simulation.t_ms
    now = simulation.t_ms
    simulation.run_until(now + 5.0)
    assert simulation.t_ms == pytest.approx(now + 5.0)


def test_real_time_takes_as_long_as_biology():
    cell = neurons(0, 2)
    simulation = Simulation(network([cell]), pace="realtime")
    simulation.run_until(1.0)
    before = simulation.wall_s["run"]
    simulation.run_until(201.0)
    assert 0.19 < simulation.wall_s["run"] - before < 1.0
    assert simulation.realtime.n_slices > 10
    assert "slices late" in str(simulation.realtime)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "precision 'float16' is not known"),
        ({"threads": 0}, "number of threads is 0; it must be 1 to"),
        ({"pace": "slow"}, "pace 'slow' is not known"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        Simulation(network([neurons(0, 1)]), **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda n: network([spikes_at(0, [2.0], [3.0, 1.0])]),
            "Population 's0', cell 1: spike times are not sorted: 1 ms comes after 3 ms",
        ),
        (lambda n: network([spikes_at(0, [-1.0])]), "Population 's0', cell 0: spike time -1 ms is negative"),
        (lambda n: network([spikes_at(0, [np.nan])]), "Population 's0', cell 0: spike_times is nan"),
        (lambda n: network([n], dt=0.0), "time step 0.0 ms is not positive"),
        (lambda n: network([n], [connect(0, n, n, AllToAll(), 0.1, 0.01)]), "delays are below the time step"),
        (lambda n: network([n], probes=record(n, "v", interval=0.15)), "not a multiple of the time step"),
    ],
)
def test_impossible_networks_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        Simulation(change(neurons(0, 2)))


def test_an_unknown_variable_is_refused_with_the_known_ones():
    cell = neurons(0, 1)
    with pytest.raises(UnknownNameError, match="unknown variable to record 'q'"):
        Simulation(network([cell], probes=record(cell, "q")))


def test_a_late_real_time_run_says_so_once():
    session = Session(network([neurons(0, 3)]), pace="realtime")
    realtime = session.simulation.realtime
    realtime.overruns, realtime.n_slices = 3, 10
    for late_ms in [0.0] * 7 + [1.5, 2.0, 9000.0]:
        realtime.lateness.add(late_ms)
    with pytest.warns(
        LossWarning, match=r"real time: \d of \d+ slices late by more than 1 ms .*; lateness of all: median 0, .* max 9e\+03 ms"
    ):
        session.run_until(2.0)
    session.run_until(3.0)


def test_pieces_taken_with_clear_join_without_repeating_a_sample():
    simulation = Simulation(network([neurons(0, 1, i_offset=0.5)], probes=record(neurons(0, 1), "v")))
    times = []
    for t in (10.0, 20.0, 30.0):
        simulation.run_until(t)
        times.append(simulation.samples(0, "v")[1])
        simulation.clear(0)
    np.testing.assert_allclose(np.concatenate(times), np.arange(301) * 0.1, atol=1e-9)


@pytest.mark.parametrize("begun", [False, True])
def test_a_spike_at_zero_goes_out_once_when_the_network_changes_before_the_first_step(begun):
    source = spikes_at(0, [0.0, 1.0])
    probes = record(source, "spikes")
    simulation = Simulation(network([source], probes=probes))
    if begun:
        simulation.run_until(0.0)
    simulation.update(network([source, neurons(1, 2)], probes=probes))
    simulation.run_until(2.0)
    np.testing.assert_array_equal(simulation.spikes(0)[1], [0.0, 1.0])
