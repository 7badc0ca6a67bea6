"""Values of single connections: reading them as lists and matrices, turning settings into columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pyNN import common
from pyNN.parameters import LazyArray
from pyNN.random import NativeRNG, RandomDistribution

from neurosim.columns import Column, Floats
from neurosim.pynn import lazy, simulator
from neurosim.pynn._errors import InvalidValueError, UnknownParameterError
from neurosim.pynn.wiring import Indices

if TYPE_CHECKING:
    from neurosim.pynn.projections import Projection

DENSE_LIMIT = 20_000_000
"""Largest matrix drawn at once."""

REPLAY_LIMIT = 10**8


@dataclass(frozen=True, slots=True, eq=False)
class Current:
    """Synapses of a projection: indices and columns (one number, or one per synapse)."""

    pre: Indices
    post: Indices
    columns: dict[str, float | Floats]


class Connection(common.Connection):
    """One connection; its parameters are attributes that can be read and set."""

    _projection: Projection
    _index: int

    def __init__(self, projection: Projection, index: int) -> None:
        object.__setattr__(self, "_projection", projection)
        object.__setattr__(self, "_index", index)

    @property
    def presynaptic_index(self) -> int:
        """Index of the source."""
        return int(self._projection.pre_index[self._index])

    @property
    def postsynaptic_index(self) -> int:
        """Index of the target."""
        return int(self._projection.post_index[self._index])

    @property
    def presynaptic_cell(self) -> Any:
        """The source."""
        return self._projection.pre[self.presynaptic_index]

    @property
    def postsynaptic_cell(self) -> Any:
        """The target."""
        return self._projection.post[self.postsynaptic_index]

    def __getattr__(self, name: str) -> float:
        if name.startswith("_"):
            raise AttributeError(name)
        value = values(self._projection, name)
        return float(value[self._index] if isinstance(value, np.ndarray) else value)

    def __setattr__(self, name: str, value: float) -> None:
        self._projection.set_one(self._index, name, value)

    def as_tuple(self, *attribute_names: str) -> tuple[Any, ...]:
        """Values of the named attributes."""
        return tuple(getattr(self, name) for name in attribute_names)


# --- reading ---------------------------------------------------------------------------------------
def values(projection: Projection, name: str) -> float | Floats | Indices:
    """One attribute of all connections: one number, or one per connection."""
    current = projection.current()
    singular = name[:-1] if name in ("weights", "delays") else name
    if singular in current.columns:
        return current.columns[singular]
    if singular in projection._rule_parameters:
        return projection._rule_parameters[singular]
    if singular in projection.synapse_type.learned_names:
        return 0.0
    if singular in ("presynaptic_index", "postsynaptic_index"):
        return current.pre if singular == "presynaptic_index" else current.post
    known = {**current.columns, **dict.fromkeys(projection.synapse_type.learned_names)}
    raise UnknownParameterError(name, type(projection.synapse_type).__name__, [*known, *projection._rule_parameters])


def as_list(current: Current, columns: list[Any], with_address: bool, single: bool) -> list[Any]:
    """Connections as a list of tuples (plain values for one attribute without address)."""
    size = len(current.pre)
    lists = [column.tolist() if isinstance(column, np.ndarray) else [column] * size for column in columns]
    if single and not with_address:
        return lists[0]
    if with_address:
        lists = [current.pre.tolist(), current.post.tolist(), *lists]
    return list(zip(*lists, strict=True))


def as_matrix(current: Current, value: Any, shape: tuple[int, int], several: str) -> Floats:
    """One attribute as a matrix (n_pre, n_post), NaN where there is no connection."""
    if several not in ("sum", "min", "max", "first", "last"):
        raise InvalidValueError(
            f"multiple_synapses='{several}' is not known.",
            where="Projection.get()",
            used=several,
            limit=("sum", "min", "max", "first", "last"),
            remedy="Use one of these.",
        )
    matrix = np.full(shape, np.nan)
    address = (current.pre, current.post)
    numbers = np.broadcast_to(np.asarray(value, dtype=float), current.pre.shape)
    if several == "last":
        matrix[address] = numbers
    elif several == "first":
        back = np.arange(len(numbers))[::-1].copy()  # the last assignment to an element counts
        matrix[current.pre[back], current.post[back]] = numbers[back]
    else:
        start, combine = {"sum": (0.0, np.add), "min": (np.inf, np.minimum), "max": (-np.inf, np.maximum)}[several]
        matrix[address] = start
        combine.at(matrix, address, numbers)
    return matrix


# --- setting ---------------------------------------------------------------------------------------
def column(projection: Projection, name: str, value: Any) -> Column:
    """A value given to ``set()`` as a column of the projection; may turn its rule into a table."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value)
    if np.ndim(value) == 1 and not isinstance(value, LazyArray):
        return _one_each(projection, name, np.asarray(value, dtype=float))
    prepared = lazy.prepared(np.asarray(value, dtype=float) if isinstance(value, list) else value, projection, name)
    if lazy.is_number(prepared):
        return float(prepared.evaluate(simplify=True))
    if not projection._wiring.explicit and _counter_based(projection, prepared):
        found = lazy.column(prepared, projection)
        if found is not None:
            return found
    wiring = projection.make_explicit()
    assert wiring.pre is not None and wiring.post is not None
    if isinstance(prepared.base_value, RandomDistribution):
        numbers = _random(projection, prepared.base_value, wiring.pre, wiring.post)
        return np.asarray(prepared._apply_operations(numbers, (wiring.pre, wiring.post)), dtype=float)
    return lazy.pair_values(prepared, projection, wiring.pre, wiring.post, np.empty(0, dtype=np.int64))


def _one_each(projection: Projection, name: str, numbers: Floats) -> Floats:
    wiring = projection.make_explicit()
    assert wiring.pre is not None and wiring.post is not None
    if numbers.shape == wiring.pre.shape:
        return numbers.copy()
    pairs, number_of = np.unique(wiring.pre * projection.shape[1] + wiring.post, return_inverse=True)
    if numbers.shape == pairs.shape:
        return numbers[number_of]
    raise lazy.wrong_shape(projection, name, numbers.shape)


def _counter_based(projection: Projection, value: LazyArray) -> bool:
    rng = getattr(value.base_value, "rng", None)
    pairs = projection.shape[0] * projection.shape[1]
    mode = simulator.state.settings.get("rng")
    return isinstance(rng, NativeRNG) or mode == "fast" or (mode is None and pairs >= REPLAY_LIMIT)


def _random(projection: Projection, distribution: RandomDistribution, pre: Indices, post: Indices) -> Floats:
    """One number per connection; stock PyNN draws the whole matrix and takes from it what it needs."""
    n_pre, n_post = projection.shape
    if n_pre * n_post <= DENSE_LIMIT:
        return np.asarray(distribution.next(n_pre * n_post), dtype=float).reshape(n_pre, n_post)[pre, post]
    if n_pre * n_post > REPLAY_LIMIT or distribution.name == "normal_clipped":
        return np.asarray(distribution.next(len(pre)), dtype=float)
    out, rows = np.empty(len(pre)), max(1, DENSE_LIMIT // n_post)
    for first in range(0, n_pre, rows):
        last = min(first + rows, n_pre)
        block = np.asarray(distribution.next((last - first) * n_post), dtype=float).reshape(-1, n_post)
        begin, stop = np.searchsorted(pre, (first, last))
        out[begin:stop] = block[pre[begin:stop] - first, post[begin:stop]]
    return out
