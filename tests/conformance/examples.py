"""Run PyNN's example scripts that use point neurons, STDP and current sources, each in a process of its own.

That a script ends well says little, so the Neo blocks it wrote are opened too: each must hold
spikes or signals, and no signal may hold anything but finite numbers.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jobs import Job, Setting, run_all

# Script and its arguments; SIM is the backend. HH, GIF, MPI, NineML and NESTML examples are out of scope.
IN_SCOPE: dict[str, tuple[str, ...]] = {
    "StepCurrentSource": ("SIM",),
    "VAbenchmarks CUBA": ("SIM", "CUBA"),
    "VAbenchmarks COBA": ("SIM", "COBA"),
    "brunel": ("SIM",),
    "connections": ("SIM",),
    "current_injection": ("SIM",),
    "inhomogeneous_network": ("SIM",),
    "monolith_vs_composed": ("SIM",),
    "multi_synapse": ("SIM",),
    "parameter_changes": ("SIM",),
    "random_numbers": ("SIM",),
    "simpleRandomNetwork": ("SIM",),
    "simpleRandomNetwork_csa": ("SIM",),
    "simple_STDP": ("SIM",),
    "small_network": ("SIM",),
    "specific_network": ("SIM",),
    "stdp_network": ("SIM",),
    "tsodyksmarkram": ("SIM",),
    "update_spike_source_array": ("SIM",),
    "varying_poisson": ("SIM",),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one example."""

    name: str
    seconds: float
    fault: str = ""


def run_examples(setting: Setting, sdist: Path, *, only: str = "") -> list[Run]:
    """Outcome of each example whose name contains ``only``."""
    jobs = [Job(name, _command(setting, sdist, name)) for name in IN_SCOPE if only in name]
    return run_all(setting, jobs, _run_script, report=_report)


def _command(setting: Setting, sdist: Path, name: str) -> list[str]:
    launcher = Path(__file__).with_name("backend_plugin.py")
    script = sdist / "examples" / f"{name.partition(' ')[0]}.py"
    return [sys.executable, "-W", "ignore", str(launcher), setting.backend, str(script), *IN_SCOPE[name]]


def _run_script(job: Job, folder: Path, environment: dict[str, str], timeout_s: float) -> Run:
    start_s = time.monotonic()
    try:
        done = subprocess.run(job.command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return Run(job.name, time.monotonic() - start_s, f"no end after {timeout_s:g} s")
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    return Run(job.name, time.monotonic() - start_s, last[:140] if done.returncode else _data_fault(folder))


def _data_fault(folder: Path) -> str:
    """What is wrong with the first faulty block below ``folder``; empty if there is none."""
    for path in sorted(folder.rglob("*.pkl")):
        fault = _block_fault(pickle.loads(path.read_bytes()))
        if fault:
            return f"{path.name}: {fault}"
    return ""


def _block_fault(block: Any) -> str:
    signals = [signal for segment in block.segments for signal in segment.analogsignals]
    n_spikes = sum(len(train) for segment in block.segments for train in segment.spiketrains)
    if any(not np.isfinite(signal.magnitude).all() for signal in signals):
        return "a recorded signal is not finite"
    if not n_spikes and not any(signal.size for signal in signals):
        return "neither spikes nor signals were recorded"
    return ""


def _report(run: Run) -> str:
    return f"{'FAIL' if run.fault else 'ok  '} {run.seconds:6.1f} s  {run.name:28s} {run.fault}".rstrip()
