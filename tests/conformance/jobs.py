"""Runs independent jobs a few at a time, each in a scratch folder, each lane with a kernel cache of its own."""

from __future__ import annotations

import os
import queue
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Job:
    """A command with its name and the variables that it needs in its environment."""

    name: str
    command: list[str]
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """How jobs are run: for which backend, where, how many at a time, for how long at most."""

    backend: str
    scratch: Path
    n_lanes: int
    timeout_s: float


Runner = Callable[[Job, Path, dict[str, str], float], Result]


def run_all(setting: Setting, jobs: list[Job], runner: Runner[Result], *, report: Callable[[Result], str]) -> list[Result]:
    """Result of each job, in the order of ``jobs``; a line is printed as each one ends."""
    lanes: queue.SimpleQueue[int] = queue.SimpleQueue()
    for lane in range(setting.n_lanes):
        lanes.put(lane)

    def run_one(job: Job) -> Result:
        lane = lanes.get()
        try:
            result = runner(job, _fresh_folder(setting.scratch / job.name), _environment(setting, job, lane), setting.timeout_s)
        finally:
            lanes.put(lane)
        print(report(result), flush=True)
        return result

    with ThreadPoolExecutor(setting.n_lanes) as pool:
        return list(pool.map(run_one, jobs))


def _fresh_folder(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "Results").mkdir(parents=True)  # the examples write there
    return folder


def _environment(setting: Setting, job: Job, lane: int) -> dict[str, str]:
    harness = str(Path(__file__).parent)
    return {
        **os.environ,
        **job.variables,
        "CONFORMANCE_BACKEND": setting.backend,
        "MPLBACKEND": "Agg",
        "NEUROSIM_CACHE_SHARD": f"conformance-{lane}",
        "PYTHONPATH": os.pathsep.join(filter(None, (harness, os.environ.get("PYTHONPATH")))),
    }
