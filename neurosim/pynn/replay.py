"""Topologies of the random connectors, drawn from the user's generator number by number as PyNN does.

Each function gives ``(pre, post)`` int64 arrays. Those of probability connectors are grouped by
target, sources ascending; so are the draws, in blocks of targets.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pyNN import connectors as stock
from pyNN.random import NumpyRNG, RandomDistribution

from neurosim.errors import ParameterError
from neurosim.pynn import lazy

if TYPE_CHECKING:
    from neurosim.pynn.projections import Projection

Indices = NDArray[np.int64]
Pairs = tuple[Indices, Indices]

BEARABLE_S = 3.0
"""Estimated time of all replays of a network before ``rng=None`` chooses the counter-based rules for the rest."""

BLOCK = 4_000_000
"""Candidate pairs drawn at a time."""

_UNIT = {"low": 0, "high": 1}


def seconds(connector: Any, projection: Projection) -> float:
    """Estimated time of a replay in seconds."""
    n_pre, n_post = projection.shape
    n = connector.n if isinstance(getattr(connector, "n", None), int) else 100
    if isinstance(connector, stock.FixedTotalNumberConnector):
        return 1.5e-6 * n
    if isinstance(connector, stock.FixedNumberPreConnector):
        return 2e-8 * n * n_post if connector.with_replacement else 2e-8 * n_pre * n_post + 1e-5 * n_post
    if isinstance(connector, stock.FixedNumberPostConnector):
        return 2e-8 * n * n_pre if connector.with_replacement else 2e-8 * n_pre * n_post + 1e-5 * n_pre
    return 2e-8 * n_pre * n_post


# --- a probability for every pair ------------------------------------------------------------------
def fixed_probability(connector: Any, projection: Projection) -> Pairs:
    """Pairs whose number is below the probability."""
    return _thinned(connector, projection, lambda _columns: connector.p_connect)


def distance_dependent(connector: Any, projection: Projection) -> Pairs:
    """Pairs whose number is below a function of their distance."""
    n_pre = projection.shape[0]
    pre_positions, post_positions = projection.pre.positions, projection.post.positions

    def probability(columns: Indices) -> Any:
        pre, post = np.tile(np.arange(n_pre), len(columns)), np.repeat(columns, n_pre)
        d = lazy.space_distances(projection.space, pre_positions, post_positions, pre, post)
        return np.broadcast_to(connector.distance_function(d), d.shape).reshape(len(columns), n_pre)

    return _thinned(connector, projection, probability)


def index_based(connector: Any, projection: Projection) -> Pairs:
    """Pairs whose number is below a function of their indices."""
    expression = lazy.deepcopy_shallow(connector.index_expression)
    expression.projection = projection
    sources = np.arange(projection.shape[0])

    def probability(columns: Indices) -> Any:
        return np.stack([np.broadcast_to(np.asarray(expression(sources, int(j)), dtype=float), sources.shape) for j in columns])

    return _thinned(connector, projection, probability)


def _thinned(connector: Any, projection: Projection, probability: Any) -> Pairs:
    rng = deepcopy(connector.rng)  # stock connectors draw from a copy too
    n_pre, n_post = projection.shape
    closed = None if connector.allow_self_connections else projection.same_source()
    step = max(1, BLOCK // max(n_pre, 1))
    pre, post = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first in range(0, n_post, step):
        columns = np.arange(first, min(first + step, n_post))
        numbers = np.asarray(rng.next(len(columns) * n_pre, "uniform", _UNIT)).reshape(len(columns), n_pre)
        chosen = numbers < probability(columns)
        if closed is not None:
            own = closed[columns]
            chosen[np.flatnonzero(own >= 0), own[own >= 0]] = False
        target, source = np.nonzero(chosen)
        pre.append(source)
        post.append(target + first)
    return np.concatenate(pre), np.concatenate(post)


# --- a fixed number per cell -----------------------------------------------------------------------
def fixed_number_pre(connector: Any, projection: Projection) -> Pairs:
    """``n`` sources for every target."""
    n_pre, n_post = projection.shape
    picks = _picks(connector, projection, n_post, n_pre, projection.same_source)
    return np.concatenate(picks or [np.empty(0, np.int64)]), np.repeat(np.arange(n_post), [len(found) for found in picks])


def fixed_number_post(connector: Any, projection: Projection) -> Pairs:
    """``n`` targets for every source."""
    n_pre, n_post = projection.shape
    picks = _picks(connector, projection, n_pre, n_post, projection.same_target)
    return np.repeat(np.arange(n_pre), [len(found) for found in picks]), np.concatenate(picks or [np.empty(0, np.int64)])


def _picks(connector: Any, projection: Projection, n_rows: int, n_partners: int, same: Any) -> list[Indices]:
    """Partners of every cell of one side."""
    closed = np.full(n_rows, -1) if connector.allow_self_connections else same()
    if not connector.allow_self_connections and n_partners < 2 and (closed >= 0).any() and _most(connector) > 0:
        raise ParameterError(
            "the only candidate is the cell itself.", where=str(projection), used=connector.n, limit=0, remedy="Allow self-connections."
        )
    numbers = _numbers(connector, n_rows)
    if connector.with_replacement:
        return [_with_replacement(connector.rng, next(numbers), n_partners, int(own)) for own in closed]
    everyone = np.arange(n_partners)
    return [_without_replacement(connector.rng, next(numbers), everyone if own < 0 else np.delete(everyone, own)) for own in closed]


def _most(connector: Any) -> int:
    return connector.n if isinstance(connector.n, int) else 1


def _numbers(connector: Any, n_rows: int) -> Any:
    if not isinstance(connector.n, RandomDistribution):
        return iter([connector.n] * n_rows)
    if isinstance(connector, stock.FixedNumberPreConnector):
        return iter(np.asarray(connector.n.next(n_rows), dtype=int).tolist())
    return (int(connector.n.next()) for _ in range(n_rows))


def _with_replacement(rng: Any, n: int, n_partners: int, own: int) -> Indices:
    limits = {"low": 0, "high": n_partners}
    found = np.asarray(rng.next(n, "uniform_int", limits), dtype=np.int64)
    again = np.flatnonzero(found == own)
    while again.size:
        found[again] = rng.next(again.size, "uniform_int", limits)
        again = again[found[again] == own]
    return found


def _without_replacement(rng: Any, n: int, candidates: Indices) -> Indices:
    if n and not len(candidates):
        raise ParameterError(
            "there is nobody to connect to.", where="connector", used=n, limit=0, remedy="Allow self-connections or lower n."
        )
    rounds, rest = divmod(n, max(len(candidates), 1))
    found = [candidates] * rounds
    if rest:
        found.append(rng.permutation(candidates)[:rest])
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


# --- a fixed number in all -------------------------------------------------------------------------
def fixed_total(connector: Any, projection: Projection) -> Pairs:
    """``n`` pairs, each drawn on its own."""
    n_pre, n_post = projection.shape
    rng = connector.rng
    n = int(connector.n.next()) if isinstance(connector.n, RandomDistribution) else connector.n
    n = int(np.atleast_1d(rng.next(1, "binomial", {"n": n, "p": 1.0}))[0])  # stock PyNN shares n between processes
    if isinstance(rng, NumpyRNG):
        return _alternating(rng.rng, n, n_pre, n_post)
    pairs = [
        (rng.next(1, "uniform_int", {"low": 0, "high": n_pre})[0], rng.next(1, "uniform_int", {"low": 0, "high": n_post})[0])
        for _ in range(n)
    ]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _alternating(stream: np.random.RandomState, n: int, n_pre: int, n_post: int) -> Pairs:
    """What ``n`` alternating calls of ``randint(n_pre)`` and ``randint(n_post)`` give, from raw words.

    ``randint`` takes 32-bit words, masked to the next power of two, until one is in range.
    """
    pre, post = [], []
    words, at = [], 0
    scout = np.random.RandomState()
    scout.set_state(stream.get_state())
    limits = (n_pre - 1, n_post - 1)
    masks = tuple((1 << int(limit).bit_length()) - 1 for limit in limits)
    consumed = 0
    for _ in range(n):
        for limit, mask, out in zip(limits, masks, (pre, post), strict=True):
            value = 0 if limit == 0 else -1
            while value < 0:
                if at == len(words):
                    consumed += at
                    words, at = scout.randint(0, 2**32, size=4096, dtype=np.uint32).tolist(), 0
                value = words[at] & mask
                at += 1
                value = value if value <= limit else -1
            out.append(value)
    consumed += at
    if consumed:
        stream.randint(0, 2**32, size=consumed, dtype=np.uint32)
    return np.array(pre, dtype=np.int64), np.array(post, dtype=np.int64)
