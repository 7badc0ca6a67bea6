"""A chip of your own in one file: an imaginary one called Pebble, with its datasheet, its limits and its 4-bit weights.

Pebble has 6 x 6 routers in a mesh and one small core at each. No such chip exists and its numbers are made up; take this
file as the start of yours. A chip that is to come with neurosim is a folder of `chips/` with the same three parts: the
datasheet as a file, its model, the chip; and a line in `chips/__init__.py` that makes it known by name.

    python examples/add_a_chip.py pebble
"""

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import networkx as nx
import numpy as np

import neurosim as sim
from neurosim.chips.chip import Chip, CoreTable, Limit, Translation
from neurosim.chips.datasheet import Constant, Count, Datasheet, Positive, PositiveInt, Sheet, read
from neurosim.chips.native import Native
from neurosim.chips.realise import Words, grid_delays, realise, weight_statistics
from neurosim.chips.translate import OPTIONS, translate
from neurosim.chips.usage import incoming, slice_synapses

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "pebble")

# --- the datasheet: every constant with its unit, where it is from, and how far it can be trusted ------------------
DATASHEET = """
kind = "pebble"
title = "Pebble (imaginary)"
default_boards = 1
max_boards = 4

[core]
mesh = {value = [6, 6], unit = "cores (x, y)", source = "made up", confidence = "low"}
neurons = {value = 128, unit = "neurons", source = "made up", confidence = "low"}
synapses = {value = 4096, unit = "synapses", source = "made up", confidence = "low"}
weight_bits = {value = 4, unit = "bits", source = "made up", confidence = "low"}
longest_delay_ms = {value = 16.0, unit = "ms", source = "made up", confidence = "low"}
"""


class Core(Sheet):
    """What a core has."""

    mesh: Constant[tuple[PositiveInt, PositiveInt]]
    neurons: Count
    synapses: Count
    weight_bits: Count
    longest_delay_ms: Positive


class PebbleSheet(Datasheet):
    """Every constant of Pebble; a datasheet with other fields than these is refused by name."""

    kind: Literal["pebble"]
    core: Core


# --- what the chip makes of weights and delays ---------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class PebbleWeights:
    """Weights of one projection as whole multiples of a unit."""

    unit: float
    levels: int
    dt_ms: float
    longest_ms: float

    def kept(self, rows):
        """Every synapse exists."""

    def weights(self, rows):
        """Rounded and clipped."""
        return self.unit * np.clip(np.rint(rows.columns["weight"] / self.unit), -self.levels, self.levels)

    def limit(self, rows):
        """Largest weight that can be held."""
        return self.unit * (self.levels + 0.5)

    def delays(self, rows):
        """Whole time steps."""
        return grid_delays(rows.columns["delay"], self.dt_ms, self.longest_ms)


# --- the chip ------------------------------------------------------------------------------------------------------
class PebbleChip(Chip):
    """Cores in a mesh; a packet for every target core, by XY routing (the interface's default)."""

    name = "pebble"
    sheet: PebbleSheet
    approximations: ClassVar = {name: OPTIONS[name] for name in ("conductance", "cells")}

    def __init__(self, sheet, *, n_boards=None):
        super().__init__(sheet, n_boards=n_boards)
        width, height = self.sheet.core.mesh.value
        self.width = width * self.n_boards  # boards stand side by side
        number = np.arange(self.width * height, dtype=np.int32)
        self.table = CoreTable(number, number % np.int32(self.width), number // np.int32(self.width), np.zeros_like(number))

    def cores(self):
        """One core per router, row by row; the mapper fills them in this order."""
        return self.table

    def topology(self):
        """Routers and their links."""
        graph = nx.Graph()
        at = {(int(x), int(y)): int(n) for n, x, y, _ in zip(*self.table, strict=True)}
        graph.add_nodes_from((n, {"x": x, "y": y}) for (x, y), n in at.items())
        graph.add_edges_from((n, at[next_]) for (x, y), n in at.items() for next_ in ((x + 1, y), (x, y + 1)) if next_ in at)
        return graph

    def hops(self, chip_a, chip_b):
        """Links between routers."""
        x, y = self.table.x, self.table.y
        return np.abs(x[chip_a] - x[chip_b]) + np.abs(y[chip_a] - y[chip_b])

    def limits(self):
        """What a core can run out of."""
        core = self.sheet.core
        return (
            Limit("neurons", "core", core.neurons.value, "neurons", core.neurons.source),
            Limit("synapses", "core", core.synapses.value, "synapses", core.synapses.source),
        )

    def slice_usage(self, network, population, n_neurons):
        """What some neurons of a population use of that, told from the connection rules alone."""
        onto = (projection for projection, _ in incoming(network, population))
        return {"neurons": n_neurons, "synapses": sum(slice_synapses(network, projection, n_neurons) for projection in onto)}

    def translate(self, network, approximate):
        """Only current-based integrate-and-fire neurons are native; anything else is refused, or approximated if asked."""
        draft = translate(self, network, approximate, Native(models=frozenset({"lif"}), receptors=frozenset({"curr_exp"})))
        return Translation(draft.network, tuple(draft.losses))

    def realise(self, network, mapping):
        """Weights and delays; what changes is counted for the ledger."""
        core = self.sheet.core
        levels = 2 ** (core.weight_bits.value - 1) - 1

        def make(projection):
            known = weight_statistics(network, projection, projection.rule.expected(network.ends(projection)))
            largest = max(abs(known.low), abs(known.high)) or 1.0
            form = PebbleWeights(largest / levels, levels, network.dt, core.longest_delay_ms.value)
            return form, Words(rounded=f"{core.weight_bits.value}-bit weights.", delay="Delays are whole time steps.")

        changed, losses = realise(network, make)
        return Translation(changed, tuple(losses))


# --- and a network on it -------------------------------------------------------------------------------------------
FOLDER.mkdir(parents=True, exist_ok=True)
sheet_file = FOLDER / "pebble.toml"
sheet_file.write_text(DATASHEET, encoding="utf-8")
chip = PebbleChip(read(sheet_file, {"pebble": PebbleSheet}))

warnings.simplefilter("ignore", sim.LossWarning)  # said below
sim.setup(timestep=0.5, chip=chip, rng_seed=1)
cell = sim.IF_curr_exp(tau_refrac=2.0)
noise = sim.Population(400, sim.SpikeSourcePoisson(rate=60.0), label="noise")
layers = [sim.Population(600, cell, label=f"layer {k}") for k in range(4)]
for pre, post in zip([noise, *layers], layers, strict=False):
    weights = np.random.default_rng(1).uniform(0.1, 0.3, (pre.size, post.size))
    sim.Projection(pre, post, sim.FixedProbabilityConnector(0.05), sim.StaticSynapse(weight=weights, delay=1.2))
layers[-1].record("spikes")
sim.run(200.0)

print(sim.mapping().summary())
print(*(f"{loss.kind}: {loss.what} of {loss.where}, {loss.count:,} of {loss.total:,}. {loss.detail}" for loss in sim.losses()), sep="\n")
print(f"{layers[-1].mean_spike_count():.2f} spikes per neuron of {layers[-1].label}")
sim.mapping().chip_map(FOLDER / "pebble.svg", colour="populations")

sim.setup(timestep=0.5, chip=chip)
sim.Population(10_000, cell, label="too many")
print("", sim.explain(), sep="\n")
sim.end()
