"""Cold start: ten cells for 100 ms, from starting Python to the result, with a warm and an empty cache.

The PyNN script is the same on neurosim and NEST; Brian2 stands beside the first run ever, because
it compiles too (its Cython target).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.harness.cases import BRIAN2, NEST, NEUROSIM, Case, Found, Gate, Side, Size, Target
from benchmarks.harness.driver import MODULES

SCRIPT = """
import {module} as sim
sim.setup(timestep=0.1)
cells = sim.Population(10, sim.IF_cond_exp(i_offset=1.0))
sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.001, delay=1.0))
cells.record("spikes")
sim.run(100.0)
print("spikes", sum(len(train) for train in cells.get_data().segments[0].spiketrains))
"""

BRIAN2_SCRIPT = """
from brian2 import *
prefs.codegen.target = "cython"
defaultclock.dt = 0.1 * ms
cells = NeuronGroup(10, '''dv/dt = (-65 * mV - v + 20 * Mohm * (1 * nA + ge * (0 * mV - v))) / (20 * ms) : volt (unless refractory)
                           dge/dt = -ge / (5 * ms) : siemens''',
                    threshold="v > -50 * mV", reset="v = -65 * mV", refractory=0.1 * ms, method="exponential_euler")
cells.v = -65 * mV
synapses = Synapses(cells, cells, on_pre="ge += 1 * nS", delay=1 * ms)
synapses.connect()
monitor = SpikeMonitor(cells)
run(100 * ms)
print("spikes", monitor.num_spikes)
"""

CACHES = ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "HOME")
"""Variables that lead to where compiled code is kept."""


def cases(size: Size) -> list[Case]:
    """Warm, beside PyNN on NEST; empty, beside Brian2 with Cython."""
    reached = Target("warm_s", "process start to result, warm cache", against=NEST, at_most=1.0, aim=0.6)
    first = Target("empty_s", "first run ever, empty cache", against=BRIAN2, at_most=10.0)
    warm = Case(
        "cold start, warm cache",
        (Side(NEUROSIM, "warm"), Side(NEST, "warm")),
        shown=("warm_s", "cpu_s", "spikes"),
        targets=(reached,),
        warm=None,
    )
    empty = Case(
        "cold start, empty cache",
        (Side(NEUROSIM, "empty"), Side(BRIAN2, "empty")),
        shown=("empty_s", "cpu_s", "spikes"),
        targets=(first,),
        warm=None,
        repeats=3 if size.full else 1,
    )
    return [warm, empty]


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """All cells fire alike on both simulators (their spike may fall into another step); the first run says that it compiles."""
    ours = found.get(NEUROSIM, {})
    if "notice" in ours:
        return [Gate("first run says what it does", bool(ours["notice"]), ours["notice"] or "nothing was said")]
    if not ours or NEST not in found:
        return [Gate("cold start: spikes", None, f"not checked: nothing from {NEST}")]
    mine, theirs = ours["spikes"], found[NEST]["spikes"]
    return [Gate("cold start: spikes", abs(mine - theirs) <= 10, f"{mine:g}, {NEST} {theirs:g} (tolerance one per cell)")]


def warm(options: dict[str, Any]) -> Found:
    """The second of two runs."""
    started(options)
    seconds, cpu_s, spikes, _ = started(options)
    return {"warm_s": seconds, "cpu_s": cpu_s, "spikes": spikes}


def empty(options: dict[str, Any]) -> Found:
    """The first run on a machine that has never seen the simulator."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, cpu_s, spikes, said = started(options, **dict.fromkeys(CACHES, folder))
    return {"empty_s": seconds, "cpu_s": cpu_s, "spikes": spikes, "notice": said}


def started(options: dict[str, Any], **variables: str) -> tuple[float, float, int, str]:
    """Wall and processor time of a fresh Python that runs the script, its spikes, and what it said about itself."""
    simulator = options["simulator"]
    script = BRIAN2_SCRIPT if simulator == BRIAN2 else SCRIPT.format(module=MODULES[simulator])
    begun, cpu_begun = time.perf_counter(), _children_s()
    done = subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, **variables}, capture_output=True, text=True)
    seconds, cpu_s = time.perf_counter() - begun, _children_s() - cpu_begun
    spikes = int(done.stdout.split()[-1])
    return seconds, cpu_s, spikes, next((line for line in done.stderr.splitlines() if line.startswith("neurosim:")), "")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
