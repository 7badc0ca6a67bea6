"""What a chip and those who ask it hand to each other: limits, cores, places, pins, translations, costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import UnknownNameError
from neurosim.losses import Loss
from neurosim.network import Network

if TYPE_CHECKING:
    from neurosim.chips.operations import Operations

Int32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limited resource of a core, of a chip or of the whole machine.

    Attributes
    ----------
    resource
        Name in the chip's own words, for example ``"compartments"``.
    scope
        ``"core"``, ``"chip"`` or ``"router"``.
    capacity
        Largest allowed use, in ``unit``.
    hard
        False if exceeding it loses synapses instead of making placement impossible.
    source
        Where the number comes from.
    counts
        What is counted on a core. ``"neurons"``: the sum of :meth:`Chip.slice_usage`. ``"sources"``: different
        cells with a synapse onto the core, wherever they are, each by :meth:`Chip.source_cost`.
        ``"targets"``: pairs of a cell of the core and a core that it has a synapse onto, its own included.
        ``"settings"``: different settings of its neurons, see :meth:`Chip.settings`. ``"synapses"``: what the synapses
        onto its cells take, which depends on which they are; see :meth:`Chip.listed`.
    abroad
        For ``"targets"``: how much more a pair counts where the two cores are on different chips.

    For what is counted as sources, targets or synapses, :meth:`Chip.slice_usage` gives what a slice takes by itself:
    no less than it takes beside others (sources), an estimate (targets), or what it hardly ever exceeds (synapses).
    """

    resource: str
    scope: str
    capacity: int
    unit: str
    source: str
    hard: bool = True
    counts: Literal["neurons", "sources", "targets", "settings", "synapses"] = "neurons"
    abroad: int = 0

    def amount(self, n: int) -> str:
        """A use or capacity in words: ``"3 neurons"``, ``"16,384 words of synaptic memory"``."""
        plain = self.unit == "1" or self.unit in self.resource
        return f"{n:,} {self.resource}" if plain else f"{n:,} {self.unit} of {self.resource}"


class CoreTable(NamedTuple):
    """All usable cores in the chip's own fill order; int32 arrays of one length.

    ``chip`` numbers the routers, which are chips unless a chip has several (see
    :meth:`Chip.chip_numbers`), ``x`` and ``y`` are the router's coordinates, ``core`` the core's
    number at its router.
    """

    chip: Int32
    x: Int32
    y: Int32
    core: Int32


@dataclass(frozen=True, slots=True)
class Translation:
    """A network in the chip's terms and what was lost on the way."""

    network: Network
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Location:
    """Where one neuron is: chip, core and the chip's own parts.

    ``chip`` is the number of the chip, ``router`` that of the router, which is the same unless a
    chip has several; ``label`` is the chip's way to write the place; ``local`` the index within
    the core; ``denmems`` lists the neuron circuits used (HICANN only, else empty). All numbers are
    -1 for a cell on the host.
    """

    population: str
    neuron: int
    chip: int
    x: int
    y: int
    core: int
    local: int
    label: str
    denmems: tuple[object, ...] = ()
    router: int = -1


def check_names(names: Iterable[str], *, where: str) -> frozenset[str]:
    """Names of approximations as a set.

    Raises
    ------
    UnknownNameError
        If no chip has an approximation of that name.
    """
    from neurosim.chips.translate import OPTIONS

    chosen = frozenset([names] if isinstance(names, str) else names)
    for name in sorted(map(str, chosen)):
        if name not in OPTIONS and name != "all":
            raise UnknownNameError.among("approximation", name, [*OPTIONS, "all"], where=where)
    return chosen


class Placed(Protocol):
    """What :meth:`Chip.realise` may ask of a mapping."""

    @property
    def core_of(self) -> Sequence[Int32]:
        """Per population: core index in the :class:`CoreTable` of each neuron; -1 if off chip."""
        ...

    @property
    def local_of(self) -> Sequence[Int32]:
        """Per population: index of each neuron within its core."""
        ...


class SynapseCount(Protocol):
    """What :meth:`Chip.listed` gives: counts synapses that are known one by one."""

    def use(self, core_of: Sequence[Int32], local_of: Sequence[Int32], n_cores: int) -> dict[str, NDArray[np.int64]]:
        """Use of every limit that counts synapses, by its name, int64 (n_cores,).

        ``core_of`` and ``local_of`` have, per population, the core of each cell (-1 off the machine) and its number there.
        """
        ...


class Pinned(Protocol):
    """What :meth:`Chip.configure` may ask of one manual placement; see ``neurosim.mapping.Pin``."""

    @property
    def population(self) -> int:
        """Population id."""
        ...

    @property
    def indices(self) -> NDArray[np.int64] | None:
        """Neurons concerned; ``None`` for all."""
        ...

    @property
    def coordinate(self) -> object:
        """Where they must be; ``None`` for anywhere."""
        ...

    @property
    def neuron_size(self) -> int | None:
        """Circuits per neuron; ``None`` for the chip's default."""
        ...


class Cost(Protocol):
    """What :meth:`Chip.cost` gives at least; chips add what they know."""

    @property
    def time_s(self) -> float | None:
        """Duration of the run on the chip, s; ``None`` if nobody knows."""
        ...

    @property
    def energy_uj(self) -> float | None:
        """Energy of the run, uJ; ``None`` if nobody knows."""
        ...

    @property
    def operations(self) -> Operations:
        """Memory and operations as papers count them."""
        ...

    def summary(self) -> str:
        """One screen of text."""
        ...

    def to_json(self, path: str | Path | None = None) -> str:
        """JSON text, also written to ``path`` if given."""
        ...
