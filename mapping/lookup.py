"""Turn what a user points at (a PyNN cell, view or population, or a label) into populations and indices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import NetworkError, ParameterError, UnknownNameError
from neurosim.network import Network

Indices = NDArray[np.int64]
_WHERE = "Mapping"
_REMEDY = "Give a cell, a population, a view, a label, or (population, index)."


class Resident(NamedTuple):
    """Neurons of one population on one core, in the order of their local numbers."""

    population: str
    population_id: int
    core: int
    indices: Indices

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Runs of neighbours as ``(first, last)``, both included."""
        sorted_indices = np.sort(self.indices)
        cuts = np.flatnonzero(np.diff(sorted_indices) != 1) + 1
        return tuple((int(run[0]), int(run[-1])) for run in np.split(sorted_indices, cuts) if len(run))

    def __str__(self) -> str:
        parts = [str(first) if first == last else f"{first}-{last}" for first, last in self.ranges]
        return f"{self.population}[{', '.join(parts)}]"

    def __repr__(self) -> str:
        return f"<{self} on core {self.core}>"


def resolve(network: Network, item: Any) -> list[tuple[int, Indices]]:
    """``(population id, indices)`` pairs that an item stands for.

    Raises
    ------
    UnknownNameError
        If a label is not known.
    ParameterError
        If the item is none of the things that can be looked up, an index lies outside its
        population, or a label belongs to several populations.
    NetworkError
        If an object belongs to another set-up, whose populations have other names or sizes.
    """
    if isinstance(item, tuple) and len(item) == 2:
        population = _population_id(network, item[0])
        return [(population, _indices(network, population, item[1]))]
    if isinstance(item, str):
        population = _population_id(network, item)
        return [(population, np.arange(network.populations[population].size))]
    return _resolve_object(network, item)


def _resolve_object(network: Network, item: Any) -> list[tuple[int, Indices]]:
    if hasattr(item, "populations") and not hasattr(item, "network_id"):
        return [pair for part in item.populations for pair in resolve(network, part)]
    if hasattr(item, "all_cells"):
        owner = getattr(item, "grandparent", None) or item
        population = _population_id(network, owner)
        if owner is item:
            return [(population, np.arange(network.populations[population].size))]
        return [(population, _indices(network, population, owner.id_to_index(item.all_cells)))]
    if getattr(item, "network_id", None) is not None:
        population = _population_id(network, item)
        return [(population, np.arange(network.populations[population].size))]
    if getattr(item, "parent", None) is not None:
        population = _population_id(network, item.parent)
        return [(population, _indices(network, population, item.parent.id_to_index(item)))]
    raise ParameterError(f"{item!r} cannot be looked up.", where=_WHERE, used=item, remedy=_REMEDY)


def _population_id(network: Network, key: Any) -> int:
    populations = network.populations
    if isinstance(key, str):
        found = [p.id for p in populations if p.label == key]
        if len(found) == 1:
            return found[0]
        if found:
            raise ParameterError(f"{len(found)} populations are called '{key}'.", where=_WHERE, used=key, remedy=f"Use an id: {found}.")
        raise UnknownNameError.among("population", key, (p.label for p in populations), where=_WHERE)
    if getattr(key, "network_id", None) is not None:
        _check_owner(network, key)
        key = key.network_id
    if isinstance(key, int | np.integer) and not isinstance(key, bool) and 0 <= key < len(populations):
        return int(key)
    raise UnknownNameError.among("population", key, map(str, range(len(populations))), where=_WHERE)


def _check_owner(network: Network, item: Any) -> None:
    """Refuse an object whose number is that of a population with another name or size."""
    owner = getattr(item, "grandparent", None) or item
    label, size = getattr(owner, "label", None), getattr(owner, "size", None)
    if not 0 <= owner.network_id < len(network.populations):
        here = f"has {len(network.populations)} populations"
    else:
        there = network.populations[owner.network_id]
        if label in (None, there.label) and size in (None, there.size):
            return
        here = f"has '{there.label}' with {there.size:,} neurons in its place"
    raise NetworkError(
        f"it is not in this mapping, which {here}.",
        where=f"Population '{label}'",
        used=label,
        remedy="Look up cells of the set-up the mapping was made for, or give (label, index).",
    )


def _indices(network: Network, population: int, index: Any) -> Indices:
    size, label = network.populations[population].size, network.populations[population].label
    if isinstance(index, slice):
        return np.arange(size)[index]
    indices = np.atleast_1d(np.asarray(index))
    if indices.size and indices.dtype.kind not in "iu":
        raise ParameterError(f"{index!r} is not an index.", where=f"Population '{label}'", used=index, remedy="Give integers or a slice.")
    indices = indices.astype(np.int64)
    indices = np.where(indices < 0, indices + size, indices)
    wrong = (indices < 0) | (indices >= size)
    if wrong.any():
        raise ParameterError(
            f"there is no neuron {np.atleast_1d(index)[wrong][0]}; the population has {size:,}.",
            where=f"Population '{label}'",
            used=int(np.atleast_1d(index)[wrong][0]),
            limit=size - 1,
            remedy="Use an index within the population.",
        )
    return indices


def residents(network: Network, members: tuple[Indices, Indices], core: int) -> list[Resident]:
    """Who is on a core: ``members`` are population ids and indices in the order of the local numbers."""
    population, neuron = members
    return [Resident(network.populations[p].label, int(p), core, neuron[population == p]) for p in np.unique(population)]
