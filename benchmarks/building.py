"""Building synapses through PyNN: ns per synapse, by connector.

Measured from ``Projection(...)`` to the end of the first time step after it, because some
simulators build a projection when it is made and others when it is first needed. The populations
have run before, so that what happens once only is not counted.

    python benchmarks/building.py neurosim|nest [THREADS]
"""

from __future__ import annotations

import importlib
import json
import sys
import time

MODULES = {"neurosim": "neurosim", "nest": "pyNN.nest"}


def cases(sim):
    """Name of each case, number of cells on either side, connector."""
    rng = sim.NumpyRNG(seed=1)
    return (
        ("all_to_all", 1000, sim.AllToAllConnector()),
        ("one_to_one", 100_000, sim.OneToOneConnector()),
        ("fixed_probability", 4000, sim.FixedProbabilityConnector(0.05, rng=rng)),
        ("fixed_number_pre", 5000, sim.FixedNumberPreConnector(100, rng=rng)),
        ("fixed_total", 5000, sim.FixedTotalNumberConnector(500_000, rng=rng)),
        ("distance", 1000, sim.DistanceDependentProbabilityConnector("exp(-d/100.0)", rng=rng)),
    )


def once(sim, simulator, threads, name):
    """Nanoseconds per synapse of one case, in a set-up of its own."""
    sim.setup(timestep=0.1, min_delay=0.1, max_delay=2.0, threads=threads, **{"neurosim": {"rng_seed": 1}, "nest": {}}[simulator])
    size, connector = next((size, connector) for case, size, connector in cases(sim) if case == name)
    pre = sim.Population(size, sim.IF_curr_exp(), label="pre")
    post = sim.Population(size, sim.IF_curr_exp(), label="post")
    sim.run(0.1)
    begun = time.perf_counter()
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(weight=0.001, delay=1.0), receptor_type="excitatory")
    sim.run(0.1)
    wall_s = time.perf_counter() - begun
    synapses = projection.size()
    sim.end()
    return wall_s / synapses * 1e9


def main(simulator, threads):
    """Every case twice, the second one counts: kernels are compiled in the first."""
    sim = importlib.import_module(MODULES[simulator])
    names = [name for name, _size, _connector in cases(sim)]
    measured = {}
    for name in names:
        once(sim, simulator, threads, name)
        measured[f"{name}_ns"] = once(sim, simulator, threads, name)
    print(json.dumps(measured))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
