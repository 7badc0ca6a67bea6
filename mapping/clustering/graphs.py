"""Groups of neurons from the graph of their synapses: METIS where it is installed, else eigenvectors."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.mapping.structures import Fanout

Int32 = NDArray[np.int32]
Floats = NDArray[np.float64]

_MOST_WEIGHT = 1000.0


def has_metis() -> bool:
    """Whether pymetis is installed (extra ``map``)."""
    return importlib.util.find_spec("pymetis") is not None


def sampled_graph(fanout: Fanout, sample: int, seed: int) -> Any:
    """Symmetric graph of at most ``sample`` synapses of each neuron, as a scipy CSR matrix of int32 weights >= 1.

    Parameters
    ----------
    fanout
        Checked.
    sample
        Synapses taken of each neuron, evenly through its row from a random place on.
    seed
        Of these places.
    """
    from scipy import sparse

    n, degree = fanout.n_sources, np.diff(fanout.indptr)
    taken = np.minimum(degree, sample)
    source = np.repeat(np.arange(n, dtype=np.int32), taken)
    turn = np.arange(len(source)) - np.repeat(np.cumsum(taken) - taken, taken)
    begin = np.random.default_rng(seed).random(n)[source]
    place = np.minimum(((turn + begin) * (degree / np.maximum(taken, 1))[source]).astype(np.int64), degree[source] - 1)
    target = fanout.target[fanout.indptr[source] + place]
    mean = float(fanout.rate.mean()) if n else 1.0
    scale = 16.0 / mean if mean > 0 and fanout.rate.min() != fanout.rate.max() else 1.0 / (mean or 1.0)
    weight = np.clip(np.rint(fanout.rate * scale), 1.0, _MOST_WEIGHT).astype(np.int32)[source]
    other = source != target
    half = sparse.csr_matrix((weight[other], (source[other], target[other])), (n, n))
    return (half + half.T).tocsr()


def metis_groups(graph: Any, weight: NDArray[np.int64], n_groups: int, seed: int) -> Int32:
    """Groups of about the same weight with few synapses between them.

    Parameters
    ----------
    graph
        As :func:`sampled_graph` gives it.
    weight
        int64 (n,): weight of each neuron.
    n_groups
        Number of groups; some may stay empty.
    seed
        Of METIS.

    References
    ----------
    Karypis and Kumar, SIAM Journal on Scientific Computing 20 (1998) 359.
    """
    import pymetis

    options = pymetis.Options(seed=seed % 2**31, ufactor=20)
    pieces = [np.ascontiguousarray(part, np.int32) for part in (graph.indptr, graph.indices, weight, graph.data)]
    found = pymetis.part_graph(
        n_groups,
        pymetis.CSRAdjacency(pieces[0], pieces[1]),
        vweights=pieces[2],
        eweights=pieces[3],
        recursive=n_groups <= 8,
        options=options,
    )
    return np.asarray(found[1], np.int32)


#: Weight between neighbours in the given order, beside 1 for all synapses of a neuron.
_RING = 1e-3


def spectral_positions(graph: Any, seed: int) -> Floats:
    """Coordinates (n, 2) in which neurons with synapses between them lie close: ranks along two slow eigenvectors."""
    from scipy import sparse
    from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, eigsh

    n = graph.shape[0]
    if n < 8:
        return np.zeros((n, 2))
    root = 1.0 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1.0))
    # a shift leaves the vectors as they are, and something to begin with where there are next to no synapses
    scaled = sparse.diags(root) @ graph.astype(np.float32) @ sparse.diags(root) + sparse.identity(n, np.float32)
    # where components have equal eigenvalues ARPACK begins anew with random numbers of its own: a weak ring tells them apart
    rows = np.arange(n)
    ring = sparse.coo_matrix((np.full(n, _RING, np.float32), (rows, np.roll(rows, 1))), (n, n))
    scaled = scaled + ring + ring.T
    begin = np.random.default_rng(seed).random(n) + 0.5
    try:
        _, vectors = eigsh(scaled.astype(np.float32), 3, which="LA", v0=begin.astype(np.float32), tol=2e-2, ncv=24, maxiter=40)
    except ArpackNoConvergence as error:
        vectors = error.eigenvectors
    except ArpackError:
        return np.zeros((n, 2))
    positions = np.zeros((n, 2))
    for k in range(min(2, vectors.shape[1] - 1)):
        positions[np.argsort(vectors[:, -2 - k] * root, kind="stable"), k] = np.arange(n)
    return positions
