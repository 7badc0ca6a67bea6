"""Looks, after every chunk of a run, for what must not pass unseen."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from neurosim.engine import build
from neurosim.errors import LossWarning, NumericalError
from neurosim.losses import users_level
from neurosim.models._redo import MAX_SPIKES
from neurosim.models._tile import CUT_SHORT, OVERFLOWN, TILE

if TYPE_CHECKING:
    from neurosim.engine.simulation import Simulation


def check(simulation: Simulation) -> None:
    """Warn, once, of spikes that were cut short, and refuse to go on with cells that are no numbers.

    Raises
    ------
    NumericalError
        Naming the population; what was recorded up to here stays.
    """
    if not simulation.warned_of_cuts and any(scratch[CUT_SHORT * TILE] for scratch in simulation.scratch):
        simulation.warned_of_cuts = True
        text = f"a cell fired more than {MAX_SPIKES} times in a step of {simulation.network.dt:g} ms; further spikes of that step are lost."
        warnings.warn(f"{text} Use a shorter timestep or a longer tau_refrac.", LossWarning, stacklevel=users_level())
    if not simulation.warned_of_overflow and (lost := sum(int(scratch[OVERFLOWN]) for scratch in simulation.scratch)):
        simulation.warned_of_overflow = True
        text = f"currents overflowed their registers {lost:,} times so far and changed their sign, as on the chip."
        warnings.warn(f"{text} Use smaller weights, or fewer inputs at a time.", LossWarning, stacklevel=users_level())
    state = simulation.program.cells.state
    if state.size and np.isnan(state.min()):
        raise _no_number(simulation)


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
