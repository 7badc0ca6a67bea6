"""Each cell type becomes the right model, receptors and parameters, in PyNN's names and units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.models import MODELS
from neurosim.pynn import simulator

CELLS = {
    "IF_curr_exp": ("lif", "curr_exp"),
    "IF_curr_alpha": ("lif", "curr_alpha"),
    "IF_curr_delta": ("lif", "curr_delta"),
    "IF_cond_exp": ("lif", "cond_exp"),
    "IF_cond_alpha": ("lif", "cond_alpha"),
    "EIF_cond_exp_isfa_ista": ("adex", "cond_exp"),
    "EIF_cond_alpha_isfa_ista": ("adex", "cond_alpha"),
    "Izhikevich": ("izhikevich", "curr_delta"),
    "HH_cond_exp": ("hh", "cond_exp"),
    "SpikeSourceArray": ("array_source", None),
    "SpikeSourcePoisson": ("poisson_source", None),
    "SpikeSourcePoissonRefractory": ("poisson_refractory_source", None),
    "SpikeSourceGamma": ("gamma_source", None),
    "SpikeInjector": ("array_source", None),
}


def only() -> Any:
    (population,) = simulator.state.freeze().populations
    return population


@pytest.mark.parametrize("name", CELLS)
def test_cell_becomes_its_model_with_every_parameter(sim: Any, name: str) -> None:
    model, kind = CELLS[name]
    sim.Population(2, getattr(sim, name)())
    population = only()
    assert (population.model, population.cell_type) == (model, name)
    assert {p.name for p in MODELS[model].parameters} <= set(population.parameters) | {"spike_times"}
    assert {r.kind for r in population.receptors} == ({kind} if kind else set())


def test_synaptic_parameters_go_to_their_receptor(sim: Any) -> None:
    sim.Population(2, sim.IF_cond_exp(tau_syn_E=1.5, e_rev_I=-81.0))
    excitatory, inhibitory = only().receptors
    assert (excitatory.name, excitatory.parameters["tau_syn"]) == ("excitatory", 1.5)
    assert (inhibitory.name, inhibitory.parameters["e_rev"]) == ("inhibitory", -81.0)


def test_composed_neuron_has_the_receptors_it_was_given(sim: Any) -> None:
    receptors = {"NMDA": sim.BetaPSR(tau_rise=2.0), "AMPA": sim.ExpPSR(tau_syn=1.0), "GABA": sim.AlphaPSR(e_syn=-70.0)}
    cell = sim.PointNeuron(sim.AdExp(tau_m=10.0), **receptors)
    population = sim.Population(3, cell)
    network_population = only()
    assert network_population.model == "adex"
    assert [(r.name, r.kind) for r in network_population.receptors] == [("AMPA", "cond_exp"), ("GABA", "cond_alpha"), ("NMDA", "cond_beta")]
    assert network_population.receptors[2].parameters == {"e_rev": 0.0, "tau_rise": 2.0, "tau_decay": 1.7}
    assert population.get("GABA.e_syn") == -70.0
    population[0:1].set(**{"AMPA.tau_syn": 4.0})
    assert only().receptors[0].parameters["tau_syn"].tolist() == [4.0, 1.0, 1.0]


def test_shared_values_stay_one_number(sim: Any) -> None:
    population = sim.Population(5, sim.IF_curr_exp(tau_m=12.0))
    assert only().parameters["tau_m"] == 12.0
    population[2].tau_m = 15.0
    assert only().parameters["tau_m"].tolist() == [12.0, 12.0, 15.0, 12.0, 12.0]
    population.set(tau_m=11.0)
    assert only().parameters["tau_m"] == 11.0


def test_values_may_be_arrays_random_or_functions(sim: Any) -> None:
    population = sim.Population(3, sim.IF_curr_exp(tau_m=[10.0, 11.0, 12.0], cm=lambda i: 1.0 + i))
    population.set(v_rest=sim.RandomDistribution("uniform", low=-70.0, high=-60.0))
    assert population.get("tau_m").tolist() == [10.0, 11.0, 12.0]
    assert population.get("cm").tolist() == [1.0, 2.0, 3.0]
    assert len(set(population.get("v_rest").tolist())) == 3


def test_initial_values_reach_the_network_by_cell(sim: Any) -> None:
    population = sim.Population(3, sim.EIF_cond_exp_isfa_ista(), initial_values={"v": -60.0, "w": [0.1, 0.2, 0.3]})
    population[1:2].initialize(v=-55.0)
    population[0].set_initial_value("w", 0.5)
    assert only().initial["v"].tolist() == [-60.0, -55.0, -60.0]
    assert only().initial["w"].tolist() == [0.5, 0.2, 0.3]
    assert population.initial_values["v"][1] == -55.0


def test_spike_times_are_one_sorted_array_per_cell(sim: Any) -> None:
    times = np.array([3.0, 4.0])
    population = sim.Population(3, sim.SpikeSourceArray(spike_times=[[1.0], [], [2.0, 2.5]]))
    population[1].spike_times = times
    times += 100.0
    assert [t.tolist() for t in only().spike_times] == [[1.0], [3.0, 4.0], [2.0, 2.5]]


def test_izhikevich_without_currents_keeps_its_own_initial_values(sim: Any) -> None:
    sim.Population(1, sim.Izhikevich())
    assert only().initial == {"v": -70.0, "u": -14.0}


@pytest.mark.parametrize(
    "make",
    [
        lambda s: s.STDPMechanism(s.SpikePairRule(A_plus=0.02), s.AdditiveWeightDependence(w_max=0.3)),
        lambda s: s.STDPMechanism(s.SpikePairRule(), s.MultiplicativeWeightDependence(w_min=0.1)),
        lambda s: s.STDPMechanism(s.SpikePairRule(), s.AdditivePotentiationMultiplicativeDepression()),
        lambda s: s.STDPMechanism(s.SpikePairRule(), s.GutigWeightDependence(mu_plus=0.3), dendritic_delay_fraction=0.4),
        lambda s: s.STDPMechanism(s.SpikePairRule(A_minus=0.02), s.PowerLawWeightDependence(w_0=0.3, mu_plus=0.5)),
    ],
)
def test_plasticity_carries_every_parameter(sim: Any, make: Any) -> None:
    cells = sim.Population(2, sim.IF_cond_exp())
    projection = sim.Projection(cells, cells, sim.AllToAllConnector(), make(sim))
    (described,) = simulator.state.freeze().projections
    plasticity = described.synapse.plasticity
    assert described.synapse.model == "stdp"
    own = ("w_0", "mu_plus") if plasticity.dependence == "power_law" else ("w_max", "w_min")
    for name in ("A_plus", "tau_minus", "dendritic_delay_fraction", *own):
        assert projection.get(name, format="list", with_address=False)[0] == getattr(plasticity, name)


def test_mechanisms_do_not_share_their_names(sim: Any) -> None:
    gutig = sim.STDPMechanism(sim.SpikePairRule(), sim.GutigWeightDependence())
    additive = sim.STDPMechanism(sim.SpikePairRule(), sim.AdditiveWeightDependence())
    assert "mu_plus" in gutig.translations
    assert "mu_plus" not in additive.translations


@pytest.mark.parametrize("name", ["IF_cond_exp_gsfa_grr", "GIF_cond_exp", "MultiCompartmentNeuron", "ElectricalSynapse", "Vogels2011Rule"])
def test_models_that_do_not_exist_say_what_to_use_instead(sim: Any, name: str) -> None:
    with pytest.raises(NotImplementedError, match=r"not available\. Use "):
        getattr(sim, name)(weight=1.0)
