"""Relax and spread: let coordinates diffuse along packets, then give every core a place of its own again.

Diffusion draws cores towards those they talk to and flattens everything that is short-ranged; spreading
assigns positions by halving both sets again and again, so that neither side of any cut is overfull. In turn,
with less diffusion each time, they unfold a network from far to near, from a random start too. On its own, one
long diffusion of random coordinates gives the network's slowest modes, as eigenvectors of its Laplacian would.

References
----------
Golub and Varga, "Chebyshev semi-iterative methods", Numer. Math. 3, 1961: the accelerated diffusion.
Quinn and Breuer, "A forced directed component placement procedure for printed circuit boards", IEEE Trans. CAS 26, 1979.
Hall, "An r-dimensional quadratic placement algorithm", Management Science 17, 1970: eigenvectors as coordinates.
"""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry, inner
from neurosim.mapping.placement.kernels import Thinned
from neurosim.mapping.structures import Floats, Int32

#: How much the slowest of the modes that a diffusion removes are damped, as an exponent.
_DAMPING = 2.5


def diffuse(graph: Thinned, coordinates: Floats, held: np.ndarray, n_steps: int) -> Floats:
    """Coordinates after a diffusion that reaches ``n_steps`` cores far.

    Parameters
    ----------
    coordinates
        float64 (n_cores, 2).
    held
        bool (n_cores,): cores that stay. Those without packets stay too.

    Returns
    -------
    float64 (n_cores, 2)
    """
    total = np.zeros(len(held))
    rows = np.flatnonzero(np.diff(graph.indptr))
    total[rows] = np.add.reduceat(graph.weight, graph.indptr[rows], dtype=np.float64)
    inverse = np.where(held | (total == 0), 0.0, 1.0 / np.where(total, total, 1.0))
    now, before = np.ascontiguousarray(coordinates), np.ascontiguousarray(coordinates)
    slack = min((_DAMPING / n_steps) ** 2 / 2, 0.5)
    middle, half = -slack / 2, 1 - slack / 2
    sigma = (1 - middle) / half
    rho = 1 / sigma
    step, inertia = 1 / (1 - middle), 0.0
    for _ in range(n_steps):
        after = np.empty_like(now)
        step_diffusion(graph, inverse, now, before, step, inertia, after)
        following = 1 / (2 * sigma - rho)
        step, inertia, rho = 2 * following / half, following * rho, following
        now, before = after, now
    return now


@entry()
def step_diffusion(graph, inverse, now, before, step, inertia, out_after):
    """One step of the Chebyshev iteration: towards the mean of the neighbours, with inertia."""
    for core in range(inverse.size):
        if inverse[core] == 0.0:
            out_after[core, 0], out_after[core, 1] = now[core, 0], now[core, 1]
            continue
        x, y = 0.0, 0.0
        for k in range(graph.indptr[core], graph.indptr[core + 1]):
            other, weight = np.uint32(graph.neighbour[k]), float(graph.weight[k])
            x += weight * now[other, 0]
            y += weight * now[other, 1]
        x, y = x * inverse[core] - now[core, 0], y * inverse[core] - now[core, 1]
        out_after[core, 0] = now[core, 0] + step * x + inertia * (now[core, 0] - before[core, 0])
        out_after[core, 1] = now[core, 1] + step * y + inertia * (now[core, 1] - before[core, 1])


def spread(coordinates: Floats, places: Floats) -> Int32:
    """Index of the place for each core: both sets are halved along the longer side of the places, down to single ones.

    Parameters
    ----------
    coordinates, places
        float64 (n, 2), as many of one as of the other.

    Returns
    -------
    int32 (n,)
        A permutation.
    """
    orders = [np.lexsort((points[:, 1 - axis], points[:, axis])).astype(np.int32) for points in (coordinates, places) for axis in (0, 1)]
    n = len(places)
    out_place = np.empty(n, np.int32)
    if n:
        halve(places, *orders, np.empty(n, np.uint8), np.empty(n, np.int32), np.zeros((64, 2), np.int64), out_place)
    return out_place


@inner()
def part(order, first, middle, last, side, scratch):
    """Bring those of one side to the front, in their order."""
    left, right = first, middle
    for k in range(first, last):
        item = order[k]
        if side[item] == 0:
            scratch[left] = item
            left += 1
        else:
            scratch[right] = item
            right += 1
    for k in range(first, last):
        order[k] = scratch[k]


@inner()
def divide(by, other, first, middle, last, side, scratch):
    """Split a range along one axis; the order along the other is kept on both sides."""
    for k in range(first, last):
        side[by[k]] = 0 if k < middle else 1
    part(other, first, middle, last, side, scratch)


@entry()
def halve(places, core_x, core_y, place_x, place_y, side, scratch, stack, out_place):
    """Match cores to places; the four orders are sorted along x and y and are changed."""
    stack[0, 0], stack[0, 1] = 0, place_x.size
    depth = 1
    while depth > 0:
        depth -= 1
        first, last = stack[depth, 0], stack[depth, 1]
        if last - first == 1:
            out_place[core_x[first]] = place_x[first]
            continue
        middle = (first + last) // 2
        width = places[place_x[last - 1], 0] - places[place_x[first], 0]
        height = places[place_y[last - 1], 1] - places[place_y[first], 1]
        if height > width:
            divide(core_y, core_x, first, middle, last, side, scratch)
            divide(place_y, place_x, first, middle, last, side, scratch)
        else:
            divide(core_x, core_y, first, middle, last, side, scratch)
            divide(place_x, place_y, first, middle, last, side, scratch)
        stack[depth, 0], stack[depth, 1] = middle, last
        stack[depth + 1, 0], stack[depth + 1, 1] = first, middle
        depth += 2
