"""Partitions that keep the limits which depend on who shares a core and where targets are.

First fit goes by what a slice takes by itself. Beside others it may take less, because sources of several
populations of a core count once, or more, because targets were cut into more slices than thought. So what
neurons share is measured (:mod:`.sharing`), and cores are filled again by that.

The more cores there are, the more of them each cell reaches, and the fewer cells a core can have. Cores are
therefore filled from below: first as if nothing were shared, then by what was measured there, and so on. What
is measured grows with the number of cores, so that none of these partitions has more cores than are needed,
and the first that keeps every limit has next to the fewest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Chip, Limit
from neurosim.errors import PlacementError
from neurosim.mapping.budget import Budget
from neurosim.mapping.partition import Partition, partition
from neurosim.mapping.pins import Pin
from neurosim.mapping.place import assign
from neurosim.mapping.reach import expected_synapses
from neurosim.mapping.sharing import each_reaches, joint_use
from neurosim.mapping.structures import Fanout, Floats, Int32, Int64
from neurosim.network import Network

_ROUNDS = 40
#: Synapses that are counted for every partition that is tried; of more only what is taken in the end.
_FEW = 8_000_000
_LITTLE = 1e-4
#: Partitions whose numbers of cores differ by less are as good as found; what still breaks a limit is cut a little more.
_SETTLED = 0.01
#: By how much neurons are made to count more where they break a limit: as much as they break it, and these at least and at most.
_PUSH = (1.002, 1.05)


def counts_jointly(chip: Chip) -> bool:
    """Whether a chip has limits that depend on who shares a core."""
    return any(limit.counts in ("sources", "targets", "synapses") for limit in chip.limits())


def refitted(
    budget: Budget,
    first: Partition,
    pins: Sequence[Pin],
    *,
    share_pinned: bool,
    fanout: Fanout | None,
    usable: NDArray[np.bool_] | None = None,
    abroad: bool = False,
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
    abroad
        True to count targets on other chips as cores lie in fill order, else as if all were on one chip.

    Raises
    ------
    PlacementError
        If every one that was tried breaks a limit; names population, core, resource, use and limit.
    """
    if not counts_jointly(budget.chip):
        return first
    plain = _Search(replace(budget, synapses=None), pins, share_pinned, fanout, usable, abroad)
    if budget.synapses is None:
        return plain.best(first)
    exact, few = replace(plain, budget=budget), expected_synapses(budget.network) <= _FEW
    try:
        best = plain.best(first)
    except PlacementError:
        if not few:
            raise
        return exact.best(first)
    if not few and usable is not None and best.n_cores > usable.sum():
        return best  # it is refused for that
    joint = exact.joint(best)
    if _worst(budget, joint) is not None:  # a core has more than it hardly ever has
        return exact.best(best)
    return (exact.settled(best.n_cores, hope(budget, joint)).parts if few and _asks_for_cores(budget, best) else None) or best


def _asks_for_cores(budget: Budget, parts: Partition) -> bool:
    """Whether what slices are said to take of limits that count synapses comes near the limit on any core."""
    counted = [k for k, limit in enumerate(budget.limits) if limit.counts == "synapses"]
    capacity = np.array([budget.limits[k].capacity for k in counted], np.int64)
    return bool((2 * summed(budget, parts)[:, counted] > capacity).any())


class _Found(NamedTuple):
    """A partition that keeps all limits, or the last that breaks one."""

    parts: Partition | None
    broken: tuple[Partition, Overfull] | None


@dataclass(frozen=True, slots=True)
class _Search:
    """Partitions that follow from one another; attributes are the arguments of :func:`refitted`."""

    budget: Budget
    pins: Sequence[Pin]
    share_pinned: bool
    fanout: Fanout | None
    usable: NDArray[np.bool_] | None
    abroad: bool

    def best(self, first: Partition) -> Partition:
        """The first one that keeps all limits from below; the given one if that has no more cores and keeps them too."""
        budget, joint = self.budget, self.joint(first)
        best = first if _worst(budget, joint) is None else None
        found = self.settled(None if best is None else best.n_cores, hope(budget, joint))
        best = best if found.parts is None else found.parts
        if best is None:
            parts, worst = found.broken or (first, _worst(budget, joint))
            assert worst is not None  # the first fit breaks a limit, or it were the best
            raise worst.error(budget.network, _cells(budget.network, parts), lambda core: f"core {core} of those filled first")
        return best

    def settled(self, below: int | None, shares: Floats) -> _Found:
        """The first with fewer cores than ``below`` that keeps all limits, starting from ``shares`` of what neurons use alone."""
        network, before, broken = self.budget.network, 0, None
        budget = self.budget.sharing(dict.fromkeys(range(len(network.populations)), shares))
        base, push = dict(budget.shares), {number: np.ones(len(budget.limits)) for number in budget.shares}
        for _ in range(_ROUNDS):
            try:
                parts = partition(budget, self.pins, share_pinned=self.share_pinned, usable=self.usable)
            except PlacementError:
                break
            if below is not None and parts.n_cores >= below:
                break
            joint = self.joint(parts)
            worst = _worst(budget, joint)
            if worst is None:
                return _Found(parts, None)
            broken = (parts, worst)
            if parts.n_cores <= before * (1 + _SETTLED):
                _push(budget, parts, joint, push)
            before = max(before, parts.n_cores)
            base = _measured(budget, base, parts, joint)
            budget = self.budget.sharing({p: base[p] * push[p] for p in base}, self._each(parts, push))
        return _Found(None, broken)

    def joint(self, parts: Partition) -> dict[str, Int64]:
        """What every core uses of limits that depend on who shares it."""
        budget = self.budget
        core_of, local_of = assign(parts, np.arange(parts.n_cores), [p.size for p in budget.network.populations])
        home, network, chip = self._home(parts), budget.network, budget.chip
        return joint_use(network, chip, core_of, parts.n_cores, self.fanout, home, synapses=budget.synapses, local_of=local_of)

    def _home(self, parts: Partition) -> Int64 | None:
        """Chip of every core in fill order, beyond the last core of the machine on further chips."""
        if not self.abroad:
            return None
        home = self.budget.chip.chip_numbers(np.arange(len(self.budget.chip.cores().core))).astype(np.int64)
        free = np.ones(len(home), bool) if self.usable is None else self.usable.copy()
        free[parts.real_core[parts.real_core >= 0]] = False
        further = home.max(initial=0) + 1 + np.arange(parts.n_cores) // max(len(home) // len(np.unique(home)), 1)
        rest = np.concatenate([home[free], further])
        return np.where(parts.real_core >= 0, home[parts.real_core], rest[np.cumsum(parts.real_core < 0) - 1])

    def _each(self, parts: Partition, push: dict[int, Floats]) -> dict[int, Floats]:
        """Per population what a neuron takes of limits that count targets; no number of the others."""
        budget, found = self.budget, {p: np.full(len(self.budget.limits), np.nan) for p in push}
        cells = _cells(budget.network, parts)
        for k, limit in enumerate(budget.limits):
            if limit.counts == "targets":
                each = each_reaches(budget.network, limit, cells, parts.n_cores, self.fanout, self._home(parts))
                for population, row in found.items():
                    row[k] = each[population] * push[population][k]
        return found


def hope(budget: Budget, measured: Collection[str]) -> Floats:
    """As if next to nothing were used of the resources that are measured."""
    return np.array([_LITTLE if limit.resource in measured else 1.0 for limit in budget.limits])


def _push(budget: Budget, parts: Partition, joint: dict[str, Int64], out_push: dict[int, Floats]) -> None:
    """Let populations on cores that break a limit count a little more of it."""
    for k, limit in enumerate(budget.limits):
        excess = joint.get(limit.resource, np.zeros(parts.n_cores)) / max(limit.capacity, 1)
        for population, factor in out_push.items():
            most = excess[parts.slices.core[parts.slices.population == population]].max(initial=0.0)
            if most > 1:
                factor[k] *= min(max(most, _PUSH[0]), _PUSH[1])


def _measured(budget: Budget, base: dict[int, Floats], parts: Partition, joint: dict[str, Int64]) -> dict[int, Floats]:
    """Shares of limits that count sources or synapses as they were on average on a population's cores; never less than before."""
    ratio, found = _ratios(budget, parts, joint), {}
    for population, share in base.items():
        rows = parts.slices.population == population
        cores, sizes = parts.slices.core[rows], (parts.slices.stop - parts.slices.start)[rows]
        seen = budget.shares[population] * (np.average(ratio[cores], axis=0, weights=sizes) if len(cores) else 1.0)
        grows = [limit.counts in ("sources", "synapses") for limit in budget.limits]
        found[population] = np.where(grows, np.maximum(share, seen), share)
    return found


def keeps_shared(budget: Budget, core_of: Sequence[Int32], n_cores: int, fanout: Fanout | None) -> bool:
    """Whether a partition keeps the limits that depend on who shares a core."""
    counted = counts_jointly(budget.chip)
    joint = joint_use(budget.network, budget.chip, core_of, n_cores, fanout, synapses=budget.synapses) if counted else {}
    return _worst(budget, joint) is None and not budget.settings.broken(core_of)


_TOO_MANY = {
    "sources": "are sent to by too many neurons",
    "targets": "have targets on too many cores",
    "synapses": "have too many synapses",
}
_FEWER_TARGETS = "Make connections sparser or populations smaller, so that neurons reach fewer cores, or use fewer chips."
_REMEDY = {
    "sources": "Make connections sparser, or let fewer different neurons send to those that share a core.",
    "targets": _FEWER_TARGETS,
    "synapses": "Make connections sparser, or put fewer neurons on the core.",
}


@dataclass(frozen=True, slots=True)
class Overfull:
    """A core that takes more of a resource than there is."""

    limit: Limit
    core: int
    used: int

    def error(self, network: Network, core_of: Sequence[Int32], label_of: Callable[[int], str]) -> PlacementError:
        """What to say where no way was found; ``label_of`` names a core."""
        here = [int((cores == self.core).sum()) for cores in core_of]
        label, number = network.populations[int(np.argmax(here))].label, int(np.argmax(here))
        side = "pre" if self.limit.counts == "targets" else "post"
        through = [p for p in network.projections if any(q == number for q, _ in getattr(p, side).parts)]
        largest = max(through, key=lambda p: p.rule.expected(network.ends(p)), default=None)
        return PlacementError(
            f"Neurons of population '{label}' {_TOO_MANY[self.limit.counts]}: the {sum(here):,} cells of a core need "
            f"{self.limit.amount(self.used)}{self._why(sum(here))}, the limit of a core is {self.limit.capacity:,}.",
            population=label,
            projection=largest.label if largest else "",
            core=label_of(self.core),
            resource=self.limit.resource,
            used=self.used,
            limit=self.limit.capacity,
            remedy=_REMEDY[self.limit.counts],
        )

    def _why(self, n_cells: int) -> str:
        """How the use of a limit that counts targets comes about."""
        if self.limit.counts != "targets":
            return ""
        more = f", {1 + self.limit.abroad} for a core on another chip" if self.limit.abroad else ""
        return f" ({self.used / max(n_cells, 1):,.4g} a cell: one for every core that it reaches{more})"


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


def _worst(budget: Budget, joint: dict[str, Int64]) -> Overfull | None:
    found = []
    for limit in budget.limits:
        used = joint.get(limit.resource, np.zeros(0, np.int64))
        if len(used) and int(used.max()) > limit.capacity:
            found.append(Overfull(limit, int(np.argmax(used)), int(used.max())))
    return max(found, key=lambda over: over.used / over.limit.capacity, default=None)


def summed(budget: Budget, parts: Partition) -> Int64:
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
    total, ratio = summed(budget, parts), np.ones((parts.n_cores, len(budget.limits)))
    for k, limit in enumerate(budget.limits):
        if limit.resource in joint:
            ratio[:, k] = joint[limit.resource] / np.maximum(total[:, k], 1)
    return ratio
