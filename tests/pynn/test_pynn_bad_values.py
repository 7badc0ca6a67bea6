"""Values of a wrong kind, and calls at a wrong time, are refused with what to give instead; times off the grid add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurosim.connectivity import steps
from neurosim.errors import NetworkError, NeurosimError, ParameterError, SocketError, StateError, UnknownNameError
from neurosim.live import Hub
from neurosim.network import Network, Population
from neurosim.pynn import clock, simulator
from neurosim.session import Session


def injectors(sim: Any) -> Any:
    sim.setup(timestep=0.1, time_slice=2.0)
    return sim.Population(3, sim.SpikeInjector(), label="in")


def with_callback(sim: Any, found: Any) -> None:
    sim.live_input(injectors(sim), lambda *_: found)
    sim.run(4.0)


def delayed(sim: Any, delay: float) -> None:
    sim.setup(timestep=0.1)
    cells = sim.Population(3, sim.IF_curr_exp())
    sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=delay), label="link")
    sim.run(0.1)


def sampled(sim: Any, interval: Any) -> None:
    sim.setup(timestep=0.1)
    sim.Population(3, sim.IF_curr_exp(), label="exc").record("v", sampling_interval=interval)


NUMBER = r"must be a positive number of ms"
CASES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "timestep None": (lambda sim: sim.setup(timestep=None), rf"timestep is None; it {NUMBER}\. For example 0\.1"),
    "timestep a list": (lambda sim: sim.setup(timestep=[0.1]), rf"timestep is \[0\.1\]; it {NUMBER}"),
    "timestep auto": (lambda sim: sim.setup(timestep="auto"), rf"timestep is 'auto'; it {NUMBER}"),
    "timestep beyond numbers": (lambda sim: sim.setup(timestep=10**400), rf"; it {NUMBER}"),
    "min_delay None": (lambda sim: sim.setup(min_delay=None), rf"min_delay is None; it {NUMBER} or 'auto'\. Leave it out"),
    "max_delay None": (lambda sim: sim.setup(max_delay=None), rf"max_delay is None; it {NUMBER} or 'auto'"),
    "max_delay a list": (lambda sim: sim.setup(max_delay=[1.0, 2.0]), rf"max_delay is \[1\.0, 2\.0\]; it {NUMBER} or 'auto'"),
    "approximate a number": (lambda sim: sim.setup(approximate=5), r"approximate=5 is no name of an approximation, and no list of them"),
    "approximate numbers": (lambda sim: sim.setup(chip="loihi", approximate=[5]), r"approximate=\[5\] is no name of an approximation"),
    "delay infinite": (lambda sim: delayed(sim, float("inf")), r"link.*: a delay is infinite\. Give finite delays"),
    "no size": (lambda sim: sim.Population(None, sim.IF_curr_exp(), label="p"), r"'p': a population of None cells cannot be made"),
    "size a word": (lambda sim: sim.Population("7", sim.IF_curr_exp()), r"a population of '7' cells cannot be made"),
    "size infinite": (lambda sim: sim.Population(float("inf"), sim.IF_curr_exp()), r"a population of inf cells cannot be made"),
    "empty grid": (lambda sim: sim.Population((3, 0), sim.IF_curr_exp()), r"a population of \(3, 0\) cells cannot be made"),
    "interval a word": (lambda sim: sampled(sim, "x"), r"Population 'exc': sampling_interval='x' is not a finite number of ms"),
    "interval infinite": (lambda sim: sampled(sim, float("inf")), r"sampling_interval=inf is not a finite number of ms"),
    "time true": (lambda sim: sim.run(True), r"run\(\): True is not a time"),
    "host a number": (lambda sim: sim.live_input(injectors(sim), host=5), r"host=5 is no name or address of a machine"),
    "host of an output": (lambda sim: sim.live_output(injectors(sim), port=5000, host=None), r"host=None is no name or address"),
    "capacity": (lambda sim: sim.live_input(injectors(sim), capacity=10**12), r"capacity=1000000000000 is not a whole number from 1"),
    "times a word": (lambda sim: with_callback(sim, ([1], "x")), r"'in': times_ms cannot be an array of numbers: 'x'"),
    "cells of unequal length": (lambda sim: with_callback(sim, [[1], [1, 2]]), r"'in': indices cannot be an array of numbers"),
    "a tuple of three": (lambda sim: with_callback(sim, (1, 2, 0)), r"'in': its callback gave back a tuple of 3\. Give a list"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_value_of_a_wrong_kind_is_refused(case: str, sim: Any) -> None:
    action, text = CASES[case]
    sim.setup(timestep=0.1)
    with pytest.raises((ParameterError, NetworkError), match=text) as caught:
        action(sim)
    assert caught.value.remedy


def test_a_host_that_no_name_can_be_is_refused(sim: Any) -> None:
    for way in (sim.live_input, sim.live_output):
        with pytest.raises(SocketError, match=r"nothing can listen there|the host is not known"):
            way(injectors(sim), port=9999, host="a" * 70)


@pytest.mark.parametrize("chip", [None, "ideal"])
def test_an_approximation_that_no_chip_has_is_refused_without_a_chip_too(chip: Any, sim: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"setup\(\): unknown approximation 'bogus'"):
        sim.setup(chip=chip, approximate="bogus")
    sim.setup(chip=chip, approximate=["conductance"])
    sim.setup(chip=chip, approximate=None)


# --- calls from inside a live callback -------------------------------------------------------------
CALLS = {
    "reset": lambda sim: sim.reset(),
    "run": lambda sim: sim.run(1.0),
    "run_until": lambda sim: sim.run_until(100.0),
    "setup": lambda sim: sim.setup(),
    "save_state": lambda sim: sim.save_state("never.state"),
    "load_state": lambda sim: sim.load_state("never.state"),
}


@pytest.mark.parametrize("way", ["in", "out"])
@pytest.mark.parametrize("name", CALLS)
def test_a_live_callback_cannot_change_the_run_that_calls_it(name: str, way: str, sim: Any) -> None:
    cells = injectors(sim)
    cells.record("spikes")
    calls = [CALLS[name]]

    def callback(*_: Any) -> None:
        if calls:
            calls.pop()(sim)

    entry = sim.live_input(cells, callback if way == "in" else None)
    if way == "out":
        sim.live_output(cells, callback)
    entry.send([1, 2])
    with pytest.raises(StateError, match=rf"{name}\(\): a live callback cannot call this.* do it after run\(\) has returned") as caught:
        sim.run(10.0)
    assert caught.value.remedy
    sim.run_until(10.0)
    assert len(cells.spikes()[0]) == 2
    sim.reset()
    sim.run(1.0)
    assert sim.get_current_time() == 1.0


@pytest.mark.parametrize("call", [lambda session: session.reset(), lambda session: session.run_until(50.0)])
def test_a_session_cannot_be_run_or_reset_by_its_own_callback(call: Any) -> None:
    session = Session(Network(0.1, 1, (Population(0, "in", 1, "array_source", spike_times=(np.empty(0),)),)))
    session.live = Hub()
    session.live.add_input(0, 1, "in", callback=lambda *_: call(session))
    with pytest.raises(StateError, match="a live callback cannot run the simulation that called it, nor reset it"):
        session.run_until(10.0)
    assert not session.live.exchanging


# --- times between two steps -----------------------------------------------------------------------
@pytest.mark.parametrize(("piece_ms", "n"), [(0.04, 1000), (0.06, 1000), (0.05, 300), (0.149, 100), (1.04, 100), (0.1, 300)])
def test_runs_end_where_their_sum_says(piece_ms: float, n: int, sim: Any) -> None:
    injectors(sim)
    for k in range(n):
        reached_ms = sim.run(piece_ms)
        assert abs(reached_ms - (k + 1) * piece_ms) <= 0.05 + 1e-6
        assert reached_ms == sim.get_current_time() == pytest.approx(round(reached_ms / 0.1) * 0.1)
    assert sim.get_current_time() == pytest.approx(round(n * piece_ms / 0.1) * 0.1)


def test_what_is_left_over_is_forgotten_with_the_run(sim: Any, tmp_path: Any) -> None:
    for forget in (sim.reset, lambda: injectors(sim), lambda: sim.load_state(tmp_path / "a.state")):
        injectors(sim)
        sim.save_state(tmp_path / "a.state")
        assert sim.run(0.04) == 0.0
        assert clock.asked.now_ms() == pytest.approx(0.04)
        forget()
        assert clock.asked.now_ms() == simulator.state.t == 0.0
        assert sim.run(0.04) == 0.0
    assert sim.run_until(0.24) == pytest.approx(0.2)
    assert sim.run(0.04) == pytest.approx(0.3)


def test_callbacks_of_a_run_between_two_steps_end_with_it(sim: Any) -> None:
    injectors(sim)
    seen: list[float] = []
    assert sim.run(1.04, callbacks=[lambda t: seen.append(t) or t + 0.5]) == pytest.approx(1.0)  # type: ignore[func-returns-value]
    assert seen == pytest.approx([0.0, 0.5, 1.0])


def test_every_refusal_is_an_error_of_ours(sim: Any) -> None:
    with pytest.raises(NeurosimError, match="is not a time"):
        sim.run(10**400)


@pytest.mark.parametrize("delay", [float("inf"), float("nan")])
def test_a_delay_that_is_no_number_is_refused_by_the_engine_too(delay: float) -> None:
    with pytest.raises(ParameterError, match=rf"a delay of {delay} ms is no number of steps\. Give finite delays"):
        steps.delay_steps(delay, 0.1)
