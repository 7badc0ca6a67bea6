"""COBA of Brette et al. (2007), 4000 conductance-based neurons, through PyNN: one second of activity.

Everything before the measured second (kernels, first steps) is ``prepare``; the measured second
comes after 100 ms, when the activity is self-sustained.

    python benchmarks/coba.py neurosim|nest [THREADS]
"""

from __future__ import annotations

import importlib
import json
import sys
import time

MODULES = {"neurosim": "neurosim", "nest": "pyNN.nest"}
N_EXC, N_INH, N_STIMULATED, PROBABILITY, DELAY_MS = 3200, 800, 50, 0.02, 0.1
CELL = {
    "cm": 0.2, "tau_m": 20.0, "tau_refrac": 5.0, "v_rest": -60.0, "v_thresh": -50.0, "v_reset": -60.0,
    "tau_syn_E": 5.0, "tau_syn_I": 10.0, "e_rev_E": 0.0, "e_rev_I": -80.0,
}  # fmt: skip


def build(sim):
    """The network; gives the two populations."""
    rng = sim.NumpyRNG(seed=1234)
    exc = sim.Population(N_EXC, sim.IF_cond_exp(**CELL), label="exc")
    inh = sim.Population(N_INH, sim.IF_cond_exp(**CELL), label="inh")
    for cells in (exc, inh):
        cells.initialize(v=sim.RandomDistribution("uniform", low=-60.0, high=-50.0, rng=rng))
        cells.record("spikes")
    stimulus = sim.Population(N_STIMULATED, sim.SpikeSourcePoisson(rate=300.0, start=1.0, duration=50.0))
    connector = sim.FixedProbabilityConnector(PROBABILITY, allow_self_connections=False, rng=rng)
    excitatory = sim.StaticSynapse(weight=0.006, delay=DELAY_MS)
    inhibitory = sim.StaticSynapse(weight=0.067, delay=DELAY_MS)
    for target in (exc, inh):
        sim.Projection(exc, target, connector, excitatory, receptor_type="excitatory")
        sim.Projection(inh, target, connector, inhibitory, receptor_type="inhibitory")
    sim.Projection(stimulus, exc[:N_STIMULATED], sim.OneToOneConnector(), excitatory, receptor_type="excitatory")
    return exc, inh


def main(simulator, threads):
    """Times in s of the stages, and the rate as a check that the same thing was computed."""
    sim = importlib.import_module(MODULES[simulator])
    sim.setup(timestep=0.1, min_delay=DELAY_MS, threads=threads, **{"neurosim": {"rng_seed": 1}, "nest": {}}[simulator])
    marks = [time.perf_counter()]
    populations = build(sim)
    marks.append(time.perf_counter())
    sim.run(100.0)
    before = sum(cells.mean_spike_count() * cells.size for cells in populations)
    marks.append(time.perf_counter())
    sim.run(1000.0)
    marks.append(time.perf_counter())
    spikes = sum(cells.mean_spike_count() * cells.size for cells in populations) - before
    build_s, prepare_s, run_s = (later - earlier for earlier, later in zip(marks, marks[1:]))  # noqa: B905, RUF007
    print(json.dumps({"build_s": build_s, "prepare_s": prepare_s, "run_s": run_s, "rate_hz": spikes / (N_EXC + N_INH)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
