"""What neurons on a core share, so that their uses do not just add: settings, sources, and cores they send to.

Limits that count settings are kept one neuron after the other. Of limits that count sources or targets the
first partition knows only what each slice takes by itself; :func:`joint_use` counts again when it is known who
shares a core, synapse by synapse where a table of synapses is given, else from the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip, Limit, SynapseCount
from neurosim.mapping.clustering import count_packets
from neurosim.mapping.fanout import fanout_of
from neurosim.mapping.reach import has_structure, senders
from neurosim.mapping.structures import Fanout, Floats, Int32, Int64, distinct
from neurosim.network import Network

#: Standard deviations added to expected numbers, so that a core hardly ever has more.
MARGIN = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """Which settings neurons need, and how many different ones a core has.

    Attributes
    ----------
    limits
        The limits, in the chip's order.
    numbers
        Per limit and population int32 (size or 1, m), -1 for none.
    """

    limits: tuple[Limit, ...]
    numbers: tuple[tuple[Int32, ...], ...]

    @classmethod
    def of(cls, network: Network, chip: Chip) -> Settings:
        """Those limits that a core could break: not where all neurons together keep them."""
        limits = [limit for limit in chip.limits() if limit.counts == "settings"]
        table = chip.settings(network) if limits else {}
        found = [(limit, tuple(table[limit.resource])) for limit in limits]
        kept = [(limit, numbers) for limit, numbers in found if _different(numbers) > limit.capacity]
        return cls(tuple(limit for limit, _ in kept), tuple(numbers for _, numbers in kept))

    def varies(self, population: int) -> bool:
        """Whether neurons of a population need different settings."""
        return any(len(numbers[population]) > 1 for numbers in self.numbers)

    def none(self) -> list[set[int]]:
        """Settings of an empty core, one set for each limit."""
        return [set() for _ in self.limits]

    def room(self, held: Sequence[set[int]], population: int, neurons: Int64) -> int:
        """How many of some neurons, from the first on, a core with some settings has room for."""
        tables = [(limit.capacity, have, own[population]) for limit, have, own in zip(self.limits, held, self.numbers, strict=True)]
        return min((_leading(*table, neurons) for table in tables), default=len(neurons))

    def add(self, held: Sequence[set[int]], population: int, neurons: Int64) -> None:
        """Put the settings of neurons to those that a core has."""
        for have, numbers in zip(held, self.numbers, strict=True):
            table = numbers[population]
            have.update(np.unique(table[neurons] if len(table) > 1 else table).tolist())
            have.discard(-1)

    def broken(self, core_of: Sequence[Int32]) -> bool:
        """Whether a core has more different settings than it can."""
        n_cores = 1 + max((int(cores.max(initial=-1)) for cores in core_of), default=-1)
        found = (settings_used(numbers, core_of, n_cores) for numbers in self.numbers)
        return any(int(used.max(initial=0)) > limit.capacity for limit, used in zip(self.limits, found, strict=True))


def _different(numbers: Sequence[Int32]) -> int:
    values = np.unique(np.concatenate([np.empty(0, np.int32), *(table.ravel() for table in numbers)]))
    return int((values >= 0).sum())


def _leading(capacity: int, held: set[int], table: Int32, neurons: Int64) -> int:
    if not table.shape[1]:
        return len(neurons)
    if len(table) == 1:
        return len(neurons) if len(held | (set(table[0].tolist()) - {-1})) <= capacity else 0
    have = set(held)
    for k, row in enumerate(table[neurons[: capacity * len(table) + 1]].tolist()):
        have.update(row)
        if len(have - {-1}) > capacity:
            return k
    return len(neurons)


def settings_used(numbers: Sequence[Int32], core_of: Sequence[Int32], n_cores: int) -> Int64:
    """Different settings on every core, int64 (n_cores,)."""
    stride, keys = 1 + max((int(table.max(initial=0)) for table in numbers), default=0), [np.empty(0, np.int64)]
    for table, cores in zip(numbers, core_of, strict=True):
        for column in table.T:
            here = cores.astype(np.int64)
            values = np.broadcast_to(column, here.shape)
            on = (here >= 0) & (values >= 0)
            keys.append(distinct(here[on] * stride + values[on]))
    return np.bincount(distinct(np.concatenate(keys)) // stride, minlength=n_cores).astype(np.int64)


def joint_use(
    network: Network,
    chip: Chip,
    core_of: Sequence[Int32],
    n_cores: int,
    fanout: Fanout | None,
    chip_of: Int64 | None = None,
    *,
    synapses: SynapseCount | None = None,
    local_of: Sequence[Int32] | None = None,
) -> dict[str, Int64]:
    """Use of limits that count sources, targets or synapses by every core, from who shares it.

    Parameters
    ----------
    core_of
        Per population the core of each cell, -1 off the machine.
    n_cores
        Number of cores.
    fanout
        All synapses, where they are known. Without them sources and targets are expected from the rules, with four
        standard deviations, which hardly any core exceeds; then networks with structured rules give no answer.
    chip_of
        Chip of every core; all on one if left out.
    synapses
        Counts synapses; limits on them are left out without it.
    local_of
        Number of each cell on its core; by population and index if left out.

    Returns
    -------
    dict
        Resource to int64 (n_cores,).
    """
    wanted = [limit for limit in chip.limits() if limit.counts in ("sources", "targets") and limit.scope == "core"]
    if fanout is None and has_structure(network):
        wanted = [limit for limit in wanted if limit.counts == "targets"]
    home = np.zeros(n_cores, np.int64) if chip_of is None else np.asarray(chip_of, np.int64)
    found = {}
    for limit in wanted:
        if limit.counts == "sources":
            found[limit.resource] = _sources(network, chip, core_of, n_cores, fanout)
        else:
            found[limit.resource] = _targets(network, limit, core_of, n_cores, fanout, home)
    return found if synapses is None else found | synapses.use(core_of, numbered(core_of) if local_of is None else local_of, n_cores)


def numbered(core_of: Sequence[Int32]) -> list[Int32]:
    """Number of every cell on its core if they are counted by population and index; -1 off the machine."""
    cores = np.concatenate([np.empty(0, np.int32), *core_of])
    order = np.argsort(cores, kind="stable")
    ordered = cores[order]
    local = np.empty(len(cores), np.int32)
    local[order] = np.arange(len(cores)) - np.searchsorted(ordered, ordered)
    local[cores < 0] = -1
    return np.split(local, np.cumsum([len(column) for column in core_of])[:-1])


def _sources(network: Network, chip: Chip, core_of: Sequence[Int32], n_cores: int, fanout: Fanout | None) -> Int64:
    """Cells with a synapse onto each core; those of projections that cost more are counted once more for each step."""
    costs = {projection.id: chip.source_cost(network, projection) for projection in network.projections}
    total = np.zeros(n_cores, np.int64)
    for step in range(1, max(costs.values(), default=0) + 1):
        kept = [projection for projection in network.projections if costs[projection.id] >= step]
        part = network if len(kept) == len(network.projections) else replace(network, projections=tuple(kept))
        table = fanout if part is network or fanout is None else fanout_of(part)
        total += _inbound(part, core_of, n_cores, table)
    return total


def _inbound(network: Network, core_of: Sequence[Int32], n_cores: int, fanout: Fanout | None) -> Int64:
    if fanout is not None:
        return count_packets(fanout, np.concatenate([np.empty(0, np.int32), *core_of]), n_cores).inbound
    mean, variance = np.zeros(n_cores), np.zeros(n_cores)
    for group in senders(network, core_of, n_cores):
        mean[group.cores] += len(group.cells) * group.hit
        variance[group.cores] += len(group.cells) * group.hit * (1 - group.hit)
    return _with_margin(mean, variance)


def _targets(network: Network, limit: Limit, core_of: Sequence[Int32], n_cores: int, fanout: Fanout | None, home: Int64) -> Int64:
    """Pairs of a cell of a core and a core it reaches; those to other chips count more."""
    if fanout is not None:
        flat = np.concatenate([np.empty(0, np.int32), *core_of])
        total = count_packets(fanout, flat, n_cores).outbound
        return total + limit.abroad * _abroad(fanout, flat, home) if limit.abroad and len(np.unique(home)) > 1 else total
    mean, variance = np.zeros(n_cores), np.zeros(n_cores)
    for _, here, each, spread in _expected_pairs(network, limit, core_of, n_cores, home):
        mean += here * each
        variance += here * spread
    return _with_margin(mean, variance)


def _expected_pairs(
    network: Network, limit: Limit, core_of: Sequence[Int32], n_cores: int, home: Int64
) -> Iterator[tuple[int, Int64, Floats, Floats]]:
    """For cells that are alike: population, cells on every core, cores that each of them reaches from there, and the variance of that."""
    chips, number = np.unique(home, return_inverse=True)
    far = 1 + limit.abroad
    for group in senders(network, core_of, n_cores):
        hit, spread = group.hit, group.hit * (1 - group.hit)
        near, spread_near = (np.bincount(number[group.cores], values, len(chips))[number] for values in (hit, spread))
        each, variance = hit.sum() * far - near * (far - 1), spread.sum() * far**2 - spread_near * (far**2 - 1)
        yield group.population, _on_cores(core_of[group.population][group.cells], n_cores), each, variance


def each_reaches(
    network: Network, limit: Limit, core_of: Sequence[Int32], n_cores: int, fanout: Fanout | None, chip_of: Int64 | None = None
) -> Floats:
    """What a cell of each population takes on average of a limit that counts targets, float64 (n_populations,).

    Expected numbers come with their part of the four standard deviations of a full core. Parameters are those of :func:`joint_use`.
    """
    home = np.zeros(n_cores, np.int64) if chip_of is None else chip_of
    mean, variance = np.zeros(len(core_of)), np.zeros(len(core_of))
    if fanout is not None:
        population = np.repeat(np.arange(len(core_of)), [len(cores) for cores in core_of])
        flat = np.concatenate([np.empty(0, np.int32), *core_of])
        for source, core in _pairs(fanout, flat, n_cores):
            mean += np.bincount(population[source], 1 + limit.abroad * (home[flat[source]] != home[core]), len(core_of))
    else:
        for number, here, each, spread in _expected_pairs(network, limit, core_of, n_cores, home):
            mean[number] += here @ each
            variance[number] += here @ spread
    placed = np.maximum([int((cores >= 0).sum()) for cores in core_of], 1)
    part = np.sqrt(
        variance / placed / max(limit.capacity, 1)
    )  # c = mean + MARGIN sqrt(variance c / capacity), capacity / c cells being on a core
    return (MARGIN / 2 * part + np.sqrt((MARGIN / 2 * part) ** 2 + mean / placed)) ** 2


def _on_cores(cores: Int32, n_cores: int) -> Int64:
    """Cells on every core."""
    return np.bincount(cores[cores >= 0], minlength=n_cores)


def _abroad(fanout: Fanout, core_of: Int32, home: Int64) -> Int64:
    """Pairs of a cell of each core and a core on another chip that it reaches."""
    found = np.zeros(len(home), np.int64)
    for source, core in _pairs(fanout, core_of, len(home)):
        away = home[core_of[source]] != home[core]
        found += np.bincount(core_of[source[away]], minlength=len(home))
    return found


def _pairs(fanout: Fanout, core_of: Int32, n_cores: int) -> Iterator[tuple[Int64, Int64]]:
    """Different pairs of a cell that is on a core and a core it reaches, some cells at a time."""
    step = 1 << 14
    for first in range(0, fanout.n_sources, step):
        degrees = np.diff(fanout.indptr[first : first + step + 1])
        source = np.repeat(np.arange(first, first + len(degrees)), degrees)
        target = core_of[fanout.target[fanout.indptr[first] : fanout.indptr[first + len(degrees)]]]
        both = (core_of[source] >= 0) & (target >= 0)
        yield np.divmod(distinct(source[both].astype(np.int64) * n_cores + target[both]), n_cores)


def _with_margin(mean: Floats, variance: Floats) -> NDArray[np.int64]:
    return np.ceil(mean + MARGIN * np.sqrt(variance) - 1e-6).astype(np.int64)
