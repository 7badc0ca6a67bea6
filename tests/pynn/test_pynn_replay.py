"""One seed gives the network that stock PyNN (its mock backend) builds, bit for bit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyNN.core import IndexBasedExpression
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.space import Grid2D, Space

import neurosim.pynn as ours


class Nearer(IndexBasedExpression):
    """Probability falls with the difference of the indices."""

    def __call__(self, i: Any, j: Any) -> Any:
        return 1.0 / (1.0 + abs(i - j))


def rng(seed: int = 42) -> NumpyRNG:
    return NumpyRNG(seed=seed)


def normal(**options: Any) -> RandomDistribution:
    return RandomDistribution("normal", mu=0.5, sigma=0.01, rng=rng(7), **options)


Build = Callable[[Any], tuple[Any, dict[str, Any]]]

CASES: dict[str, Build] = {
    "fixed probability": lambda s: (s.FixedProbabilityConnector(0.3, rng=rng()), {"weight": 0.1, "delay": 0.5}),
    "fixed probability, random columns": lambda s: (
        s.FixedProbabilityConnector(0.3, rng=rng()),
        {"weight": normal(), "delay": RandomDistribution("uniform", low=0.5, high=1.5, rng=rng(8))},
    ),
    "fixed probability, default generator": lambda s: (s.FixedProbabilityConnector(0.3), {"weight": normal()}),
    "fixed probability, clipped weights": lambda s: (
        s.FixedProbabilityConnector(0.4, rng=rng()),
        {"weight": RandomDistribution("normal_clipped", mu=0.1, sigma=0.2, low=0.0, high=0.2, rng=rng(3))},
    ),
    "fixed probability, no self": lambda s: (
        s.FixedProbabilityConnector(0.5, allow_self_connections=False, rng=rng()),
        {"weight": normal()},
    ),
    "all to all, random weights": lambda s: (s.AllToAllConnector(), {"weight": normal(), "delay": "0.5+0.1*d"}),
    "all to all, no self": lambda s: (s.AllToAllConnector(allow_self_connections=False), {"weight": 0.2, "delay": lambda d: 0.2 + 0.3 * d}),
    "all to all, matrix": lambda s: (s.AllToAllConnector(), {"weight": np.arange(1.0, 145.0).reshape(9, 16)}),
    "one to one": lambda s: (s.OneToOneConnector(), {"weight": normal(), "delay": "0.2+0.3*d"}),
    "distance": lambda s: (s.DistanceDependentProbabilityConnector("exp(-d/3.0)", rng=rng()), {"weight": normal(), "delay": "0.5+0.1*d"}),
    "distance, periodic": lambda s: (s.DistanceDependentProbabilityConnector("0.9*exp(-d/2.0)", rng=rng()), {"weight": 0.1}),
    "index": lambda s: (s.IndexBasedProbabilityConnector(Nearer(), rng=rng()), {"weight": Nearer(), "delay": 0.5}),
    "displacement": lambda s: (s.DisplacementDependentProbabilityConnector(lambda d: 1.0 * (abs(d[0]) < 2.5), rng=rng()), {"weight": 0.1}),
    "number pre": lambda s: (s.FixedNumberPreConnector(4, rng=rng()), {"weight": normal()}),
    "number pre, replaced": lambda s: (s.FixedNumberPreConnector(4, with_replacement=True, rng=rng()), {"weight": normal()}),
    "number pre, more than there are": lambda s: (s.FixedNumberPreConnector(25, rng=rng()), {"weight": normal()}),
    "number pre, random n": lambda s: (
        s.FixedNumberPreConnector(RandomDistribution("uniform_int", low=1, high=5, rng=rng(4)), rng=rng()),
        {"weight": 0.1},
    ),
    "number post": lambda s: (s.FixedNumberPostConnector(5, rng=rng()), {"weight": normal()}),
    "number post, replaced": lambda s: (s.FixedNumberPostConnector(5, with_replacement=True, rng=rng()), {"weight": normal()}),
    "total number": lambda s: (s.FixedTotalNumberConnector(61, rng=rng()), {"weight": normal()}),
    "from list": lambda s: (s.FromListConnector([(0, 0, 0.1, 0.5), (3, 1, 0.2, 0.7), (2, 1, 0.3, 0.9)]), {}),
    "from list, random weights": lambda s: (s.FromListConnector([(0, 0), (3, 1), (2, 1), (8, 8)]), {"weight": normal()}),
    "array": lambda s: (s.ArrayConnector(np.indices((9, 16)).sum(axis=0) % 3 == 0), {"weight": normal()}),
}


def synapses(sim: Any, build: Build, *, recurrent: bool, periodic: bool) -> list[tuple[float, ...]]:
    sim.setup(timestep=0.1)
    pre = sim.Population(9, sim.IF_cond_exp(), structure=Grid2D(dx=1.3, dy=0.7))
    post = pre if recurrent else sim.Population(16, sim.IF_cond_exp(), structure=Grid2D(dx=0.9, dy=1.1))
    connector, values = build(sim)
    space = Space(periodic_boundaries=((-2.0, 2.0), None, None)) if periodic else Space()
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(**values), receptor_type="excitatory", space=space)
    if hasattr(projection, "synapse_values"):
        return sorted(projection.get(["weight", "delay"], format="list"))
    names = ("presynaptic_index", "postsynaptic_index", "WEIGHT", "DELAY")
    return sorted(tuple(float(x) for x in connection.as_tuple(*names)) for connection in projection.connections)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("recurrent", [False, True])
def test_same_seed_gives_the_network_of_stock_pynn(name: str, recurrent: bool) -> None:
    if recurrent and ("matrix" in name or name == "array"):
        pytest.skip("the matrix has the shape of the other projection")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyNN.mock as stock

        expected = synapses(stock, CASES[name], recurrent=recurrent, periodic="periodic" in name)
    found = synapses(ours, CASES[name], recurrent=recurrent, periodic="periodic" in name)
    assert found == expected


def test_generator_stands_where_stock_leaves_it_after_a_fixed_total() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyNN.mock as stock
    after = []
    for sim in (stock, ours):
        sim.setup(timestep=0.1)
        population, generator = sim.Population(7, sim.IF_cond_exp()), rng()
        sim.Projection(population, population, sim.FixedTotalNumberConnector(40, rng=generator), sim.StaticSynapse(weight=0.1))
        after.append(generator.next(3).tolist())
    assert after[0] == after[1]
