"""Spike times against tight-tolerance solutions, and the firing patterns of Naud et al. 2008."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from reference_neurons import NAMES, SETS, cell, model, receptors, weights
from single_neuron import Neurons

ALLOWED_MS = {"aeif_cond_exp": 1e-6, "iaf_cond_exp": 1e-5, "iaf_psc_exp": 1e-5}

# Naud et al. 2008, Table 1: C_m (pF), g_L (nS), E_L, V_T, Delta_T (mV), a (nS), tau_w (ms), b (pA), V_reset (mV), I (pA)
NAUD = {
    "tonic": (200, 10, -70, -50, 2, 2, 30, 0, -58, 500),
    "adaptation": (200, 12, -70, -50, 2, 2, 300, 60, -58, 500),
    "initial burst": (130, 18, -58, -50, 2, 4, 150, 120, -50, 400),
    "regular bursting": (200, 10, -58, -50, 2, 2, 120, 100, -46, 210),
    "delayed accelerating": (200, 12, -70, -50, 2, -10, 300, 0, -58, 300),
    "delayed regular bursting": (100, 10, -65, -50, 2, -10, 90, 30, -47, 110),
    "transient": (100, 10, -65, -50, 2, 10, 90, 100, -47, 180),
    "irregular": (100, 12, -60, -50, 2, -11, 130, 30, -48, 160),
}


def neuron_of(kind: str, entry: dict, **options) -> tuple[Neurons, dict]:
    """The set as a group of one neuron, and its input events."""
    weight, times = weights(kind, entry), (entry["exc"]["times"], entry["inh"]["times"])
    events = {r: [(t + entry["delay"], weight[r]) for t in times[r]] for r in (0, 1)}
    return Neurons(model(kind), cell(kind, entry), receptors(kind, entry), {"v": entry["V_init"]}, **options), events


@pytest.mark.parametrize(("kind", "entry"), SETS, ids=NAMES)
def test_spike_times_are_those_of_the_exact_solution(kind, entry):
    neuron, events = neuron_of(kind, entry)
    times = [time for _, time in neuron.run(entry["t_sim"], events)]
    assert len(times) == len(entry["exact"])
    assert np.abs(np.array(times) - entry["exact"]).max() < ALLOWED_MS[kind]


def exact_pattern(row: tuple, t_ref_ms: float, duration_ms: float) -> np.ndarray:
    """AdEx spike times by DOP853; beyond 6 delta the variable is exp(-(v - V_T) / delta)."""
    c, g_l, e_l, v_t, delta, a, tau_w, b, v_reset, i = row
    change, y_peak = v_t + 6 * delta, np.exp((v_t - 0.0) / delta)

    def slow(t, s):
        return [(g_l * (e_l - s[0] + delta * np.exp((s[0] - v_t) / delta)) - s[1] + i) / c, (a * (s[0] - e_l) - s[1]) / tau_w]

    def fast(t, s):
        v = v_t - delta * np.log(max(s[0], 1e-300))
        return [-g_l / c - s[0] * (g_l * (e_l - v) - s[1] + i) / (c * delta), (a * (v - e_l) - s[1]) / tau_w]

    def leaves(t, s):
        return s[0] - change

    def peaks(t, s):
        return s[0] - y_peak

    leaves.terminal = peaks.terminal = True
    t, v, w, spikes = 0.0, float(e_l), 0.0, []
    while True:
        run = solve_ivp(slow, (t, duration_ms), [v, w], method="DOP853", rtol=1e-11, atol=1e-12, events=leaves)
        if run.status != 1:
            return np.array(spikes)
        start = [np.exp(-(run.y[0, -1] - v_t) / delta), run.y[1, -1]]
        end = solve_ivp(fast, (run.t[-1], run.t[-1] + 1.0), start, method="DOP853", rtol=1e-11, atol=1e-22, events=peaks)
        t, w = end.t_events[0][0], end.y[1, -1] + b
        if t > duration_ms:
            return np.array(spikes)
        spikes.append(t)
        rest = a * (v_reset - e_l)
        t, v, w = t + t_ref_ms, float(v_reset), rest + (w - rest) * np.exp(-t_ref_ms / tau_w)


@pytest.mark.parametrize("t_ref_ms", [0.0, 2.0])
@pytest.mark.parametrize("name", NAUD)
def test_adex_patterns_of_naud_come_out_within_one_step(name, t_ref_ms):
    c, g_l, e_l, v_t, delta, a, tau_w, b, v_reset, i = NAUD[name]
    adex = {"cm": c * 1e-3, "tau_m": c / g_l, "v_rest": e_l, "v_thresh": v_t, "delta_T": delta, "a": a, "tau_w": tau_w}
    adex |= {"b": b * 1e-3, "v_reset": v_reset, "i_offset": i * 1e-3, "tau_refrac": t_ref_ms, "v_spike": 0.0}
    times = np.array([time for _, time in Neurons("adex", adex).run(300.0)])
    exact = exact_pattern(NAUD[name], t_ref_ms, 300.0)
    assert len(times) == len(exact)
    assert np.abs(times - exact).max() < 1e-3


@pytest.mark.parametrize("dt_ms", [0.025, 0.5, 1.0])
@pytest.mark.parametrize("kind", sorted(ALLOWED_MS))
def test_constant_drive_gives_the_same_spikes_at_any_step(kind, dt_ms):
    entry = next(entry for stem, entry in SETS if stem == kind and not entry["exc"]["times"])
    neuron, _ = neuron_of(kind, entry, dt_ms=dt_ms)
    times = [time for _, time in neuron.run(entry["t_sim"])]
    assert times == pytest.approx(entry["exact"], abs=1e-6)


def test_single_precision_keeps_the_count_and_stays_within_a_step():
    for kind, name in (("aeif_cond_exp", "bg2005_syn_0"), ("iaf_psc_exp", "cuba_1"), ("iaf_cond_exp", "coba_1")):
        entry = next(entry for stem, entry in SETS if (stem, entry["name"]) == (kind, name))
        neuron, events = neuron_of(kind, entry, dtype=np.float32)
        times = [time for _, time in neuron.run(entry["t_sim"], events)]
        assert times == pytest.approx(entry["exact"], abs=0.1)
