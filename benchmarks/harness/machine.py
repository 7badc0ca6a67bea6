"""On what machine and from what state of the project a result comes."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("numpy", "numba", "llvmlite", "PyNN", "neo")


def facts() -> dict[str, Any]:
    """Processor, cores, caches, memory, kernel, Python, packages and load; what the system does not tell is left out or empty."""
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "caches": caches(),
        "memory_gib": memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "packages": packages(),
        "load": [round(number, 2) for number in os.getloadavg()] if hasattr(os, "getloadavg") else [],
    }


def processor() -> str:
    """Name of the processor."""
    named = [line.partition(":")[2].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def caches(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> list[str]:
    """Caches seen from the first core, such as ``L2 1024K``."""
    found = []
    for place in sorted(folder.glob("index*")):
        level, kind, size = ("".join(_lines(place / name)) for name in ("level", "type", "size"))
        found.append(f"L{level}{kind[0].lower() if kind in ('Data', 'Instruction') else ''} {size}")
    return found


def memory_gib() -> float:
    """Memory of the machine."""
    total = [line.split()[1] for line in _lines(Path("/proc/meminfo")) if line.startswith("MemTotal")]
    return round(int(total[0]) / 2**20, 1) if total else 0.0


def packages() -> dict[str, str]:
    """Versions of what neurosim computes with."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit measured, with ``+`` if the tree was changed since; empty outside a repository."""
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results", ":!README.md")
    return head + "+" * bool(head and changed)


def now() -> str:
    """Date and time, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], check=False, cwd=ROOT, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
