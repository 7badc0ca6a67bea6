"""Why neurons are where they are: pins, the limit that closed the core before, partners in traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.mapping.lookup import Resident, resolve
from neurosim.mapping.pins import describe, neurons_of
from neurosim.mapping.usage import Binding

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping

Int64 = NDArray[np.int64]
_MAX_PARTNERS = 5
_MAX_SHOWN = 6
_MAX_NAMES = 3


class Partner(NamedTuple):
    """A core that exchanges packets with another: both ways together, if every neuron fires once."""

    core: int
    place: str
    packets: float
    links: int
    residents: str


@dataclass(frozen=True, slots=True, eq=False)
class Reason:
    """Why some neurons of one population are on their core.

    Attributes
    ----------
    neurons
        Which ones.
    core, place
        The core (-1: on the host) and the chip's name of it.
    placed_by
        ``"pin"``, ``"order"`` (next in the chip's order of cores) or ``"host"``.
    text
        The same as a sentence.
    before
        Core before it in the chip's order that holds neurons, -1 if there is none.
    closed_by
        Why the first of the neurons is not on that core: a resource that would be exceeded,
        ``"pin"``, ``"population"`` (the chip keeps populations apart), ``"room"`` (it would
        fit there), ``""`` if there is no such core or it cannot be known.
    closed_text
        The same as a sentence.
    fullest
        Fullest resource of its own core.
    companions
        Others on the core.
    partners
        The five cores that it exchanges most packets with; ``None`` if that is not known.
    """

    neurons: Resident
    core: int
    place: str
    placed_by: str
    text: str
    before: int = -1
    closed_by: str = ""
    closed_text: str = ""
    fullest: Binding | None = None
    companions: tuple[Resident, ...] = ()
    partners: tuple[Partner, ...] | None = None

    def __str__(self) -> str:
        n = len(self.neurons.indices)
        lines = [f"{self.neurons}: {n:,} cell{'s' if n != 1 else ''} on {self.place}", f"  placed by     {self.text}"]
        if self.closed_text:
            lines.append(f"  core before   {self.closed_text}")
        if self.fullest is not None:
            use = self.fullest
            lines.append(f"  fullest here  {use.resource} {100 * use.fraction:.3g} % ({use.used:,} of {use.capacity:,})")
        if self.core >= 0:
            lines.append(f"  with          {', '.join(map(str, self.companions)) or 'no others'}")
        return "\n".join([*lines, *self._partners()])

    def _partners(self) -> list[str]:
        if self.partners is None:
            return ["  partners      not known (the mapping has no packets per pair of cores)"]
        if not self.partners:
            return ["  partners      no packets to or from other cores"] if self.core >= 0 else []
        rows = [f"{p.packets:,.6g} packets, {p.links} link{'s' if p.links != 1 else ''}: {p.place} ({p.residents})" for p in self.partners]
        return [f"  {'partners' if not i else '':<12}  {row}" for i, row in enumerate(rows)]


@dataclass(frozen=True, slots=True, eq=False)
class Reasons:
    """Answers for all cores that the neurons asked for are on."""

    reasons: tuple[Reason, ...]

    def __len__(self) -> int:
        return len(self.reasons)

    def __getitem__(self, number: int) -> Reason:
        return self.reasons[number]

    def __str__(self) -> str:
        shown = [str(reason) for reason in self.reasons[:_MAX_SHOWN]]
        more = len(self.reasons) - _MAX_SHOWN
        return "\n".join([*shown, f"... and {more:,} more cores"] if more > 0 else shown) or "no neurons"


def why(mapping: Mapping, item: Any) -> Reasons:
    """Why neurons are where they are, one answer per population and core.

    Parameters
    ----------
    item
        A PyNN cell, population, view or assembly; a label; or ``(population, index)``.

    Returns
    -------
    Reasons
        Printable; the same as fields in its elements.

    Raises
    ------
    UnknownNameError, ParameterError, NetworkError
        If there are no such neurons; see :meth:`Mapping.where`.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> print(why(map_network(network, chips.load("loihi")), ("exc", 17))[0].text)
    the chip's order of cores (not pinned; seed 0)
    """
    found = []
    for population, indices in resolve(mapping.network, item):
        cores = mapping.core_of[population][indices]
        label = mapping.network.populations[population].label
        for core in np.unique(cores).tolist():
            here = Resident(label, population, core, np.asarray(indices[cores == core], np.int64))
            found.append(_on_host(here) if core < 0 else _on_core(mapping, here))
    return Reasons(tuple(found))


def _on_host(neurons: Resident) -> Reason:
    text = "the chip: it takes spike sources from the host, they use no core"
    return Reason(neurons, -1, "the host", "host", text, partners=())


def _on_core(mapping: Mapping, neurons: Resident) -> Reason:
    core = neurons.core
    pin = _pin_text(mapping, neurons)
    searched = not pin and mapping.options.searches and mapping.traffic.packets > 0
    order = f"the chip's order of cores (not pinned; seed {mapping.seed})"
    text = pin or (f"a search for short ways (not pinned; effort '{mapping.options.effort}', seed {mapping.seed})" if searched else order)
    before = int(mapping.cores_used[np.searchsorted(mapping.cores_used, core) - 1]) if core > mapping.cores_used[0] else -1
    closed_by, closed_text = ("", "") if pin or searched else _closed(mapping, neurons, before)
    return Reason(
        neurons=neurons,
        core=core,
        place=mapping.chip.core_label(core),
        placed_by="pin" if pin else "search" if searched else "order",
        text=text,
        before=before,
        closed_by=closed_by,
        closed_text=closed_text,
        fullest=_fullest(mapping, core),
        companions=_companions(mapping, neurons),
        partners=_partners(mapping, core),
    )


def _pin_text(mapping: Mapping, neurons: Resident) -> str:
    """The pin that some of the neurons obey, as a sentence; empty if there is none."""
    for pin in mapping.pins:
        if pin.population == neurons.population_id and pin.coordinate is not None:
            n_pinned = int(np.isin(neurons.indices, neurons_of(mapping.network, pin)).sum())
            if n_pinned:
                return f"hand: {n_pinned:,} of {len(neurons.indices):,} pinned to {describe(pin.coordinate)}"
    return ""


def _companions(mapping: Mapping, neurons: Resident) -> tuple[Resident, ...]:
    return tuple(found for found in mapping.on(neurons.core) if found.population_id != neurons.population_id)


def _fullest(mapping: Mapping, core: int) -> Binding | None:
    usage = mapping.utilisation("core")
    row = int(np.searchsorted(usage.places, core))
    if row >= len(usage.places) or usage.places[row] != core or not len(usage.resources):
        return None
    column = int(np.argmax(usage.fraction[row]))
    return Binding(usage.resources[column], usage.labels[row], int(usage.used[row, column]), int(usage.capacity[column]))


# --- the core before -------------------------------------------------------------------------
def _closed(mapping: Mapping, neurons: Resident, before: int) -> tuple[str, str]:
    """Why one more neuron would not go to the core before, as a word and as a sentence."""
    if before < 0:
        return "", "none: it is the first core that is used"
    place = mapping.chip.core_label(before)
    there = mapping.on(before)
    if any(_pin_text(mapping, resident) for resident in there):
        return "pin", f"{place} is kept for pinned neurons"
    if not mapping.chip.mixes_populations and any(resident.population_id != neurons.population_id for resident in there):
        return "population", f"{place} holds {_names(there)}; the chip keeps populations apart"
    if not mapping.complete:
        return "", f"{place}; the network is needed to say what would break there"
    n_there = sum(len(resident.indices) for resident in there if resident.population_id == neurons.population_id)
    broken = _broken(mapping, neurons.population_id, n_there, before)
    if broken is not None:
        return broken.resource, f"{place} has no room: one more would take {broken.used:,} of {broken.capacity:,} {broken.resource}"
    return "room", f"{place} has room for one more: another stage or a limit of the whole chip decided"


def _broken(mapping: Mapping, population: int, n_there: int, core: int) -> Binding | None:
    """Limit most exceeded if a core took one more neuron of a population; ``None`` if there is none."""
    now = mapping.chip.slice_usage(mapping.network, population, n_there) if n_there else {}
    more = mapping.chip.slice_usage(mapping.network, population, n_there + 1)
    router = int(mapping.chip.cores().chip[core])
    found = []
    for scope, place in (("core", core), ("chip", router)):
        usage = mapping.utilisation(scope)
        row = int(np.searchsorted(usage.places, place))
        for column, name in enumerate(usage.resources):
            used = int(usage.used[row, column]) + more.get(name, 0) - now.get(name, 0)
            found.append(Binding(name, usage.labels[row], used, int(usage.capacity[column])))
    return max((b for b in found if b.used > b.capacity), key=lambda b: b.fraction, default=None)


# --- traffic ---------------------------------------------------------------------------------
def _partners(mapping: Mapping, core: int) -> tuple[Partner, ...] | None:
    graph = mapping.traffic.graph
    if graph is None:
        return None
    outward, inward = graph.source == core, graph.target == core
    others = np.concatenate([graph.target[outward], graph.source[inward]])
    packets = np.concatenate([graph.packets[outward], graph.packets[inward]])
    cores, inverse = np.unique(others, return_inverse=True)
    sums = np.bincount(inverse, packets, len(cores))
    router = np.asarray(mapping.chip.cores().chip, np.int32)
    links = mapping.chip.hops(np.full(len(cores), router[core], np.int32), router[cores])
    # of equal packets the nearest first: those are the ones that hold a core in place
    best = np.lexsort([cores, links, -sums])[:_MAX_PARTNERS]
    return tuple(
        Partner(int(cores[i]), mapping.chip.core_label(int(cores[i])), float(sums[i]), int(links[i]), _names(mapping.on(int(cores[i]))))
        for i in best
    )


def _names(there: list[Resident]) -> str:
    names = [resident.population for resident in there]
    return ", ".join(names[:_MAX_NAMES]) + (f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else "")
