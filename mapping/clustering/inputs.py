"""The table of synapses: checked, and turned round to who sends to a neuron."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry
from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.clustering.limits import Limits
from neurosim.mapping.structures import Fanout

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

_WHERE = "cluster_neurons"


class Fanin(NamedTuple):
    """Different sources of every neuron, rows one after the other, sorted.

    Attributes
    ----------
    indptr
        int64 (n + 1,): where the row of each neuron begins.
    source
        int32 (n_pairs,): neurons that send to it. Synapses between the same two count once.
    """

    indptr: Int64
    source: Int32


def check_fanout(fanout: Fanout, where: str = _WHERE) -> Fanout:
    """The same table with the types kernels read.

    Raises
    ------
    ParameterError
        If rows do not fit each other, a target is no neuron, or a rate is negative or not a number.
    """
    indptr = np.ascontiguousarray(fanout.indptr, np.int64)
    target = np.ascontiguousarray(fanout.target, np.int32)
    rate = np.ascontiguousarray(fanout.rate, np.float32)
    n = len(indptr) - 1
    if indptr.ndim != 1 or n < 0 or indptr[0] != 0 or indptr[-1] != len(target) or (np.diff(indptr) < 0).any():
        text = "indptr must begin with 0, never fall, and end with the number of targets."
        raise ParameterError(text, where=where, used=int(indptr[-1]) if indptr.size else None, limit=len(target))
    if len(rate) != n:
        raise ParameterError("there must be one rate per source.", where=where, used=len(rate), limit=n)
    if len(target) and (int(target.min()) < 0 or int(target.max()) >= n):
        worst = int(target.min()) if int(target.min()) < 0 else int(target.max())
        raise ParameterError(f"there is a synapse to neuron {worst}; neurons are 0 to {n - 1}.", where=where, used=worst, limit=n - 1)
    wrong = np.flatnonzero(~(rate >= 0) | ~np.isfinite(rate))
    if len(wrong):
        value = float(rate[wrong[0]])
        remedy = "Use spikes per second, 0 or more, or 1 for all."
        raise ParameterError(f"the rate of neuron {wrong[0]} is {value}.", where=where, used=value, limit=0, remedy=remedy)
    return Fanout(indptr, target, rate)


def check_neurons(name: str, values: object, n: int, low: int, high: int, where: str = _WHERE) -> Int32:
    """One whole number of ``low .. high`` per neuron, as int32.

    Raises
    ------
    ParameterError
        If there are too few or too many, or one is outside.
    """
    found = np.asarray(values)
    if found.shape != (n,) or (n and found.dtype.kind not in "iu"):
        raise ParameterError(f"{name} must be whole numbers, one per neuron.", where=where, used=found.shape, limit=(n,))
    outside = np.flatnonzero((found < low) | (found > high))
    if len(outside):
        value = int(found[outside[0]])
        raise ParameterError(f"{name} of neuron {outside[0]} is {value}; it must be {low} to {high}.", where=where, used=value, limit=high)
    return np.ascontiguousarray(found, np.int32)


def turned(fanout: Fanout) -> Fanin:
    """Who sends to each neuron.

    Parameters
    ----------
    fanout
        As :func:`check_fanout` gives it.
    """
    n = fanout.n_sources
    last, indptr = np.full(n, -1, np.int32), np.zeros(n + 1, np.int64)
    _count_sources(fanout.indptr, fanout.target, last, indptr)
    np.cumsum(indptr, out=indptr)
    source = np.empty(int(indptr[-1]), np.int32)
    last[:] = -1
    _fill_sources(fanout.indptr, fanout.target, last, indptr[:-1].copy(), source)
    return Fanin(indptr, source)


def check_inputs(fanin: Fanin, limits: Limits, population: Int32) -> None:
    """Refuse a neuron with more sources than a core can receive from.

    Raises
    ------
    PlacementError
        Naming the neuron, its sources and the limit.
    """
    if limits.inbound is None or not len(population):
        return
    degree = np.where(population >= 0, np.diff(fanin.indptr), 0)
    worst = int(np.argmax(degree))
    if degree[worst] > limits.inbound:
        raise PlacementError(
            f"Neuron {worst} (of population {population[worst]}) alone does not fit on an empty core: "
            f"{int(degree[worst]):,} different neurons send to it, the limit is {limits.inbound:,}.",
            population=str(int(population[worst])),
            resource="inbound",
            used=int(degree[worst]),
            limit=limits.inbound,
            remedy="A neuron cannot be split: let each need less of that, for example with fewer inputs, or use another chip.",
        )


@entry()
def _count_sources(indptr, target, last, out_count):
    """Different sources of neuron ``i`` into ``out_count[i + 1]``."""
    for u in range(len(indptr) - 1):
        for j in range(indptr[u], indptr[u + 1]):
            t = target[j]
            if last[t] != u:
                last[t] = u
                out_count[t + 1] += 1


@entry()
def _fill_sources(indptr, target, last, place, out_source):
    """Sources of each neuron, from ``place`` on."""
    for u in range(len(indptr) - 1):
        for j in range(indptr[u], indptr[u + 1]):
            t = target[j]
            if last[t] != u:
                last[t] = u
                out_source[place[t]] = u
                place[t] += 1
