"""Recording: what to record goes to the network as probes, results come back as Neo objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import neo
import numpy as np
import quantities as pq
from neo.core.spiketrainlist import SpikeTrainList
from pyNN import recording

from neurosim.errors import ParameterError
from neurosim.network import Probe
from neurosim.pynn import simulator
from neurosim.pynn._errors import NotRecordableError

Variable = recording.Variable


class Recorder(recording.Recorder):
    """Records variables of one population."""

    _simulator = simulator

    def __init__(self, population: Any, file: Any = None) -> None:
        super().__init__(population, file)
        self._probes: dict[str, Probe] = {}

    # --- what to record --------------------------------------------------------------------------
    def record(self, variables: Any, ids: np.ndarray, sampling_interval: float | None = None, locations: Any = None) -> None:
        """Record ``variables`` of the cells ``ids``, every ``sampling_interval`` ms (the time step if not given)."""
        names = [variables] if isinstance(variables, str) else list(variables)
        self._take_interval(sampling_interval)
        new = set(np.asarray(ids).tolist())
        for name in names:
            if not self.population.can_record(name):
                celltype = self.population.celltype
                raise NotRecordableError(
                    f"'{name}' cannot be recorded from {type(celltype).__name__}.",
                    variable=name,
                    known=celltype.recordable,
                    where=f"Population '{self.population.label}'",
                )
        for name in names:
            variable = Variable(name, None, None)
            if not new <= self.recorded[variable]:
                self.recorded[variable] = self.recorded[variable] | new
                self._forget_probe(name)

    def _take_interval(self, interval: float | None) -> None:
        if interval is None or interval == self.sampling_interval:
            return
        dt, where = simulator.state.dt, f"Population '{self.population.label}'"
        if not interval > 0 or abs(interval / dt - round(interval / dt)) > 1e-6:
            raise ParameterError(
                f"sampling_interval ({interval:g} ms) is not a multiple of the time step.",
                where=where,
                used=interval,
                limit=dt,
                remedy="Use a multiple of it.",
            )
        if any(variable.name != "spikes" for variable, ids in self.recorded.items() if ids):
            raise ParameterError(
                "all variables of a population are recorded with the same sampling interval.",
                where=where,
                used=interval,
                limit=self.sampling_interval,
                remedy="Give it at the first record().",
            )
        self.sampling_interval = interval

    def _forget_probe(self, name: str) -> None:
        self._probes.pop(name, None)
        simulator.state.changed()

    def _reset(self) -> None:
        self._probes.clear()
        simulator.state.changed()

    def reset(self) -> None:
        """Record nothing any more."""
        self._reset()
        self.recorded = defaultdict(set)
        self.sampling_interval = simulator.state.dt

    def freeze(self) -> list[Probe]:
        """What is recorded, as the network describes it."""
        for variable, ids in self.recorded.items():
            if ids and variable.name not in self._probes:
                indices = np.array(sorted(ids), dtype=np.int64) - int(self.population.first_id)
                name = self.population.celltype.network_variable(variable.name)
                interval = 0.0 if name == "spikes" else float(self.sampling_interval)
                self._probes[variable.name] = Probe(self.population.network_id, name, indices, interval)
        return list(self._probes.values())

    def store_to_cache(self, annotations: Any = None) -> None:
        """Keep what was recorded since the last ``clear`` as a finished segment."""
        if simulator.state.t > float(self._recording_start_time):
            segment = self._get_current_segment()
            segment.annotate(**(annotations or {}))
            self.cache.store(segment)
        self._recording_start_time = 0.0 * pq.ms

    # --- results as arrays -----------------------------------------------------------------------
    def _session(self) -> Any:
        self.population._check_current()
        return simulator.state.session

    def spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices and times (ms) of the recorded spikes of this segment, sorted by time."""
        session = self._session()
        if session is None:
            return np.empty(0, dtype=np.int64), np.empty(0)
        indices, times_ms = session.spikes(self.population.network_id)
        return np.asarray(indices, dtype=np.int64), np.asarray(times_ms, dtype=float)

    def _get_spiketimes(self, ids: Iterable[int], clear: bool = False) -> tuple[np.ndarray, np.ndarray]:
        indices, times_ms = self.spikes()
        wanted = np.zeros(self.population.size, dtype=bool)
        first = int(self.population.first_id)
        wanted[np.array(list(ids), dtype=np.int64) - first] = True
        keep = wanted[indices]
        return indices[keep] + first, times_ms[keep]

    def _get_all_signals(self, variable: Any, ids: Iterable[int], clear: bool = False) -> tuple[np.ndarray, np.ndarray]:
        session = self._session()
        name = self.population.celltype.network_variable(variable.name)
        wanted = np.array(list(ids), dtype=np.int64) - int(self.population.first_id)
        if session is None:
            return np.empty((0, 0)), np.empty(0)
        indices, times_ms, values = session.samples(self.population.network_id, name)
        if not len(times_ms):
            return np.empty((0, 0)), np.empty(0)
        column = np.full(self.population.size, -1, dtype=np.int64)
        column[indices] = np.arange(len(indices))
        known = column[wanted] >= 0
        signals = np.full((len(times_ms), len(wanted)), np.nan)
        signals[:, known] = values[:, column[wanted[known]]]
        return signals, np.asarray(times_ms, dtype=float)

    def _local_count(self, variable: Any, filter_ids: Any = None) -> dict[int, int]:
        ids = np.array(sorted(self._filtered(variable, filter_ids)), dtype=np.int64)
        first = int(self.population.first_id)
        found, _ = self._get_spiketimes(ids)
        counts = np.bincount(found - first, minlength=self.population.size)
        return dict(zip(ids.tolist(), counts[ids - first].tolist(), strict=True))

    def _filtered(self, variable: Any, filter_ids: Any) -> set[int]:
        recorded = self.recorded.get(variable, set())
        return recorded if filter_ids is None else recorded & set(np.asarray(filter_ids).tolist())

    filter_recorded = _filtered

    def _clear_simulator(self) -> None:
        session = self._session()
        if session is not None:
            session.clear(self.population.network_id)

    # --- results as Neo objects --------------------------------------------------------------------
    def get(
        self,
        variables: Any,
        gather: bool = False,
        filter_ids: Any = None,
        clear: bool = False,
        annotations: Any = None,
        locations: Any = None,
    ) -> neo.Block:
        """All segments recorded so far as a Neo block."""
        names = None if variables == "all" else {variables} if isinstance(variables, str) else set(variables)
        block = neo.Block(name=self.population.label, description=self.population.describe(), rec_datetime=datetime.now())
        segments = [_limited(segment, names) for segment in self.cache]
        if simulator.state.running:
            segments.append(self._get_current_segment(filter_ids, names))
        block.segments = segments
        for segment in segments:
            segment.block = block  # type: ignore[assignment]
        block.annotate(**self.metadata, **(annotations or {}))
        if clear:
            self.clear()
        return block

    def _get_current_segment(self, filter_ids: Any = None, variables: Any = None, clear: bool = False) -> neo.Segment:
        segment = neo.Segment(
            name=f"segment{simulator.state.segment_counter:03d}", description=self.population.describe(), rec_datetime=datetime.now()
        )
        for variable in list(self.recorded):
            if isinstance(variables, set) and variable.name not in variables:
                continue
            ids = sorted(self._filtered(variable, filter_ids))
            if variable.name == "spikes":
                self._add_spikes(segment, ids)
            elif ids:
                self._add_signal(segment, variable, ids)
        return segment

    def _add_spikes(self, segment: neo.Segment, ids: list[int]) -> None:
        id_array, times_ms = self._get_spiketimes(ids)
        channels = np.array(ids, dtype=int)
        t_stop = max(simulator.state.t, float(times_ms.max(initial=0.0)))
        segment.spiketrains = SpikeTrainList.from_spike_time_array(
            times_ms * pq.ms,
            id_array,
            channels,
            t_stop=t_stop * pq.ms,
            units="ms",
            t_start=self._recording_start_time,
            source_population=self.population.label,
            source_index=channels - int(self.population.first_id),
        )
        segment.spiketrains.segment = segment

    def _add_signal(self, segment: neo.Segment, variable: Any, ids: list[int]) -> None:
        values, times_ms = self._get_all_signals(variable, ids)
        if not values.size:
            return
        units = self.population.find_units(variable)
        signal = neo.AnalogSignal(
            values,
            units="dimensionless" if units in ("unknown", "") else units,
            t_start=times_ms[0] * pq.ms,
            sampling_period=self.sampling_interval * pq.ms,
            name=variable.name,
            source_population=self.population.label,
            channel_ids=np.array(ids, dtype=int),
            array_annotations={"channel_index": np.array(ids, dtype=int) - int(self.population.first_id)},
        )
        segment.analogsignals.append(signal)
        signal.segment = segment  # type: ignore[attr-defined]


def _limited(segment: neo.Segment, names: set[str] | None) -> neo.Segment:
    """Shallow copy of a segment with some variables only."""
    if names is None:
        return segment
    out = neo.Segment(name=segment.name, description=segment.description, rec_datetime=segment.rec_datetime, **segment.annotations)
    if "spikes" in names:
        out.spiketrains = segment.spiketrains
    out.analogsignals = [signal for signal in segment.analogsignals if signal.name in names]
    return out
