"""What cores can hold and what neurons use, as integer vectors with one entry per resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip, Limit, SynapseCount
from neurosim.errors import PlacementError, UnknownNameError
from neurosim.mapping.sharing import Settings
from neurosim.mapping.structures import Floats
from neurosim.network import Network

Int64 = NDArray[np.int64]
UNLIMITED = np.iinfo(np.int64).max // 4


@dataclass(slots=True)
class Budget:
    """Limits of one chip for one network, with the uses asked for so far remembered.

    Attributes
    ----------
    limits
        The limits that are counted, in the order of the vectors: those of a core, then those of a
        chip (which no single core may exceed either).
    n_core_limits
        How many of them are limits of a core.
    soft
        True if limits that only cost synapses are kept where a single neuron can keep them.
    settings
        What neurons of a core may share, of the limits that count settings.
    shares
        Per population float64 (n_limits,): by how much neurons beside others use less (or more) than by themselves.
    each
        Per population float64 (n_limits,): what one neuron adds, where that is known better; elsewhere no number.
    synapses
        Counts what synapses of a core take, where that is to be known exactly.
    """

    network: Network
    chip: Chip
    soft: bool = True
    limits: tuple[Limit, ...] = ()
    n_core_limits: int = 0
    settings: Settings = field(default_factory=lambda: Settings((), ()))
    shares: Mapping[int, Floats] = field(default_factory=dict)
    each: Mapping[int, Floats] = field(default_factory=dict)
    synapses: SynapseCount | None = None
    _added: dict[tuple[int, int], Int64] = field(default_factory=dict)
    _used: dict[tuple[int, int], Int64] = field(default_factory=dict)
    _capacities: dict[tuple[int, bool], Int64] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, chip: Chip, *, soft: bool = True) -> Budget:
        """Budget with the limits that the chip can count."""
        limits, counted = chip.limits(), _counted(network, chip)
        core = [limit for limit in limits if limit.scope == "core"]
        per_chip = [limit for limit in limits if limit.scope == "chip" and limit.resource in counted]
        return cls(network, chip, soft, (*core, *per_chip), len(core), Settings.of(network, chip))

    @property
    def chip_limits(self) -> tuple[Limit, ...]:
        """Limits summed over the cores of a chip."""
        return self.limits[self.n_core_limits :]

    def use(self, population: int, n_neurons: int) -> Int64:
        """Use of each resource by some neurons of one population on one core."""
        key = (population, n_neurons)
        if key not in self._used:
            table = self.chip.slice_usage(self.network, population, n_neurons) if n_neurons else {}
            self._used[key] = _vector(self.limits, table, n_neurons)
        return self._used[key]

    def added(self, population: int, n_neurons: int) -> Int64:
        """What some neurons of one population add to a core: as :meth:`use`, scaled by what they share; 0 of settings."""
        key = (population, n_neurons)
        if key not in self._added:
            vector = self.use(population, n_neurons) * [limit.counts != "settings" for limit in self.limits]
            if population in self.shares:
                vector = np.ceil(vector * self.shares[population] - 1e-9).astype(np.int64)
            if population in self.each:
                known = ~np.isnan(self.each[population])
                vector[known] = np.ceil(n_neurons * self.each[population][known] - 1e-9)
            self._added[key] = vector
        return self._added[key]

    def sharing(self, shares: Mapping[int, Floats], each: Mapping[int, Floats] | None = None) -> Budget:
        """The same budget with other :attr:`shares` and :attr:`each`."""
        return replace(self, shares=shares, each=each or {}, _added={})

    def capacity(self, population: int, *, soft: bool = True) -> Int64:
        """Capacity for one population.

        Soft limits are left out if even one neuron breaks them, and all of them without ``soft``.
        """
        key = (population, soft and self.soft)
        if key not in self._capacities:
            self._capacities[key] = _capacities(self.limits, self.use(population, 1), key[1])
        return self._capacities[key]

    def check_single(self, population: int) -> None:
        """Refuse a population of which one neuron is too large for an empty core.

        Raises
        ------
        PlacementError
            Naming the resource, what one neuron needs and what a core or chip has.
        """
        for limit, alone, added in zip(self.limits, self.use(population, 1), self.added(population, 1), strict=True):
            one = alone if limit.counts in ("neurons", "settings") else added
            if limit.hard and one > limit.capacity:
                raise _indivisible(self.network, self.chip, population, limit, int(one))


def _capacities(limits: tuple[Limit, ...], one: Int64, soft: bool) -> Int64:
    kept = [limit.hard or (soft and need <= limit.capacity) for limit, need in zip(limits, one, strict=True)]
    return np.array([limit.capacity if keep else UNLIMITED for limit, keep in zip(limits, kept, strict=True)], np.int64)


def _counted(network: Network, chip: Chip) -> set[str]:
    for population in network.populations:
        if population.size and (chip.places_sources or not population.is_source):
            return set(chip.slice_usage(network, population.id, 1))
    return set()


def _vector(limits: tuple[Limit, ...], table: dict[str, int], n_neurons: int) -> Int64:
    if n_neurons == 0:
        return np.zeros(len(limits), np.int64)
    for limit in limits:
        if limit.resource not in table:
            raise UnknownNameError.among("resource", limit.resource, table, where="Chip.slice_usage")
    return np.array([table[limit.resource] for limit in limits], np.int64)


def _indivisible(network: Network, chip: Chip, population: int, limit: Limit, one: int) -> PlacementError:
    label, through = network.populations[population].label, _blamed(network, chip, population, limit, one)
    most = f", mostly for projection '{through}'" if through else ""
    return PlacementError(
        f"Population '{label}': one neuron alone does not fit on an empty {limit.scope}: "
        f"it needs {limit.amount(one)}{most}, the limit is {limit.capacity:,}.",
        population=label,
        projection=through,
        core=f"an empty {limit.scope}",
        resource=limit.resource,
        used=one,
        limit=limit.capacity,
        remedy="A neuron cannot be split: let each need less of that, for example with fewer inputs, or use another chip.",
    )


def _blamed(network: Network, chip: Chip, population: int, limit: Limit, one: int) -> str:
    """Label of the projection with the most synapses of those without which a neuron would need less; empty if none is."""
    if chip.slice_usage(replace(network, projections=()), population, 1).get(limit.resource, 0) >= one:
        return ""
    side = "pre" if limit.counts == "targets" else "post"
    through = [p for p in network.projections if any(q == population for q, _ in getattr(p, side).parts)]
    return max(through, key=lambda p: p.rule.expected(network.ends(p))).label if through else ""
