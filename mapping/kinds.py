"""Settings of neurons as limits that clustering can keep.

Clustering knows uses that add. Different settings of a core do not, but their number is at most the sum of what
each kind of neuron brings along, a kind being those of a population that need the same settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurosim.mapping.clustering import Limits
from neurosim.mapping.sharing import Settings
from neurosim.mapping.structures import Int32, Int64, distinct

#: More kinds are not told apart: each has tables of its own, and with so many of them little can be moved anyway.
_MOST = 200


def kept_settings(settings: Settings, populations: Int32, limits: Limits, baseline: Int32) -> tuple[Int32, Limits]:
    """Kind of every neuron, int32 (n,), and limits that keep the settings of a core too.

    Parameters
    ----------
    settings
        What neurons need; what all of them need is left out.
    populations
        int32 (n,): population of every neuron, from 0 and rising.
    limits
        By population.
    baseline
        int32 (n,): core of every neuron, -1 if it is not placed.

    Returns
    -------
    Int32, Limits
        What was given where there is nothing to keep, where there are too many kinds, or where the baseline has more
        settings than this way of counting allows.
    """
    if not settings.limits or not len(populations):
        return populations, limits
    columns = [_of_cells(numbers, populations) for numbers in settings.numbers]
    rows, kinds = np.unique(np.column_stack([populations, *columns]), axis=0, return_inverse=True)
    if len(rows) > _MOST:
        return populations, limits
    first, population_of, brought, capacity = 1, rows[:, 0], [], []
    for limit, column in zip(settings.limits, columns, strict=True):
        own = rows[:, first : first + column.shape[1]]
        first += column.shape[1]
        common = np.array([number for number in np.unique(own[own >= 0]) if (own == number).any(axis=1).all()], np.int32)
        brought.append([len(set(row) - {-1, *common.tolist()}) for row in own.tolist()])
        capacity.append(limit.capacity - len(common))
    kinds, extra = kinds.reshape(-1).astype(np.int32), np.array(brought, np.int64).T
    if (_summed(kinds, baseline, extra) > capacity).any():
        return populations, limits
    use = tuple(_with_settings(limits.use[population], row) for population, row in zip(population_of, extra, strict=True))
    names = (*map(limits.name, range(len(limits.capacity))), *(limit.resource for limit in settings.limits))
    return kinds, replace(limits, capacity=np.append(limits.capacity, capacity), use=use, names=names)


def _of_cells(numbers: Sequence[Int32], populations: Int32) -> Int32:
    """Settings of every cell, int32 (n, m), filled up by -1."""
    found = np.full((len(populations), max((table.shape[1] for table in numbers), default=0)), -1, np.int32)
    for population, table in enumerate(numbers):
        found[populations == population, : table.shape[1]] = table
    return found


def _summed(kinds: Int32, core_of: Int32, extra: Int64) -> Int64:
    """Sum over the kinds on each core of what each brings along, int64 (n_cores, n_limits)."""
    pairs = distinct(core_of[core_of >= 0].astype(np.int64) * len(extra) + kinds[core_of >= 0])
    total = np.zeros((int(core_of.max(initial=-1)) + 1, extra.shape[1]), np.int64)
    np.add.at(total, pairs // len(extra), extra[pairs % len(extra)])
    return total


def _with_settings(use: Int64, extra: Int64) -> Int64:
    """A table of use with what any neurons at all bring along."""
    return np.column_stack([use, np.where(np.arange(len(use))[:, None] > 0, extra, 0)])
