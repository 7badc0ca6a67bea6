"""Recording the weights of a projection over time, which PyNN itself has no call for."""

from __future__ import annotations

from typing import Any

import neo
import numpy as np
import quantities as pq

from neurosim.errors import ParameterError, StateError, UnsupportedError
from neurosim.network import WeightProbe
from neurosim.pynn import simulator


class WeightRecording:
    """Adds ``record``, ``get_recorded`` and ``get_signal`` to projections."""

    _weight_probes: dict[str, WeightProbe]
    network_id: int
    synapse_type: Any

    def record(self, variables: str | list[str] = "weight", sampling_interval: float | None = None) -> None:
        """Record the weights of all connections, every ``sampling_interval`` ms.

        Parameters
        ----------
        variables
            ``"weight"``, or ``"tag"`` where synapses learn one; ``None`` records nothing any more.
        sampling_interval
            A multiple of the time step, which is the default.
        """
        state = simulator.state
        if variables is None:
            self._weight_probes.clear()
            state.changed()
            return
        interval = state.dt if sampling_interval is None else float(sampling_interval)
        if not interval > 0 or abs(interval / state.dt - round(interval / state.dt)) > 1e-6:
            raise ParameterError(
                f"sampling_interval ({interval:g} ms) is not a multiple of the time step.",
                where=str(self),
                used=interval,
                limit=state.dt,
                remedy="Use a multiple of it.",
            )
        for name in [variables] if isinstance(variables, str) else variables:
            known = ("weight", *self.synapse_type.learned_names)
            if name not in known:
                text, remedy = f"'{name}' of a projection cannot be recorded.", f"Record {' or '.join(map(repr, known))}."
                raise UnsupportedError(text, where=str(self), used=name, limit=known, remedy=remedy)
            self._weight_probes[name] = WeightProbe(self.network_id, name, interval)
        state.changed()

    def get_recorded(self, variable: str = "weight") -> tuple[np.ndarray, np.ndarray]:
        """What was recorded, as flat arrays.

        Returns
        -------
        times_ms : ndarray (n_times,)
        values : ndarray (n_times, n_connections)
            Columns in the order of ``get(..., format="list")``.
        """
        if variable not in self._weight_probes:
            raise StateError(f"'{variable}' was not recorded.", where=str(self), remedy=f"Call record('{variable}') before run().")
        times_ms, values = simulator.state.require_session("get_recorded()").weight_samples(self.network_id, variable)
        return np.asarray(times_ms), np.asarray(values)

    def get_signal(self, variable: str = "weight") -> neo.AnalogSignal:
        """What was recorded, as a Neo signal with one channel per connection."""
        times_ms, values = self.get_recorded(variable)
        start = float(times_ms[0]) if len(times_ms) else 0.0
        return neo.AnalogSignal(
            values,
            units=self.weight_units if variable == "weight" else "dimensionless",
            t_start=start * pq.ms,
            sampling_period=self._weight_probes[variable].interval * pq.ms,
            name=variable,
            projection=self.label,  # type: ignore[attr-defined]
        )

    @property
    def weight_units(self) -> str:
        """Unit of the weights: ``uS``, ``nA`` or ``mV``."""
        cells: Any = self.post  # type: ignore[attr-defined]
        first = getattr(cells, "populations", [cells])[0]
        if getattr(first.celltype, "voltage_based_synapses", False):
            return "mV"
        return "uS" if first.celltype.conductance_based else "nA"
