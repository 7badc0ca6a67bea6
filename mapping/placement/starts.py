"""Placements to begin with: from the order of the cores, or from the packets alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.mapping.placement.curves import raster_order, zigzag_order
from neurosim.mapping.placement.kernels import Thinned
from neurosim.mapping.placement.problem import Problem
from neurosim.mapping.placement.relax import diffuse, spread
from neurosim.mapping.structures import Floats, Int32, Int64

#: How far diffusion reaches at last, in sides of a square of all cores. Further, it would damp the slowest modes too.
_REACH = 0.7


def given(problem: Problem) -> Int32:
    """Cores in their order on positions in theirs."""
    return problem.placed(problem.free_positions[: len(problem.free_cores)])


def hilbert(problem: Problem) -> Int32:
    """Cores in their order along the Hilbert curve."""
    return problem.placed(problem.curve[: len(problem.free_cores)])


def raster(problem: Problem) -> Int32:
    """Cores in their order row by row."""
    return _along(problem, raster_order(problem.positions))


def zigzag(problem: Problem) -> Int32:
    """Cores in their order row by row, every other row backwards."""
    return _along(problem, zigzag_order(problem.positions))


def random(problem: Problem) -> Int32:
    """Cores on the compact positions at random."""
    shuffled = np.random.default_rng((problem.seed, 1)).permutation(problem.compact_positions)
    return problem.placed(shuffled)


def fiedler(problem: Problem) -> Int32:
    """Cores in the order of the slowest mode of their packets, along the Hilbert curve.

    References
    ----------
    Fiedler, "A property of eigenvectors of nonnegative symmetric matrices and its application to
    graph theory", Czechoslovak Math. J. 25, 1975.
    """
    order = np.argsort(modes(problem)[problem.free_cores, 0], kind="stable")
    position_of = np.empty(len(order), np.int64)
    position_of[order] = problem.curve[: len(order)]
    return problem.placed(position_of)


def spectral(problem: Problem) -> Int32:
    """Cores spread by the two slowest modes of their packets."""
    return _spread(problem, modes(problem)[problem.free_cores])


def bisection(problem: Problem) -> Int32:
    """Cores and positions halved again and again, each half of the cores by its own slowest mode."""
    n = len(problem.free_cores)
    if n < 2:
        return given(problem)
    member = np.full(problem.n_cores, -1, np.int64)
    member[problem.free_cores] = 0
    places = problem.coordinates[problem.compact_positions]
    cores, spots = problem.free_cores.copy(), np.arange(n)
    bounds = np.array([0, n])
    middle = problem.coordinates[problem.placed(problem.compact_positions)]
    middle[problem.free_cores] = places.mean(axis=0)
    while np.diff(bounds).max() > 1:
        axis = _longer_side(places[spots], bounds)
        coordinate = _oriented(problem, member, middle, axis, int(np.diff(bounds).max()))
        group = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        cores = cores[np.lexsort((coordinate[cores], group))]
        along = places[spots, axis[group]]
        spots = spots[np.lexsort((places[spots, 1 - axis[group]], along, group))]
        bounds = np.unique(np.concatenate([bounds, (bounds[:-1] + bounds[1:]) // 2]))
        group = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        member[cores] = group
        centre = np.add.reduceat(places[spots], bounds[:-1], axis=0) / np.diff(bounds)[:, None]
        middle[cores] = centre[group]
    position_of = np.empty(problem.n_cores, np.int64)
    position_of[cores] = problem.compact_positions[spots]
    return problem.placed(position_of[problem.free_cores])


#: Starts by name.
STARTS: dict[str, Callable[[Problem], Int32]] = {
    "bisection": bisection,
    "fiedler": fiedler,
    "given": given,
    "hilbert": hilbert,
    "random": random,
    "raster": raster,
    "spectral": spectral,
    "zigzag": zigzag,
}


def modes(problem: Problem) -> Floats:
    """The two slowest modes of the diffusion along packets, slowest first, float64 (n_cores, 2).

    Random coordinates diffuse and are made orthogonal in turn. Cores without packets come last.
    """
    if "modes" not in problem.found:
        problem.found["modes"] = _modes(problem)
    return problem.found["modes"]


def _modes(problem: Problem) -> Floats:
    graph = problem.thinned
    mass = _mass(graph)
    joined = mass > 0
    now = np.random.default_rng((problem.seed, 2)).standard_normal((problem.n_cores, 2))
    nobody = np.zeros(problem.n_cores, np.bool_)
    if joined.sum() > 2:
        for reach in _reaches(problem.n_cores):
            now[joined] = _orthogonal(now[joined], mass[joined])
            now = diffuse(graph, now, nobody, reach)
        now[joined] = _orthogonal(now[joined], mass[joined])
        after = diffuse(graph, now, nobody, 1)
        kept = (now[joined] * mass[joined, None]).T @ after[joined]
        now[joined] = now[joined] @ np.linalg.eigh((kept + kept.T) / 2)[1][:, ::-1]
    now[~joined] = now[joined].max(axis=0, initial=0.0) + 1
    return now


def _reaches(n: int) -> list[int]:
    """Reaches of the diffusions, each of which damps all modes faster than a certain one alike: so from short to long."""
    furthest = _REACH * np.sqrt(n) + 2
    return np.geomspace(2, furthest, int(2 * np.log2(furthest))).astype(int).tolist()


def _along(problem: Problem, order: Int64) -> Int32:
    free = np.zeros(len(order), np.bool_)
    free[problem.free_positions] = True
    return problem.placed(order[free[order]][: len(problem.free_cores)])


def _spread(problem: Problem, coordinates: Floats) -> Int32:
    places = problem.compact_positions
    return problem.placed(places[spread(coordinates, problem.coordinates[places])])


def _mass(graph: Thinned) -> Floats:
    mass = np.zeros(len(graph.indptr) - 1)
    rows = np.flatnonzero(np.diff(graph.indptr))
    mass[rows] = np.add.reduceat(graph.weight, graph.indptr[rows], dtype=np.float64)
    return mass


def _orthogonal(columns: Floats, mass: Floats) -> Floats:
    """Columns without a common mean, orthogonal and of length 1 with respect to ``mass``."""
    columns = columns - (mass @ columns) / mass.sum()
    root = np.sqrt(mass)[:, None]
    return np.linalg.qr(columns * root)[0] / root


def _longer_side(points: Floats, bounds: Int64) -> Int64:
    """For each range of points: 1 where it is higher than wide, else 0."""
    extent = np.maximum.reduceat(points, bounds[:-1]) - np.minimum.reduceat(points, bounds[:-1])
    return (extent[:, 1] > extent[:, 0]).astype(np.int64)


def _oriented(problem: Problem, member: Int64, middle: Floats, axis: Int64, largest: int) -> Floats:
    """Slowest mode within each part, turned such that packets to other parts get shorter, float64 (n_cores,)."""
    graph = problem.thinned
    source = np.repeat(np.arange(problem.n_cores), np.diff(graph.indptr))
    within = member[source] == member[graph.neighbour]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(source[within], minlength=problem.n_cores))]).astype(np.int64)
    inner = Thinned(indptr, graph.neighbour[within], graph.weight[within])
    free = member >= 0
    part, n_parts = np.where(free, member, 0), int(member.max()) + 1
    mass = np.where(free, _mass(inner) + 1, 0.0)  # 1 is next to nothing: parts without packets have a mean too
    total = np.bincount(part, mass, n_parts)
    now = np.random.default_rng((problem.seed, 3)).standard_normal((problem.n_cores, 2))
    for reach in _reaches(largest):
        now = diffuse(inner, now, ~free, reach)
        now[:, 0] -= (np.bincount(part, mass * now[:, 0], n_parts) / total)[part]
        size = np.sqrt(np.bincount(part, mass * now[:, 0] ** 2, n_parts) / total)
        now[:, 0] /= np.where(size > 0, size, 1.0)[part]
    outside = ~within & free[source]
    toward = middle[graph.neighbour, axis[part[source]]] - middle[source, axis[part[source]]]
    pulled = graph.weight * now[source, 0] * toward * outside
    turn = np.where(np.bincount(part[source], pulled, n_parts) < 0, -1.0, 1.0)
    return now[:, 0] * turn[part]
