"""Saving a simulation and continuing it, which PyNN itself has no call for."""

from __future__ import annotations

import os

import quantities as pq

from neurosim.pynn import clock, simulator


def save_state(path: str | os.PathLike[str]) -> None:
    """Save the whole state of the simulation, so that :func:`load_state` can continue it.

    Call it between runs, as often as wanted. What was recorded since the last ``reset()`` is saved
    too, unless it goes to a file (``setup(record_to=...)``).

    Parameters
    ----------
    path
        File to write; one that exists is replaced once the new one is complete.

    Raises
    ------
    StateError
        Before ``setup()``, or in a live callback.
    StateFileError
        If the file cannot be written; one that was there is unharmed.

    Examples
    --------
    >>> import os, tempfile
    >>> import neurosim.pynn as sim
    >>> path = os.path.join(tempfile.mkdtemp(), "run.state")
    >>> _ = sim.setup(timestep=0.1)
    >>> cells = sim.Population(2, sim.IF_curr_exp(i_offset=1.0))
    >>> _ = sim.run(20.0)
    >>> sim.save_state(path)
    >>> _ = sim.run(20.0)
    >>> sim.load_state(path)
    20.0
    """
    state = simulator.state
    state.require("save_state()")
    clock.not_while_exchanging("save_state()")
    starts = [float(population.recorder._recording_start_time) for population in state.populations]
    about = {"running": state.running, "segment": state.segment_counter, "recording_starts": starts}
    state.open().save_state(path, about=about)


def load_state(path: str | os.PathLike[str]) -> float:
    """Continue from a saved state; the runs that follow give exactly what they would have given then.

    The network must have been built as it was when the state was saved: the same populations,
    projections, parameters, seeds, time step, precision and chip, in the same order. The number of
    threads, what is recorded and the initial values may differ. Change parameters after loading.

    Parameters
    ----------
    path
        File that :func:`save_state` wrote.

    Returns
    -------
    float
        The time in ms, as :func:`get_current_time`.

    Raises
    ------
    StateError
        Before ``setup()``, or in a live callback.
    StateFileError
        If the file cannot be read, is damaged, or belongs to another network or version; it says
        what differs. The simulation has not changed then.
    """
    state = simulator.state
    state.require("load_state()")
    clock.not_while_exchanging("load_state()")
    session = state.open()
    about = session.load_state(path)
    state.t = float(session.t_ms)
    clock.asked.forget()
    state.running = bool(about.get("running", state.t > 0.0))
    state.segment_counter = max(state.segment_counter, int(about.get("segment", 0)))
    starts = about.get("recording_starts", [])  # none in what a Session saved
    for population, start in zip(state.populations, [*starts, *[0.0] * len(state.populations)], strict=False):
        population.recorder._recording_start_time = float(start) * pq.ms
    for projection in state.projections:
        projection._current = None
    return state.t
