"""Placement on a chip, seen from a script: ``place()``, ``mapping()`` and ``losses()``."""

from __future__ import annotations

from typing import Any

from neurosim.errors import NetworkError, StateError
from neurosim.losses import Ledger
from neurosim.pynn import overrides, simulator
from neurosim.pynn._errors import other_setup


def place(cells: Any, *, on: Any = None, neuron_size: int | None = None) -> None:
    """Put a population or a view at a chosen place of the chip.

    Parameters
    ----------
    cells
        Population, view or single cell.
    on
        Coordinate of the chip, for example ``sim.chips.hicann.coordinate(x=5, y=5)``; ``None``
        leaves the place open.
    neuron_size
        Circuits joined to one neuron, on chips that have such a setting (HICANN).

    Raises
    ------
    StateError
        After the first ``run()``, or without a chip (unless the command line asked for the ideal
        reference in place of the script's own chip).
    """
    state = simulator.state
    state.require("place()")
    if state.settings["chip"] is None and not overrides.chooses("chip"):
        raise StateError("there is no chip to place on.", where="place()", remedy="Give setup(chip=...).")
    if state.session is not None:
        raise StateError("the network is already placed.", where="place()", remedy="Call place() before the first run().")
    if isinstance(cells, simulator.ID):
        cells = cells.as_view()
    if not hasattr(cells, "network_id"):
        raise NetworkError(
            f"a {type(cells).__name__} cannot be placed.", where="place()", used=cells, remedy="Give a population or a view."
        )
    if cells._root._epoch != state.epoch:
        raise other_setup(f"Population '{cells.label}'")
    from neurosim.mapping import Pin

    indices = None if cells is cells._root else cells.root_indices
    state.pins.append(Pin(cells.network_id, indices, on, neuron_size, overrides.own_chip(state.settings["chip"])))
    state.changed()


def mapping() -> Any:
    """Where everything is on the chip; places the network first if that was not done yet.

    Raises
    ------
    StateError
        Without a chip.
    """
    _leave_if_only_fitted()
    if simulator.state.settings.get("chip") is None:
        raise StateError("the ideal reference has no placement.", where="mapping()", remedy="Give setup(chip=...).")
    return _fitted().mapping


def losses() -> Ledger:
    """What was lost when the network was written in the chip's terms; empty on the ideal reference."""
    _leave_if_only_fitted()
    if simulator.state.settings.get("chip") is None:
        return Ledger()
    return _fitted().ledger


def _leave_if_only_fitted() -> None:
    """Under ``neurosim fit`` a script that asks for its mapping has said all that is needed."""
    if overrides.only_fits():
        state = simulator.state
        state.require("mapping()")
        overrides.frozen(state.freeze(), state.settings["chip"], tuple(state.settings["approximate"]), tuple(state.pins))


def _fitted() -> Any:
    """The session, or a fit of the network as it stands if there is no session or it is out of date."""
    state = simulator.state
    if state.session is not None and (state.network is state.session.network or not state.ready):
        return state.session
    if state.fit is None:
        from neurosim.session import fit

        state.require("mapping()")
        network = state.freeze()
        state.fit = fit(network, state.settings["chip"], approximate=tuple(state.settings["approximate"]), pins=tuple(state.pins))
    return state.fit
