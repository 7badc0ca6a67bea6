"""How much memory a network would take, estimated from its rules before anything is built."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.connectivity import DistanceDependent, Expansion
from neurosim.connectivity.columns import Span, all_columns, prepare
from neurosim.engine import layout as lay
from neurosim.engine import memory
from neurosim.engine.plastic_store import KEPT
from neurosim.engine.static import PACKED_ERROR, PLACES_PER_SYNAPSE
from neurosim.engine.targets import EXACT
from neurosim.errors import MemoryLimitError, NeurosimError
from neurosim.machine import NEURON_BYTES, size_text
from neurosim.network import Ends, Network, Projection

#: Bytes of a synapse with memory while it is built, as measured.
WITH_MEMORY = {"tsodyks_markram": 200, "stochastic": 150, "taught": 250}
#: Bytes of a run of STDP synapses, and of one synapse that is kept while they are built.
PLASTIC_RUN, PLASTIC_KEPT = 170, 24
#: Bytes of a spike source, as measured.
SOURCE = 100
#: Bytes of a static synapse while it is sorted, beside the store.
SORTED = 36
#: Networks smaller than this are not compared with the memory there is.
SMALL_BYTES = 200_000_000
#: Largest packed weight; rows from which the synapses of a rule that looks at every pair are estimated.
_LARGEST_CODE, _SAMPLED_ROWS = (1 << 15) - 1, 64
#: Delays in steps that are assumed where only expanding the rule tells.
_UNKNOWN_STEPS = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes that a network takes: in all, and for the projection that takes most, with its number of synapses."""

    total: float
    largest: Projection | None = None
    largest_bytes: float = 0.0
    largest_synapses: float = 0.0


@dataclass(slots=True)
class _Counted:
    """A projection with its expected synapses; ``weight`` and ``delay`` are ranges where they are known."""

    projection: Projection
    synapses: float
    weight: Span | None
    delay: Span | None


def check(network: Network, dtype: type, threads: int, limit_gb: float | None = None) -> None:
    """Refuse a network that does not fit in memory.

    Parameters
    ----------
    limit_gb
        Memory it may take, in 10^9 bytes; by default what is available.

    Raises
    ------
    MemoryLimitError
        With the estimate and what to change.
    """
    counted = list(_counted(network))
    needs = _estimate(network, counted, dtype, threads)
    if needs.total < SMALL_BYTES and limit_gb is None:
        return
    limit = memory.available_bytes() if limit_gb is None else limit_gb * 1e9
    if limit is None or needs.total <= limit:
        return
    what = "are available" if limit_gb is None else "are allowed by max_memory"
    text = f"the network needs about {size_text(needs.total)} of memory, {size_text(limit)} {what}"
    if needs.largest is not None:
        text += f"; {size_text(needs.largest_bytes)} of it for about {needs.largest_synapses:,.0f} synapses of '{needs.largest.label}'"
    remedy = _remedy(network, counted, dtype, threads)
    raise MemoryLimitError(f"{text}.", where="run()", used=round(needs.total), limit=limit, remedy=remedy)


def _remedy(network: Network, counted: list[_Counted], dtype: type, threads: int) -> str:
    advice = "Use fewer synapses or neurons, or a machine with more memory. setup(max_memory=GB) sets another limit, 'inf' none."
    smaller = _estimate(network, counted, np.float32, threads).total
    if dtype is not np.float32 and smaller < 0.9 * _estimate(network, counted, dtype, threads).total:
        return f"Give setup(precision='float32'), with which it needs about {size_text(smaller)}. {advice}"
    return advice


def estimate(network: Network, dtype: type, threads: int) -> Estimate:
    """What a network is expected to take while it is built, which is when it takes most."""
    return _estimate(network, list(_counted(network)), dtype, threads)


def _estimate(network: Network, counted: list[_Counted], dtype: type, threads: int) -> Estimate:
    static = [c for c in counted if c.projection.synapse.model == "static"]
    by_port = _by_port(network, static)
    packed = all(_packs([c.weight for c in group], dtype) for group in by_port.values())
    plain = 4 if packed else 2 + np.dtype(dtype).itemsize
    sizes = [(_size(network, c, plain, dtype, threads), c) for c in counted]
    cells = sum(p.size * (SOURCE if p.is_source else NEURON_BYTES) for p in network.populations)
    total = cells + sum(size for size, _ in sizes) + _tables(network, static, len(by_port), threads)
    if not sizes:
        return Estimate(total)
    size, most = max(sizes, key=lambda pair: pair[0])
    return Estimate(total, most.projection, size, most.synapses)


def _size(network: Network, counted: _Counted, plain: int, dtype: type, threads: int) -> float:
    """Bytes of the synapses of one projection; ``plain`` are those of a static one."""
    n = counted.synapses
    if counted.projection.synapse.model != "stdp":
        return n * WITH_MEMORY.get(counted.projection.synapse.model, plain)
    steps = _UNKNOWN_STEPS if counted.delay is None else 1 + (counted.delay.high - counted.delay.low) / network.dt
    runs = min(n, steps * threads * counted.projection.pre.size)
    return n * (2 + np.dtype(dtype).itemsize) + PLASTIC_RUN * runs + PLASTIC_KEPT * min(n, KEPT)


def _tables(network: Network, static: list[_Counted], n_ports: int, threads: int) -> float:
    """Where synapses are found: rows by block and source, and runs; and what finds their order, a table of counts or sorting."""
    if not static:
        return 0.0
    rows = threads * sum(p.size for p in network.populations)
    steps = max(_UNKNOWN_STEPS if c.delay is None else math.ceil(c.delay.high / network.dt) for c in static) + 1
    places, synapses = float(rows) * n_ports * steps, sum(c.synapses for c in static)
    ordering = 4.0 * places if places <= PLACES_PER_SYNAPSE * synapses else SORTED * synapses
    return 16.0 * rows + ordering + 8.0 * min(places, synapses)


def _counted(network: Network) -> Iterator[_Counted]:
    for projection in network.projections:
        try:
            ends = network.ends(projection)
            weight, delay = (_span(name, projection, ends) for name in ("weight", "delay"))
            yield _Counted(projection, _expected(network, projection, ends), weight, delay)
        except NeurosimError:
            continue  # building says better what is wrong


def _span(name: str, projection: Projection, ends: Ends) -> Span | None:
    column = all_columns(projection).get(name)
    if column is None or projection.realisation is not None:
        return None
    span = prepare(name, column, projection, ends).span()
    return span if span is not None and np.isfinite(span).all() else None


def _expected(network: Network, projection: Projection, ends: Ends) -> float:
    rule = projection.rule
    if not isinstance(rule, DistanceDependent) or ends.n_pre <= 2 * _SAMPLED_ROWS:
        return rule.expected(ends)
    rows = np.linspace(0, ends.n_pre - 1, _SAMPLED_ROWS).astype(int).tolist()
    expansion = Expansion(network, projection)
    return sum(expansion.expand(row, row + 1, columns=()).size for row in rows) * ends.n_pre / _SAMPLED_ROWS


def _by_port(network: Network, static: list[_Counted]) -> dict[tuple[object, int], list[_Counted]]:
    """Static projections by the receptor of the group of cells they go to."""
    found: defaultdict[tuple[object, int], list[_Counted]] = defaultdict(list)
    for counted in static:
        for number, _ in counted.projection.post.parts:
            population = network.populations[number]
            found[lay.group_key(population), population.receptor_index(counted.projection.receptor)].append(counted)
    return dict(found)


def _packs(weights: list[Span | None], dtype: type) -> bool:
    """Whether the weights of one port are expected to be packed; see :func:`neurosim.engine.static.build_static`."""
    spans = [span for span in weights if span is not None and span.magnitude]
    if len(spans) < len(weights) or not spans:
        return not weights
    if all(span.low == span.high for span in spans):
        ratios = np.array([span.magnitude for span in spans]) / min(span.magnitude for span in spans)
        if np.all(np.abs(ratios - np.rint(ratios)) <= EXACT * ratios):
            return True
    unit = max(max(abs(span.low), abs(span.high)) for span in spans) / _LARGEST_CODE
    return dtype is np.float32 and 0.5 * unit <= PACKED_ERROR * min(span.magnitude for span in spans)
