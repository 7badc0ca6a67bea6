"""Every refusal of the front end that no other test reads: its type and its words."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

import neurosim as sim
from neurosim.errors import MissingExtraError, NetworkError, NeurosimError, ParameterError, StateError, UnknownNameError, UnsupportedError


def cells(size=3, **options):
    """A population in a fresh set-up."""
    sim.setup(timestep=0.1, min_delay=0.1, **options)
    return sim.Population(size, sim.IF_curr_exp(), label="exc")


def link(connector=None, synapse=None, **options):
    """A projection between two populations in a fresh set-up."""
    pre = cells()
    post = sim.Population(3, sim.IF_curr_exp(), label="post")
    synapse = synapse or sim.StaticSynapse(weight=0.1, delay=1.0)
    return sim.Projection(pre, post, connector or sim.AllToAllConnector(), synapse, label="link", **options)


def set_of_an_older_setup():
    projection = link()
    sim.setup()
    projection.set(weight=0.2)


def cloned_between_others():
    reference = link()
    others = sim.Population(2, sim.IF_curr_exp())
    sim.Projection(others, others, sim.CloneConnector(reference), sim.StaticSynapse(weight=0.1, delay=1.0))


def injected_into_an_older_setup():
    current, old = sim.DCSource(amplitude=0.1), cells()
    sim.setup()
    current.inject_into(old)


def placed_late():
    exc = cells(chip="spinnaker")
    sim.run(0.1)
    sim.place(exc)


def placed_from_an_older_setup():
    exc = cells(chip="loihi")
    sim.setup(chip="loihi")
    sim.place(exc)


def placement_without_a_chip():
    exc = cells()
    sim.run(0.1)
    return exc.placement


def foreign_id(group):
    other = sim.Population(2, sim.IF_curr_exp())
    group.id_to_index(other[0])


def shared_per_synapse():
    rule = sim.SpikePairRule(tau_plus=sim.RandomDistribution("uniform", (10.0, 20.0)))
    link(synapse=sim.STDPMechanism(timing_dependence=rule, weight_dependence=sim.AdditiveWeightDependence(), weight=0.1, delay=1.0))


CASES = [
    (lambda: setattr(cells(), "positions", np.zeros((2, 3))), ParameterError, r"Population 'exc': positions have shape \(2, 3\)"),
    (placement_without_a_chip, StateError, "there is no placement without a chip. Give setup"),
    (lambda: cells().placement, StateError, "placement needs a run first. Call run"),
    (lambda: foreign_id(cells()[:2]), IndexError, "not present in the View"),
    (lambda: foreign_id(sim.Assembly(cells())), IndexError, "not present in the Assembly"),
    (lambda: link().initialize(x=1.0), UnsupportedError, "state variables of synapses cannot be set. Set parameters with set"),
    (lambda: link(synapse=sim.StaticSynapse), NeurosimError, "synapse_type is a .*Use sim.StaticSynapse"),
    (lambda: link()._convergent_connect([0], 1, weight=1.0), StateError, "connections can only be added while the projection is made"),
    (set_of_an_older_setup, NetworkError, "belongs to an earlier setup"),
    (lambda: next(iter(link().connections)).__setattr__("wieght", 1.0), AttributeError, "wieght"),
    (shared_per_synapse, UnsupportedError, "'tau_plus' is shared by all synapses of a projection. Give one number"),
    (lambda: sim.STDPMechanism(voltage_dependence=object()), NeurosimError, "voltage dependence is not available"),
    (lambda: link(sim.AllToAllConnector(location_selector="soma")), UnsupportedError, "point neurons have no locations"),
    (lambda: sim.DCSource(amplitude=0.1).inject_into(cells(), location="soma"), NeurosimError, "point neurons have no locations"),
    (injected_into_an_older_setup, NetworkError, "Population 'exc': belongs to an earlier setup"),
    (lambda: link().get("weight", format="array", multiple_synapses="mean"), NeurosimError, "multiple_synapses='mean' is not known"),
    (placed_late, StateError, "the network is already placed. Call place"),
    (lambda: (cells(chip="loihi"), sim.place([1, 2])), NetworkError, "a list cannot be placed. Give a population or a view"),
    (placed_from_an_older_setup, NetworkError, "Population 'exc': belongs to an earlier setup"),
    (lambda: link().record("weight", 0.25), ParameterError, r"sampling_interval \(0.25 ms\) is not a multiple of the time step"),
    (lambda: link(sim.FromListConnector([(0.5, 1)])), NeurosimError, "a source index is not an integer. Give whole numbers"),
    (lambda: link(sim.FromListConnector([(0, 1, 2.0)], column_names=["wieght"])), UnknownNameError, "unknown synapse parameter 'wieght'"),
    (cloned_between_others, NeurosimError, "pre and post populations differ from those of"),
    (lambda: sim.SmallWorldConnector(0.1, rewiring=1.5), ParameterError, "rewiring is 1.5; it is a probability. Give 0 to 1"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")
@pytest.mark.parametrize(("build", "kind", "words"), CASES)
def test_the_refusal_is_clear(build, kind, words) -> None:
    with pytest.raises(kind, match=words):
        build()


def test_a_missing_connection_set_algebra_names_the_pip_line(monkeypatch) -> None:
    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "csa":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"this needs the package 'csa'\. pip install"):
        link(sim.CSAConnector(object()))
