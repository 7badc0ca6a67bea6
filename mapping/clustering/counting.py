"""Exact counts of what a partition sends: one streaming pass over all synapses, little memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry
from neurosim.mapping.clustering.inputs import check_fanout, check_neurons
from neurosim.mapping.structures import CoreGraph, Fanout, Nets

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

_ROWS = 1 << 20


class Counts(NamedTuple):
    """What a partition sends and what its cores receive.

    Attributes
    ----------
    packets
        Sum over neurons of their rate times the number of *other* cores with a target.
    inbound
        int64 (n_cores,): different neurons, those of the core itself too, with a target there.
    outbound
        int64 (n_cores,): sum over the neurons of the core of the cores each has a target on.
    """

    packets: float
    inbound: Int64
    outbound: Int64


def count_packets(fanout: Fanout, core_of: Int32, n_cores: int) -> Counts:
    """Packets, and the distinct connections of every core.

    Parameters
    ----------
    fanout
        Targets and rate of every neuron; a target that occurs twice counts once.
    core_of
        int32 (n,): core of each neuron; -1 if it is on none, which it may send from but not receive at.
    n_cores
        Number of cores.

    Raises
    ------
    ParameterError
        If the table is malformed, or a core is not -1 to ``n_cores - 1``.

    Examples
    --------
    >>> fanout = Fanout(np.array([0, 2, 3]), np.array([0, 1, 0], np.int32), np.ones(2, np.float32))
    >>> count_packets(fanout, np.array([0, 1], np.int32), 2).packets
    2.0
    """
    fanout = check_fanout(fanout, "count_packets")
    return counted(fanout, check_neurons("core_of", core_of, fanout.n_sources, -1, n_cores - 1, "count_packets"), n_cores)


def counted(fanout: Fanout, core_of: Int32, n_cores: int) -> Counts:
    """As :func:`count_packets`, without its checks."""
    inbound, outbound = np.zeros(n_cores, np.int64), np.zeros(n_cores, np.int64)
    packets = _count(fanout.indptr, fanout.target, fanout.rate, core_of, np.full(n_cores, -1, np.int32), inbound, outbound)
    return Counts(float(packets), inbound, outbound)


def core_graph(fanout: Fanout, core_of: Int32, n_cores: int) -> CoreGraph:
    """Packets between every pair of different cores; parameters and errors of :func:`count_packets`.

    Packets of neurons that are on no core are in no row.
    """
    source, target, packets, _ = _pairs(fanout, core_of, n_cores, "core_graph")
    other = source != target
    return CoreGraph(source[other], target[other], packets[other])


def core_nets(fanout: Fanout, core_of: Int32, n_cores: int) -> Nets:
    """One net per core that sends: all cores with a target of its neurons, and the summed rate of those with any.

    Parameters and errors of :func:`count_packets`.
    """
    source, target, _, weight = _pairs(fanout, core_of, n_cores, "core_nets")
    cores, first = np.unique(source, return_index=True)
    indptr = np.append(first, len(source)).astype(np.int64)
    return Nets(cores.astype(np.int32), indptr, target.astype(np.int32), weight[cores].astype(np.float32))


def _pairs(fanout: Fanout, core_of: Int32, n_cores: int, where: str) -> tuple[Int64, Int64, Floats, Floats]:
    """Source core, target core (its own too) and packets, sorted; and what each core sends at all."""
    fanout = check_fanout(fanout, where)
    core_of = check_neurons("core_of", core_of, fanout.n_sources, -1, n_cores - 1, where)
    placed = np.flatnonzero(core_of >= 0)
    order = placed[np.argsort(core_of[placed], kind="stable")].astype(np.int64)
    seen, row_of = np.full(n_cores, -1, np.int64), np.full(n_cores, -1, np.int64)
    weight, room = np.zeros(n_cores), max(_ROWS, n_cores)
    parts: list[tuple[Int64, Int64, Floats]] = []
    first = 0
    while first < len(order):
        source, target, packets = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
        first, n = _core_rows(
            fanout.indptr, fanout.target, fanout.rate, core_of, order, first, seen, row_of, weight, source, target, packets
        )
        parts.append((source[:n], target[:n], packets[:n]))
    source, target = (np.concatenate([np.empty(0, np.int64), *(part[k] for part in parts)]) for k in (0, 1))
    packets = np.concatenate([np.empty(0), *(part[2] for part in parts)])
    by_pair = np.argsort(source * max(n_cores, 1) + target, kind="stable")
    return source[by_pair], target[by_pair], packets[by_pair], weight


@entry()
def _count(indptr, target, rate, core_of, seen, out_inbound, out_outbound):
    """Packets; ``seen`` (n_cores,) begins with -1."""
    packets = 0.0
    for u in range(len(indptr) - 1):
        own, n_cores, local = core_of[u], 0, 0
        for j in range(indptr[u], indptr[u + 1]):
            core = core_of[target[j]]
            if core >= 0 and seen[core] != u:
                seen[core] = u
                n_cores += 1
                local += core == own
                out_inbound[core] += 1
        packets += rate[u] * (n_cores - local)
        if own >= 0:
            out_outbound[own] += n_cores
    return packets


@entry()
def _core_rows(indptr, target, rate, core_of, order, first, seen, row_of, out_weight, out_source, out_target, out_packets):
    """Rows of whole source cores while there surely is room; gives the next neuron of ``order`` and the number of rows.

    ``row_of`` (n_cores,) says in which row a target core is; rows of one source core follow each other.
    """
    n_rows, begin, at = 0, 0, first
    while at < len(order):
        u = order[at]
        own = core_of[u]
        if at == first or core_of[order[at - 1]] != own:
            begin = n_rows
            if n_rows + len(seen) > len(out_source):
                break
        n_cores = 0
        for j in range(indptr[u], indptr[u + 1]):
            core = core_of[target[j]]
            if core < 0 or seen[core] == u:
                continue
            seen[core] = u
            n_cores += 1
            row = row_of[core]
            if row < begin or row >= n_rows or out_target[row] != core or out_source[row] != own:
                row = n_rows
                row_of[core] = row
                out_source[row], out_target[row], out_packets[row] = own, core, 0.0
                n_rows += 1
            out_packets[row] += rate[u]
        if n_cores > 0:
            out_weight[own] += rate[u]
        at += 1
    return at, n_rows
