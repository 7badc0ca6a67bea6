"""Small networks and trivial placements for the chip tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.connectivity import Bernoulli
from neurosim.network import Network, Population, Projection, Receptor, Selection, Synapse

LIF = {"v_rest": -60.0, "cm": 0.2, "tau_m": 20.0, "tau_refrac": 5.0, "v_thresh": -50.0, "v_reset": -60.0, "i_offset": 0.0}


def cond(exc=5.0, inh=10.0, kind="cond_exp"):
    return (
        Receptor("excitatory", kind, {"tau_syn": exc, "e_rev": 0.0}),
        Receptor("inhibitory", kind, {"tau_syn": inh, "e_rev": -80.0}),
    )


def curr(exc=5.0, inh=5.0, kind="curr_exp"):
    taus = {"excitatory": exc, "inhibitory": inh}
    return tuple(Receptor(name, kind, {} if kind == "curr_delta" else {"tau_syn": tau}) for name, tau in taus.items())


def lif(ident, size, receptors, label=None, **changes):
    kind = "IF_" + receptors[0].kind if receptors else "IF"
    return Population(ident, label or f"p{ident}", size, "lif", {**LIF, **changes}, receptors, {"v": -60.0}, cell_type=kind)


def poisson(ident, size, label="noise"):
    return Population(ident, label, size, "poisson_source", {"rate": 100.0, "start": 0.0, "duration": 1e10}, cell_type="SpikeSourcePoisson")


def connect(ident, pre, post, rule, weight, receptor="excitatory", delay=1.0, seed=1, model="static", plasticity=None, **columns):
    synapse = Synapse(model, {"weight": weight, "delay": delay, **columns}, plasticity)
    return Projection(ident, f"{pre.label}>{post.label}", Selection.whole(pre), Selection.whole(post), receptor, rule, synapse, seed)


def network(populations, projections=(), dt=0.1, **more):
    return Network(dt, 1, tuple(populations), tuple(projections), **more)


def balanced(scale=0.05, receptors=None, weights=(0.004, 0.051), p=0.1, dt=0.1):
    """Vogels-Abbott network, excitatory and inhibitory, with some Poisson input."""
    receptors = cond() if receptors is None else receptors
    exc, inh = lif(0, int(3200 * scale), receptors, "exc"), lif(1, int(800 * scale), receptors, "inh")
    noise = poisson(2, 20)
    pairs = ((exc, exc), (exc, inh), (inh, exc), (inh, inh))
    rows = [
        connect(i, a, b, Bernoulli(p), weights[a is inh], "inhibitory" if a is inh else "excitatory", delay=0.2, seed=i + 1)
        for i, (a, b) in enumerate(pairs)
    ]
    rows += [connect(4 + i, noise, b, Bernoulli(0.1), weights[0], delay=0.2, seed=9 + i) for i, b in enumerate((exc, inh))]
    return network((exc, inh, noise), rows, dt)


@dataclass
class Spread:
    """Placement for tests: neurons in order, a fixed number on every core."""

    core_of: list
    local_of: list


def place(net, chip, per_core=32, first=0):
    cores, locals_, core = [], [], first
    for population in net.populations:
        if population.is_source and not chip.places_sources:
            cores.append(np.full(population.size, -1, np.int32))
            locals_.append(np.full(population.size, -1, np.int32))
            continue
        index = np.arange(population.size)
        cores.append((core + index // per_core).astype(np.int32))
        locals_.append((index % per_core).astype(np.int32))
        core = int(cores[-1].max(initial=core - 1)) + 1
    return Spread(cores, locals_)
