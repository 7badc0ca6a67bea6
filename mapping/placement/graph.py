"""The packets between cores as kernels read them, and what a placement costs."""

from __future__ import annotations

import numpy as np

from neurosim.errors import ParameterError
from neurosim.mapping.placement.kernels import Adjacency, fill_adjacency, packet_hops
from neurosim.mapping.placement.positions import Positions
from neurosim.mapping.structures import CoreGraph, Int32

_WHERE = "CoreGraph"
#: Bits of the largest scaled packet count, and of the largest sum of packets times distance.
_WEIGHT_BITS, _SUM_BITS = 30, 60


def check_graph(graph: CoreGraph, n_cores: int) -> None:
    """Refuse what is no graph of packets between ``n_cores`` cores.

    Raises
    ------
    ParameterError
        If the columns differ in length, a core is out of range, or packets are negative or not finite.
    """
    lengths = [len(column) for column in graph]
    if len(set(lengths)) > 1:
        raise ParameterError(
            f"the columns have {lengths} rows.", where=_WHERE, used=lengths, remedy="Give one source, one target and packets for each pair."
        )
    for name, cores in (("source", graph.source), ("target", graph.target)):
        wrong = np.flatnonzero((cores < 0) | (cores >= n_cores))
        if len(wrong):
            used = int(cores[wrong[0]])
            raise ParameterError(
                f"{name} of pair {wrong[0]} is core {used:,}, but there are {n_cores:,} cores.",
                where=_WHERE,
                used=used,
                limit=n_cores - 1,
                remedy="Number cores from 0.",
            )
    wrong = np.flatnonzero(~(graph.packets >= 0) | np.isinf(graph.packets))
    if len(wrong):
        used = float(graph.packets[wrong[0]])
        pair = f"{int(graph.source[wrong[0]])} -> {int(graph.target[wrong[0]])}"
        raise ParameterError(
            f"packets of pair {pair} are {used}; they must be finite and not negative.",
            where=_WHERE,
            used=used,
            limit=0,
            remedy="Count packets again.",
        )


def adjacency(graph: CoreGraph, n_cores: int, diameter: int = 1) -> Adjacency:
    """Rows of neighbours of every core, packets scaled to whole numbers.

    Parameters
    ----------
    graph
        Checked, see :func:`check_graph`; pairs of a core with itself are left out.
    diameter
        Largest distance that packets are going to be multiplied with, so that no sum overflows.
    """
    source, target, packets = (np.ascontiguousarray(column) for column in graph)
    counted = (source != target) & (packets > 0)
    ends = source[counted], target[counted]
    degree = np.bincount(ends[0], minlength=n_cores) + np.bincount(ends[1], minlength=n_cores)
    indptr = np.concatenate([[0], np.cumsum(degree)]).astype(np.int64)
    neighbour, weight = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.int32)
    fill_adjacency(source, target, packets, _scale(packets, diameter), indptr, neighbour, weight, indptr[:-1].copy())
    return Adjacency(indptr, neighbour, weight)


def _scale(packets: np.ndarray, diameter: int) -> float:
    """Factor that leaves the most significant digits without an overflow, in squared potentials either."""
    if not len(packets) or not packets.max(initial=0.0):
        return 1.0
    largest = 2.0**_SUM_BITS / (packets.sum() * 4.0 * (diameter + 1.0))
    return float(min(2.0**_WEIGHT_BITS / packets.max(), largest))


def placement_cost(graph: CoreGraph, positions: Positions, position_of: Int32) -> float:
    """Sum over pairs of packets times hops.

    Parameters
    ----------
    position_of
        int32 (n_cores,): position of each core.
    """
    slot_of_position = np.empty(len(positions), np.int64)
    slot_of_position[positions.slots] = np.arange(len(positions))
    site_of = positions.sites.site[slot_of_position[position_of]]
    return float(packet_hops(*(np.ascontiguousarray(column) for column in graph), positions.sites, site_of))
