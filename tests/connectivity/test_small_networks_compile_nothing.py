"""A script with few synapses does not wait for compiled kernels of the connectivity."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import numpy as np
from neurosim.columns import Random
from neurosim.connectivity import AllToAll, OneToOne, Table, columns, expand, kernels, listing, quantiles, random, totals
from neurosim.network import Network, Population, Projection, Selection, Synapse

normal = Random("normal_clipped", {"mu": 1.0, "sigma": 0.1, "low": 0.1, "high": 9.0}, 1)
uniform = Random("uniform", {"low": 1.0, "high": 2.0}, 1)
cells = Population(0, "a", 30, "lif")
for rule in (AllToAll(), AllToAll(False), OneToOne(), Table([1, 0], [2, 2])):
    whole = Selection.whole(cells)
    projection = Projection(0, "a", whole, whole, "excitatory", rule, Synapse("static", {"weight": normal, "delay": uniform}), 1)
    assert expand(Network(0.1, 1, (cells,), (projection,)), projection, dtypes={"delay": np.int16}).size
columns.population_values(uniform, 1000, "v")
listing.in_row_order(np.array([2, 1]), np.array([0, 1]), np.zeros((2, 2)), 3, 2)
for module in (kernels, listing, quantiles, random, totals):
    for name, function in vars(module).items():
        assert not getattr(function, "signatures", []), name
"""


def test_small_networks_compile_nothing():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
