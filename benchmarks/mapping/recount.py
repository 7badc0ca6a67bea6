"""A second opinion on finished maps: neurons, limits and synapses counted anew with numpy alone.

Nothing of the mapper's own checks is used: only the network, the chip's description of itself and the arrays of
the map. :mod:`benchmarks.mapping.packets_by_hand` follows the packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.network import Network, Selection

Int64 = NDArray[np.int64]
_NONE = np.empty(0, np.int64)


class Synapses(NamedTuple):
    """What the synapses of a placed network ask for.

    Attributes
    ----------
    number
        Synapses, all of them.
    source, core
        int64 (n,): every pair of a cell, counted through all populations, and a core with at least one target of it.
    per_core
        int64 (n_cores,): synapses that end on each core.
    inbound, outbound
        int64 (n_cores,): those pairs by target core and by the cell's own core. A chip may need more of what is taken
        per pair, where projections cannot share it, but never less.
    """

    number: int
    source: Int64
    core: Int64
    per_core: Int64
    inbound: Int64
    outbound: Int64


def first_cells(network: Network) -> Int64:
    """Number of the first cell of every population, and of all cells."""
    return np.cumsum([0, *(population.size for population in network.populations)]).astype(np.int64)


def flat(columns: Any) -> Int64:
    """One array of the columns of all populations."""
    return np.concatenate([_NONE, *(np.asarray(column, np.int64) for column in columns)])


def synapses_of(mapping: Any) -> Synapses:
    """Expand every rule of the network, whole, and see which cores its synapses end on."""
    network, n_cores = mapping.network, len(mapping.chip.cores().core)
    home, first = flat(mapping.core_of), first_cells(network)
    per_core, found, number = np.zeros(n_cores, np.int64), [_NONE], 0
    for projection in network.projections:
        pre, post = _cells(first, projection.pre), _cells(first, projection.post)
        indptr, target = projection.rule.expand(0, len(pre), network.ends(projection))
        number += len(target)
        cell, core = np.repeat(pre, np.diff(indptr)), home[post[target]]
        placed = core >= 0
        per_core += np.bincount(core[placed], minlength=n_cores)
        found.append(np.unique(cell[placed] * n_cores + core[placed]))
    source, target = np.divmod(np.unique(np.concatenate(found)), n_cores)
    senders = home[source]
    counts = (np.bincount(cores, minlength=n_cores) for cores in (target, senders[senders >= 0]))
    return Synapses(number, source, target, per_core, *counts)


def packets_of(mapping: Any, synapses: Synapses) -> int:
    """Packets to other cores if every cell fires once; those of sources that the host feeds in are among them."""
    return int((flat(mapping.core_of)[synapses.source] != synapses.core).sum())


def place_faults(mapping: Any) -> Iterator[str]:
    """Every cell once, on a core that exists, in a place of its own; sources where the chip wants them."""
    network, chip = mapping.network, mapping.chip
    home, local = flat(mapping.core_of), flat(mapping.local_of)
    if len(home) != first_cells(network)[-1] or len(local) != len(home):
        yield f"{len(home)} cores and {len(local)} local numbers are given for {first_cells(network)[-1]} cells"
        return
    is_source = np.repeat([p.is_source for p in network.populations], [p.size for p in network.populations]).astype(bool)
    wanted = np.ones(len(home), bool) if chip.places_sources else ~is_source
    if (home[wanted] < 0).any():
        yield f"{(home[wanted] < 0).sum()} cells are on no core"
    if (home[~wanted] >= 0).any():
        yield f"{(home[~wanted] >= 0).sum()} sources are on cores"
    if (home >= len(chip.cores().core)).any():
        yield f"{(home >= len(chip.cores().core)).sum()} cells are on cores that do not exist"
    if (local[home >= 0] < 0).any():
        yield "a cell on a core has no local number"
    places = np.stack([home, local])[:, home >= 0]
    n_shared = places.shape[1] - np.unique(places, axis=1).shape[1]
    if n_shared:
        yield f"{n_shared} cells are in the place of another"


def limit_faults(mapping: Any, synapses: Synapses) -> Iterator[str]:
    """Every hard limit of every core and chip: by the chip's own cost of slices, and counted one by one where that can be."""
    chip, table = mapping.chip, mapping.chip.cores()
    n_cores = len(table.core)
    cells = _cells_by_population(mapping, n_cores)
    if not chip.mixes_populations and ((cells > 0).sum(axis=0) > 1).any():
        yield "a core holds cells of several populations"
    cost = _costs(mapping, cells)
    for limit in chip.limits():
        if not limit.hard or limit.scope == "router":
            continue
        used = _settings(mapping, limit.resource, n_cores) if limit.counts == "settings" else cost.get(limit.resource)
        if limit.counts in ("sources", "targets", "synapses"):
            used = None  # does not just add: counted one by one below, or by the chip
        if limit.scope == "chip" and used is not None:
            used = np.bincount(table.chip, used)
        if used is not None and (used > limit.capacity).any():
            yield f"{limit.scope} {int(used.argmax())} uses {int(used.max()):,} {limit.resource}, the limit is {limit.capacity:,}"
        count = _COUNTED.get(limit.resource)
        if count is not None and limit.scope == "core":
            found = count(mapping, cells, synapses)
            if (found > limit.capacity).any():
                yield f"core {int(found.argmax())} has {int(found.max()):,} {limit.resource} one by one, the limit is {limit.capacity:,}"


def _cells(first: Int64, selection: Selection) -> Int64:
    return np.concatenate([_NONE, *(first[p] + np.asarray(i, np.int64) for p, i in selection.parts)])


def _cells_by_population(mapping: Any, n_cores: int) -> Int64:
    """Cells of each population on each core, int64 (n_populations, n_cores)."""
    rows = [np.bincount(np.asarray(core)[np.asarray(core) >= 0], minlength=n_cores) for core in mapping.core_of]
    return np.array(rows, np.int64).reshape(-1, n_cores)


def _costs(mapping: Any, cells: Int64) -> dict[str, Int64]:
    """Use of every resource by core, slices added up."""
    cost: dict[str, Int64] = {}
    for population, row in enumerate(cells):
        for n_cells in np.unique(row[row > 0]).tolist():
            for resource, amount in mapping.chip.slice_usage(mapping.network, population, n_cells).items():
                cost.setdefault(resource, np.zeros(cells.shape[1], np.int64))[row == n_cells] += amount
    return cost


def _settings(mapping: Any, resource: str, n_cores: int) -> Int64:
    """Different settings of a kind that the cells of every core need."""
    held: list[set[int]] = [set() for _ in range(n_cores)]
    for numbers, cores in zip(mapping.chip.settings(mapping.network)[resource], mapping.core_of, strict=True):
        table = np.broadcast_to(numbers, (len(cores), numbers.shape[1]))
        for core, row in {(int(c), tuple(r)) for c, r in zip(cores, table.tolist(), strict=True) if c >= 0}:
            held[core].update(row)
    return np.array([len(values - {-1}) for values in held], np.int64)


def _of_kind(kind: Callable[[Any], bool]) -> Callable[[Any, Int64, Synapses], Int64]:
    """Cells of some populations on every core; each takes at least one of the resource."""
    return lambda mapping, cells, _: cells[[kind(population) for population in mapping.network.populations]].sum(axis=0)


_NEURONS = _of_kind(lambda population: not population.is_source)
#: Resources that can be counted without the chip's estimates, at least from below.
_COUNTED: dict[str, Callable[[Any, Int64, Synapses], Int64]] = {
    "neurons": _NEURONS,
    "compartments": _NEURONS,
    "denmems": _NEURONS,
    "L1 addresses": _NEURONS,
    "Poisson sources": _of_kind(lambda population: population.model == "poisson_source"),
    "array sources": _of_kind(lambda population: population.is_source and population.model != "poisson_source"),
    "input axons": lambda mapping, cells, synapses: synapses.inbound,
    "output axons": lambda mapping, cells, synapses: synapses.outbound,
}
