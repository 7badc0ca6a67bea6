"""Assemblies: cells of several populations and views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import neo
import numpy as np
from pyNN import common

from neurosim.network import Selection
from neurosim.pynn import simulator
from neurosim.pynn.rng import NumpyRNG, adopt
from neurosim.pynn.segments import together

if TYPE_CHECKING:
    from neurosim.pynn.populations import Population


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
        return super().sample(int(n), adopt(rng) or NumpyRNG())  # type: ignore[return-value]

    def get_data(self, variables: Any = "all", gather: bool = True, clear: bool = False, annotations: Any = None) -> neo.Block:
        """What all populations recorded as one Neo block; segments of the same name are put together."""
        blocks = [population.get_data(variables, gather, clear) for population in self.populations]
        block = neo.Block(name=self.label, description=self.describe(), rec_datetime=blocks[0].rec_datetime, **blocks[0].annotations)
        offsets = np.cumsum([0, *(population.size for population in self.populations)])
        pieces: dict[str, list[tuple[neo.Segment, int]]] = {}
        for one, offset in zip(blocks, offsets, strict=False):
            for segment in one.segments:
                pieces.setdefault(str(segment.name), []).append((segment, int(offset)))
        block.segments = [together(parts) for parts in pieces.values()]
        for segment in block.segments:
            segment.block = block  # type: ignore[assignment]
        block.annotate(**(annotations or {}))
        return block

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
