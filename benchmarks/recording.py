"""Recording the spikes of 77,169 neurons: what it costs, and how long ``get_data()`` takes.

As many neurons as in the microcircuit, at its mean rate; at full size also as many synapses. The same run
with and without recording, in turn.
"""

from __future__ import annotations

from typing import Any

from benchmarks import network
from benchmarks.harness.cases import NEUROSIM, Case, Found, Gate, Side, Size, Target

NEURONS, RATE_HZ = 77_169, 3.9
INDEGREE, SMALL_INDEGREE = 3873, 400
ON, OFF = "recorded", "not recorded"


def cases(size: Size) -> list[Case]:
    """Two seconds."""
    indegree = INDEGREE if size.full else SMALL_INDEGREE
    cost = Target("cpu_factor", "run while recording, CPU time", against=OFF, at_least=1 / 1.05) if size.full else None
    data = Target("get_data_s", "get_data() of all spikes", at_most=0.2)
    return [
        Case(
            label=f"recording {NEURONS:,} neurons, in-degree {indegree:,}",
            sides=(Side(NEUROSIM, "pynn", {"record": True}, ON), Side(NEUROSIM, "pynn", {"record": False}, OFF)),
            options={"neurons": NEURONS, "indegree": indegree, "wanted_hz": RATE_HZ, "threads": size.threads, "run_ms": 2000.0},
            shown=("run_factor", "cpu_factor", "get_data_s", "spikes", "rss_gib"),
            targets=(cost, data) if cost else (data,),
            warm={"neurons": 100, "indegree": 10, "run_ms": 1.0},
        )
    ]


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """Every cell fires at the rate its current gives."""
    return [rate_gate(case.label, found.get(ON), RATE_HZ)]


def rate_gate(label: str, ours: Found | None, wanted_hz: float) -> Gate:
    """The rate is the one that was asked for, within 2 %."""
    if not ours:
        return Gate(f"{label}: rate", None, "not checked: nothing was measured")
    rate = ours["rate_hz"]
    return Gate(f"{label}: rate", abs(rate - wanted_hz) <= 0.02 * wanted_hz, f"{rate:.4g} Hz, expected {wanted_hz:.4g} (tolerance 2%)")


def pynn(options: dict[str, Any]) -> Found:
    """Through PyNN."""
    return network.pynn(options)
