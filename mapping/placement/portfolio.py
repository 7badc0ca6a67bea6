"""Placement of cores: several starts, the best of them improved, and a report of what each gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.mapping.placement.improve import FEWEST_TRIES, Cooling, anneal, settle, unfold
from neurosim.mapping.placement.positions import Positions
from neurosim.mapping.placement.problem import Deadline, Problem
from neurosim.mapping.placement.starts import STARTS
from neurosim.mapping.structures import CoreGraph, Int32

Progress = Callable[[float, str], None]
_WHERE = "place_cores()"
_UNFOLD = "unfold:"
#: What one try of a swap costs beside its neighbours, in neighbours.
_TRY = 40


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to try.

    Attributes
    ----------
    starts
        Names of starts. ``unfold:`` before a name unfolds that start; one name may come several times, with
        other random numbers each time.
    n_settled, n_annealed
        How many of the cheapest go on to forces, and of these to annealing.
    n_visits
        Neighbours that annealing may look at; the number of sweeps follows from it.
    most_sweeps, fewest_sweeps
        Bounds of that number.
    """

    starts: tuple[str, ...]
    n_settled: int
    n_annealed: int
    n_visits: float
    most_sweeps: int
    fewest_sweeps: int


EFFORTS = {
    "fast": Effort(("given", "hilbert", "unfold:spectral"), 1, 1, 5e7, 100, 8),
    "normal": Effort(("given", "hilbert", "raster", "fiedler", "unfold:hilbert", "unfold:spectral"), 2, 1, 3e8, 400, 30),
    "best": Effort(
        (
            *("given", "hilbert", "raster", "zigzag", "fiedler", "bisection", "spectral"),
            *("unfold:hilbert", "unfold:spectral", "unfold:bisection", *["unfold:random"] * 4),
        ),
        *(4, 2, 3e9, 1500, 100),
    ),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the portfolio: from which start, what was done, what the placement then cost, how long it took."""

    start: str
    stage: str
    cost: float
    seconds: float


@dataclass(frozen=True, slots=True)
class PlacementReport:
    """What the portfolio did.

    Attributes
    ----------
    cost
        Sum of packets times hops of the result.
    start
        Start that led to it.
    stages
        Every step, in order.
    seconds
        Time in all.
    complete
        False if the time ran out; the result then depends on the speed of the machine.
    """

    cost: float
    start: str
    stages: tuple[Stage, ...]
    seconds: float
    complete: bool

    def __str__(self) -> str:
        lines = [f"{s.start:<18} {s.stage:<8} {s.cost:>14.6g} {s.seconds:>8.2f} s" for s in self.stages]
        end = "" if self.complete else ", cut short"
        return "\n".join([*lines, f"{self.start} won with {self.cost:.6g} after {self.seconds:.2f} s{end}"])


@dataclass(slots=True)
class _Candidate:
    start: str
    position_of: Int32
    cost: float


@dataclass(slots=True)
class _Search:
    problem: Problem
    effort: Effort
    deadline: Deadline
    progress: Progress | None
    stages: list[Stage] = field(default_factory=list)
    n_stages: int = 1

    def run(self, begin: list[_Candidate]) -> _Candidate:
        """The cheapest placement that was found."""
        effort = self.effort
        self.n_stages = len(effort.starts) + effort.n_settled + effort.n_annealed
        found = begin + [c for k, name in enumerate(effort.starts) if (c := self._begin(name, k))]
        found = _distinct(found)
        for candidate in found[: effort.n_settled]:
            self._improve(candidate, "settle", lambda position_of: settle(self.problem, position_of, self.deadline))
        found = _distinct(found)
        for k, candidate in enumerate(found[: effort.n_annealed]):
            self._improve(candidate, "anneal", lambda position_of, k=k: self._anneal(position_of, k))
        return _distinct(found)[0]

    def _begin(self, name: str, number: int) -> _Candidate | None:
        if self.stages and self.deadline.over:
            return None
        begun_s = self.deadline.elapsed_s
        plain = name.removeprefix(_UNFOLD)
        repeat = self.effort.starts[:number].count(name)
        problem = self.problem.reseeded(repeat) if repeat else self.problem
        position_of = STARTS[plain](problem)
        if plain != name:
            position_of = unfold(self.problem, position_of, self.deadline)
        return self._note(_Candidate(name, position_of, self.problem.cost(position_of)), "start", begun_s)

    def _improve(self, candidate: _Candidate, stage: str, improvement: Callable[[Int32], Int32]) -> None:
        if self.deadline.over:
            return
        begun_s = self.deadline.elapsed_s
        candidate.position_of = improvement(candidate.position_of)
        candidate.cost = self.problem.cost(candidate.position_of)
        self._note(candidate, stage, begun_s)

    def _anneal(self, position_of: Int32, stream: int) -> Int32:
        annealed = anneal(self.problem, position_of, cooling(self.problem, self.effort), stream, self.deadline)
        return settle(self.problem, annealed, self.deadline, potentials=(False,))

    def _note(self, candidate: _Candidate, stage: str, begun_s: float) -> _Candidate:
        self.stages.append(Stage(candidate.start, stage, candidate.cost, self.deadline.elapsed_s - begun_s))
        if self.progress:
            self.progress(min(len(self.stages) / self.n_stages, 1.0), f"{candidate.start}: {stage}")
        return candidate


def place_cores(
    graph: CoreGraph,
    positions: Positions,
    *,
    n_cores: int,
    pins: Mapping[int, int] | None = None,
    effort: str | Effort = "normal",
    seed: int = 0,
    seconds: float | None = None,
    current: Int32 | None = None,
    progress: Progress | None = None,
) -> tuple[Int32, PlacementReport]:
    """Position of every core such that packets pass few links.

    Parameters
    ----------
    graph
        Packets between cores.
    positions
        Where cores may stand; at least ``n_cores``.
    n_cores
        Number of cores, those without packets included.
    pins
        Position of each core that must not move.
    effort
        ``"fast"``, ``"normal"``, ``"best"``, or an :class:`Effort` of one's own.
    seed
        The same seed and effort give the same placement, unless ``seconds`` run out.
    seconds
        Time after which the best placement so far is given; ``None``: no limit. Stages look at the clock between
        sweeps, so that large networks take a little longer.
    current
        int32 (n_cores,): a placement to start from, beside the others. The result is never worse.
    progress
        Called with the part that is done (0 to 1) and what was done last.

    Returns
    -------
    position_of : int32 (n_cores,)
        Position of each core, all different.
    report : PlacementReport
        What each start and stage gave.

    Raises
    ------
    ParameterError
        If there are no cores; a core, a position or packets are out of range; two cores share a position; or
        ``seconds`` is not positive.
    PlacementError
        If there are fewer positions than cores.
    UnknownNameError
        If an effort or a start is not known.

    Examples
    --------
    >>> import numpy as np
    >>> ring = CoreGraph(np.arange(4), (np.arange(4) + 1) % 4, np.ones(4))
    >>> position_of, report = place_cores(ring, Positions.grid(2, 2), n_cores=4)
    >>> report.cost
    4.0
    """
    chosen = _effort(effort)
    if seconds is not None and not seconds > 0:
        raise ParameterError(
            f"the time limit is {seconds} s; it must be more than 0.",
            where=_WHERE,
            used=seconds,
            limit=0,
            remedy="Leave it out for no limit.",
        )
    problem = Problem(graph, n_cores, positions, dict(pins or {}), seed)
    deadline = Deadline(seconds)
    begin = [] if current is None else [_current(problem, current)]
    search = _Search(problem, chosen, deadline, progress)
    best = search.run(begin)
    return best.position_of, PlacementReport(best.cost, best.start, tuple(search.stages), deadline.elapsed_s, not deadline.met)


def cooling(problem: Problem, effort: Effort) -> Cooling:
    """Annealing within an effort: more sweeps begin hotter."""
    per_core = 2 * len(problem.adjacency.weight) / problem.n_cores + _TRY
    per_sweep = per_core * max(problem.n_cores, FEWEST_TRIES)
    n_sweeps = int(min(max(effort.n_visits / per_sweep, effort.fewest_sweeps), effort.most_sweeps))
    return Cooling(n_sweeps, hot=0.3 if n_sweeps < 60 else 1.0)


def _effort(effort: str | Effort) -> Effort:
    if isinstance(effort, str):
        if effort not in EFFORTS:
            raise UnknownNameError.among("effort", effort, EFFORTS, where=_WHERE)
        return EFFORTS[effort]
    for name in effort.starts:
        if name.removeprefix(_UNFOLD) not in STARTS:
            raise UnknownNameError.among("start", name, STARTS, where=_WHERE)
    return effort


def _current(problem: Problem, current: Int32) -> _Candidate:
    problem.check_placement(current)
    return _Candidate("current", current, problem.cost(current))


def _distinct(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """Candidates from the cheapest on, one of each cost; of equals the one that came first."""
    kept: dict[float, _Candidate] = {}
    for candidate in candidates:
        kept.setdefault(candidate.cost, candidate)
    return sorted(kept.values(), key=lambda candidate: candidate.cost)
