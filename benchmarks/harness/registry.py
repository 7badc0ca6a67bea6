"""The workloads by name."""

from __future__ import annotations

import importlib
from types import ModuleType

NAMES = (
    "microcircuit",
    "coba_cuba",
    "brunel",
    "hpc_stdp",
    "additive_stdp",
    "building",
    "cold_start",
    "recording",
    "loihi_registers",
    "busy_core",
    "scaling",
    "identity",
)
"""Every workload, in the order in which tables show them; each is ``benchmarks/NAME.py``."""


def workload(name: str) -> ModuleType:
    """The module of a workload: it has a docstring, ``cases(size)`` and ``gates(case, found)``."""
    return importlib.import_module(f"benchmarks.{name}")


def question(module: ModuleType) -> str:
    """What a workload measures, in one line."""
    return (module.__doc__ or "").strip().splitlines()[0]
