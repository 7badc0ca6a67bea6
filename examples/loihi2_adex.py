"""AdEx neurons as integer programs on Loihi 2, beside the ideal ones.

Three AdEx neurons with parameters of other firing patterns get a step of current: on the ideal reference, and on
Loihi 2, where each is a program in whole numbers. Prints spikes and rates of both, what the ledger says about the
programs, and how long the chip may take; draws all voltages.

    python examples/loihi2_adex.py loihi2_adex.png
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np

import neurosim as sim

PICTURE = Path(sys.argv[1] if len(sys.argv) > 1 else "loihi2_adex.png")
DURATION = 400.0  # ms
# other values than the model's own, after the patterns of Naud et al. 2008 (Biol. Cybern. 99:335)
PATTERNS = {
    "tonic": {"cm": 0.2, "tau_m": 20.0, "v_rest": -70.0, "v_reset": -58.0, "a": 2.0, "b": 0.0, "tau_w": 30.0, "i_offset": 0.5},
    "adapting": {"cm": 0.2, "tau_m": 16.67, "v_rest": -70.0, "v_reset": -58.0, "a": 2.0, "b": 0.06, "tau_w": 300.0, "i_offset": 0.5},
    "bursting": {"cm": 0.2, "tau_m": 20.0, "v_rest": -58.0, "v_reset": -46.0, "a": 2.0, "b": 0.1, "tau_w": 120.0, "i_offset": 0.21},
}


def run(chip):
    """Voltages (mV) and spike times (ms) of each pattern, the mapping, and the losses."""
    sim.setup(timestep=0.1, chip=chip, approximate=["conductance", "programs"], rng_seed=1)
    cells = {
        name: sim.Population(
            1, sim.EIF_cond_exp_isfa_ista(v_thresh=-50.0, v_spike=0.0, **values), label=name, initial_values={"v": values["v_rest"]}
        )
        for name, values in PATTERNS.items()
    }
    for cell in cells.values():
        cell.record(["v", "spikes"])
    sim.run(DURATION)
    data = {name: cell.get_data().segments[0] for name, cell in cells.items()}
    voltages = {name: np.asarray(segment.analogsignals[0])[:, 0] for name, segment in data.items()}
    spikes = {name: np.asarray(segment.spiketrains[0]) for name, segment in data.items()}
    mapping = sim.mapping() if chip else None
    sim.end()
    return voltages, spikes, mapping


ideal_v, ideal, _ = run(None)
chip_v, found, mapping = run("loihi2")
assert mapping is not None  # there is one on every chip

for name in PATTERNS:
    apart = np.abs(ideal[name][:3] - found[name][:3]).max()
    print(f"{name}: {len(ideal[name])} spikes ideally, {len(found[name])} as a program; the first three are at most {apart:.2f} ms apart")
print(next(str(loss) for loss in mapping.losses if "'programs'" in loss.detail))

steps = {number: (np.rint(times / 0.1).astype(int) - 1, np.zeros(len(times), int)) for number, times in enumerate(found.values())}
chip = sim.chips.load("loihi2")
print(chip.cost(mapping.network, mapping, steps, round(DURATION / 0.1)).summary())

figure, axes = plt.subplots(len(PATTERNS), 1, sharex=True, figsize=(8, 6), layout="constrained")
for name, axis in zip(PATTERNS, axes, strict=True):
    times = np.arange(len(ideal_v[name])) * 0.1
    axis.plot(times, ideal_v[name], color="0.6", linewidth=2, label="ideal")
    axis.plot(times, chip_v[name], color="tab:red", linewidth=0.8, label="program in whole numbers")
    axis.set_ylabel(f"{name}\nv (mV)")
axes[0].legend(loc="upper right")
axes[-1].set_xlabel("time (ms)")
figure.savefig(PICTURE, dpi=120)
print(f"saved {PICTURE}")
