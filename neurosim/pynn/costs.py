"""What a run takes on the chip: ``cost()``."""

from __future__ import annotations

from typing import Any

from neurosim.pynn import simulator


def cost(*, profile: str | None = None, detailed: bool = False, static: bool = False) -> Any:
    """What the run so far takes on the chip that was chosen: time, energy, memory and operations.

    It counts from time zero, or from the last change after which the network was another one on the
    chip; the report says from when. ``setup(cost=True)`` keeps the spikes it needs; where all cells are recorded it is
    not needed, nor where only memory and operations are counted.

    Parameters
    ----------
    profile
        Table of costs, for Loihi ``"nahuku_fit"`` (default) or ``"davies2018"``.
    detailed
        Follow every message through the mesh, instead of summing over cores.
    static
        Add the static power of the chips in use (low confidence).

    Returns
    -------
    CostReport or OperationsReport
        Printed, it fills one screen. ``time_s`` and ``energy_uj`` are ``None`` where the chip has no model; ``operations`` is
        always there. ``to_csv(path, what=...)`` and ``to_json(path)`` write files; on Loihi also ``step_pj``, ``core_pj``,
        ``population_pj``, ``formula``, ``evidence`` and ``not_modelled``.

    Raises
    ------
    StateError
        Before the first run, or if spikes are missing; names whose, and what to switch on.
    UnsupportedError
        If an option is given and the chip has no model.
    UnknownNameError
        If there is no such profile.
    MemoryLimitError
        If there are too many spikes to count.
    """
    session = simulator.state.require_session("cost()")
    given = {"profile": profile} if profile is not None else {}
    return session.cost(**given, **{name: True for name, wanted in (("detailed", detailed), ("static", static)) if wanted})
