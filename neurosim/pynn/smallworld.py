"""Small-world connectivity (Watts and Strogatz 1998), which stock PyNN names but does not implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pyNN import connectors as stock

from neurosim.errors import ParameterError
from neurosim.pynn import lazy

if TYPE_CHECKING:
    from neurosim.pynn.projections import Projection

Indices = NDArray[np.int64]


class SmallWorldConnector(stock.SmallWorldConnector):
    """Local connections, a share of which is rewired to random targets.

    Each cell is connected to the cells closer than ``degree`` (um), or to ``n_connections`` of
    them; each connection is then moved, with probability ``rewiring``, to a target drawn from all
    cells. No pair is connected twice.

    Parameters
    ----------
    degree
        Radius of the local connections in um.
    rewiring
        Probability of moving a connection, 0 to 1.
    allow_self_connections
        May a cell connect to itself?
    n_connections
        Number of connections from each cell; all local ones by default.
    rng
        Generator of the choices.
    """

    def __init__(
        self, degree: float, rewiring: float, allow_self_connections: bool = True, n_connections: int | None = None, **options: Any
    ) -> None:
        if not 0 <= rewiring <= 1:
            raise ParameterError(
                f"rewiring is {rewiring:g}; it is a probability.",
                where="SmallWorldConnector",
                used=rewiring,
                limit=(0, 1),
                remedy="Give 0 to 1.",
            )
        super().__init__(degree, rewiring, allow_self_connections, n_connections, **options)
        self.degree = degree


def small_world(connector: Any, projection: Projection) -> tuple[Indices, Indices]:
    """``(pre, post)``, grouped by target."""
    n_pre, _n_post = projection.shape
    closed = np.full(n_pre, -1) if connector.allow_self_connections else projection.same_target()
    radius = getattr(connector, "degree", None)
    radius = float(connector.d_expression.split("<")[1]) if radius is None else radius
    rows = [_row(connector, projection, source, radius, int(closed[source])) for source in range(n_pre)]
    pre = np.repeat(np.arange(n_pre), [len(row) for row in rows])
    post = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
    order = np.argsort(post, kind="stable")
    return pre[order], post[order]


def _row(connector: Any, projection: Projection, source: int, radius: float, own: int) -> Indices:
    n_post, rng = projection.shape[1], connector.rng
    everyone = np.arange(n_post)
    near = lazy.distances(projection, np.full(n_post, source), everyone) < radius
    if own >= 0:
        near[own] = False
    targets = np.flatnonzero(near)
    if connector.n_connections is not None:
        targets = np.sort(rng.permutation(targets)[: connector.n_connections])
    moved = np.asarray(rng.next(len(targets), "uniform", {"low": 0, "high": 1})) < connector.rewiring
    free = np.setdiff1d(everyone, np.append(targets, own), assume_unique=False)
    n_moved = min(int(moved.sum()), len(free))
    moved[np.flatnonzero(moved)[n_moved:]] = False
    return np.sort(np.concatenate([targets[~moved], rng.permutation(free)[:n_moved]])).astype(np.int64)
