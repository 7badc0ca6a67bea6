"""Small graphs of cores, meshes and slow twins for the tests of placement."""

from __future__ import annotations

import itertools

import numpy as np

from neurosim.mapping.placement import Positions
from neurosim.mapping.structures import CoreGraph


def random_graph(n_cores: int, n_pairs: int, seed: int = 0) -> CoreGraph:
    """Random pairs of different cores with random packets, sorted."""
    rng = np.random.default_rng(seed)
    pair = np.unique(rng.integers(0, n_cores**2, n_pairs)) if n_cores > 1 else np.empty(0, np.int64)
    pair = pair[pair // n_cores != pair % n_cores]
    return CoreGraph(pair // n_cores, pair % n_cores, rng.random(len(pair)) + 0.01)


def chain(n_cores: int) -> CoreGraph:
    """Each core to the next."""
    return CoreGraph(np.arange(n_cores - 1), np.arange(1, n_cores), np.ones(n_cores - 1))


def links(positions: Positions) -> np.ndarray:
    """Links between the routers of positions, bool (n, n), from the definition of the mesh."""
    steps = [(1, 0), (0, 1), (-1, 0), (0, -1), *([(1, 1), (-1, -1)] if positions.metric == "hexagonal" else [])]
    n = len(positions)
    joined = np.zeros((n, n), np.bool_)
    for one, other in itertools.product(range(n), repeat=2):
        for dx, dy in steps:
            x, y = positions.x[one] + dx, positions.y[one] + dy
            x, y = (x % positions.wrap[0] if positions.wrap[0] else x), (y % positions.wrap[1] if positions.wrap[1] else y)
            joined[one, other] |= x == positions.x[other] and y == positions.y[other]
    return joined


def walked(joined: np.ndarray) -> np.ndarray:
    """Hops between all positions by walking along links (Floyd and Warshall); int64 (n, n)."""
    hops = np.where(joined, 1, 10_000)
    np.fill_diagonal(hops, 0)
    for k in range(len(hops)):
        hops = np.minimum(hops, hops[:, k : k + 1] + hops[k : k + 1, :])
    return hops


def slow_cost(graph: CoreGraph, positions: Positions, position_of: np.ndarray) -> float:
    """Packets times hops, pair by pair."""
    pairs = zip(graph.source.tolist(), graph.target.tolist(), graph.packets.tolist(), strict=True)
    return sum(packets * positions.distance(int(position_of[one]), int(position_of[other])) for one, other, packets in pairs)


def meshes() -> dict[str, Positions]:
    """Positions of every kind: plain, torus, triangular, with gaps, with several cores at a router, from a table."""
    rng = np.random.default_rng(3)
    gaps = np.sort(rng.permutation(36)[:25])
    plain = Positions.grid(5, 5)
    ids = np.arange(25)
    table = walked(links(plain)).astype(np.int16) + 1
    np.fill_diagonal(table, 0)
    assert len(ids) == len(table)
    return {
        "mesh": plain,
        "torus": Positions.grid(5, 5, torus=True),
        "hexagonal": Positions.grid(5, 5, "hexagonal"),
        "hexagonal torus": Positions.grid(5, 5, "hexagonal", torus=True),
        "gaps": Positions((gaps % 6).astype(np.int32), (gaps // 6).astype(np.int32)),
        "hexagonal gaps": Positions((gaps % 6).astype(np.int32), (gaps // 6).astype(np.int32), "hexagonal"),
        "shared routers": Positions.grid(3, 3, cores=3),
        "table": Positions(plain.x, plain.y, "table", table=table),
    }
