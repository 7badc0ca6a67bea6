"""Populations and views of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN import common, space
from pyNN.models import BaseCellType
from pyNN.parameters import LazyArray

from neurosim.errors import ParameterError, StateError
from neurosim.machine import check_cells
from neurosim.pynn import checks, simulator
from neurosim.pynn import network_parts as parts
from neurosim.pynn.assemblies import Assembly
from neurosim.pynn.groups import CellArray, Cells
from neurosim.pynn.recording import Recorder
from neurosim.pynn.rng import adopt, adopt_values

#: Cells from which it is asked whether they fit in memory.
_LARGE = 1_000_000


class PopulationView(Cells, common.PopulationView):
    """Some cells of a population."""

    _assembly_class = Assembly
    _simulator = simulator
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, parent: Any, selector: Any, label: str | None = None) -> None:
        try:
            super().__init__(parent, np.array(selector) if isinstance(selector, tuple | range) else _copied(selector), label)
        except ValueError:
            if getattr(self, "size", None) != 0:
                raise
            self._without_cells()
        else:
            self.first_id, self.last_id = self.all_cells[0], self.all_cells[-1]

    def _without_cells(self) -> None:
        """Finish what stock PyNN leaves undone for a view of no cells."""
        self.first_id, self.last_id = self.parent.first_id, self.parent.last_id
        self.annotations: dict[str, Any] = {}
        self.recorder, self._record_filter = self.parent.recorder, self.all_cells

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
            name: LazyArray(parts.chosen(value, self.root_indices), shape=(self.size,), dtype=float)
            for name, value in self._root._initial.items()
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


def _check_size(size: Any, label: str | None) -> None:
    """Refuse what is no number of cells; a tuple is the shape of a grid."""
    sizes: Any = size if isinstance(size, tuple) and size else (size,)
    for n in sizes:
        if not checks.is_finite(n) or n < 1:
            raise ParameterError(
                f"a population of {size!r} cells cannot be made.",
                where=f"Population '{label}'",
                used=size,
                limit=1,
                remedy="Give at least 1.",
            )


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
        _check_size(size, label)
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
        if self.size > _LARGE:
            check_cells(self.size, self.label, state.settings["max_memory"])
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
                f"positions have shape {np.shape(positions)}.",
                where=f"Population '{self.label}'",
                limit=(3, self.size),
                remedy="Give an array (3, size).",
            )
        common.Population._set_positions(self, positions)
        self._touch()

    positions = property(lambda self: self._get_positions(), _put_positions, doc="Positions in um, shape (3, size).")

    def _put_structure(self, structure: Any) -> None:
        common.Population._set_structure(self, structure)
        adopt(getattr(structure, "rng", None))
        self._touch()

    structure = property(lambda self: self._get_structure(), _put_structure, doc="The spatial structure of the population.")

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
