"""Which neurons every source reaches, from the rules of a network, one synapse after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim._jit import entry
from neurosim.connectivity import Expansion
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.mapping.structures import Fanout, Float32, Int64
from neurosim.network import Network, Projection, Selection, Synapse

#: Synapses that are expanded at a time.
BLOCK = 2_000_000
_MOST_HZ = 1e30


def bases(network: Network) -> Int64:
    """Number of the first cell of each population when all are counted through, and their sum, int64 (n + 1,)."""
    return np.concatenate([[0], np.cumsum([population.size for population in network.populations])]).astype(np.int64)


def fanout_of(network: Network, rates: Mapping[int, ArrayLike] | None = None) -> Fanout:
    """Targets of every cell; cells are counted through all populations.

    Rules are expanded twice, once to count and once to write, so that nothing but the result is kept.

    Parameters
    ----------
    rates
        Spikes per second by population id, a number or an array (size,); 1 for those left out.

    Raises
    ------
    ParameterError
        If a rate is negative or no number.
    """
    first = bases(network)
    degree = np.zeros(first[-1], np.int64)
    for sources, indptr, _ in _rows(network, first):
        np.add.at(degree, sources, np.diff(indptr))
    indptr = np.concatenate([[0], np.cumsum(degree)])
    target, place = np.empty(indptr[-1], np.int32), indptr[:-1].copy()
    for sources, row_ptr, targets in _rows(network, first):
        _put(sources, row_ptr, targets, place, target)
    return Fanout(indptr, target, rate_of(network, rates))


def rate_of(network: Network, rates: Mapping[int, ArrayLike] | None) -> Float32:
    """Rate of every cell, float32; 1 where it is not known.

    Raises
    ------
    ParameterError
        If a rate is negative, infinite or no number, or a population has another size.
    UnknownNameError
        If there is no such population.
    """
    first, rates = bases(network), rates or {}
    found = np.ones(first[-1], np.float32)
    for number, given in rates.items():
        if not isinstance(number, int | np.integer) or not 0 <= number < len(network.populations):
            raise UnknownNameError.among("population", number, map(str, range(len(network.populations))), where="rates")
        population = network.populations[number]
        where = f"Population '{population.label}'"
        values = _numbers(given, where)
        if values.shape not in ((), (population.size,)):
            text = f"there are {values.size:,} rates for {population.size:,} cells."
            raise ParameterError(text, where=where, used=values.size, limit=population.size, remedy="Give one rate, or one for each cell.")
        wrong = ~(values <= _MOST_HZ) | (values < 0)
        if wrong.any():
            value = float(np.atleast_1d(values)[np.atleast_1d(wrong)][0])
            raise ParameterError(f"a firing rate is {value:g}.", where=where, used=value, limit=0, remedy="Give rates of 0 Hz or more.")
        found[first[number] : first[number + 1]] = values
    return found


def _numbers(given: ArrayLike, where: str) -> NDArray[np.float64]:
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):
        text = f"the firing rate {given!r} is no number."
        raise ParameterError(text, where=where, used=given, remedy="Give one rate in Hz, or one for each cell.") from None


def _rows(network: Network, first: Int64) -> Iterator[tuple[Int64, Int64, NDArray[np.int32]]]:
    """Sources, row pointer and targets, block by block."""
    for projection in network.projections:
        sources, targets = cells(first, projection.pre), cells(first, projection.post).astype(np.int32)
        expansion = Expansion(network, bare(projection))
        for start, stop in expansion.blocks(BLOCK):
            rows = expansion.expand(start, stop, columns=(), dtypes={"post": np.int32})
            yield sources[start:stop], rows.indptr, targets[rows.post]


def cells(first: Int64, selection: Selection) -> Int64:
    """Numbers of the cells of a selection, counted through all populations."""
    return np.concatenate([np.empty(0, np.int64), *(first[p] + np.asarray(i, np.int64) for p, i in selection.parts)])


def bare(projection: Projection) -> Projection:
    """The same synapses without weights, delays and what a chip makes of them."""
    return replace(projection, synapse=Synapse(projection.synapse.model, {}), realisation=None)


@entry(nogil=True)
def _put(sources, row_ptr, targets, place, out):
    for r in range(sources.size):
        at = place[sources[r]]
        for k in range(row_ptr[r], row_ptr[r + 1]):
            out[at] = targets[k]
            at += 1
        place[sources[r]] = at
