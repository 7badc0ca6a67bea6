"""Cores and who sends to whom, for measuring placement and routing: published cases and generated ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.mapping.routing import topology_of
from neurosim.mapping.routing.topology import TRIANGULAR
from neurosim.mapping.structures import Nets, Topology

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "data" / "pacman"


class CoreNetwork(NamedTuple):
    """Cores in order of creation: population and neurons of each, int (n_cores,), and one net per core with its neurons as weight."""

    population: NDArray[np.integer]
    n_neurons: NDArray[np.integer]
    nets: Nets

    @property
    def n_cores(self) -> int:
        """Number of cores."""
        return len(self.population)


class Reference(NamedTuple):
    """What the real tool did: packets times links, on the fullest link, entries in total and of the fullest router, chips."""

    hops: float
    max_load: float
    entries: int
    max_entries: int
    chips: int


def board() -> Topology:
    """One 48-chip board as the fixtures have it: application cores per chip, no wrap-around."""
    places = [(x, y) for x in range(8) for y in range(8) if -4 < x - y < 5]
    seventeen = {(1, 1), (1, 3), (3, 1), (3, 3), (3, 5), (5, 2), (5, 4), (5, 6)}
    room = [15 if xy in seventeen or xy == (0, 0) else 16 for xy in places]
    return topology_of(places, room, steps=TRIANGULAR)


def chips(side: int) -> Topology:
    """A square of chips with 16 cores each, without wrap-around."""
    return topology_of([(x, y) for x in range(side) for y in range(side)], 16, steps=TRIANGULAR)


# --- networks ----------------------------------------------------------------------------------
def of_populations(sizes: list[int], targets: list[list[int]], per_core: int = 64) -> CoreNetwork:
    """Populations of so many neurons, cut into cores, each sending to all cores of its target populations."""
    slices = [np.minimum(per_core, size - np.arange(0, size, per_core)) for size in sizes]
    population = np.repeat(np.arange(len(sizes)), [len(cut) for cut in slices])
    n_neurons = np.concatenate(slices)
    cores = [np.flatnonzero(population == p) for p in range(len(sizes))]
    rows = [np.sort(np.concatenate([cores[q] for q in targets[p]])) if targets[p] else cores[p][:0] for p in population.tolist()]
    return CoreNetwork(population, n_neurons, nets_of(rows, n_neurons))


def nets_of(rows: Sequence[NDArray[np.integer]], weight: ArrayLike) -> Nets:
    """One net per core: its targets and packets."""
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    target = np.concatenate([*rows, np.zeros(0, np.int64)]).astype(np.int32)
    return Nets(np.arange(len(rows), dtype=np.int32), indptr, target, np.asarray(weight, np.float32))


def fully_connected() -> CoreNetwork:
    """Vogels and Abbott's 4000 neurons, 64 a core: 63 cores, each sending to all."""
    return of_populations([3200, 800], [[0, 1], [0, 1]])


def chain(order: list[int] | None = None, n: int = 60, size: int = 512) -> CoreNetwork:
    """Layers of a feed-forward chain; ``order`` are the layers in order of creation."""
    order = list(range(n)) if order is None else order
    created = {layer: at for at, layer in enumerate(order)}
    return of_populations([size] * n, [[created[layer + 1]] if layer + 1 < n else [] for layer in order])


def grid(seed: int = 1, side: int = 8, size: int = 448) -> CoreNetwork:
    """Populations on a grid, each projecting to itself and its four neighbours, created in random order."""
    order = np.random.default_rng(seed).permutation(side * side)
    created = np.argsort(order)
    targets = []
    for place in order.tolist():
        x, y = divmod(place, side)
        near = [(x, y), (x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
        targets.append([int(created[a * side + b]) for a, b in near if 0 <= a < side and 0 <= b < side])
    return of_populations([size] * (side * side), targets)


def sheet(side: int = 100, reach_squared: int = 29, seed: int = 1) -> CoreNetwork:
    """A sheet of cores in random order, each sending to all cores within a distance: 883,000 pairs of 10,000 cores."""
    place = np.random.default_rng(seed).permutation(side * side)
    core_at = np.argsort(place).reshape(side, side)
    reach = int(reach_squared**0.5)
    steps = [(a, b) for a in range(-reach, reach + 1) for b in range(-reach, reach + 1) if 0 < a * a + b * b <= reach_squared]
    rows = []
    for x, y in zip(*np.divmod(place, side), strict=True):
        near = [(x + a, y + b) for a, b in steps if 0 <= x + a < side and 0 <= y + b < side]
        rows.append(np.sort(np.array([core_at[xy] for xy in near], np.int64)))
    return CoreNetwork(np.arange(side * side), np.ones(side * side, np.int64), nets_of(rows, np.ones(side * side)))


# --- what the real tool did -----------------------------------------------------------------------
def fixture(name: str) -> dict[str, Any]:
    """Placements and routing entries of one network, as stored."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def creation_order(name: str) -> list[int]:
    """Layers of a chain in order of creation, from the order in which the tool placed them."""
    rows = [row[4] for row in fixture(name)["placements"] if row[4]]
    return [int(label[1:]) for label in dict.fromkeys(rows)]


def reference(name: str) -> Reference:
    """Walk the tool's own routing entries from every source core, counting links."""
    data = fixture(name)
    cores = [row for row in data["placements"] if row[4]]
    table = {(x, y, key): (links, local) for x, y, key, _, links, local in data["entries"]}
    loads: dict[tuple[int, int, int], int] = {}
    for x, y, _, _, population, (low, high) in cores:
        names = (f"{population}({low}:{high})", population)
        waiting: list[tuple[int, int, int | None]] = [(x, y, None)]
        while waiting:
            at_x, at_y, came = waiting.pop()
            met = next((table[at_x, at_y, key] for key in names if (at_x, at_y, key) in table), None)
            links = met[0] if met is not None else [] if came is None else [came]
            for link in links:
                loads[at_x, at_y, link] = loads.get((at_x, at_y, link), 0) + high - low + 1
                dx, dy = TRIANGULAR[link]
                waiting.append((at_x + dx, at_y + dy, link))
    per_chip: dict[tuple[int, int], int] = {}
    for x, y, *_ in data["entries"]:
        per_chip[x, y] = per_chip.get((x, y), 0) + 1
    used = {(row[0], row[1]) for row in cores}
    return Reference(sum(loads.values()), max(loads.values()), len(data["entries"]), max(per_chip.values()), len(used))
