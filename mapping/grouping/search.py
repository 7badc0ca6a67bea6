"""The search: groups by several ways, groups on routers, then single objects; the best of all is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from neurosim.mapping.grouping import groups, spread
from neurosim.mapping.grouping.annealing import Annealing, hops_of
from neurosim.mapping.grouping.descent import descend
from neurosim.mapping.grouping.moving import fits_in_memory, km1
from neurosim.mapping.grouping.options import Options
from neurosim.mapping.grouping.problem import Problem, coarsened, graph_of, twins
from neurosim.mapping.routing.topology import Metric
from neurosim.mapping.structures import Int32, Int64, Topology

#: Stretches that the work of a stage is divided into; time is looked at between them.
_STRETCHES = 20
#: Groups to spare, as shares of the fewest that suffice.
_SLACK = (0.0, 0.04, 0.15)
#: Passes of descent.
_PASSES = {"fast": 3, "normal": 6, "best": 20}
#: Pins from which on fewer groupings are tried.
_MANY_PINS = 200_000


@dataclass
class Search:
    """One search.

    Attributes
    ----------
    topology, metric, capacity
        Routers, distances, int64 (n_routers, n_resources).
    options
        Effort, time, seed.
    stages
        Name and packets times links after each stage that improved anything.
    """

    topology: Topology
    metric: Metric
    capacity: Int64
    options: Options
    stages: list[tuple[str, float]] = field(default_factory=list)
    started_s: float = field(default_factory=time.monotonic)
    stopped: bool = False

    def is_late(self) -> bool:
        """Whether the time is up."""
        limit = self.options.seconds
        self.stopped = self.stopped or (limit is not None and time.monotonic() - self.started_s > limit)
        return self.stopped

    # --- all of it -----------------------------------------------------------------------------
    def best(self, problem: Problem, natural: Int32) -> tuple[Int32, float]:
        """Router of each object and packets times links; never worse than ``natural``."""
        place, hops = natural, hops_of(problem, natural, self.metric)
        self.stages.append(("natural order", hops))
        if not problem.n_nets or (problem.fixed >= 0).all() or (self.capacity[:, 0] > 0).sum() < 2:
            return place, hops
        bunch = twins(problem, max(1, int(self.capacity[:, 0].max()) // 2))
        starts, costs = [place], [hops]
        if 2 * (int(bunch.max()) + 1) <= problem.n:
            coarse = coarsened(problem, bunch)
            found = self._by_groups(coarse, None, "bunches")
            if found is not None:
                starts.append(found[bunch])
        grouped = self._by_groups(problem, natural, "cores")
        starts += [] if grouped is None else [grouped]
        costs += [hops_of(problem, start, self.metric) for start in starts[1:]]
        place, hops = starts[int(np.argmin(costs))], min(costs)
        self.stages.append(("groups", hops))
        return self._annealed(problem, place, hops, "single cores", 0.3, 0.5)

    # --- groups --------------------------------------------------------------------------------
    def _by_groups(self, problem: Problem, natural: Int32 | None, name: str) -> Int32 | None:
        """Router of each object by way of groups; ``None`` if no grouping fits."""
        kept = {"fast": 1, "normal": 3, "best": 6}[self.options.effort]
        kept = max(1, kept // 3) if len(problem.target) > _MANY_PINS else kept
        best, least = None, np.inf
        for rank, (packets, group) in enumerate(self._groupings(problem, natural, kept)):
            if rank and (self.is_late() or packets >= least):  # a tree has a link for each group it reaches, at least
                break
            place, hops = self._groups_placed(problem, group, f"{name}: groups {rank + 1}", 1.0 / kept)
            if place is not None and hops < least:
                best, least = place, hops
        if best is not None and name == "bunches":
            best, least = self._annealed(problem, best, least, name, 0.5)
        return best

    def _groupings(self, problem: Problem, natural: Int32 | None, kept: int) -> list[tuple[float, Int32]]:
        """The best groupings that fit and the packets between their groups, fewest first."""
        graph = graph_of(problem)
        line, raw = groups.line_order(graph), []
        for capacity, start in self._group_capacities(problem):
            found = [groups.in_order(problem, order, capacity, start) for order in (np.arange(problem.n), line)]
            found += [groups.grown(problem, graph, capacity, start), groups.cut(problem, graph, capacity, start, self.options.seed)]
            raw += [(km1(problem, group), len(raw) + i, capacity, group) for i, group in enumerate(found) if group is not None]
        better = {}
        for packets, rank, capacity, group in sorted(raw, key=lambda item: item[:2])[: 2 * kept - 1]:
            fewer = group
            if fits_in_memory(problem.n_nets, len(capacity)) and not self.is_late():
                fewer = descend(problem, group, capacity, seed=self.options.seed, passes=_PASSES[self.options.effort])
            better[fewer.tobytes()] = (packets if fewer is group else km1(problem, fewer), rank, fewer)
        if natural is not None:
            used = np.unique(natural, return_inverse=True)[1].astype(np.int32)
            better[used.tobytes()] = (km1(problem, used), len(raw), used)
        return [(packets, group) for packets, _, group in sorted(better.values(), key=lambda item: item[:2])[:kept]]

    def _group_capacities(self, problem: Problem) -> list[tuple[Int64, Int32]]:
        """Capacities of the groups of some sizes of machine, and the group of what is pinned: each pinned router is a group."""
        pinned = np.unique(problem.fixed[problem.fixed >= 0])
        start = np.where(problem.fixed >= 0, np.searchsorted(pinned, problem.fixed), -1).astype(np.int32)
        free = np.setdiff1d(np.flatnonzero(self.capacity[:, 0] > 0), pinned)
        free = free[np.lexsort((free, -self.capacity[free, 0]))]
        rows = self.capacity[np.concatenate([pinned, free]).astype(np.int64)]
        enough = (np.cumsum(rows, axis=0) >= problem.use.sum(axis=0)).all(axis=1)
        fewest = max(int(np.argmax(enough)) + 1, len(pinned) + 1)
        slacks = _SLACK[1:2] if len(problem.target) > _MANY_PINS else _SLACK
        sizes = sorted({min(len(rows), fewest + int(np.ceil(slack * fewest))) for slack in slacks})
        return [(rows[:size], start) for size in sizes]

    def _groups_placed(self, problem: Problem, group: Int32, name: str, share: float) -> tuple[Int32 | None, float]:
        """Router of each object, by annealing whole groups from the best of some first places."""
        label = np.unique(group, return_inverse=True)[1].astype(np.int32)
        coarse = coarsened(problem, label)
        starts = [start for start in self._spread(coarse) if start is not None]
        if not starts:
            return None, np.inf
        costs = [hops_of(coarse, start, self.metric) for start in starts]
        first = int(np.argmin(costs))
        place, hops = self._annealed(coarse, starts[first], costs[first], name, 1.0, share)
        return place[label], hops

    def _spread(self, coarse: Problem) -> list[Int32 | None]:
        pinned = coarse.fixed[coarse.fixed >= 0]
        free = np.setdiff1d(np.flatnonzero(self.capacity[:, 0] > 0), pinned)
        near = spread.compact(self.topology, free, int((coarse.fixed < 0).sum()), self.capacity)
        order = spread.snake(self.topology)
        snake = order[self.capacity[order, 0] > 0]
        roomy = snake[np.isin(snake, near)]
        found = [spread.matched(coarse, np.arange(coarse.n), free, self.capacity), spread.along(coarse, roomy, self.capacity)]
        if coarse.n > 3:
            modes = spread.modes(graph_of(coarse))
            found += [spread.pulled(coarse, where, self.topology, near, self.capacity) for where in (modes, modes[:, ::-1])]
        return found

    # --- annealing -----------------------------------------------------------------------------
    def _annealed(self, problem: Problem, place: Int32, hops: float, name: str, heat: float, share: float = 1.0) -> tuple[Int32, float]:
        """Better places, or the same; ``heat`` is the first temperature in mean packets of a net."""
        if not fits_in_memory(problem.n_nets, len(self.capacity)) or not problem.n_nets:
            return place, hops
        annealing = Annealing(problem, place, self.capacity, self.metric, self.options.seed)
        scale, work = float(problem.weight.mean()), int(self.options.work * share / _STRETCHES)
        best, least, bound = place, hops, self._bound(problem)
        falling = heat * scale * (0.02 / heat) ** (np.arange(_STRETCHES + 1) / _STRETCHES)
        for k in range(_STRETCHES):
            if self.is_late() or least <= bound:
                break
            annealing.stretch(float(falling[k]), float(falling[k + 1]), work)
            self.options.tell(name, (k + 1) / _STRETCHES)
            if annealing.hops < least:
                best, least = annealing.place, annealing.hops
        self.stages.append((name, least))
        return best, least

    def _bound(self, problem: Problem) -> float:
        """Packets times links that no placement goes below: a net reaches as many routers as its objects need, at least."""
        most = self.capacity.max(axis=0)
        need = problem.use[problem.source].astype(np.float64)
        np.add.at(need, np.repeat(np.arange(problem.n_nets), np.diff(problem.indptr)), problem.use[problem.target])
        routers = np.ceil(need / np.maximum(most, 1)).max(axis=1)
        return float(problem.weight @ np.maximum(routers - 1, 0))
