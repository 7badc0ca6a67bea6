"""Small tables of synapses, and the slow, obvious way to count what a partition sends."""

from __future__ import annotations

import numpy as np

from neurosim.mapping.clustering import Limits
from neurosim.mapping.structures import Fanout


def table(rows: list[list[int]], rates: list[float] | None = None) -> Fanout:
    """A table from a list of targets per neuron."""
    lengths = [len(row) for row in rows]
    target = np.array([t for row in rows for t in row], np.int32)
    return Fanout(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), target, np.array(rates or [1.0] * len(rows), np.float32))


def random_table(n: int, degree: int, seed: int) -> Fanout:
    """Targets drawn near a neuron's own number, repeats and itself among them."""
    rng = np.random.default_rng(seed)
    rows = [((i + rng.normal(0, n / 8, rng.integers(0, degree + 1))).astype(int) % n).tolist() for i in range(n)]
    return table(rows, rng.exponential(2.0, n).tolist())


def rows_of(fanout: Fanout) -> list[set[int]]:
    """Different targets of every neuron."""
    return [set(fanout.target[a:b].tolist()) for a, b in zip(fanout.indptr[:-1], fanout.indptr[1:], strict=True)]


def packets(fanout: Fanout, core_of: np.ndarray) -> float:
    """Packets between cores."""
    cores = [{int(core_of[t]) for t in row} - {-1} for row in rows_of(fanout)]
    return sum(float(rate) * len(found - {int(core)}) for rate, found, core in zip(fanout.rate, cores, core_of, strict=True))


def inbound(fanout: Fanout, core_of: np.ndarray, core: int) -> int:
    """Different neurons with a target on a core."""
    return sum(any(core_of[t] == core for t in row) for row in rows_of(fanout))


def outbound(fanout: Fanout, core_of: np.ndarray, core: int) -> int:
    """Sum over the neurons of a core of the cores each has targets on."""
    return sum(len({int(core_of[t]) for t in row} - {-1}) for row, own in zip(rows_of(fanout), core_of, strict=True) if own == core)


def faults(fanout: Fanout, population: np.ndarray, limits: Limits, core_of: np.ndarray, fixed: np.ndarray | None = None) -> list[str]:
    """Every rule that a partition breaks."""
    found = [] if ((core_of >= 0) == (population >= 0)).all() else ["a neuron is not where it must be"]
    if fixed is not None and (core_of[fixed >= 0] != fixed[fixed >= 0]).any():
        found.append("a fixed neuron moved")
    for core in np.unique(core_of[core_of >= 0]).tolist():
        counts = np.bincount(population[core_of == core], minlength=len(limits.use))
        if (counts >= [len(rows) for rows in limits.use]).any():
            found.append(f"core {core}: more neurons than its table has")
            continue
        used = sum(rows[n] for rows, n in zip(limits.use, counts.tolist(), strict=True))
        if (used > limits.capacity).any() or (not limits.mixes and (counts > 0).sum() > 1):
            found.append(f"core {core}: {used} of {limits.capacity}, {counts}")
        if limits.inbound is not None and inbound(fanout, core_of, core) > limits.inbound:
            found.append(f"core {core}: inbound")
        if limits.outbound is not None and outbound(fanout, core_of, core) > limits.outbound:
            found.append(f"core {core}: outbound")
    return found
