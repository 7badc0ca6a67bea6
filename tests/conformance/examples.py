"""Run PyNN's example scripts that use point neurons, STDP and current sources, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

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
    return Run(job.name, time.monotonic() - start_s, last[:140] if done.returncode else "")


def _report(run: Run) -> str:
    return f"{'FAIL' if run.fault else 'ok  '} {run.seconds:6.1f} s  {run.name:28s} {run.fault}".rstrip()
