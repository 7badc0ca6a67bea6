"""How much memory there is, and how much a run's recordings would take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from neurosim.engine import build
from neurosim.errors import MemoryLimitError
from neurosim.network import Network, Probe

MEMINFO = Path("/proc/meminfo")
#: Limit and present use of a container (control groups, version 2).
CONTAINER = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
#: Recordings smaller than this are not compared with the memory there is.
SMALL_BYTES = 50_000_000


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


def samples(network: Network, t_ms: float, until_ms: float) -> Iterator[tuple[Probe, int]]:
    """Probes of a variable, and the number of samples of each cell that a run would add."""
    for probe in build.analog(network):
        interval = max(probe.interval, network.dt)
        yield probe, max(int((until_ms + 1e-9) / interval) - int((t_ms + 1e-9) / interval), 0) + 1


def check_samples(network: Network, t_ms: float, until_ms: float) -> None:
    """Refuse a run whose recorded samples do not fit in memory.

    Raises
    ------
    MemoryLimitError
        Naming the variable that takes most, and what to change.
    """
    sizes = [(n * len(probe.indices) * 8, probe) for probe, n in samples(network, t_ms, until_ms)]
    needed = sum(size for size, _ in sizes)
    available = available_bytes() if needed > SMALL_BYTES else None
    if available is None or needed <= available:
        return
    most, probe = max(sizes, key=lambda pair: pair[0])
    population = network.populations[probe.population]
    raise MemoryLimitError(
        f"what is recorded in {until_ms - t_ms:,g} ms takes {size_text(needed)} of memory, {size_text(available)} are available; "
        f"{size_text(most)} of it for '{probe.variable}' of {len(probe.indices):,} cells of '{population.label}'.",
        where="run()",
        used=needed,
        limit=available,
        remedy="Give setup(record_to='FILE.h5') to keep it on disk, a longer sampling_interval in record(), or record fewer cells.",
    )


def size_text(n_bytes: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:,.3g} GB" if n_bytes < 999.5 else f"{n_bytes:,.0f} GB"
