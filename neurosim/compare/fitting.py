"""Does the network of a script fit a chip? Answered without simulating anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.compare.results import ChipRun, failed, of_fit
from neurosim.compare.runner import load_chip
from neurosim.compare.scripts import run_script
from neurosim.errors import NeurosimError
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
        One per chip, without recordings; ``error`` says why a network does not fit.

    Raises
    ------
    ScriptError
        If the script is missing, raises before ``run()`` or builds no network.
    """
    capture = run_script(script, arguments, stop_before_run=True, chip="ideal")

    def boards(chip: str) -> int | None:
        return capture.own_boards if kind_of(chip) == capture.own_chip else None

    options = {"approximate": approximate, "pins": capture.pins}
    return tuple(fit_network(capture.network, chip, n_boards=boards(chip), **options) for chip in chips)


def fit_network(network, chip: str, *, approximate: Sequence[str] = ("all",), pins: Sequence = (), n_boards: int | None = None) -> ChipRun:
    """Map a network on one chip; an error becomes a failed run."""
    from neurosim.session import fit

    try:
        fitted = fit(network, load_chip(chip, n_boards=n_boards), approximate=tuple(approximate), pins=tuple(pins))
    except NeurosimError as error:
        return failed(chip, str(error))
    return of_fit(chip, fitted, network)
