"""Adapting (AdEx) neurons learn which of their inputs fire together.

200 Poisson inputs reach 20 AdEx neurons through synapses with additive spike-timing-dependent
plasticity, each neuron through a random half of them. The first half of the inputs fires in
bursts, all together, the second half on its own, at the same mean rate: the synapses of the first
half grow, the others shrink. The weights are recorded while the network runs.

    python examples/adex_stdp.py
    neurosim compare examples/adex_stdp.py
"""

import numpy as np

import neurosim as sim

N_GROUP, N_NEURONS = 100, 20
DURATION, INTERVAL = 6000.0, 100.0  # ms
RATE = 10.0  # Hz, mean rate of every input
WEIGHT_MAX = 0.004  # uS

sim.setup(timestep=0.1, rng_seed=7)
random = np.random.default_rng(7)

# Bursts: the whole group fires within 3 ms of the same moments.
moments = np.sort(random.uniform(0.0, DURATION - 10.0, int(RATE * DURATION / 1000.0)))
bursts = [np.sort(moments + random.uniform(0.0, 3.0, len(moments))) for _ in range(N_GROUP)]

together = sim.Population(N_GROUP, sim.SpikeSourceArray(spike_times=bursts), label="together")
apart = sim.Population(N_GROUP, sim.SpikeSourcePoisson(rate=RATE), label="apart")
neurons = sim.Population(N_NEURONS, sim.EIF_cond_exp_isfa_ista(tau_refrac=2.0, b=0.04), label="adex")
neurons.record("spikes")
neurons[:1].record(["v", "w"], sampling_interval=1.0)

rule = sim.STDPMechanism(
    timing_dependence=sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.02, A_minus=0.025),
    weight_dependence=sim.AdditiveWeightDependence(w_min=0.0, w_max=WEIGHT_MAX),
    weight=WEIGHT_MAX / 2,
    delay=1.0,
)
half = sim.FixedProbabilityConnector(0.5, rng=sim.NumpyRNG(seed=7))
plastic = [sim.Projection(group, neurons, half, rule, receptor_type="excitatory") for group in (together, apart)]
for projection in plastic:
    projection.record("weight", INTERVAL)

sim.run(DURATION)

print(f"rate of the neurons: {neurons.mean_spike_count() / DURATION * 1000.0:.1f} Hz")
for group, projection in zip(("together", "apart"), plastic, strict=True):
    _times, weights = projection.get_recorded("weight")  # one row per moment, one column per synapse
    print(f"weights of the inputs that fire {group}: {100 * weights[-1].mean() / weights[0].mean():.0f} % of their first value")
sim.end()
