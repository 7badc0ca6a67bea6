"""The arrays of the cost model from a network in the chip's terms, a placement and spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.chips.chip import Chip, Placed
from neurosim.chips.loihi.cost.arrays import Activity, Cells, Cores, Int64
from neurosim.chips.loihi.cost.events import activity_of, cells_of
from neurosim.chips.loihi.cost.fanout import Places
from neurosim.chips.loihi.load import compartments_per_neuron
from neurosim.chips.spikes import Events, checked, checked_steps
from neurosim.errors import NetworkError
from neurosim.network import Network

if TYPE_CHECKING:
    from neurosim.chips.loihi.chip import LoihiChip


def placed(chip: LoihiChip, network: Network, mapping: Placed) -> tuple[Cores, Cells, Places]:
    """Used cores, cells and where each population's cells are.

    Raises
    ------
    NetworkError
        If the mapping is one of another network.
    """
    _check(network, mapping)
    core = np.concatenate([np.empty(0, np.int64), *mapping.core_of]).astype(np.int64)
    local = np.concatenate([np.empty(0, np.int64), *mapping.local_of]).astype(np.int64)
    used = np.unique(core[core >= 0])
    rank = np.where(core >= 0, np.searchsorted(used, core), -1)
    sizes = [population.size for population in network.populations]
    population = np.repeat(np.arange(len(sizes)), sizes)
    each = np.array([0 if p.is_source else compartments_per_neuron(p) for p in network.populations], np.int64)
    order = np.lexsort((local, rank))
    noisy = np.array([p.label in chip.noise for p in network.populations], bool)
    of = population[order]
    cells, position = cells_of(rank[order], of, compartments=each[of] if sizes else 1, noisy=noisy[of] if sizes else False)
    number = np.empty(len(core), np.int64)
    number[order] = position
    ends = np.cumsum(sizes)[:-1]
    cells = cells._replace(n_populations=len(sizes))
    places = Places(np.split(number, ends), np.split(rank, ends)) if sizes else Places([], [])
    return _cores(chip, used), cells, places


def _check(network: Network, mapping: Placed) -> None:
    sizes = [population.size for population in network.populations]
    held = [len(core) for core in mapping.core_of]
    if sizes != held:
        text = f"the mapping holds populations of {held} cells, the network has {sizes}."
        raise NetworkError(text, where="Cost", used=held, limit=sizes, remedy="Give the network that was mapped.")


def _cores(chip: Chip, used: Int64) -> Cores:
    table = chip.cores()
    columns = (table.chip[used], chip.chip_numbers(used), table.x[used], table.y[used])
    return Cores(used, *(np.asarray(column, np.int64) for column in columns))


def activity(network: Network, cells: Cells, places: Places, spikes: Events, n_steps: int, *, updates: Events | None = None) -> Activity:
    """Spikes and updates of populations as those of cells, step by step.

    Parameters
    ----------
    spikes
        By population id: steps, from 0, and indices of the cells that fire.
    n_steps
        Number of steps, 1 or more.
    updates
        The same for neurons that are updated; ``None`` if every one is in every step.

    Raises
    ------
    ParameterError
        If there is no such population, cell or step, or ``n_steps`` is no whole number.
    """
    n_steps = checked_steps(n_steps)
    fired = _numbered(places, checked(network, spikes, n_steps))
    moved = None if updates is None else _numbered(places, checked(network, updates, n_steps, what="update"))
    return activity_of(fired, n_steps, updates=moved, n_cells=cells.n_cells)


def _numbered(places: Places, events: dict[int, tuple[Int64, Int64]]) -> tuple[Int64, Int64]:
    """Steps and cells of all populations, in no order."""
    steps = [step for step, _ in events.values()]
    cells = [places.number[population][index] for population, (_, index) in events.items()]
    return np.concatenate([np.empty(0, np.int64), *steps]), np.concatenate([np.empty(0, np.int64), *cells])
