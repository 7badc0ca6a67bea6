"""Recording: what to record goes to the network as probes, results come back as Neo objects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import neo
import numpy as np
import quantities as pq
from pyNN import recording

from neurosim.errors import ParameterError
from neurosim.network import Probe
from neurosim.pynn import checks, simulator
from neurosim.pynn._errors import NotRecordableError
from neurosim.pynn.segments import Take, common
from neurosim.pynn.segments import Variable as Recorded

Variable = recording.Variable
SPIKES = Variable("spikes", None, None)
NO_IDS = np.empty(0, np.int64)


class Recorder(recording.Recorder):
    """Records variables of one population."""

    _simulator = simulator

    def __init__(self, population: Any, file: Any = None) -> None:
        super().__init__(population, file)
        self.recorded: dict[Any, np.ndarray] = {}  # type: ignore[assignment]
        self._probes: dict[str, Probe] = {}

    # --- what to record --------------------------------------------------------------------------
    def record(self, variables: Any, ids: np.ndarray, sampling_interval: float | None = None, locations: Any = None) -> None:
        """Record ``variables`` of the cells ``ids``, every ``sampling_interval`` ms (the time step if not given)."""
        names = [variables] if isinstance(variables, str) else list(variables)
        if simulator.state.settings.get("record_to") is not None:
            _check_label(self.population.label)
        self._take_interval(sampling_interval)
        new = np.unique(simulator.as_ids(ids))
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
            known = self.recorded.get(variable, NO_IDS)
            together = np.union1d(known, new)
            if len(together) > len(known):
                self.recorded[variable] = together
                self._forget_probe(name)

    def _take_interval(self, interval: float | None) -> None:
        dt, where = simulator.state.dt, f"Population '{self.population.label}'"
        if interval is None or (checks.is_finite(interval) and interval == self.sampling_interval):
            return
        if not checks.is_finite(interval):
            text = f"sampling_interval={interval!r} is not a finite number of ms."
            raise ParameterError(text, where=where, used=interval, limit=dt, remedy="Use a multiple of the time step.")
        if not interval > 0 or abs(interval / dt - round(interval / dt)) > 1e-6:
            raise ParameterError(
                f"sampling_interval ({interval:g} ms) is not a multiple of the time step.",
                where=where,
                used=interval,
                limit=dt,
                remedy="Use a multiple of it.",
            )
        if any(variable.name != "spikes" for variable, ids in self.recorded.items() if len(ids)):
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
        self.recorded = {}
        self.sampling_interval = simulator.state.dt

    def freeze(self) -> list[Probe]:
        """What is recorded, as the network describes it."""
        for variable, ids in self.recorded.items():
            if len(ids) and variable.name not in self._probes:
                indices = ids - int(self.population.first_id)
                name = self.population.celltype.network_variable(variable.name)
                interval = 0.0 if name == "spikes" else float(self.sampling_interval)
                self._probes[variable.name] = Probe(self.population.network_id, name, indices, interval)
        return list(self._probes.values())

    def store_to_cache(self, annotations: Any = None) -> None:
        """Keep what was recorded since the last ``clear`` as a finished segment."""
        if simulator.state.t > float(self._recording_start_time):
            self.cache.store(self._take(self._session().results(), annotations))
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

    def counts(self, filter_ids: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the cells whose spikes are recorded, ascending, and the number of spikes of each in this segment."""
        ids = self.filter_recorded(SPIKES, filter_ids)
        indices, _ = self.spikes()
        return ids, np.bincount(indices, minlength=self.population.size)[ids - int(self.population.first_id)]

    def _local_count(self, variable: Any, filter_ids: Any = None) -> dict[int, int]:
        ids, counts = self.counts(filter_ids)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def filter_recorded(self, variable: Any, filter_ids: Any) -> np.ndarray:
        """Ids of the cells of which a variable is recorded, ascending; all or those among ``filter_ids``."""
        recorded = self.recorded.get(variable, NO_IDS)
        if filter_ids is None or not len(recorded):
            return recorded
        first = int(self.population.first_id)
        return common(recorded - first, simulator.as_ids(filter_ids) - first, self.population.size) + first

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
        chosen = None if filter_ids is None else simulator.as_ids(filter_ids) - int(self.population.first_id)
        takes = list(self.cache)
        if simulator.state.running:
            takes.append(self._take(self._session()))
        block.segments = [take.segment(names, chosen) for take in takes]
        for segment in block.segments:
            segment.block = block  # type: ignore[assignment]
        block.annotate(**self.metadata, **(annotations or {}))
        if clear:
            self.clear()
        return block

    def _take(self, source: Any, annotations: Any = None) -> Take:
        """What is recorded now, to be read from ``source``."""
        population, first = self.population, int(self.population.first_id)
        variables = tuple(
            Recorded(v.name, population.celltype.network_variable(v.name), population.find_units(v) if v != SPIKES else "", ids - first)
            for v, ids in self.recorded.items()
        )
        return Take(
            source, population.network_id, population.label, population.describe(), population.size, first,
            simulator.state.segment_counter, float(self._recording_start_time), simulator.state.t, float(self.sampling_interval),
            variables, dict(annotations or {}),
        )  # fmt: skip


def _check_label(label: str) -> None:
    """Refuse labels that cannot be the name of a group in a file of recordings."""
    if "\0" in label or any("\ud800" <= letter <= "\udfff" for letter in label):
        raise ParameterError(
            "its label has a letter (NUL, or half of a pair) that no file can hold.",
            where=f"Population {label!r}",
            used=label,
            remedy="Give another label, or record to memory.",
        )
