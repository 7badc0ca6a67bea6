"""Delays on Loihi: what they cost, and spikes on their way through delay lines of 1 to 63 steps.

A spike that is sent in one step acts in the next, or up to 62 steps later. A compartment then needs a place for what has
not acted yet: 2^b of them for delays of b bits, out of the 8,192 accumulators of a core, so that long delays leave an eighth
of its 1,024 compartments. The first half of the picture shows that; the second, 63 neurons that hear one input, each
with a delay of its own. Longer delays are refused, or shortened if that is allowed.

    python examples/loihi_delays.py loihi_delays.png
"""

import sys
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np

import neurosim as sim
from neurosim.errors import NeurosimError

PICTURE = Path(sys.argv[1] if len(sys.argv) > 1 else "loihi_delays.png")
LONGEST = 63  # steps of 1 ms: one on the way, and a delay of up to 62
SENT = [3.0, 6.0, 12.0, 24.0, 48.0]  # ms
CELL = {"tau_m": 20.0, "tau_refrac": 1.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 10.0}


def cells_per_core(delay):
    """Most neurons that share a core when their longest delay is so many steps."""
    sim.setup(timestep=1.0, chip="loihi", rng_seed=1)
    cells = sim.Population(2048, sim.IF_curr_delta(**CELL), label="cells")
    source = sim.Population(1, sim.SpikeSourceArray(), label="input")
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=delay))
    sim.place(effort="fast")
    return int(np.bincount(sim.mapping().core_of[0]).max())


def delay_lines(delays, **options):
    """Steps of all spikes and which cell they are of; cell k hears the input after ``delays[k]`` ms."""
    sim.setup(timestep=1.0, chip="loihi", rng_seed=1, **options)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=SENT), label="input")
    cells = sim.Population(len(delays), sim.IF_curr_delta(**CELL), label="cells", initial_values={"v": 0.0})
    lines = [(0, k, 15.0, delay) for k, delay in enumerate(delays)]
    sim.Projection(source, cells, sim.FromListConnector(lines), sim.StaticSynapse())
    cells.record("spikes")
    sim.run(120.0)
    return cells.spikes()


warnings.simplefilter("ignore", sim.LossWarning)
steps = np.arange(1, LONGEST + 1)
held = [cells_per_core(float(step)) for step in steps]
for first in [0, *np.flatnonzero(np.diff(held)) + 1]:
    print(f"delays from {steps[first]:>2} steps on: {held[first]:>5,} neurons on a core")

index, times = delay_lines([float(step) for step in steps])
expected = np.sort(np.add.outer(steps, SENT).ravel())
print(f"{len(times)} spikes of {len(steps)} neurons; on their diagonals: {np.array_equal(np.sort(times), expected)}")

try:
    delay_lines([100.0])
except NeurosimError as error:
    print(error)
print(f"with approximate=['delay'] they come after {LONGEST} steps: {delay_lines([100.0], approximate=['delay'])[1][0] - SENT[0]:.0f} ms")
sim.end()

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
left.step(steps, held, where="mid", color="tab:red")
left.set(
    xlabel="longest delay (steps)",
    ylabel="neurons on a core",
    ylim=(0, 1100),
    title="8,192 accumulators, 2^bits for each neuron",
    xlim=(0, 64),
)
for first in [0, *np.flatnonzero(np.diff(held)) + 1]:
    left.annotate(f"{held[first]:,}", (steps[first], held[first]), xytext=(3, 4), textcoords="offset points")
right.vlines(SENT, 0, LONGEST + 1, color="0.8", linewidth=1, label="input")
right.scatter(times, steps[index], s=6, color="tab:blue", label="neurons")
right.set(
    xlabel="time (ms)", ylabel="delay of the neuron (steps)", title="Five spikes in 63 delay lines", xlim=(0, 120), ylim=(0, LONGEST + 1)
)
right.legend(loc="lower right")
figure.savefig(PICTURE, dpi=120)
print(f"saved {PICTURE}")
