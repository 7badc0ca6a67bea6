"""Small nets between cores, and random ones on random machines with something dead."""

from __future__ import annotations

import networkx as nx
import numpy as np

from neurosim.mapping.routing import Dead, topology_of
from neurosim.mapping.routing.topology import MESH, TRIANGULAR
from neurosim.mapping.structures import Int32, Nets, Topology


def nets_from(rows: list[tuple[int, list[int]]], weight: list[float] | None = None) -> Nets:
    """Nets of pairs (source, targets)."""
    indptr = np.cumsum([0, *(len(targets) for _, targets in rows)]).astype(np.int64)
    target = np.array([core for _, targets in rows for core in sorted(targets)], np.int32)
    packets = np.ones(len(rows)) if weight is None else np.array(weight)
    return Nets(np.array([source for source, _ in rows], np.int32), indptr, target, packets.astype(np.float32))


def random_nets(rng: np.random.Generator, n_cores: int, n_nets: int) -> Nets:
    """Nets of any sources, with none to all cores as targets."""
    rows = [(int(rng.integers(n_cores)), np.flatnonzero(rng.random(n_cores) < rng.random() ** 2).tolist()) for _ in range(n_nets)]
    return nets_from(rows, rng.integers(1, 9, n_nets).astype(float).tolist())


def random_machine(rng: np.random.Generator) -> Topology:
    """Mesh or torus with four or six links, some routers and links of it dead."""
    width, height = (int(side) for side in rng.integers(2, 8, 2))
    steps, wrap = (MESH, TRIANGULAR)[int(rng.integers(2))], (width, height) if rng.random() < 0.5 else (0, 0)
    n = width * height
    routers = rng.choice(n, int(rng.integers(0, 1 + n // 6)), replace=False).tolist()
    links = [(int(rng.integers(n)), int(rng.integers(len(steps)))) for _ in range(int(rng.integers(0, 1 + n // 3)))]
    places = [(x, y) for x in range(width) for y in range(height)]
    return topology_of(places, rng.integers(1, 5, n), steps=steps, wrap=wrap, dead=Dead(routers, links))


def largest_part(topology: Topology) -> list[int]:
    """Routers of the largest connected part that has room."""
    router, link = np.nonzero(topology.neighbour >= 0)
    graph = nx.Graph(list(zip(router.tolist(), topology.neighbour[router, link].tolist(), strict=True)))
    graph.add_nodes_from(np.flatnonzero(topology.room > 0).tolist())
    return sorted(max(nx.connected_components(graph), key=len))


def random_case(seed: int) -> tuple[Nets, Int32, Topology]:
    """Nets, router of each core and topology; all cores lie in one connected part."""
    rng = np.random.default_rng(seed)
    topology = random_machine(rng)
    n_cores = int(rng.integers(1, 40))
    return random_nets(rng, n_cores, int(rng.integers(1, 30))), rng.choice(largest_part(topology), n_cores).astype(np.int32), topology
