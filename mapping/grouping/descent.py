"""Fewer packets between groups: objects change groups, or swap, as long as that helps."""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry, inner
from neurosim.mapping.grouping.moving import below, fits, forget_touched, move, occupation_of
from neurosim.mapping.grouping.problem import Problem
from neurosim.mapping.structures import Int32, Int64

#: Nets with more pins than this do not say where an object would like to be.
_TELLING = 256
#: Groups that are tried for an object.
_TRIED = 4


def descend(problem: Problem, group: Int32, capacity: Int64, *, seed: int = 0, passes: int = 6) -> Int32:
    """Groups with fewer packets between them, int32 (n,).

    Parameters
    ----------
    problem
        Objects and nets; fixed objects stay.
    group
        int32 (n,): group of each object to begin with; all fit.
    capacity
        int64 (n_groups, n_resources).
    seed
        Of the order in which objects are looked at.
    passes
        At most so many times over all objects; ends earlier when nothing helps.
    """
    state, n_groups = occupation_of(problem, group, capacity), len(capacity)
    score, random = np.zeros(n_groups), np.array([seed], np.uint64)
    tried, order = np.zeros(n_groups, np.int32), np.arange(problem.n, dtype=np.int32)
    for _ in range(passes):
        if _pass(problem, state, score, tried, order, random) <= problem.n // 200:
            break
    return state.place


@entry()
def _pass(p, o, score, tried, order, random):
    """Look at each object once, in random order; how many moved."""
    n, moved = len(order), 0
    for i in range(n - 1, 0, -1):
        j = below(i + 1, random)
        order[i], order[j] = order[j], order[i]
    for item in order:
        if p.fixed[item] < 0:
            moved += _improve(item, p, o, score, tried)
    return moved


@inner()
def _improve(item, p, o, score, tried):
    """Best move or swap of an object, if there is one that helps."""
    at = o.place[item]
    n = _liked(item, p, o, score, tried)
    best, best_to, best_other = -1e-9, at, np.int64(-1)
    for k in range(n):
        to = tried[k]
        gain = _gain(item, to, p, o)
        if fits(item, -1, to, p, o):
            if gain < best:
                best, best_to, best_other = gain, to, np.int64(-1)
            continue
        if gain >= 0.0:
            continue  # who does not want to go is asked for by others
        for m in range(o.n_members[to]):
            other = o.member[to, m]
            if p.fixed[other] >= 0 or not fits(item, other, to, p, o) or not fits(other, item, at, p, o):
                continue
            total = gain + _gain_in_swap(other, item, at, p, o)
            if total < best:
                best, best_to, best_other = total, to, np.int64(other)
    if best_to == at:
        return 0
    forget_touched(o)
    move(item, best_to, p, o)
    if best_other >= 0:
        move(best_other, at, p, o)
    return 1


@inner()
def _liked(item, p, o, score, tried):
    """Groups with most packets from and to an object, other than its own, into ``tried``; how many."""
    n = 0
    for i in range(p.of_indptr[item], p.of_indptr[item + 1]):
        net = p.of_net[i]
        begin, end = p.indptr[net], p.indptr[net + 1]
        if end - begin > _TELLING:
            continue
        for k in range(begin - 1, end):
            mate = p.source[net] if k < begin else p.target[k]
            group = o.place[mate]
            if group == o.place[item]:
                continue
            if score[group] == 0.0:
                tried[n] = group
                n += 1
            score[group] += p.weight[net] / o.pins[net, group] + 1e-12  # never 0: that means not yet listed
    kept = min(n, _TRIED)
    for k in range(kept):
        top = k
        for m in range(k + 1, n):
            if score[tried[m]] > score[tried[top]]:
                top = m
        tried[k], tried[top] = tried[top], tried[k]
    for k in range(n):
        score[tried[k]] = 0.0
    return kept


@inner()
def _gain(item, to, p, o):
    """Change of the packets between groups if an object moves."""
    at, change = o.place[item], 0.0
    for i in range(p.of_indptr[item], p.of_indptr[item + 1]):
        net = p.of_net[i]
        if o.pins[net, at] == 1:
            change -= p.weight[net]
        if o.pins[net, to] == 0:
            change += p.weight[net]
    return change


@inner()
def _gain_in_swap(other, item, to, p, o):
    """Change if ``other`` moves to where ``item`` is and ``item`` has just taken its place; both have their nets sorted."""
    at, change = o.place[other], 0.0
    k, end = p.of_indptr[item], p.of_indptr[item + 1]
    for i in range(p.of_indptr[other], p.of_indptr[other + 1]):
        net = p.of_net[i]
        while k < end and p.of_net[k] < net:
            k += 1
        shared = k < end and p.of_net[k] == net
        here = np.int64(o.pins[net, at]) + (1 if shared else 0)
        there = np.int64(o.pins[net, to]) - (1 if shared else 0)
        if here == 1:
            change -= p.weight[net]
        if there == 0:
            change += p.weight[net]
    return change
