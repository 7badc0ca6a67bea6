"""Does the network of a script fit a chip? Answered without simulating anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurosim.compare.results import ChipRun, failed, of_fit
from neurosim.compare.runner import load_chip
from neurosim.compare.scripts import run_script
from neurosim.errors import NeurosimError, PlacementError
from neurosim.mapping import Options, Pin
from neurosim.network import Network
from neurosim.pynn.overrides import kind_of


def fit_script(
    script: str | Path, *, chips: Sequence[str], arguments: Sequence[str] = (), approximate: Sequence[str] = ("all",)
) -> tuple[ChipRun, ...]:
    """Map the network of a script on each chip, up to its first ``run()``.

    The script runs once, on the ideal reference, and is left when it first calls ``run()``. All
    approximations are switched on; those used are in the result. The chip that the script itself
    asks for has the number of boards it asks for.

    Returns
    -------
    tuple of ChipRun
        One per chip, without recordings; ``error`` says why a network does not fit, ``explanation`` in numbers.

    Raises
    ------
    ScriptError
        If the script is missing, raises before ``run()`` or builds no network.
    """
    capture = run_script(script, arguments, stop_before_run=True, chip="ideal")

    def boards(chip: str) -> int | None:
        return capture.own_boards if kind_of(chip) == capture.own_chip else None

    options = {"approximate": approximate, "pins": capture.pins, "placing": capture.placing}
    options["working_point"] = capture.settings["working_point"]
    return tuple(fit_network(capture.network, chip, n_boards=boards(chip), **options) for chip in chips)


def fit_network(
    network: Network,
    chip: str,
    *,
    approximate: Sequence[str] = ("all",),
    pins: Sequence[Pin] = (),
    placing: Options | None = None,
    n_boards: int | None = None,
    working_point: Any = "midway",
) -> ChipRun:
    """Map a network on one chip; an error becomes a failed run, with an explanation if there is not enough room."""
    from neurosim.session import explain, fit

    wishes = {"approximate": tuple(approximate), "pins": tuple(pins), "placing": placing}
    try:
        loaded = load_chip(chip, n_boards=n_boards)
        fitted = fit(network, loaded, **wishes, working_point=working_point)
    except PlacementError as error:
        return failed(chip, str(error), explain(network, loaded, **wishes))
    except NeurosimError as error:
        return failed(chip, str(error))
    return of_fit(chip, fitted, network)
