"""Synapses that find no place: a neuron has 224 inputs per denmem, whatever comes later is lost.

Projections are served in order, and the rows of a projection in the order of its sources.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.usage import bound, incoming
from neurosim.connectivity import iterate
from neurosim.network import Network, Projection, Rows

Int64 = NDArray[np.int64]


def cuts(network: Network, capacity: Mapping[int, int]) -> dict[int, Int64]:
    """First lost row of each postsynaptic index, by position of the projection; absent if none is lost.

    Parameters
    ----------
    network
        Translated network.
    capacity
        Inputs of one neuron, by population.
    """
    full = {p: room for p, room in capacity.items() if sum(bound(network, q, "in") for q, _ in incoming(network, p)) > room}
    left = {p: np.full(network.populations[p].size, room, np.int64) for p, room in full.items()}
    found: dict[int, Int64] = {}
    for index, projection in enumerate(network.projections):
        if any(p in full for p, _ in projection.post.parts):
            lost = _serve(network, projection, left)
            if lost is not None:
                found[index] = lost
    return found


def _serve(network: Network, projection: Projection, left: dict[int, Int64]) -> Int64 | None:
    """First row without room for each postsynaptic index; takes the room from ``left``."""
    never = projection.pre.size
    post_population, post_cell = projection.post.populations(), projection.post.indices()
    room = np.full(projection.post.size, np.iinfo(np.int64).max // 2)
    for p, cells in left.items():
        here = post_population == p
        room[here] = cells[post_cell[here]]
    lost = np.full(projection.post.size, never, np.int64)
    for rows in iterate(network, projection):
        _take(rows, room, lost)
    for p, cells in left.items():
        here = post_population == p
        cells[post_cell[here]] = np.maximum(room[here], 0)
    return lost if (lost < never).any() else None


def _take(rows: Rows, room: Int64, lost: Int64) -> None:
    """Give room to the synapses of a block, in order; note in ``lost`` where it ends."""
    order = np.argsort(rows.post, kind="stable")
    post, pre = rows.post[order], rows.pre()[order]
    first = np.searchsorted(post, post, side="left")
    refused = np.arange(len(post)) - first >= room[post]
    np.minimum.at(lost, post[refused], pre[refused])
    room -= np.bincount(rows.post, minlength=len(room))
