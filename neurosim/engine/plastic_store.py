"""Builds the store of STDP synapses in two passes, reads its weights and carries what it remembers.

A synapse takes its weight and a 16-bit target and nothing else. Where it lies follows from the
segments: weights are read, as they are written, by expanding the projection again and counting up
within each segment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim._jit import entry
from neurosim.engine import layout as lay
from neurosim.engine import plasticity, synapses
from neurosim.engine.layout import Layout
from neurosim.engine.plasticity import LANES, NEVER
from neurosim.engine.program import Plastic
from neurosim.errors import StateError
from neurosim.models._tile import zeros
from neurosim.network import Network, Plasticity, Projection, Rows

Int64 = NDArray[np.int64]
Floats = NDArray[np.floating]

#: Recent spikes kept per cell beside those of the longest dendritic delay, which are always needed.
HISTORY = 16
#: Synapses of a projection kept between the passes instead of being expanded again.
KEPT = 10_000_000


@dataclass(slots=True, eq=False)
class Place:
    """One projection's two sides and its segments: where its synapses lie.

    ``port`` numbers the parts and receptors of the postsynaptic cells within the projection. The
    segments are given by ``key``, (block, source, port), and delay; ``segment`` is their row in the table.
    """

    network: Network
    projection: Projection
    pre_gids: Int64
    post_gids: Int64
    block: NDArray[np.int32]
    port: NDArray[np.int32]
    local: NDArray[np.uint16]
    part: Int64
    receptor: Int64
    key: Int64
    delay: Int64
    length: Int64
    segment: Int64
    kept: list[Rows]

    @property
    def n_ports(self) -> int:
        """Parts and receptors on the postsynaptic side, in one block."""
        return int(self.port.max(initial=0)) + 1

    @property
    def rule(self) -> Plasticity:
        """How the synapses learn."""
        assert self.projection.synapse.plasticity is not None
        return self.projection.synapse.plasticity

    @property
    def key_block(self) -> Int64:
        """Block of each segment."""
        return self.key // (max(len(self.pre_gids), 1) * self.n_ports)

    @property
    def key_source(self) -> Int64:
        """Source of each segment, as an index in the presynaptic selection."""
        return self.key // self.n_ports % max(len(self.pre_gids), 1)

    def rows(self) -> Iterator[tuple[Rows, NDArray[np.int32]]]:
        """All synapses, expanded again if they were not kept, and their delays in steps."""
        for rows in self.kept or connectivity.iterate(self.network, self.projection):
            yield rows, synapses.delay_steps(rows.columns["delay"], self.network.dt, self.projection.label)

    def sides(self) -> tuple[NDArray[np.int32], NDArray[np.int32], int, int]:
        """What tells the segment of a synapse, for the loops over synapses."""
        return self.block, self.port, len(self.pre_gids), self.n_ports


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """The store, and source, block and delay of every segment."""

    store: Plastic
    places: dict[int, Place]
    gid: Int64
    block: Int64
    delay: Int64


@dataclass(slots=True, eq=False)
class Memory:
    """State of one projection's synapses, independent of the layout.

    Weights in expansion order; per source and delay the trace and the steps of the last presynaptic
    spike and of the last account; per postsynaptic cell its recent spikes and traces.
    """

    weight: Floats
    pre: Int64
    delay: Int64
    last: Int64
    settled: Int64
    trace: Floats
    hist_step: NDArray[np.int32]
    hist_trace: Floats


def build(network: Network, projections: list[Projection], layout: Layout, dtype: type) -> Built:
    """Store of all STDP projections: by block, then projection, source, port and delay, then in the order of expansion."""
    places = [_count_segments(network, p, layout) for p in projections]
    block = np.concatenate([*(p.key_block for p in places), np.empty(0, np.int64)])
    order = np.argsort(block, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    length = np.concatenate([*(p.length for p in places), np.empty(0, np.int64)])[order]
    store = _empty_store(layout, places, len(order), int(length.sum()), dtype)
    store.table[:, plasticity.LENGTH] = length
    store.table[:, plasticity.START] = np.cumsum(length) - length
    store.block_ptr[:] = np.searchsorted(block[order], np.arange(layout.n_blocks + 1))
    gid, delay, at, first_rule = np.empty_like(order), np.empty_like(order), 0, 0
    for place in places:
        place.segment = rank[at : at + len(place.key)]
        gid[place.segment], delay[place.segment] = place.pre_gids[place.key_source], place.delay
        _describe_segments(store, place, layout, first_rule)
        _put_synapses(store, place)
        place.kept.clear()
        at, first_rule = at + len(place.key), first_rule + place.n_ports
    return Built(store, {p.projection.id: p for p in places}, gid, block[order], delay)


def _count_segments(network: Network, projection: Projection, layout: Layout) -> Place:
    """First pass: how many synapses each segment of a projection has."""
    part, receptor, local = synapses.ports(network, projection, layout)
    group = layout.parts[part, lay.GROUP] if len(part) else part
    _, port = np.unique(np.stack([group, receptor], axis=1), axis=0, return_inverse=True)
    block = layout.block_of_part(part).astype(np.int32)
    empty = np.empty(0, np.int64)
    place = Place(
        network, projection, layout.gids(projection.pre), layout.gids(projection.post), block, port.reshape(-1).astype(np.int32),
        local.astype(np.uint16), part, receptor, empty, empty, empty, empty, [],
    )  # fmt: skip
    counts = np.zeros((layout.n_blocks * len(place.pre_gids) * place.n_ports, 1), np.int32)
    room = KEPT
    for rows, steps in place.rows():
        highest = int(steps.max(initial=0))
        if highest >= counts.shape[1]:
            counts = np.pad(counts, ((0, 0), (0, highest + 1 - counts.shape[1])))
        _count(rows.start, rows.indptr, rows.post, steps, *place.sides(), counts)
        room -= rows.size
        place.kept.append(rows)
        if room < 0:
            place.kept.clear()
    place.key, place.delay = np.nonzero(counts)
    place.length = counts[place.key, place.delay].astype(np.int64)
    return place


def _put_synapses(store: Plastic, place: Place, weights: Floats | None = None) -> None:
    """Second pass: write targets and weights; ``weights`` in expansion order take the place of those of the projection."""
    cursor, at = _cursor(store, place), 0
    for rows, steps in place.rows():
        own = rows.columns["weight"] if weights is None else weights[at : at + rows.size]
        weight = np.atleast_1d(np.asarray(own, np.float64))
        _put(rows.start, rows.indptr, rows.post, steps, weight, *place.sides(), place.local, cursor, store.target, store.weight)
        at += rows.size


def _cursor(store: Plastic, place: Place) -> Int64:
    """First synapse of every segment, by key and delay."""
    cursor = np.zeros((int(place.key.max(initial=0)) + 1, int(place.delay.max(initial=0)) + 1), np.int64)
    cursor[place.key, place.delay] = store.table[place.segment, plasticity.START]
    return cursor


def weights(store: Plastic, place: Place) -> Floats:
    """Weights of a projection in expansion order, as they stand in the store."""
    cursor, pieces = _cursor(store, place), [np.empty(0, store.weight.dtype)]
    for rows, steps in place.rows():
        pieces.append(np.empty(rows.size, store.weight.dtype))
        _get(rows.start, rows.indptr, rows.post, steps, *place.sides(), cursor, store.weight, pieces[-1])
    return np.concatenate(pieces)


@entry()
def _count(start, indptr, post, steps, block, port, n_pre, n_ports, counts):
    one = steps.size == 1
    for r in range(indptr.size - 1):
        for k in range(indptr[r], indptr[r + 1]):
            p = post[k]
            counts[(block[p] * n_pre + start + r) * n_ports + port[p], steps[0] if one else steps[k]] += 1


@entry()
def _put(start, indptr, post, steps, weight, block, port, n_pre, n_ports, local, cursor, out_target, out_weight):
    one_step, one_weight = steps.size == 1, weight.size == 1
    for r in range(indptr.size - 1):
        for k in range(indptr[r], indptr[r + 1]):
            p = post[k]
            key, level = (block[p] * n_pre + start + r) * n_ports + port[p], steps[0] if one_step else steps[k]
            at = cursor[key, level]
            cursor[key, level] = at + 1
            out_target[at] = local[p]
            out_weight[at] = weight[0] if one_weight else weight[k]


@entry()
def _get(start, indptr, post, steps, block, port, n_pre, n_ports, cursor, weight, out_weight):
    one = steps.size == 1
    for r in range(indptr.size - 1):
        for k in range(indptr[r], indptr[r + 1]):
            p = post[k]
            key, level = (block[p] * n_pre + start + r) * n_ports + port[p], steps[0] if one else steps[k]
            out_weight[k] = weight[cursor[key, level]]
            cursor[key, level] += 1


def rule_row(rule: Plasticity, dt_ms: float, trace_row: int, direction: float) -> list[float]:
    """Row of the rule table; see :mod:`neurosim.engine.plasticity` for the equations.

    ``direction`` is -1 if the receptor uses positive weights negatively.
    """
    rates = (_powers_per_step(rule.tau_plus, dt_ms), _powers_per_step(rule.tau_minus, dt_ms))
    if rule.dependence == "power_law":
        sign, unit = math.copysign(1.0, rule.w_0), abs(rule.w_0)
        plus, minus, low, high = (rule.A_plus * unit, 0.0, 1.0 / unit), (rule.A_minus, 0.0, 1.0), 0.0, np.inf
    else:
        sign = -1.0 if rule.w_max < rule.w_min else 1.0
        low, high = sign * rule.w_min, sign * rule.w_max
        span = high - low
        over = 1.0 / span if span > 0.0 else 0.0
        plus, minus = (rule.A_plus * span, high, -over), (rule.A_minus * span, low, over)
    row = [*rates, *plus, rule.mu_plus, *minus, rule.mu_minus, low, high, sign, rule.dendritic_delay_fraction, trace_row, direction]
    return [float(value) for value in row]


def _powers_per_step(tau_ms: float, dt_ms: float) -> float:
    """Powers of two by which a trace decays in a step."""
    return dt_ms / (tau_ms * math.log(2.0))


def _rate_minus(place: Place) -> float:
    """Decay of the postsynaptic traces that a projection needs."""
    return _powers_per_step(place.rule.tau_minus, place.network.dt)


def _longest_window(places: list[Place]) -> int:
    """Most steps by which a postsynaptic spike may be younger than the presynaptic one that passes with it."""
    longest = [2.0 * p.rule.dendritic_delay_fraction * int(p.delay.max(initial=0)) for p in places]
    return math.ceil(max(longest, default=0.0))


def _history_cells(layout: Layout, places: list[Place]) -> tuple[NDArray[np.int32], Int64]:
    """History cell of every global id (-1: none), and the range of each block."""
    wanted = np.unique(np.concatenate([*(p.part for p in places), np.empty(0, np.int64)]))
    cell_of, at = np.full(layout.n_cells, -1, np.int32), 0
    cell_ptr, gids = np.zeros(layout.n_blocks + 1, np.int64), layout.cell_gids() if len(wanted) else np.empty(0, np.int32)
    for part, block in zip(wanted, layout.block_of_part(wanted), strict=True):
        size, place = layout.parts[part, lay.SIZE], layout.parts[part, lay.O_CELL]
        cell_of[gids[place : place + size]] = np.arange(at, at + size)
        at += size
        cell_ptr[block + 1] = at
    return cell_of, np.maximum.accumulate(cell_ptr)


def _empty_store(layout: Layout, places: list[Place], n_segments: int, n: int, dtype: type) -> Plastic:
    """A store with its rules and its history, but without synapses and segments."""
    rates = sorted({_rate_minus(p) for p in places})
    rules = [_rule_rows(p, rates) for p in places]
    cell_of, cell_ptr = _history_cells(layout, places)
    n_cells, n_blocks = int(cell_ptr[-1]), layout.n_blocks
    ranks = (HISTORY + _longest_window(places) + 3 + 15) // 16 * 16
    hist_step = np.full((n_cells, ranks), NEVER, np.int32)
    n_rates = len(rates)
    history = (hist_step, hist_step.view(np.uint64).T.copy(), np.zeros((n_rates, n_cells, ranks), dtype))
    newest = (np.full(n_cells, NEVER, np.int32), np.zeros((n_rates, n_cells), dtype))
    faded = (np.zeros((n_rates, n_cells), dtype), np.full((n_blocks, n_rates, 3), -1e300))
    lanes = (
        zeros((n_blocks, LANES), dtype), zeros((n_blocks, LANES), dtype), zeros((n_blocks, ranks, LANES), np.int32),
        zeros((n_blocks, LANES), np.uint64), np.arange(ranks)[::-1].copy(), zeros((n_blocks, LANES), np.int32),
    )  # fmt: skip
    return Plastic(
        np.empty(n, np.uint16), np.empty(n, dtype), np.zeros((n_segments, plasticity.N_SEGMENT_COLUMNS), np.int64), np.zeros(n_segments),
        np.zeros(n_blocks + 1, np.int64), np.concatenate([*rules, np.empty((0, plasticity.N_RULE_COLUMNS))]),
        cell_of if places else np.empty(0, np.int32), *history, *newest, np.array(rates, np.float64), cell_ptr, *faded,
        np.full(n_blocks, NEVER + 1), *lanes, np.zeros(n_blocks, np.int64),
    )  # fmt: skip


def _rule_rows(place: Place, rates: list[float]) -> NDArray[np.float64]:
    """Rows of the rule table for the ports of one projection."""
    direction = np.ones(place.n_ports)
    direction[place.port] = synapses.signs(place.network, place.projection)
    trace_row = rates.index(_rate_minus(place))
    return np.array([rule_row(place.rule, place.network.dt, trace_row, d) for d in direction])


def _describe_segments(store: Plastic, place: Place, layout: Layout, first_rule: int) -> None:
    """Fill the columns of a projection's segments but for their synapses."""
    table, segment, n_ports = store.table, place.segment, place.n_ports
    port, block = place.key % n_ports, place.key_block
    part_of, receptor_of = np.zeros((layout.n_blocks, n_ports), np.int64), np.zeros(n_ports, np.int64)
    part_of[place.block, place.port], receptor_of[place.port] = place.part, place.receptor
    first_cell = _first_cells(store, layout)
    part = part_of[block, port]
    table[segment, plasticity.RULE] = first_rule + port
    table[segment, plasticity.DELAY] = place.delay
    table[segment, plasticity.CELL] = first_cell[part]
    table[segment, plasticity.ACC] = lay.first_accumulator(layout.parts[part], receptor_of[port])
    table[segment, plasticity.LAST] = table[segment, plasticity.SETTLED] = NEVER


def _first_cells(store: Plastic, layout: Layout) -> Int64:
    """History cell of the first cell of every part; -1 where there is none."""
    first = np.full(len(layout.parts), -1, np.int64)
    held = np.flatnonzero(layout.parts[:, lay.SIZE] > 0)
    first[held] = store.cell_of[layout.cell_gids()[layout.parts[held, lay.O_CELL]]]
    return first


def remember(store: Plastic, place: Place) -> Memory:
    """State of a projection's synapses, to be carried into another store.

    After :func:`settle_all`, segments of one source and delay agree, in whatever block and port.
    """
    pre = place.key_source
    _, first = np.unique(pre * (int(place.delay.max(initial=0)) + 1) + place.delay, return_index=True)
    segment = place.segment[first]
    row = store.table[segment]
    cells = store.cell_of[place.post_gids]
    traces = store.hist_trace[int(store.rules[row[0, plasticity.RULE], plasticity.TRACE_ROW])] if len(row) else store.hist_trace[0]
    state = (row[:, plasticity.LAST], row[:, plasticity.SETTLED], store.trace[segment])
    return Memory(weights(store, place), pre[first], place.delay[first], *state, store.hist_step[cells], traces[cells])


def restore(store: Plastic, place: Place, memory: Memory, *, with_weights: bool = True) -> None:
    """Give a projection's synapses what they remembered; traces are found by source and delay.

    A synapse whose delay has changed takes over the trace of its source, as if it had always had
    the new delay.
    """
    pre = place.key_source
    known = np.lexsort((memory.delay, memory.pre))
    width = int(max(place.delay.max(initial=0), memory.delay.max(initial=0))) + 1
    keys = memory.pre[known] * width + memory.delay[known]
    found = known[np.clip(np.searchsorted(keys, pre * width + place.delay), 0, max(len(known) - 1, 0))] if len(known) else known
    usable = np.flatnonzero(memory.pre[found] == pre) if len(known) else np.empty(0, np.int64)
    found, segment = found[usable] if len(known) else found, place.segment[usable]
    fraction = place.rule.dendritic_delay_fraction
    moved = place.delay[usable] - memory.delay[found]
    last = memory.last[found] + np.where(moved != 0, np.round(moved * (1.0 - 2.0 * fraction)).astype(np.int64), 0)
    store.trace[segment] = memory.trace[found]
    store.table[segment, plasticity.LAST] = last
    store.table[segment, plasticity.SETTLED] = np.where(moved != 0, np.maximum(memory.settled[found], last), memory.settled[found])
    _restore_history(store, place, memory)
    if with_weights:
        _put_synapses(store, place, memory.weight)


def _restore_history(store: Plastic, place: Place, memory: Memory) -> None:
    cells, width = store.cell_of[place.post_gids], min(store.hist_step.shape[1], memory.hist_step.shape[1])
    store.hist_step[cells, :width] = memory.hist_step[:, :width]
    store.hist_pairs[:, cells] = store.hist_step[cells].view(np.uint64).T
    store.newest_step[cells] = memory.hist_step[:, 0]
    if len(place.segment):
        row = int(store.rules[store.table[place.segment[0], plasticity.RULE], plasticity.TRACE_ROW])
        store.hist_trace[row, cells, :width] = memory.hist_trace[:, :width]
        store.newest_trace[row, cells] = memory.hist_trace[:, 0]


def settle_all(store: Plastic, step: int) -> None:
    """Bring every synapse up to date."""
    if len(store.table):
        for block in range(len(store.block_ptr) - 1):
            plasticity.settle(block, step, step + 1, store, store.lane_v[0])


def check_history(store: Plastic) -> None:
    """Raise :class:`StateError` if postsynaptic spikes found no room in their history."""
    if store.overflow.any():
        raise StateError(
            "a postsynaptic cell fired more often within two dendritic delays than the STDP store holds.",
            where="STDP", used=int(store.overflow.sum()), limit=store.hist_step.shape[1],
            remedy="Its rate is far above one spike a step; check weights and refractory time.",
        )  # fmt: skip
