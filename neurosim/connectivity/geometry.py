"""Distances between positions, and the values of expressions of them."""

from __future__ import annotations

import numpy as np

from neurosim.columns import Expression, Floats, Integers, Metric
from neurosim.errors import ParameterError
from neurosim.network import Ends


def distances(metric: Metric, pre: Floats, post: Floats) -> Floats:
    """Distance in um between positions (..., 3), broadcast against each other.

    The postsynaptic side is at ``scale_factor * (position + offset)``; on a periodic axis the
    shorter way round counts.
    """
    square: Floats = np.zeros(np.broadcast_shapes(pre.shape[:-1], post.shape[:-1]))
    for axis in metric.axes:
        gap = pre[..., axis] - metric.scale_factor * (post[..., axis] + metric.offset[axis])
        period = metric.periodic[axis] if metric.periodic is not None else None
        if period is not None:
            gap = np.abs(gap)
            gap = np.minimum(gap, (period[1] - period[0]) - gap)
        square += gap * gap
    return np.sqrt(square)


def end_positions(expression: Expression, ends: Ends) -> tuple[Floats, Floats] | None:
    """Positions that an expression needs of both sides, ``None`` if it needs none."""
    return (ends.pre_positions(), ends.post_positions()) if expression.of == "distance" else None


def pair_values(expression: Expression, pre: Integers, post: Integers, positions: tuple[Floats, Floats] | None) -> Floats:
    """Values of an expression for pairs of indices, broadcast against each other.

    Parameters
    ----------
    positions
        From :func:`end_positions`.

    Raises
    ------
    ParameterError
        If the expression is of something unknown, or its function returns another shape.
    """
    if positions is not None:
        arguments = (distances(expression.metric, positions[0][pre], positions[1][post]),)
    elif expression.of == "index":
        arguments = (pre, post)
    else:
        raise ParameterError(
            f"an expression of '{expression.of}' is not known.",
            used=expression.of,
            limit=("distance", "index"),
            remedy="Use 'distance' or 'index'.",
        )
    return shaped(expression.function(*arguments), np.broadcast_shapes(pre.shape, post.shape))


def shaped(values: object, shape: tuple[int, ...]) -> Floats:
    """What a user's function returned, as float64 of ``shape``; a single number is spread."""
    try:
        found = np.asarray(values, np.float64)
        if found.ndim and found.shape != shape:
            raise ValueError
    except (TypeError, ValueError):
        got = getattr(values, "shape", type(values).__name__)
        raise ParameterError(
            f"the function returned {got} where an array of shape {shape} was due.",
            used=got,
            limit=shape,
            remedy="Make the function work elementwise on arrays.",
        ) from None
    return found if found.shape == shape else np.full(shape, float(found))
