"""Single neurons through the whole engine against tight-tolerance solutions with exact crossings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine_networks import connect, network, pairs, record, spikes_at
from neurosim.engine import Simulation
from neurosim.network import Population, Receptor

DATA = Path(__file__).parent.parent / "data" / "neurons"
SETS = [
    (name, entry)
    for name in ("iaf_psc_exp", "iaf_cond_exp", "aeif_cond_exp")
    for entry in json.loads((DATA / f"{name}.json").read_text())["sets"]
]
#: Largest error of a spike time in ms. Measured are 3.5e-7, 2.5e-7 and 8.5e-8, as the README tells.
TOLERANCE_MS = 1e-6


def lif(p, i_na):
    tau = p["tau_m"] if "tau_m" in p else p["C_m"] / p["g_L"]
    cell = {"v_rest": p["E_L"], "cm": p["C_m"] / 1000, "tau_m": tau, "tau_refrac": p["t_ref"], "i_offset": i_na}
    return {**cell, "v_reset": p["V_reset"], "v_thresh": p["V_th"]}


def adex(p, i_na):
    return {**lif(p, i_na), "v_spike": p["V_peak"], "delta_T": p["Delta_T"], "a": p["a"], "b": p["b"] / 1000, "tau_w": p["tau_w"]}


def receptors(name, p):
    if name == "iaf_psc_exp":
        return tuple(Receptor(r, "curr_exp", {"tau_syn": p[k]}) for r, k in (("excitatory", "tau_syn_ex"), ("inhibitory", "tau_syn_in")))
    names = (("excitatory", "tau_syn_ex", "E_ex"), ("inhibitory", "tau_syn_in", "E_in"))
    return tuple(Receptor(r, "cond_exp", {"tau_syn": p[k], "e_rev": p[e]}) for r, k, e in names)


def simulate(name, entry):
    p, sign = entry["params"], -1.0 if name == "iaf_psc_exp" else 1.0
    model, values = ("adex", adex) if name.startswith("aeif") else ("lif", lif)
    cell = Population(2, "cell", 1, model, values(p, entry["I_e"] / 1000), receptors(name, p), {"v": entry["V_init"]})
    sources = [spikes_at(0, entry["exc"]["times"]), spikes_at(1, entry["inh"]["times"])]
    nets = [
        connect(0, sources[0], cell, pairs([0], [0]), abs(entry["exc"]["weight"]) / 1000, entry["delay"]),
        connect(1, sources[1], cell, pairs([0], [0]), sign * abs(entry["inh"]["weight"]) / 1000, entry["delay"], receptor="inhibitory"),
    ]
    simulation = Simulation(network([*sources, cell], nets, record(cell, "spikes")))
    simulation.run_until(entry["t_sim"])
    return simulation.spikes(2)[1]


@pytest.mark.parametrize(("name", "entry"), SETS, ids=[f"{n}-{e['name']}" for n, e in SETS])
def test_spike_times_are_those_of_the_exact_solution(name, entry):
    times = simulate(name, entry)
    assert len(times) == len(entry["exact"])
    np.testing.assert_allclose(times, entry["exact"], atol=TOLERANCE_MS, rtol=0)
