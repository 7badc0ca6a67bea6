"""Balanced network of conductance-based neurons: benchmark 1 (COBA) of Brette et al. (2007).

4000 integrate-and-fire neurons, four excitatory to one inhibitory, connected at random with 2 %
probability. Fifty excitatory neurons are driven for 50 ms; the activity then sustains itself,
irregularly, at about 20 Hz.

    python examples/brette_coba.py
    neurosim compare examples/brette_coba.py

R. Brette et al., Simulation of networks of spiking neurons: a review of tools and strategies,
Journal of Computational Neuroscience 23, 349 (2007); the network is after T. P. Vogels and
L. F. Abbott, Journal of Neuroscience 25, 10786 (2005).
"""

import neurosim as sim

N_EXC, N_INH, N_STIMULATED = 3200, 800, 50
PROBABILITY = 0.02
DELAY = 0.1  # ms
WEIGHT_EXC, WEIGHT_INH = 0.006, 0.067  # uS
DURATION = 1000.0  # ms

CELL = {
    "cm": 0.2,  # nF
    "tau_m": 20.0,  # ms
    "tau_refrac": 5.0,
    "v_rest": -60.0,  # mV
    "v_thresh": -50.0,
    "v_reset": -60.0,
    "tau_syn_E": 5.0,
    "tau_syn_I": 10.0,
    "e_rev_E": 0.0,
    "e_rev_I": -80.0,
}

sim.setup(timestep=0.1, min_delay=DELAY, rng_seed=1234)
rng = sim.NumpyRNG(seed=1234)

exc = sim.Population(N_EXC, sim.IF_cond_exp(**CELL), label="exc")
inh = sim.Population(N_INH, sim.IF_cond_exp(**CELL), label="inh")
everyone = exc + inh
everyone.initialize(v=sim.RandomDistribution("uniform", low=-60.0, high=-50.0, rng=rng))

stimulus = sim.Population(N_STIMULATED, sim.SpikeSourcePoisson(rate=300.0, start=1.0, duration=50.0), label="stimulus")

connector = sim.FixedProbabilityConnector(PROBABILITY, allow_self_connections=False, rng=rng)
excitatory = sim.StaticSynapse(weight=WEIGHT_EXC, delay=DELAY)
inhibitory = sim.StaticSynapse(weight=WEIGHT_INH, delay=DELAY)
for target in (exc, inh):
    sim.Projection(exc, target, connector, excitatory, receptor_type="excitatory")
    sim.Projection(inh, target, connector, inhibitory, receptor_type="inhibitory")
sim.Projection(stimulus, exc[:N_STIMULATED], sim.OneToOneConnector(), excitatory, receptor_type="excitatory")

everyone.record("spikes")
sim.run(DURATION)

for population in (exc, inh):
    print(f"{population.label}: {population.mean_spike_count() / DURATION * 1000.0:.1f} Hz")
sim.end()
