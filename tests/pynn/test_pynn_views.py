"""Views of no cells, views in reverse order, and attributes of single cells that do not exist."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as sim
from neurosim.errors import NeurosimError, ParameterError


@pytest.fixture
def cells():
    sim.setup(timestep=0.1, min_delay=0.1)
    return sim.Population(4, sim.IF_cond_exp(i_offset=1.0))


def test_view_in_reverse_order_sets_values_in_its_own_order(cells):
    back = cells[::-1]
    back.set(tau_m=[1.0, 2.0, 3.0, 4.0])
    back.initialize(v=[-61.0, -62.0, -63.0, -64.0])
    assert cells.get("tau_m").tolist() == [4.0, 3.0, 2.0, 1.0]
    assert back.get("tau_m").tolist() == [1.0, 2.0, 3.0, 4.0]
    assert cells.initial_values["v"].evaluate().tolist() == [-64.0, -63.0, -62.0, -61.0]
    assert cells[3].tau_m == 1.0


@pytest.mark.parametrize("nobody", [slice(0, 0), np.zeros(4, dtype=bool), np.array([], dtype=int)])
def test_view_of_no_cells_does_nothing_everywhere(cells, nobody):
    empty = cells[nobody]
    empty.set(tau_m=3.0)
    empty.initialize(v=-60.0)
    empty.record("spikes")
    assert empty.size == 0 and len(empty) == 0 and cells.get("tau_m") == 20.0
    for pre, post in ((empty, cells), (cells, empty), (empty, empty)):
        for connector in (sim.AllToAllConnector(), sim.FixedProbabilityConnector(0.5), sim.OneToOneConnector()):
            projection = sim.Projection(pre, post, connector, sim.StaticSynapse(weight=0.1))
            assert len(projection) == 0 and projection.get("weight", format="list") == []
            assert projection.get("weight", format="array").shape == (pre.size, post.size)
    sim.run(1.0)
    assert len(empty.spikes()[0]) == 0 and empty.get_spike_counts() == {}


def test_misspelt_parameter_of_one_cell_is_an_error_with_the_nearest_name(cells):
    with pytest.raises(NeurosimError, match=r"'tau_n'.*Did you mean 'tau_m'"):
        cells[1].tau_n = 5.0


def test_time_that_is_no_number_is_one_clear_error(cells):
    with pytest.raises(ParameterError, match="'long' is not a time"):
        sim.run("long")
