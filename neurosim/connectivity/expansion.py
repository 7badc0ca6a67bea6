"""From a projection to its synapses: topology, columns, checks, and what the chip makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np

from neurosim.columns import Floats, Integers
from neurosim.connectivity.columns import all_columns, synapse_values
from neurosim.connectivity.rules import DistanceDependent, FixedIn, FixedOut
from neurosim.connectivity.table import Table
from neurosim.errors import NetworkError, NeurosimError, ParameterError
from neurosim.network import Ends, Network, Projection, Rows

Topology = tuple[Integers, Integers]
_BLOCKS_PER_PASS = 16
"""FixedIn draws all columns for any rows: draw this many blocks at once (8 bytes per synapse)."""


@contextmanager
def _located(where: str) -> Iterator[None]:
    try:
        yield
    except NeurosimError as error:
        error.where = f"{where}, {error.where}" if error.where else where
        raise


def expand(network: Network, projection: Projection, start: int = 0, stop: int | None = None) -> Rows:
    """Synapses of some presynaptic rows; the same for a row whatever the range asked for.

    Parameters
    ----------
    network
        Network that holds the projection; gives sizes and positions.
    projection
        One of ``network.projections``.
    start, stop
        Range of indices in ``projection.pre``; all of them by default.

    Returns
    -------
    Rows
        After the columns are evaluated and checked, and after ``projection.realisation``.

    Raises
    ------
    NetworkError
        If the range lies outside the presynaptic selection.
    ParameterError
        If the rule cannot be carried out, or weights or delays are not usable.
    """
    ends = network.ends(projection)
    stop = ends.n_pre if stop is None else stop
    if not 0 <= start <= stop <= ends.n_pre:
        raise NetworkError(
            f"rows {start} to {stop} were asked for, there are {ends.n_pre}.",
            where=f"Projection '{projection.label}'",
            used=(start, stop),
            limit=ends.n_pre,
            remedy="Ask for 0 <= start <= stop <= number of presynaptic cells.",
        )
    return _finish(projection, ends, start, *_topology(projection, ends, start, stop))


def iterate(network: Network, projection: Projection, block_synapses: int = 2_000_000) -> Iterator[Rows]:
    """All synapses in blocks of whole rows of about ``block_synapses`` (at least one row) each.

    Raises
    ------
    ParameterError
        If ``block_synapses`` is not positive; else as :func:`expand`.
    """
    ends = network.ends(projection)
    for start, indptr, post in _blocks(projection, ends, block_synapses):
        yield _finish(projection, ends, start, indptr, post)


def count(network: Network, projection: Projection) -> int:
    """Exact number of synapses; expands nothing if the rule fixes the number and no chip changed it."""
    ends = network.ends(projection)
    if projection.realisation is not None:
        return sum(rows.size for rows in iterate(network, projection))
    if getattr(projection.rule, "exact", False):
        with _located(f"Projection '{projection.label}'"):
            return int(projection.rule.expected(ends))
    return sum(len(post) for _, _, post in _blocks(projection, ends, 2_000_000))


def _topology(projection: Projection, ends: Ends, start: int, stop: int) -> Topology:
    with _located(f"Projection '{projection.label}'"):
        return projection.rule.expand(start, stop, ends)


def _edges(projection: Projection, ends: Ends, block_synapses: int) -> list[int]:
    """Row numbers at which blocks begin and end."""
    if block_synapses < 1:
        raise ParameterError(
            f"a block of {block_synapses} synapses is empty.",
            where=f"Projection '{projection.label}'",
            used=block_synapses,
            limit=1,
            remedy="Set block_synapses to 1 or more.",
        )
    before = _synapses_before(projection, ends)
    edges = [0]
    while edges[-1] < ends.n_pre:
        reach = int(np.searchsorted(before, before[edges[-1]] + block_synapses, side="right")) - 1
        edges.append(min(ends.n_pre, max(reach, edges[-1] + 1)))
    return edges


def _synapses_before(projection: Projection, ends: Ends) -> Floats:
    """Number of synapses before each row, shape (n_pre + 1,): known, or expected evenly."""
    rule = projection.rule
    with _located(f"Projection '{projection.label}'"):
        if isinstance(rule, Table):
            return rule.bounds(0, ends.n_pre).astype(np.float64)
        if isinstance(rule, DistanceDependent):  # counting pairs is safe, and does not evaluate them all
            return np.linspace(0.0, ends.n_pre * ends.n_post, ends.n_pre + 1)
        total = rule.expected(ends)
        if isinstance(rule, FixedOut) and not isinstance(rule.n, int):
            return np.concatenate([[0.0], np.cumsum(rule.n, dtype=np.float64)])
        return np.linspace(0.0, total, ends.n_pre + 1)


def _blocks(projection: Projection, ends: Ends, block_synapses: int) -> Iterator[tuple[int, Integers, Integers]]:
    """``(start, indptr, post)`` of successive blocks."""
    edges = _edges(projection, ends, block_synapses)
    if isinstance(projection.rule, FixedIn):
        yield from _cut_passes(projection, ends, edges)
        return
    for start, stop in pairwise(edges):
        yield start, *_topology(projection, ends, start, stop)


def _cut_passes(projection: Projection, ends: Ends, edges: list[int]) -> Iterator[tuple[int, Integers, Integers]]:
    """Blocks cut out of larger expansions."""
    for at in range(0, len(edges) - 1, _BLOCKS_PER_PASS):
        cuts = edges[at : at + _BLOCKS_PER_PASS + 1]
        indptr, post = _topology(projection, ends, cuts[0], cuts[-1])
        for start, stop in pairwise(cuts):
            bounds = indptr[start - cuts[0] : stop - cuts[0] + 1]
            yield start, bounds - bounds[0], post[bounds[0] : bounds[-1]].copy()


def _finish(projection: Projection, ends: Ends, start: int, indptr: Integers, post: Integers) -> Rows:
    columns: dict[str, float | Floats] = {}
    for name, column in all_columns(projection).items():
        with _located(f"Projection '{projection.label}', column '{name}'"):
            columns[name] = synapse_values(name, column, projection, ends, start, indptr, post)
            _check_values(name, columns[name], len(post))
    rows = Rows(start=start, indptr=indptr, post=post, columns=columns)
    return rows if projection.realisation is None else projection.realisation.apply(rows)


def _check_values(name: str, values: float | Floats, size: int) -> None:
    """Raise unless all are finite and delays above 0; a number is checked even without synapses."""
    usable = np.isfinite(values) & (np.asarray(values) > 0.0) if name == "delay" else np.isfinite(values)
    bad = int(np.size(values) - np.count_nonzero(usable))
    if bad == 0:
        return
    first = float(np.atleast_1d(values)[~np.atleast_1d(usable)][0])
    need = "finite and above 0 ms" if name == "delay" else "finite"
    total = max(1, size) if np.ndim(values) == 0 else size
    raise ParameterError(
        f"{total if np.ndim(values) == 0 else bad} of {total} values are not {need}, for example {first:g}.",
        used=first,
        limit=need,
        remedy="Use a clipped distribution (normal_clipped) or correct the values." if name == "delay" else "Correct the values.",
    )
