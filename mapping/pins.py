"""Manual placement: which neurons must sit at which coordinate of the chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip, CoreTable
from neurosim.errors import ParameterError, PlacementError, UnknownNameError
from neurosim.network import Network, Population

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """A plain coordinate; ``None`` leaves a part open. ``chip`` is a number of the core table.

    Any object with ``x`` and ``y`` and perhaps ``chip`` (or ``router``) and ``core`` will do in its place.
    """

    x: int
    y: int
    core: int | None = None
    chip: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pin:
    """Neurons that must be put at a coordinate.

    Attributes
    ----------
    population
        Population id.
    indices
        Neurons of the population, int64; ``None`` for all.
    coordinate
        Object with ``x`` and ``y`` (and perhaps ``core``, ``chip``), ``(x, y)``, ``(x, y, core)``,
        or a core number. If it covers several cores they are filled in the chip's order. ``None``
        leaves the place open and only sets ``neuron_size``.
    neuron_size
        Circuits joined to one neuron, on chips that have such a setting.
    chip
        Name of the chip the pin is meant for; sessions on others leave it out. ``None`` is any.
    """

    population: int
    indices: Indices | None
    coordinate: object
    neuron_size: int | None = None
    chip: str | None = None


def cores_at(table: CoreTable, coordinate: object) -> Indices:
    """Cores of the chip that a coordinate covers, in fill order; empty if there is none.

    Raises
    ------
    ParameterError
        If ``coordinate`` is not a coordinate.
    """
    if _is_integer(coordinate):
        core = int(coordinate)  # type: ignore[call-overload]
        return np.arange(core, core + 1) if 0 <= core < len(table.core) else np.empty(0, np.int64)
    place = as_place(coordinate)
    found = (table.x == place.x) & (table.y == place.y)
    if place.core is not None:
        found &= table.core == place.core
    if place.chip is not None:
        found &= table.chip == place.chip
    return np.flatnonzero(found)


def as_place(coordinate: object) -> Place:
    """Coordinate as a plain :class:`Place`."""
    if isinstance(coordinate, tuple | list) and len(coordinate) in (2, 3) and all(map(_is_integer, coordinate)):
        return Place(*(int(part) for part in coordinate))
    parts = [getattr(coordinate, name, None) for name in ("x", "y", "core", "router" if hasattr(coordinate, "router") else "chip")]
    if all(map(_is_integer, parts[:2])):
        return Place(*(int(part) if _is_integer(part) else None for part in parts))  # type: ignore[arg-type]
    raise ParameterError(
        f"{coordinate!r} is not a coordinate.",
        where="Placement",
        used=coordinate,
        remedy="Give (x, y), (x, y, core), a core number, or an object with x and y.",
    )


def describe(coordinate: object) -> str:
    """Coordinate as text for messages."""
    if _is_integer(coordinate):
        return f"core {coordinate}"
    place = as_place(coordinate)
    core = "" if place.core is None else f" core {place.core}"
    return f"({place.x}, {place.y}){core}"


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_pins(network: Network, pins: Sequence[Pin]) -> None:
    """Refuse pins whose neurons do not exist or are pinned twice.

    Raises
    ------
    UnknownNameError
        If there is no such population.
    ParameterError
        If an index lies outside the population or occurs twice in one pin.
    PlacementError
        If two pins want the same neuron.
    """
    taken: dict[int, NDArray[np.bool_]] = {}
    for pin in pins:
        population = _population(network, pin)
        neurons = neurons_of(network, pin)
        _check_indices(population, neurons)
        if pin.coordinate is None:
            continue
        mask = taken.setdefault(pin.population, np.zeros(population.size, bool))
        if mask[neurons].any():
            neuron = int(neurons[mask[neurons]][0])
            raise PlacementError(
                f"Population '{population.label}': neuron {neuron} is pinned twice.",
                population=population.label,
                used=neuron,
                remedy="Pin each neuron to one coordinate only.",
            )
        mask[neurons] = True


def neurons_of(network: Network, pin: Pin) -> Indices:
    """Neurons a pin concerns, in its order."""
    return np.arange(network.populations[pin.population].size) if pin.indices is None else np.asarray(pin.indices, np.int64)


def _population(network: Network, pin: Pin) -> Population:
    if not 0 <= pin.population < len(network.populations):
        raise UnknownNameError.among("population", pin.population, map(str, range(len(network.populations))), where="Pin")
    return network.populations[pin.population]


def _check_indices(population: Population, neurons: Indices) -> None:
    wrong = neurons[(neurons < 0) | (neurons >= population.size)]
    if len(wrong):
        raise ParameterError(
            f"neuron {wrong[0]} is pinned, but the population has {population.size:,} neurons.",
            where=f"Population '{population.label}'",
            used=int(wrong[0]),
            limit=population.size - 1,
            remedy="Pin neurons that exist.",
        )
    if len(np.unique(neurons)) < len(neurons):
        raise ParameterError(
            "a pin names the same neuron twice.", where=f"Population '{population.label}'", remedy="Name each neuron once."
        )


def pinned_cores(network: Network, chip: Chip, pin: Pin) -> Indices:
    """Cores a pin allows.

    Raises
    ------
    PlacementError
        If the coordinate does not exist on the chip, or the cells of the population are not
        placed at all because they are sources fed in by the host.
    """
    population = network.populations[pin.population]
    if population.is_source and not chip.places_sources:
        raise PlacementError(
            f"Population '{population.label}' cannot be pinned: {chip.title} takes spike sources from the host, they use no core.",
            population=population.label,
            remedy="Remove the pin.",
        )
    table = chip.cores()
    found = cores_at(table, pin.coordinate)
    if len(found):
        return found
    text = f"Population '{population.label}' is pinned to {describe(pin.coordinate)}, which {machine(chip)} does not have."
    raise PlacementError(text, population=population.label, used=pin.coordinate, limit=extent(table), remedy=f"There are {extent(table)}.")


def machine(chip: Chip) -> str:
    """The machine in words, for example ``"Loihi 1 (2 boards)"``."""
    plural = "" if chip.n_boards == 1 else "s"
    return f"{chip.title} ({chip.n_boards} {chip.board_noun}{plural})"


def extent(table: CoreTable) -> str:
    """Ranges of the coordinates of the usable cores, as text."""
    if not len(table.core):
        return "no usable cores"
    parts = [f"{name} {int(column.min())} to {int(column.max())}" for name, column in zip("xy", (table.x, table.y), strict=True)]
    return f"usable cores at {', '.join(parts)}, core {int(table.core.min())} to {int(table.core.max())}"
