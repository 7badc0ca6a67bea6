"""How much memory a run's recordings would take."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.engine import build
from neurosim.errors import MemoryLimitError
from neurosim.machine import available_bytes, size_text
from neurosim.network import Network, Probe

#: Recordings smaller than this are not compared with the memory there is.
SMALL_BYTES = 50_000_000


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
