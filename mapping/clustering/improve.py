"""From a wish where neurons should be to a partition that keeps every limit, then to a better one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.mapping.clustering.counting import Counts, counted
from neurosim.mapping.clustering.descent import accept, descend, evict, insert, new_search
from neurosim.mapping.clustering.filling import fill_in_order
from neurosim.mapping.clustering.inputs import Fanin
from neurosim.mapping.clustering.limits import UNLIMITED, Limits, Rules
from neurosim.mapping.clustering.state import LONE, Cores, Pins, empty_cores, pins_of
from neurosim.mapping.structures import Fanout

Int32 = NDArray[np.int32]

#: Largest table of pins, in bytes; beyond it cores are improved block by block.
MOST_BYTES = 1_000_000_000
_SLICES = 8
#: After so many slices of the first pass, one that saves less than this part of what it should is not finished.
_FIRST, _HOPELESS = 2, 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What all stages read: checked synapses both ways round, limits, and the seed."""

    fanout: Fanout
    fanin: Fanin
    limits: Limits
    rules: Rules
    seed: int

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.fanout.n_sources

    @property
    def closed(self) -> Int32:
        """Cores on which only fixed neurons may be."""
        fixed = self.rules.fixed
        return np.unique(fixed[fixed >= 0]) if not self.limits.shares_fixed else np.empty(0, np.int32)

    def block(self) -> int:
        """Cores of which the pins fit in memory."""
        return min(max(MOST_BYTES // (2 * max(self.n, 1)), 16), LONE)

    def keeps_limits(self, core_of: Int32, counts: Counts) -> bool:
        """Whether a partition breaks no limit, places every neuron, and leaves fixed ones where they must be."""
        rules, found = self.rules, core_of.copy()
        accept(_fixed_first(rules), rules, self.cores(len(counts.inbound)), found)
        placed = np.array_equal(found, core_of) and np.array_equal(core_of >= 0, rules.population >= 0)
        held = bool(((rules.fixed < 0) | (rules.fixed == core_of)).all())
        over = int(counts.inbound.max(initial=0)) > rules.inbound or int(counts.outbound.max(initial=0)) > rules.outbound
        return placed and held and not over

    def cores(self, n_cores: int) -> Cores:
        """Empty cores."""
        cores = empty_cores(self.rules, n_cores)
        cores.closed[self.closed[self.closed < n_cores]] = 1
        return cores

    def counts(self, core_of: Int32) -> Counts:
        """Exact counts."""
        return counted(self.fanout, core_of, int(core_of.max(initial=-1)) + 1)


def _fixed_first(rules: Rules) -> Int32:
    placed = np.flatnonzero(rules.population >= 0)
    return placed[np.argsort(rules.fixed[placed] < 0, kind="stable")].astype(np.int32)


def fill_loosely(problem: Problem, order: Int32, n_cores: int) -> Int32:
    """Fill cores in an order, each to the same part, so that ``n_cores`` are used; full if that needs more.

    Neurons then have where to move. Where populations may not mix they follow each other.
    """
    if not problem.limits.mixes:
        order = order[np.argsort(problem.rules.population[order], kind="stable")]
    core_of = _fill(problem, problem.rules, order)
    needed = int(core_of.max(initial=-1)) + 1
    if needed >= n_cores or needed < 2:
        return core_of
    rules, least = problem.rules, np.array([table[1] for table in problem.limits.use])
    share = needed / n_cores
    capacity = np.maximum(np.ceil(rules.capacity * share).astype(np.int64), least.max(axis=0))
    most = np.maximum(np.ceil(rules.most * share).astype(np.int64), 1)
    if (rules.fixed >= 0).any():  # which may need all of a core
        return core_of
    loose = _fill(problem, rules._replace(capacity=capacity, most=most), order)
    return loose if int(loose.max()) < n_cores else core_of


def _fill(problem: Problem, rules: Rules, order: Int32) -> Int32:
    return fill_in_order(rules, problem.fanin, order, shares_fixed=problem.limits.shares_fixed)


def repair(problem: Problem, wish: Int32, n_cores: int) -> Int32 | None:
    """Partition under all limits in which most neurons are where they should be.

    Parameters
    ----------
    problem
        Synapses and limits.
    wish
        int32 (n,): core of each neuron, -1 for any.
    n_cores
        Cores that there are; more if neurons shall be on higher ones.

    Returns
    -------
    int32 (n,) or None
        ``None`` if some neuron found no room.
    """
    rules = problem.rules
    core_of = np.where(rules.fixed >= 0, rules.fixed, wish).astype(np.int32)
    core_of[rules.population < 0] = -1
    n_cores = max(n_cores, int(core_of.max(initial=-1)) + 1)  # fixed neurons may be on higher ones
    if n_cores > problem.block():
        return None
    cores, order = problem.cores(n_cores), _fixed_first(rules)
    accept(order, rules, cores, core_of)
    if ((rules.fixed >= 0) & (core_of != rules.fixed)).any():
        return None
    unlimited = rules.inbound == UNLIMITED and rules.outbound == UNLIMITED
    if unlimited and (core_of[order] >= 0).all():
        return core_of
    pins = _load(problem, core_of, cores, 0, n_cores)
    evict(order[::-1].copy(), problem.fanin, rules, cores, pins, core_of)
    left = order[core_of[order] < 0]
    search = new_search(problem.n, n_cores, 256)
    failed = pins.over[0] > 0 or insert(left, problem.fanin, problem.fanout, rules, cores, pins, search, core_of)
    return None if failed else core_of


def _load(problem: Problem, core_of: Int32, cores: Cores, first: int, n_cores: int) -> Pins:
    """Pins of a block; ``cores`` get the distinct connections."""
    counts = counted(problem.fanout, core_of, len(cores.size))
    cores.inbound[:], cores.outbound[:] = counts.inbound, counts.outbound
    pins = pins_of(problem.fanout, core_of, first, n_cores)
    rules = problem.rules
    pins.over[0] = (counts.inbound > rules.inbound).sum() + (counts.outbound > rules.outbound).sum()
    return pins


def improve(problem: Problem, start: Int32, n_cores: int, *, passes: int, least: float, sample: int, go_on: Callable[[], bool]) -> Int32:
    """Better partition, by moves and swaps of single neurons.

    Parameters
    ----------
    problem
        Synapses and limits.
    start
        Partition that keeps all limits.
    n_cores
        Cores that may be used.
    passes
        At most so many looks at every neuron.
    least
        Stop after a pass that saves less than this part of the packets.
    sample
        Sources beyond which only some are weighed.
    go_on
        Asked now and then; work ends when it says no.
    """
    core_of, rules = start.copy(), problem.rules
    cores = problem.cores(max(n_cores, int(start.max(initial=-1)) + 1))
    accept(_fixed_first(rules), rules, cores, core_of)
    n_cores, width = len(cores.size), problem.block()
    rng = np.random.default_rng(problem.seed)
    order = rng.permutation(np.flatnonzero((rules.population >= 0) & (rules.fixed < 0))).astype(np.int32)
    packets, whole = problem.counts(core_of).packets, n_cores <= width
    pins = _load(problem, core_of, cores, 0, n_cores) if whole else None
    search = new_search(problem.n, min(n_cores, width), sample)
    for turn in range(passes):
        saved = 0.0
        for first in [0] if whole else _firsts(n_cores, width, turn):
            size = min(width, n_cores - first)
            here = pins or _load(problem, core_of, cores, first, size)
            part = search if size == len(search.score) else search._replace(score=search.score[:size])
            if not whole:
                search.active[:] = 1
            for k, piece in enumerate(np.array_split(order, _SLICES)):
                hopeless = whole and turn == 0 and k >= _FIRST and saved * _SLICES / k < _HOPELESS * least * packets
                if hopeless or not go_on():
                    return core_of
                saved += descend(piece, problem.fanin, problem.fanout, rules, cores, here, part, core_of, 1)[0]
        if saved <= least * packets:
            break
        packets -= saved
    return core_of


def _firsts(n_cores: int, width: int, turn: int) -> list[int]:
    """Where blocks begin: half a block later in every other pass."""
    return sorted({min(max(first, 0), n_cores - 1) for first in range(-(width // 2) * (turn % 2), n_cores, width)})
