"""Placement on a chip, seen from a script: ``place()``, ``mapping()``, ``explain()`` and ``losses()``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from neurosim.errors import NetworkError, StateError
from neurosim.losses import Ledger
from neurosim.pynn import overrides, simulator
from neurosim.pynn._errors import other_setup, pointing_to_explain


def place(
    cells: Any = None,
    *,
    on: Any = None,
    neuron_size: int | None = None,
    effort: str | None = None,
    seconds: float | None = None,
    rates: Mapping[Any, Any] | None = None,
    avoid: Sequence[Any] | None = None,
    avoid_links: Sequence[Any] | None = None,
    placer: Callable[..., Any] | None = None,
) -> None:
    """Put a population or a view at a chosen place of the chip, or say how all others are placed.

    Parameters
    ----------
    cells
        Population, view or single cell; ``None`` if nothing is to be put at a certain place.
    on
        Coordinate of the chip, for example ``sim.chips.hicann.coordinate(x=5, y=5)``; ``None``
        leaves the place open.
    neuron_size
        Circuits joined to one neuron, on chips that have such a setting (HICANN).
    effort
        ``"fast"`` fills cores and chips in their order; ``"normal"`` (the default) and ``"best"`` look for
        fewer packets between cores and shorter ways.
    seconds
        Time after which the best placement found so far is taken.
    rates
        Firing rates in Hz by population, for example as measured in an earlier run; a number or one for each
        cell. Populations that are left out count as 1.
    avoid
        Coordinates of cores or whole chips that are dead, for example ``[(0, 3), (1, 1, 5)]``.
    avoid_links
        Pairs of neighbouring chips between which the link is dead, for example ``[((0, 0), (1, 0))]``.
    placer
        A function of your own that puts cores on the machine: takes a :class:`neurosim.mapping.PlacerTask`, gives the
        slot of each core. ``examples/add_a_placer.py`` has one.

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
    if isinstance(rates, Mapping):
        rates = {_number(population): rate for population, rate in rates.items()}
    wishes = {"effort": effort, "seconds": seconds, "rates": rates, "avoid": avoid, "avoid_links": avoid_links, "placer": placer}
    lists = {"avoid", "avoid_links"}
    given = {name: tuple(wish) if name in lists and isinstance(wish, list) else wish for name, wish in wishes.items() if wish is not None}
    if given:
        from neurosim.mapping import Options

        Options(**{**state.placing, **given})  # refuses what cannot be
        state.placing |= given
        state.changed()
    if cells is None:
        return
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


def _number(population: Any) -> int:
    number = getattr(population, "network_id", None)
    if number is None:
        text = f"rates are given for {population!r}, which is no population."
        raise NetworkError(text, where="place()", used=population, remedy="Give a dictionary {population: rate in Hz}.")
    if population is not population._root:
        text = f"rates are given for a part of population '{population._root.label}'."
        raise NetworkError(text, where="place()", used=population, remedy="Give one array with a rate for each cell of the population.")
    if population._epoch != simulator.state.epoch:
        raise other_setup(f"Population '{population.label}'")
    return int(number)


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


def explain() -> Any:
    """Why the network as it stands does not fit the chip, with changes that were tried and work; or how much room it leaves.

    Returns
    -------
    neurosim.mapping.Explanation
        Printed, it fills one screen; ``kind``, ``needed``, ``available``, ``needs`` and ``remedies`` are the same for programs.

    Raises
    ------
    StateError
        Without a chip.
    NeurosimError
        If the network cannot be put on the chip for another reason than a lack of room; :func:`run` says the same.
    """
    _leave_if_only_fitted()
    state = simulator.state
    if state.settings.get("chip") is None:
        raise StateError("the ideal reference has room for everything.", where="explain()", remedy="Give setup(chip=...).")
    if not state.ready and state.session is not None:
        return _explained(state.session.network)
    state.require("explain()")
    return _explained(state.freeze())


def _explained(network: Any) -> Any:
    from neurosim.session import explain as explained

    return explained(network, simulator.state.settings["chip"], **_wishes())


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
        overrides.frozen(state.freeze(), state.settings["chip"], **_wishes())


def _fitted() -> Any:
    """The session, or a fit of the network as it stands if there is no session or it is out of date."""
    state = simulator.state
    if state.session is not None and (state.network is state.session.network or not state.ready):
        return state.session
    if state.fit is None:
        from neurosim.session import fit

        state.require("mapping()")
        network = state.freeze()
        with pointing_to_explain():
            own = {"progress": state.settings["progress"], "working_point": state.settings["working_point"]}
            state.fit = fit(network, state.settings["chip"], **_wishes(), **own)
    return state.fit


def _wishes() -> dict[str, Any]:
    state = simulator.state
    return {"approximate": tuple(state.settings["approximate"]), "pins": tuple(state.pins), "placing": simulator.placing_of(state)}
