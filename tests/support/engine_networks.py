"""Small networks for the engine's tests."""

from __future__ import annotations

import numpy as np

from neurosim.connectivity import Table
from neurosim.network import Network, Plasticity, Population, Probe, Projection, Receptor, Selection, Synapse

LIF = {"v_rest": -65.0, "cm": 1.0, "tau_m": 20.0, "tau_refrac": 2.0, "i_offset": 0.0, "v_reset": -65.0, "v_thresh": -50.0}
CURRENT = (Receptor("excitatory", "curr_exp", {"tau_syn": 5.0}), Receptor("inhibitory", "curr_exp", {"tau_syn": 5.0}))
DELTA = (Receptor("excitatory", "curr_delta"), Receptor("inhibitory", "curr_delta"))
CONDUCTANCE = (
    Receptor("excitatory", "cond_exp", {"tau_syn": 5.0, "e_rev": 0.0}),
    Receptor("inhibitory", "cond_exp", {"tau_syn": 10.0, "e_rev": -70.0}),
)


def neurons(number, size, receptors=CURRENT, label=None, initial=None, **changed):
    """A LIF population."""
    return Population(
        number, label or f"p{number}", size, "lif", {**LIF, **changed}, receptors, initial or {"v": -65.0}, cell_type="IF_test"
    )


def spikes_at(number, *trains):
    """An array source with the given trains."""
    return Population(number, f"s{number}", len(trains), "array_source", spike_times=tuple(np.asarray(t, float) for t in trains))


def poisson(number, size, rate, start=0.0, duration=1e10):
    """A Poisson source."""
    return Population(number, f"n{number}", size, "poisson_source", {"rate": rate, "start": start, "duration": duration})


def connect(number, pre, post, rule, weight, delay=1.0, receptor="excitatory", model="static", plasticity=None, **columns):
    """A projection between whole populations."""
    synapse = Synapse(model, {"weight": weight, "delay": delay, **columns}, plasticity)
    return Projection(number, f"j{number}", Selection.whole(pre), Selection.whole(post), receptor, rule, synapse, seed=100 + number)


def pairs(pre, post, weight=None, delay=None):
    """Explicit synapses."""
    columns = {k: np.asarray(v, float) for k, v in (("weight", weight), ("delay", delay)) if v is not None}
    return Table(np.asarray(pre), np.asarray(post), columns)


def record(population, *variables, interval=0.1):
    """Probes of all cells of a population."""
    every = np.arange(population.size)
    return tuple(Probe(population.id, v, every, 0.0 if v == "spikes" else interval) for v in variables)


def network(populations, projections=(), probes=(), dt=0.1, seed=1, **more):
    """A network."""
    return Network(dt, seed, tuple(populations), tuple(projections), probes=tuple(probes), **more)


def pair_rule(**changed):
    """A pair rule, additive if not told otherwise."""
    values = {"tau_plus": 20.0, "tau_minus": 20.0, "A_plus": 0.01, "A_minus": 0.012, "w_min": 0.0, "w_max": 1.0, **changed}
    return Plasticity("pair", values.pop("dependence", "additive"), **values)
