"""Populations, views and assemblies.

Cell ids are one integer array per population; :class:`~neurosim.pynn.simulator.ID` objects are made
only when a single cell is asked for. Parameters that all cells share stay one number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from pyNN import common, space
from pyNN.models import BaseCellType
from pyNN.parameters import LazyArray, ParameterSpace

from neurosim.errors import ParameterError, StateError, UnknownNameError
from neurosim.network import Selection
from neurosim.pynn import checks, simulator
from neurosim.pynn import network_parts as parts
from neurosim.pynn._errors import UnknownParameterError, other_setup
from neurosim.pynn.recording import Recorder
from neurosim.pynn.rng import NumpyRNG, adopt, adopt_values


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
                raise UnknownNameError.among("state variable", variable, self.celltype.default_initial_values, where=f"Population '{root.label}'")
            values = parts.evaluated(value, self.size)
            if np.isnan(values).any():
                raise ParameterError(f"initial value of '{variable}' is not a number (NaN).", where=f"Population '{root.label}'", remedy="Give a finite number.")
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


class Assembly(common.Assembly):
    """Cells of several populations and views, in order."""

    _simulator = simulator

    @property
    def receptor_types(self) -> list[str]:
        """Receptors that all populations have, in the order of the first one."""
        first, *others = (p.celltype.receptor_types for p in self.populations)
        return [name for name in first if all(name in other for other in others)]

    @property
    def all_cells(self) -> np.ndarray:
        """Ids of all cells, plain integers."""
        return np.concatenate([np.asarray(p.all_cells) for p in self.populations])

    local_cells = all_cells

    def all(self) -> Iterator[Any]:
        """Iterate over all cells."""
        return iter(self)

    def selection_parts(self) -> list[tuple[Population, np.ndarray]]:
        """The cells as ``(population, indices)``, one part per population or view."""
        return [part for p in self.populations for part in p.selection_parts()]

    @property
    def selection(self) -> Selection:
        """The cells as the network describes them."""
        return Selection(tuple((population.network_id, indices) for population, indices in self.selection_parts()))

    def id_to_index(self, id: Any) -> Any:
        """Index in the assembly of one id or of an array of ids."""
        wanted = np.atleast_1d(simulator.as_ids(id))
        cells = self.all_cells
        order = np.argsort(cells, kind="stable")
        found = order[np.searchsorted(cells[order], wanted).clip(0, len(cells) - 1)]
        if (cells[found] != wanted).any():
            raise IndexError(f"ID {wanted[cells[found] != wanted][0]} not present in the Assembly")
        return found if np.iterable(id) else int(found[0])

    def sample(self, n: int, rng: Any = None) -> Assembly:
        """Random ``n`` cells as an assembly; without ``rng`` the choice depends on ``rng_seed``."""
        return super().sample(int(n), adopt(rng) or NumpyRNG())

    def spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Recorded spikes as flat arrays: index in the assembly and time in ms, sorted by time."""
        indices, times, offset = [], [], 0
        for population in self.populations:
            found, when = population.spikes()
            indices.append(found + offset)
            times.append(when)
            offset += population.size
        index, time = np.concatenate(indices), np.concatenate(times)
        order = np.lexsort((index, time))
        return index[order], time[order]


class PopulationView(Cells, common.PopulationView):
    """Some cells of a population."""

    _assembly_class = Assembly
    _simulator = simulator
    __hash__ = object.__hash__

    def __init__(self, parent: Any, selector: Any, label: str | None = None) -> None:
        super().__init__(parent, np.array(selector) if isinstance(selector, tuple | range) else _copied(selector), label)
        self.first_id, self.last_id = (parent.all_cells[0], parent.all_cells[-1]) if not self.size else (self.all_cells[0], self.all_cells[-1])

    @property
    def _root(self) -> Population:
        return self.grandparent

    @property
    def root_indices(self) -> np.ndarray:
        """Indices of the cells in the population at the root, int64 (size,)."""
        return simulator.as_ids(self.all_cells) - int(self._root.first_id)

    @property
    def initial_values(self) -> dict[str, LazyArray]:
        """Initial values of the cells of this view."""
        return {
            name: LazyArray(parts.chosen(value, self.root_indices), shape=(self.size,), dtype=float) for name, value in self._root._initial.items()
        }

    def id_to_index(self, id: Any) -> Any:
        """Index in the view of one id or of an array of ids."""
        wanted = np.atleast_1d(simulator.as_ids(id.all_cells if isinstance(id, PopulationView) else id))
        cells = simulator.as_ids(self.all_cells)
        order = np.argsort(cells, kind="stable")
        found = order[np.searchsorted(cells[order], wanted).clip(0, max(len(cells) - 1, 0))]
        if (cells[found] != wanted).any():
            raise IndexError(f"ID {wanted[cells[found] != wanted][0]} not present in the View")
        return found if np.iterable(id) else int(found[0])

    def _get_view(self, selector: Any, label: str | None = None) -> PopulationView:
        return PopulationView(self, selector, label)


def _copied(selector: Any) -> Any:
    return selector.copy() if isinstance(selector, np.ndarray) else selector


class Population(Cells, common.Population):
    """A group of cells of one type; see PyNN's documentation."""

    _simulator = simulator
    _recorder_class = Recorder
    _assembly_class = Assembly

    def __init__(
        self, size: Any, cellclass: Any, cellparams: Any = None, structure: Any = None, initial_values: Any = None, label: str | None = None
    ) -> None:
        simulator.state.require("Population()")
        if isinstance(cellclass, type) and issubclass(cellclass, BaseCellType):
            cellclass, cellparams = cellclass(**(cellparams or {})), None
        if not isinstance(size, tuple) and int(size) < 1:
            raise ParameterError(f"a population of {size} cells cannot be made.", where=f"Population '{label}'", used=size, limit=1, remedy="Give at least 1.")
        self._frozen: Any = None
        self._initial: dict[str, Any] = {}
        self._epoch = simulator.state.epoch
        self._network_id = len(simulator.state.populations)
        adopt(getattr(structure, "rng", None))
        known = set(simulator.state.recorders)
        try:
            super().__init__(size, cellclass, cellparams, structure, initial_values or {}, label)
        except Exception:
            simulator.state.recorders = known
            raise
        simulator.state.populations.append(self)
        simulator.state.changed()

    @property
    def _root(self) -> Population:
        return self

    @property
    def root_indices(self) -> np.ndarray:
        """0, 1, ..., size - 1."""
        return np.arange(self.size, dtype=np.int64)

    def _create_cells(self) -> None:
        state = simulator.state
        self.all_cells = CellArray.of(self, state.id_counter)
        self._mask_local = np.ones(self.size, dtype=bool)
        adopt_values(value for _, value in self.celltype.parameter_space.items())
        space_of_parameters = self.celltype.native_parameters
        try:
            space_of_parameters.shape = (self.size,)
        except ValueError as fault:
            raise parts.wrong_size(self, space_of_parameters) from fault
        self._parameters: dict[str, Any] = {}
        self.first_id = self.all_cells[0]
        self._set_parameters(space_of_parameters)
        state.id_counter += self.size

    def _touch(self) -> None:
        self._frozen = None
        if self._epoch == simulator.state.epoch:
            simulator.state.changed()

    def id_to_index(self, id: Any) -> Any:
        """Index in the population of one id or of an array of ids."""
        wanted = simulator.as_ids(id.all_cells if isinstance(id, common.PopulationView) else id) - int(self.first_id)
        if np.any((wanted < 0) | (wanted >= self.size)):
            first = int(self.first_id)
            raise ValueError(f"ids of population '{self.label}' lie in the range [{first}, {first + self.size - 1}].")
        return wanted if np.iterable(id) else int(wanted)

    def _get_view(self, selector: Any, label: str | None = None) -> PopulationView:
        return PopulationView(self, selector, label)

    def _set_cell_initial_value(self, id: Any, variable: str, value: float) -> None:
        index = self.id_to_index(id)
        self[index : index + 1].initialize(**{variable: value})

    def _set_cell_position(self, id: Any, pos: Any) -> None:
        super()._set_cell_position(id, pos)
        self._touch()

    def _put_positions(self, positions: np.ndarray) -> None:
        if np.shape(positions) != (3, self.size):
            raise ParameterError(
                f"positions have shape {np.shape(positions)}.", where=f"Population '{self.label}'", limit=(3, self.size), remedy="Give an array (3, size)."
            )
        common.Population._set_positions(self, positions)
        self._touch()

    positions = property(lambda self: self._get_positions(), _put_positions, doc="Positions in um, shape (3, size).")

    @property
    def lies_on_default_line(self) -> bool:
        """True if nobody gave positions: cell i is at (i, 0, 0)."""
        structure = self._structure
        return isinstance(structure, space.Line) and (structure.dx, structure.x0, structure.y, structure.z) == (1.0, 0.0, 0.0, 0.0)

    def freeze(self) -> Any:
        """The population as the network describes it; the same object until something changes."""
        if self._frozen is None:
            self._frozen = parts.population(self)
        return self._frozen

    @property
    def placement(self) -> list[Any]:
        """Where each cell is on the chip; see ``mapping()``."""
        mapping = simulator.state.require_session("placement").mapping
        if mapping is None:
            raise StateError("there is no placement without a chip.", where=f"Population '{self.label}'", remedy="Give setup(chip=...).")
        return [mapping.where((self.network_id, index)) for index in range(self.size)]
