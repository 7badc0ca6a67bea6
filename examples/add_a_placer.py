"""A placer of your own beside the one of neurosim, both measured by the mapper.

A sheet of 10 x 10 populations, each as large as a core, listens to its neighbours; they are made in random order, so that
filling the chip in that order scatters them. `nearest` below puts the core with most packets to what is placed already
onto the free slot with the shortest ways to it. The mapper routes every packet of each placement and counts the links.

To make such a placer the chip's default, call it in `locate` (mapping/stages.py); there it gets the same task.

    python examples/add_a_placer.py placements
"""

import sys
import warnings
from pathlib import Path

import numpy as np

import neurosim as sim

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "placements")
SIDE = 10


def nearest(task):
    """Slot of every core: from the busiest on, each next to those it talks to; of equal slots the one in the middle."""
    packets = np.zeros((task.n_cores, task.n_cores))
    packets[task.graph.source, task.graph.target] = task.graph.packets
    packets += packets.T
    slots = np.arange(task.n_slots)
    distance = task.links(slots[:, None], slots[None, :])
    slot_of = np.where(task.fixed, task.given, -1)
    free = np.setdiff1d(slots, slot_of)
    while (slot_of < 0).any():
        placed = slot_of >= 0
        core = np.lexsort((packets.sum(axis=1), np.where(placed, -1.0, packets @ placed)))[-1]
        ways = distance[np.ix_(free, slot_of[placed])] @ packets[core, placed]
        best = np.lexsort((distance[free].sum(axis=1), ways))[0]
        slot_of[core], free = free[best], np.delete(free, best)
    return slot_of


def placed(**how):
    """The sheet on a chip, placed in some way."""
    sim.setup(timestep=1.0, chip="loihi", rng_seed=1, rng="fast")
    cell = sim.IF_curr_exp(tau_refrac=2.0)
    cells = {int(k): sim.Population(900, cell, label=f"{k // SIDE},{k % SIDE}") for k in np.random.default_rng(7).permutation(SIDE * SIDE)}
    for k, pre in cells.items():
        for neighbour in [k + 1] * (k % SIDE < SIDE - 1) + [k + SIDE] * (k < SIDE * (SIDE - 1)):
            for a, b in ((pre, cells[neighbour]), (cells[neighbour], pre)):
                sim.Projection(a, b, sim.FixedNumberPreConnector(2), sim.StaticSynapse(weight=0.1, delay=1.0))
    sim.place(**how)
    return sim.mapping()


FOLDER.mkdir(parents=True, exist_ok=True)
warnings.simplefilter("ignore", sim.LossWarning)
print(f"{'placer':<22}{'packets x links':>16}{'per packet':>12}{'seconds':>9}")
for name, how in {"in order": {"effort": "fast"}, "nearest (this file)": {"placer": nearest}, "neurosim": {}}.items():
    mapping = placed(**how)
    print(f"{name:<22}{mapping.traffic.hops:>16,.0f}{mapping.traffic.mean_hops:>12.2f}{mapping.seconds['place']:>9.2f}")
    mapping.chip_map(FOLDER / f"{name.split()[0]}.svg", colour="links")
sim.end()
