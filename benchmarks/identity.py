"""Correctness beside the speed: the same spikes with any number of threads, reference neurons, STDP.

The microcircuit at a twentieth runs with 1, 2, 3 and 4 threads; every spike must agree to the last bit of
its time. Then the tests that hold reference neurons and plasticity against independent solutions are run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import microcircuit
from benchmarks.harness.cases import NEUROSIM, Case, Found, Gate, Side, Size

ROOT = Path(__file__).resolve().parents[1]
THREADS = (1, 2, 3, 4)
PRECISIONS = ("float32", "float64")
TESTS = {
    "reference neurons, spike times": ("tests/engine/test_reference_neurons.py", "tests/models/test_models_reference.py"),
    "STDP against plain Python": ("tests/engine/test_plasticity.py",),
}
"""What is checked and the files that check it."""


def cases(size: Size) -> list[Case]:
    """One case per precision, and the tests."""
    return [*map(_case, PRECISIONS), Case("tests", (Side(NEUROSIM, "tests"),), shown=("seconds_s",), warm=None, repeats=1)]


def _case(precision: str) -> Case:
    return Case(
        label=f"same spikes with any number of threads, {precision}",
        sides=tuple(Side(NEUROSIM, "spikes", {"threads": n}, f"{n} thread{'s' * (n > 1)}") for n in THREADS),
        options={"scale": 0.05, "drive": "poisson", "run_ms": 300.0, "precision": precision, "seed": 1},
        shown=("run_factor", "spikes"),
        warm={"scale": 0.02, "run_ms": 1.0},
        repeats=1,
    )


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """One fingerprint for all; all tests pass."""
    if case.label == "tests":
        return [Gate(what, words == "passed", words) for what, words in found.get(NEUROSIM, {}).get("outcomes", {}).items()]
    fingerprints = {side.get("digest") for side in found.values()}
    complete = len(found) == len(THREADS)
    spikes = next((side["spikes"] for side in found.values()), 0)
    same = complete and len(fingerprints) == 1 and spikes > 0
    return [Gate(case.label, same, f"{spikes:,.0f} spikes, {len(fingerprints)} version(s) of them")]


def spikes(options: dict[str, Any]) -> Found:
    """The microcircuit through PyNN, with the number of its spikes."""
    found = microcircuit.pynn(options)
    circuit = microcircuit.microcircuit(options["scale"], options["drive"])
    total = sum(rate * n for rate, n in zip(found["rates_hz"], circuit.sizes, strict=True)) * options["run_ms"] / 1e3
    return {**found, "spikes": round(total)}


def tests(options: dict[str, Any]) -> Found:
    """Run the test files; what each says, and how long all took."""
    begun = time.perf_counter()
    outcomes = {what: _outcome(files) for what, files in TESTS.items()}
    return {"outcomes": outcomes, "seconds_s": time.perf_counter() - begun}


def _outcome(files: tuple[str, ...]) -> str:
    present = [name for name in files if (ROOT / name).exists()]
    if len(present) < len(files):
        return f"not there: {', '.join(sorted(set(files) - set(present)))}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    return "passed" if done.returncode == 0 else (done.stdout.strip().splitlines() or ["failed without a word"])[-1]
