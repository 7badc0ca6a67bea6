"""Networks of every kind of thing that evolves, for tests of saved states; run as a script it saves or continues one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from engine_networks import CONDUCTANCE, DELTA, connect, network, neurons, pair_rule, poisson, record, spikes_at
from neurosim.connectivity import AllToAll, Bernoulli, OneToOne
from neurosim.network import Current, Population, Receptor, Selection, WeightProbe

ALPHA = (Receptor("excitatory", "curr_alpha", {"tau_syn": 2.0}), Receptor("inhibitory", "curr_alpha", {"tau_syn": 2.0}))
ADEX = {
    "cm": 0.281, "tau_refrac": 0.5, "v_spike": -40.0, "v_reset": -70.6, "v_rest": -70.6, "tau_m": 9.3667, "i_offset": 0.8, "a": 4.0,
    "b": 0.0805, "delta_T": 2.0, "tau_w": 144.0, "v_thresh": -50.4,
}  # fmt: skip
HH = {
    "gbar_Na": 20.0, "gbar_K": 6.0, "g_leak": 0.01, "cm": 0.2, "v_offset": -63.0, "e_rev_Na": 50.0, "e_rev_K": -90.0,
    "e_rev_leak": -65.0, "i_offset": 0.4,
}  # fmt: skip


def source(number, model, size=8, **parameters):
    """A spike source of any model."""
    return Population(number, model, size, model, {"start": 0.0, "duration": 1e10, **parameters})


def static():
    """Conductances, multapses, delays from one step to 30 ms, driven by recorded Poisson sources."""
    delays = np.random.default_rng(1).uniform(0.1, 30.0, (60, 60))
    cells, drive = neurons(0, 60, CONDUCTANCE, cm=0.2, v_reset=-60.0, tau_refrac=1.0), poisson(1, 30, 400.0)
    nets = [connect(0, cells, cells, Bernoulli(0.2), 0.004, delays), connect(1, drive, cells, Bernoulli(0.3), 0.008, 1.0)]
    return network([cells, drive], nets, record(cells, "spikes", "v", interval=0.5) + record(drive, "spikes"))


def driven():
    """Poisson sources that are only counted where they arrive, one of them for some time only."""
    cells, drive, late = neurons(0, 40, cm=0.3), poisson(1, 40, 8000.0), poisson(2, 40, 5000.0, 17.0, 20.0)
    nets = [connect(0, drive, cells, OneToOne(), 0.1, 1.5), connect(1, late, cells, OneToOne(), 0.05, 7.0)]
    nets.append(connect(2, cells, cells, Bernoulli(0.2), -0.1, 2.0, "inhibitory"))
    return network([cells, drive, late], nets, record(cells, "spikes", "v"))


def steps():
    """Synapses that are jumps of the membrane, of cells that fire from them at once."""
    cells, drive = neurons(0, 30, DELTA), poisson(1, 20, 300.0)
    nets = [connect(0, drive, cells, Bernoulli(0.5), 4.0, 0.3), connect(1, cells, cells, Bernoulli(0.3), 1.0, 5.0)]
    return network([cells, drive], nets, record(cells, "spikes"))


def sources():
    """All kinds of spike sources."""
    trains = [np.sort(np.random.default_rng(i).uniform(0, 80, 30)) for i in range(8)]
    kinds = [
        spikes_at(0, *trains, [], [0.0, 20.0, 20.0, 40.0]),
        source(1, "poisson_source", rate=200.0),
        source(2, "gamma_source", alpha=2.0, beta=300.0),
        source(3, "poisson_refractory_source", rate=150.0, tau_refrac=3.0),
    ]
    cells = neurons(4, 20, ALPHA, cm=0.2)
    nets = [connect(k, kind, cells, AllToAll(), 0.3, 1.0 + k) for k, kind in enumerate(kinds)]
    return network([*kinds, cells], nets, [p for kind in (*kinds, cells) for p in record(kind, "spikes")])


def short_term():
    """Tsodyks-Markram and stochastic synapses."""
    drive, cells = poisson(0, 20, 80.0), neurons(1, 20, cm=0.1)
    own = {"U": 0.4, "tau_rec": 100.0, "tau_facil": np.linspace(0, 200, 400).reshape(20, 20)}
    delays = np.random.default_rng(3).uniform(0.5, 12.0, (20, 20))
    nets = [
        connect(0, drive, cells, AllToAll(), 0.4, delays, model="tsodyks_markram", **own),
        connect(1, drive, cells, AllToAll(), 0.1, 2.0, model="stochastic", p=0.5),
    ]
    return network([drive, cells], nets, record(cells, "spikes", "v") + record(drive, "spikes"))


def learning():
    """STDP in all its dependences, with dendritic delays, and recorded weights."""
    drive, cells = poisson(0, 20, 60.0), neurons(1, 12, cm=0.1)
    delays = np.random.default_rng(4).uniform(0.5, 15.0, (20, 12))
    rules = [pair_rule(dendritic_delay_fraction=f, A_plus=0.05, A_minus=0.04) for f in (0.0, 0.4, 1.0)]
    rules += [pair_rule(dependence="multiplicative"), pair_rule(dependence="gutig", mu_plus=0.4, mu_minus=0.3)]
    nets = [connect(k, drive, cells, AllToAll(), 0.3, delays, model="stdp", plasticity=rule) for k, rule in enumerate(rules)]
    probes = record(cells, "spikes") + record(drive, "spikes")
    return network([drive, cells], nets, probes, weight_probes=(WeightProbe(1, "weight", 5.0),))


def currents():
    """AdEx and Hodgkin-Huxley cells under all kinds of current."""
    adex = Population(0, "adex", 6, "adex", ADEX, CONDUCTANCE, {"v": -70.6, "w": 0.0})
    hh = Population(1, "hh", 4, "hh", HH, CONDUCTANCE, {"v": -65.0})
    izhikevich = Population(2, "iz", 5, "izhikevich", {"a": 0.02, "b": 0.2, "c": -65.0, "d": 2.0, "i_offset": 0.01}, DELTA, {"v": -65.0})
    every = Selection.whole(adex)
    forever = {"start": 5.0, "stop": 1e9}
    injected = (
        Current(0, "dc", {"amplitude": 0.5, **forever}, every),
        Current(1, "step", {"times": np.array([10.0, 30.0, 50.0]), "amplitudes": np.array([0.5, -0.3, 0.9])}, Selection.whole(hh)),
        Current(2, "ac", {"amplitude": 0.3, "offset": 0.2, "frequency": 40.0, "phase": 20.0, **forever}, every, recorded=True),
        Current(3, "noise", {"mean": 0.2, "stdev": 0.5, "dt": 0.5, **forever}, every, seed=7, recorded=True),
    )
    nets = [connect(0, adex, hh, AllToAll(), 0.01, 4.0), connect(1, hh, adex, AllToAll(), 0.01, 70.0)]
    probes = record(adex, "spikes", "v", "w") + record(hh, "spikes", "v") + record(izhikevich, "spikes", "v")
    return network([adex, hh, izhikevich], nets, probes, currents=injected)


KINDS = {f.__name__: f for f in (static, driven, steps, sources, short_term, learning, currents)}
"""Builders of networks by name."""


def results(simulation):
    """Everything a simulation has to show, as flat arrays by name."""
    out, net = {"t": np.array(simulation.t_ms)}, simulation.network
    for probe in net.probes:
        name = f"{probe.population}.{probe.variable}"
        found = simulation.spikes(probe.population) if probe.variable == "spikes" else simulation.samples(probe.population, probe.variable)
        out |= {f"{name}.{k}": column for k, column in enumerate(found)}
    for population in net.populations:
        out[f"{population.id}.counts"] = simulation.counts(population.id)
    for projection in net.projections:
        if projection.synapse.model == "stdp":
            out[f"{projection.id}.weights"] = np.asarray(simulation.weights(projection.id).columns["weight"])
    for probe in net.weight_probes:
        out["weights.times"], out["weights.values"] = simulation.weight_samples(probe.projection)
    for current in net.currents:
        if current.recorded:
            out[f"{current.id}.times"], out[f"{current.id}.values"] = simulation.currents(current.id)
    return out


def main(kind: str, state: str, threads: str, until: str, out: str) -> None:
    """Continue a saved state of a network and write its results."""
    from neurosim.session import Session

    session = Session(KINDS[kind](), threads=int(threads))
    session.load_state(state)
    session.run_until(float(until))
    np.savez(Path(out), **results(session.simulation))


if __name__ == "__main__":
    main(*sys.argv[1:])
