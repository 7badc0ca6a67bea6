"""Routers, the links between them, and how many hops apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim._jit import entry, inner
from neurosim.errors import ParameterError
from neurosim.mapping.structures import Int32, Topology

Int16 = NDArray[np.int16]

#: Steps (x, y) of the links of a mesh with four neighbours: east, north, west, south.
MESH = ((1, 0), (0, 1), (-1, 0), (0, -1))
#: Steps of a triangular mesh: east, north-east, north, west, south-west, south.
TRIANGULAR = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))
#: Distance to what cannot be reached.
UNREACHABLE = 32767
#: Largest number of routers that get a table of all distances (32 MiB).
MOST_IN_TABLE = 4096


class Dead(NamedTuple):
    """What does not work.

    Attributes
    ----------
    routers
        Numbers of dead routers; their cores and links are dead too.
    links
        Pairs (router, link); a dead link is dead in both directions.
    cores
        Router of each dead core; a router with three dead cores occurs three times.
    """

    routers: Sequence[int] = ()
    links: Sequence[tuple[int, int]] = ()
    cores: Sequence[int] = ()


class Metric(NamedTuple):
    """Links and distances as kernels read them.

    Attributes
    ----------
    neighbour
        int32 (n, n_links): see :class:`Topology`.
    opposite
        int32 (n_links,): link that leads back.
    table
        int16 (n, n): hops over live links, 32767 where there is no way; (0, 0) in size if ``n`` is
        above 4096: then distances are those of the mesh with nothing missing.
    x, y
        int32 (n,): coordinates.
    columns, rows
        Size of a torus, else 0.
    triangular
        1 for a triangular mesh, 0 for one with four neighbours.
    """

    neighbour: Int32
    opposite: Int32
    table: Int16
    x: Int32
    y: Int32
    columns: int
    rows: int
    triangular: int


def topology_of(
    xy: ArrayLike,
    room: ArrayLike,
    *,
    steps: Sequence[tuple[int, int]] = MESH,
    wrap: tuple[int, int] = (0, 0),
    dead: Dead | None = None,
) -> Topology:
    """Topology of routers at some coordinates.

    Parameters
    ----------
    xy
        int (n, 2): coordinates of each router; any outline, no two alike.
    room
        int (n,) or one number: usable cores at each router.
    steps
        Direction (x, y) of each link, at most 63; the opposite of each is among them.
    wrap
        Columns and rows of a torus, or (0, 0) where there are edges.
    dead
        What does not work; nothing by default.

    Returns
    -------
    Topology
        Dead routers keep their number; they have no links and no room.

    Raises
    ------
    ParameterError
        If coordinates repeat, a step has no opposite, a number is out of range or nothing has room.

    Examples
    --------
    >>> topology_of([(0, 0), (1, 0)], 4).neighbour[0].tolist()
    [1, -1, -1, -1]
    """
    places, dead = _checked_places(xy, wrap), dead or Dead()
    directions = _checked_steps(steps)
    rooms = np.broadcast_to(np.asarray(room, np.int32), len(places)).copy()
    neighbour = _neighbours(places, directions, wrap)
    topology = Topology(places[:, 0].copy(), places[:, 1].copy(), neighbour, directions, wrap, rooms)
    _remove(topology, dead)
    if (rooms < 0).any() or not (rooms > 0).any():
        bad = (
            "a router has fewer than 0 usable cores." if (rooms < 0).any() else "no router has a usable core: all are dead or without room."
        )
        raise ParameterError(bad, where="topology_of", used=int(rooms.min()), remedy="Check room and what is given as dead.")
    return topology


def _checked_places(xy: ArrayLike, wrap: tuple[int, int]) -> Int32:
    places = np.asarray(xy, np.int32).reshape(-1, 2)
    if len(np.unique(places, axis=0)) < len(places):
        raise ParameterError("two routers have the same coordinates.", where="topology_of", remedy="Give each router a place of its own.")
    if (wrap[0] > 0) != (wrap[1] > 0) or (wrap[0] > 0 and len(places) and ((places < 0) | (places >= np.array(wrap))).any()):
        text = f"coordinates do not lie on a torus of {wrap[0]} x {wrap[1]} routers."
        raise ParameterError(text, where="topology_of", used=wrap, remedy="Set wrap to columns and rows, or to (0, 0) for edges.")
    return places


def _checked_steps(steps: Sequence[tuple[int, int]]) -> Int32:
    known = {(int(x), int(y)) for x, y in steps}
    lonely = [step for step in known if (-step[0], -step[1]) not in known]
    if lonely or len(known) != len(steps) or len(steps) > 63:
        text = f"the link in direction {lonely[0]} has no opposite." if lonely else f"{len(steps)} links are not up to 63 different ones."
        raise ParameterError(text, where="topology_of", used=tuple(steps), remedy="Give every direction once, with its opposite.")
    return np.array(steps, np.int32).reshape(-1, 2)


def _neighbours(places: Int32, steps: Int32, wrap: tuple[int, int]) -> Int32:
    low = places.min(axis=0).astype(np.int64) - 1 - np.abs(steps).max()
    height = int(places[:, 1].max() - low[1]) + 2 + int(np.abs(steps).max())

    def code(xy: NDArray[Any]) -> NDArray[np.int64]:
        return (xy[:, 0] - low[0]) * height + (xy[:, 1] - low[1])

    own = code(places)
    order = np.argsort(own)
    found = np.full((len(places), len(steps)), -1, np.int32)
    for link, step in enumerate(steps):
        other = places + step
        asked = code(other % np.array(wrap) if wrap[0] else other)
        at = np.minimum(np.searchsorted(own[order], asked), len(places) - 1)
        hit = (own[order][at] == asked) & (order[at] != np.arange(len(places)))
        found[hit, link] = order[at[hit]]
    return found


def _remove(topology: Topology, dead: Dead) -> None:
    """Take what is dead out of a topology that nobody else has seen yet."""
    n, n_links = topology.neighbour.shape
    named = [*dead.routers, *dead.cores, *(router for router, _ in dead.links)]
    wrong = [router for router in named if not 0 <= router < n] + [link for _, link in dead.links if not 0 <= link < n_links]
    if wrong:
        text = f"what is dead names number {wrong[0]}; there are {n:,} routers with {n_links} links each."
        raise ParameterError(text, where="topology_of", used=wrong[0], limit=n, remedy="Count routers and links from 0.")
    np.subtract.at(topology.room, np.array(dead.cores, np.int64), 1)
    pairs = {*dead.links, *((router, link) for router in dead.routers for link in range(n_links))}
    opposite = topology.opposite
    for router, link in pairs:
        other = topology.neighbour[router, link]
        if other >= 0:
            topology.neighbour[other, opposite[link]] = -1
        topology.neighbour[router, link] = -1
    topology.room[np.array(dead.routers, np.int64)] = 0


def dead_parts(topology: Topology) -> str:
    """What is dead, in words: routers without any link or room, and links that lead to a router but are missing."""
    whole = _neighbours(np.stack([topology.x, topology.y], axis=1), topology.step, topology.wrap)
    gone = (topology.neighbour < 0).all(axis=1) & (topology.room == 0) & (whole >= 0).any(axis=1)
    router, link = np.nonzero((topology.neighbour < 0) & (whole >= 0) & ~gone[:, None])
    keep = ~gone[whole[router, link]]
    links = [f"link {b} of {router_label(topology, a)}" for a, b in zip(router[keep].tolist(), link[keep].tolist(), strict=True)]
    words = [router_label(topology, at) for at in np.flatnonzero(gone).tolist()] + links
    more = f" and {len(words) - 8:,} more" if len(words) > 8 else ""
    return (", ".join(words[:8]) + more) or "nothing"


def router_label(topology: Topology, router: int) -> str:
    """Name of a router for messages: ``"router 3 at (1, 0)"``."""
    return f"router {router} at ({topology.x[router]}, {topology.y[router]})"


def metric_of(topology: Topology) -> Metric:
    """Distances between the routers of a topology.

    Raises
    ------
    ParameterError
        If there are more than 4096 routers and their links are neither :data:`MESH` nor :data:`TRIANGULAR`.
    """
    n = topology.n_routers
    steps = {(x, y) for x, y in topology.step.tolist()}
    triangular = steps == set(TRIANGULAR)
    if n <= MOST_IN_TABLE:
        table = np.empty((n, n), np.int16)
        _fill_table(topology.neighbour, np.empty(n, np.int32), table)
    elif triangular or steps == set(MESH):
        table = np.empty((0, 0), np.int16)
    else:
        text = f"no distance is known for {n:,} routers with these links."
        raise ParameterError(text, where="metric_of", used=n, limit=MOST_IN_TABLE, remedy="Use the links of MESH or TRIANGULAR.")
    return Metric(topology.neighbour, topology.opposite, table, topology.x, topology.y, *topology.wrap, int(triangular))


def hops_between(metric: Metric, a: ArrayLike, b: ArrayLike) -> Int32:
    """Hops between routers ``a`` and ``b``, elementwise; 32767 where a table knows no way."""
    first, second = np.broadcast_arrays(np.asarray(a, np.int32), np.asarray(b, np.int32))
    out = np.empty(first.shape, np.int32)
    _fill_hops(metric, np.ascontiguousarray(first).reshape(-1), np.ascontiguousarray(second).reshape(-1), out.reshape(-1))
    return out


@entry()
def _fill_hops(metric, first, second, out):
    for i in range(len(out)):
        out[i] = distance(metric, first[i], second[i])


@entry()
def _fill_table(neighbour, queue, out_table):
    """Breadth-first search from every router."""
    out_table[:] = UNREACHABLE
    for root in range(len(queue)):
        row = out_table[root]
        row[root] = 0
        queue[0] = root
        head, tail = 0, 1
        while head < tail:
            at = queue[head]
            head += 1
            for link in range(neighbour.shape[1]):
                other = neighbour[at, link]
                if other >= 0 and row[other] == UNREACHABLE:
                    row[other] = row[at] + 1
                    queue[tail] = other
                    tail += 1


@inner()
def distance(metric, a, b):
    """Hops between two routers: from the table, else in closed form."""
    if metric.table.shape[0] > 0:
        return np.int64(metric.table[a, b])
    dx = np.int64(metric.x[b]) - metric.x[a]
    dy = np.int64(metric.y[b]) - metric.y[a]
    shortest = _length(dx, dy, metric.triangular)
    if metric.columns > 0:
        other_x = dx - metric.columns if dx > 0 else dx + metric.columns
        other_y = dy - metric.rows if dy > 0 else dy + metric.rows
        shortest = min(shortest, _length(other_x, dy, metric.triangular))
        shortest = min(shortest, _length(dx, other_y, metric.triangular))
        shortest = min(shortest, _length(other_x, other_y, metric.triangular))
    return shortest


@inner()
def _length(dx, dy, triangular):
    if triangular and dx * dy > 0:
        return max(abs(dx), abs(dy))
    return abs(dx) + abs(dy)
