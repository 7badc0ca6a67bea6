"""Give every logical core a real one: pinned cores where they must be, the rest in the chip's fill order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import PlacementError
from neurosim.mapping.budget import Budget
from neurosim.mapping.partition import Partition
from neurosim.mapping.pins import machine
from neurosim.mapping.sharing import joint_use
from neurosim.mapping.site import Site

Int64 = NDArray[np.int64]


def place(partition: Partition, budget: Budget, site: Site) -> Int64:
    """Real core of each logical core, int64 (n_cores,), in fill order, under the limits of a chip.

    Raises
    ------
    PlacementError
        If there are not enough cores, or no chip has room for one more; names the first
        population without a place, the resource, what is needed and what there is. If a pin wants a
        core that is to be avoided.
    """
    _check_pinned_cores(partition, budget, site)
    if partition.n_cores > len(site.cores):
        raise _too_large(partition, budget, len(site.cores))
    if budget.chip_limits:
        return _under_chip_limits(partition, budget, site)
    real = partition.real_core.copy()
    free = site.usable.copy()
    free[real[real >= 0]] = False
    real[real < 0] = np.flatnonzero(free)[: int((real < 0).sum())]
    return real


def assign(partition: Partition, real_core: Int64, sizes: list[int]) -> tuple[tuple[NDArray[np.int32], ...], tuple[NDArray[np.int32], ...]]:
    """``(core_of, local_of)`` per population, int32, -1 off chip; local numbers count up from 0 on every core."""
    core_of = tuple(np.full(size, -1, np.int32) for size in sizes)
    local_of = tuple(np.full(size, -1, np.int32) for size in sizes)
    filled = [0] * partition.n_cores
    for population, start, stop, core in zip(*(column.tolist() for column in partition.slices), strict=True):
        neurons = partition.sequences[population][start:stop]
        core_of[population][neurons] = real_core[core]
        local_of[population][neurons] = np.arange(filled[core], filled[core] + len(neurons))
        filled[core] += len(neurons)
    return core_of, local_of


def _check_pinned_cores(partition: Partition, budget: Budget, site: Site) -> None:
    pinned = np.flatnonzero(partition.real_core >= 0)
    dead = pinned[~site.usable[partition.real_core[pinned]]]
    if len(dead):
        label = _first_population(partition, budget, int(dead[0]), only=True)
        name = budget.chip.core_label(int(partition.real_core[dead[0]]))
        text = f"Population '{label}' is pinned to {name}, which is to be avoided."
        raise PlacementError(text, population=label, core=name, remedy="Pin it elsewhere, or do not avoid that place.")


def chip_uses(partition: Partition, budget: Budget) -> tuple[Int64, Int64]:
    """Use of chip resources by each logical core and the capacity that holds for it."""
    shape = (partition.n_cores, len(budget.chip_limits))
    use, capacity = np.zeros(shape, np.int64), np.full(shape, np.iinfo(np.int64).max // 4)
    counts: dict[tuple[int, int], int] = {}
    for population, start, stop, core in zip(*(column.tolist() for column in partition.slices), strict=True):
        counts[core, population] = counts.get((core, population), 0) + stop - start
    for (core, population), n_neurons in counts.items():
        use[core] += budget.use(population, n_neurons)[budget.n_core_limits :]
        capacity[core] = np.minimum(capacity[core], budget.capacity(population)[budget.n_core_limits :])
    return use, capacity


def _under_chip_limits(partition: Partition, budget: Budget, site: Site) -> Int64:
    chip_of = np.asarray(budget.chip.cores().chip, np.int64)
    use, capacity = chip_uses(partition, budget)
    used = np.zeros((int(chip_of.max(initial=-1)) + 1, use.shape[1]), np.int64)
    real = partition.real_core.copy()
    pinned = np.flatnonzero(real >= 0)
    np.add.at(used, chip_of[real[pinned]], use[pinned])
    _check_pinned_chips(partition, budget, used)
    free = np.setdiff1d(site.cores, real[pinned])
    chip_of_free = chip_of[free]
    taken, start = np.zeros(len(free), bool), 0
    for core in np.flatnonzero(real < 0):
        while start < len(free) and taken[start]:
            start += 1
        position = _first_room(chip_of_free, taken, used, use[core], capacity[core], start)
        if position < 0:
            raise _chips_full(partition, budget, int(core), use)
        real[core], taken[position] = free[position], True
        used[chip_of_free[position]] += use[core]
    return real


def _first_room(chip: Int64, taken: NDArray[np.bool_], used: Int64, use: Int64, capacity: Int64, start: int) -> int:
    """First free core from ``start`` on whose chip has room for a use; -1 if there is none."""
    width = 64
    while start < len(chip):
        stop = start + width
        fits = ~taken[start:stop] & (used[chip[start:stop]] + use <= capacity).all(axis=1)
        if fits.any():
            return start + int(np.argmax(fits))
        start, width = stop, 4 * width
    return -1


def _check_pinned_chips(partition: Partition, budget: Budget, used: Int64) -> None:
    for index, limit in enumerate(budget.chip_limits):
        worst = int(np.argmax(used[:, index])) if len(used) else 0
        if limit.hard and len(used) and used[worst, index] > limit.capacity:
            raise PlacementError(
                f"The neurons pinned to chip {worst} need {limit.amount(int(used[worst, index]))}, "
                f"the limit of a chip is {limit.capacity:,}.",
                core=f"chip {worst}",
                resource=limit.resource,
                used=int(used[worst, index]),
                limit=limit.capacity,
                remedy="Spread the pins over several chips.",
            )


def _first_population(partition: Partition, budget: Budget, core: int, *, only: bool = False) -> str:
    rows = np.flatnonzero(partition.slices.core == core if only else partition.slices.core >= core)
    return budget.network.populations[int(partition.slices.population[rows[0]])].label


def _too_large(partition: Partition, budget: Budget, n_real: int) -> PlacementError:
    label = _first_population(partition, budget, n_real)
    return PlacementError(
        f"The network does not fit on {machine(budget.chip)}: it needs {partition.n_cores:,} cores, the limit is {n_real:,}; "
        f"population '{label}' is the first without room.{_why_so_many(partition, budget)}",
        population=label,
        resource="cores",
        used=partition.n_cores,
        limit=n_real,
    )


def _why_so_many(partition: Partition, budget: Budget) -> str:
    """Of the population on most cores: how many of its neurons a core holds, and which limit one more would break."""
    slices, limits = partition.slices, budget.limits[: budget.n_core_limits]
    cores = np.bincount(np.unique(np.stack([slices.population, slices.core]), axis=1)[0], minlength=1)
    largest = int(np.argmax(cores))
    if 2 * cores[largest] < partition.n_cores:  # many populations together are too many
        return ""
    most = int(np.max((slices.stop - slices.start)[slices.population == largest]))
    need, capacity = budget.use(largest, most + 1)[: len(limits)].copy(), budget.capacity(largest)[: len(limits)]
    core_of, _ = assign(partition, np.arange(partition.n_cores), [p.size for p in budget.network.populations])
    shared = joint_use(budget.network, budget.chip, core_of, partition.n_cores, None)
    for k, limit in enumerate(limits):
        if limit.counts == "targets" and limit.resource in shared:  # what slices say of these is an estimate
            need[k] = -(-int(shared[limit.resource].max()) * (most + 1) // most)
    worst = int(np.argmax(need / capacity))
    if need[worst] <= capacity[worst]:
        return ""
    label, limit = budget.network.populations[largest].label, limits[worst]
    return (
        f" Of '{label}' a core holds {most:,} neuron{'s' if most > 1 else ''}, so it takes {cores[largest]:,} cores: "
        f"one more would need {limit.amount(int(need[worst]))}, the limit of a core is {limit.capacity:,}."
    )


def _chips_full(partition: Partition, budget: Budget, core: int, use: Int64) -> PlacementError:
    label = _first_population(partition, budget, core)
    n_chips = len(np.unique(budget.chip.cores().chip))
    share = [use[:, i].sum() / (limit.capacity * n_chips) for i, limit in enumerate(budget.chip_limits)]
    limit, total = budget.chip_limits[int(np.argmax(share))], int(use[:, int(np.argmax(share))].sum())
    return PlacementError(
        f"The network does not fit on {machine(budget.chip)}: it needs {limit.amount(total)}, "
        f"{n_chips:,} chips have {limit.capacity:,} each; population '{label}' is the first without room.",
        population=label,
        resource=limit.resource,
        used=total,
        limit=limit.capacity * n_chips,
    )
