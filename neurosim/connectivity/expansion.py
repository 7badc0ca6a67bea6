"""From a projection to its synapses: topology, columns, checks, and what the chip makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from neurosim.columns import Integers
from neurosim.connectivity import columns as values_of
from neurosim.connectivity.columns import Form, Span, all_columns
from neurosim.connectivity.rules import Prepared, Topology, evenly
from neurosim.errors import NetworkError, NeurosimError, ParameterError
from neurosim.network import Ends, Network, Projection, Rows, Rule

_POST = np.dtype(np.int64)
_VALUES = np.dtype(np.float64)


@contextmanager
def _located(where: str) -> Iterator[None]:
    try:
        yield
    except NeurosimError as error:
        error.where = f"{where}, {error.where}" if error.where else where
        raise


class Expansion:
    """A projection whose rule and columns are ready to be expanded, row by row.

    What does not depend on rows is computed here, once. The methods change nothing and spend their
    time without the interpreter's lock, so several threads may expand different rows at once.

    Parameters
    ----------
    network
        Network that holds the projection; gives sizes, positions and the time step.
    projection
        One of ``network.projections``.

    Raises
    ------
    ParameterError
        If the rule cannot be carried out, or a distribution is ill-defined.
    """

    def __init__(self, network: Network, projection: Projection) -> None:
        self._projection, self._dt_ms = projection, network.dt
        self._where = f"Projection '{projection.label}'"
        ends = network.ends(projection)
        self.n_rows = ends.n_pre
        with _located(self._where):
            self._topology = _prepared(projection, ends)
        self._columns = {}
        for name, column in all_columns(projection).items():
            with _located(f"{self._where}, column '{name}'"):
                self._columns[name] = values_of.prepare(name, column, projection, ends)

    @property
    def expected(self) -> float:
        """Synapses expected; pairs, where the rule looks at each one."""
        return float(self._topology.before[-1])

    @property
    def costly(self) -> bool:
        """Whether expanding takes longer than writing the synapses to memory and reading them."""
        return self._topology.costly

    def expand(
        self, start: int = 0, stop: int | None = None, *, columns: Sequence[str] | None = None, dtypes: Mapping[str, Any] | None = None
    ) -> Rows:
        """Synapses of some presynaptic rows; the same for a row whatever the range asked for.

        Parameters
        ----------
        start, stop
            Range of indices in ``projection.pre``; all of them by default.
        columns
            Names of the columns that are wanted; all by default, only topology if empty.
        dtypes
            Types by column, and of ``"post"``; float64 and int64 by default. An integer type for
            ``"delay"`` asks for whole steps of ``network.dt``, halves up. A column that is one
            number stays a float in any case.

        Returns
        -------
        Rows
            After the columns are evaluated and checked, and after ``projection.realisation``.

        Raises
        ------
        NetworkError
            If the range lies outside the presynaptic selection, or there is no such column.
        ParameterError
            If weights or delays are not usable; in steps, if a delay is shorter than one.
        """
        stop = self.n_rows if stop is None else stop
        self._check_range(start, stop)
        names = list(self._columns) if columns is None else list(columns)
        forms = {name: self._form(name, dtypes or {}) for name in names}
        as_post = np.dtype((dtypes or {}).get("post", _POST))
        with _located(self._where):
            indptr, post = self._topology.expand(start, stop)
        if self._projection.realisation is not None:
            return self._realised(start, indptr, post, forms, as_post)
        found = {}
        for name, form in forms.items():
            with _located(f"{self._where}, column '{name}'"):
                found[name] = self._columns[name].values(start, indptr, post, form)
        return Rows(start, indptr, post.astype(as_post, copy=False), found)

    def _realised(self, start: int, indptr: Integers, post: Any, forms: Mapping[str, Form], as_post: Any) -> Rows:
        """What the chip makes of complete rows, and of that what is wanted."""
        plain, whole = Form(_VALUES), {}
        for name, source in self._columns.items():
            with _located(f"{self._where}, column '{name}'"):
                whole[name] = source.values(start, indptr, post, plain)
        assert self._projection.realisation is not None
        rows = self._projection.realisation.apply(Rows(start, indptr, post.astype(np.int64), whole))
        if all(form == plain for form in forms.values()) and len(forms) == len(whole) and as_post == _POST:
            return rows
        with _located(self._where):
            found = {name: values_of.formed(name, rows.columns[name], form) for name, form in forms.items()}
        return Rows(start, rows.indptr, rows.post.astype(as_post, copy=False), found)

    def _form(self, name: str, dtypes: Mapping[str, Any]) -> Form:
        if name not in self._columns:
            raise NetworkError(
                f"has no column '{name}'.",
                where=self._where,
                used=name,
                limit=tuple(self._columns),
                remedy=f"Columns: {', '.join(self._columns)}.",
            )
        dtype = np.dtype(dtypes.get(name, _VALUES))
        if dtype.kind == "f":
            return Form(dtype)
        if name != "delay" or dtype.kind != "i":
            raise ParameterError(
                f"values of '{name}' cannot be {dtype}.",
                where=self._where,
                used=str(dtype),
                limit="float32 or float64; for delays also signed integers, which count steps",
                remedy="Ask for a floating-point type.",
            )
        return Form(dtype, self._dt_ms)

    def _check_range(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.n_rows:
            raise NetworkError(
                f"rows {start} to {stop} were asked for, there are {self.n_rows}.",
                where=self._where,
                used=(start, stop),
                limit=self.n_rows,
                remedy="Ask for 0 <= start <= stop <= number of presynaptic cells.",
            )

    def span(self, name: str) -> Span | None:
        """Least, largest and mean absolute value of a column; ``None`` if only expanding tells."""
        return None if self._projection.realisation is not None else self._columns[name].span()

    def blocks(self, synapses: int = 2_000_000) -> list[tuple[int, int]]:
        """Ranges of rows that hold about ``synapses`` (at least one row) each, in order.

        Where the rule draws several rows together, ranges end between such groups, and are larger
        than asked for if a group is.

        Raises
        ------
        ParameterError
            If ``synapses`` is not positive.
        """
        if synapses < 1:
            raise ParameterError(
                f"a block of {synapses} synapses is empty.", where=self._where, used=synapses, limit=1, remedy="Ask for 1 synapse or more."
            )
        cuts = np.arange(self.n_rows + 1) if self._topology.cuts is None else self._topology.cuts
        before, found, at = self._topology.before[cuts], [], 0
        while cuts[at] < self.n_rows:
            reach = int(np.searchsorted(before, before[at] + synapses, side="right")) - 1
            reach = min(len(cuts) - 1, max(reach, at + 1))
            found.append((int(cuts[at]), int(cuts[reach])))
            at = reach
        return found

    def count(self) -> int:
        """Exact number of synapses; expands nothing if the rule fixes the number and no chip changed it."""
        if self._projection.realisation is None and getattr(self._projection.rule, "exact", False):
            return round(float(self._topology.before[-1]))
        return sum(self.expand(start, stop, columns=()).size for start, stop in self.blocks())


def _prepared(projection: Projection, ends: Ends) -> Prepared:
    prepare = getattr(projection.rule, "prepare", None)
    if prepare is not None:
        return prepare(ends)
    return Prepared(partial(_converted, projection.rule, ends), evenly(projection.rule.expected(ends), ends))


def _converted(rule: Rule, ends: Ends, start: int, stop: int) -> Topology:
    indptr, post = rule.expand(start, stop, ends)
    return indptr, post.astype(np.int32)


def expand(
    network: Network,
    projection: Projection,
    start: int = 0,
    stop: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    dtypes: Mapping[str, Any] | None = None,
) -> Rows:
    """Synapses of some presynaptic rows; see :meth:`Expansion.expand`, which this prepares anew."""
    return Expansion(network, projection).expand(start, stop, columns=columns, dtypes=dtypes)


def blocks(network: Network, projection: Projection, synapses: int = 2_000_000) -> list[tuple[int, int]]:
    """Ranges of rows of about ``synapses`` each; see :meth:`Expansion.blocks`."""
    return Expansion(network, projection).blocks(synapses)


def iterate(network: Network, projection: Projection, block_synapses: int = 2_000_000) -> Iterator[Rows]:
    """All synapses in blocks of whole rows of about ``block_synapses`` (at least one row) each.

    Raises
    ------
    ParameterError
        If ``block_synapses`` is not positive; else as :func:`expand`.
    """
    expansion = Expansion(network, projection)
    for start, stop in expansion.blocks(block_synapses):
        yield expansion.expand(start, stop)


def count(network: Network, projection: Projection) -> int:
    """Exact number of synapses; see :meth:`Expansion.count`."""
    return Expansion(network, projection).count()
