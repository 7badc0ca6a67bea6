"""Connectors that list their synapses: FromList, FromFile, Clone and CSA."""

from __future__ import annotations

import random
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from pyNN.parameters import LazyArray
from pyNN.random import RandomDistribution

from neurosim.columns import Floats
from neurosim.connectivity import Table
from neurosim.connectivity.listing import in_row_order
from neurosim.errors import MissingExtraError, UnknownNameError
from neurosim.pynn import lazy
from neurosim.pynn._errors import ConnectError
from neurosim.pynn.rng import next_seed
from neurosim.pynn.wiring import Wiring, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neurosim.pynn.projections import Projection

Maps = dict[str, LazyArray]


def from_list(connector: Any, projection: Projection, maps: Maps) -> Wiring:
    """Synapses of a list ``(pre, post, value, ...)``."""
    given = np.asarray(connector.conn_list, dtype=float)
    names = list(connector.column_names)
    known = projection.synapse_type.column_names
    for name in names:
        if name not in known:
            raise UnknownNameError.among("synapse parameter", name, known, where=str(projection))
    if given.size == 0:
        empty = np.empty(0, dtype=np.int64)
        return table(empty, empty, {name: _default(value, projection, empty, empty) for name, value in maps.items()}, projection.shape[0])
    pre, post = (_indices(given[:, side], projection, side) for side in (0, 1))
    absent = {name: value for name, value in maps.items() if name not in names}
    if not all(lazy.is_number(value) for value in absent.values()):
        return _with_defaults(given, pre, post, names, absent, projection)
    columns: dict[str, Any] = {name: float(value.evaluate(simplify=True)) for name, value in absent.items()}
    sources, targets, found = in_row_order(pre, post, given[:, 2:], *projection.shape)
    columns.update(zip(names, found, strict=True))
    return Wiring(Table.in_rows(sources, targets), columns, sources, targets)


def _with_defaults(given: Floats, pre: Any, post: Any, names: list[str], absent: Maps, projection: Projection) -> Wiring:
    """As above, with values that differ between synapses and are drawn target by target."""
    order = np.argsort(post, kind="stable")
    pre, post, given = pre[order], post[order], given[order]
    columns = {name: _default(value, projection, pre, post) for name, value in absent.items()}
    columns.update({name: np.ascontiguousarray(given[:, 2 + i]) for i, name in enumerate(names)})
    return table(pre, post, columns, projection.shape[0])


def _indices(values: Floats, projection: Projection, side: int) -> np.ndarray:
    indices, size = values.astype(np.int64), projection.shape[side]
    word = ("source", "target")[side]
    if (indices != values).any():
        raise ConnectError(f"a {word} index is not an integer.", where=str(projection), remedy="Give whole numbers.")
    if indices.min() < 0 or indices.max() >= size:
        worst = int(indices.min() if indices.min() < 0 else indices.max())
        raise ConnectError(
            f"{word} index out of range: {worst} of {size} cells.",
            where=str(projection),
            used=worst,
            limit=size - 1,
            remedy=f"Indices run from 0 to {size - 1}.",
        )
    return indices


def _default(value: LazyArray, projection: Projection, pre: Any, post: Any) -> float | Floats:
    """Values of a parameter that the list does not give.

    Stock PyNN copies the random generator for each target, so that all targets draw one sequence.
    """
    counts = np.bincount(post, minlength=projection.shape[1])
    if not isinstance(value.base_value, RandomDistribution):
        return lazy.pair_values(value, projection, pre, post, counts)
    draws = {int(n): np.atleast_1d(deepcopy(value.base_value).next(int(n))) for n in np.unique(counts) if n}
    numbers = np.concatenate([draws[int(n)] for n in counts if n] or [np.empty(0)])
    return np.asarray(value._apply_operations(numbers, (pre, post)), dtype=float)


def from_file(connector: Any, projection: Projection, maps: Maps) -> Wiring:
    """Synapses of a list read from a file."""
    if connector.distributed:
        connector.file.rename(f"{connector.file.name}.0")
    names = list(connector.file.get_metadata().get("columns", ("weight", "delay")))
    connector.column_names = [name for name in names if name not in ("i", "j")]
    connector.conn_list = connector.file.read()
    return from_list(connector, projection, maps)


def clone(connector: Any, projection: Projection, maps: Maps) -> Wiring:
    """One synapse for every pair that another projection connects."""
    from neurosim.pynn.connectors import by_column

    reference = connector.reference_projection
    if projection.pre != reference.pre or projection.post != reference.post:
        raise ConnectError(
            f"pre and post populations differ from those of {reference}.",
            where=str(projection),
            used="CloneConnector",
            remedy="Connect the same populations.",
        )
    n_pre = projection.shape[0]
    pairs = np.unique(reference.post_index * n_pre + reference.pre_index)
    post, pre = np.divmod(pairs, n_pre)
    return by_column(pre, post, np.bincount(post, minlength=projection.shape[1]), projection, maps)


def csa_set(connector: Any, projection: Projection, maps: Maps) -> Wiring:
    """Synapses of a connection set of the Connection Set Algebra."""
    from neurosim.pynn.connectors import by_column

    try:
        import csa
    except ImportError:
        raise MissingExtraError.of("csa", "csa") from None
    n_pre, n_post = projection.shape
    with _seeded():
        found = list(csa.cross((0, n_pre - 1), (0, n_post - 1)) * connector.cset)
    given = np.array(found, dtype=float).reshape(len(found), -1) if found else np.empty((0, 2))
    pre, post = given[:, 0].astype(np.int64), given[:, 1].astype(np.int64)
    order = np.lexsort((pre, post))
    pre, post, given = pre[order], post[order], given[order]
    if csa.arity(connector.cset) == 2 and len(given):
        maps = {name: value for name, value in maps.items() if name not in ("weight", "delay")}
    wiring = by_column(pre, post, np.bincount(post, minlength=n_post), projection, maps)
    if given.shape[1] == 4:
        values = table(pre, post, {"weight": given[:, 2].copy(), "delay": given[:, 3].copy()}, n_pre)
        wiring.columns.update(values.columns)
    return wiring


@contextmanager
def _seeded() -> Iterator[None]:
    """Random connection sets draw from Python's ``random``; give it a seed of ours meanwhile."""
    before = random.getstate()
    random.seed(next_seed("csa"))
    try:
        yield
    finally:
        random.setstate(before)
