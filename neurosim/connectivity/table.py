"""The rule that lists its synapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np

from neurosim.columns import Floats, Integers
from neurosim.connectivity import _arguments as arguments
from neurosim.connectivity.degrees import check_query
from neurosim.connectivity.rules import Preparable, Prepared, Topology
from neurosim.errors import ParameterError
from neurosim.network import Ends


@dataclass(frozen=True, slots=True, eq=False)
class Table(Preparable):
    """Explicit synapses, in any order; they are kept sorted by source, stably.

    Attributes
    ----------
    pre, post
        Indices in the projection's selections, one per synapse. After construction they are in
        row order: by source, and in the given order within a source.
    columns
        Values by name, a number or one per synapse; they override the synapse's columns of the
        same name. Given in the order of ``pre``, kept in row order.

    Examples
    --------
    >>> table = Table([1, 0, 1], [0, 5, 3], {"weight": [0.1, 0.2, 0.3]})
    >>> table.pre.tolist(), table.post.tolist(), table.columns["weight"].tolist()
    ([0, 1, 1], [5, 0, 3], [0.2, 0.1, 0.3])
    """

    pre: Integers
    post: Integers
    columns: Mapping[str, float | Floats] = field(default_factory=dict)
    highest: tuple[int, int] = field(init=False, default=(-1, -1))
    """Largest index of each side, -1 without synapses."""
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        pre, post = arguments.indices(self.pre, "pre", "Table"), arguments.indices(self.post, "post", "Table")
        if len(pre) != len(post):
            raise ParameterError(
                f"pre has {len(pre)} values and post {len(post)}.",
                where="Rule Table",
                used=len(post),
                limit=len(pre),
                remedy="Give one of each per synapse.",
            )
        columns = {name: _column(name, values, len(pre)) for name, values in self.columns.items()}
        if (pre[1:] < pre[:-1]).any():
            order = np.argsort(pre, kind="stable")
            pre, post = pre[order], post[order]
            columns = {name: values if isinstance(values, float) else np.asarray(values)[order] for name, values in columns.items()}
        highest = (int(pre.max(initial=-1)), int(post.max(initial=-1)))
        for name, value in (("pre", pre), ("post", post), ("columns", columns), ("highest", highest)):
            object.__setattr__(self, name, value)

    @classmethod
    def in_rows(cls, pre: Integers, post: Integers) -> Table:
        """Table of int64 indices from 0 up that are in row order already; they are neither checked nor copied."""
        rule = cls.__new__(cls)
        highest = (int(pre[-1]) if len(pre) else -1, int(post.max(initial=-1)))
        for name, value in (("pre", pre), ("post", post), ("columns", {}), ("highest", highest)):
            object.__setattr__(rule, name, value)
        return rule

    def expected(self, ends: Ends) -> float:
        """Exact number of synapses."""
        return float(len(self.pre))

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """Exact largest degree."""
        check_query(quantile, side)
        return int(np.bincount(self.post if side == "in" else self.pre, minlength=1).max())

    def bounds(self, start: int, stop: int) -> Integers:
        """Position of the first synapse of rows ``start .. stop``, shape (stop - start + 1,)."""
        return np.searchsorted(self.pre, np.arange(start, stop + 1)).astype(np.int64)

    def prepare(self, ends: Ends) -> Prepared:
        """Rows as they are listed.

        Raises
        ------
        ParameterError
            If an index lies beyond its side of the projection.
        """
        arguments.check_range(self.highest[0], ends.n_pre, "pre", "Table")
        arguments.check_range(self.highest[1], ends.n_post, "post", "Table")
        before = self.bounds(0, ends.n_pre)
        return Prepared(partial(_listed, self.post, before), before.astype(np.float64))


def _listed(post: Integers, before: Integers, start: int, stop: int) -> Topology:
    return before[start : stop + 1] - before[start], post[before[start] : before[stop]].astype(np.int32)


def _column(name: str, values: float | Floats, size: int) -> float | Floats:
    found = np.array(values, np.float64)
    if found.ndim == 0:
        return float(found)
    if found.shape != (size,):
        raise ParameterError(
            f"column '{name}' has shape {found.shape} for {size} synapses.",
            where="Rule Table",
            used=found.shape,
            limit=(size,),
            remedy="Give one number, or one value per synapse.",
        )
    return found
