"""Objects on places, moved one by one: kernels that descent and annealing share.

A place is a router or, while it is not yet decided where groups go, the number of a group. How many
pins each net has at each place is kept, so a move tells at once which nets it changes at all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.mapping.grouping.problem import Problem
from neurosim.mapping.structures import Int32, Int64

#: Most bytes that the table of pins may take.
MOST_BYTES = 1 << 30


class Occupation(NamedTuple):
    """Where objects are, and what follows from it.

    Attributes
    ----------
    place
        int32 (n,): place of each object.
    load, capacity
        int64 (n_places, n_resources): what is used and what there is.
    member, n_members
        int32 (n_places, most) and (n_places,): objects at each place.
    slot
        int32 (n,): index of each object in the row of ``member`` of its place.
    pins
        uint16 (n_nets, n_places): objects of each net at each place.
    touched, stamp
        int32 (n_nets,) and int64 (n_nets,): nets that the last moves changed, and when.
    number
        int64 (2,): how many nets are in ``touched``; the time.
    """

    place: Int32
    load: Int64
    capacity: Int64
    member: Int32
    n_members: Int32
    slot: Int32
    pins: NDArray[np.uint16]
    touched: Int32
    stamp: Int64
    number: Int64


def fits_in_memory(n_nets: int, n_places: int) -> bool:
    """Whether the table of pins is small enough."""
    return 2 * n_nets * n_places <= MOST_BYTES


def occupation_of(problem: Problem, place: Int32, capacity: Int64) -> Occupation:
    """Occupation with each object at the place given."""
    n, n_places = problem.n, len(capacity)
    load = np.zeros(capacity.shape, np.int64)
    np.add.at(load, place, problem.use)
    count = np.bincount(place, minlength=n_places).astype(np.int32)
    smallest = max(1, int(problem.use[:, 0].min(initial=1)))
    member = np.full((n_places, max(int(capacity[:, 0].max()) // smallest, int(count.max())) + 2), -1, np.int32)
    order = np.argsort(place, kind="stable")
    slot = np.empty(n, np.int32)
    slot[order] = np.arange(n) - np.repeat(np.cumsum(count) - count, count)
    member[place, slot] = np.arange(n)
    pins = np.zeros((problem.n_nets, n_places), np.uint16)
    net = np.repeat(np.arange(problem.n_nets), np.diff(problem.indptr))
    np.add.at(pins, (net, place[problem.target]), 1)
    np.add.at(pins, (np.arange(problem.n_nets), place[problem.source]), 1)
    touched, stamp = np.zeros(problem.n_nets, np.int32), np.zeros(problem.n_nets, np.int64)
    return Occupation(place.copy(), load, capacity, member, count, slot, pins, touched, stamp, np.zeros(2, np.int64))


def km1(problem: Problem, place: Int32) -> float:
    """Packets between places: sum over nets of weight times the places reached other than that of the source."""
    return _reached(problem, np.ascontiguousarray(place, np.int32), np.full(int(place.max(initial=0)) + 1, -1, np.int64))


@entry()
def _reached(p, place, last):
    packets = 0.0
    for net in range(len(p.source)):
        last[place[p.source[net]]] = net
        for k in range(p.indptr[net], p.indptr[net + 1]):
            to = place[p.target[k]]
            if last[to] != net:
                last[to] = net
                packets += p.weight[net]
    return packets


@inner()
def next_random(state):
    """Next 32 random bits of a stream (splitmix64), as int64."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((z ^ (z >> np.uint64(31))) >> np.uint64(32))


@inner()
def below(n, state):
    """Random whole number from 0 to ``n - 1``."""
    return (next_random(state) * n) >> 32


@inner()
def forget_touched(o):
    """Begin a new set of moves."""
    o.number[0] = 0
    o.number[1] += 1


@inner()
def move(item, to, p, o):
    """Move one object; notes the nets whose set of places, or whose source, changes."""
    at, slot = o.place[item], o.slot[item]
    last = o.member[at, o.n_members[at] - 1]
    o.member[at, slot], o.slot[last] = last, slot
    o.n_members[at] -= 1
    o.slot[item] = o.n_members[to]
    o.member[to, o.n_members[to]] = item
    o.n_members[to] += 1
    o.place[item] = to
    for k in range(p.use.shape[1]):
        o.load[at, k] -= p.use[item, k]
        o.load[to, k] += p.use[item, k]
    for i in range(p.of_indptr[item], p.of_indptr[item + 1]):
        net = p.of_net[i]
        o.pins[net, at] -= np.uint16(1)
        changed = o.pins[net, at] == 0 or o.pins[net, to] == 0 or p.source[net] == item
        o.pins[net, to] += np.uint16(1)
        if changed and o.stamp[net] != o.number[1]:
            o.stamp[net] = o.number[1]
            o.touched[o.number[0]] = net
            o.number[0] += 1


@inner()
def fits(item, leaving, to, p, o):
    """Whether an object fits at a place once another one, or none (-1), has left it."""
    for k in range(p.use.shape[1]):
        freed = p.use[leaving, k] if leaving >= 0 else 0
        if o.load[to, k] - freed + p.use[item, k] > o.capacity[to, k]:
            return False
    return True
