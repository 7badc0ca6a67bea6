"""Builds the synapse stores of a program, and reads and carries what they remember.

:class:`Stores` keeps, next to the arrays the kernels use, where each synapse of a projection went,
so that weights can be read in expansion order and survive a recompilation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.connectivity.columns import population_values
from neurosim.engine import plasticity, synapses
from neurosim.engine.layout import GROUP, Layout
from neurosim.engine.program import Depressing, Plastic, Segments, Static, Stochastic
from neurosim.engine.static import Built, build_static
from neurosim.engine.synapses import Expanded, Runs
from neurosim.network import Network, Projection

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Recent spikes kept per STDP target before its synapses are brought up to date, beside those of
#: the last dendritic delays, which are still needed then.
HISTORY = 64


@dataclass(slots=True, eq=False)
class Placed:
    """Where the synapses of one projection with memory are: position and segment of each."""

    position: Int64
    row: Int64
    slots: slice


@dataclass(slots=True, eq=False)
class Memory:
    """State of one projection's synapses, per synapse or per target, independent of the layout."""

    values: dict[str, Floats]
    targets: dict[str, NDArray[np.generic]]


@dataclass(slots=True, eq=False)
class Stores:
    """The compiled synapses of a network."""

    segments: Segments
    static: Static
    depressing: Depressing
    stochastic: Stochastic
    plastic: Plastic
    lanes: dict[tuple[int, int], tuple[float, bool]]
    has_memory: bool
    most: int
    min_delay: int
    max_delay: int
    placed: dict[int, Placed]
    n_synapses: int


def build(network: Network, layout: Layout, dtype: type, carried: dict[int, Memory]) -> Stores:
    """Expand and store all projections.

    Parameters
    ----------
    carried
        Memory of projections (by id) that continue from an earlier program.
    """
    by_model: dict[str, list[Expanded]] = {name: [] for name in synapses.KINDS}
    plain = [p for p in network.projections if p.synapse.model == "static"]
    built = build_static(network, plain, layout, dtype)
    runs, placed = Runs(), {}
    for projection in network.projections:
        if projection.synapse.model != "static":
            expanded = synapses.expand(network, projection, layout)
            expanded.columns["weight"] = expanded.columns["weight"] * synapses.signs(network, projection)[expanded.post]
            if projection.synapse.model == "tsodyks_markram":
                expanded.columns["tau_syn"] = _receptor_tau_ms(network, projection)[expanded.post]
            by_model[projection.synapse.model].append(expanded)
    everything = [e for group in by_model.values() for e in group]
    depressing = _depressing(by_model["tsodyks_markram"], runs, placed, carried)
    stochastic = _stochastic(by_model["stochastic"], runs, placed, network.seed)
    _plastic_rows(by_model["stdp"], runs, placed)
    segments, most = synapses.segment_table(runs, layout)
    plastic = _plastic(by_model["stdp"], network, layout, segments, placed, carried)
    delays = [e.delay for e in everything if len(e.delay)]
    shortest = [int(d.min()) for d in delays] + ([built.min_delay] if built.n_synapses else [])
    longest = [int(d.max()) for d in delays] + [built.max_delay, 1]
    n_synapses = built.n_synapses + sum(len(e.pre) for e in everything)
    return Stores(
        segments, built.store, depressing, stochastic, plastic, _lanes(built, everything, network, layout), bool(everything),
        max(most, built.most), min(shortest, default=0), max(longest), placed, n_synapses,
    )  # fmt: skip


def _lanes(built: Built, with_memory: list[Expanded], network: Network, layout: Layout) -> dict[tuple[int, int], tuple[float, bool]]:
    """How weights arrive at each receptor of each group: unit of integer sums (0: none), and whether sums of weights are used."""
    sums = {key for key, unit in built.units.items() if unit == 0.0}
    for expanded in with_memory:
        part, receptor, _ = synapses.ports(network, expanded.projection, layout)
        sums |= set(zip(layout.parts[part, GROUP].tolist(), receptor.tolist(), strict=True))
    return {key: (built.units.get(key, 0.0), key in sums) for key in sums | built.units.keys()}


def _place(expanded: Expanded, first: int, first_row: int, pieces: tuple[Int64, ...]) -> Placed:
    n = len(expanded.pre)
    position, row = np.empty(n, np.int64), np.empty(n, np.int64)
    position[expanded.order] = first + np.arange(n)
    lengths = pieces[3] - pieces[2]
    row[expanded.order] = first_row + np.repeat(np.arange(len(lengths)), lengths)
    return Placed(position, row, slice(0, 0))


def _joined(group: list[Expanded], name: str) -> Floats:
    return np.concatenate([e.columns[name][e.order] for e in group]) if group else np.empty(0)


def _targets(group: list[Expanded]) -> NDArray[np.int32]:
    return np.concatenate([e.target[e.order] for e in group]) if group else np.empty(0, np.int32)


def _receptor_tau_ms(network: Network, projection: Projection) -> Floats:
    """Time constant of the postsynaptic current or conductance of each target; 0 where it is a step."""
    pieces = [np.empty(0)]
    for p, cells in projection.post.parts:
        population = network.populations[p]
        receptor = population.receptors[population.receptor_index(projection.receptor)]
        name = next((key for key in ("tau_syn", "tau_decay") if key in receptor.parameters), None)
        key = f"{population.id}/{receptor.name}/{name}"
        tau = np.zeros(population.size) if name is None else population_values(receptor.parameters[name], population.size, key)
        pieces.append(tau[cells])
    return np.concatenate(pieces)


def _depressing(group: list[Expanded], runs: Runs, placed: dict[int, Placed], carried: dict[int, Memory]) -> Depressing:
    first = rows = 0
    for e in group:
        pieces = synapses.cut(e, first)
        runs.add(*pieces, 1, rows + np.arange(len(pieces[0])))
        placed[e.projection.id] = _place(e, first, rows, pieces)
        first, rows = first + len(e.pre), rows + len(pieces[0])
    store = Depressing(
        _targets(group),
        _joined(group, "weight"),
        _joined(group, "U"),
        _joined(group, "tau_rec"),
        _joined(group, "tau_facil"),
        _joined(group, "tau_syn"),
        np.ones(first),
        np.zeros(first),
        np.zeros(first),
        np.full(rows, -1.0),
    )
    for e in group:
        memory, where = carried.get(e.projection.id), placed[e.projection.id]
        if memory is not None:
            for name in ("x", "y", "u"):
                getattr(store, name)[where.position] = memory.values[name]
            store.last_ms[where.row] = memory.values["last"]
    return store


def _stochastic(group: list[Expanded], runs: Runs, placed: dict[int, Placed], seed: int) -> Stochastic:
    first = 0
    keys = []
    for e in group:
        pieces = synapses.cut(e, first)
        runs.add(*pieces, 2, np.full(len(pieces[0]), -1, np.int64))
        placed[e.projection.id] = _place(e, first, 0, pieces)
        keys.append(synapses.synapse_keys(seed, e)[e.order])
        first += len(e.pre)
    return Stochastic(
        _targets(group), _joined(group, "weight"), _joined(group, "p"), np.concatenate(keys) if keys else np.empty(0, np.uint64)
    )


def _plastic_rows(group: list[Expanded], runs: Runs, placed: dict[int, Placed]) -> None:
    first = slots = 0
    for rule, e in enumerate(group):
        pieces = synapses.cut(e, first)
        runs.add(*pieces, 3, np.full(len(pieces[0]), rule, np.int64))
        place = _place(e, first, 0, pieces)
        n_slots = e.projection.post.size
        placed[e.projection.id] = Placed(place.position, place.row, slice(slots, slots + n_slots))
        first, slots = first + len(e.pre), slots + n_slots


def _rule_row(projection: Projection, first_slot: int, longest_ms: float) -> list[float]:
    rule = projection.synapse.plasticity
    assert rule is not None
    return [
        rule.tau_plus, rule.tau_minus, rule.A_plus, rule.A_minus, rule.w_min, rule.w_max, rule.mu_plus, rule.mu_minus,
        rule.dendritic_delay_fraction, float(first_slot), float(projection.post.size), longest_ms * rule.dendritic_delay_fraction,
    ]  # fmt: skip


def _plastic(
    group: list[Expanded], network: Network, layout: Layout, segments: Segments, placed: dict[int, Placed], carried: dict[int, Memory]
) -> Plastic:
    n_slots = sum(e.projection.post.size for e in group)
    rules = np.array(
        [_rule_row(e.projection, placed[e.projection.id].slots.start, float(e.delay.max(initial=0)) * network.dt) for e in group],
        np.float64,
    ).reshape(len(group), plasticity.N_RULE_COLUMNS)
    capacity = HISTORY + 3 * round(float(rules[:, plasticity.MAX_DENDRITIC].max(initial=0.0)) / network.dt)
    capacity = max([capacity, *(m.targets["hist_ms"].shape[1] for m in carried.values() if "hist_ms" in m.targets)])
    slot_gid = np.concatenate([layout.gids(e.projection.post) for e in group]) if group else np.empty(0, np.int64)
    slots = np.argsort(slot_gid, kind="stable")
    slot_ptr = np.concatenate([[0], np.cumsum(np.bincount(slot_gid, minlength=layout.n_cells))]).astype(np.int64)
    slot = np.concatenate([(placed[e.projection.id].slots.start + e.post[e.order]) for e in group]) if group else np.empty(0, np.int64)
    seg_range, seg_list = _segments_by_rule(segments, layout, len(group))
    n_segments = len(segments.start)
    store = Plastic(
        _targets(group), _joined(group, "weight"), slot.astype(np.int32),
        np.zeros(n_segments), np.zeros(n_segments), np.full(n_segments, -np.inf), rules, slot_ptr, slots,
        np.repeat(np.arange(len(group)), [e.projection.post.size for e in group]).astype(np.int32) if group else np.empty(0, np.int32),
        layout.block_of(slot_gid).astype(np.int32),
        seg_range, seg_list, np.zeros((n_slots, capacity)), np.zeros((n_slots, capacity)),
        np.zeros(n_slots, np.int64), np.zeros(n_slots), np.zeros(n_slots), np.zeros(1, np.int64),
    )  # fmt: skip
    for e in group:
        if e.projection.id in carried:
            _restore(store, segments, placed[e.projection.id], carried[e.projection.id])
    return store


def _segments_by_rule(segments: Segments, layout: Layout, n_rules: int) -> tuple[Int64, Int64]:
    """Segments of each (block, rule), as a pointer and a list."""
    if n_rules == 0:
        return np.zeros(layout.n_blocks + 1, np.int64), np.empty(0, np.int64)
    chosen = np.flatnonzero(segments.kind == 3)
    row = np.searchsorted(segments.ptr, chosen, side="right") - 1
    key = (row // layout.n_cells) * n_rules + segments.rule[chosen]
    order = np.argsort(key, kind="stable")
    counts = np.bincount(key, minlength=layout.n_blocks * n_rules)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), chosen[order]


def _segment_of(segments: Segments, kind: int, position: Int64) -> Int64:
    """Segment that holds each store position of one kind."""
    chosen = np.flatnonzero(segments.kind == kind)
    order = np.argsort(segments.start[chosen], kind="stable")
    starts = segments.start[chosen][order]
    return chosen[order][np.searchsorted(starts, position, side="right") - 1]


def _restore(store: Plastic, segments: Segments, where: Placed, memory: Memory) -> None:
    store.weight[where.position] = memory.values["weight"]
    segment = _segment_of(segments, 3, where.position)
    for name, array in (("last", store.last_ms), ("trace", store.trace), ("settled", store.settled_ms)):
        array[segment] = memory.values[name]
    for name in ("hist_n", "base_ms", "base_trace"):
        getattr(store, name)[where.slots] = memory.targets[name]
    for name in ("hist_ms", "hist_trace"):
        width = min(store.hist_ms.shape[1], memory.targets[name].shape[1])
        getattr(store, name)[where.slots, :width] = memory.targets[name][:, :width]


def remember(stores: Stores, projection: Projection) -> Memory | None:
    """State of a projection's synapses, to be carried into a new program."""
    where = stores.placed.get(projection.id)
    if where is None or projection.synapse.model == "stochastic":
        return None
    if projection.synapse.model == "tsodyks_markram":
        store = stores.depressing
        state = {name: getattr(store, name)[where.position] for name in ("x", "y", "u")}
        return Memory({**state, "last": store.last_ms[where.row]}, {})
    plastic = stores.plastic
    segment = _segment_of(stores.segments, 3, where.position)
    values = {
        "weight": plastic.weight[where.position],
        "last": plastic.last_ms[segment],
        "trace": plastic.trace[segment],
        "settled": plastic.settled_ms[segment],
    }
    return Memory(
        values, {name: getattr(plastic, name)[where.slots].copy() for name in ("hist_ms", "hist_trace", "hist_n", "base_ms", "base_trace")}
    )


def settle_all(stores: Stores, layout: Layout, now_ms: float, dt_ms: float) -> None:
    """Bring every STDP synapse up to date."""
    n_rules = len(stores.plastic.rules)
    for block in range(layout.n_blocks):
        for rule in range(n_rules):
            plasticity.settle_now(block, n_rules, rule, now_ms, dt_ms, stores.segments, stores.plastic)


def current_weights(stores: Stores, projection: Projection) -> Floats | None:
    """Weights of a plastic projection in expansion order, or ``None`` if they cannot change."""
    where = stores.placed.get(projection.id)
    if where is None or projection.synapse.model != "stdp":
        return None
    return stores.plastic.weight[where.position]
