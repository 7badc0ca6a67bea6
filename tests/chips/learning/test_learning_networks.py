"""Networks whose synapses learn from rewards, without PyNN."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import chips
from neurosim.connectivity import AllToAll
from neurosim.errors import ParameterError
from neurosim.mapping.explain_scale import with_fewer_cells
from neurosim.network import Network, Population, Projection, Receptor, Selection, Synapse
from neurosim.plasticity import SumOfProducts
from neurosim.session import Session

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")


def network(rules, *, rewarded):
    """Four sources onto four cells, and ten sources of rewards."""
    parameters = {"v_rest": -65.0, "cm": 1.0, "tau_m": 20.0, "tau_refrac": 1.0, "i_offset": 0.0, "v_reset": -65.0, "v_thresh": -50.0}
    source, reward = (
        Population(i, name, n, "array_source", spike_times=(np.array([2.0]),) * n) for i, name, n in ((0, "in", 4), (1, "r", 10))
    )
    receptors = (Receptor("excitatory", "curr_exp", {"tau_syn": 5.0}),)
    cells = Population(2, "out", 4, "lif", parameters=parameters, receptors=receptors, cell_type="IF_curr_exp")
    products = SumOfProducts(rules, 1.0, {"r1": (10.0, 20.0)})
    given = Selection(((1, np.array([1, 8, 9])),)) if rewarded else None
    synapse = Synapse("sum_of_products", {"weight": 0.0, "delay": 1.0}, products=products, reward=given)
    learning = Projection(0, "learning", Selection.whole(source), Selection.whole(cells), "excitatory", AllToAll(), synapse, 1)
    return Network(1.0, 3, (source, reward, cells), (learning,))


@pytest.mark.parametrize("chip", ["loihi", "loihi2"])
def test_networks_learn_from_rewards(chip):
    session = Session(network("dw = r0*x0", rewarded=True), chips.load(chip))
    session.run_until(5.0)
    assert np.allclose(session.weights(0).columns["weight"] * 255, 1.0)


def test_the_cost_of_a_run_counts_updates_and_says_that_rewards_are_free():
    session = Session(network("dw = r0*x0", rewarded=True), chips.load("loihi"), cost=True)
    session.run_until(5.0)
    cost = session.cost(profile="davies2018")
    assert cost.n("learning update") == 16  # a spike of each of four sources, on four synapses
    assert any("reward spikes reach cores at no cost" in text for text in cost.not_modelled)


def test_rules_that_read_rewards_need_some():
    with pytest.raises(ParameterError, match="the rules read r1, and nothing gives rewards") as error:
        Session(network("dw = r1*x0", rewarded=False), chips.load("loihi"))
    assert error.value.where == "Projection 'learning'"


def test_smaller_networks_keep_the_rewards_that_they_have():
    small = with_fewer_cells(network("dw = r0*x0", rewarded=True), 0.5)
    ((population, cells),) = small.projections[0].synapse.reward.parts
    assert 0 < len(cells) < 3
    assert max(cells) < small.populations[population].size
    Session(small, chips.load("loihi")).run_until(3.0)
