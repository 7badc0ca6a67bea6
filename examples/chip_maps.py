"""Maps of chips: what is where on a wafer, a board and a chip, and how full the links are.

Places networks of the shape of a cortical column on three machines and draws them as SVG pictures, which any browser
shows; point at a chip or a core to read what is on it. The last map shows how many packets pass each link if every
neuron fires once.

    python examples/chip_maps.py docs/images
"""

import sys
from pathlib import Path

import neurosim as sim

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "maps")
# neurons of the layers of a column (Potjans and Diesmann 2014), excitatory and inhibitory
SIZES = {"L2/3e": 20683, "L2/3i": 5834, "L4e": 21915, "L4i": 5479, "L5e": 4850, "L5i": 1065, "L6e": 14395, "L6i": 2948}


def column(chip, cell, scale, n_inputs, n_boards=1):
    """Place a column on a chip: every neuron hears its own layer and the one above, the first one the last."""
    sim.setup(timestep=0.1, chip=chip, n_boards=n_boards, rng_seed=1, rng="fast")
    layers = [sim.Population(int(scale * size), cell, label=label) for label, size in SIZES.items()]
    for above, layer in zip(layers[-1:] + layers[:-1], layers, strict=True):
        for pre in (above, layer):
            sim.Projection(pre, layer, sim.FixedNumberPreConnector(n_inputs), sim.StaticSynapse(weight=0.002, delay=1.0))
    return sim.mapping()


FOLDER.mkdir(parents=True, exist_ok=True)

column("hicann", sim.IF_cond_exp(), scale=0.4, n_inputs=40).chip_map(FOLDER / "maps_hicann.svg", colour="populations")
column("spinnaker", sim.IF_curr_exp(), scale=1.0, n_inputs=10).chip_map(FOLDER / "maps_spinnaker.svg", colour="populations")
column("loihi", sim.IF_curr_exp(), scale=1.0, n_inputs=10, n_boards=4).chip_map(FOLDER / "maps_loihi.svg", colour="input axons")

mapping = column("spinnaker", sim.IF_curr_exp(), scale=4.0, n_inputs=3, n_boards=3)
mapping.chip_map(FOLDER / "maps_links.svg", colour="links")
sim.end()
