"""The result of placing a network on a chip: a value that answers questions, prints and saves."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip, Location
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.losses import Ledger
from neurosim.mapping.fingerprint import network_fingerprint
from neurosim.mapping.lookup import Resident, residents, resolve
from neurosim.mapping.options import Options
from neurosim.mapping.pins import Pin, cores_at, extent
from neurosim.mapping.routes import Routing
from neurosim.mapping.traffic import Traffic, count_traffic
from neurosim.mapping.usage import Binding, Utilisation, chip_usage, core_usage
from neurosim.network import Network

if TYPE_CHECKING:
    import networkx as nx

    from neurosim.mapping.inspection import LinkLoad, MappingDiff, PopulationTraffic, Reasons
    from neurosim.mapping.serial import Saved
    from neurosim.mapping.ways import Way

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Mapping:
    """Where every neuron of a network is on a chip.

    Attributes
    ----------
    network
        The network that was placed, in the chip's terms. After loading without one it holds the
        populations' names and sizes only (``complete`` is then false).
    chip
        The chip, as configured by the pins.
    core_of
        Per population the core (index of the chip's core table) of each neuron, int32, -1 off chip.
    local_of
        Per population the number of each neuron within its core, int32, -1 off chip.
    pins
        Manual placements that were obeyed.
    seed
        Seed of the placement.
    losses
        What placement lost, and what the session adds: weights, delays, synapses.
    seconds
        Time per stage.
    options
        Effort, rates and what was avoided.
    routed
        What routing gave; ask :attr:`routing`, which finds the routes anew where they are not at hand.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> mapping = map_network(network, chips.load(chips.available()[0]))
    >>> print(mapping.on(int(mapping.core_of[0][0]))[0])
    exc[0-99]
    >>> Mapping.from_json(mapping.to_json()) == mapping
    True
    """

    network: Network
    chip: Chip
    core_of: tuple[Int32, ...]
    local_of: tuple[Int32, ...]
    pins: tuple[Pin, ...] = ()
    seed: int = 0
    losses: Ledger = field(default_factory=Ledger)
    seconds: MappingOf[str, float] = field(default_factory=dict)
    saved: Saved | None = None
    options: Options = field(default_factory=Options)
    routed: Routing | None = None

    # --- size ------------------------------------------------------------------------------
    @cached_property
    def cores_used(self) -> Int64:
        """Indices of the cores that hold neurons, sorted."""
        used = np.unique(np.concatenate([np.empty(0, np.int32), *self.core_of]))
        return used[used >= 0].astype(np.int64)

    @property
    def n_cores_used(self) -> int:
        """Number of cores that hold neurons."""
        return len(self.cores_used)

    @property
    def n_chips_used(self) -> int:
        """Number of chips that hold neurons."""
        return len(np.unique(self.chip.chip_numbers(self.cores_used)))

    @property
    def n_routers_used(self) -> int:
        """Number of routers (nodes of the chip's topology) with cores that hold neurons."""
        return len(np.unique(np.asarray(self.chip.cores().chip)[self.cores_used]))

    @property
    def n_cores(self) -> int:
        """Number of usable cores of the machine."""
        return len(self.chip.cores().core)

    @property
    def n_chips(self) -> int:
        """Number of chips of the machine that have usable cores."""
        return len(np.unique(self.chip.chip_numbers(np.arange(self.n_cores))))

    @property
    def n_routers(self) -> int:
        """Number of routers of the machine that have usable cores."""
        return len(np.unique(self.chip.cores().chip))

    @property
    def n_placed(self) -> int:
        """Number of cells on cores."""
        return sum(int((core >= 0).sum()) for core in self.core_of)

    @property
    def complete(self) -> bool:
        """False if the mapping was loaded without its network."""
        return self.saved is None or self.saved.has_network

    # --- questions -------------------------------------------------------------------------
    def where(self, item: Any) -> list[Location]:
        """Places of the neurons an item stands for, in its order.

        Parameters
        ----------
        item
            A PyNN cell, population, view or assembly; a label; or ``(population, index)`` with a
            label or id and an integer, a slice or an array.
        """
        pairs = resolve(self.network, item)
        return [self.chip.location(self.network, self, p, int(neuron)) for p, indices in pairs for neuron in indices]

    def on(self, place: Any) -> list[Resident]:
        """Who is at a core number, a coordinate object, ``(x, y)`` or ``(x, y, core)``.

        Returns
        -------
        list of Resident
            One per core and population, with indices in the order of the local numbers; printable.

        Raises
        ------
        ParameterError
            If the chip has no such place.
        """
        cores = cores_at(self.chip.cores(), place)
        if not len(cores):
            known = extent(self.chip.cores())
            where = f"Mapping on '{self.chip.name}'"
            raise ParameterError(f"the chip has no place {place}.", where=where, used=place, limit=known, remedy=f"There are {known}.")
        return [resident for core in cores.tolist() for resident in residents(self.network, self._members(core), core)]

    def path(self, source: Any, target: Any) -> Way:
        """The way of a spike from one cell to another, router by router; printable.

        Parameters
        ----------
        source, target
            Cells, as in :meth:`where`; one each.

        Raises
        ------
        ParameterError
            If either is not one cell, is off chip, or the mapping has no routes because it was loaded.
        """
        from neurosim.mapping.ways import way

        return way(self, source, target)

    def _members(self, core: int) -> tuple[Int64, Int64]:
        population, neuron, core_of = self._by_core
        start, stop = np.searchsorted(core_of, [core, core + 1])
        return population[start:stop], neuron[start:stop]

    @cached_property
    def _by_core(self) -> tuple[Int64, Int64, Int64]:
        """Placed cells sorted by core and local number: population ids, indices, cores."""
        sizes = [len(core) for core in self.core_of]
        population = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        neuron = np.concatenate([np.empty(0, np.int64), *(np.arange(size, dtype=np.int64) for size in sizes)])
        core = np.concatenate([np.empty(0, np.int64), *self.core_of]).astype(np.int64)
        order = np.lexsort([np.concatenate([np.empty(0, np.int64), *self.local_of]), core])
        order = order[core[order] >= 0]
        return population[order], neuron[order], core[order]

    def utilisation(self, scope: str = "core") -> Utilisation:
        """Use and capacity of every limited resource, per used core or (``scope="chip"``) chip."""
        tables = {"core": self._core_usage, "chip": self._chip_usage}
        if scope not in tables:
            raise UnknownNameError.among("scope", scope, tables, where="Mapping.utilisation")
        return tables[scope]

    @cached_property
    def _core_usage(self) -> Utilisation:
        return self.saved.core_usage if self.saved else core_usage(self.network, self.chip, self.core_of, self.options, self.local_of)

    @cached_property
    def _chip_usage(self) -> Utilisation:
        return self.saved.chip_usage if self.saved else chip_usage(self.network, self.chip, self.core_of)

    @property
    def binding(self) -> Binding | None:
        """The fullest resource of any core or chip; ``None`` for an empty mapping."""
        found = [usage.binding for usage in (self._core_usage, self._chip_usage)]
        return max((b for b in found if b is not None), key=lambda b: b.fraction, default=None)

    @cached_property
    def traffic(self) -> Traffic:
        """Packets and hops if every neuron fires once; counted when first asked for."""
        return self.saved.traffic if self.saved else count_traffic(self.network, self.chip, self.core_of)

    @cached_property
    def routing(self) -> Routing | None:
        """Ways of all packets, loads of links, routing tables; ``None`` if the mapping was loaded without its network."""
        if self.routed is not None or not self.complete:
            return self.routed
        from neurosim.mapping.stages import rerouted

        return rerouted(self)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the network that was placed."""
        return self.saved.fingerprint if self.saved else network_fingerprint(self.network)

    def summary(self) -> str:
        """One screen of text: cores and chips used, binding limit, packets, hops, losses."""
        from neurosim.mapping.summary import summary_text

        return summary_text(self)

    def verify(self) -> None:
        """Check the mapping against the rules of the chip with independent code.

        Raises
        ------
        VerificationError
            With every fault found in ``faults``.
        """
        from neurosim.mapping.verify import verify

        verify(self)

    # --- inspection ------------------------------------------------------------------------
    @cached_property
    def population_traffic(self) -> PopulationTraffic:
        """Packets, hops and synapses from population to population; counted when first asked for."""
        from neurosim.mapping.inspection import roll_up

        return roll_up(self)

    def why(self, item: Any) -> Reasons:
        """Why the neurons an item stands for (as in :meth:`where`) are where they are; printable."""
        from neurosim.mapping.inspection import why

        return why(self, item)

    def diff(self, other: Mapping) -> MappingDiff:
        """What is different in another mapping of the same network and machine; false if nothing is.

        Raises
        ------
        NetworkError, ParameterError
            If the other one is of another network or machine.
        """
        from neurosim.mapping.inspection import diff

        return diff(self, other)

    def machine_graph(self, *, links: LinkLoad | None = None) -> nx.DiGraph:
        """Routers and links of the machine with the cores and neurons at each, and loads if given, for networkx."""
        from neurosim.mapping.inspection import machine_graph

        return machine_graph(self, links=links)

    def core_graph(self) -> nx.DiGraph:
        """Used cores and the packets between them, for networkx.

        Raises
        ------
        ParameterError
            If there are more than 200,000 pairs of cores with packets, or they are not known.
        """
        from neurosim.mapping.inspection import core_graph

        return core_graph(self)

    def chip_map(
        self,
        path: str | Path | None = None,
        *,
        colour: str = "neurons",
        links: LinkLoad | None = None,
        entries: NDArray[np.integer] | None = None,
    ) -> str:
        """Map of the machine as SVG text, also written to ``path``; see :func:`neurosim.mapping.inspection.chip_map`."""
        from neurosim.mapping.inspection import chip_map

        return chip_map(self, path, colour=colour, links=links, entries=entries)

    # --- files -----------------------------------------------------------------------------
    def to_csv(self, path: str | Path | None = None, *, what: str = "placement") -> str:
        """A table as CSV text, also written to ``path`` if given.

        Parameters
        ----------
        what
            ``"placement"``, ``"cores"``, ``"chips"``, ``"traffic"`` or ``"populations"``;
            ``neurosim.mapping.inspection.COLUMNS`` says what is in each column.
        """
        from neurosim.mapping.inspection import to_csv

        return to_csv(self, path, what=what)

    def to_json(self, path: str | Path | None = None) -> str:
        """The mapping as JSON text, also written to ``path`` if given; equal mappings give equal text."""
        from neurosim.mapping.serial import to_json

        text = to_json(self)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_json(cls, path_or_text: str | Path, network: Network | None = None, chip: Chip | None = None) -> Mapping:
        """A saved mapping.

        Parameters
        ----------
        path_or_text
            A file, or the text itself.
        network
            The network it belongs to, in the chip's terms (``mapping.network`` when it was saved).
            Without it everything but counting limits again works.
        chip
            The chip, unconfigured; needed if it is not one that comes with neurosim.

        Raises
        ------
        MappingFileError
            If the file is missing or malformed, was edited, has another version, or belongs to
            another network or chip; names the field.
        """
        from neurosim.mapping.serial import from_json

        return from_json(path_or_text, network, chip)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        same = self.chip.name == other.chip.name and self.chip.n_boards == other.chip.n_boards and self.fingerprint == other.fingerprint
        return same and _equal(self.core_of, other.core_of) and _equal(self.local_of, other.local_of)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Mapping on {self.chip.name}: {self.n_placed:,} neurons on {self.n_cores_used:,} cores>"


def _equal(left: Sequence[Int32], right: Sequence[Int32]) -> bool:
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))
