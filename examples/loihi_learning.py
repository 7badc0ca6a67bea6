"""Learning on Loihi: PyNN's STDP by the chip's learning engine, rules as text, and rewards.

Pairs of spikes with lags of -60 to 60 ms change the weights of synapses: ideally, on the chip by the same
STDPMechanism (whose translation is printed), and on the chip by a rule with a third factor, the weight. Traces
there are whole numbers from 0 to 127, and weights mantissas from 0 to 255, rounded at random; each lag has 40 synapses.
In a third rule pairs change a tag, which fades, and a reward turns what is left of it into weight.
Prints what became of the rule and how far the windows are apart; draws them.

    python examples/loihi_learning.py loihi_learning.png
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np

import neurosim as sim

PICTURE = Path(sys.argv[1] if len(sys.argv) > 1 else "loihi_learning.png")
LAGS = np.setdiff1d(np.arange(-60.0, 61.0, 5.0), [0.0])  # ms, post after pre
WAITS = np.arange(10.0, 171.0, 10.0)  # ms, reward after pre
PER_LAG, PAIRS, EVERY = 40, 10, 300.0  # synapses per lag, pairs each sees, ms between them
W_MAX, W_START, STRONG = 1.0, 0.5, 20.0  # nA


def stdp(_):
    """Additive pair STDP, as in any PyNN script."""
    return sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=15.0, tau_minus=30.0, A_plus=0.02, A_minus=0.012),
        weight_dependence=sim.AdditiveWeightDependence(w_min=0.0, w_max=W_MAX),
        weight=W_START,
        delay=1.0,
    )


def soft(_):
    """A rule as NxSDK and Lava users write it: what is added shrinks as the weight grows."""
    traces = {"x1_impulse": 40, "x1_tau": 15.0, "y1_impulse": 20, "y1_tau": 30.0}
    return sim.SumOfProductsSynapse("2^-3*x1*y0 - 2^-3*y1*x0*w", w_max=W_MAX, weight=W_START, delay=1.0, **traces)


def rewarded(reward):
    """Pairs change a tag, which fades by 1/16 every 4 ms; rewards turn it into weight."""
    traces = {"x1_impulse": 80, "x1_tau": 15.0, "y1_impulse": 80, "y1_tau": 15.0, "r1_impulse": 30, "r1_tau": 5.0}
    tag, more = "2^0*x1*y0 - 2^0*y1*x0 - 2^-4*u0*t", {"w_max": W_MAX, "weight": W_START, "delay": 1.0}
    return sim.SumOfProductsSynapse("2^-4*u0*t*r1", dt=tag, reward=reward, t_epoch=4, **more, **traces)


def changes(chip, synapse, lags=LAGS, waits=None):
    """Mean weight change per pair, for each lag or wait, and its spread over synapses."""
    sim.setup(timestep=1.0, min_delay=1.0, chip=chip, rng_seed=1)
    lags, waits = (np.repeat(values, PER_LAG) for values in (lags, np.zeros(len(lags)) if waits is None else waits))
    n, starts = len(lags), EVERY * np.arange(1, PAIRS + 1)
    pre = sim.Population(n, sim.SpikeSourceArray(spike_times=[starts - wait for wait in waits]), label="pre")
    drive = sim.Population(
        n, sim.SpikeSourceArray(spike_times=[starts - w + lag - 1.0 for lag, w in zip(lags, waits, strict=True)]), label="drive"
    )
    reward = sim.Population(1, sim.SpikeSourceArray(spike_times=starts), label="reward")
    post = sim.Population(n, sim.IF_curr_delta(tau_m=5.0, tau_refrac=2.0), label="post")
    sim.Projection(drive, post, sim.OneToOneConnector(), sim.StaticSynapse(weight=STRONG, delay=1.0))
    learning = sim.Projection(pre, post, sim.OneToOneConnector(), synapse(reward), label="learning")
    sim.run(float(starts[-1] + EVERY))
    found = (np.array(learning.get("weight", format="list"))[:, 2] - W_START) / PAIRS
    said = [loss.detail for loss in sim.losses() if loss.what == "plasticity"] if chip else []
    sim.end()
    table = found.reshape(-1, PER_LAG)
    return table.mean(axis=1), table.std(axis=1), said


ideal, _, _ = changes(None, stdp)
chip, spread, said = changes("loihi", stdp)
other, other_spread, _ = changes("loihi", soft)
late = [changes("loihi", rewarded, np.full(len(WAITS), lag), WAITS)[:2] for lag in (5.0, -5.0)]
print(said[0])
print(f"windows of STDP are {np.abs(chip - ideal).mean():.5f} nA apart on average; the largest change is {np.abs(ideal).max():.5f} nA")

figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
axes[0].plot(LAGS, 1e3 * ideal, color="0.6", linewidth=3, label="ideal")
axes[0].errorbar(LAGS, 1e3 * chip, 1e3 * spread, fmt="o", markersize=4, color="tab:red", label="Loihi")
axes[0].set_title("PyNN's STDP")
axes[0].legend(loc="upper left")
axes[1].errorbar(LAGS, 1e3 * other, 1e3 * other_spread, fmt="o", markersize=4, color="tab:blue")
axes[1].set_title("dw = 2^-3*x1*y0 - 2^-3*y1*x0*w")
for (mean, error), label, color in zip(late, ("post 5 ms after pre", "post 5 ms before pre"), ("tab:green", "tab:purple"), strict=True):
    axes[2].errorbar(WAITS, 1e3 * mean, 1e3 * error, fmt="o", markersize=4, color=color, label=label)
axes[2].set_title("a tag that a reward makes weight")
axes[2].legend(loc="upper right")
for axis, label in zip(axes, ["post after pre (ms)"] * 2 + ["reward after pre (ms)"], strict=True):
    axis.axhline(0, color="0.8", zorder=0)
    axis.set_xlabel(label)
axes[0].set_ylabel("change per pair (pA)")
figure.savefig(PICTURE, dpi=120)
print(f"saved {PICTURE}")
