"""Cut populations into slices and put the slices together on cores, under all limits of a core.

The cores here are logical: numbered from 0, as many as needed. :mod:`neurosim.mapping.place` says
which real core each one becomes. First fit: a population first fills the room left on cores in
use, then takes new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import PlacementError
from neurosim.mapping.budget import Budget
from neurosim.mapping.pins import Pin, check_pins, describe, neurons_of, pinned_cores

Int64 = NDArray[np.int64]


class Slices(NamedTuple):
    """Slice table, one row per slice: ``start:stop`` of the population's sequence sits on ``core``."""

    population: Int64
    start: Int64
    stop: Int64
    core: Int64


class Partition(NamedTuple):
    """Neurons on logical cores.

    Attributes
    ----------
    sequences
        Per population the neurons in the order in which they were put on cores; empty if they are
        not placed.
    slices
        Which part of a sequence sits on which logical core, in the order of filling.
    n_cores
        Number of logical cores.
    real_core
        Per logical core the real core a pin asks for, or -1.
    """

    sequences: tuple[Int64, ...]
    slices: Slices
    n_cores: int
    real_core: Int64


@dataclass(slots=True)
class _Filling:
    """Cores filled so far; the working state of one partition."""

    budget: Budget
    used: Int64
    counts: list[dict[int, int]] = field(default_factory=list)
    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    real: dict[int, int] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)
    held: list[list[set[int]]] = field(default_factory=list)
    sequences: dict[int, Int64] = field(default_factory=dict)

    def open_core(self) -> int:
        if len(self.counts) == len(self.used):
            self.used = np.concatenate([self.used, np.zeros_like(self.used), np.zeros((16, self.used.shape[1]), np.int64)])
        self.counts.append({})
        self.held.append(self.budget.settings.none())
        return len(self.counts) - 1

    def may_join(self, core: int, population: int) -> bool:
        return self.budget.chip.mixes_populations or set(self.counts[core]) <= {population}

    def room(self, core: int, population: int, at_most: int, *, soft: bool = True) -> int:
        """Largest number of further neurons that the limits of the core allow."""
        have = self.counts[core].get(population, 0)
        free = self.budget.capacity(population, soft=soft) - self.used[core] + self.budget.added(population, have)
        if self.budget.settings.limits:
            at_most = self.budget.settings.room(self.held[core], population, self.next(population, at_most))
        return _largest(lambda n: bool((self.budget.added(population, have + n) <= free).all()), at_most)

    def next(self, population: int, n_neurons: int) -> Int64:
        """The neurons of a population that are put down next."""
        start = self.done.get(population, 0)
        return self.sequences[population][start : start + n_neurons]

    def put(self, core: int, population: int, n_neurons: int) -> None:
        self.budget.settings.add(self.held[core], population, self.next(population, n_neurons))
        have = self.counts[core].get(population, 0)
        self.used[core] += self.budget.added(population, have + n_neurons) - self.budget.added(population, have)
        self.counts[core][population] = have + n_neurons
        start = self.done.get(population, 0)
        self.done[population] = start + n_neurons
        self.rows.append((population, start, start + n_neurons, core))

    def fill(self, core: int, population: int, left: int, *, soft: bool = True) -> int:
        """Put as many as fit; gives how many are left."""
        n_neurons = self.room(core, population, left, soft=soft) if left and self.may_join(core, population) else 0
        if n_neurons:
            self.put(core, population, n_neurons)
        return left - n_neurons

    def candidates(self, population: int, *, share_pinned: bool) -> Int64:
        """Cores in use with room for at least one more neuron, in order."""
        if not self.budget.chip.mixes_populations:
            own = [core for core in self.real if share_pinned and set(self.counts[core]) == {population}]
            return np.array(own, np.int64)
        used = self.used[: len(self.counts)] + self.budget.added(population, 1)
        fits = np.all(used <= self.budget.capacity(population), axis=1)
        if not share_pinned:
            fits[list(self.real)] = False
        return np.flatnonzero(fits)


def partition(
    budget: Budget, pins: Sequence[Pin] = (), *, share_pinned: bool = False, usable: NDArray[np.bool_] | None = None
) -> Partition:
    """Neurons on logical cores under the limits of a core, pins first.

    Parameters
    ----------
    budget
        Network, chip and their limits.
    pins
        Manual placements.
    share_pinned
        May other neurons fill the room that pinned ones leave on their cores?
    usable
        bool (n_real_cores,): cores that are not to be avoided; all of them by default. A pin to several
        cores takes the usable ones.

    Raises
    ------
    PlacementError
        If one neuron is too large for an empty core, or pinned neurons do not fit where they must.
    """
    network, chip = budget.network, budget.chip
    check_pins(network, pins)
    placed = [p.id for p in network.populations if p.size and (chip.places_sources or not p.is_source)]
    for population in placed:
        budget.check_single(population)
    pinned = [pin for pin in pins if pin.coordinate is not None]
    ordered = {population: _sequence(budget, population, pinned) for population in placed}
    state = _Filling(budget, np.zeros((16, len(budget.limits)), np.int64), sequences=ordered)
    _put_pins(state, pinned, usable)
    for population in placed:
        _put_rest(state, population, share_pinned=share_pinned)
    real = np.full(len(state.counts), -1, np.int64)
    real[list(state.real)] = list(state.real.values())
    sequences = tuple(ordered.get(p.id, np.empty(0, np.int64)) for p in network.populations)
    return Partition(sequences, _table(state.rows), len(state.counts), real)


def _largest(fits, at_most: int) -> int:
    """Largest n <= at_most with ``fits(n)``, which must be monotonic; 0 if there is none."""
    low, step = 0, 1
    while low < at_most and fits(min(low + step, at_most)):
        low = min(low + step, at_most)
        step *= 2
    high = min(low + step, at_most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _put_rest(state: _Filling, population: int, *, share_pinned: bool) -> None:
    left = state.budget.network.populations[population].size - state.done.get(population, 0)
    for core in state.candidates(population, share_pinned=share_pinned) if left else ():
        left = state.fill(int(core), population, left)
        if not left:
            return
    full = 0
    while left:
        core = state.open_core()
        if not full or state.budget.settings.varies(population):
            full = state.room(core, population, left)
        state.put(core, population, min(full, left))
        left -= min(full, left)


def _put_pins(state: _Filling, pins: Sequence[Pin], usable: NDArray[np.bool_] | None) -> None:
    logical: dict[int, int] = {}
    for pin in pins:
        cores = pinned_cores(state.budget.network, state.budget.chip, pin)
        if usable is not None and usable[cores].any():  # else it is refused where the pin is compared with what is to be avoided
            cores = cores[usable[cores]]
        left = len(neurons_of(state.budget.network, pin))
        for real in map(int, cores):
            if not left:
                break
            if real not in logical:
                logical[real] = state.open_core()
                state.real[logical[real]] = real
            left = state.fill(logical[real], pin.population, left, soft=False)
        if left:
            raise _pin_error(state, pin, [logical[int(real)] for real in cores], left)


def _pin_error(state: _Filling, pin: Pin, cores: list[int], left: int) -> PlacementError:
    network, chip = state.budget.network, state.budget.chip
    label, place = network.populations[pin.population].label, describe(pin.coordinate)
    others = sorted({p for core in cores for p in state.counts[core]} - {pin.population})
    if others and not chip.mixes_populations:
        return PlacementError(
            f"Population '{label}' is pinned to {place}, where population '{network.populations[others[0]].label}' is pinned already; "
            f"a core of {chip.title} holds neurons of one population only.",
            population=label,
            core=place,
            remedy="Pin the two populations to different cores.",
        )
    return _overflow(state, pin, cores, left)


def _overflow(state: _Filling, pin: Pin, cores: list[int], left: int) -> PlacementError:
    budget, label = state.budget, state.budget.network.populations[pin.population].label
    n_neurons = left + sum(state.counts[core].get(pin.population, 0) for core in cores)  # those of earlier pins too
    before = sum((state.used[core] - budget.added(pin.population, state.counts[core].get(pin.population, 0)) for core in cores), start=0)
    needed = before + budget.added(pin.population, n_neurons)
    capacity = np.minimum(budget.capacity(pin.population, soft=False), np.iinfo(np.int64).max // (4 * len(cores)))
    worst = int(np.argmax(needed / (capacity * len(cores))))
    if needed[worst] <= capacity[worst] * len(cores):
        return _settings_full(state, pin, label)
    resource, limit = budget.limits[worst], int(capacity[worst]) * len(cores)
    return PlacementError(
        f"Population '{label}' does not fit on {describe(pin.coordinate)}, where it is pinned: "
        f"together with what is there it needs {resource.amount(int(needed[worst]))}, the limit is {limit:,}.",
        population=label,
        core=describe(pin.coordinate),
        resource=resource.resource,
        used=int(needed[worst]),
        limit=limit,
        remedy="Pin fewer neurons there, or spread them over several coordinates.",
    )


def _settings_full(state: _Filling, pin: Pin, label: str) -> PlacementError:
    settings, used = state.budget.settings, []
    for limit, numbers in zip(settings.limits, settings.numbers, strict=True):
        table = numbers[pin.population]
        used.append((len(np.unique(table[neurons_of(state.budget.network, pin)] if len(table) > 1 else table)), limit))
    n_settings, limit = max(used, key=lambda pair: pair[0] / pair[1].capacity)
    return PlacementError(
        f"Population '{label}' does not fit on {describe(pin.coordinate)}, where it is pinned: its neurons have {limit.amount(n_settings)} "
        f"and share the place with others, the limit of a core is {limit.capacity:,}.",
        population=label,
        core=describe(pin.coordinate),
        resource=limit.resource,
        used=n_settings,
        limit=limit.capacity,
        remedy="Pin there only neurons with the same settings, or give them equal parameters.",
    )


def _sequence(budget: Budget, population: int, pins: Sequence[Pin]) -> Int64:
    order = np.asarray(budget.chip.neuron_order(budget.network, population), np.int64)
    first = [neurons_of(budget.network, pin) for pin in pins if pin.population == population]
    if not first:
        return order
    mask = np.zeros(len(order), bool)
    mask[np.concatenate(first)] = True
    return np.concatenate([*first, order[~mask[order]]])


def _table(rows: list[tuple[int, int, int, int]]) -> Slices:
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Slices(*(np.ascontiguousarray(column) for column in columns))
