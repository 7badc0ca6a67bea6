"""Spikes go in and come out while a simulation runs: from callbacks, from threads, over UDP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim.pynn as backend
from neurosim.errors import LossWarning, NetworkError, ParameterError, StateError, UnknownNameError
from neurosim.live import pack, unpack
from neurosim.pynn import simulator

KICK = 20.0  # nA; one spike makes a cell fire
CELL = {"tau_refrac": 10.0, "tau_syn_E": 1.0}


@pytest.fixture
def live() -> Iterator[Any]:
    yield backend
    simulator.state.clear()


def network(sim: Any, size: int = 5, cell: Any = None, weight: float = KICK, **setup: Any) -> tuple[Any, Any]:
    """Injectors, each driving a cell of its own after 1 ms."""
    sim.setup(timestep=0.1, **{"time_slice": 2.0, **setup})
    injectors = sim.Population(size, sim.SpikeInjector(), label="in")
    cells = sim.Population(size, cell or sim.IF_curr_exp(**CELL), label="out")
    sim.Projection(injectors, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=weight, delay=1.0))
    injectors.record("spikes")
    cells.record("spikes")
    return injectors, cells


def trains(population: Any) -> list[list[float]]:
    segment = population.get_data("spikes").segments[-1]
    return [train.rescale("ms").magnitude.round(6).tolist() for train in segment.spiketrains]


def client() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(3.0)
    return made


# --- real time -----------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("ignore:real time")  # a busy machine may be late; what is tested does not depend on it
def test_a_client_sends_spikes_and_hears_the_answer_within_a_few_slices(live: Any) -> None:
    injectors, cells = network(live, pace="realtime")
    way_in = live.live_input(injectors, port=0)
    with client() as udp, warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)  # a busy machine may be late
        live.live_output(cells, port=udp.getsockname()[1])
        live.run(0.2)  # compiles
        answers: list[Any] = []

        def talk() -> None:
            time.sleep(0.05)
            udp.sendto(pack(way_in.key, [1, 3])[0], way_in.address)
            sent = time.perf_counter()
            answers.append((unpack(udp.recv(2000)), time.perf_counter() - sent))

        thread = threading.Thread(target=talk)
        thread.start()
        live.run(300.0)
        thread.join()
    events, seconds = answers[0]
    assert seconds < 0.5
    assert (events.keys.tolist(), events.indices.tolist()) == ([1, 1], [1, 3])
    sent_at = [train[0] for train in trains(injectors) if train]
    assert len(sent_at) == 2
    assert 0.2 <= sent_at[0] < 300.0
    assert ((events.times_ms - sent_at[0] > 1.0) & (events.times_ms - sent_at[0] < 3.0)).all()
    assert events.times_ms[0] == pytest.approx(trains(cells)[1][0], abs=1e-6)
    assert live.live_report().dropped == 0


@pytest.mark.filterwarnings("ignore:real time")  # a busy machine may be late; what is tested does not depend on it
def test_a_flood_neither_stops_the_run_nor_takes_memory_and_is_counted(live: Any) -> None:
    injectors, _ = network(live, pace="realtime", time_slice=5.0, weight=0.0)
    injectors.recorder.reset()
    way_in = live.live_input(injectors, port=0, capacity=1000)
    live.run(0.2)
    stop, sent = threading.Event(), [0, 0]
    good, bad = pack(way_in.key, np.arange(86) % 5)[0], b"\xff" * 700

    def flood() -> None:
        with client() as udp:
            while not stop.is_set():
                for _ in range(30):
                    udp.sendto(good, way_in.address)
                    udp.sendto(bad, way_in.address)
                sent[0] += 30
                time.sleep(0.0005)

    thread = threading.Thread(target=flood)
    tracemalloc.start()
    thread.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        live.run(100.0)
        before, begun = tracemalloc.get_traced_memory()[0], time.perf_counter()
        live.run(500.0)
        took, grown = time.perf_counter() - begun, tracemalloc.get_traced_memory()[0] - before
    stop.set()
    thread.join()
    tracemalloc.stop()
    report = live.live_report()
    dropped = report.ports[0].dropped
    assert took < 2.0
    assert grown < 3_000_000
    assert report.inputs[0].passed > 2000
    assert report.inputs[0].dropped["queue full"] > 1000
    assert dropped["bad packet"] > 100
    seen = report.ports[0].passed - dropped["bad packet"]
    assert report.inputs[0].passed + report.inputs[0].dropped["queue full"] <= 86 * seen
    assert report.ports[0].passed + dropped.get("lost by the system", 0) <= 2 * sent[0]
    assert simulator.state.session.counts(0).sum() == report.inputs[0].passed


@pytest.mark.filterwarnings("ignore:real time")  # a busy machine may be late; what is tested does not depend on it
def test_ctrl_c_ends_a_real_time_run_and_what_was_recorded_stays(live: Any) -> None:
    injectors, _ = network(live, pace="realtime")
    way_in = live.live_input(injectors, port=0)
    way_in.send([2])
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        live.run(0.2)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            live.run(20_000.0)
    assert 20.0 < live.get_current_time() < 10_000.0
    assert trains(injectors)[2] == [0.0]
    live.end()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("neurosim-live")]


def test_real_time_is_reported_with_its_slices(live: Any) -> None:
    network(live, pace="realtime", time_slice=4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        live.run(40.0)
    report = live.realtime_report()
    assert (report.n_slices, report.slice_ms) == (10, 4.0)
    assert report.work.n == report.lateness.n == 10
    assert "slices late by more than 1 ms" in str(report)


# --- accelerated -----------------------------------------------------------------------------------------
def test_live_spikes_do_what_the_same_spikes_of_an_array_do(live: Any) -> None:
    rng = np.random.default_rng(3)
    cells, times = rng.integers(0, 5, 60), rng.uniform(0.0, 95.0, 60).round(2)
    injectors, answered = network(live)
    live.live_input(injectors).send(cells, times)
    live.run(100.0)
    injected, answers = trains(injectors), trains(answered)
    assert sorted(np.concatenate(injected)) == sorted(times)

    live.setup(timestep=0.1)
    source = live.Population(5, live.SpikeSourceArray(spike_times=[np.array(t) for t in injected]))
    again = live.Population(5, live.IF_curr_exp(**CELL))
    live.Projection(source, again, live.OneToOneConnector(), live.StaticSynapse(weight=KICK, delay=1.0))
    again.record("spikes")
    live.run(100.0)
    assert trains(again) == answers
    assert sum(map(len, answers)) > 10


@pytest.mark.parametrize("threads", [1, 2])
def test_a_closed_loop_of_callbacks_is_the_same_each_time(live: Any, threads: int) -> None:
    injectors, cells = network(live, threads=threads, rng_seed=1)
    heard: list[int] = [0]
    slices: list[tuple[float, float]] = []

    def answer(label: str, t_ms: float, end_ms: float) -> Any:
        slices.append((round(t_ms, 6), round(end_ms, 6)))
        fired, heard[:] = heard[:], []
        return [(cell + 1) % 5 for cell in fired], t_ms + 0.5

    live.live_input(injectors, answer)
    live.live_output(cells, lambda label, times_ms, indices: heard.extend(indices.tolist()))
    live.run(51.0)
    assert slices[:2] == [(0.0, 2.0), (2.0, 4.0)]
    assert slices[-1] == (50.0, 51.0)
    told = sorted((train[i], cell) for cell, train in enumerate(trains(injectors)) for i in range(len(train)))
    assert told == [(0.5 + 4.0 * k, (k + 1) % 5) for k in range(13)]  # round and round: a slice to fire, a slice to answer


def test_a_callback_may_return_cells_alone_or_nothing(live: Any) -> None:
    injectors, _ = network(live)
    live.live_input(injectors, lambda label, t_ms, end_ms: np.array([4]) if t_ms == 4.0 else None)
    live.run(10.0)
    assert trains(injectors) == [[], [], [], [], [4.0]]


def test_output_needs_no_recording_and_keeps_the_order_of_time(live: Any) -> None:
    live.setup(timestep=0.1)
    source = live.Population(3, live.SpikeSourceArray(spike_times=[[2.0], [0.0, 1.0], [1.5, 7.3]]), label="source")
    seen: list[Any] = []
    live.live_output(source, lambda *spikes: seen.append(spikes))
    live.run(10.0)
    assert [label for label, _, _ in seen] == ["source", "source"]
    assert [times.round(6).tolist() for _, times, _ in seen] == [[0.0, 1.0, 1.5, 2.0], [7.3]]
    assert [cells.tolist() for _, _, cells in seen] == [[1, 1, 2, 0], [2]]
    assert live.live_report().outputs[0].passed == 5


def test_spikes_sent_between_runs_fire_when_it_goes_on_and_late_ones_are_counted(live: Any) -> None:
    injectors, _ = network(live)
    way_in = live.live_input(injectors)
    live.run(10.0)
    way_in.send([0])
    way_in.send([1], 9.0)
    way_in.send([2], 12.34)
    with pytest.warns(LossWarning, match=r"live: dropped at Population 'in' \(1 too late\)"):
        live.run(10.0)
    assert trains(injectors) == [[10.0], [], [12.34], [], []]


def test_a_spike_on_its_way_survives_a_change_of_the_network(live: Any) -> None:
    injectors, cells = network(live)
    live.live_input(injectors).send([3], 9.5)
    live.run(10.0)
    extra = live.Population(1, live.IF_curr_exp(**CELL), label="extra")
    live.Projection(cells, extra, live.AllToAllConnector(), live.StaticSynapse(weight=KICK, delay=1.0))
    live.run(10.0)
    assert [len(train) for train in trains(cells)] == [0, 0, 0, 1, 0]


def test_reset_forgets_what_waits(live: Any) -> None:
    injectors, _ = network(live)
    way_in = live.live_input(injectors)
    live.run(5.0)
    way_in.send([1], 8.0)
    live.reset()
    with pytest.warns(LossWarning, match="1 reset"):
        live.run(10.0)
    assert trains(injectors) == [[]] * 5


def test_an_error_in_a_callback_ends_the_run_between_two_slices(live: Any) -> None:
    injectors, cells = network(live)
    way_in = live.live_input(injectors)

    def fail(label: str, times_ms: Any, indices: Any) -> None:
        raise ZeroDivisionError

    out = live.live_output(cells, fail)
    way_in.send([1])
    with pytest.raises(ZeroDivisionError):
        live.run(50.0)
    assert live.get_current_time() < 10.0
    out.callback = None
    live.run(5.0)
    assert len(trains(cells)[1]) == 1


@pytest.mark.parametrize(("chip", "cell"), [("spinnaker", "IF_curr_exp"), ("loihi", "IF_curr_exp"), ("hicann", "IF_cond_exp")])
def test_every_chip_takes_injectors(live: Any, chip: str, cell: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        drive = 1.0 if cell == "IF_cond_exp" else 100.0
        injectors, cells = network(live, chip=chip, cell=getattr(live, cell)(), weight=drive, approximate="all")
        way_in = live.live_input(injectors)
        for t_ms in range(2, 40, 2):
            way_in.send([0, 1], t_ms)
        live.run(60.0)
    assert len(trains(injectors)[1]) == 19
    fired = [len(train) for train in trains(cells)]
    assert min(fired[:2]) > 0
    assert max(fired[2:]) == 0
    named = [loss for loss in live.losses() if loss.what == "speed of the chip"]
    assert len(named) == (chip == "hicann")
    if named:
        assert "10,000 times faster than biology; live spikes come and go at biological pace" in str(named[0])


# --- the life of sockets -----------------------------------------------------------------------------------
@pytest.mark.parametrize("ending", ["end", "setup"])
def test_end_and_setup_close_ports_and_threads(live: Any, ending: str) -> None:
    injectors, cells = network(live)
    number = live.live_input(injectors, port=0).address[1]
    live.live_output(cells, port=9)
    live.run(1.0)
    getattr(live, ending)()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("neurosim-live")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", number))
    assert len(live.live_report().inputs) == (ending == "end")


def test_without_live_populations_there_is_nothing_to_report(live: Any) -> None:
    live.setup()
    assert str(live.live_report()) == "no live input or output"


# --- refusals ------------------------------------------------------------------------------------------------
def test_only_injectors_take_spikes(live: Any) -> None:
    _, cells = network(live)
    with pytest.raises(NetworkError, match=r"Population 'out': cells of type IF_curr_exp do not fire when told to. Use sim.Population\(n"):
        live.live_input(cells)


def test_only_whole_populations_are_live(live: Any) -> None:
    injectors, cells = network(live)
    with pytest.raises(NetworkError, match=r"live_input\(\): PopulationView is not a population. Give a Population, not a view"):
        live.live_input(injectors[:2])
    with pytest.raises(NetworkError, match=r"live_output\(\): Assembly is not a population"):
        live.live_output(injectors + cells, print)


def test_populations_of_an_earlier_setup_are_refused(live: Any) -> None:
    injectors, _ = network(live)
    live.setup()
    with pytest.raises(NetworkError, match=r"Population 'in': belongs to an earlier setup\(\)"):
        live.live_input(injectors)


def test_live_needs_a_setup(live: Any) -> None:
    injectors, _ = network(live)
    live.end()
    with pytest.raises(StateError, match=r"live_input\(\) needs a simulation that was set up"):
        live.live_input(injectors)


def test_an_injector_has_no_parameters_and_takes_no_synapses(live: Any) -> None:
    injectors, cells = network(live)
    with pytest.raises(UnknownNameError, match="unknown parameter 'virtual_key'"):
        live.SpikeInjector(virtual_key=3)
    with pytest.raises(NetworkError):
        live.Projection(cells, injectors, live.OneToOneConnector(), live.StaticSynapse(weight=1.0))


def test_an_accelerated_run_has_no_real_time_report(live: Any) -> None:
    network(live)
    live.run(1.0)
    with pytest.raises(StateError, match=r'this simulation runs as fast as it can. Give setup\(pace="realtime"\)'):
        live.realtime_report()


@pytest.mark.parametrize("value", [0, -1.0, 2000.0, "x", True, float("nan")])
def test_an_impossible_slice_is_refused(live: Any, value: Any) -> None:
    with pytest.raises(ParameterError, match=r"setup\(\): time_slice is .*; it must be above 0 and at most 1000 ms. For example 1.0"):
        live.setup(time_slice=value)


@pytest.mark.slow
def test_the_example_answers_its_spikes() -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "live_loopback.py"
    done = subprocess.run([sys.executable, "-W", "ignore", str(example)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answered = int(done.stdout.split()[0])
    assert answered > 50
    assert "real time:" in done.stdout
