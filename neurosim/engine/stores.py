"""Builds the synapse stores of a program, and reads and carries what they remember.

:class:`Stores` keeps, next to the arrays the kernels use, where each synapse of a projection went,
so that weights can be read in expansion order and survive a recompilation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.connectivity.columns import population_values
from neurosim.engine import plastic_store, synapses, taught
from neurosim.engine.drives import Drive
from neurosim.engine.layout import GROUP, Layout
from neurosim.engine.program import Depressing, Plastic, Segments, Static, Stochastic
from neurosim.engine.static import Built, build_static
from neurosim.engine.synapses import Expanded, Runs
from neurosim.network import Network, Projection

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Placed:
    """Where the Tsodyks-Markram or stochastic synapses of one projection are: position and segment of each."""

    position: Int64
    row: Int64


@dataclass(slots=True, eq=False)
class Memory:
    """State of one projection's Tsodyks-Markram synapses, per synapse, independent of the layout."""

    values: dict[str, Floats]


AnyMemory = Memory | plastic_store.Memory | taught.Memory


@dataclass(slots=True, eq=False)
class Stores:
    """The compiled synapses of a network."""

    segments: Segments
    static: Static
    depressing: Depressing
    stochastic: Stochastic
    plastic: Plastic
    lanes: dict[tuple[int, int], tuple[float, bool]]
    drives: list[Drive]
    has_memory: bool
    most: int
    min_delay: int
    max_delay: int
    placed: dict[int, Placed]
    places: dict[int, plastic_store.Place]
    n_synapses: int
    lessons: dict[int, taught.Lesson]


def build(
    network: Network, layout: Layout, dtype: type, carried: dict[int, AnyMemory], threads: int = 1,
    drives: list[Drive] | None = None,
) -> Stores:  # fmt: skip
    """Expand and store all projections.

    Parameters
    ----------
    carried
        Memory of projections (by id) that continue from an earlier program.
    """
    by_model: dict[str, list[Expanded]] = {name: [] for name in synapses.KINDS}
    driving = {d.projection.id for d in drives or []}
    plain = [p for p in network.projections if p.synapse.model == "static" and p.id not in driving]
    built = build_static(network, plain, layout, dtype, threads, drives)
    runs, placed = Runs(), {}
    for projection in network.projections:
        if projection.synapse.model not in ("static", "stdp"):
            expanded = synapses.expand(network, projection, layout)
            expanded.columns["weight"] = expanded.columns["weight"] * synapses.signs(network, projection)[expanded.post]
            if projection.synapse.model == "tsodyks_markram":
                expanded.columns["tau_syn"] = _receptor_tau_ms(network, projection)[expanded.post]
            if projection.synapse.model == "taught":
                expanded.columns["p"] = np.ones(len(expanded.pre))
            by_model[projection.synapse.model].append(expanded)
    everything = [e for group in by_model.values() for e in group]
    depressing = _depressing(by_model["tsodyks_markram"], runs, placed, carried)
    stochastic = _stochastic(by_model["stochastic"] + by_model["taught"], runs, placed, network.seed)
    projections = [e.projection for e in by_model["taught"]]
    lessons = {p.id: taught.lesson(network, p, layout, placed[p.id].position) for p in projections}
    learning = plastic_store.build(network, [p for p in network.projections if p.synapse.model == "stdp"], layout, dtype)
    n_plastic = np.arange(len(learning.gid))
    n_ports = sum(p.n_ports for p in learning.places.values())
    runs.add(learning.gid, learning.block, n_plastic, n_plastic, learning.delay, 3, n_plastic, ports=n_ports)
    segments, most = synapses.segment_table(runs, layout)
    for number, place in learning.places.items():
        if isinstance(memory := carried.get(number), plastic_store.Memory):
            plastic_store.restore(learning.store, place, memory)
    for number, one in lessons.items():
        if isinstance(memory := carried.get(number), taught.Memory):
            one.restore(stochastic, memory.values)
    delays = [d for d in (*(e.delay for e in everything), learning.delay) if len(d)]
    shortest = [int(d.min()) for d in delays] + ([built.min_delay] if built.n_synapses else [])
    longest = [int(d.max()) for d in delays] + [built.max_delay, 1]
    n_synapses = built.n_synapses + sum(len(e.pre) for e in everything) + len(learning.store.target)
    lanes = _lanes(built, everything, learning, network, layout)
    limits = (max(most, built.most), min(shortest, default=0), max(longest))
    has_memory = bool(everything or learning.places)
    return Stores(
        segments, built.store, depressing, stochastic, learning.store, lanes, drives or [], has_memory, *limits, placed, learning.places,
        n_synapses, lessons,
    )  # fmt: skip


def _lanes(
    built: Built, with_memory: list[Expanded], learning: plastic_store.Built, network: Network, layout: Layout
) -> dict[tuple[int, int], tuple[float, bool]]:
    """How weights arrive at each receptor of each group: unit of integer sums (0: none), and whether sums of weights are used."""
    sums = {key for key, unit in built.units.items() if unit == 0.0}
    for projection in (*(e.projection for e in with_memory), *(p.projection for p in learning.places.values())):
        part, receptor, _ = synapses.ports(network, projection, layout)
        sums |= set(zip(layout.parts[part, GROUP].tolist(), receptor.tolist(), strict=True))
    return {key: (built.units.get(key, 0.0), key in sums) for key in sums | built.units.keys()}


def _place(expanded: Expanded, first: int, first_row: int, pieces: tuple[Int64, ...]) -> Placed:
    n = len(expanded.pre)
    position, row = np.empty(n, np.int64), np.empty(n, np.int64)
    position[expanded.order] = first + np.arange(n)
    lengths = pieces[3] - pieces[2]
    row[expanded.order] = first_row + np.repeat(np.arange(len(lengths)), lengths)
    return Placed(position, row)


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


def _depressing(group: list[Expanded], runs: Runs, placed: dict[int, Placed], carried: dict[int, AnyMemory]) -> Depressing:
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
        if isinstance(memory, Memory):
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


def restore(stores: Stores, projection: Projection, memory: AnyMemory) -> None:
    """Give a projection's synapses, as they were built, back what :func:`remember` found."""
    if isinstance(memory, plastic_store.Memory):
        plastic_store.restore(stores.plastic, stores.places[projection.id], memory)
        return
    if projection.id in stores.lessons:
        stores.lessons[projection.id].restore(stores.stochastic, memory.values)
        return
    where = stores.placed[projection.id]
    for name in ("x", "y", "u"):
        getattr(stores.depressing, name)[where.position] = memory.values[name]
    stores.depressing.last_ms[where.row] = memory.values["last"]


def remember(stores: Stores, projection: Projection) -> AnyMemory | None:
    """State of a projection's synapses, to be carried into a new program."""
    if projection.id in stores.places:
        return plastic_store.remember(stores.plastic, stores.places[projection.id])
    if projection.id in stores.lessons:
        return stores.lessons[projection.id].remember(stores.stochastic)
    where = stores.placed.get(projection.id)
    if where is None or projection.synapse.model == "stochastic":
        return None
    store = stores.depressing
    state = {name: getattr(store, name)[where.position] for name in ("x", "y", "u")}
    return Memory({**state, "last": store.last_ms[where.row]})


def learned(stores: Stores, projection: Projection) -> dict[str, NDArray[np.float64]]:
    """Weights of a plastic projection, and what else its synapses learned, in expansion order; empty if nothing can change."""
    if projection.id in stores.lessons:
        return stores.lessons[projection.id].learned(stores.stochastic)
    place = stores.places.get(projection.id)
    return {} if place is None else {"weight": plastic_store.weights(stores.plastic, place).astype(np.float64)}
