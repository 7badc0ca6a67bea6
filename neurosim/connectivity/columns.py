"""Numbers of lazy columns: one per cell of a population, or one per synapse of a block of rows.

A random value is keyed by the column's seed, the column's name and the element: the cell, or the
projection's seed, the row and the synapse's ordinal within its row. So two columns differ even
when they share one :class:`~neurosim.columns.Random`.

A column of synapses is prepared once (:func:`prepare`); what that gives is asked for rows, from
several threads at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.columns import Column, Expression, Floats, Integers, Random, is_homogeneous
from neurosim.connectivity import quantiles
from neurosim.connectivity.distributions import distribution, exact_values
from neurosim.connectivity.distributions import quantiles as table_of
from neurosim.connectivity.geometry import end_positions, pair_values, shaped
from neurosim.connectivity.quantiles import Quantiles
from neurosim.connectivity.random import stream, uniforms
from neurosim.connectivity.steps import SHORTEST, check_range, delay_steps
from neurosim.connectivity.table import Table
from neurosim.errors import ParameterError
from neurosim.network import Ends, Projection

Values = float | NDArray[Any]


class Span(NamedTuple):
    """What is known of the values of a column without drawing them.

    Attributes
    ----------
    low, high
        No value lies outside.
    magnitude
        Mean absolute value.
    """

    low: float
    high: float
    magnitude: float


class Form(NamedTuple):
    """How values are wanted: their type, and the length of a step (ms) if they count steps, else 0."""

    dtype: np.dtype[Any]
    dt_ms: float = 0.0


class Source(Protocol):
    """A column with everything that can be computed beforehand."""

    def values(self, start: int, indptr: Integers, post: NDArray[np.int32], form: Form) -> Values:
        """Values of the synapses of rows ``start ..``; a float if all have one."""
        ...

    def span(self) -> Span | None:
        """Range and mean magnitude, if they are known."""
        ...


def _draw(column: Random, base: np.uint64, size: int) -> Floats:
    distribution(column.distribution, column.parameters)
    table, indptr = table_of(column.distribution, column.parameters), np.array([0, size], np.int64)
    if table is None:
        return exact_values(column.distribution, column.parameters, uniforms(base, 0, indptr))
    return quantiles.values(base, 0, indptr, table)


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
        return _draw(column, stream(column.seed, "cells", *labels), size)
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


# --- synapses ---------------------------------------------------------------------------------------
def prepare(name: str, column: Column, projection: Projection, ends: Ends) -> Source:
    """The column ``name`` of a projection, ready to be asked for rows."""
    if is_homogeneous(column):
        return _Number(name, float(column))  # type: ignore[arg-type]
    if isinstance(column, Random):
        distribution(column.distribution, column.parameters)
        base = stream(column.seed, "synapses", name, projection.seed)
        return _Drawn(name, column, base, table_of(column.distribution, column.parameters))
    if isinstance(column, Expression):
        return _Computed(name, column, end_positions(column, ends))
    values = np.asarray(column, np.float64)
    return _Number(name, float(values)) if values.ndim == 0 else _Given(name, values, projection, ends)


@dataclass(frozen=True, slots=True, eq=False)
class _Number:
    name: str
    value: float

    def values(self, start: int, indptr: Integers, post: NDArray[np.int32], form: Form) -> Values:
        _check(self.name, self.value, len(post))
        return float(delay_steps(self.value, form.dt_ms, form.dtype)[0]) if form.dt_ms else self.value

    def span(self) -> Span:
        return Span(self.value, self.value, abs(self.value))


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    name: str
    column: Random
    base: np.uint64
    table: Quantiles | None

    def values(self, start: int, indptr: Integers, post: NDArray[np.int32], form: Form) -> Values:
        lowest = max(SHORTEST * form.dt_ms, 0.0) if self.name == "delay" else -np.inf
        if self.table is None:
            values = exact_values(self.column.distribution, self.column.parameters, uniforms(self.base, start, indptr))
            return _formed(self.name, values, form)
        if self.table.low <= lowest:  # some may have to be refused
            return _formed(self.name, quantiles.values(self.base, start, indptr, self.table), form)
        if not form.dt_ms:
            return quantiles.values(self.base, start, indptr, self.table, form.dtype)
        check_range(self.table.low, self.table.high, 0, form.dt_ms, form.dtype)
        return quantiles.values(self.base, start, indptr, self.table, form.dtype, 1.0 / form.dt_ms)

    def span(self) -> Span:
        law, parameters = self.column.distribution, self.column.parameters
        middle = exact_values(law, parameters, (np.arange(4096) + 0.5) / 4096)
        if self.table is not None:
            return Span(self.table.low, self.table.high, float(np.abs(middle).mean()))
        ends = exact_values(law, parameters, np.array([2.0**-53, 1.0 - 2.0**-53]))
        return Span(float(min(ends.min(), middle.min())), float(max(ends.max(), middle.max())), float(np.abs(middle).mean()))


@dataclass(frozen=True, slots=True, eq=False)
class _Computed:
    name: str
    column: Expression
    positions: tuple[Floats, Floats] | None

    def values(self, start: int, indptr: Integers, post: NDArray[np.int32], form: Form) -> Values:
        wide = post.astype(np.int64)  # what a user's function is given
        return _formed(self.name, pair_values(self.column, _sources(start, indptr), wide, self.positions), form)

    def span(self) -> None:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    name: str
    array: Floats
    projection: Projection
    ends: Ends

    def values(self, start: int, indptr: Integers, post: NDArray[np.int32], form: Form) -> Values:
        return _formed(self.name, self._found(start, indptr, post), form)

    def _found(self, start: int, indptr: Integers, post: NDArray[np.int32]) -> Floats:
        array, ends, rule = self.array, self.ends, self.projection.rule
        if array.shape == (ends.n_pre, ends.n_post):
            return array[_sources(start, indptr), post]
        if isinstance(rule, Table) and array.shape == rule.pre.shape:
            first = int(np.searchsorted(rule.pre, start))
            return array[first : first + len(post)].copy()
        shapes = f"({ends.n_pre}, {ends.n_post})" + (f" or ({len(rule.pre)},)" if isinstance(rule, Table) else "")
        raise ParameterError(
            f"an array of shape {array.shape} was given.",
            used=array.shape,
            limit=shapes,
            remedy=f"Give a number, or an array of shape {shapes}.",
        )

    def span(self) -> Span | None:
        if not self.array.size or not np.isfinite(self.array).all():
            return None
        low, high = float(self.array.min()), float(self.array.max())
        total = float(np.add.reduce(self.array, axis=None)) if low >= 0.0 or high <= 0.0 else float(np.abs(self.array).sum())
        return Span(low, high, abs(total) / self.array.size)


def _sources(start: int, indptr: Integers) -> Integers:
    return np.repeat(np.arange(start, start + len(indptr) - 1), np.diff(indptr))


def _formed(name: str, values: Floats, form: Form) -> NDArray[Any]:
    """Checked values in the form that is wanted."""
    _check(name, values, len(values))
    return delay_steps(values, form.dt_ms, form.dtype) if form.dt_ms else values.astype(form.dtype, copy=False)


def formed(name: str, values: Values, form: Form) -> Values:
    """Values that somebody else has computed, in the form that is wanted."""
    if np.ndim(values):
        return _formed(name, np.asarray(values, np.float64), form)
    return _Number(name, float(values)).values(0, np.zeros(1, np.int64), np.empty(0, np.int32), form)


def _check(name: str, values: float | Floats, size: int) -> None:
    """Raise unless all are finite and delays above 0; a number is checked even without synapses."""
    least, most = np.min(values, initial=np.inf), np.max(values, initial=-np.inf)
    if size and least > (0.0 if name == "delay" else -np.inf) and most < np.inf:
        return
    found = np.atleast_1d(values)
    usable = np.isfinite(found) & (found > 0.0) if name == "delay" else np.isfinite(found)
    bad = len(found) - int(np.count_nonzero(usable))
    if bad == 0:
        return
    need = "finite and above 0 ms" if name == "delay" else "finite"
    first, total = float(found[~usable][0]), max(1, size) if np.ndim(values) == 0 else size
    raise ParameterError(
        f"{total if np.ndim(values) == 0 else bad} of {total} values are not {need}, for example {first:g}.",
        used=first,
        limit=need,
        remedy="Use a clipped distribution (normal_clipped) or correct the values." if name == "delay" else "Correct the values.",
    )


def all_columns(projection: Projection) -> Mapping[str, Column]:
    """Columns of the synapse, overridden by those of a Table (which are in row order)."""
    own = projection.rule.columns if isinstance(projection.rule, Table) else {}
    return {**projection.synapse.columns, **own}
