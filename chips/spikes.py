"""Who fired when, as users give it: checked, and as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import ParameterError
from neurosim.network import Network, Population

Int64 = NDArray[np.int64]
#: By population id: steps, from 0, and indices of the cells concerned.
Events = Mapping[int, tuple[ArrayLike, ArrayLike]]


def checked_steps(n_steps: object, *, where: str = "Cost") -> int:
    """Number of steps.

    Raises
    ------
    ParameterError
        If it is no whole number from 1.
    """
    if isinstance(n_steps, int | np.integer) and not isinstance(n_steps, bool) and n_steps >= 1:
        return int(n_steps)
    text = f"the number of steps is {n_steps!r}; it must be a whole number from 1."
    raise ParameterError(text, where=where, used=n_steps, limit=1, remedy="Give round(duration / dt).")


def checked(network: Network, events: Events, n_steps: int, *, what: str = "spike") -> dict[int, tuple[Int64, Int64]]:
    """Steps and indices of each population that has any, int64 (n,) each.

    Parameters
    ----------
    what
        What happens at these times, for messages.

    Raises
    ------
    ParameterError
        If there is no such population, cell or step, or the arrays are not whole numbers of one length.
    """
    if not isinstance(events, Mapping):
        text = f"{what}s are of type {type(events).__name__}."
        raise ParameterError(text, where="Cost", used=type(events).__name__, remedy="Give a dict of population ids to (steps, indices).")
    return {
        _population(network, key, what).id: _pair(_population(network, key, what), value, n_steps, what) for key, value in events.items()
    }


def _population(network: Network, key: object, what: str) -> Population:
    n = len(network.populations)
    if isinstance(key, int | np.integer) and 0 <= key < n:
        return network.populations[int(key)]
    text = f"{what}s are given for population {key!r}; there are {n}, from 0."
    raise ParameterError(text, where="Cost", used=key, limit=n, remedy="Give ids of populations.")


def _pair(population: Population, value: object, n_steps: int, what: str) -> tuple[Int64, Int64]:
    where = f"Population '{population.label}'"
    if not isinstance(value, tuple | list) or len(value) != 2:
        remedy = "Give two arrays of one length: steps and indices."
        raise ParameterError(f"{what}s are not a pair of arrays.", where=where, used=type(value).__name__, remedy=remedy)
    step, index = (whole_numbers(column, f"{name} of {what}s", where=where) for column, name in zip(value, ("steps", "cells"), strict=True))
    check_pair(step, index, n_steps=n_steps, n_cells=population.size, what=what, where=where)
    return step, index


def whole_numbers(values: object, what: str, *, where: str = "Cost") -> Int64:
    """Values as int64 (n,).

    Raises
    ------
    ParameterError
        If they are not whole numbers in one dimension.
    """
    try:
        found = np.asarray(values)
    except ValueError:  # rows of different lengths
        found = np.empty((), object)
    if found.size == 0 and found.ndim == 1:
        return np.empty(0, np.int64)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        text = f"{what} are of type {found.dtype} and shape {found.shape}."
        remedy = "Give whole numbers in one dimension; of times in ms, round(time / dt)."
        raise ParameterError(text, where=where, used=str(found.dtype), limit="integers (n,)", remedy=remedy)
    return found.astype(np.int64)


def check_pair(step: Int64, cell: Int64, *, n_steps: int, n_cells: int, what: str, where: str = "Cost") -> None:
    """Check steps and cells against their numbers.

    Raises
    ------
    ParameterError
        If there are not as many of one as of the other, or one does not exist.
    """
    if step.shape != cell.shape:
        text = f"there are {step.size:,} steps for {cell.size:,} cells of {what}s."
        raise ParameterError(text, where=where, used=step.size, limit=cell.size, remedy=f"Give one step and one cell per {what}.")
    for name, values, end in (("step", step, n_steps), ("cell", cell, n_cells)):
        wrong = (values < 0) | (values >= end)
        if wrong.any():
            value = int(values[wrong][0])
            text = f"there is a {what} at {name} {value:,}; there are {end:,} {name}s, from 0."
            raise ParameterError(text, where=where, used=value, limit=end, remedy=f"Count {name}s from 0.")
