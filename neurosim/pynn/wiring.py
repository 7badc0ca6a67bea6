"""How the synapses of a projection are held: as a rule with lazy columns, or as a table.

A :class:`Wiring` starts as what its connector made of it. Asking for single synapses expands a
rule once; setting single synapses turns it into a table, whose rows are sorted by presynaptic index.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.columns import Column, Floats
from neurosim.connectivity import Table
from neurosim.network import Rule

Indices = NDArray[np.int64]


@dataclass(slots=True)
class Wiring:
    """Topology and columns of one projection.

    Attributes
    ----------
    rule
        The network's rule; a ``Table`` if synapses are explicit.
    columns
        Per column one number, one value per synapse in row order (tables only), or a lazy column.
    pre, post
        int64 indices of the synapses of a table in row order, else ``None``.
    """

    rule: Rule
    columns: dict[str, Column]
    pre: Indices | None = None
    post: Indices | None = None

    @property
    def explicit(self) -> bool:
        """True if the synapses are a table."""
        return self.pre is not None


def table(pre: Any, post: Any, columns: dict[str, float | Floats], n_pre: int) -> Wiring:
    """Wiring of explicit synapses, given in any order; their order within a row is kept."""
    pre, post = np.asarray(pre, dtype=np.int64), np.asarray(post, dtype=np.int64)
    order = row_order(pre, n_pre)
    if order is not None:
        pre, post = pre[order], post[order]
        columns = {name: value[order] if isinstance(value, np.ndarray) else value for name, value in columns.items()}
    rule = Table.in_rows(pre, post)
    return Wiring(rule, dict(columns), rule.pre, rule.post)


def row_order(keys: Indices, n_keys: int) -> Indices | None:
    """Stable order that sorts ``keys``; ``None`` if they are sorted."""
    if len(keys) < 2 or not (np.diff(keys) < 0).any():
        return None
    small = keys.astype(np.uint16) if n_keys <= 2**16 else keys  # two-byte keys are sorted by radix
    return np.argsort(small, kind="stable")


@dataclass(slots=True)
class Chunks:
    """Synapses as PyNN's own connectors give them, one target at a time."""

    pre: list[Indices] = field(default_factory=list)
    post: list[Indices] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, pre: Any, post: int, values: dict[str, Any]) -> None:
        """Append the synapses onto one target."""
        sources = np.atleast_1d(np.asarray(pre, dtype=np.int64))
        self.pre.append(sources)
        self.post.append(np.full(len(sources), post, dtype=np.int64))
        for name, value in values.items():
            self.columns.setdefault(name, []).append(value)

    def wiring(self, n_pre: int) -> Wiring:
        """All synapses as a table."""
        if not self.pre:
            empty = np.empty(0, dtype=np.int64)
            return table(empty, empty, {}, n_pre)
        columns = {name: _column(values, self.pre) for name, values in self.columns.items()}
        return table(np.concatenate(self.pre), np.concatenate(self.post), columns, n_pre)


def _column(values: list[Any], groups: list[Indices]) -> float | Floats:
    if all(np.ndim(value) == 0 for value in values) and all(value == values[0] for value in values):
        return float(values[0])
    return np.concatenate([np.broadcast_to(np.asarray(v, dtype=float), len(g)) for v, g in zip(values, groups, strict=True)])
