"""Current sources: DC, steps, sine and noise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from pyNN.parameters import ArrayParameter, ParameterSpace
from pyNN.standardmodels import StandardCurrentSource, electrodes

from neurosim.errors import StateError
from neurosim.network import Current, Selection
from neurosim.pynn import simulator
from neurosim.pynn._errors import InvalidValueError, NotInjectableError, UnknownParameterError, other_setup
from neurosim.pynn.cells import identity
from neurosim.pynn.rng import derive, seed_from

Part = tuple[int, np.ndarray]


class CurrentSource(StandardCurrentSource):
    """A current that can be injected into cells, changed between runs, and recorded."""

    kind: ClassVar[str]
    default_parameters: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.translations = identity(cls.default_parameters)

    def __init__(self, **parameters: Any) -> None:
        own = object.__setattr__
        own(self, "_values", {})
        own(self, "_targets", [])
        own(self, "_recorded", False)
        own(self, "_frozen", None)
        own(self, "_id", None)
        own(self, "_epoch", simulator.state.epoch)
        own(self, "_seed", None)
        for name in parameters:
            if name not in self.default_parameters:
                raise UnknownParameterError(name, type(self).__name__, self.default_parameters)
        super().__init__(**parameters)
        self.set_native_parameters(self.parameter_space)

    # --- parameters ----------------------------------------------------------------------------
    def get_parameters(self) -> dict[str, Any]:
        """Current values of all parameters."""
        return dict(self._values)

    def set_native_parameters(self, parameters: ParameterSpace) -> None:
        """Take over values; they act from the present time on."""
        values = dict(self._values)
        parameters.shape = (1,)
        for name, lazy in parameters.items():
            values[name] = _plain(lazy.evaluate(simplify=True))
        self._values.update(self._checked(values))
        self._changed()

    def get_native_parameters(self) -> ParameterSpace:
        """Current values of all parameters."""
        return ParameterSpace(dict(self._values))

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        for name, value in values.items():
            if np.isnan(value).any():
                raise InvalidValueError(
                    f"'{name}' is not a number (NaN).", where=type(self).__name__, used="nan", remedy="Give a finite number."
                )
        return values

    # --- targets -------------------------------------------------------------------------------
    def inject_into(self, cells: Any, location: str | None = None) -> None:
        """Inject the current into a population, a view, an assembly, or a list of cells."""
        if location is not None:
            raise NotInjectableError(
                "point neurons have no locations.", where=type(self).__name__, used=location, remedy="Leave location out."
            )
        for population, indices in _parts(cells):
            if not population.celltype.injectable:
                raise NotInjectableError(
                    "can't inject current into a spike source.", where=f"Population '{population.label}'", remedy="Inject into neurons."
                )
            if population._epoch != simulator.state.epoch or self._epoch != simulator.state.epoch:
                raise other_setup(f"Population '{population.label}'")
            self._targets.append((population.network_id, indices))
        self._activate()

    def record(self) -> None:
        """Record the current, one value per time step; see ``get_data()``."""
        object.__setattr__(self, "_recorded", True)
        self._activate()

    def _activate(self) -> None:
        if self._id is None:
            object.__setattr__(self, "_id", len(simulator.state.currents))
            simulator.state.currents.append(self)
        self._changed()

    def _changed(self) -> None:
        object.__setattr__(self, "_frozen", None)
        if self._id is not None and self._epoch == simulator.state.epoch:
            simulator.state.changed()

    # --- results -------------------------------------------------------------------------------
    def _get_data(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._recorded:
            raise StateError("the current was not recorded.", where=type(self).__name__, remedy="Call record() before run().")
        times_ms, values_na = simulator.state.require_session("get_data()").currents(self._id)
        return np.asarray(times_ms), np.asarray(values_na)

    # --- network -------------------------------------------------------------------------------
    def freeze(self) -> Current:
        """The current as the network describes it."""
        frozen = self._frozen
        if frozen is None:
            seed = self._seed if self._seed is not None else derive(simulator.state.rng_seed, "current", self._id)
            frozen = Current(self._id, self.kind, dict(self._values), Selection(tuple(self._targets)), seed, self._recorded)
            object.__setattr__(self, "_frozen", frozen)
        return frozen


def _plain(value: Any) -> Any:
    if isinstance(value, ArrayParameter):
        return np.array(value.value, dtype=float)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return _plain(value.flat[0])
    return float(np.asarray(value, dtype=float).reshape(-1)[0]) if np.size(value) == 1 else np.array(value, dtype=float)


def _parts(cells: Any) -> Iterable[tuple[Any, np.ndarray]]:
    if hasattr(cells, "selection_parts"):
        return cells.selection_parts()
    ids = [cells] if isinstance(cells, simulator.ID) else list(cells)
    return [(cell.parent, np.array([cell.parent.id_to_index(cell)], dtype=np.int64)) for cell in ids]


class DCSource(CurrentSource, electrodes.DCSource):
    """Constant current between ``start`` and ``stop`` (ms), ``amplitude`` in nA."""

    kind = "dc"


class ACSource(CurrentSource, electrodes.ACSource):
    """Sine current; ``phase`` (degrees) is the phase at ``start``."""

    kind = "ac"


class StepCurrentSource(CurrentSource, electrodes.StepCurrentSource):
    """Current that changes at given times; zero before the first, the last one stays on."""

    kind = "step"

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        values = super()._checked(values)
        times, amplitudes = np.atleast_1d(values["times"]), np.atleast_1d(values["amplitudes"])
        if len(times) != len(amplitudes):
            raise self._fault(f"there are {len(times)} times and {len(amplitudes)} amplitudes.", "Give as many times as amplitudes.")
        if (times < 0).any():
            raise self._fault(f"a time is negative ({times.min():g} ms).", "Times begin at 0 ms.")
        if (np.diff(times) <= 0).any():
            raise self._fault("times are not strictly increasing.", "Sort times and amplitudes together.")
        times = self._round_timestamp(times, simulator.state.dt)
        last = np.append(np.diff(times) > 0, True)
        return {"times": times[last], "amplitudes": amplitudes[last]}

    def _fault(self, message: str, remedy: str) -> InvalidValueError:
        return InvalidValueError(message, where=type(self).__name__, remedy=remedy)


class NoisyCurrentSource(CurrentSource, electrodes.NoisyCurrentSource):
    """Gaussian noise current with a new value every ``dt`` ms (the time step if not given).

    ``rng`` gives the seed; without one it is derived from ``rng_seed`` of ``setup()``.
    """

    kind = "noise"

    def __init__(self, *, rng: Any = None, **parameters: Any) -> None:
        parameters.setdefault("dt", simulator.state.dt)
        super().__init__(**parameters)
        if rng is not None:
            object.__setattr__(self, "_seed", seed_from(rng))

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        values = super()._checked(values)
        steps = values["dt"] / simulator.state.dt
        if round(steps) < 1 or abs(steps - round(steps)) > 1e-6:
            raise InvalidValueError(
                f"dt ({values['dt']:g} ms) is not a multiple of the time step ({simulator.state.dt:g} ms).",
                where=type(self).__name__,
                used=values["dt"],
                limit=simulator.state.dt,
                remedy="Use a multiple of the time step.",
            )
        if values["stdev"] < 0:
            raise InvalidValueError(
                f"stdev is negative ({values['stdev']:g} nA).",
                where=type(self).__name__,
                used=values["stdev"],
                limit=0,
                remedy="Give 0 or more.",
            )
        return values
