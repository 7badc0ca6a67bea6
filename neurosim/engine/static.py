"""Builds the store of static synapses.

Synapses come by projection and source; the store has them by source, block, port and delay, and
within one of these as they came. There are two ways there: a table of counts
(:mod:`neurosim.engine.static_counted`) where most of its places would be used, else sorting
(:mod:`neurosim.engine.static_sorted`). Both give the same store.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.engine import layout as lay
from neurosim.engine.delivery import LONGEST_RUN
from neurosim.engine.drives import Drive
from neurosim.engine.layout import Layout
from neurosim.engine.program import Static
from neurosim.engine.static_counted import Counted
from neurosim.engine.static_sorted import MOST_KEY_BITS, Sorted
from neurosim.engine.targets import EXACT, Mapper, Target, driven, target_of
from neurosim.errors import NetworkError
from neurosim.network import Network, Projection

Int64 = NDArray[np.int64]

#: Largest rounding of packed weights in single precision, relative to the mean weight of every projection.
PACKED_ERROR = 1e-3
#: Largest packed weight and largest sum of them, in units; spikes of one source in one step that sums have room for.
_LARGEST_CODE, _LARGEST_SUM, _BURST = (1 << 15) - 1, (1 << 31) - 1, 8
#: Most ports that a run can describe.
MOST_PORTS = 255
#: Places of a table of counts that are always worth having, and from how many per synapse on sorting is faster and smaller.
SMALL_TABLE, PLACES_PER_SYNAPSE = 1_000_000, 8


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """The store, the unit of packed weights by (group, receptor) (0: not packed), and what the queues need."""

    store: Static
    units: dict[tuple[int, int], float]
    most: int
    n_synapses: int
    min_delay: int
    max_delay: int


def build_static(
    network: Network, projections: list[Projection], layout: Layout, dtype: type, threads: int = 1, drives: list[Drive] | None = None
) -> Built:
    """Store of all static projections, sorted by source, block, port and delay.

    Within one of these synapses are in the order of projections, then of expansion, whatever the
    number of blocks. Weights are packed into 16 bits where, in single precision, that moves no weight
    by more than a thousandth of the mean weight of its projection, and in double precision where
    it moves none at all. Weights of ``drives`` are not stored here but share the units.
    """
    ports: dict[tuple[int, int], int] = {}
    targets = [target_of(network, p, layout, ports) for p in projections]
    others = [driven(network, d, layout, ports) for d in drives or []]
    bases = _bases(layout, ports)
    if threads == 1:
        return _build(network.dt, targets, others, layout, ports, bases, dtype, map)
    with ThreadPoolExecutor(threads, "neurosim-build") as pool:
        return _build(network.dt, targets, others, layout, ports, bases, dtype, pool.map)


def _build(
    dt_ms: float, targets: list[Target], others: list[Target], layout: Layout, ports: dict[tuple[int, int], int], bases: Int64, dtype: type,
    mapper: Mapper,
) -> Built:  # fmt: skip
    levels = 1 + max((t.longest_delay(dt_ms, mapper) for t in targets), default=0)
    shape = (layout.n_cells * layout.n_blocks, max(len(ports), 1), levels)
    for target in targets:
        target.know()
    way = Sorted if _is_sparse(targets, shape) else Counted
    made = way(targets, layout.n_blocks, shape, dtype, mapper)
    delays = np.flatnonzero(np.bincount((made.runs[:-1] >> np.uint64(40)).view(np.int64), minlength=1))
    units = _units([*targets, *others], len(ports), dtype)
    packed = bool(made.n or others) and bool(np.all(units > 0))
    empty = np.empty(0, np.uint16), np.empty(0, dtype), np.empty(0, np.uint32)
    columns = (*empty[:2], np.empty(made.n, np.uint32)) if packed else (np.empty(made.n, np.uint16), np.empty(made.n, dtype), empty[2])
    store = Static(made.rows, made.runs, bases, *columns)
    made.put(store, units)
    most = max(len(ports), 1) * (1 + made.longest // LONGEST_RUN)
    shortest, last = (int(delays[0]), int(delays[-1])) if len(delays) else (0, 0)
    return Built(store, {key: float(units[port]) if packed else 0.0 for key, port in ports.items()}, most, made.n, shortest, last)


def _is_sparse(targets: list[Target], shape: tuple[int, int, int]) -> bool:
    """Whether so few of a table's places would be used that sorting takes less time and memory."""
    places, expected = math.prod(shape), sum(t.expansion.expected for t in targets)
    fits = sum((n - 1).bit_length() for n in shape) <= MOST_KEY_BITS
    return fits and places > max(SMALL_TABLE, PLACES_PER_SYNAPSE * expected)


def _units(targets: list[Target], n_ports: int, dtype: type) -> NDArray[np.float64]:
    """Unit of packed weights of each port, 0 where packing would lose too much."""
    units = np.zeros(max(n_ports, 1))
    for port in range(n_ports):
        seen = [t for t in targets if t.total and port in t.ports]
        if not seen:
            units[port] = 1.0
            continue
        largest = min(_LARGEST_CODE, _LARGEST_SUM // (_BURST * max(sum(int(t.indegree.max(initial=0)) for t in seen), 1)))
        same = [t.same for t in seen if t.same is not None]
        if len(same) == len(seen):
            unit, codes = min(same), np.array(same) / min(same)
            if codes.max() <= largest and np.all(np.abs(codes - np.rint(codes)) <= EXACT * codes):
                units[port] = unit
                continue
        grain = _common_grain(seen)
        if grain and max(t.largest for t in seen) <= largest * grain:
            units[port] = grain
            continue
        unit = max(t.largest for t in seen) / max(largest, 1)
        if dtype is np.float32 and 0.5 * unit <= PACKED_ERROR * min(t.total / t.count for t in seen):
            units[port] = unit
    return units


def _common_grain(seen: list[Target]) -> float:
    """Largest power of two times their grain that all weights of some targets are multiples of; 0 without one grain."""
    grains, bits = {t.grain for t in seen}, np.bitwise_or.reduce([t.bits for t in seen])
    return grains.pop() * float(bits & -bits) if len(grains) == 1 else 0.0


def _bases(layout: Layout, ports: dict[tuple[int, int], int]) -> Int64:
    """First accumulator of each port in each block."""
    if len(ports) > MOST_PORTS:
        raise NetworkError(
            "too many receptors receive static synapses.", where="engine", used=len(ports), limit=MOST_PORTS,
            remedy="Use fewer different kinds of receptors or models in one network.",
        )  # fmt: skip
    base = np.zeros((layout.n_blocks, max(len(ports), 1)), np.int64)
    for (group, receptor), number in ports.items():
        part = layout.parts[layout.block_ptr[:-1] + group]
        base[:, number] = lay.first_accumulator(part, receptor)
    return base
