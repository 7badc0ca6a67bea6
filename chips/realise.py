"""What a chip makes of weights and delays: applied per row, and measured for the ledger.

A chip gives one :class:`Format` per projection. :func:`realise` streams the synapses of every
projection through it, counts what changes, and sets :class:`Chain` as the projection's
realisation, so that the engine later gets exactly the synapses that were measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.usage import expected
from neurosim.chips.values import Statistics, Values, at, statistics, synaptic_column
from neurosim.columns import Floats
from neurosim.losses import Loss
from neurosim.network import Network, Projection, Realisation, Rows

#: Above this expected number of synapses of a network, large projections are measured on a sample of their rows.
SAMPLE_ABOVE = 50_000_000
#: Number of synapses of such a sample of one projection, roughly, and of pieces it is spread over.
SAMPLE_SYNAPSES = 1_000_000
SAMPLE_PIECES = 32


class Format(Protocol):
    """A chip's numbers for the synapses of one projection; deterministic per row."""

    def kept(self, rows: Rows) -> NDArray[np.bool_] | None:
        """Synapses that exist on the chip; ``None`` for all."""
        ...

    def weights(self, rows: Rows) -> Values:
        """Weight as the chip holds it."""
        ...

    def limit(self, rows: Rows) -> Values | None:
        """Largest absolute weight the chip can hold, per synapse or for all; ``None`` for no limit."""
        ...

    def delays(self, rows: Rows) -> Values:
        """Delay (ms) as the chip realises it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Realisation: an earlier one, then the chip's format."""

    format: Format
    before: Realisation | None = None

    def apply(self, rows: Rows) -> Rows:
        """Synapses as the chip realises them."""
        if self.before is not None:
            rows = self.before.apply(rows)
        columns = {**rows.columns, "weight": self.format.weights(rows), "delay": self.format.delays(rows)}
        return keep(replace(rows, columns=columns), self.format.kept(rows))


def keep(rows: Rows, kept: NDArray[np.bool_] | None) -> Rows:
    """Rows without the synapses that are not kept."""
    if kept is None or kept.all():
        return rows
    columns = {name: at(value, np.flatnonzero(kept)) for name, value in rows.columns.items()}
    before = np.concatenate([[0], np.cumsum(kept)])
    return Rows(rows.start, before[rows.indptr].astype(np.int64), rows.post[kept], columns)


@dataclass(slots=True)
class Change:
    """How many values changed, and the sum and maximum of the absolute error."""

    count: int = 0
    total_error: float = 0.0
    largest: float = 0.0

    def add(self, error: Floats | float, mask: NDArray[np.bool_] | bool, n: int) -> None:
        """Add the errors of a block of ``n`` values where ``mask`` holds."""
        if isinstance(mask, bool | np.bool_):
            hits, summed = (n, float(np.sum(error)) if np.ndim(error) else n * float(error)) if mask else (0, 0.0)
            top = float(np.max(error)) if hits else 0.0
        else:
            hits = int(np.count_nonzero(mask))
            chosen = np.broadcast_to(error, mask.shape)[mask]
            summed, top = float(chosen.sum()), float(chosen.max(initial=0.0))
        self.count += hits
        self.total_error += summed
        self.largest = max(self.largest, top)

    def loss(self, kind: str, where: str, what: str, measured: Measured, *, unit: str = "", detail: str = "") -> Loss:
        """Ledger entry, scaled up if only a sample was measured."""
        count = round(self.count * measured.scale)
        mean = self.total_error / self.count if self.count else 0.0
        return Loss(kind, where, what, count, measured.total, mean, self.largest, unit, f"{detail} {measured.note}".strip())


@dataclass(slots=True)
class Measured:
    """Result of streaming one projection through a format."""

    n: int = 0
    scale: float = 1.0
    note: str = ""
    lost: int = 0
    zeroed: Change = field(default_factory=Change)
    clipped: Change = field(default_factory=Change)
    rounded: Change = field(default_factory=Change)
    delayed: Change = field(default_factory=Change)
    longest_ms: float = 0.0

    @property
    def total(self) -> int:
        """Number of synapses, estimated if sampled."""
        return round(self.n * self.scale)

    @property
    def all_lost(self) -> int:
        """Number of lost synapses, estimated if sampled."""
        return round(self.lost * self.scale)


def blocks(network: Network, projection: Projection) -> tuple[Iterator[Rows], float, str]:
    """Rows of a projection: all of them, or a sample with the factor that scales it up, and a note."""
    from neurosim.connectivity import expand, iterate

    n_pre, n_synapses = projection.pre.size, expected(network, projection)
    large = n_synapses > SAMPLE_SYNAPSES and sum(expected(network, each) for each in network.projections) > SAMPLE_ABOVE
    rows = max(1, round(SAMPLE_SYNAPSES / max(n_synapses, 1) * n_pre / SAMPLE_PIECES))
    if not large or n_pre < 2 * SAMPLE_PIECES * rows:
        return iter(iterate(network, projection)), 1.0, ""
    starts = np.linspace(0, n_pre - rows, SAMPLE_PIECES).astype(int)
    note = f"Estimated from {rows * SAMPLE_PIECES:,} of {n_pre:,} rows."
    return (expand(network, projection, int(s), int(s) + rows) for s in starts), n_pre / (rows * SAMPLE_PIECES), note


def measure(network: Network, projection: Projection, form: Format) -> Measured:
    """Stream the synapses of a projection through a format and count what changes."""
    stream, scale, note = blocks(network, projection)
    result = Measured(scale=scale, note=note)
    for rows in stream:
        result.n += rows.size
        if rows.size:
            _measure_block(result, rows, form)
    return result


def _measure_block(result: Measured, rows: Rows, form: Format) -> None:
    kept = form.kept(rows)
    if kept is not None:
        result.lost += rows.size - int(np.count_nonzero(kept))
    asked, held, limit = rows.columns["weight"], form.weights(rows), form.limit(rows)
    error = np.abs(np.subtract(held, asked))
    alive = True if kept is None else kept
    zeroed = _both(np.equal(held, 0.0) & np.not_equal(asked, 0.0), alive)
    over = np.False_ if limit is None else np.greater(np.abs(asked), np.multiply(limit, 1 + 1e-9))
    clipped = _both(over & np.not_equal(held, 0.0), alive)
    rounded = _both(np.greater(error, 1e-9 * np.abs(asked)) & ~np.asarray(zeroed) & ~np.asarray(clipped), alive)
    for change, mask in ((result.zeroed, zeroed), (result.clipped, clipped), (result.rounded, rounded)):
        change.add(error, mask, rows.size)
    delay = form.delays(rows)
    gap = np.abs(np.subtract(delay, rows.columns["delay"]))
    result.delayed.add(gap, _both(np.greater(gap, 1e-6), alive), rows.size)
    result.longest_ms = max(result.longest_ms, float(np.max(rows.columns["delay"])))


def _both(mask: NDArray[np.bool_] | np.bool_, alive: NDArray[np.bool_] | bool) -> NDArray[np.bool_] | bool:
    joined = np.logical_and(mask, alive)
    return bool(joined) if joined.ndim == 0 else joined


@dataclass(frozen=True, slots=True)
class Words:
    """Sentences for the ledger, by kind of loss."""

    rounded: str = ""
    clipped: str = ""
    zeroed: str = ""
    delay: str = ""
    lost: str = ""


def losses(network: Network, projection: Projection, measured: Measured, words: Words) -> list[Loss]:
    """Ledger entries of one projection."""
    where = f"Projection '{projection.label}'"
    unit = weight_unit(network, projection)
    return [
        measured.rounded.loss("rounded", where, "weight", measured, unit=unit, detail=words.rounded),
        measured.clipped.loss("clipped", where, "weight", measured, unit=unit, detail=words.clipped),
        measured.zeroed.loss("zeroed", where, "weight", measured, unit=unit, detail=words.zeroed),
        measured.delayed.loss("delay", where, "delay", measured, unit="ms", detail=words.delay),
        Loss("synapse", where, "synapse", measured.all_lost, measured.total, detail=f"{words.lost} {measured.note}".strip()),
    ]


def weight_unit(network: Network, projection: Projection) -> str:
    """Unit of the weights of a projection: uS, nA or mV."""
    for population_id, _ in projection.post.parts:
        population = network.populations[population_id]
        kind = population.receptors[population.receptor_index(projection.receptor)].kind
        return "uS" if kind.startswith("cond") else "mV" if kind == "curr_delta" else "nA"
    return ""


def realise(
    network: Network,
    make: Callable[[Projection], tuple[Format, Words]],
    check: Callable[[Projection, Measured], None] = lambda projection, measured: None,
) -> tuple[Network, list[Loss]]:
    """Network whose projections go through the chip's formats, and the losses that this causes.

    Parameters
    ----------
    network
        Translated network.
    make
        Format and sentences of a projection.
    check
        Called with what was measured; raises if the chip refuses it.
    """
    projections, found = [], []
    for projection in network.projections:
        form, words = make(projection)
        measured = measure(network, projection, form)
        check(projection, measured)
        found += [loss for loss in losses(network, projection, measured, words) if loss.count]
        projections.append(replace(projection, realisation=Chain(form, projection.realisation)))
    return replace(network, projections=tuple(projections)), found


def grid_delays(delay_ms: float | Floats, dt_ms: float, longest_ms: float) -> Values:
    """Delays rounded to whole steps from one step to the longest."""
    steps = np.clip(np.floor(np.asarray(delay_ms) / dt_ms + 0.5 + 1e-9), 1, max(1, round(longest_ms / dt_ms)))
    held = steps * dt_ms
    return float(held) if np.ndim(held) == 0 else held


def weight_statistics(network: Network, projection: Projection, n_draws: float) -> Statistics:
    """Statistics of the weights of a projection after conversions; bounds as for ``n_draws`` draws."""
    known = statistics(synaptic_column(projection, "weight"), n_draws)
    scale = 1.0 if projection.realisation is None else getattr(projection.realisation, "weight_scale", None)
    if known is not None and scale is not None:
        low, high = sorted((scale * known.low, scale * known.high))
        return Statistics(scale * known.mean, scale**2 * known.variance, low, high, known.certain)
    # formulas and factors that differ by cell: the first block of rows stands for all
    for rows in blocks(network, projection)[0]:
        weight = np.asarray(rows.columns["weight"])
        if rows.size:
            return Statistics(float(weight.mean()), float(weight.var()), float(weight.min()), float(weight.max()), certain=False)
    return Statistics(0.0, 0.0, 0.0, 0.0)


def keyed_uniform(seed: int, rows: Rows) -> Floats:
    """One number in [0, 1) per synapse that depends on the seed, its row and its place in the row only."""
    ordinal = np.arange(rows.size) - np.repeat(rows.indptr[:-1] - rows.indptr[0], np.diff(rows.indptr))
    with np.errstate(over="ignore"):
        key = rows.pre().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed % 2**64)
        word = _mix(_mix(key) + ordinal.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03))
    return (word >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
