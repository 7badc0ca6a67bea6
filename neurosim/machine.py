"""What this machine has: processor cores and memory."""

from __future__ import annotations

import os
from pathlib import Path

from neurosim.errors import MemoryLimitError, ParameterError

#: Threads for every core from which on a number of threads is taken for a mistake, and the number that always passes.
MOST_PER_CORE, ALWAYS = 4, 16
MEMINFO = Path("/proc/meminfo")
#: Limit and present use of a container (control groups, version 2).
CONTAINER = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
#: Bytes of a cell, as measured.
NEURON_BYTES = 300


def cores() -> int:
    """Cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def check_threads(threads: int) -> str:
    """What to warn of with a number of threads; ``""`` if it is sensible.

    Raises
    ------
    ParameterError
        If it is below one or far beyond the cores there are.
    """
    n_cores = cores()
    limit, remedy = max(MOST_PER_CORE * n_cores, ALWAYS), f"Use threads={n_cores}; results do not depend on it."
    if not 1 <= threads <= limit:
        text = f"the number of threads is {threads:,}; it must be 1 to {limit} with the {n_cores} cores this process may use."
        raise ParameterError(text, where="setup()", used=threads, limit=limit, remedy=remedy)
    if threads > n_cores:
        return f"threads={threads}, but this process may use {n_cores} cores; more only make a run slower. {remedy}"
    return ""


def available_bytes() -> int | None:
    """Memory that can still be used without swapping; ``None`` where the system does not tell."""
    found = [size for size in (_of_machine(), _of_container()) if size is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _of_container() -> int | None:
    try:
        limit, used = (int(path.read_text()) for path in CONTAINER)
    except (OSError, ValueError):  # no container, or no limit ("max")
        return None
    return max(limit - used, 0)


def check_cells(size: int, label: str | None, limit_gb: float | None = None) -> None:
    """Refuse a population whose cells alone do not fit in memory, before PyNN makes a table of them.

    Raises
    ------
    MemoryLimitError
        With the estimate.
    """
    limit = available_bytes() if limit_gb is None else limit_gb * 1e9
    if limit is None or size * NEURON_BYTES <= limit:
        return
    text = f"{size:,} cells need about {size_text(size * NEURON_BYTES)} of memory, {size_text(limit)} are there for them."
    remedy = "Use fewer cells. setup(max_memory=GB) sets another limit, 'inf' none."
    raise MemoryLimitError(text, where=f"Population '{label}'", used=size * NEURON_BYTES, limit=limit, remedy=remedy)


def size_text(n_bytes: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:,.3g} GB" if n_bytes < 999.5 else f"{n_bytes:,.0f} GB"
