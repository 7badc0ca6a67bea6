"""Does the network of a script fit a chip? Answered without simulating anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.compare.results import ChipRun, failed, of_fit
from neurosim.compare.runner import load_chip
from neurosim.compare.scripts import run_script
from neurosim.errors import NeurosimError


def fit_script(
    script: str | Path, *, chips: Sequence[str], arguments: Sequence[str] = (), approximate: Sequence[str] = ("all",)
) -> tuple[ChipRun, ...]:
    """Map the network of a script on each chip, up to its first ``run()``.

    The script runs once, on the ideal reference, and is left when it first calls ``run()``. All
    approximations are switched on; those used are in the result.

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
    return tuple(fit_network(capture.network, chip, approximate=approximate, pins=capture.pins) for chip in chips)


def fit_network(network, chip: str, *, approximate: Sequence[str] = ("all",), pins: Sequence = ()) -> ChipRun:
    """Map a network on one chip; an error becomes a failed run."""
    from neurosim.session import fit

    try:
        fitted = fit(network, load_chip(chip), approximate=tuple(approximate), pins=tuple(pins))
    except NeurosimError as error:
        return failed(chip, str(error))
    return of_fit(chip, fitted, network)
