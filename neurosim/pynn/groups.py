"""What populations and views share: ids, parameters, initial values and flat results.

Cell ids are one integer array per population; :class:`~neurosim.pynn.simulator.ID` objects are made
only when a single cell is asked for. Parameters that all cells share stay one number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from pyNN.parameters import LazyArray, ParameterSpace

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.network import Selection
from neurosim.pynn import checks, simulator
from neurosim.pynn import network_parts as parts
from neurosim.pynn._errors import UnknownParameterError, other_setup
from neurosim.pynn.rng import NumpyRNG, adopt, adopt_values

if TYPE_CHECKING:
    from neurosim.pynn.populations import Population
    from neurosim.pynn.recording import Recorder


class CellArray(np.ndarray):
    """Ids of cells of one population; indexing a single one gives an ID object."""

    _parent: Population | None

    @classmethod
    def of(cls, population: Population, first: int) -> CellArray:
        """Consecutive ids for a new population."""
        cells = np.arange(first, first + population.size).view(cls)
        cells._parent = population
        return cells

    def __array_finalize__(self, source: Any) -> None:
        self._parent = getattr(source, "_parent", None)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar or plain.ndim == 0 else plain

    def __getitem__(self, index: Any) -> Any:
        item = super().__getitem__(index)
        return item if isinstance(item, np.ndarray) else self._id(item)

    def __iter__(self) -> Iterator[Any]:
        return (self._id(number) for number in np.asarray(self).tolist())

    def _id(self, number: Any) -> Any:
        if self._parent is None:
            return number
        cell = simulator.ID(number)
        cell.parent = self._parent
        return cell


class Cells:
    """What populations and views share: parameters, initial values and flat results."""

    celltype: Any
    label: str
    size: int
    recorder: Recorder
    all_cells: np.ndarray
    _record_filter: np.ndarray | None

    # --- selection -----------------------------------------------------------------------------
    @property
    def _root(self) -> Population:
        raise NotImplementedError

    @property
    def root_indices(self) -> np.ndarray:
        """Indices of the cells in the population they belong to, int64 (size,)."""
        raise NotImplementedError

    def selection_parts(self) -> list[tuple[Population, np.ndarray]]:
        """The cells as ``(population, indices)``."""
        return [(self._root, self.root_indices)]

    @property
    def selection(self) -> Selection:
        """The cells as the network describes them; the same object as long as nothing changes."""
        if getattr(self, "_selection", None) is None:
            self._selection = Selection(((self._root.network_id, self.root_indices),))
        return self._selection

    @property
    def network_id(self) -> int:
        """Index of the population in the network (and of a view's parent)."""
        return self._root._network_id

    def sample(self, n: int, rng: Any = None) -> Any:
        """Random ``n`` cells as a view; without ``rng`` the choice depends on ``rng_seed``."""
        return super().sample(int(n), adopt(rng) or NumpyRNG())  # type: ignore[misc]

    # --- parameters ----------------------------------------------------------------------------
    def set(self, **parameters: Any) -> None:
        """Set parameters of all cells: numbers, arrays, random distributions or functions of the index."""
        self._check_current()
        for name in parameters:
            if not self.celltype.has_parameter(name):
                raise UnknownParameterError(name, type(self.celltype).__name__, self.celltype.get_parameter_names())
        adopt_values(parameters.values())
        super().set(**parameters)  # type: ignore[misc]

    def _get_parameters(self, *names: str) -> ParameterSpace:
        for name in names:
            if name not in self._root._parameters:
                raise UnknownParameterError(name, type(self.celltype).__name__, self.celltype.get_parameter_names())
        return self._get_native_parameters(*names)

    def _get_native_parameters(self, *names: str) -> ParameterSpace:
        everything = self._root._parameters
        values = {name: parts.chosen(everything[name], self.root_indices) for name in names}
        return ParameterSpace(values, shape=(self.size,))

    def _set_parameters(self, parameter_space: ParameterSpace) -> None:
        root = self._root
        parameter_space.shape = (self.size,)
        parameter_space.evaluate(simplify=True)
        fresh = {name: parts.owned(value, name) for name, value in parameter_space.items()}
        checks.cell_parameters(type(self.celltype).__name__, f"Population '{root.label}'", fresh)
        for name, value in fresh.items():
            root._parameters[name] = parts.merged(root._parameters.get(name), value, self.root_indices, root.size)
        root._touch()

    # --- initial values ------------------------------------------------------------------------
    def initialize(self, **initial_values: Any) -> None:
        """Set state variables of all cells: numbers, arrays, random distributions or functions of the index."""
        self._check_current()
        root = self._root
        adopt_values(initial_values.values())
        for variable, value in initial_values.items():
            if variable not in self.celltype.default_initial_values:
                raise UnknownNameError.among(
                    "state variable", variable, self.celltype.default_initial_values, where=f"Population '{root.label}'"
                )
            values = parts.evaluated(value, self.size)
            if np.isnan(values).any():
                raise ParameterError(
                    f"initial value of '{variable}' is not a number (NaN).",
                    where=f"Population '{root.label}'",
                    remedy="Give a finite number.",
                )
            merged = parts.merged(root._initial.get(variable, 0.0), values, self.root_indices, root.size)
            root._initial[variable] = merged
            root.initial_values[variable] = LazyArray(merged, shape=(root.size,), dtype=float)
        root._touch()

    def _set_initial_value_array(self, variable: str, initial_values: Any) -> None:
        self.initialize(**{variable: initial_values})

    # --- results -------------------------------------------------------------------------------
    def spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Recorded spikes of the current segment as flat arrays.

        Returns
        -------
        indices : ndarray of int64
            Index of the cell in this population or view.
        times_ms : ndarray of float64
            Times in ms, ascending.
        """
        indices, times_ms = self.recorder.spikes()
        if self._record_filter is None:
            return indices, times_ms
        position = np.full(self._root.size, -1, dtype=np.int64)
        position[self.root_indices] = np.arange(self.size)
        local = position[indices]
        return local[local >= 0], times_ms[local >= 0]

    def mean_spike_count(self, gather: bool = True) -> float:
        """Mean number of spikes of the recorded cells in this segment."""
        _, counts = self.recorder.counts(self._record_filter)
        return float(counts.mean()) if len(counts) else 0.0

    def record(self, variables: Any, to_file: Any = None, sampling_interval: float | None = None, locations: Any = None) -> None:
        """Record variables of all cells; ``None`` forgets what the population records."""
        self._check_current()
        super().record(variables, to_file, sampling_interval, locations)  # type: ignore[misc]
        if to_file and not isinstance(to_file, str | bool):
            simulator.state.write_on_end.append((self, variables, to_file))

    def inject(self, current_source: Any) -> None:
        """Inject a current into all cells."""
        current_source.inject_into(self)

    def _check_current(self) -> None:
        if self._root._epoch != simulator.state.epoch:
            raise other_setup(f"Population '{self.label}'")
