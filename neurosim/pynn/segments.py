"""Recordings as Neo objects: a *take* is what one population recorded from a start or reset on.

A take keeps no copy of the data, only where to read it; its Neo segment is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import neo
import numpy as np
import quantities as pq

from neurosim.pynn.trains import TrainList, joined


class Source(Protocol):
    """Gives what a population recorded; :class:`neurosim.session.Session` does, and what it leaves behind at a reset."""

    def spikes(self, population: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices and times (ms), sorted by time."""
        ...

    def samples(self, population: int, variable: str, cells: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cells, times (ms) and values (n_samples, n_cells)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """A recorded variable: PyNN's name, the network's name, its unit, the cells' indices (ascending)."""

    name: str
    inner: str
    units: str
    cells: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """What one population recorded in one segment.

    Attributes
    ----------
    source, population
        Where to read, and the population's id there.
    label, description, size, first_id
        Of the population.
    number
        Of the segment.
    begun_ms, until_ms
        Time covered.
    interval_ms
        Between samples.
    """

    source: Source
    population: int
    label: str
    description: str
    size: int
    first_id: int
    number: int
    begun_ms: float
    until_ms: float
    interval_ms: float
    variables: tuple[Variable, ...]
    annotations: Mapping[str, Any] = field(default_factory=dict)
    made: datetime = field(default_factory=datetime.now)

    def segment(self, names: set[str] | None = None, chosen: np.ndarray | None = None) -> neo.Segment:
        """The Neo segment, with all variables or those called ``names``, of all cells or ``chosen`` ones."""
        out = neo.Segment(name=f"segment{self.number:03d}", description=self.description, rec_datetime=self.made, **self.annotations)
        for variable in self.variables:
            if names is not None and variable.name not in names:
                continue
            cells = variable.cells if chosen is None else common(variable.cells, chosen, self.size)
            if variable.name == "spikes":
                out.spiketrains = self._trains(cells)
                out.spiketrains.segment = out
            elif len(cells):
                self._add_signal(out, variable, cells)
        return out

    def _trains(self, cells: np.ndarray) -> TrainList:
        indices, times_ms = self.source.spikes(self.population)
        if len(cells) < self.size:
            position = np.full(self.size, -1)
            position[cells] = np.arange(len(cells))
            indices = position[indices]
            times_ms, indices = times_ms[indices >= 0], indices[indices >= 0]
        stop = max(self.until_ms, float(times_ms.max(initial=0.0)))
        ends = {"t_start_ms": self.begun_ms, "t_stop_ms": stop}
        return TrainList(times_ms, indices, cells + self.first_id, **ends, source_population=self.label, source_index=cells)

    def _add_signal(self, segment: neo.Segment, variable: Variable, cells: np.ndarray) -> None:
        _, times_ms, values = self.source.samples(self.population, variable.inner, cells)
        if not values.size:
            return
        signal = neo.AnalogSignal(
            values,
            units="dimensionless" if variable.units in ("unknown", "") else variable.units,
            t_start=times_ms[0] * pq.ms,
            sampling_period=self.interval_ms * pq.ms,
            name=variable.name,
            source_population=self.label,
            channel_ids=cells + self.first_id,
            array_annotations={"channel_index": cells.copy()},
        )
        segment.analogsignals.append(signal)
        signal.segment = segment  # type: ignore[attr-defined]


def common(cells: np.ndarray, chosen: np.ndarray, size: int) -> np.ndarray:
    """Those of ``cells`` that are chosen; indices of a population of ``size``, ascending."""
    mask = np.zeros(size, bool)
    mask[chosen] = True
    return cells[mask[cells]]


def _put_together(signals: list[neo.AnalogSignal], signal: neo.AnalogSignal) -> None:
    """Add a signal, as further columns of that of the same name where both are of the same times, as Neo does."""
    for number, other in enumerate(signals):
        times = (other.t_start, other.sampling_period, other.shape[0]) == (signal.t_start, signal.sampling_period, signal.shape[0])
        if other.name == signal.name and times:
            signals[number] = other.merge(signal)
            return
    signals.append(signal)


def together(parts: Sequence[tuple[neo.Segment, int]]) -> neo.Segment:
    """One segment out of those of several populations; with each, the number of channels before its own."""
    first = parts[0][0]
    out = neo.Segment(name=first.name, description=first.description, rec_datetime=first.rec_datetime, **first.annotations)
    for segment, offset in parts:
        for signal in segment.analogsignals:
            signal.array_annotations["channel_index"] += offset
            signal.segment = out  # type: ignore[attr-defined]
            _put_together(out.analogsignals, signal)
    lists = [segment.spiketrains for segment, _ in parts if isinstance(segment.spiketrains, TrainList)]
    if lists:
        out.spiketrains = lists[0] if len(lists) == 1 else joined(lists)
        out.spiketrains.segment = out
    return out
