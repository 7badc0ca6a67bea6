"""A small made-up chip and random networks for the tests of placement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from neurosim.chips.chip import Chip, CoreTable, Limit, Translation
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedOut, OneToOne
from neurosim.network import Network, Population, Projection, Receptor, Selection, Synapse


@dataclass(frozen=True)
class Sheet:
    """Constants of the made-up chip; ``cost`` is what a neuron of a population label uses per resource."""

    title: str = "Toy"
    width: int = 3
    height: int = 2
    cores_per_chip: int = 2
    neurons: int = 16
    memory: int = 100
    chip_memory: int | None = None
    soft_rows: int | None = None
    mixes: bool = True
    sources: bool = False
    cost: dict[str, int] = field(default_factory=dict)
    default_boards: int = 1
    max_boards: int = 8
    reverse: bool = False


class ToyChip(Chip):
    """Cores with neurons and memory on a mesh; a board adds columns of chips."""

    name = "toy"
    title = "Toy"

    def __init__(self, sheet: Sheet, *, n_boards: int | None = None) -> None:
        super().__init__(sheet, n_boards=n_boards)  # type: ignore[arg-type]
        self.mixes_populations, self.places_sources = sheet.mixes, sheet.sources  # type: ignore[misc]
        width = sheet.width * self.n_boards
        chip = np.repeat(np.arange(width * sheet.height), sheet.cores_per_chip).astype(np.int32)
        core = np.tile(np.arange(sheet.cores_per_chip), width * sheet.height).astype(np.int32)
        self._table = CoreTable(chip, chip % np.int32(width), chip // np.int32(width), core)
        self._width = width

    def cores(self) -> CoreTable:
        return self._table

    def topology(self) -> nx.Graph:
        grid = nx.grid_2d_graph(self._width, self.sheet.height)  # type: ignore[attr-defined]
        graph = nx.Graph()
        graph.add_nodes_from((x + self._width * y, {"x": x, "y": y}) for x, y in grid)
        graph.add_edges_from((a + self._width * b, c + self._width * d) for (a, b), (c, d) in grid.edges)
        return graph

    def hops(self, chip_a, chip_b):
        across = np.abs(chip_a % self._width - chip_b % self._width)
        return (across + np.abs(chip_a // self._width - chip_b // self._width)).astype(np.int32)

    def limits(self) -> tuple[Limit, ...]:
        s: Sheet = self.sheet  # type: ignore[assignment]
        limits = [Limit("neurons", "core", s.neurons, "1", "made up"), Limit("memory", "core", s.memory, "byte", "made up")]
        if s.soft_rows is not None:
            limits.append(Limit("rows", "core", s.soft_rows, "1", "made up", hard=False))
        if s.chip_memory is not None:
            limits.append(Limit("chip memory", "chip", s.chip_memory, "byte", "made up"))
        return (*limits, Limit("links", "chip", 6, "1", "for information"))

    def slice_usage(self, network: Network, population: int, n_neurons: int) -> dict[str, int]:
        cost = self.sheet.cost.get(network.populations[population].label, 2)  # type: ignore[attr-defined]
        return {"neurons": n_neurons, "memory": 5 + cost * n_neurons, "rows": 3 * n_neurons, "chip memory": 4 * n_neurons}

    def neuron_order(self, network: Network, population: int):
        order = super().neuron_order(network, population)
        return order[::-1].copy() if self.sheet.reverse else order  # type: ignore[attr-defined]

    def translate(self, network: Network, approximate: frozenset[str]) -> Translation:
        return Translation(network, ())

    def realise(self, network: Network, mapping) -> Translation:
        return Translation(network, ())


def toy(**constants) -> ToyChip:
    return ToyChip(Sheet(**constants))


STEPS = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))


class TreeChip(ToyChip):
    """The made-up chip with trees and routing tables on a triangular mesh."""

    delivery = "multicast"
    router_steps = STEPS
    entries = 100

    def limits(self) -> Any:
        return (*super().limits(), Limit("routing entries", "router", self.entries, "entries", "made up"))


def trees(**constants: Any) -> TreeChip:
    return TreeChip(Sheet(**{"width": 4, "height": 3, "mixes": False, **constants}))


def population(index: int, size: int, *, label: str | None = None, model: str = "lif") -> Population:
    return Population(index, label or f"p{index}", size, model, receptors=(Receptor("excitatory", "curr_exp"),))


def projection(index: int, pre: Selection, post: Selection, rule, seed: int = 7) -> Projection:
    return Projection(index, f"c{index}", pre, post, "excitatory", rule, Synapse("static", {"weight": 1.0, "delay": 1.0}), seed)


def network(*sizes: int, rule=None, models: tuple[str, ...] = ()) -> Network:
    """Populations of the given sizes, each connected to the next (and the last to the first) by ``rule``."""
    models = models or ("lif",) * len(sizes)
    populations = tuple(population(i, size, model=model) for i, (size, model) in enumerate(zip(sizes, models, strict=True)))
    targets = [(i + 1) % len(sizes) for i in range(len(sizes))]
    links = [(i, j) for i, j in enumerate(targets) if not populations[j].is_source] if rule is not None else []
    whole = Selection.whole
    projections = tuple(projection(n, whole(populations[i]), whole(populations[j]), rule) for n, (i, j) in enumerate(links))
    return Network(0.1, 1, populations, projections)


def chain(n: int = 6, size: int = 12) -> Network:
    """Populations one after the other, created in another order."""
    order = np.random.default_rng(3).permutation(n)
    cells = tuple(population(k, size) for k in range(n))
    whole = Selection.whole
    links = tuple(projection(k, whole(cells[int(order[k])]), whole(cells[int(order[k + 1])]), Bernoulli(0.5)) for k in range(n - 1))
    return Network(0.1, 1, cells, links)


RULES = st.one_of(
    st.just(AllToAll()),
    st.just(OneToOne()),
    st.floats(0.0, 1.0).map(Bernoulli),
    st.integers(0, 5).map(lambda n: FixedIn(n, with_replacement=True)),
    st.integers(0, 5).map(lambda n: FixedOut(n, with_replacement=True)),
)


@st.composite
def selections(draw, populations: tuple[Population, ...]):
    """A population, a view or an assembly of views."""
    chosen = draw(st.lists(st.sampled_from(populations), min_size=1, max_size=2, unique_by=lambda p: p.id))
    parts = []
    for p in chosen:
        indices = draw(st.lists(st.integers(0, p.size - 1), min_size=1, max_size=p.size, unique=True))
        parts.append((p.id, np.array(indices, np.int64)))
    return Selection(tuple(parts))


@st.composite
def networks(draw) -> Network:
    """Up to five populations, some of them sources, with up to four projections between selections."""
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5))
    models = [draw(st.sampled_from(["lif", "lif", "poisson_source"])) for _ in sizes]
    populations = tuple(population(i, size, model=model) for i, (size, model) in enumerate(zip(sizes, models, strict=True)))
    neurons = tuple(p for p in populations if not p.is_source)
    projections = []
    for index in range(draw(st.integers(0, 4)) if neurons else 0):
        rule = draw(RULES)
        pre, post = draw(selections(populations)), draw(selections(neurons))
        projections.append(projection(index, pre, post, rule, seed=draw(st.integers(0, 99))))
    return Network(0.1, 1, populations, tuple(projections))


chips = st.builds(
    toy,
    neurons=st.integers(1, 20),
    memory=st.integers(40, 200),
    chip_memory=st.none() | st.integers(60, 200),
    soft_rows=st.none() | st.integers(1, 40),
    mixes=st.booleans(),
    sources=st.booleans(),
    reverse=st.booleans(),
    width=st.just(40),
    height=st.just(8),
)
