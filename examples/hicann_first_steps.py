"""First steps on BrainScaleS-1: one neuron, placed by hand, and where it ended up.

Places a neuron of four neuron circuits (denmems) on the HICANN at (5, 5) of the wafer, runs the
network, and asks the mapping which circuits it uses. The mapping is a value: saved, loaded and
asked again, it gives the same answer.

    python examples/hicann_first_steps.py
"""

import tempfile
from pathlib import Path

import neurosim as sim

sim.setup(chip="hicann")

pop = sim.Population(1, sim.IF_cond_exp())
sim.place(pop, on=sim.chips.hicann.coordinate(x=5, y=5), neuron_size=4)
sim.run(10)

for item in sim.mapping().where(pop[0]):
    for denmem in item.denmems:
        print(denmem)

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "mapping.json"
    sim.mapping().to_json(file)
    loaded = type(sim.mapping()).from_json(file)

print("loaded again:")
for item in loaded.where(pop[0]):
    for denmem in item.denmems:
        print(denmem)

sim.end()
