"""Numbers of lazy columns: one per cell of a population, or one per synapse of a block of rows.

A random value is keyed by the column's seed, the column's name and the element: the cell, or the
projection's seed, the row and the synapse's ordinal within its row. So two columns differ even
when they share one :class:`~neurosim.columns.Random`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim.columns import Column, Expression, Floats, Integers, Random, is_homogeneous
from neurosim.connectivity.distributions import distribution
from neurosim.connectivity.geometry import end_positions, pair_values, shaped
from neurosim.connectivity.random import fill_uniforms, stream
from neurosim.connectivity.table import Table
from neurosim.errors import ParameterError
from neurosim.network import Ends, Projection


def _draw(column: Random, base: np.uint64, start: int, indptr: Integers) -> Floats:
    found = distribution(column.distribution, column.parameters)
    uniforms = np.empty(indptr[-1], np.float64)
    fill_uniforms(base, start, indptr, uniforms)
    return found.quantile(uniforms, column.parameters)


def population_values(column: Column, size: int, key: int | str | tuple[int | str, ...]) -> Floats:
    """One value per cell of a population.

    Parameters
    ----------
    column
        Number, array (size,), Random, or an Expression of ``"index"``, whose function is given
        the int64 indices of the cells.
    size
        Number of cells.
    key
        What tells this column from others drawn with the same seed, for example
        ``(population.id, "tau_m")``.

    Returns
    -------
    float64 (size,), new.

    Raises
    ------
    ParameterError
        If an array or a function's result has another shape, or a distribution is ill-defined.

    Examples
    --------
    >>> population_values(2.0, 3, "tau_m")
    array([2., 2., 2.])
    """
    if isinstance(column, Random):
        labels = key if isinstance(key, tuple) else (key,)
        return _draw(column, stream(column.seed, "cells", *labels), 0, np.array([0, size], np.int64))
    if isinstance(column, Expression):
        if column.of != "index":
            raise ParameterError(
                f"an expression of '{column.of}' has no value for single cells.",
                used=column.of,
                limit="index",
                remedy="Use an expression of 'index'.",
            )
        return shaped(column.function(np.arange(size)), (size,)).copy()
    values = np.array(column, np.float64)
    if values.ndim == 0:
        return np.full(size, float(values))
    if values.shape != (size,):
        raise ParameterError(
            f"an array of shape {values.shape} was given for {size} cells.",
            used=values.shape,
            limit=(size,),
            remedy="Give one value, or one per cell.",
        )
    return values


def synapse_values(
    name: str, column: Column, projection: Projection, ends: Ends, start: int, indptr: Integers, post: Integers
) -> float | Floats:
    """Values of one column for the synapses of rows ``start .. start + len(indptr) - 2``.

    A number stays a float; everything else becomes float64 (n_synapses,).
    """
    if is_homogeneous(column):
        return float(column)  # type: ignore[arg-type]
    if isinstance(column, Random):
        return _draw(column, stream(column.seed, "synapses", name, projection.seed), start, indptr)
    if isinstance(column, Expression):
        return pair_values(column, _sources(start, indptr), post, end_positions(column, ends))
    return _from_array(np.asarray(column, np.float64), projection, ends, start, indptr, post)


def _sources(start: int, indptr: Integers) -> Integers:
    return np.repeat(np.arange(start, start + len(indptr) - 1), np.diff(indptr))


def _from_array(values: Floats, projection: Projection, ends: Ends, start: int, indptr: Integers, post: Integers) -> float | Floats:
    if values.ndim == 0:
        return float(values)
    if values.shape == (ends.n_pre, ends.n_post):
        return values[_sources(start, indptr), post]
    if isinstance(projection.rule, Table) and values.shape == projection.rule.pre.shape:
        first = int(np.searchsorted(projection.rule.pre, start))
        return values[first : first + len(post)].copy()
    shapes = f"({ends.n_pre}, {ends.n_post})"
    if isinstance(projection.rule, Table):
        shapes += f" or ({len(projection.rule.pre)},)"
    raise ParameterError(
        f"an array of shape {values.shape} was given.",
        used=values.shape,
        limit=shapes,
        remedy=f"Give a number, or an array of shape {shapes}.",
    )


def all_columns(projection: Projection) -> Mapping[str, Column]:
    """Columns of the synapse, overridden by those of a Table (which are in row order)."""
    own = projection.rule.columns if isinstance(projection.rule, Table) else {}
    return {**projection.synapse.columns, **own}
