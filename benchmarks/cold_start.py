"""Cold start: seconds from starting Python to the end of a script of ten cells and 10 ms.

``warm`` is with compiled kernels in the cache, ``cold`` with none (simulators that compile
nothing have no such figure), ``import`` only imports the backend.

    python benchmarks/cold_start.py neurosim|nest [THREADS]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

MODULES = {"neurosim": "neurosim", "nest": "pyNN.nest"}
SCRIPT = """
import {module} as sim
sim.setup(timestep=0.1, min_delay=0.1)
cells = sim.Population(10, sim.IF_cond_exp(i_offset=1.0))
sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.001, delay=1.0), receptor_type="excitatory")
cells.record("spikes")
sim.run(10.0)
cells.get_data()
sim.end()
"""


def seconds(code, **variables):
    """Wall time of a fresh Python that runs ``code``."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **variables}, capture_output=True)
    return time.perf_counter() - begun


def main(simulator):
    """The three times."""
    module = MODULES[simulator]
    script = SCRIPT.format(module=module)
    measured = {"import_s": seconds(f"from {module} import setup")}
    if simulator == "neurosim":
        seconds(script)
        with tempfile.TemporaryDirectory() as folder:
            measured["cold_s"] = seconds(script, XDG_CACHE_HOME=folder, NUMBA_CACHE_DIR=folder)
    measured["warm_s"] = seconds(script)
    print(json.dumps(measured))


if __name__ == "__main__":
    main(sys.argv[1])
