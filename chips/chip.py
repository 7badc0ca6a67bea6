"""The one interface that all chips implement.

A chip says what its cores hold, where they are, how a network is written in its own numbers and
what that costs. Placement (:mod:`neurosim.mapping`) and the engine ask through this interface
only; no chip's name appears in their code.

The order of calls for one network is::

    translation = chip.translate(network, approximate)   # models, receptors, parameters
    mapping     = map_network(translation.network, chip) # neurosim.mapping
    realised    = chip.realise(translation.network, mapping)  # weights and delays, by place

Both steps return a new :class:`~neurosim.network.Network` and the losses they caused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.contracts import CoreTable, Cost, Int32, Limit, Location, Pinned, Placed, SynapseCount, Translation, check_names
from neurosim.errors import ParameterError, UnsupportedError
from neurosim.network import Network, Projection

if TYPE_CHECKING:
    import networkx as nx

    from neurosim.chips.datasheet import Datasheet, PassportRow
    from neurosim.chips.operations import WordBits
    from neurosim.chips.spikes import Events

__all__ = ["Chip", "CoreTable", "Cost", "Int32", "Limit", "Location", "Pinned", "Placed", "SynapseCount", "Translation", "check_names"]


class Chip(ABC):
    """A neuromorphic machine: one or several chips of one kind.

    Parameters
    ----------
    sheet
        Validated datasheet; every constant comes from it.
    n_boards
        Number of boards (SpiNNaker, Loihi) or wafers (HICANN); ``None`` is the datasheet's default.
    """

    name: ClassVar[str]
    board_noun: ClassVar[str] = "board"
    y_points_down: ClassVar[bool] = False
    """Does the chip count its rows from the top, so that a map of it shows row 0 above?"""
    router_noun: ClassVar[str] = "chip"
    """What a node of :meth:`topology` is: a chip, a tile of cores (Loihi) or a HICANN."""
    map_shape: ClassVar[Literal["square", "hexagon"]] = "square"
    """Shape of a router on maps: with four neighbours, or with six (links also along (1, 1) and (-1, -1))."""
    map_aspect: ClassVar[float] = 1.0
    """Width of a router on maps in heights; for squares only."""
    map_group: ClassVar[str] = ""
    """Attribute of the nodes of :meth:`topology` that numbers the parts a map outlines, such as boards; empty: none."""
    delivery: ClassVar[Literal["unicast", "multicast", "bus"]] = "unicast"
    """How spikes travel: a packet for every target core, one along a tree to all of them, or buses."""
    router_steps: ClassVar[tuple[tuple[int, int], ...]] = ((1, 0), (0, 1), (-1, 0), (0, -1))
    """Direction (x, y) of each link of a router; the opposite of each is among them."""
    router_wrap: ClassVar[tuple[int, int]] = (0, 0)
    """Columns and rows of a torus, or (0, 0) where there are edges."""
    keys_per_neuron: ClassVar[int] = 1
    """Keys that each cell sends with, where packets carry keys: a power of two."""
    mixes_populations: ClassVar[bool] = True
    """May neurons of different populations share a core?"""
    places_sources: ClassVar[bool] = False
    """Do spike sources take up cores? If not, they are fed in from the host."""
    whole_numbers: ClassVar[bool] = False
    """Do its neurons count in whole numbers, which only double precision holds exactly?"""
    approximations: ClassVar[Mapping[str, str]] = {}
    """Opt-in approximations of this chip: name -> one sentence."""
    options: ClassVar[tuple[str, ...]] = ()
    """What :meth:`with_options` takes."""
    descriptions: ClassVar[Sequence[Any]] = ()
    """Where published descriptions of the chip differ: dataclasses of one kind with a ``name``, for its passport."""

    def __init__(self, sheet: Datasheet, *, n_boards: int | None = None) -> None:
        self.sheet = sheet
        self.title = sheet.title
        self.n_boards = self._checked_boards(sheet.default_boards if n_boards is None else n_boards)

    def _checked_boards(self, n_boards: int) -> int:
        most = self.sheet.max_boards
        if isinstance(n_boards, int | np.integer) and not isinstance(n_boards, bool) and 1 <= n_boards <= most:
            return int(n_boards)
        text = f"the number of {self.board_noun}s is {n_boards!r}; it must be a whole number from 1 to {most:,}."
        remedy = "Set n_boards=1." if most == 1 else f"Set n_boards between 1 and {most:,}."
        raise ParameterError(text, where=f"Chip '{self.name}'", used=n_boards, limit=most, remedy=remedy)

    @property
    def full_name(self) -> str:
        """Name that :func:`neurosim.chips.load` knows the machine by, with its kind of board."""
        return self.name

    def passport(self) -> list[PassportRow]:
        """Every constant of the datasheet: name, value, unit, source, confidence."""
        return self.sheet.passport()

    # --- what it is ------------------------------------------------------------------------
    @abstractmethod
    def cores(self) -> CoreTable:
        """Usable cores, in fill order."""

    def chip_numbers(self, cores: NDArray[np.integer]) -> Int32:
        """Chip that each of some cores (indices of the core table) is on."""
        return self.cores().chip[cores]

    @abstractmethod
    def topology(self) -> nx.Graph:
        """Graph of the routers; nodes are router numbers with attributes ``x`` and ``y``."""

    @abstractmethod
    def hops(self, chip_a: Int32, chip_b: Int32) -> Int32:
        """Number of links between chips, elementwise."""

    @abstractmethod
    def limits(self) -> tuple[Limit, ...]:
        """Limited resources; each core-scoped one is a key of :meth:`slice_usage`.

        A chip-scoped one that is a key too is summed over the cores of a chip and enforced; one
        that is not a key is for information only. One of scope ``"router"`` limits the entries of
        each router's table, where packets are sent along trees.
        """

    # --- what a network needs --------------------------------------------------------------
    @abstractmethod
    def slice_usage(self, network: Network, population: int, n_neurons: int) -> dict[str, int]:
        """Use of each core-scoped resource by ``n_neurons`` neurons of one population on a core.

        Monotonic in ``n_neurons``. When slices share a core their uses add, but for limits that count
        something else (:attr:`Limit.counts`).
        """

    def settings(self, network: Network) -> Mapping[str, Sequence[Int32]]:
        """Per limit that counts settings, and population: numbers of those that each neuron needs.

        int32 (size, m), or (1, m) where all neurons need the same; -1 for none. Equal numbers, also of
        different populations, share one setting of a core.
        """
        return {}

    def source_cost(self, network: Network, projection: Projection) -> int:
        """What a source of a projection takes of limits that count sources; the most of all its projections counts."""
        return 1

    def listed(self, network: Network) -> SynapseCount | None:
        """All synapses, expanded, for counting what limits that count synapses take; ``None`` where there are no such limits."""
        return None

    def recount(self, network: Network, core_of: Sequence[Int32], local_of: Sequence[Int32], n_cores: int) -> dict[str, NDArray[np.int64]]:
        """The same counts as :meth:`SynapseCount.use`, for verification: with code of its own and little memory."""
        return {}

    def neuron_order(self, network: Network, population: int) -> NDArray[np.int64]:
        """Order in which the neurons of a population are put on cores; natural by default."""
        return np.arange(network.populations[population].size)

    def configure(self, network: Network, pins: Sequence[Pinned]) -> Chip:
        """Chip with the settings that pins ask for, such as circuits per neuron; never changed in place.

        Called once, before anything is placed; what it returns answers all later questions about
        this network. Called with no pins too. The default has no such settings and refuses them.

        Raises
        ------
        UnsupportedError
            If a pin sets something that this chip does not have.
        """
        for pin in pins:
            if pin.neuron_size is not None:
                label = network.populations[pin.population].label
                raise self.refuse("neuron size", f"Population '{label}'", option=None, nearest="Leave neuron_size out.")
        return self

    def with_boards(self, n_boards: int) -> Chip:
        """The same kind of machine with another number of boards, without settings made by pins."""
        return type(self)(self.sheet, n_boards=n_boards)

    def with_options(self, **options: Any) -> Chip:
        """The same machine with options of its own, such as the arithmetic of Loihi; never changed in place.

        Raises
        ------
        UnsupportedError
            If the chip has no such option.
        """
        for name in options:
            if name not in self.options:
                raise self.refuse(f"option '{name}'", f"Chip '{self.name}'", option=None, nearest=f"Leave {name} out.")
        return self

    # --- what it makes of a network ----------------------------------------------------------
    @abstractmethod
    def translate(self, network: Network, approximate: frozenset[str]) -> Translation:
        """Network with the chip's cell types, receptors and parameter values.

        Raises
        ------
        UnsupportedError
            For a model the chip does not have, unless its approximation was opted in; the error
            names the option.
        """

    @abstractmethod
    def realise(self, network: Network, mapping: Placed) -> Translation:
        """Network with weights and delays as the placed chip holds them."""

    # --- what a run takes --------------------------------------------------------------------
    def cost(self, network: Network, mapping: Placed, spikes: Events, n_steps: int, *, begin_ms: float = 0.0, **options: Any) -> Cost:
        """Time and energy of a run, from who fired when; chips with a model of them override this.

        Parameters
        ----------
        network, mapping
            As they were placed.
        spikes
            By population id: steps, from 0, and indices of the cells that fired, integers (n,) each.
        n_steps
            Number of steps of ``network.dt``.
        begin_ms
            When the first of them begins, for the report.
        options
            The chip's own.

        Raises
        ------
        UnsupportedError
            If the chip has no such model.
        """
        nearest = "Count memory and operations with neurosim.chips.operations.operations(network, spikes, n_steps, chip.word_bits())."
        raise self.refuse("model of time and energy", f"Chip '{self.name}'", option=None, nearest=nearest)

    @property
    def has_cost(self) -> bool:
        """True if the chip has a model of time and energy."""
        return type(self).cost is not Chip.cost

    def word_bits(self) -> WordBits:
        """Sizes of the chip's words, for :mod:`neurosim.chips.operations`.

        Raises
        ------
        UnsupportedError
            If the chip does not say.
        """
        nearest = "Give neurosim.chips.operations.WordBits(weight, state) yourself."
        raise self.refuse("word sizes", f"Chip '{self.name}'", option=None, nearest=nearest)

    def location(self, network: Network, mapping: Placed, population: int, neuron: int) -> Location:
        """Place of one neuron in the chip's own words."""
        core = int(mapping.core_of[population][neuron])
        label = network.populations[population].label
        if core < 0:
            return Location(label, neuron, -1, -1, -1, -1, -1, "host")
        table = self.cores()
        router, x, y, index = (int(column[core]) for column in table)
        chip, local = int(self.chip_numbers(np.array([core]))[0]), int(mapping.local_of[population][neuron])
        return Location(label, neuron, chip, x, y, index, local, self.core_label(core), router=router)

    def core_label(self, core: int) -> str:
        """The chip's way to name a core, for messages."""
        table = self.cores()
        return f"{self.name} chip ({table.x[core]}, {table.y[core]}) core {table.core[core]}"

    # --- shared by all chips ---------------------------------------------------------------
    def check_approximations(self, names: Iterable[str]) -> frozenset[str]:
        """Names as a set; ``"all"`` stands for every one this chip knows.

        Raises
        ------
        UnknownNameError
            If a name is unknown to all chips (a name of another chip is accepted and unused).
        """
        chosen = check_names(names, where=f"Chip '{self.name}'")
        return frozenset(self.approximations) if "all" in chosen else chosen

    def refuse(self, what: str, where: str, *, option: str | None, nearest: str) -> UnsupportedError:
        """Error for something this chip does not have, naming option and nearest alternative."""
        remedy = nearest if option is None else f"{nearest} Or opt in with approximate=['{option}']: {self.approximations[option]}"
        return UnsupportedError(f"{self.title} has no {what}.", where=where, used=what, option=option, remedy=remedy)
