"""What the kernels of placement share: the network and the state in arrays, distances, swaps, random numbers.

Packets are whole numbers here (:func:`neurosim.mapping.placement.graph.adjacency` scales them), so that
sums do not depend on their order: the compiler may vectorise them, nothing drifts, and what a sweep says
it saved is exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.mapping.structures import Float32, Int32, Int64


class Adjacency(NamedTuple):
    """Packets between cores without direction, as rows of neighbours.

    Attributes
    ----------
    indptr
        int64 (n_cores + 1,): where the row of each core begins.
    neighbour
        int32 (n,): cores at the other end; one may occur twice in a row (there and back).
    weight
        int32 (n,): packets, scaled to whole numbers.
    """

    indptr: Int64
    neighbour: Int32
    weight: Int32


class Thinned(NamedTuple):
    """Some of the neighbours, for diffusion: as :class:`Adjacency`, with float32 weights."""

    indptr: Int64
    neighbour: Int32
    weight: Float32


class State(NamedTuple):
    """Where every core is; kernels change it.

    Attributes
    ----------
    slot_of
        int32 (n_cores,): slot of each core.
    core_at
        int32 (n_slots,): core in each slot, -1 in a hole.
    spot
        int32 (n_cores, 2): ``Sites.place`` of each core's site.
    fixed
        uint8 (n_slots,): 1 for slots whose core or hole stays.
    """

    slot_of: Int32
    core_at: Int32
    spot: Int32
    fixed: NDArray[np.uint8]

    def copy(self) -> State:
        """The same in arrays of its own."""
        return State(*(array.copy() for array in self))


@inner()
def hops(metric, wrap_x, wrap_y, dx, dy):
    """Distance for differences of coordinates (closed forms)."""
    if metric == 0:
        dx, dy = abs(dx), abs(dy)
        if wrap_x > 0:
            dx = min(dx, wrap_x - dx)
        if wrap_y > 0:
            dy = min(dy, wrap_y - dy)
        return dx + dy
    return triangular(wrap_x, wrap_y, dx, dy, False)


@inner(separate=True)
def triangular(wrap_x, wrap_y, dx, dy, squared):
    """Distance on a triangular mesh, or the square of the straight line, by the shortest way round."""
    best = np.int64(-1)
    for turn_x in range(-1 if wrap_x > 0 else 0, 2 if wrap_x > 0 else 1):
        for turn_y in range(-1 if wrap_y > 0 else 0, 2 if wrap_y > 0 else 1):
            ax, ay = dx + turn_x * wrap_x, dy + turn_y * wrap_y
            d = ax * ax + ay * ay - ax * ay if squared else max(abs(ax), abs(ay), abs(ax - ay))
            if best < 0 or d < best:
                best = d
    return best


@inner()
def potential(sites, squared, ax, ay, bx, by):
    """Potential of a packet between two places: hops, or squared distance."""
    dx, dy = np.int64(ax) - np.int64(bx), np.int64(ay) - np.int64(by)
    wrap_x, wrap_y = np.int64(sites.wrap[0]), np.int64(sites.wrap[1])
    if sites.metric == 2:
        d = np.int64(sites.table[ax, bx])
        return d * d if squared else d
    if not squared:
        return hops(sites.metric, wrap_x, wrap_y, dx, dy)
    if sites.metric == 1:
        return triangular(wrap_x, wrap_y, dx, dy, True)
    dx, dy = abs(dx), abs(dy)
    if wrap_x > 0:
        dx = min(dx, wrap_x - dx)
    if wrap_y > 0:
        dy = min(dy, wrap_y - dy)
    return dx * dx + dy * dy


@inner()
def gain_of_moving(graph, sites, state, core, to):
    """Weighted hops saved if ``core`` stood at site ``to`` and all others stayed."""
    total = np.int64(0)
    ax, ay = state.spot[core, 0], state.spot[core, 1]
    bx, by = sites.place[to, 0], sites.place[to, 1]
    first, last = graph.indptr[core], graph.indptr[core + 1]
    if sites.metric == 0 and sites.wrap[0] == 0 and sites.wrap[1] == 0:
        for k in range(first, last):
            other = np.uint32(graph.neighbour[k])
            x, y = state.spot[other, 0], state.spot[other, 1]
            saved = abs(ax - x) + abs(ay - y) - abs(bx - x) - abs(by - y)
            total += np.int64(graph.weight[k]) * np.int64(saved)
        return total
    for k in range(first, last):
        other = graph.neighbour[k]
        x, y = state.spot[other, 0], state.spot[other, 1]
        saved = potential(sites, False, ax, ay, x, y) - potential(sites, False, bx, by, x, y)
        total += np.int64(graph.weight[k]) * saved
    return total


@inner()
def weight_between(graph, one, other):
    """Packets between two cores, both ways."""
    total = np.int64(0)
    if graph.indptr[one + 1] - graph.indptr[one] > graph.indptr[other + 1] - graph.indptr[other]:
        one, other = other, one
    for k in range(graph.indptr[one], graph.indptr[one + 1]):
        if graph.neighbour[k] == other:
            total += np.int64(graph.weight[k])
    return total


@inner()
def put(sites, state, core, slot):
    """Write ``core`` (or -1 for a hole) into ``slot``."""
    state.core_at[slot] = core
    if core >= 0:
        site = sites.site[slot]
        state.slot_of[core] = slot
        state.spot[core, 0], state.spot[core, 1] = sites.place[site, 0], sites.place[site, 1]


@inner()
def swap(sites, state, one, other):
    """Exchange what two slots hold."""
    core = state.core_at[one]
    put(sites, state, state.core_at[other], one)
    put(sites, state, core, other)


@inner(inline="always")
def draw(random):
    """64 random bits (SplitMix64); ``random`` is uint64 (1,)."""
    random[0] += uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@inner(inline="always")
def below(random, n):
    """Random integer from 0 to ``n - 1``; ``n`` below 2**32."""
    return np.int64(((draw(random) >> uint64(32)) * uint64(n)) >> uint64(32))


@entry()
def fill_adjacency(source, target, packets, scale, indptr, out_neighbour, out_weight, out_end):
    """Write both ends of every pair into the rows; ``out_end`` (n_cores,) holds the beginnings and then the ends."""
    for k in range(source.size):
        one, other = source[k], target[k]
        if one == other or packets[k] == 0.0:
            continue
        weight = max(np.int32(1), np.int32(round(packets[k] * scale)))
        out_neighbour[out_end[one]], out_weight[out_end[one]] = other, weight
        out_neighbour[out_end[other]], out_weight[out_end[other]] = one, weight
        out_end[one] += 1
        out_end[other] += 1
    return indptr[0]


@entry()
def thin(graph, n_most, random, out_weight):
    """Keep a random part of the entries, heavier by what is left out, so that sums stay what they are.

    An entry and its opposite are kept together: diffusion by a lopsided matrix would not be stable. ``out_weight``
    is float32 (n,), 0 for what is left out. About ``n_most`` entries of each row remain, more in the rows of hubs.
    """
    key, kept = random[0], np.int64(0)
    for core in range(graph.indptr.size - 1):
        degree = graph.indptr[core + 1] - graph.indptr[core]
        for k in range(graph.indptr[core], graph.indptr[core + 1]):
            other = np.int64(graph.neighbour[k])
            share = n_most / min(degree, graph.indptr[other + 1] - graph.indptr[other])
            random[0] = key ^ uint64(min(core, other) * 0x9E3779B1 + max(core, other) * 0x2545F4914F6C)
            if float(draw(random) >> uint64(11)) * 2.0**-53 < share:
                out_weight[k] = graph.weight[k] / min(share, 1.0)
                kept += 1
    return kept


@entry()
def weighted_hops(graph, sites, spot):
    """Sum of scaled packets times hops over all rows: every packet counts twice."""
    total = np.int64(0)
    for core in range(spot.shape[0]):
        ax, ay = spot[core, 0], spot[core, 1]
        for k in range(graph.indptr[core], graph.indptr[core + 1]):
            other = np.uint32(graph.neighbour[k])
            d = potential(sites, False, ax, ay, spot[other, 0], spot[other, 1])
            total += np.int64(graph.weight[k]) * d
    return total


@entry()
def packet_hops(source, target, packets, sites, site_of):
    """Sum over pairs of packets times hops; ``site_of`` is int32 (n_cores,)."""
    total = 0.0
    for k in range(source.size):
        one, other = site_of[source[k]], site_of[target[k]]
        a, b = sites.place[one], sites.place[other]
        total += packets[k] * float(potential(sites, False, a[0], a[1], b[0], b[1]))
    return total


def random_state(seed: int, stream: int = 0) -> NDArray[np.uint64]:
    """State of the random numbers for a seed; streams of the same seed are independent."""
    mixed = np.random.SeedSequence((seed, stream)).generate_state(1, np.uint64)
    return np.ascontiguousarray(mixed)
