"""What the links carry: packets per link, hops per net, how full the fullest link is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neurosim._jit import entry
from neurosim.mapping.structures import Floats, Int32, Routes, Topology


class Congestion(NamedTuple):
    """How full links are.

    Attributes
    ----------
    max_load, mean_load
        Packets on the fullest link; packets on a link, averaged over those that exist and work.
    router, link
        The fullest link; the first of them if several are.
    """

    max_load: float
    mean_load: float
    router: int
    link: int


def link_loads(routes: Routes, weight: ArrayLike, topology: Topology) -> Floats:
    """Packets on each link, float64 (n_routers, n_links); ``weight`` (n_nets,) are the packets of each net.

    The sum over all links is :meth:`Routes.tree_hops`.
    """
    n_links = topology.neighbour.shape[1]
    at = routes.router.astype(np.int64) * n_links + routes.link
    packets = np.repeat(np.asarray(weight, np.float64), np.diff(routes.indptr))
    return np.bincount(at, packets, topology.neighbour.size).reshape(-1, n_links)


def congestion_of(loads: Floats, topology: Topology) -> Congestion:
    """Fullest and average link; ``loads`` as :func:`link_loads` gives them."""
    live = topology.neighbour >= 0
    router, link = divmod(int(loads.argmax()), loads.shape[1])
    mean = float(loads.sum() / live.sum()) if live.any() else 0.0
    return Congestion(float(loads.max()), mean, router, link)


def depths(routes: Routes, topology: Topology) -> Int32:
    """Hops from the source to the farthest router of each net, int32 (n_nets,): its latency in links."""
    out = np.empty(len(routes.indptr) - 1, np.int32)
    _fill_depths(routes.indptr, routes.router, routes.link, topology.neighbour, np.zeros(topology.n_routers, np.int32), out)
    return out


@entry()
def _fill_depths(indptr, router, link, neighbour, hops, out_depth):
    for net in range(len(out_depth)):
        begin, end = indptr[net], indptr[net + 1]
        deepest = 0
        if end > begin:
            hops[router[begin]] = 0  # a tree begins at its source
        for k in range(begin, end):
            other = neighbour[router[k], link[k]]
            hops[other] = hops[router[k]] + 1
            deepest = max(deepest, hops[other])
        out_depth[net] = deepest
