"""Move single neurons, or swap two, wherever that saves packets and breaks no limit.

A neuron's packets go to every core that holds a target of it, so a move of neuron ``v`` from ``a`` to ``b``
saves the rate of each source of which ``v`` was the last target on ``a``, and costs that of each which
had nothing on ``b``. All cores are weighed at once; where a neuron has very many sources, by a sample
of them, and the best core is then looked at exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.mapping.clustering.limits import UNLIMITED
from neurosim.mapping.clustering.state import LONE, fits, put, shift

Int32 = NDArray[np.int32]

_TRIES = 2
_NEAR = 0.9
_WAITING = 1 << 20


class Search(NamedTuple):
    """Working memory of a descent.

    Attributes
    ----------
    active
        uint8 (n,): 1 where a neuron is worth another look.
    waiting
        int32 (a power of 2,): per pair of cores the neuron that would go from one to the other, were there room.
    gain
        float32, as long: what that would save.
    score
        float32 (n_cores of the block,): rates of sources that have something on a core.
    sample
        Sources beyond which only some are weighed.
    """

    active: NDArray[np.uint8]
    waiting: Int32
    gain: NDArray[np.float32]
    score: NDArray[np.float32]
    sample: int


def new_search(n: int, n_cores: int, sample: int) -> Search:
    """Working memory in which all neurons are active."""
    waiting, gain = np.full(_WAITING, -1, np.int32), np.zeros(_WAITING, np.float32)
    return Search(np.ones(n, np.uint8), waiting, gain, np.zeros(n_cores, np.float32), sample)


@inner(separate=True)
def add_row(row, rate, out_score):
    """Add the rate wherever a row has pins; the compiler makes vectors of this."""
    for c in range(len(row)):
        out_score[c] += rate if row[c] > 0 else np.float32(0.0)


@inner()
def add_present(pins, row, rate, a, out_score):
    """Add the rate wherever a row has pins; gives 1 if all it has on core ``a`` of the block is one target."""
    length, lone = np.int64(pins.present[row, 0]), 0
    if 4 * length > len(out_score):
        add_row(pins.pins[row], rate, out_score)
        return np.int64(a >= 0 and pins.pins[row, a] == 2)
    for j in range(1, length + 1):
        core = np.int64(pins.present[row, j])
        lone += core == a + LONE
        out_score[core & (LONE - 1)] += rate
    return np.int64(lone if a >= 0 else 0)


@inner()
def feeds_itself(fanin, v):
    """Whether ``v`` is among its own sources, which are sorted."""
    low, high = fanin.indptr[v], fanin.indptr[v + 1]
    end = high
    while low < high:
        middle = (low + high) // 2
        if fanin.source[middle] < v:
            low = middle + 1
        else:
            high = middle
    return low < end and fanin.source[low] == v


@inner()
def weigh(fanin, rate, pins, v, a, step, out_score):
    """Score every core for ``v``, by every ``step``-th source; a core saves its score plus what is returned."""
    out_score[:] = 0.0
    saved, here = 0.0, a - pins.first if a >= 0 else -1
    begin, end = fanin.indptr[v], fanin.indptr[v + 1]
    for j in range(begin + v % step, end, step):
        u = fanin.source[j]
        if u != v:
            r = rate[u] * np.float32(step)
            saved += r * (add_present(pins, pins.row[u], r, here, out_score) - 1)
    row = pins.row[v]
    add_present(pins, row, rate[v], here, out_score)
    saved -= rate[v]
    if a >= 0 and (pins.pins[row, here] == 1 or (pins.pins[row, here] == 3 and feeds_itself(fanin, v))):
        saved += rate[v]
    return saved


@inner()
def look(fanin, rate, pins, v, a, b):
    """Exactly what ``v`` saves by going from ``a`` to ``b``, and how many sources are new there."""
    saved, new = 0.0, 0
    for j in range(fanin.indptr[v], fanin.indptr[v + 1]):
        u = fanin.source[j]
        row = pins.pins[pins.row[u]]
        there = row[b - pins.first]
        new += there < 2
        if u != v:
            saved += rate[u] * ((a >= 0 and row[a - pins.first] == 2) - np.int64(there == 0))
    row = pins.pins[pins.row[v]]
    saved -= rate[v] * (row[b - pins.first] == 0)
    if a >= 0 and (row[a - pins.first] == 1 or (row[a - pins.first] == 3 and feeds_itself(fanin, v))):
        saved += rate[v]
    return saved, new


@inner()
def wake(fanin, fanout, v, out_active):
    """Neurons next to one that moved are worth another look."""
    for j in range(fanin.indptr[v], fanin.indptr[v + 1]):
        out_active[fanin.source[j]] = 1
    for j in range(fanout.indptr[v], fanout.indptr[v + 1]):
        out_active[fanout.target[j]] = 1


@inner()
def best_cores(rules, cores, v, a, first, base, score, least, swaps):
    """Best core with room that saves more than ``least``, and best one without that is better still; -1 if there is none.

    For a swap a core may save less, as long as it is nearly as good as the best.
    """
    top = np.float32(0.0)
    score[a - first] = -1.0
    for c in range(len(score)):
        top = max(top, score[c])
    near = np.float32(_NEAR) * top if swaps > 0 else np.float32(1e30)
    free, full, free_gain, full_gain = -1, -1, least, 3.0 * base - 1.0
    for c in range(len(score)):
        gain = base + score[c]
        if (score[c] < near or gain <= full_gain) and gain <= free_gain:
            continue
        if cores.closed[first + c] == 0:
            if fits(rules, cores, v, first + c):
                if gain > free_gain:
                    free, free_gain = first + c, gain
            elif score[c] >= near and gain > full_gain:
                full, full_gain = first + c, gain
    return free, free_gain, full, full_gain


@inner()
def try_move(fanin, rate, rules, cores, pins, core_of, v, b, least):
    """Move ``v`` to ``b``, where it fits, if that is allowed and saves more than ``least``; gives what is saved, else 0."""
    a = core_of[v]
    saved, new = look(fanin, rate, pins, v, a, b)
    if saved <= least or cores.inbound[b] + new > rules.inbound:
        return 0.0
    shift(fanin, rules, cores, pins, core_of, v, a, b)
    if pins.over[0] > 0:
        shift(fanin, rules, cores, pins, core_of, v, b, a)
        return 0.0
    put(rules, cores, v, a, -1)
    put(rules, cores, v, b, 1)
    return saved


@inner()
def exchange(rules, cores, v, w, a, b):
    """Swap what ``v`` on ``a`` and ``w`` on ``b`` use, if both then fit."""
    put(rules, cores, v, a, -1)
    put(rules, cores, w, b, -1)
    if fits(rules, cores, v, b):
        put(rules, cores, v, b, 1)
        if fits(rules, cores, w, a):
            put(rules, cores, w, a, 1)
            return True
        put(rules, cores, v, b, -1)
    put(rules, cores, v, a, 1)
    put(rules, cores, w, b, 1)
    return False


@inner()
def try_swap(fanin, rate, rules, cores, pins, core_of, v, w, least):
    """Swap two neurons if that is allowed and saves more than ``least``; gives what is saved, else 0."""
    a, b = core_of[v], core_of[w]
    saved, _ = look(fanin, rate, pins, v, a, b)
    back, _ = look(fanin, rate, pins, w, b, a)
    if saved + back <= least:  # wishes grow old; undoing a swap costs far more than this look
        return 0.0
    if not exchange(rules, cores, v, w, a, b):
        return 0.0
    shift(fanin, rules, cores, pins, core_of, v, a, b)
    back, _ = look(fanin, rate, pins, w, b, a)
    if saved + back > least:
        shift(fanin, rules, cores, pins, core_of, w, b, a)
        if pins.over[0] == 0:
            return saved + back
        shift(fanin, rules, cores, pins, core_of, w, a, b)
    shift(fanin, rules, cores, pins, core_of, v, b, a)
    exchange(rules, cores, w, v, a, b)
    return 0.0


@inner()
def meet(fanin, rate, rules, cores, pins, search, core_of, v, b, gain, least):
    """Swap ``v`` with one that waits on the full core ``b`` to come here, or let ``v`` wait; gives the partner and what is saved."""
    a, n = core_of[v], len(search.score)
    back = ((b - pins.first) * n + a - pins.first) & (len(search.waiting) - 1)
    w = search.waiting[back]
    if w >= 0 and core_of[w] == b and gain + search.gain[back] > least:
        search.waiting[back] = -1
        saved = try_swap(fanin, rate, rules, cores, pins, core_of, v, w, least)
        if saved > 0.0:
            return w, saved
    forth = ((a - pins.first) * n + b - pins.first) & (len(search.waiting) - 1)
    w = search.waiting[forth]
    if w < 0 or core_of[w] != a or search.gain[forth] <= gain:
        search.waiting[forth] = v
        search.gain[forth] = gain
    return -1, 0.0


@inner()
def settle(fanin, fanout, rules, cores, pins, search, core_of, v, swaps):
    """Look for a better core for one neuron; gives what is saved."""
    a, rate, degree = core_of[v], fanout.rate, fanin.indptr[v + 1] - fanin.indptr[v]
    step = max(1, degree // search.sample)
    base = weigh(fanin, rate, pins, v, a, step, search.score)
    least = 1e-5 * rate[v] + 1e-9 - 1e-6 * base
    for _ in range(_TRIES):
        free, free_gain, full, gain = best_cores(rules, cores, v, a, pins.first, base, search.score, least, swaps)
        if free >= 0 and (full < 0 or free_gain >= gain):
            saved = try_move(fanin, rate, rules, cores, pins, core_of, v, free, least)
            if saved > 0.0:
                wake(fanin, fanout, v, search.active)
                return saved
            search.score[free - pins.first] = -1e30
            continue
        if full >= 0:
            w, saved = meet(fanin, rate, rules, cores, pins, search, core_of, v, full, gain, least)
            if w >= 0:
                wake(fanin, fanout, v, search.active)
                wake(fanin, fanout, w, search.active)
                return saved
            search.score[full - pins.first] = -1e30
            continue
        break
    return 0.0


@entry()
def descend(order, fanin, fanout, rules, cores, pins, search, core_of, swaps):
    """Settle the active, free neurons of an order that are in the block; gives what is saved and how many moved or swapped."""
    total, n_moved = 0.0, 0
    last = pins.first + len(search.score)
    for k in range(len(order)):
        v = order[k]
        if search.active[v] == 0 or rules.fixed[v] >= 0 or core_of[v] < pins.first or core_of[v] >= last:
            continue
        search.active[v] = 0
        saved = settle(fanin, fanout, rules, cores, pins, search, core_of, v, swaps)
        total += saved
        n_moved += saved > 0.0
    return total, n_moved


@inner()
def home(fanin, rate, rules, cores, pins, search, v):
    """Best core for a neuron that is on none; -1 if no core has room."""
    degree = fanin.indptr[v + 1] - fanin.indptr[v]
    weigh(fanin, rate, pins, v, -1, max(1, degree // search.sample), search.score)
    for _ in range(len(search.score)):
        best = -1
        for c in range(len(search.score)):
            better = search.score[c] >= 0.0 and (best < 0 or search.score[c] > search.score[best])
            if better and cores.closed[c] == 0 and fits(rules, cores, v, c):
                best = c
        if best < 0:
            return -1
        if rules.inbound == UNLIMITED:
            return best
        _, new = look(fanin, rate, pins, v, -1, best)
        if cores.inbound[best] + new <= rules.inbound:
            return best
        search.score[best] = -1.0
    return -1


@entry()
def insert(order, fanin, fanout, rules, cores, pins, search, core_of):
    """Put neurons that are on no core where they save most; gives how many found no room. The block must hold all cores."""
    n_left = 0
    for k in range(len(order)):
        v = order[k]
        core = home(fanin, fanout.rate, rules, cores, pins, search, v)
        if core < 0:
            n_left += 1
            continue
        shift(fanin, rules, cores, pins, core_of, v, -1, core)
        if pins.over[0] > 0:
            shift(fanin, rules, cores, pins, core_of, v, core, -1)
            n_left += 1
            continue
        put(rules, cores, v, core, 1)
    return n_left


@entry()
def evict(order, fanin, rules, cores, pins, core_of):
    """Take neurons from cores with too many distinct connections until none has; the block must hold all cores."""
    for k in range(len(order)):
        v = order[k]
        a = core_of[v]
        if pins.over[0] == 0:
            return
        if a >= 0 and rules.fixed[v] < 0 and (cores.inbound[a] > rules.inbound or cores.outbound[a] > rules.outbound):
            shift(fanin, rules, cores, pins, core_of, v, a, -1)
            put(rules, cores, v, a, -1)


@entry()
def accept(order, rules, cores, core_of):
    """Put neurons on the cores they have where they fit; the others are on none afterwards."""
    for k in range(len(order)):
        v = order[k]
        core = core_of[v]
        if core >= 0 and (cores.closed[core] == 0 or rules.fixed[v] == core) and fits(rules, cores, v, core):
            put(rules, cores, v, core_of[v], 1)
        else:
            core_of[v] = -1
