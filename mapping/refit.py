"""Partitions that keep the limits which depend on who shares a core and where targets are.

First fit goes by what a slice takes by itself. Beside others it may take less, because sources of several
populations of a core count once, or more, because targets were cut into more slices than thought. So what
neurons share is measured (:func:`.sharing.joint_use`), and cores are filled again by that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip, Limit
from neurosim.errors import PlacementError
from neurosim.mapping.budget import Budget
from neurosim.mapping.partition import Partition, partition
from neurosim.mapping.pins import Pin
from neurosim.mapping.sharing import joint_use, targets_of
from neurosim.mapping.structures import Fanout, Floats, Int32, Int64
from neurosim.network import Network

_ROUNDS = 10
#: A fuller core than this part of a limit may be what asks for many cores.
_BINDING = 0.75
#: Neurons beside others must use less than this part of what they use alone to be worth another round.
_LESS = 0.9
_LITTLE = 1e-4
#: What is left of a limit when cores have to be placed again: with less, cells are on more cores and reach more.
_SAFER = 0.98


def counts_jointly(chip: Chip) -> bool:
    """Whether a chip has limits that depend on who shares a core."""
    return any(limit.counts in ("sources", "targets") for limit in chip.limits())


def refitted(
    budget: Budget,
    first: Partition,
    pins: Sequence[Pin],
    *,
    share_pinned: bool,
    fanout: Fanout | None,
    usable: NDArray[np.bool_] | None = None,
) -> Partition:
    """The partition with the fewest cores of some that keep all limits; the given one if nothing is to be said against it.

    Parameters
    ----------
    budget
        Network, chip and limits.
    first
        First fit by the budget.
    pins, share_pinned, usable
        As for :func:`partition`.
    fanout
        All synapses, where they are known.

    Raises
    ------
    PlacementError
        If every one that was tried breaks a limit; names population, core, resource, use and limit.
    """
    if not counts_jointly(budget.chip):
        return first
    best, over = _tried(budget, first, pins, share_pinned, fanout, usable)
    hopeful = budget.sharing(dict.fromkeys(range(len(budget.network.populations)), _hope(budget)))
    with suppress(PlacementError):
        fewest = partition(hopeful, pins, share_pinned=share_pinned, usable=usable)
        if best is None or fewest.n_cores < best.n_cores:
            other, _ = _tried(hopeful, fewest, pins, share_pinned, fanout, usable)
            best = min((parts for parts in (best, other) if parts is not None), key=lambda parts: parts.n_cores, default=None)
    if best is None and over is not None:
        parts, worst = over
        raise worst.error(budget.network, _cells(budget.network, parts), lambda core: f"core {core} of those filled first")
    return best or first


def _tried(
    budget: Budget, parts: Partition, pins: Sequence[Pin], share_pinned: bool, fanout: Fanout | None, usable: NDArray[np.bool_] | None
) -> tuple[Partition | None, tuple[Partition, Overfull] | None]:
    """Of partitions that follow from one another the one with the fewest cores, and the last that breaks a limit."""
    best, broken = None, None
    for _ in range(_ROUNDS):
        joint = _joint(budget, parts, fanout)
        over = _worst(budget, joint)
        broken = broken if over is None else (parts, over)
        if best is not None and (over is not None or parts.n_cores >= best.n_cores):
            break
        best = parts if over is None else None
        ratio = _ratios(budget, parts, joint)
        if over is None and not _worth(budget, parts, ratio):
            break
        budget = budget.sharing(_scaled(budget, parts, ratio, _excess(budget, parts, joint), fanout))
        try:
            parts = partition(budget, pins, share_pinned=share_pinned, usable=usable)
        except PlacementError:
            break
    return best, broken


def _hope(budget: Budget) -> Floats:
    """As if next to nothing were used of what neurons share."""
    return np.array([_LITTLE if limit.counts in ("sources", "targets") else 1.0 for limit in budget.limits])


def keeps_shared(budget: Budget, core_of: Sequence[Int32], n_cores: int, fanout: Fanout | None) -> bool:
    """Whether a partition keeps the limits that depend on who shares a core."""
    joint = joint_use(budget.network, budget.chip, core_of, n_cores, fanout) if counts_jointly(budget.chip) else {}
    return _worst(budget, joint) is None and not budget.settings.broken(core_of)


@dataclass(frozen=True, slots=True)
class Overfull:
    """A core that takes more of a resource than there is."""

    limit: Limit
    core: int
    used: int

    def room(self, budget: Budget) -> tuple[str, int]:
        """Resource, and how much of it may be used for what was counted to fit the next time."""
        capacity = next(limit.capacity for limit in budget.limits if limit.resource == self.limit.resource)
        return self.limit.resource, max(int(_SAFER * capacity * self.limit.capacity / self.used), 1)

    def error(self, network: Network, core_of: Sequence[Int32], label_of: Callable[[int], str]) -> PlacementError:
        """What to say where no way was found; ``label_of`` names a core."""
        here = [int((cores == self.core).sum()) for cores in core_of]
        label, number = network.populations[int(np.argmax(here))].label, int(np.argmax(here))
        side = "post" if self.limit.counts == "sources" else "pre"
        through = [p for p in network.projections if any(q == number for q, _ in getattr(p, side).parts)]
        largest = max(through, key=lambda p: p.rule.expected(network.ends(p)), default=None)
        verb = "are sent to by too many neurons" if side == "post" else "have targets on too many cores"
        return PlacementError(
            f"Neurons of population '{label}' {verb}: with what shares their core they need {self.limit.amount(self.used)}, "
            f"the limit of a core is {self.limit.capacity:,}.",
            population=label,
            projection=largest.label if largest else "",
            core=label_of(self.core),
            resource=self.limit.resource,
            used=self.used,
            limit=self.limit.capacity,
            remedy="Make connections sparser or populations smaller, so that neurons reach fewer cores, or use fewer chips.",
        )


def too_far(network: Network, chip: Chip, core_of: Sequence[Int32], fanout: Fanout | None) -> Overfull | None:
    """The core that breaks a limit most because targets are on other chips; ``None`` if all keep them.

    ``core_of`` has, per population, the real core of each cell.
    """
    limits = [limit for limit in chip.limits() if limit.counts == "targets" and limit.abroad and limit.scope == "core"]
    used = np.unique(np.concatenate([np.empty(0, np.int32), *core_of]))
    used = used[used >= 0]
    chip_of = chip.chip_numbers(used) if limits else np.empty(0, np.int32)
    if len(np.unique(chip_of)) < 2:
        return None
    rank = np.full(int(used.max()) + 2, -1, np.int32)
    rank[used] = np.arange(len(used), dtype=np.int32)
    joint = joint_use(network, chip, [rank[cores] for cores in core_of], len(used), fanout, chip_of.astype(np.int64))
    used_by = [(limit, joint[limit.resource]) for limit in limits if limit.resource in joint]
    worst = [Overfull(limit, int(used[np.argmax(total)]), int(total.max())) for limit, total in used_by]
    worst = [over for over in worst if over.used > over.limit.capacity]
    return max(worst, key=lambda over: over.used / over.limit.capacity, default=None)


def _cells(network: Network, parts: Partition) -> list[Int32]:
    """Logical core of every cell, per population."""
    cells = [np.full(population.size, -1, np.int32) for population in network.populations]
    for population, start, stop, core in zip(*(column.tolist() for column in parts.slices), strict=True):
        cells[population][parts.sequences[population][start:stop]] = core
    return cells


def _joint(budget: Budget, parts: Partition, fanout: Fanout | None) -> dict[str, Int64]:
    return joint_use(budget.network, budget.chip, _cells(budget.network, parts), parts.n_cores, fanout)


def _worst(budget: Budget, joint: dict[str, Int64]) -> Overfull | None:
    found = []
    for limit in budget.limits:
        used = joint.get(limit.resource, np.zeros(0, np.int64))
        if len(used) and int(used.max()) > limit.capacity:
            found.append(Overfull(limit, int(np.argmax(used)), int(used.max())))
    return max(found, key=lambda over: over.used / over.limit.capacity, default=None)


def _summed(budget: Budget, parts: Partition) -> Int64:
    """What neurons of each core use by the budget, int64 (n_cores, n_limits)."""
    total = np.zeros((parts.n_cores, len(budget.limits)), np.int64)
    counts: dict[tuple[int, int], int] = {}
    for population, start, stop, core in zip(*(column.tolist() for column in parts.slices), strict=True):
        counts[core, population] = counts.get((core, population), 0) + stop - start
    for (core, population), n_neurons in counts.items():
        total[core] += budget.added(population, n_neurons)
    return total


def _ratios(budget: Budget, parts: Partition, joint: dict[str, Int64]) -> Floats:
    """By how much cores use less or more than the budget says, (n_cores, n_limits); 1 where nothing was measured."""
    summed, ratio = _summed(budget, parts), np.ones((parts.n_cores, len(budget.limits)))
    for k, limit in enumerate(budget.limits):
        if limit.resource in joint:
            ratio[:, k] = joint[limit.resource] / np.maximum(summed[:, k], 1)
    return ratio


def _worth(budget: Budget, parts: Partition, ratio: Floats) -> bool:
    """Whether some core is full of what its neurons share."""
    capacity = np.array([limit.capacity for limit in budget.limits])
    return bool(((ratio < _LESS) & (_summed(budget, parts) > _BINDING * capacity)).any())


def _excess(budget: Budget, parts: Partition, joint: dict[str, Int64]) -> Floats:
    """By how much cores break limits, (n_cores, n_limits), at least 1: the more cores there are, the more each cell reaches."""
    over = np.ones((parts.n_cores, len(budget.limits)))
    for k, limit in enumerate(budget.limits):
        if limit.resource in joint:
            over[:, k] = np.maximum(joint[limit.resource] / max(limit.capacity, 1), 1.0)
    return over


def _scaled(budget: Budget, parts: Partition, ratio: Floats, excess: Floats, fanout: Fanout | None) -> dict[int, Floats]:
    """Shares of every population: what it had, times the largest ratio of its cores; of targets, those of its own cells."""
    network, found = budget.network, {}
    reached = targets_of(network, _cells(network, parts), parts.n_cores, fanout)
    columns = [k for k, limit in enumerate(budget.limits) if limit.counts == "targets"]
    broken = bool((excess > 1).any())  # then nothing is taken back, or the same would happen again and again
    for population in range(len(network.populations)):
        rows = parts.slices.population == population
        cores, sizes = parts.slices.core[rows], (parts.slices.stop - parts.slices.start)[rows]
        if not len(cores):
            continue
        largest = ratio[cores].max(axis=0)
        for k in columns:
            alone = [max(int(budget.added(population, int(n))[k]), 1) for n in sizes]
            largest[k] = (reached[population, cores] / alone).max()
        change = np.maximum(largest, 1.0) * excess[cores].max(axis=0) if broken else largest
        found[population] = budget.shares.get(population, np.ones(ratio.shape[1])) * change
    return found
