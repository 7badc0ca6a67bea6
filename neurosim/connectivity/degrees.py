"""How many synapses a cell gets at most: tail quantiles of binomial counts.

All random degrees of the rules are binomial, or sums of independent choices whose tail a binomial
with the same mean bounds (Hoeffding, Annals of Mathematical Statistics 27, 1956). The bound holds
for all cells of a side together: each cell may exceed it with (1 - quantile) / n_cells.
"""

from __future__ import annotations

import numpy as np

from neurosim.columns import Integers
from neurosim.errors import ParameterError
from neurosim.network import Ends


def check_query(quantile: float, side: str) -> None:
    """Raise a ParameterError unless ``quantile`` is inside (0, 1) and ``side`` is a side."""
    if not 0.0 < quantile < 1.0:
        raise ParameterError(
            f"the quantile is {quantile}.",
            where="degree_bound",
            used=quantile,
            limit="0 < quantile < 1",
            remedy="Give a number between 0 and 1.",
        )
    if side not in ("in", "out"):
        raise ParameterError(f"side is {side!r}.", where="degree_bound", used=side, limit=("in", "out"), remedy="Use 'in' or 'out'.")


def binomial_bound(trials: int, p: float, cells: int, quantile: float) -> int:
    """Count that no one of ``cells`` binomial(trials, p) counts exceeds, with probability ``quantile``."""
    if trials <= 0 or cells <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return int(trials)
    from scipy.special import betainc  # slow to import, and only placement asks

    tail = (1.0 - quantile) / cells
    low, high = -1, int(trials)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if betainc(middle + 1.0, trials - middle, p) <= tail else (middle, high)
    return high


def excluded(ends: Ends, allow_self: bool) -> Integers:
    """For each presynaptic cell the postsynaptic index that it may not have, -1 if none."""
    if allow_self or ends.same is None:
        return np.full(ends.n_pre, -1, np.int64)
    return np.ascontiguousarray(ends.same, np.int64)


def excluded_sources(ends: Ends, allow_self: bool) -> Integers:
    """For each postsynaptic cell the presynaptic index that it may not have, -1 if none."""
    sources = np.full(ends.n_post, -1, np.int64)
    if not allow_self and ends.same is not None:
        rows = np.flatnonzero(ends.same >= 0)
        sources[ends.same[rows]] = rows
    return sources


def open_pairs(ends: Ends, allow_self: bool) -> int:
    """Number of pairs that may be connected."""
    return ends.n_pre * ends.n_post - int(np.count_nonzero(excluded(ends, allow_self) >= 0))


def open_partners(ends: Ends, allow_self: bool, side: str) -> int:
    """Largest number of partners that one cell of a side may have."""
    if side == "out":
        forbidden, partners = excluded(ends, allow_self), ends.n_post
    else:
        forbidden, partners = excluded_sources(ends, allow_self), ends.n_pre
    if len(forbidden) == 0:
        return 0
    return max(0, partners - int((forbidden >= 0).all()))
