"""Looks, after every chunk of a run, for what must not pass unseen."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.engine import build
from neurosim.engine import layout as lay
from neurosim.errors import LossWarning, NumericalError
from neurosim.losses import users_level
from neurosim.models._redo import MAX_SPIKES
from neurosim.models._tile import CUT_SHORT, OVERFLOWN, SATURATED, TILE, n_tiles
from neurosim.models.layout import FIXED_KERNELS

if TYPE_CHECKING:
    from neurosim.engine.simulation import Simulation

#: What kernels count, by its place in the scratch: what happened, and what to do about it.
_COUNTED = {
    CUT_SHORT * TILE: (
        f"a cell fired more than {MAX_SPIKES} times in a step of {{dt:g}} ms; further spikes of that step are lost.",
        "Use a shorter timestep or a longer tau_refrac.",
    ),
    OVERFLOWN: (
        "currents overflowed their registers {count:,} times so far and changed their sign, as on the chip.",
        "Use smaller weights, or fewer inputs at a time.",
    ),
    SATURATED: (
        "potentials would have fallen below the lowest of their registers {count:,} times so far and stayed there, as on the chip.",
        "Use weaker inhibition, or a higher v_thresh, which makes registers coarser.",
    ),
}


def check(simulation: Simulation) -> None:
    """Warn, once each, of what kernels counted, and refuse to go on with cells that are no numbers.

    Raises
    ------
    NumericalError
        Naming the population; what was recorded up to here stays.
    """
    for place, (text, remedy) in _COUNTED.items():
        count = sum(int(scratch[place]) for scratch in simulation.scratch)
        if count and place not in simulation.warned_of:
            simulation.warned_of.add(place)
            what = text.format(count=count, dt=simulation.network.dt)
            warnings.warn(f"{what} {remedy}", LossWarning, stacklevel=users_level())
    if any(np.isnan(state.min()) for state in _real_states(simulation)):
        raise _no_number(simulation)


def _real_states(simulation: Simulation) -> Iterator[NDArray[np.floating]]:
    """State of all cells but those in whole numbers, which stay numbers."""
    layout, state = simulation.layout, simulation.program.cells.state
    for part in layout.parts:
        group = layout.groups[part[lay.GROUP]]
        if part[lay.SIZE] and not group.is_source and group.kernel not in FIXED_KERNELS:
            first = part[lay.O_STATE]
            yield state[first : first + group.n_rows * n_tiles(int(part[lay.SIZE])) * TILE]


def _no_number(simulation: Simulation) -> NumericalError:
    for population in simulation.network.populations:
        if population.is_source:
            continue
        v = build.gathered(simulation.layout, simulation.program.cells.state, build.cell_indices(simulation.layout, population), 1)[0]
        if np.isnan(v).any():
            break
    first, count = int(np.argmax(np.isnan(v))), int(np.isnan(v).sum())
    text = f"the membrane potential of {count:,} of {population.size:,} cells is no number any more, first of cell {first}."
    remedy = "Some weight, current or initial value is beyond what can be computed with; setup(precision='float64') goes further."
    where = f"Population '{population.label}' at {simulation.t_ms:g} ms"
    return NumericalError(text, where=where, used=count, limit=0, remedy=remedy)
