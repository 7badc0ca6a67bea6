"""Simulated annealing of objects on routers; what is minimised is links of the trees that packets take."""

from __future__ import annotations

import math

import numpy as np

from neurosim._jit import entry, inner
from neurosim.mapping.grouping.moving import Occupation, below, fits, forget_touched, move, next_random, occupation_of
from neurosim.mapping.grouping.problem import Problem
from neurosim.mapping.routing.growing import Scratch, gather, grow, scratch_of
from neurosim.mapping.routing.topology import Metric
from neurosim.mapping.structures import Int32, Int64

#: Links that a net counts for if no tree reaches all of its targets.
OUT_OF_REACH = 1 << 20


class Annealing:
    """Objects on routers, improved in stretches of work; the best placement seen at the end of a stretch is kept.

    Parameters
    ----------
    problem
        Objects and nets.
    place
        int32 (n,): router of each object; all fit.
    capacity
        int64 (n_routers, n_resources).
    metric
        Links and distances.
    seed
        Of the random moves.
    """

    def __init__(self, problem: Problem, place: Int32, capacity: Int64, metric: Metric, seed: int) -> None:
        self._problem, self._metric = problem, metric
        self._state: Occupation = occupation_of(problem, place, capacity)
        self._scratch: Scratch = scratch_of(len(capacity))
        self._length = np.zeros(problem.n_nets, np.int32)
        self._fresh = np.zeros(problem.n_nets, np.int32)
        self._random = np.array([seed], np.uint64)
        self._rooms = np.flatnonzero(capacity[:, 0] > 0).astype(np.int32)
        self._capacity = capacity
        self._measure()

    def _measure(self) -> None:
        _lengths(self._problem, self._state.place, self._metric, self._scratch, self._length)
        self.hops = float(self._problem.weight @ self._length)

    @property
    def place(self) -> Int32:
        """Router of each object now, int32 (n,)."""
        return self._state.place.copy()

    def go_back(self, place: Int32) -> None:
        """Begin again from another placement."""
        self._state = occupation_of(self._problem, place, self._capacity)
        self._measure()

    def stretch(self, hot: float, cold: float, work: int) -> None:
        """Anneal from one temperature to another (both in packets times links) for an amount of work, in steps of some nanoseconds."""
        if len(self._rooms) < 2 or not self._problem.n_nets or (self._problem.fixed >= 0).all():
            return
        args = (self._problem, self._state, self._metric, self._scratch, self._length, self._fresh, self._rooms, self._random)
        _anneal(*args, hot, math.log(cold / hot), work)
        self.hops = float(self._problem.weight @ self._length)


def hops_of(problem: Problem, place: Int32, metric: Metric) -> float:
    """Packets times links of the trees of all nets."""
    length = np.zeros(problem.n_nets, np.int32)
    _lengths(problem, np.ascontiguousarray(place, np.int32), metric, scratch_of(len(metric.x)), length)
    return float(problem.weight @ length)


@entry()
def _lengths(p, place, metric, s, out_length):
    for net in range(len(out_length)):
        out_length[net] = tree_length(net, p, place, metric, s)


@inner()
def tree_length(net, p, place, metric, s):
    """Links of the tree of one net."""
    root = place[p.source[net]]
    n = gather(root, p.target[p.indptr[net] : p.indptr[net + 1]], place, s)
    n_links = grow(root, n, 0, metric, s)
    return n_links if n_links >= 0 else np.int64(OUT_OF_REACH)


@entry()
def _anneal(p, o, metric, s, length, fresh, rooms, random, hot, log_ratio, budget):
    """Random moves and swaps; falling temperature, until ``budget`` of work is spent."""
    work, n = 0, len(o.place)
    temperature = hot
    while work < budget:
        work += 30
        item = below(n, random)
        to = _wish(item, p, o, metric, rooms, random)
        at = o.place[item]
        if to == at or p.fixed[item] >= 0:
            continue
        other = np.int64(-1)
        if o.n_members[to] > 0 and (not fits(item, -1, to, p, o) or next_random(random) & 1):
            other = np.int64(o.member[to, below(o.n_members[to], random)])
            if p.fixed[other] >= 0 or not fits(other, item, at, p, o):
                continue
        if not fits(item, other, to, p, o):
            continue
        temperature = hot * math.exp(log_ratio * work / budget)
        forget_touched(o)
        move(item, to, p, o)
        work += p.of_indptr[item + 1] - p.of_indptr[item]
        if other >= 0:
            move(other, at, p, o)
            work += p.of_indptr[other + 1] - p.of_indptr[other]
        change, spent = _change(p, o, metric, s, length, fresh)
        work += spent
        if change <= 0 or (next_random(random) + 0.5) / 4294967296.0 < math.exp(-change / temperature):
            for k in range(o.number[0]):
                length[o.touched[k]] = fresh[o.touched[k]]
        else:
            move(item, at, p, o)
            if other >= 0:
                move(other, to, p, o)
    return work


@inner()
def _wish(item, p, o, metric, rooms, random):
    """A router for an object: that of one it shares a net with, one next to that, or any."""
    nets = p.of_indptr[item + 1] - p.of_indptr[item]
    dice = below(16, random)
    if nets == 0 or dice == 0:
        return rooms[below(len(rooms), random)]
    net = p.of_net[p.of_indptr[item] + below(nets, random)]
    mate = p.source[net]
    if mate == item or next_random(random) & 1:
        mate = p.target[p.indptr[net] + below(p.indptr[net + 1] - p.indptr[net], random)]
    to = o.place[mate]
    if dice < 8 or to == o.place[item]:
        near = metric.neighbour[to, below(metric.neighbour.shape[1], random)]
        if near >= 0:
            return near
    return to


@inner()
def _change(p, o, metric, s, length, fresh):
    """Change of the cost by the moves just made, and the work it took to know it."""
    change, work = 0.0, 0
    for k in range(o.number[0]):
        net = o.touched[k]
        fresh[net] = tree_length(net, p, o.place, metric, s)
        change += p.weight[net] * (fresh[net] - length[net])
        work += 40 + p.indptr[net + 1] - p.indptr[net] + 4 * min(fresh[net], 1000)
    return change, work
