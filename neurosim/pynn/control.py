"""Setting up, running and ending a simulation."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from pyNN import common
from pyNN.common.control import DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP
from pyNN.recording import get_io

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.losses import users_level
from neurosim.machine import check_threads
from neurosim.pynn import checks, clock, overrides, simulator

OURS: Mapping[str, Any] = {
    "threads": 1,
    "rng_seed": simulator.DEFAULT_SEED,
    "chip": None,
    "n_boards": None,
    "arithmetic": None,
    "noise": None,
    "approximate": (),
    "working_point": "measured",
    "cost": False,
    "precision": "float64",
    "rng": None,
    "pace": "accelerated",
    "time_slice": 5.0,
    "progress": None,
    "max_delay": "auto",
    "max_memory": None,
    "record_to": None,
    "overwrite": False,
}
"""Keywords of ``setup()`` beside ``timestep`` and ``min_delay``, and their defaults."""

IGNORED = frozenset(
    [
        "t_flush",
        "verbosity",
        "spike_precision",
        "recording_precision",
        "debug",
        "quit_on_end",
        "label",
        "filename",
        "file",
        "use_cvode",
        "rtol",
        "atol",
        "default_maxstep",
        "grng_seed",
        "rng_seeds",
        "rng_seeds_seed",
        "native_rng_baseseed",
        "allow_offgrid_spikes",
        "loglevel",
        "useSystemSim",
        "maxNeuronLoss",
        "maxSynapseLoss",
        "hardwareNeuronSize",
        "hardware",
        "rank",
        "num_processes",
    ]
)
"""Keywords of other backends, accepted so that their scripts run; they change nothing here."""

LONGEST_SLICE = 1000.0  # ms

CHOICES = {"precision": ("float64", "float32"), "rng": (None, "pynn", "fast"), "pace": ("accelerated", "realtime")}


def setup(timestep: float = DEFAULT_TIMESTEP, min_delay: float | str = DEFAULT_MIN_DELAY, **extra_params: Any) -> int:
    """Begin a new simulation; whatever was there is forgotten.

    Parameters
    ----------
    timestep
        Time step in ms.
    min_delay, max_delay
        Bounds of all delays in ms, or ``"auto"``.
    threads
        Number of threads; results do not depend on it. More than there are cores give a warning, far
        more an error.
    rng_seed
        Root of all random numbers that have no seed of their own.
    chip
        ``None`` for the ideal reference, a chip's name (``"hicann"``, ``"spinnaker"``, ``"loihi"``, ``"loihi2"``),
        a path to a datasheet, or a chip made by ``sim.chips.load``.
    n_boards
        Number of boards or wafers of the chip.
    arithmetic
        On Loihi, whose registers count: ``"chip"``, ``"lava"``, ``"nengo_loihi"`` or ``"brian2_loihi"``. With the registers that
        networks get they differ only where currents or potentials overflow.
    noise
        On Loihi 1, by label of a population: an exponent, (exponent, offset), or (exponent, offset, 1) for noise on the voltage
        instead of the current. In every step (r + 64 offset) 2^(exponent - 7) registers, r from -127 to 127. Populations
        with different noise share no core; ``losses()`` says how many mV it is.
    approximate
        Names of the approximations the chip may make.
    working_point
        Where the chip writes conductances as currents, or the other way round: ``"measured"`` (mean potential of each
        population in a short run on the ideal reference), ``"midway"`` between ``v_rest`` and ``v_thresh``, a potential
        in mV, or potentials by label; populations that are left out are measured.
    cost
        Keep who fired when, of all cells, recorded or not, so that :func:`cost` knows what a run takes; 8 bytes a spike.
    precision
        ``"float64"`` or ``"float32"``; on chips whose neurons count in whole numbers (Loihi) ``"float64"``
        is used whatever is asked for, which is then in ``losses()``.
    rng
        ``"pynn"``: the network stock PyNN draws from the same seed; ``"fast"``: counter-based;
        ``None`` chooses by size.
    pace
        ``"accelerated"`` or ``"realtime"``.
    time_slice
        Simulated time in ms between two looks at the clock in real time, and between two exchanges
        of live input and output.
    progress
        Show a progress bar where placing or running takes longer than a second; by default at a terminal.
    max_memory
        Memory in GB that the network may take, ``float("inf")`` for no limit; by default what is
        available. A network that would need more is refused before it is built.
    record_to
        HDF5 file that spikes and traces go to while the network runs, instead of to memory; what was
        written is safe even if the process is killed. ``get_data()`` reads it back. Needs h5py.
    overwrite
        Whether ``record_to`` may replace an existing file.

    Returns
    -------
    int
        0, the number of this process.

    Raises
    ------
    UnknownNameError
        For a keyword that no PyNN backend has, or an arithmetic that there is not.
    UnsupportedError
        If the chip lets nobody choose what is chosen.
    ParameterError
        For a value out of range.
    RecordFileError
        If ``record_to`` names a file that exists or cannot be made.
    MissingExtraError
        If ``record_to`` is given and h5py is not installed.
    """
    clock.not_while_exchanging("setup()")
    settings = {"timestep": timestep, "min_delay": min_delay, **OURS, **_recognised(extra_params)}
    settings = overrides.apply(settings)
    _check_times(settings)
    _check_choices(settings)
    _check_slice(settings["time_slice"])
    _check_file(settings)
    _check_memory(settings["max_memory"])
    settings["working_point"] = checked_working_point(settings["working_point"])
    settings["chip"] = _with_options(_chip(settings["chip"], settings["n_boards"]), settings)
    simulator.state.start(settings)
    return 0


def _recognised(keywords: Mapping[str, Any]) -> dict[str, Any]:
    known = {*OURS, *IGNORED, "timestep", "min_delay"}
    for name in keywords:
        if name not in known:
            guess = {"dt": "timestep", "mindelay": "min_delay", "maxdelay": "max_delay", "seed": "rng_seed"}.get(name)
            if guess:
                raise UnknownNameError(
                    f"unknown keyword '{name}'.", where="setup()", used=name, limit=sorted(known), remedy=f"Did you mean '{guess}'?"
                )
            raise UnknownNameError.among("keyword", name, known, where="setup()")
    return {name: value for name, value in keywords.items() if name in OURS}


def _check_times(settings: dict[str, Any]) -> None:
    for name in ("timestep", "min_delay", "max_delay"):
        value = settings[name]
        may_be_auto = name != "timestep"
        if may_be_auto and _is_auto(value):
            continue
        if not checks.is_finite(value) or value <= 0:
            what, remedy = (" or 'auto'", "Leave it out, or give 0.1, for example.") if may_be_auto else ("", "For example 0.1.")
            text = f"{name} is {value!r}; it must be a positive number of ms{what}."
            raise ParameterError(text, where="setup()", used=value, limit=0, remedy=remedy)
        settings[name] = float(value)
    dt, low, high = (settings[name] for name in ("timestep", "min_delay", "max_delay"))
    if low != "auto" and low < dt - 1e-12:
        raise ParameterError(
            f"min_delay ({low:g} ms) is shorter than timestep ({dt:g} ms).",
            where="setup()",
            used=low,
            limit=dt,
            remedy="Raise min_delay or lower timestep.",
        )
    if "auto" not in (low, high) and low > high:
        raise ParameterError(
            f"min_delay ({low:g} ms) is above max_delay ({high:g} ms).", where="setup()", used=low, limit=high, remedy="Exchange them."
        )


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _check_slice(value: Any) -> None:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not 0 < value <= LONGEST_SLICE:
        raise ParameterError(
            f"time_slice is {value!r}; it must be above 0 and at most {LONGEST_SLICE:g} ms.",
            where="setup()",
            used=value,
            limit=LONGEST_SLICE,
            remedy="For example 1.0.",
        )


def _check_choices(settings: dict[str, Any]) -> None:
    for name, choices in CHOICES.items():
        if settings[name] not in choices:
            raise ParameterError(
                f"{name}={settings[name]!r} is not known.",
                where="setup()",
                used=settings[name],
                limit=choices,
                remedy=f"Use one of {choices}.",
            )
    for name in ("threads", "rng_seed", "n_boards"):
        value = settings[name]
        if value is None and name == "n_boards":
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < (0 if name == "rng_seed" else 1):
            raise ParameterError(
                f"{name}={value!r} is not a positive integer.", where="setup()", used=value, limit=1, remedy=f"For example {name}=1."
            )
    if text := check_threads(int(settings["threads"])):
        warnings.warn(text, UserWarning, stacklevel=users_level())
    settings["approximate"] = _approximate(settings["approximate"], settings["chip"])


def _approximate(names: Any, chip: Any) -> tuple[str, ...]:
    """Names of approximations; without a chip, which would know its own, those that any chip has."""
    found = (names,) if isinstance(names, str) else tuple(names or ()) if isinstance(names, Iterable | None) else (names,)
    if not all(isinstance(name, str) for name in found):
        text = f"approximate={names!r} is no name of an approximation, and no list of them."
        raise ParameterError(text, where="setup()", used=names, remedy="For example approximate=['conductance'], or 'all'.")
    if found and (chip is None or (isinstance(chip, str) and chip == "ideal")):
        from neurosim.chips.chip import check_names

        check_names(found, where="setup()")
    return found


def checked_working_point(choice: Any) -> Any:
    """A working point that can be; a label that no population has is found at the first run."""
    if isinstance(choice, str) and choice == "measured":  # the default, without importing more
        return choice
    from neurosim.session import checked

    return checked(choice)


def _check_memory(value: Any) -> None:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if value is not None and not (number and value > 0):
        raise ParameterError(
            f"max_memory is {value!r}; it must be above 0 GB.", where="setup()", used=value, limit=0, remedy="Leave it out, or give GB."
        )


def _check_file(settings: dict[str, Any]) -> None:
    overwrite, path = settings["overwrite"], settings["record_to"]
    for name in ("overwrite", "cost"):
        value = settings[name]
        if not isinstance(value, bool):
            text = f"{name}={value!r} is neither True nor False."
            raise ParameterError(text, where="setup()", used=value, limit=(True, False), remedy="Use one.")
    if path is not None:
        from neurosim.session import record_path

        settings["record_to"] = record_path(path, overwrite=overwrite)


def _chip(chip: Any, n_boards: int | None) -> Any:
    if chip is None or chip == "ideal":
        return None
    if isinstance(chip, str | os.PathLike):
        from neurosim import chips

        return chips.load(os.fspath(chip), n_boards=n_boards)
    from neurosim.chips.chip import Chip

    if not isinstance(chip, Chip):
        remedy = "Give a name, the path of a datasheet, or a chip made by sim.chips.load()."
        raise ParameterError(f"{chip!r} is not a chip.", where="setup()", used=chip, remedy=remedy)
    return chip if n_boards is None else chip.with_boards(n_boards)


def _with_options(chip: Any, settings: Mapping[str, Any]) -> Any:
    """The chip with what the script chooses of it."""
    given = {name: settings[name] for name in overrides.OF_CHIP if settings[name] is not None}
    if given and chip is None:
        name = next(iter(given))
        text = f"{name} belongs to a chip, and none was asked for."
        raise ParameterError(text, where="setup()", used=given[name], remedy=f"Give chip='loihi', or leave {name} out.")
    return chip.with_options(**given) if given else chip


def end(compatible_output: bool = True) -> None:
    """Write the files that were asked for. Results can still be read; a new network needs ``setup()``."""
    waiting, simulator.state.write_on_end = simulator.state.write_on_end, []
    for population, variables, target in waiting:
        population.write_data(get_io(target) if isinstance(target, str) else target, variables)
    simulator.state.close_live()
    simulator.state.ready = False


_, _run_until = common.build_run(simulator)

Callbacks = Iterable[Callable[[float], float]] | None


def run(simtime: float, callbacks: Callbacks = None) -> float:
    """Run for ``simtime`` ms; returns the time reached.

    A run ends at a whole step, the one next to the time that was asked for; ``get_current_time()``
    says which. What is left over counts with the next run: a thousand times ``run(0.04)`` is
    ``run(40)``, whatever the time step. (PyNN asks for that: run(x), run(y) is run(x + y).)

    Each callback takes the current time and returns the time of its next call.
    """
    clock.check_time(simtime, "run()")
    simulator.state.require("run()")
    if simtime < 0:
        raise ParameterError(
            f"the time to run is negative ({simtime:g} ms).",
            where="run()",
            used=simtime,
            limit=0,
            remedy="Give 0 or more; reset() goes back.",
        )
    return _advance(clock.asked.now_ms() + float(simtime), callbacks, "run()")


run_for = run


def run_until(time_point: float, callbacks: Callbacks = None) -> float:
    """Run until ``time_point`` ms, or the step next to it; returns the time reached. See :func:`run`."""
    clock.check_time(time_point, "run_until()")
    simulator.state.require("run_until()")
    now = simulator.state.t
    if time_point < now - simulator.state.dt / 2:
        raise ParameterError(
            f"time {time_point:g} ms is in the past (it is {now:g} ms).",
            where="run_until()",
            used=time_point,
            limit=now,
            remedy="Use reset() to start again.",
        )
    return _advance(float(time_point), callbacks, "run_until()")


def _advance(asked_ms: float, callbacks: Callbacks, where: str) -> float:
    clock.not_while_exchanging(where)
    reached_ms = _run_until(clock.on_grid(asked_ms), callbacks)
    clock.asked.keep(asked_ms)
    return reached_ms


_reset = common.build_reset(simulator)


def reset(annotations: Mapping[str, Any] | None = None) -> None:
    """Go back to time zero and the initial state; what was recorded is kept as a segment, with ``annotations``."""
    clock.not_while_exchanging("reset()")
    _reset({} if annotations is None else dict(annotations))


get_current_time, get_time_step, get_min_delay, get_max_delay, num_processes, rank = common.build_state_queries(simulator)
