"""What a dense layer takes of Loihi: cores against size, and which limit makes them so many.

Layers of n neurons hear n inputs, on as many chips as they need: all to all; all to all with delays of 60 steps; one
synapse in twenty; and all to all onto themselves. A core holds 1,024 compartments, but also 16,384 words of synapses, one
list for every input that reaches it; and a neuron needs an output axon for every core that it reaches. Prints what the
fullest core of each layer takes, draws how many cores there are, and explains why a neuron with 5,000 inputs is refused.

    python examples/loihi_fan_out.py loihi_fan_out.png
"""

import sys
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np

import neurosim as sim
from neurosim.errors import PlacementError

PICTURE = Path(sys.argv[1] if len(sys.argv) > 1 else "loihi_fan_out.png")
SIZES = [128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096]
REFUSED = 900  # where the picture has what does not fit
LAYERS = {
    "dense": {},
    "dense, delays of 60 steps": {"delay": 60.0},
    "one synapse in twenty": {"probability": 0.05},
    "dense, onto itself": {"recurrent": True},
}
LIMITS = {
    "compartments": "tab:blue",
    "dendritic accumulators": "tab:green",
    "synaptic memory": "tab:red",
    "input axons": "tab:orange",
    "output axons": "tab:purple",
}


def layer(n, n_inputs, *, delay=1.0, probability=1.0, recurrent=False):
    """Build a layer of n neurons; all weights have 8 bits on the chip."""
    sim.setup(timestep=1.0, chip="loihi:nahuku32", n_boards=2, rng_seed=1)
    cells = sim.Population(n, sim.IF_curr_exp(tau_refrac=2.0), label="layer")
    inputs = cells if recurrent else sim.Population(n_inputs, sim.SpikeSourceArray(), label="inputs")
    connector = sim.FixedProbabilityConnector(probability) if probability < 1 else sim.AllToAllConnector()
    sim.Projection(inputs, cells, connector, sim.StaticSynapse(weight=0.1, delay=delay))
    sim.place(effort="fast")


def mapped(n, how):
    """The mapping of a layer, or why it does not fit."""
    layer(n, n, **how)
    try:
        m = sim.mapping()
    except PlacementError as error:
        print(f"  {n:>7,} does not fit: {error}")
        return None, error.resource
    print(f"  {n:>7,} {m.n_cores_used:>6,} {n / m.n_cores_used:>15,.0f}  {m.binding.resource}, {m.binding.fraction:.0%}")
    return m.n_cores_used, m.binding.resource


warnings.simplefilter("ignore", sim.LossWarning)
figure, axis = plt.subplots(figsize=(8, 5.5), layout="constrained")
for (name, how), line in zip(LAYERS.items(), ("-", "--", ":", "-."), strict=True):
    print(f"{name}\n  neurons  cores  neurons a core  fullest limit")
    cores, limits = zip(*(mapped(n, how) for n in SIZES), strict=True)
    fits = [n is not None for n in cores]
    axis.plot(np.array(SIZES)[fits], [n for n in cores if n], line, color="0.5", zorder=1, label=name)
    for n, used, limit in zip(SIZES, cores, limits, strict=True):
        axis.plot(n, used or REFUSED, "o" if used else "X", color=LIMITS[limit], markersize=6 if used else 11)
        if not used:
            axis.annotate(
                f"{name}:\nrefused", (n, REFUSED), xytext=(-12, 0), textcoords="offset points", ha="right", va="center", fontsize=8
            )

axis.plot(SIZES, np.ceil(np.array(SIZES) / 1024), color="tab:blue", linewidth=0.8, label="if only compartments counted")
axis.axhline(128, color="0.8", linewidth=0.8, zorder=0)
axis.text(SIZES[0], 133, "one chip", color="0.5", va="bottom")
for resource, colour in LIMITS.items():
    axis.scatter([], [], c=colour, label=f"fullest: {resource}")
axis.set(xscale="log", yscale="log", xlabel="neurons in the layer, and inputs to each", ylabel="cores", ylim=(0.8, 2000))
axis.set_xticks([128, 256, 512, 1024, 2048, 4096], ["128", "256", "512", "1024", "2048", "4096"], minor=False)
axis.minorticks_off()
axis.legend(fontsize=8)
figure.savefig(PICTURE, dpi=120)
print(f"saved {PICTURE}\n")

# more sources than a core has input axons: no way of cutting the layer helps
layer(1, 5000)
print(sim.explain())
sim.end()
