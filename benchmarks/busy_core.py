"""A busy machine: two threads while another process keeps one core busy, against one thread on the free core.

Two networks: COBA, where all threads meet every 0.1 ms, and the microcircuit at a tenth, likewise.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import coba_cuba, microcircuit
from benchmarks.harness.cases import NEUROSIM, Case, Found, Gate, Side, Size, Target

ONE, TWO = "1 thread", "2 threads"
BURN = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [{core}])
while True:
    pass
"""
WORST = 1.6
"""How much slower two threads may be."""


def cases(size: Size) -> list[Case]:
    """Both networks."""
    coba = {"kind": "COBA", "run_ms": 1000.0}
    circuit = {"scale": microcircuit.SMALL_SCALE, "drive": "poisson", "run_ms": 1000.0}
    return [
        _case("COBA, one core busy", "coba", coba, {"run_ms": 1.0}),
        _case("PD14 at 10 %, one core busy", "circuit", circuit, {"scale": 0.02, "run_ms": 1.0}),
    ]


def _case(label: str, body: str, options: dict[str, Any], warm: dict[str, Any]) -> Case:
    return Case(
        label=label,
        sides=(Side(NEUROSIM, body, {"threads": 2}, TWO), Side(NEUROSIM, body, {"threads": 1}, ONE)),
        options=options,
        shown=("run_factor", "cpu_factor"),
        targets=(Target("run_factor", f"2 threads, at most {WORST} times slower", against=ONE, at_least=1 / WORST),),
        warm=warm,
    )


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """Nothing beyond what the networks' own workloads check."""
    return []


def coba(options: dict[str, Any]) -> Found:
    """COBA through PyNN."""
    with busy_core():
        return coba_cuba.pynn(options)


def circuit(options: dict[str, Any]) -> Found:
    """The microcircuit through PyNN."""
    with busy_core():
        return microcircuit.pynn(options)


@contextmanager
def busy_core() -> Iterator[None]:
    """A process that counts for ever, held on one core where the system can hold it."""
    burner = subprocess.Popen([sys.executable, "-c", BURN.format(core=_last_core())])
    try:
        yield
    finally:
        burner.kill()
        burner.wait()


def _last_core() -> int:
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) - 1
