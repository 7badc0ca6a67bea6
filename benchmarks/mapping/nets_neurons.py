"""Networks of neurons for the partition benchmarks: who sends to whom, as one table of targets each.

All come from a seed. ``scrambled`` networks have their neurons renumbered at random, so that their
order tells nothing; a sheet still knows where its neurons lie.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.parameters import Microcircuit
from neurosim.mapping.structures import Fanout

Int32 = NDArray[np.int32]

_ROWS_AT_ONCE = 4_000_000


class NeuronNet(NamedTuple):
    """Synapses one by one, the population of every neuron, and where neurons lie if that is known."""

    fanout: Fanout
    population: Int32
    positions: NDArray[np.float64] | None = None


def clustered(n: int = 20_000, degree: int = 100, *, size: int = 250, inside: float = 0.8, seed: int = 1) -> NeuronNet:
    """Clusters of ``size`` neurons that keep the share ``inside`` of their synapses; scrambled."""
    rng = np.random.default_rng(seed)
    cluster = np.arange(n) // size
    local = cluster[:, None] * size + rng.integers(0, size, (n, degree))
    target = np.where(rng.random((n, degree)) < inside, np.minimum(local, n - 1), rng.integers(0, n, (n, degree)))
    return _renumbered(target.astype(np.int32), rng.permutation(n))


def sheet(rows: int, columns: int, degree: int, sigma: float, *, scrambled: bool = True, seed: int = 1) -> NeuronNet:
    """A grid of neurons with Gaussian reach ``sigma`` (grid steps), reflected at its edges."""
    rng = np.random.default_rng(seed)
    n = rows * columns
    target = np.empty((n, degree), np.int32)
    block = max(1, _ROWS_AT_ONCE // degree)
    for first in range(0, n, block):
        ids = np.arange(first, min(first + block, n))
        y, x = (_reflected(at, rng, sigma, side, degree) for at, side in ((ids // columns, rows), (ids % columns, columns)))
        target[ids] = y * columns + x
    positions = np.stack(np.divmod(np.arange(n), columns), axis=1).astype(np.float64)
    if not scrambled:
        return _net(target, positions)
    return _renumbered(target, rng.permutation(n), positions)


def _reflected(at: NDArray[np.int64], rng: np.random.Generator, sigma: float, side: int, degree: int) -> Int32:
    drawn = rng.standard_normal((len(at), degree), np.float32) * np.float32(sigma)
    found = np.rint(drawn).astype(np.int32) + at[:, None].astype(np.int32)
    last = max(side - 1, 1)
    return np.minimum(last - np.abs(last - found % (2 * last)), side - 1)


def vogels_abbott(n: int = 4000, probability: float = 0.02, *, seed: int = 1) -> NeuronNet:
    """Random connections between all: 4 of 5 neurons are excitatory."""
    rng = np.random.default_rng(seed)
    marks = rng.random((n, n)) < probability
    indptr = np.concatenate([[0], np.cumsum(marks.sum(axis=1))]).astype(np.int64)
    population = (np.arange(n) >= n * 4 // 5).astype(np.int32)
    return NeuronNet(Fanout(indptr, np.nonzero(marks)[1].astype(np.int32), np.ones(n, np.float32)), population)


def microcircuit(degree: int = 100, *, seed: int = 1) -> NeuronNet:
    """Eight populations of the cortical microcircuit, with ``degree`` of each neuron's targets drawn.

    References
    ----------
    Potjans and Diesmann, Cerebral Cortex 24 (2014), table 5.
    """
    rng = np.random.default_rng(seed)
    sizes, probabilities = np.array(Microcircuit().sizes), np.array(Microcircuit().probabilities)
    first = np.concatenate([[0], np.cumsum(sizes)])
    rows = []
    for pre, size in enumerate(sizes):
        weight = probabilities[:, pre] * sizes
        post = rng.choice(len(sizes), (size, degree), p=weight / weight.sum())
        rows.append(first[post] + (rng.random((size, degree)) * sizes[post]).astype(np.int64))
    net = _net(np.concatenate(rows).astype(np.int32))
    return net._replace(population=np.repeat(np.arange(len(sizes), dtype=np.int32), sizes))


def _renumbered(target: Int32, number: NDArray[np.int64], positions: NDArray[np.float64] | None = None) -> NeuronNet:
    """Neuron ``i`` becomes ``number[i]``; in place, because the table may be most of what fits in memory."""
    new, back = number.astype(np.int32), np.argsort(number)
    degree = target.shape[1]
    out = np.empty_like(target)
    block = max(1, _ROWS_AT_ONCE // degree)
    for start in range(0, len(back), block):
        out[start : start + block] = new[target[back[start : start + block]]]
    return _net(out, None if positions is None else positions[back])


def _net(target: Int32, positions: NDArray[np.float64] | None = None) -> NeuronNet:
    n, degree = target.shape
    indptr = np.arange(n + 1, dtype=np.int64) * degree
    return NeuronNet(Fanout(indptr, target.reshape(-1), np.ones(n, np.float32)), np.zeros(n, np.int32), positions)
