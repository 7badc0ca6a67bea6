"""Several partitions, counted exactly; the best is taken, never one worse than the baseline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.clustering import graphs
from neurosim.mapping.clustering.filling import fill_in_order
from neurosim.mapping.clustering.improve import Problem, fill_loosely, improve, repair
from neurosim.mapping.clustering.inputs import check_fanout, check_inputs, check_neurons, turned
from neurosim.mapping.clustering.limits import Limits, fewest_cores, rules_of
from neurosim.mapping.clustering.orders import bisection_groups, check_positions, hilbert_order
from neurosim.mapping.structures import Fanout

Int32 = NDArray[np.int32]

_WHERE = "cluster_neurons"
#: Room left on cores, as a part, for neurons to move to.
_SLACK = 0.04
#: Synapses of each neuron that a graph keeps.
_SAMPLE = 16
#: Beyond so many pairs of neurons only the best start is improved.
_MANY_PAIRS = 3_000_000
#: Improving from several starts pays unless one is this much better than the others.
_CLEARLY = 0.9


@dataclass(frozen=True, slots=True)
class _Effort:
    """How much is tried.

    Attributes
    ----------
    starts
        Starts that are improved.
    passes, work
        Looks at every neuron, and pairs of neurons to go through in all of them; one pass is always made.
    least, least_large
        Part of the packets that a pass must save for another to follow; for networks with many pairs.
    sample
        Sources that are weighed of every neuron.
    thorough
        Whether METIS is tried next to positions, and starts that look worse are improved too.
    """

    starts: int
    passes: int
    least: float
    least_large: float
    sample: int
    work: float
    thorough: bool = False


_EFFORTS = {
    "fast": _Effort(starts=1, passes=2, least=0.01, least_large=0.05, sample=64, work=1e8),
    "normal": _Effort(starts=2, passes=12, least=0.001, least_large=0.01, sample=128, work=3e8),
    "best": _Effort(starts=9, passes=60, least=0.0001, least_large=0.001, sample=1024, work=1e10, thorough=True),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One partition that was looked at.

    Attributes
    ----------
    candidate, stage
        How it began (``"sequential"``, ``"hilbert"``, ``"metis"``...), and ``"start"`` or ``"improved"``.
    cores
        Cores with neurons.
    packets
        See :class:`neurosim.mapping.clustering.counting.Counts`.
    seconds
        What this stage took.
    """

    candidate: str
    stage: str
    cores: int
    packets: float
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """Neurons on logical cores.

    Attributes
    ----------
    core_of
        int32 (n,): core of each neuron, -1 if it is not to be placed.
    n_cores
        Number of cores; some are empty only if neurons are fixed beyond them.
    packets
        Sum over neurons of rate times other cores with a target.
    chosen
        Candidate that won.
    stages
        All that was looked at, the baseline first.
    seconds
        For everything.
    cut_short
        True if ``seconds`` ended the work: another run may then differ.
    """

    core_of: Int32
    n_cores: int
    packets: float
    chosen: str
    stages: tuple[Stage, ...]
    seconds: float
    cut_short: bool = False

    @property
    def ratio(self) -> float:
        """Packets relative to the baseline; 1 if there are none."""
        return self.packets / self.stages[0].packets if self.stages[0].packets else 1.0


def cluster_neurons(
    fanout: Fanout,
    population: object,
    limits: Limits,
    *,
    fixed: object = None,
    positions: object = None,
    baseline: object = None,
    effort: str = "normal",
    seconds: float | None = None,
    progress: Callable[[Stage], object] | None = None,
    seed: int = 0,
) -> Clustering:
    """Partition of neurons on cores with few packets between cores, under all limits of a core.

    Never worse than the baseline in cores nor in packets. The same input and seed give the same
    partition, unless ``seconds`` ended the work.

    Parameters
    ----------
    fanout
        Targets of every neuron, and its rate.
    population
        (n,): population of each neuron; -1 if it is not to be placed and only sends.
    limits
        What a core can hold.
    fixed
        (n,): core that a neuron must be on, -1 if free.
    positions
        (n, d): where neurons lie, if that is known; the first three coordinates count.
    baseline
        (n,): a partition to do better than; cores are filled in the given order if left out.
    effort
        ``"fast"``, ``"normal"`` or ``"best"``.
    seconds
        When to end with what there is; the baseline is always made.
    progress
        Called with every :class:`Stage`.
    seed
        0 or more.

    Raises
    ------
    ParameterError
        If an input is malformed, or a given baseline breaks a limit.
    PlacementError
        If one neuron exceeds a limit, or fixed neurons do not fit where they must be.

    Examples
    --------
    >>> fanout = Fanout(np.arange(5), np.array([2, 3, 0, 1], np.int32), np.ones(4, np.float32))
    >>> cluster_neurons(fanout, [0, 0, 0, 0], Limits.linear(2)).packets
    0.0
    """
    begun = time.perf_counter()
    problem = _problem(fanout, population, limits, fixed, _check_seed(seed))
    if effort not in _EFFORTS:
        raise ParameterError(f"effort is {effort!r}.", where=_WHERE, used=effort, limit=tuple(_EFFORTS), remedy="Use 'normal'.")
    if seconds is not None and not seconds >= 0:
        raise ParameterError(f"seconds is {seconds}.", where=_WHERE, used=seconds, limit=0, remedy="Use None for no limit.")
    places = None if positions is None else check_positions(positions, problem.n)
    run = _Run(problem, _EFFORTS[effort], begun, seconds, progress)
    run.begin(_baseline(problem, baseline))
    if run.entries[0].stage.packets > 0 or run.entries[0].stage.cores > 1:
        run.work(places)
    best = min(run.allowed(), key=lambda entry: (entry.stage.packets, entry.stage.cores))
    core_of = _numbered(best.core_of, problem.rules.fixed)
    stages = tuple(entry.stage for entry in run.entries)
    n_cores, name = int(core_of.max(initial=-1)) + 1, best.stage.candidate
    return Clustering(core_of, n_cores, best.stage.packets, name, stages, time.perf_counter() - begun, run.cut_short)


def _check_seed(seed: int) -> int:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError("the seed must be a whole number, 0 or more.", where=_WHERE, used=seed, limit=0, remedy="Use seed=0.")
    return int(seed)


def _problem(fanout: Fanout, population: object, limits: Limits, fixed: object, seed: int) -> Problem:
    table = check_fanout(fanout)
    n = table.n_sources
    members = check_neurons("population", np.zeros(0, int) if n == 0 else population, n, -1, len(limits.use) - 1)
    held = np.full(n, -1, np.int32) if fixed is None else check_neurons("fixed", fixed, n, -1, max(n, 65_536) - 1)
    sends_only = np.flatnonzero((held >= 0) & (members < 0))
    if len(sends_only):
        text = f"neuron {sends_only[0]} is fixed but not to be placed."
        raise ParameterError(text, where=_WHERE, used=int(held[sends_only[0]]), limit=-1, remedy="Give it a population, or fixed = -1.")
    fanin = turned(table)
    check_inputs(fanin, limits, members)
    return Problem(table, fanin, limits, rules_of(limits, members, held), seed)


def _baseline(problem: Problem, given: object) -> Int32:
    if given is not None:
        core_of = check_neurons("baseline", given, problem.n, -1, max(problem.n, 65_536) - 1)
        if not problem.keeps_limits(core_of, problem.counts(core_of)):
            text = "the baseline breaks a limit, leaves a neuron out, or moves a fixed one."
            raise ParameterError(text, where=_WHERE, remedy="Leave it out: cores are then filled in the given order.")
        return core_of
    order = np.arange(problem.n, dtype=np.int32)
    core_of = fill_in_order(problem.rules, problem.fanin, order, shares_fixed=problem.limits.shares_fixed)
    counts = problem.counts(core_of)
    if problem.keeps_limits(core_of, counts):
        return core_of
    n_cores = len(counts.inbound)
    for more in (n_cores + 1, ceil(n_cores * 1.25) + 1, 2 * n_cores + 1):
        found = repair(problem, core_of, more)
        if found is not None and problem.keeps_limits(found, problem.counts(found)):
            return found
    worst = int(np.argmax(counts.outbound))
    raise PlacementError(
        f"The neurons of core {worst} have targets on {int(counts.outbound[worst]):,} cores together, "
        f"the limit is {problem.limits.outbound:,}, and no way to spread them was found.",
        core=f"core {worst}",
        resource="outbound",
        used=int(counts.outbound[worst]),
        limit=problem.limits.outbound,
        remedy="Let neurons have fewer targets, or put fewer on a core.",
    )


def _numbered(core_of: Int32, fixed: Int32) -> Int32:
    """Cores without gaps, in their order; those of fixed neurons keep their numbers."""
    used, held = np.unique(core_of[core_of >= 0]), np.unique(fixed[fixed >= 0])
    free = np.setdiff1d(used, held)
    numbers = np.setdiff1d(np.arange(len(used) + len(held)), held)[: len(free)]
    table = np.full(int(core_of.max(initial=-1)) + 2, -1, np.int32)
    table[free], table[held] = numbers, held
    return table[core_of]


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    core_of: Int32
    stage: Stage


@dataclass(slots=True, eq=False)
class _Run:
    """One call: what was tried so far."""

    problem: Problem
    effort: _Effort
    begun: float
    seconds: float | None
    progress: Callable[[Stage], object] | None
    entries: list[_Entry] = field(default_factory=list)
    cut_short: bool = False

    def go_on(self) -> bool:
        self.cut_short |= self.seconds is not None and time.perf_counter() - self.begun > self.seconds
        return not self.cut_short

    def add(self, candidate: str, stage: str, core_of: Int32, since: float) -> _Entry | None:
        """Count a partition and remember it; ``None`` if it breaks a limit."""
        counts = self.problem.counts(core_of)
        if not self.problem.keeps_limits(core_of, counts):
            return None
        cores = len(np.unique(core_of[core_of >= 0]))
        entry = _Entry(core_of, Stage(candidate, stage, cores, counts.packets, time.perf_counter() - since))
        self.entries.append(entry)
        if self.progress is not None:
            self.progress(entry.stage)
        return entry

    def begin(self, core_of: Int32) -> None:
        if self.add("sequential", "start", core_of, self.begun) is None:
            raise AssertionError("a baseline is checked before")

    def allowed(self) -> list[_Entry]:
        """What is not worse than the baseline."""
        first = self.entries[0].stage
        return [entry for entry in self.entries if entry.stage.cores <= first.cores and entry.stage.packets <= first.packets]

    def work(self, positions: NDArray[np.float64] | None) -> None:
        """Make the other starts, and improve those that promise most."""
        baseline = self.entries[0]
        n_cores = int(baseline.core_of.max(initial=-1)) + 1
        target = min(n_cores, max(ceil(fewest_cores(self.problem.rules) * (1 + _SLACK)), 1))
        for name, make in self.starts(positions, target):
            since = time.perf_counter()
            if not self.go_on():
                return
            core_of = make()
            if core_of is not None:
                self.add(name, "start", core_of, since)
        starts = sorted(self.entries, key=lambda entry: (entry.stage.cores > baseline.stage.cores, entry.stage.packets))
        for k, entry in enumerate(starts[: self.effort.starts]):
            clearly = starts[0].stage.packets < _CLEARLY * entry.stage.packets
            if k and (clearly or self.is_large()) and not self.effort.thorough:
                break
            self.improved(entry, n_cores)

    def is_large(self) -> bool:
        """Whether there are so many pairs that a pass takes seconds."""
        return len(self.problem.fanin.source) > _MANY_PAIRS

    def improved(self, entry: _Entry, n_cores: int) -> None:
        since, effort = time.perf_counter(), self.effort
        if not self.go_on():
            return
        least = effort.least_large if self.is_large() else effort.least
        passes = max(1, min(effort.passes, int(effort.work / max(len(self.problem.fanin.source), 1))))
        core_of = improve(self.problem, entry.core_of, n_cores, passes=passes, least=least, sample=effort.sample, go_on=self.go_on)
        self.add(entry.stage.candidate, "improved", core_of, since)

    def starts(self, positions: NDArray[np.float64] | None, n_cores: int) -> Iterator[tuple[str, Callable[[], Int32 | None]]]:
        """Name and maker of every start but the baseline."""
        problem = self.problem
        order = np.arange(problem.n, dtype=np.int32)
        yield "given", lambda: fill_loosely(problem, order, n_cores)
        if positions is not None:
            yield "hilbert", lambda: fill_loosely(problem, hilbert_order(positions), n_cores)
            yield "bisection", lambda: self.grouped(bisection_groups(positions, n_cores), n_cores)
        if n_cores > 1 and (positions is None or self.effort.thorough):
            yield ("metis", lambda: self.metis(n_cores)) if graphs.has_metis() else ("spectral", lambda: self.spectral(n_cores))

    def metis(self, n_cores: int) -> Int32 | None:
        """METIS on sampled synapses, then every limit enforced."""
        problem, rules = self.problem, self.problem.rules
        graph = graphs.sampled_graph(problem.fanout, _SAMPLE, problem.seed)
        one = np.array([table[1] / np.maximum(problem.limits.capacity, 1) for table in problem.limits.use]).max(axis=1)
        share = np.maximum(one, 1.0 / np.maximum(rules.most, 1))
        weight = np.where(rules.population >= 0, np.ceil(share[rules.population] / share.min()), 0).astype(np.int64)
        groups = graphs.metis_groups(graph, np.minimum(weight, 10_000), n_cores, problem.seed)
        return self.grouped(groups, n_cores)

    def grouped(self, groups: Int32, n_cores: int) -> Int32 | None:
        """Groups as cores, every limit enforced; one after the other where populations may not share a core."""
        problem = self.problem
        if problem.limits.mixes and n_cores <= problem.block():
            return repair(problem, _held(groups, problem.rules.fixed), n_cores)
        return fill_loosely(problem, np.argsort(groups, kind="stable").astype(np.int32), n_cores)

    def spectral(self, n_cores: int) -> Int32:
        """Along a curve through coordinates made from the synapses."""
        graph = graphs.sampled_graph(self.problem.fanout, _SAMPLE, self.problem.seed)
        order = hilbert_order(graphs.spectral_positions(graph, self.problem.seed))
        return fill_loosely(self.problem, order, n_cores)


def _held(groups: Int32, fixed: Int32) -> Int32:
    """Groups numbered so that each core with fixed neurons gets the group that most of them are in."""
    n_groups = int(groups.max(initial=-1)) + 1
    number = np.full(n_groups, -1, np.int32)
    for core in np.unique(fixed[fixed >= 0]).tolist():
        for group in np.argsort(-np.bincount(groups[fixed == core], minlength=n_groups), kind="stable").tolist():
            if number[group] < 0:
                number[group] = core
                break
    left = np.flatnonzero(number < 0)
    number[left] = np.setdiff1d(np.arange(n_groups + len(np.unique(fixed))), fixed)[: len(left)]
    return number[groups]
