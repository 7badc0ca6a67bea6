"""Compiles projections into stores of synapses, by block, source and delay.

Each projection's rule is expanded block by block of rows, turned into global ids, accumulator
indices and delay steps, and sorted. Static synapses of all projections share one store, so that a
spike finds all its targets of one delay side by side; synapses with memory keep a store per kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim._jit import entry
from neurosim.connectivity import steps
from neurosim.connectivity.random import mix
from neurosim.engine import layout as lay
from neurosim.engine.layout import Layout
from neurosim.engine.program import Segments
from neurosim.errors import ParameterError
from neurosim.network import Network, Projection

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

KINDS = {"static": 0, "tsodyks_markram": 1, "stochastic": 2, "taught": 2, "stdp": 3}


@dataclass(slots=True, eq=False)
class Expanded:
    """Synapses of one projection in expansion order, in the engine's terms.

    ``order`` sorts them by (block, source, delay); ``columns`` holds per-synapse float64 values.
    """

    projection: Projection
    pre: Int64
    gid: Int64
    post: Int64
    block: Int64
    target: NDArray[np.int32]
    delay: NDArray[np.int32]
    columns: dict[str, Floats]
    order: Int64


@dataclass(slots=True, eq=False)
class Runs:
    """Segments collected so far, one array per column and kind of synapse."""

    gid: list[Int64] = field(default_factory=list)
    block: list[Int64] = field(default_factory=list)
    start: list[Int64] = field(default_factory=list)
    stop: list[Int64] = field(default_factory=list)
    delay: list[Int64] = field(default_factory=list)
    kind: list[Int64] = field(default_factory=list)
    rule: list[Int64] = field(default_factory=list)
    ports: int = 0

    def columns(self) -> tuple[list[Int64], ...]:
        """All columns, in the order of the segment table."""
        return self.gid, self.block, self.start, self.stop, self.delay, self.kind, self.rule

    def add(self, gid: Int64, block: Int64, start: Int64, stop: Int64, delay: Int64, kind: int, rule: Int64, ports: int = 1) -> None:
        """Append the segments of one store; a source has at most ``ports`` of them with one delay."""
        self.ports += ports
        self.gid.append(gid)
        self.block.append(block)
        self.start.append(start)
        self.stop.append(stop)
        self.delay.append(delay)
        self.kind.append(np.full(len(gid), kind, np.int64))
        self.rule.append(rule)


def delay_steps(delay_ms: float | Floats, dt_ms: float, label: str) -> NDArray[np.int32]:
    """Delays in whole steps, at least one.

    Raises
    ------
    ParameterError
        If a delay is below one step, or has more steps than 32 bits hold.
    """
    try:
        return steps.delay_steps(delay_ms, dt_ms)
    except ParameterError as error:
        error.where = f"Projection '{label}'"
        raise


@entry(allocates=True)
def stable_order(keys, n_keys):
    """Stable sorting permutation of small non-negative integers (counting sort)."""
    place = np.zeros(n_keys + 1, np.int64)
    for k in range(keys.size):
        place[keys[k] + 1] += 1
    for k in range(n_keys):
        place[k + 1] += place[k]
    order = np.empty(keys.size, np.int64)
    for k in range(keys.size):
        order[place[keys[k]]] = k
        place[keys[k]] += 1
    return order


def sorted_by(block: Int64, gid: Int64, delay: NDArray[np.int32], n_cells: int) -> Int64:
    """Permutation that sorts synapses by (block, source, delay), stable."""
    if not len(gid):
        return np.empty(0, np.int64)
    levels, level = np.unique(delay, return_inverse=True)
    n_blocks = int(block.max()) + 1
    size = n_blocks * n_cells * len(levels)
    keys = (block * n_cells + gid) * len(levels) + level
    return stable_order(keys, size) if size <= 50_000_000 else np.argsort(keys, kind="stable")


def expand(network: Network, projection: Projection, layout: Layout) -> Expanded:
    """Expand one projection and sort its synapses."""
    pre_gids = layout.gids(projection.pre)
    acc, block_of = accumulators(network, projection, layout)
    pre, post, parts = [], [], []
    for rows in connectivity.iterate(network, projection):
        pre.append(rows.pre())
        post.append(np.asarray(rows.post, np.int64))
        parts.append({name: _full(value, rows.size) for name, value in rows.columns.items()})
    pre_all = np.concatenate(pre) if pre else np.empty(0, np.int64)
    post_all = np.concatenate(post) if post else np.empty(0, np.int64)
    names = parts[0].keys() if parts else ("weight", "delay")
    columns = {name: np.concatenate([p[name] for p in parts]) if parts else np.empty(0) for name in names}
    check_columns(columns, projection.label)
    delay = delay_steps(columns["delay"], network.dt, projection.label)
    gid, block = pre_gids[pre_all], block_of[post_all]
    order = sorted_by(block, gid, delay, layout.n_cells)
    return Expanded(projection, pre_all, gid, post_all, block, acc[post_all].astype(np.int32), delay, columns, order)


#: Ranges of synaptic parameters: lowest, highest, and whether the lowest itself is excluded.
RANGES = {"U": (0.0, 1.0, False), "p": (0.0, 1.0, False), "tau_rec": (0.0, np.inf, True), "tau_facil": (0.0, np.inf, False)}


def check_columns(columns: dict[str, Floats], label: str) -> None:
    """Raise :class:`ParameterError` for synaptic parameters outside their range."""
    for name, (low, high, is_open) in RANGES.items():
        values = columns.get(name, np.empty(0))
        bad = ~((values > low) if is_open else (values >= low)) | ~(values <= high)
        if bad.any():
            worst, lowest = float(values[bad][0]), f"above {low:g}" if is_open else f"at least {low:g}"
            raise ParameterError(
                f"'{name}' is {worst:g} in {int(bad.sum()):,} synapses.",
                where=f"Projection '{label}'",
                used=worst,
                limit=(low, high),
                remedy=f"Use values {lowest}" + (f" and at most {high:g}." if np.isfinite(high) else "."),
            )


def _full(value: float | Floats, size: int) -> Floats:
    return np.full(size, value, np.float64) if np.ndim(value) == 0 else np.asarray(value, np.float64)


def ports(network: Network, projection: Projection, layout: Layout) -> tuple[Int64, Int64, Int64]:
    """Part, receptor and place within the part of every postsynaptic cell of a projection."""
    part, local = layout.locate(layout.gids(projection.post))
    rows = [np.full(len(i), network.populations[p].receptor_index(projection.receptor), np.int64) for p, i in projection.post.parts]
    return part, np.concatenate(rows) if rows else np.empty(0, np.int64), local


def accumulators(network: Network, projection: Projection, layout: Layout) -> tuple[Int64, Int64]:
    """Accumulator index and block of every postsynaptic cell of a projection."""
    part, receptor, local = ports(network, projection, layout)
    acc = lay.first_accumulator(layout.parts[part], receptor) + local
    return acc, layout.block_of_part(part)


def signs(network: Network, projection: Projection) -> Floats:
    """+1 or -1 per postsynaptic cell: how the receptor uses the weight."""
    pieces = []
    for p, i in projection.post.parts:
        population = network.populations[p]
        pieces.append(np.full(len(i), population.receptors[population.receptor_index(projection.receptor)].sign, np.float64))
    return np.concatenate(pieces) if pieces else np.empty(0)


def cut(expanded: Expanded, first: int) -> tuple[Int64, Int64, Int64, Int64, Int64]:
    """Segments of sorted synapses stored from ``first`` on: gid, block, start, stop, delay."""
    gid, block, delay = (column[expanded.order] for column in (expanded.gid, expanded.block, expanded.delay.astype(np.int64)))
    if not len(gid):
        empty = np.empty(0, np.int64)
        return empty, empty, empty, empty, empty
    new = np.concatenate([[True], (np.diff(gid) != 0) | (np.diff(delay) != 0) | (np.diff(block) != 0)])
    start = np.flatnonzero(new)
    stop = np.append(start[1:], len(gid))
    return gid[start], block[start], start + first, stop + first, delay[start]


def segment_table(runs: Runs, layout: Layout) -> tuple[Segments, int]:
    """All segments by (block, source), and the most that one spike adds to one arrival step."""
    n_rows = layout.n_blocks * layout.n_cells
    gid, block, start, stop, delay, kind, rule = (np.concatenate(c) if c else np.empty(0, np.int64) for c in runs.columns())
    row, ptr = block * layout.n_cells + gid, np.zeros(n_rows + 1, np.int64)
    order = np.argsort(row, kind="stable")
    if len(row):  # large networks have many rows, and most have no such synapses: then this stays unwritten
        np.cumsum(np.bincount(row, minlength=n_rows), out=ptr[1:])
    small = (delay[order].astype(np.int32), kind[order].astype(np.int8), rule[order].astype(np.int32))
    return Segments(ptr, start[order], stop[order], *small), max(runs.ports, 1)


def synapse_keys(seed: int, expanded: Expanded) -> NDArray[np.uint64]:
    """Key per synapse from (seed, projection, source, ordinal in its row)."""
    n = len(expanded.pre)
    first = np.searchsorted(expanded.pre, expanded.pre, side="left") if n else np.empty(0, np.int64)
    ordinal = np.arange(n, dtype=np.int64) - first
    return _keys(np.uint64(seed), np.uint64(expanded.projection.id), expanded.pre, ordinal)


@entry(allocates=True)
def _keys(seed, projection, pre, ordinal):
    base = mix(mix(seed + np.uint64(0x9E3779B97F4A7C15)) ^ (projection + np.uint64(0x5851F42D4C957F2D)))
    out = np.empty(pre.size, np.uint64)
    for k in range(pre.size):
        out[k] = mix(mix(base + np.uint64(pre[k])) + np.uint64(ordinal[k]))
    return out
