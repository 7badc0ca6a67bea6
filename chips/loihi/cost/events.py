"""What happens in each step of a run: whole numbers, counted from spikes and who reaches which core.

Counting needs no loop over synapses: what one spike of a cell causes is known beforehand
(:func:`of_one_spike`), so that steps, cores and populations are sums of its rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neurosim.chips.loihi.cost.arrays import (
    ACCESS,
    EVENTS,
    HOP_X,
    HOP_Y,
    IN,
    NOISE,
    OUT,
    READ,
    READS,
    SPIKE,
    UPDATE,
    Activity,
    Cells,
    Cores,
    Counts,
    Fanout,
    Int64,
)
from neurosim.chips.spikes import check_pair, whole_numbers


def cells_of(core: ArrayLike, population: ArrayLike, *, compartments: ArrayLike = 1, noisy: ArrayLike = False) -> tuple[Cells, Int64]:
    """Cells core by core from arrays in any order.

    Parameters
    ----------
    core
        Position of each cell's core among the used cores, -1 on the host; cells of a core in the
        order in which it goes through them.
    population
        Population of each cell, 0 or more.
    compartments, noisy
        Of each cell, or one value for all.

    Returns
    -------
    cells, number
        The cells, and the number that each given cell has there, int64 (n_cells,).
    """
    core, population = np.asarray(core, np.int64), np.asarray(population, np.int64)
    n_cores = int(core.max(initial=-1)) + 1
    order = np.argsort(np.where(core < 0, n_cores, core), kind="stable")
    number = np.empty(len(core), np.int64)
    number[order] = np.arange(len(core))
    placed = order[: int((core >= 0).sum())]
    each = np.broadcast_to(np.asarray(compartments, np.int64), core.shape)
    cells = Cells(
        first=_pointer(np.bincount(core[placed], minlength=n_cores)),
        before=_pointer(each[placed]),
        noisy=np.broadcast_to(np.asarray(noisy, bool), core.shape)[order],
        population=population[order],
        n_populations=int(population.max(initial=-1)) + 1,
    )
    return cells, number


def activity_of(
    spikes: tuple[ArrayLike, ArrayLike], n_steps: int, *, updates: tuple[ArrayLike, ArrayLike] | None = None, n_cells: int
) -> Activity:
    """Who fired and who was updated, from pairs (steps, cells) in any order.

    Parameters
    ----------
    spikes
        Steps, from 0, and cells that fire; whole numbers, one of each per spike.
    n_steps, n_cells
        Numbers of steps and cells.
    updates
        The same for cells that are updated; ``None`` if every neuron is updated in every step.

    Raises
    ------
    ParameterError
        If a step or a cell does not exist, or there are not as many of one as of the other.
    """
    spike_ptr, spike = _by_step(*spikes, n_steps=n_steps, n_cells=n_cells, what="spike")
    if updates is None:
        return Activity(spike_ptr, spike, np.zeros(n_steps + 1, np.int64), np.empty(0, np.int64), all_updated=True)
    update_ptr, update = _by_step(*updates, n_steps=n_steps, n_cells=n_cells, what="update")
    return Activity(spike_ptr, spike, update_ptr, update, all_updated=False)


def _by_step(steps: ArrayLike, cells: ArrayLike, *, n_steps: int, n_cells: int, what: str) -> tuple[Int64, Int64]:
    """Pointer and cells, sorted by step and cell."""
    step, cell = whole_numbers(steps, f"steps of {what}s"), whole_numbers(cells, f"cells of {what}s")
    check_pair(step, cell, n_steps=n_steps, n_cells=n_cells, what=what)
    key = np.sort(step * max(n_cells, 1) + cell)
    step, cell = np.divmod(key, max(n_cells, 1))
    return _pointer(np.bincount(step, minlength=n_steps)), cell


def _pointer(lengths: Int64) -> Int64:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def count(cores: Cores, cells: Cells, fanout: Fanout, activity: Activity) -> Counts:
    """Events of a run by step, core and population."""
    one = of_one_spike(cores, cells, fanout)
    spikes = np.bincount(activity.spike, minlength=cells.n_cells)
    updates = _updates(cells, activity)
    return Counts(
        step=_by_steps(cells, one, activity),
        core=_by_cores(cores, cells, fanout, spikes, updates, activity.n_steps),
        population=_by_populations(cells, one, spikes, updates, activity.n_steps),
    )


def of_one_spike(cores: Cores, cells: Cells, fanout: Fanout) -> Int64:
    """What one spike of each cell causes, int64 (n_cells, 12).

    What the host feeds in is counted from where it is received on.
    """
    found = np.zeros((cells.n_cells, len(EVENTS)), np.int64)
    placed = cells.core >= 0
    found[:, SPIKE] = placed
    found[:, IN] = np.diff(fanout.indptr)
    found[:, OUT] = found[:, IN] * placed
    for kind in range(len(READS)):
        found[:, READ + kind] = _row_sums(fanout.reads[:, kind], fanout)
    for event, links in zip((HOP_X, HOP_Y), hops(cores, cells, fanout), strict=True):
        found[:, event] = _row_sums(links, fanout)
    return found


def hops(cores: Cores, cells: Cells, fanout: Fanout) -> tuple[Int64, Int64]:
    """Links east-west and north-south of every message, int64 (n_messages,); none from the host."""
    sender = cells.core[fanout.source]
    here = sender >= 0
    x, y = (np.abs(column[fanout.core] - column[sender]) * here for column in (cores.x, cores.y))
    return x, y


def _row_sums(values: Int64, fanout: Fanout) -> Int64:
    return np.diff(_pointer(values)[fanout.indptr])


def _updates(cells: Cells, activity: Activity) -> Int64:
    """Number of updates of each cell, int64 (n_cells,)."""
    if activity.all_updated:
        return np.where(cells.core >= 0, activity.n_steps, 0)
    return np.bincount(activity.update, minlength=cells.n_cells)


def _by_steps(cells: Cells, one: Int64, activity: Activity) -> Int64:
    found = np.zeros((activity.n_steps, len(EVENTS)), np.int64)
    for event in range(SPIKE, len(EVENTS)):
        if one[:, event].any():
            found[:, event] = np.diff(_pointer(one[activity.spike, event])[activity.spike_ptr])
    compartments = cells.compartments
    found[:, ACCESS] = compartments.sum()
    for event, each in ((UPDATE, compartments), (NOISE, compartments * cells.noisy)):
        found[:, event] = each.sum() if activity.all_updated else np.diff(_pointer(each[activity.update])[activity.update_ptr])
    return found


def _by_cores(cores: Cores, cells: Cells, fanout: Fanout, spikes: Int64, updates: Int64, n_steps: int) -> Int64:
    found = np.zeros((cores.n_cores, len(EVENTS)), np.int64)
    placed = np.arange(cells.n_placed)
    for event, each in _neuron_work(cells, updates, n_steps):
        found[:, event] = _binned(cells.core[placed], each[placed], cores.n_cores)
    found[:, SPIKE] = _binned(cells.core[placed], spikes[placed], cores.n_cores)
    sent, sender = spikes[fanout.source], cells.core[fanout.source]
    x, y = hops(cores, cells, fanout)
    here = sender >= 0
    for event, each in ((OUT, 1), (HOP_X, x), (HOP_Y, y)):
        found[:, event] = _binned(sender[here], (sent * each)[here], cores.n_cores)
    found[:, IN] = _binned(fanout.core, sent, cores.n_cores)
    for kind in range(len(READS)):
        found[:, READ + kind] = _binned(fanout.core, sent * fanout.reads[:, kind], cores.n_cores)
    return found


def _by_populations(cells: Cells, one: Int64, spikes: Int64, updates: Int64, n_steps: int) -> Int64:
    found = np.zeros((cells.n_populations, len(EVENTS)), np.int64)
    for event, each in _neuron_work(cells, updates, n_steps):
        found[:, event] = _binned(cells.population, each, cells.n_populations)
    for event in range(SPIKE, len(EVENTS)):
        found[:, event] = _binned(cells.population, spikes * one[:, event], cells.n_populations)
    return found


def _neuron_work(cells: Cells, updates: Int64, n_steps: int) -> tuple[tuple[int, Int64], ...]:
    """Accesses, updates and random numbers of each cell."""
    compartments = cells.compartments
    done = compartments * updates
    return (ACCESS, compartments * n_steps), (UPDATE, done), (NOISE, done * cells.noisy)


def _binned(index: Int64, weights: Int64, n: int) -> Int64:
    """Sums of whole numbers by index; exact, also above 2^53."""
    found = np.zeros(n, np.int64)
    np.add.at(found, index, weights)
    return found
