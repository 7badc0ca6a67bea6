"""What cores can hold and what neurons use, as integer vectors with one entry per resource."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip, Limit
from neurosim.errors import PlacementError, UnknownNameError
from neurosim.network import Network

Int64 = NDArray[np.int64]
UNLIMITED = np.iinfo(np.int64).max // 4


@dataclass(slots=True)
class Budget:
    """Limits of one chip for one network, with the uses asked for so far remembered.

    Attributes
    ----------
    core_limits, chip_limits
        The limits that are counted, in the order of the vectors.
    soft
        True if limits that only cost synapses are kept where a single neuron can keep them.
    """

    network: Network
    chip: Chip
    soft: bool = True
    core_limits: tuple[Limit, ...] = ()
    chip_limits: tuple[Limit, ...] = ()
    _used: dict[tuple[int, int], tuple[Int64, Int64]] = field(default_factory=dict)
    _capacities: dict[tuple[int, bool], tuple[Int64, Int64]] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, chip: Chip, *, soft: bool = True) -> Budget:
        """Budget with the limits that the chip can count."""
        limits = chip.limits()
        counted = _counted(network, chip)
        core = tuple(limit for limit in limits if limit.scope == "core")
        per_chip = tuple(limit for limit in limits if limit.scope == "chip" and limit.resource in counted)
        return cls(network, chip, soft, core, per_chip)

    def use(self, population: int, n_neurons: int) -> Int64:
        """Use of each core-scoped resource by some neurons of one population on one core."""
        return self._uses(population, n_neurons)[0]

    def chip_use(self, population: int, n_neurons: int) -> Int64:
        """Use of each chip-scoped resource by them."""
        return self._uses(population, n_neurons)[1]

    def capacity(self, population: int, *, soft: bool = True) -> Int64:
        """Capacity of a core for one population.

        Soft limits are left out if even one neuron breaks them, and all of them without ``soft``.
        """
        return self._capacity(population, soft=soft and self.soft)[0]

    def chip_capacity(self, population: int) -> Int64:
        """Capacity of a chip for one population."""
        return self._capacity(population, soft=self.soft)[1]

    def _uses(self, population: int, n_neurons: int) -> tuple[Int64, Int64]:
        key = (population, n_neurons)
        if key not in self._used:
            self._used[key] = self._ask(population, n_neurons)
        return self._used[key]

    def _ask(self, population: int, n_neurons: int) -> tuple[Int64, Int64]:
        table = self.chip.slice_usage(self.network, population, n_neurons) if n_neurons else {}
        vectors = [_vector(limits, table, n_neurons) for limits in (self.core_limits, self.chip_limits)]
        return vectors[0], vectors[1]

    def _capacity(self, population: int, *, soft: bool) -> tuple[Int64, Int64]:
        key = (population, soft)
        if key not in self._capacities:
            core, per_chip = self._uses(population, 1)
            self._capacities[key] = (_capacities(self.core_limits, core, soft), _capacities(self.chip_limits, per_chip, soft))
        return self._capacities[key]

    def check_single(self, population: int) -> None:
        """Refuse a population of which one neuron is too large for an empty core.

        Raises
        ------
        PlacementError
            Naming the resource, what one neuron needs and what a core or chip has.
        """
        use, per_chip = self._uses(population, 1)
        every = [*zip(self.core_limits, use, strict=True), *zip(self.chip_limits, per_chip, strict=True)]
        for limit, one in every:
            if limit.hard and one > limit.capacity:
                raise _indivisible(self.network.populations[population].label, limit, int(one))


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


def _indivisible(label: str, limit: Limit, one: int) -> PlacementError:
    return PlacementError(
        f"Population '{label}': one neuron alone does not fit on an empty {limit.scope}: "
        f"it needs {one:,} {limit.resource}, the limit is {limit.capacity:,}.",
        population=label,
        resource=limit.resource,
        used=one,
        limit=limit.capacity,
        remedy=f"A neuron cannot be split: let each need fewer {limit.resource}, for example with fewer inputs, or use another chip.",
    )
