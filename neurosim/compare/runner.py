"""Run one script or network on several chips."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurosim.compare.comparison import Comparison
from neurosim.compare.results import IDEAL, ChipRun, failed, of_session
from neurosim.compare.scripts import read_script
from neurosim.errors import LossWarning, NeurosimError, ParameterError

#: The chips compared when none are named.
DEFAULT_CHIPS = (IDEAL, "hicann", "spinnaker", "loihi")

#: Seconds that an interrupted run gets to hand over what it recorded.
GRACE_S = 30.0

Progress = Callable[[str, ChipRun | None], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One script on one chip, as handed to a worker process."""

    script: str
    arguments: tuple[str, ...]
    chip: str
    settings: dict[str, Any]


def compare(
    subject: Any, *, chips: Sequence[str] = DEFAULT_CHIPS, arguments: Sequence[str] = (), progress: Progress | None = None, **options: Any
) -> Comparison:
    """Run a script or a network on several chips and put the results side by side.

    A chip that fails gives a row with its error; the others still run. All approximations are
    switched on unless ``approximate`` says otherwise, and each one used is named in the result.

    Parameters
    ----------
    subject
        Path of a PyNN script, or a :class:`~neurosim.network.Network`.
    chips
        Names of chips or paths of datasheets; ``"ideal"`` is the reference without a chip.
    arguments
        The script's own arguments.
    progress
        Called with ``(chip, None)`` before and ``(chip, run)`` after each chip.
    options
        ``duration_ms`` (networks only, 1000 by default), ``approximate``, ``threads``,
        ``verbose`` (let the script's output through, to stderr).

    Returns
    -------
    Comparison
        One run per chip, in the order given.

    Raises
    ------
    ScriptError
        If the script cannot be read.
    ParameterError
        If no chip is named.
    """
    names = tuple(dict.fromkeys(chips))
    if not names:
        raise ParameterError("no chip is named.", where="compare", remedy=f"Name some, for example {','.join(DEFAULT_CHIPS)}.")
    if isinstance(subject, str | Path):
        read_script(subject)
        return _each(
            Path(subject).name,
            names,
            lambda chip: _isolated(_job(subject, chip, arguments, options), verbose=options.get("verbose", False)),
            progress,
        )
    return _each("network", names, lambda chip: network_run(subject, chip, **options), progress)


def _job(script: str | Path, chip: str, arguments: Sequence[str], options: dict[str, Any]) -> Job:
    settings = {"approximate": ("all",)} | {key: options[key] for key in ("approximate", "threads") if options.get(key) is not None}
    settings["record_tag"], settings["cost"] = Path(chip).stem, True
    return Job(str(script), tuple(arguments), chip, settings)


def _each(name: str, chips: Sequence[str], run: Callable[[str], ChipRun], progress: Progress | None) -> Comparison:
    tell = progress or (lambda chip, result: None)
    runs: list[ChipRun] = []
    for chip in chips:
        tell(chip, None)
        try:
            result = run(chip)
        except KeyboardInterrupt:
            result = failed(chip, "interrupted before anything was recorded")
            runs.append(replace(result, interrupted=True))
            break
        runs.append(result)
        tell(chip, result)
        if result.interrupted:
            break
    return Comparison(name, tuple(runs), interrupted=any(run.interrupted for run in runs))


def network_run(
    network: Any, chip: str, *, duration_ms: float = 1000.0, approximate: Sequence[str] = ("all",), threads: int = 1, **_: Any
) -> ChipRun:
    """Run a network in this process on one chip; an error becomes a failed run."""
    from neurosim.session import Session

    session = None
    try:
        with quiet_losses():
            session = Session(network, load_chip(chip), threads=threads or 1, approximate=tuple(approximate), cost=True)
            session.run_until(duration_ms)
    except KeyboardInterrupt:
        if session is None:
            raise
    except NeurosimError as error:
        return failed(chip, str(error))
    return of_session(chip, session)


@contextlib.contextmanager
def quiet_losses() -> Iterator[None]:
    """Losses are in the result, so they are not warned of as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        yield


def load_chip(name: str, *, n_boards: int | None = None) -> Any:
    """Chip of this name or datasheet; ``None`` for the ideal reference."""
    if name == IDEAL:
        return None
    from neurosim.chips import load

    return load(name, n_boards=n_boards)


def _isolated(job: Job, *, verbose: bool = False) -> ChipRun:
    """Run a job in a fresh process, so that no state of one run reaches the next."""
    with tempfile.TemporaryDirectory(prefix="neurosim-") as folder:
        order, answer = Path(folder, "order"), Path(folder, "answer")
        order.write_bytes(pickle.dumps(job))
        started_s = time.perf_counter()
        process = subprocess.Popen(
            _command(order, answer), env=_environment(), stdout=sys.stderr.fileno() if verbose else subprocess.DEVNULL
        )
        status, interrupted = _wait(process)
        if answer.exists():
            return _timed(pickle.loads(answer.read_bytes()), time.perf_counter() - started_s, interrupted)
    if interrupted:
        raise KeyboardInterrupt
    return failed(job.chip, _death(status))


def _wait(process: subprocess.Popen) -> tuple[int, bool]:
    try:
        return process.wait(), False
    except KeyboardInterrupt:
        try:
            return process.wait(GRACE_S), True
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(), True


def _timed(run: ChipRun, wall_s: float, interrupted: bool) -> ChipRun:
    rest = wall_s - sum(run.stages.values())
    return replace(run, stages={**run.stages, "other": rest} if run.stages else {}, interrupted=run.interrupted or interrupted)


def _command(order: Path, answer: Path) -> list[str]:
    return [sys.executable, "-m", "neurosim.compare.worker", str(order), str(answer)]


def _environment() -> dict[str, str]:
    """Environment in which the worker finds this very package, installed or not."""
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def _death(status: int) -> str:
    if status < 0:
        return f"the process was ended by signal {-status}; the network may need more memory than there is. Try a smaller one."
    return f"the process ended with status {status} and gave no result."
