"""Closed forms, refractoriness, several spikes a step, jumps, and the uncompiled twins."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neurosim.models import MODELS
from neurosim.models._redo import MAX_SPIKES
from neurosim.models.layout import K_LIF, K_LIF_LINEAR
from single_neuron import Neurons

QUIET = {"cm": 0.25, "tau_m": 10.0, "v_rest": -65.0, "v_reset": -65.0, "v_thresh": 0.0, "tau_refrac": 2.0, "i_offset": 0.0}
RECEPTORS = {
    "curr_exp": {"tau_syn": 2.0},
    "curr_alpha": {"tau_syn": 2.0},
    "cond_exp": {"tau_syn": 2.0, "e_rev": 0.0},
    "cond_alpha": {"tau_syn": 2.0, "e_rev": 0.0},
    "cond_beta": {"tau_rise": 0.5, "tau_decay": 3.0, "e_rev": 0.0},
}
EVERY_MODEL = {
    "lif-current": ("lif", [("curr_exp", RECEPTORS["curr_exp"]), ("curr_alpha", RECEPTORS["curr_alpha"])], {"v_thresh": -55.0}),
    "lif-delta": ("lif", [("curr_delta", {})], {"v_thresh": -55.0}),
    "lif-conductance": ("lif", [("cond_exp", RECEPTORS["cond_exp"]), ("cond_beta", RECEPTORS["cond_beta"])], {"v_thresh": -55.0}),
    "adex": ("adex", [("cond_exp", RECEPTORS["cond_exp"]), ("cond_alpha", RECEPTORS["cond_alpha"])], {"v_spike": 0.0}),
    "izhikevich": ("izhikevich", [("curr_delta", {})], {}),
    "hh": ("hh", [("cond_exp", RECEPTORS["cond_exp"])], {}),
}


def shape(kind: str, t: float) -> float:
    """Unit response of a receptor with the constants above, 1 at its peak."""
    p = RECEPTORS[kind]
    if kind.endswith("exp"):
        return math.exp(-t / p["tau_syn"])
    if kind.endswith("alpha"):
        return t / p["tau_syn"] * math.exp(1.0 - t / p["tau_syn"])
    rise, decay = p["tau_rise"], p["tau_decay"]
    t_peak = math.log(decay / rise) / (1 / rise - 1 / decay)
    return (math.exp(-t / decay) - math.exp(-t / rise)) / (math.exp(-t_peak / decay) - math.exp(-t_peak / rise))


@pytest.mark.parametrize("tau_refrac", [0.0, 0.05, 2.0, 2.03])
@pytest.mark.parametrize("kernel", [K_LIF_LINEAR, K_LIF])
def test_a_constant_current_gives_the_period_of_the_closed_form(kernel, tau_refrac):
    cell = QUIET | {"v_thresh": -50.0, "i_offset": 0.5, "tau_refrac": tau_refrac}
    times = [time for _, time in Neurons("lif", cell, kernel=kernel).run(100.0)]
    first = 10.0 * math.log(20.0 / (20.0 - 15.0))
    assert times == pytest.approx([first + k * (first + tau_refrac) for k in range(len(times))], abs=1e-6)
    assert len(times) == 1 + int((100.0 - first) / (first + tau_refrac))


@pytest.mark.parametrize("kind", RECEPTORS)
def test_one_input_gives_the_exact_potential_and_peaks_at_its_weight(kind):
    weight = 0.01 if kind.startswith("cond") else 0.1
    neuron = Neurons("lif", QUIET, [(kind, RECEPTORS[kind])])

    def flow(t, v):
        drive = weight * shape(kind, t) * (1.0 if kind.startswith("curr") else 0.0 - v)
        return (-65.0 - v) / 10.0 + drive / 0.25

    grid = np.arange(1, 301) * 0.1
    exact = solve_ivp(flow, (0, 30), [-65.0], rtol=1e-11, atol=1e-12, t_eval=grid, method="DOP853").y[0]
    neuron.step({0: weight})
    seen = []
    for _ in grid:
        neuron.step()
        seen.append((neuron.state[0, 0], neuron.g[0, 0, 0]))
    voltage, conductance = np.array(seen).T
    assert voltage == pytest.approx(exact, abs=1e-8)
    assert conductance == pytest.approx([weight * shape(kind, t) for t in grid], abs=1e-12)


@pytest.mark.parametrize("tau_syn", [10.0, 10.0 * (1 + 1e-12), 10.0 * (1 + 1e-5), 9.0, 0.05])
@pytest.mark.parametrize("kind", ["curr_exp", "curr_alpha"])
def test_propagators_hold_when_both_time_constants_meet(kind, tau_syn):
    neuron = Neurons("lif", QUIET, [(kind, {"tau_syn": tau_syn})], dt_ms=0.5)
    neuron.step({0: 0.1})

    def flow(t, v):
        current = math.exp(-t / tau_syn) if kind == "curr_exp" else t / tau_syn * math.exp(1 - t / tau_syn)
        return (-65.0 - v) / 10.0 + 0.1 * current / 0.25

    exact = solve_ivp(flow, (0, 5), [-65.0], rtol=1e-12, atol=1e-13, max_step=0.05).y[0, -1]
    for _ in range(10):
        neuron.step()
    assert neuron.state[0, 0] == pytest.approx(exact, abs=1e-8)


def test_a_beta_shape_with_equal_constants_is_an_alpha_function():
    beta = Neurons("lif", QUIET, [("cond_beta", {"tau_rise": 2.0, "tau_decay": 2.0, "e_rev": 0.0})])
    alpha = Neurons("lif", QUIET, [("cond_alpha", {"tau_syn": 2.0, "e_rev": 0.0})])
    for neuron in (beta, alpha):
        neuron.step({0: 0.01})
        neuron.run(5.0)
    assert beta.state[0, 0] == pytest.approx(alpha.state[0, 0], abs=1e-10)


def test_a_voltage_jump_is_lost_while_refractory_and_fires_at_the_end_of_the_step():
    neuron = Neurons("lif", QUIET | {"v_thresh": -50.0, "tau_refrac": 0.25}, [("curr_delta", {})])
    assert neuron.step({0: 10.0}) == []
    assert neuron.state[0, 0] == pytest.approx(-55.0)
    assert neuron.step({0: 6.0}) == [(0, pytest.approx(0.2))]
    assert neuron.step({0: 100.0}) == []
    assert (neuron.state[0, 0], neuron.state[2, 0]) == (-65.0, pytest.approx(0.15))


def test_a_refractory_time_may_end_inside_a_step():
    drive = QUIET | {"v_thresh": -50.0, "i_offset": 2.5, "tau_refrac": 0.33}
    times = np.array([time for _, time in Neurons("lif", drive).run(20.0)])
    assert np.diff(times) == pytest.approx(0.33 + 10.0 * math.log(100.0 / 85.0), abs=1e-6)


def test_several_spikes_of_one_step_are_all_reported_in_order():
    drive = QUIET | {"v_thresh": -64.0, "i_offset": 10.0, "tau_refrac": 0.0}
    spikes = Neurons("lif", drive, dt_ms=0.1).step()
    period = 10.0 * math.log(400.0 / 399.0)
    assert [time for _, time in spikes] == pytest.approx([period * (k + 1) for k in range(3)], abs=1e-8)


def test_no_more_spikes_a_step_than_are_followed_and_never_beyond_the_arrays():
    drive = QUIET | {"v_thresh": -64.9, "i_offset": 500.0, "tau_refrac": 0.0}
    neuron = Neurons("lif", drive, n=3, dt_ms=1.0)
    assert len(neuron.step()) == 3 * MAX_SPIKES
    neuron.out_index = neuron.out_index[:5]
    neuron.out_offset = neuron.out_offset[:5]
    assert len(neuron.step()) == 5


def test_a_crossing_that_comes_back_within_the_step_is_seen():
    cell = QUIET | {"tau_m": 1.0, "v_thresh": -63.6, "tau_refrac": 50.0}
    neuron = Neurons("lif", cell, [("curr_exp", {"tau_syn": 0.2})], dt_ms=1.0)
    neuron.step({0: 3.0})
    calm = Neurons("lif", cell | {"v_thresh": 0.0}, [("curr_exp", {"tau_syn": 0.2})], dt_ms=1.0)
    calm.step({0: 3.0})
    calm.step()
    assert calm.state[0, 0] < -63.6
    assert len(neuron.step()) == 1


def test_a_start_above_threshold_fires_at_once():
    assert Neurons("lif", QUIET | {"v_thresh": -50.0}, initial={"v": -40.0}).step() == [(0, pytest.approx(0.0, abs=1e-6))]


@pytest.mark.parametrize("delta_t", [0.0, 1e-6, 1e-3])
def test_adex_with_a_vanishing_slope_factor_is_a_lif_with_the_same_threshold(delta_t):
    cell = QUIET | {"v_thresh": -50.0, "i_offset": 0.5}
    adex = cell | {"delta_T": delta_t, "v_spike": -40.0, "a": 0.0, "b": 0.0, "tau_w": 100.0}
    expected = [time for _, time in Neurons("lif", cell).run(100.0)]
    # the exponential takes over some 10 to 20 delta above the threshold, at 0.5 mV/ms, once per spike
    assert [time for _, time in Neurons("adex", adex).run(100.0)] == pytest.approx(expected, abs=40 * len(expected) * delta_t + 1e-6)


def test_adaptation_goes_on_while_the_voltage_is_held():
    cell = MODELS["adex"].defaults() | {"tau_refrac": 5.0, "v_spike": 0.0, "a": 4.0, "v_reset": -60.0, "i_offset": 0.0}
    neuron = Neurons("adex", cell, initial={"v": 1.0, "w": 0.1})
    neuron.run(5.0)
    rest = 4e-3 * (-60.0 + 70.6)
    assert neuron.state[1, 0] == pytest.approx(rest + (0.1 + 0.0805 - rest) * math.exp(-5.0 / 144.0), abs=1e-9)
    assert neuron.state[0, 0] == pytest.approx(-60.0)


def test_izhikevich_follows_its_equations():
    cell = MODELS["izhikevich"].defaults() | {"i_offset": 0.01}

    def flow(t, y):
        return [0.04 * y[0] ** 2 + 5 * y[0] + 140 - y[1] + 10.0, 0.02 * (0.2 * y[0] - y[1])]

    def peak(t, y):
        return y[0] - 30.0

    peak.terminal = True
    t, y, exact = 0.0, [-70.0, -14.0], []
    while t < 100.0:
        run = solve_ivp(flow, (t, 100.0), y, rtol=1e-11, atol=1e-11, events=peak, method="DOP853")
        t, y = run.t[-1], [-65.0, run.y[1, -1] + 2.0]
        exact += [t] if run.status == 1 else []
    assert [time for _, time in Neurons("izhikevich", cell).run(100.0)] == pytest.approx(exact, abs=1e-5)
    assert len(exact) > 3


def test_hodgkin_huxley_follows_its_equations():
    p = MODELS["hh"].defaults() | {"i_offset": 0.5}

    def flow(t, y):
        v, m, h, n = y
        u = v - p["v_offset"]
        up = (
            0.32 * (13 - u) / (math.exp((13 - u) / 4) - 1),
            0.128 * math.exp((17 - u) / 18),
            0.032 * (15 - u) / (math.exp((15 - u) / 5) - 1),
        )
        down = 0.28 * (u - 40) / (math.exp((u - 40) / 5) - 1), 4 / (1 + math.exp((40 - u) / 5)), 0.5 * math.exp((10 - u) / 40)
        ionic = p["gbar_Na"] * m**3 * h * (50 - v) + p["gbar_K"] * n**4 * (-90 - v) + p["g_leak"] * (-65 - v)
        return [(ionic + 0.5) / p["cm"], *(a * (1 - x) - b * x for a, b, x in zip(up, down, (m, h, n), strict=True))]

    def up_crossing(t, y):
        return y[0]

    up_crossing.direction = 1
    neuron = Neurons("hh", p)
    start = neuron.state[[0, 1, 3, 4], 0].tolist()
    exact = solve_ivp(flow, (0, 50), start, rtol=1e-9, atol=1e-10, events=up_crossing, method="LSODA").t_events[0]
    times = [time for _, time in neuron.run(50.0)]
    assert len(times) > 1
    assert times == pytest.approx(exact, abs=2e-3)


def group(name: str, n: int) -> Neurons:
    model, receptors, changes = EVERY_MODEL[name]
    cell = MODELS[model].defaults() | changes | {"i_offset": 0.01 if model == "izhikevich" else 0.5}
    spread = np.linspace(-70.0, -56.0, n)
    return Neurons(model, cell, receptors, {"v": spread}, n=n)


def drive(neurons: Neurons, steps: int, order: np.ndarray) -> list[tuple[int, float]]:
    rng = np.random.default_rng(3)
    spikes = []
    for _ in range(steps):
        sizes = [1.0 if kind == "curr_delta" else 0.01 for kind, _ in neurons.receptors]
        weights = {r: size * rng.poisson(0.5, neurons.n)[order] for r, size in enumerate(sizes)}
        spikes += neurons.step(weights)
    return spikes


def report() -> dict[str, tuple[list, list, list]]:
    """Spikes and final state of a small run of every model."""
    found = {}
    for name in EVERY_MODEL:
        neurons = group(name, 5)
        spikes = drive(neurons, 120, np.arange(5))
        found[name] = ([index for index, _ in spikes], [time for _, time in spikes], neurons.state[:3].ravel().tolist())
    return found


def test_compiled_kernels_agree_with_their_plain_python_twins():
    code = f"import json, runpy; print(json.dumps(runpy.run_path({str(Path(__file__))!r})['report']()))"
    paths = os.pathsep.join([str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])])
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    plain = json.loads(run.stdout)
    for name, (indices, times, state) in report().items():
        assert indices == plain[name][0]
        assert len(indices) >= 2
        assert times == pytest.approx(plain[name][1], abs=1e-9)
        assert state == pytest.approx(plain[name][2], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_a_neuron_does_not_depend_on_its_position_in_the_group(name):
    n = 600
    forward, backward = group(name, n), group(name, n)
    backward.state = backward.state[:, ::-1].copy()
    there = drive(forward, 40, np.arange(n))
    back = drive(backward, 40, np.arange(n)[::-1])
    assert sorted(there) == sorted((n - 1 - index, time) for index, time in back)
    assert np.array_equal(forward.state[:3], backward.state[:3, ::-1])
