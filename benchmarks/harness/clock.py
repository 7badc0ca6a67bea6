"""Time and memory of the process that measures itself."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any


class Clock:
    """A stopwatch: ``mark(name)`` ends a stage and begins the next.

    ``result()`` gives ``NAME_s`` (wall) and ``NAME_cpu_s`` (all threads) of each stage, and the largest
    memory the process has held. ``build_s`` counts from the clock's making, imports included:
    it is what a user waits for before anything happens.
    """

    def __init__(self) -> None:
        self._begun = self._last = time.perf_counter(), time.process_time()
        self._stages: dict[str, float] = {}

    def mark(self, name: str) -> None:
        """End the stage ``name``."""
        now = time.perf_counter(), time.process_time()
        begun = self._begun if name == "build" else self._last
        self._stages[f"{name}_s"], self._stages[f"{name}_cpu_s"] = now[0] - begun[0], now[1] - begun[1]
        self._last = now

    def result(self, run_ms: float, **quantities: Any) -> dict[str, Any]:
        """All stages with the ``run`` per second of biology (``run_factor``, ``cpu_factor``), memory, and ``quantities``."""
        factors = {"run_factor": self._stages["run_s"] / run_ms * 1e3, "cpu_factor": self._stages["run_cpu_s"] / run_ms * 1e3}
        return {**self._stages, **factors, "run_ms": run_ms, "rss_gib": peak_gib(), **quantities}


def peak_gib() -> float:
    """Largest resident memory of this process so far, in GiB; what the process that started it held is left out where the system tells."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
