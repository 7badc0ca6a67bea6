"""PyNN's lazy parameter values: their numbers at chosen pairs, and their counterparts in the network.

Numbers are drawn in the order in which PyNN's own connectors draw them, target by target, so that
one seed gives one network with any backend.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from pyNN.core import IndexBasedExpression
from pyNN.parameters import LazyArray
from pyNN.random import RandomDistribution
from pyNN.space import Space

from neurosim.columns import Column, Expression, Floats, Metric, Random
from neurosim.pynn._errors import InvalidShapeError
from neurosim.pynn.rng import adopt, seed_from

if TYPE_CHECKING:
    from neurosim.pynn.projections import Projection

Indices = NDArray[np.int64]

_CLIPPED = ("normal_clipped",)


def prepared(value: Any, projection: Projection, name: str) -> LazyArray:
    """A copy of a parameter's value with the shape of the projection and generators of its own.

    PyNN's connectors copy the generator with the value, so the user's generator does not advance.
    """
    lazy = LazyArray(value, dtype=float) if not isinstance(value, LazyArray) else value
    base = lazy.base_value
    if isinstance(base, np.ndarray) and base.ndim == 1 and base.size != 1:
        return lazy
    if isinstance(base, np.ndarray) and base.ndim and base.shape != projection.shape:
        if base.size != 1:
            raise wrong_shape(projection, name, base.shape)
        base = base.item()
    fresh = LazyArray(0.0, shape=projection.shape, dtype=float)
    fresh.base_value = _own(base, projection)
    fresh.operations = list(lazy.operations)
    return fresh


def _own(base: Any, projection: Projection) -> Any:
    if isinstance(base, RandomDistribution):
        own: Any = deepcopy(base)
        own.source = adopt(base.rng)  # counter-based columns take their seed from the user's generator
        return own
    if isinstance(base, IndexBasedExpression):
        bound = deepcopy_shallow(base)
        bound.projection = projection
        return bound
    return float(base) if isinstance(base, int | np.integer | np.floating) else base


def deepcopy_shallow(expression: IndexBasedExpression) -> IndexBasedExpression:
    """Copy of an expression that shares everything but the projection it is bound to."""
    copy = object.__new__(type(expression))
    copy.__dict__.update(expression.__dict__)
    return copy


def wrong_shape(projection: Projection, name: str, shape: tuple[int, ...]) -> InvalidShapeError:
    """Error for an array that does not fit a projection."""
    return InvalidShapeError(
        f"'{name}' has shape {shape}, the projection has {projection.shape}.",
        where=str(projection),
        used=shape,
        limit=projection.shape,
        remedy="Give one number, an array of shape (n_pre, n_post), or one number per connection.",
    )


def is_number(lazy: LazyArray) -> bool:
    """True if the value is one number for all pairs."""
    return bool(lazy.is_homogeneous)


def pair_values(lazy: LazyArray, projection: Projection, pre: Indices, post: Indices, counts: Indices) -> float | Floats:
    """Numbers at the pairs (pre, post), which are grouped by target; ``counts`` is the size of each group.

    Returns
    -------
    float or ndarray
        A Python float if all pairs share one number, else float64 of shape (n_pairs,).
    """
    if is_number(lazy):
        return float(lazy.evaluate(simplify=True))
    base = lazy.base_value
    if isinstance(base, RandomDistribution):
        values = draw(base, counts)
    elif isinstance(base, np.ndarray):
        values = base[pre, post] if base.ndim == 2 else base
    elif isinstance(base, IndexBasedExpression):
        values = base(pre, post)
    elif callable(base):
        values = base(distances(projection, pre, post))
    else:
        values = base
    values = lazy._apply_operations(values, (pre, post))
    return np.array(np.broadcast_to(np.asarray(values, dtype=float), pre.shape))


def draw(distribution: RandomDistribution, counts: Indices) -> Floats:
    """``counts[0]`` numbers, then ``counts[1]``, ... in one array, as if drawn one group after the other."""
    counts = np.asarray(counts)
    if distribution.name not in _CLIPPED:
        total = int(counts.sum())
        return np.asarray(distribution.next(total), dtype=float) if total else np.empty(0)
    groups = [np.asarray(distribution.next(int(n)), dtype=float) for n in counts if n]
    return np.concatenate(groups) if groups else np.empty(0)


# --- distances -----------------------------------------------------------------------------------
def distances(projection: Projection, pre: Indices, post: Indices) -> Floats:
    """Distance (um) of each pair in the projection's space, shape (n_pairs,)."""
    return space_distances(projection.space, projection.pre.positions, projection.post.positions, pre, post)


def space_distances(space: Space, pre_positions: Floats, post_positions: Floats, pre: Indices, post: Indices) -> Floats:
    """Distances between cells with positions (3, n), pair by pair."""
    offset = np.broadcast_to(np.asarray(space.offset, dtype=float), 3)
    squares = np.zeros((len(space.axes), len(pre)))
    for row, axis in enumerate(space.axes):
        gap = pre_positions[axis][pre] - (space.scale_factor * (post_positions[axis] + offset[axis]))[post]
        limits = None if space.periodic_boundaries is None else space.periodic_boundaries[axis]
        if limits is not None:
            gap = np.minimum(np.abs(gap), (limits[1] - limits[0]) - np.abs(gap))
        squares[row] = gap**2
    return np.sqrt(np.sum(squares, axis=0))


def metric(projection: Projection) -> Metric:
    """The projection's space as the network's metric; raises if a structure cannot place its cells."""
    space: Space = projection.space
    for cells in (projection.pre, projection.post):
        assert cells.positions is not None
    offset = tuple(float(x) for x in np.broadcast_to(np.asarray(space.offset, dtype=float), 3))
    return Metric(tuple(int(a) for a in space.axes), float(space.scale_factor), offset, space.periodic_boundaries)  # type: ignore[arg-type]


# --- columns -------------------------------------------------------------------------------------
def column(lazy: LazyArray, projection: Projection) -> Column | None:
    """The value as a lazy column of the network; ``None`` if it has no such form."""
    if is_number(lazy):
        return float(lazy.evaluate(simplify=True))
    base = lazy.base_value
    if isinstance(base, RandomDistribution):
        if lazy.operations:
            return None
        return Random(base.name, {name: float(value) for name, value in base.parameters.items()}, seed_from(cast(Any, base).source))
    if any(isinstance(argument, LazyArray) for _, argument in lazy.operations) or not callable(base):
        return None
    of = "index" if isinstance(base, IndexBasedExpression) else "distance"
    return Expression(of, partial(_apply, base, tuple(lazy.operations)), metric(projection) if of == "distance" else Metric())


def _apply(function: Any, operations: tuple[Any, ...], *arguments: Any) -> Floats:
    values = function(*arguments)
    for operation, argument in operations:
        values = operation(values) if argument is None else operation(values, argument)
    return np.array(np.broadcast_to(np.asarray(values, dtype=float), np.shape(arguments[0])))
