"""Connectors at their limits: numbers above the number of cells, classes of stock PyNN beside ours."""

from __future__ import annotations

import numpy as np
import pytest
from pyNN import connectors as stock

import neurosim as sim
from neurosim.errors import ParameterError


def synapses(connector, n_pre=3, n_post=4):
    """Matrix with the number of connections of each pair."""
    sim.setup(timestep=0.1, min_delay=0.1)
    pre, post = sim.Population(n_pre, sim.SpikeSourceArray()), sim.Population(n_post, sim.IF_curr_exp())
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(weight=1.0, delay=1.0))
    return np.nan_to_num(projection.get("weight", format="array"))


def test_more_sources_than_there_are_connects_everybody_before_anybody_twice():
    counts = synapses(sim.FixedNumberPreConnector(7))
    assert counts.sum(axis=0).tolist() == [7, 7, 7, 7]
    assert counts.min() == 2 and counts.max() == 3


def test_more_targets_than_there_are_connects_everybody_before_anybody_twice():
    counts = synapses(sim.FixedNumberPostConnector(9))
    assert counts.sum(axis=1).tolist() == [9, 9, 9]
    assert counts.min() == 2 and counts.max() == 3


def test_numpy_integers_are_numbers_of_connections():
    assert synapses(sim.FixedTotalNumberConnector(np.int64(5))).sum() == 5


def test_own_and_stock_classes_make_the_same_network():
    for name, argument in (("FixedProbabilityConnector", 0.4), ("FixedNumberPreConnector", 2), ("FixedTotalNumberConnector", 6)):
        ours, theirs = (getattr(module, name)(argument, rng=sim.NumpyRNG(seed=3)) for module in (sim, stock))
        assert isinstance(ours, getattr(stock, name))
        np.testing.assert_array_equal(synapses(ours), synapses(theirs))


def test_stock_connector_with_a_probability_above_one_is_refused():
    with pytest.raises(ParameterError, match=r"probability 1\.5"):
        synapses(stock.FixedProbabilityConnector(1.5))
