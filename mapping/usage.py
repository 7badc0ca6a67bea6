"""How much of every limited resource each core and each chip uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip, Limit
from neurosim.mapping.options import Options
from neurosim.mapping.reach import listed_of, table_of
from neurosim.mapping.sharing import joint_use, settings_used
from neurosim.network import Network

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]


class Binding(NamedTuple):
    """The fullest resource: the limit that is met first if the network grows."""

    resource: str
    place: str
    used: int
    capacity: int

    @property
    def fraction(self) -> float:
        """Used share; above 1 for a soft limit that is broken."""
        return self.used / self.capacity if self.capacity else float("inf")

    def __str__(self) -> str:
        return f"{self.resource} {100 * self.fraction:.3g} % ({self.used:,} of {self.capacity:,} on {self.place})"


@dataclass(frozen=True, slots=True, eq=False)
class Utilisation:
    """Use of limited resources, one row per core (or chip) that holds neurons.

    Attributes
    ----------
    scope
        ``"core"`` or ``"chip"``.
    places
        Core indices of the chip's core table (or chip numbers), int64 (n,).
    labels
        The chip's name of each place.
    resources, units, hard
        Per resource: name, unit, and whether it may never be exceeded.
    used
        int64 (n, n_resources).
    capacity
        int64 (n_resources,).
    """

    scope: str
    places: Int64
    labels: tuple[str, ...]
    resources: tuple[str, ...]
    units: tuple[str, ...]
    hard: tuple[bool, ...]
    used: Int64
    capacity: Int64

    @property
    def fraction(self) -> NDArray[np.float64]:
        """Used share, (n, n_resources)."""
        return self.used / np.maximum(self.capacity, 1)

    @property
    def binding(self) -> Binding | None:
        """The fullest resource of all; ``None`` if nothing is used."""
        if not self.used.size:
            return None
        row, column = np.unravel_index(int(np.argmax(self.fraction)), self.used.shape)
        return Binding(self.resources[column], self.labels[row], int(self.used[row, column]), int(self.capacity[column]))

    def rows(self) -> list[dict[str, object]]:
        """One dictionary per place and resource, ready for JSON or a table."""
        fraction = self.fraction
        return [
            {
                "place": label,
                self.scope: int(place),
                "resource": name,
                "used": int(self.used[row, column]),
                "capacity": int(self.capacity[column]),
                "fraction": float(fraction[row, column]),
                "unit": self.units[column],
                "hard": self.hard[column],
            }
            for row, (place, label) in enumerate(zip(self.places, self.labels, strict=True))
            for column, name in enumerate(self.resources)
        ]

    def text(self, *, sort: str = "fullest", top: int | None = 20, at_least: float = 0.0) -> str:
        """Table of use and capacity with bars; the binding limit is marked by an asterisk.

        Parameters
        ----------
        sort
            ``"fullest"`` (fullest places first), ``"place"`` (in the chip's order) or a resource
            (most of it first). Bars show the resource, else the fullest one.
        top
            Rows printed at most; ``None`` prints all.
        at_least
            Leaves out places whose used share of what bars show is below this, 0 to 1.

        Raises
        ------
        UnknownNameError
            If there is nothing of that name to sort by.
        """
        from neurosim.mapping.summary import utilisation_text

        return utilisation_text(self, sort=sort, top=top, at_least=at_least)

    def __len__(self) -> int:
        return len(self.places)

    def __str__(self) -> str:
        return self.text()


def core_usage(
    network: Network, chip: Chip, core_of: Sequence[Int32], options: Options | None = None, local_of: Sequence[Int32] | None = None
) -> Utilisation:
    """Use of the core-scoped resources by every used core.

    What neurons of a core share counts once. ``options`` say how placement looked at synapses: sources and
    targets are counted from them where it did, else expected from the rules, with a margin. What synapses take is counted
    from them if there are not too many, with ``local_of``, the number of each cell on its core. What a core has only one
    setting of is left out: it would always be full.
    """
    listed = (limit for limit in chip.limits() if limit.scope == "core")
    limits = tuple(limit for limit in listed if limit.counts != "settings" or limit.capacity > 1)
    cores, used = _used(network, chip, core_of, limits)
    if len(cores):
        _count_shared(network, chip, core_of, cores, limits, options or Options(), local_of, used)
    return _table("core", cores, tuple(chip.core_label(int(core)) for core in cores), limits, used)


def _count_shared(
    network: Network,
    chip: Chip,
    core_of: Sequence[Int32],
    cores: Int64,
    limits: tuple[Limit, ...],
    options: Options,
    local_of: Sequence[Int32] | None,
    out_used: Int64,
) -> None:
    """Replace what does not just add in ``out_used`` (n_cores, n_limits)."""
    if all(limit.counts == "neurons" for limit in limits):
        return
    rank = np.full(len(chip.cores().core) + 1, -1, np.int32)
    rank[cores] = np.arange(len(cores), dtype=np.int32)
    placed = [rank[column] for column in core_of]
    settings = chip.settings(network)
    home, synapses = chip.chip_numbers(cores).astype(np.int64), listed_of(network, chip, options)
    fanout = table_of(network, options)
    joint = joint_use(network, chip, placed, len(cores), fanout, home, synapses=synapses, local_of=local_of)
    for k, limit in enumerate(limits):
        if limit.counts == "settings":
            out_used[:, k] = settings_used(settings[limit.resource], placed, len(cores))
        elif limit.resource in joint:
            out_used[:, k] = joint[limit.resource]


def chip_usage(network: Network, chip: Chip, core_of: Sequence[Int32]) -> Utilisation:
    """Use of the chip-scoped resources that :meth:`Chip.slice_usage` counts, by every used router."""
    limits = tuple(limit for limit in chip.limits() if limit.scope == "chip")
    cores, used = _used(network, chip, core_of, limits)
    counted = [i for i in range(len(limits)) if not len(used) or (used[:, i] >= 0).all()]
    chips, owner = np.unique(np.asarray(chip.cores().chip, np.int64)[cores], return_inverse=True)
    total = np.zeros((len(chips), len(counted)), np.int64)
    np.add.at(total, owner, used[:, counted])
    labels = tuple(_chip_label(chip, int(number)) for number in chips)
    return _table("chip", chips, labels, tuple(limits[i] for i in counted), total)


def _chip_label(chip: Chip, number: int) -> str:
    table = chip.cores()
    core = int(np.argmax(table.chip == number))
    return f"{chip.name} {chip.router_noun} ({table.x[core]}, {table.y[core]})"


def _table(scope: str, places: Int64, labels: tuple[str, ...], limits: tuple[Limit, ...], used: Int64) -> Utilisation:
    return Utilisation(
        scope,
        places,
        labels,
        tuple(limit.resource for limit in limits),
        tuple(limit.unit for limit in limits),
        tuple(limit.hard for limit in limits),
        used,
        np.array([limit.capacity for limit in limits], np.int64),
    )


def _used(network: Network, chip: Chip, core_of: Sequence[Int32], limits: tuple[Limit, ...]) -> tuple[Int64, Int64]:
    """``(cores, used)``; a resource that the chip does not count is -1."""
    cores = np.unique(np.concatenate([np.empty(0, np.int64), *(column[column >= 0] for column in core_of)])).astype(np.int64)
    used = np.zeros((len(cores), len(limits)), np.int64)
    for population, column in enumerate(core_of):
        present, n_neurons = np.unique(column[column >= 0], return_counts=True)
        rows = np.searchsorted(cores, present)
        for n in np.unique(n_neurons):
            use = chip.slice_usage(network, population, int(n))
            used[rows[n_neurons == n]] += np.array([use.get(limit.resource, 0) for limit in limits], np.int64)
    known = _known(network, chip, core_of)
    used[:, [limit.resource not in known for limit in limits]] = -1
    return cores, used


def _known(network: Network, chip: Chip, core_of: Sequence[Int32]) -> set[str]:
    for population, column in enumerate(core_of):
        if (column >= 0).any():
            return set(chip.slice_usage(network, population, 1))
    return set()
