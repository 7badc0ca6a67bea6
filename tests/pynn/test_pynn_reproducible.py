"""Whatever has no seed of its own depends on ``rng_seed``: two runs of a script are identical."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.space import Cuboid, RandomStructure

from neurosim.pynn import simulator


def script(sim: Any, **settings: Any) -> list[Any]:
    """Everything random that a script can leave unseeded."""
    sim.setup(**settings)
    values = RandomDistribution("normal", mu=20.0, sigma=1.0)
    cells = sim.Population(
        30,
        sim.IF_cond_exp(tau_m=values),
        initial_values={"v": RandomDistribution("uniform", low=-70, high=-60)},
        structure=RandomStructure(Cuboid(10, 10, 10)),
    )
    cells.set(cm=RandomDistribution("uniform", low=0.9, high=1.1))
    weight = RandomDistribution("uniform", low=0.1, high=0.2)
    drawn = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.2, rng=NumpyRNG()), sim.StaticSynapse(weight=weight))
    drawn.set(delay=sim.RandomDistribution("uniform", low=0.5, high=1.0))
    native = sim.Projection(
        cells,
        cells,
        sim.FixedNumberPreConnector(3, rng=sim.NativeRNG()),
        sim.StaticSynapse(weight=sim.RandomDistribution("uniform", low=0.1, high=0.2, rng=sim.NativeRNG())),
    )
    noise = sim.NoisyCurrentSource(mean=0.0, stdev=1.0)
    noise.inject_into(cells)
    network = simulator.state.freeze()
    v = np.asarray(network.populations[0].initial["v"])
    return [
        cells.get("tau_m").tolist(), cells.get("cm").tolist(), v.tolist(), cells.positions.tolist(),
        drawn.get(["weight", "delay"], format="list"), native.get("weight", format="list"), network.currents[0].seed, network.seed,
        [int(c) for c in cells.sample(5)], sim.NumpyRNG().next(3).tolist(),
    ]  # fmt: skip


@pytest.mark.parametrize("rng", ["pynn", "fast"])
def test_two_runs_of_a_script_are_identical(sim: Any, rng: str) -> None:
    assert script(sim, rng=rng) == script(sim, rng=rng)


@pytest.mark.parametrize("rng", ["pynn", "fast"])
def test_another_rng_seed_changes_everything(sim: Any, rng: str) -> None:
    one, two = script(sim, rng=rng, rng_seed=1), script(sim, rng=rng, rng_seed=2)
    assert all(a != b for a, b in zip(one, two, strict=True))


def test_seeded_generators_do_not_depend_on_rng_seed(sim: Any) -> None:
    found = []
    for seed in (1, 2):
        sim.setup(rng_seed=seed)
        cells = sim.Population(9, sim.IF_cond_exp(tau_m=RandomDistribution("uniform", low=10, high=20, rng=NumpyRNG(seed=3))))
        found.append(cells.get("tau_m"))
    assert np.array_equal(*found)


def test_native_generators_give_numbers_of_their_own_seed(sim: Any) -> None:
    a, b = sim.NativeRNG(seed=3), sim.NativeRNG(seed=3)
    assert np.array_equal(a.next(4, "uniform", {"low": 0, "high": 1}), b.next(4, "uniform", {"low": 0, "high": 1}))
    assert sim.NativeRNG(seed=3).fresh_seed() != sim.NativeRNG(seed=4).fresh_seed()
