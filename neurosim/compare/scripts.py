"""Run a user's PyNN script in this process, on a chip of our choice."""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from neurosim.compare.arguments import with_simulator
from neurosim.errors import NeurosimError, ScriptError, nearest


def read_script(path: str | Path) -> str:
    """Text of a script.

    Raises
    ------
    ScriptError
        If there is no such file, or it is not a text file.
    """
    file = Path(path)
    if not file.is_file():
        raise _missing(ScriptError("there is no such script file.", where=str(path), used=str(path), remedy=_similar(file)))
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(
            f"the script cannot be read: {error}.", where=str(path), remedy="Give a Python file that you may read."
        ) from error


def _missing(error: ScriptError) -> ScriptError:
    error.missing = True  # type: ignore[attr-defined]
    return error


def _similar(file: Path) -> str:
    if file.is_dir():
        return "It is a folder; give the Python file itself."
    folder = file.parent
    known = [item.name for item in folder.glob("*.py")] if folder.is_dir() else []
    guess = nearest(file.name, known)
    return f"Did you mean '{folder / guess}'?" if guess else "Check the path; it is taken relative to the current folder."


def run_script(path: str | Path, arguments: Sequence[str] = (), *, stop_before_run: bool = False, **settings: object):
    """Run a script with ``setup()`` keywords of ours and give what was seen of it.

    Parameters
    ----------
    path
        The script; its folder is put first on ``sys.path``, as Python does.
    arguments
        The script's own arguments (``sys.argv[1:]``); ``neurosim`` is put first if the script asks
        for the name of a simulator and none is given.
    stop_before_run
        Leave the script at its first ``run()``, once the network is frozen.
    settings
        Keywords of ``setup()`` that win over the script's own, for example ``chip="loihi"``.

    Returns
    -------
    Capture
        Network, session and wall time per stage of the last ``setup()`` that ran.

    Raises
    ------
    ScriptError
        If the script is missing, raises, ends with a status other than 0, or builds no network;
        ``capture`` of the error is what was seen until then.
    """
    from neurosim.pynn import overrides
    from neurosim.pynn.stand_in import standing_in

    source = read_script(path)
    with (
        _argv(path, with_simulator(source, arguments)),
        standing_in(),
        overrides.overrides(stop_before_run=stop_before_run, **settings) as seen,
    ):
        try:
            _execute(path)
        except overrides.StoppedBeforeRun:
            pass
        except (KeyboardInterrupt, ScriptError) as stop:
            stop.capture = seen.last  # type: ignore[union-attr]
            raise
    capture = seen.last
    if capture is None or capture.network is None:
        raise _nothing(path, called_setup=capture is not None)
    return capture


def _execute(path: str | Path) -> None:
    try:
        _seed()
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as leave:
        if leave.code not in (None, 0):
            raise ScriptError(
                f"the script ended itself with status {leave.code}.", where=str(path), used=leave.code, remedy=_STATUS
            ) from leave
    except Exception as error:
        raise failure(path, error) from error


_STATUS = "Its own message is above; arguments of the script follow '--'."


def _seed() -> None:
    """Scripts that draw from the global generators draw the same numbers on every chip."""
    import random

    import numpy as np

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (the very generator that such scripts use)


@contextlib.contextmanager
def _argv(path: str | Path, arguments: Sequence[str]) -> Iterator[None]:
    argv, folders = sys.argv, list(sys.path)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, folders


def failure(path: str | Path, error: BaseException) -> ScriptError:
    """One error for an exception of a script: what, the line, and only the script's own lines.

    ``lines`` of the error holds the part of the traceback that lies in the script's folder.
    """
    frames = own_frames(path, error)
    place = f"{path}, line {frames[-1].lineno}" if frames else str(path)
    kind = "" if isinstance(error, NeurosimError) else f"{type(error).__name__}: "
    text = (error.msg if isinstance(error, SyntaxError) else str(error)) or "no message"
    raised = ScriptError(f"{kind}{text}", where=place, used=type(error).__name__)
    raised.lines = traceback.format_list(frames)  # type: ignore[attr-defined]
    return raised


def own_frames(path: str | Path, error: BaseException) -> list[traceback.FrameSummary]:
    """Frames of a traceback that lie in the script's own folder; for a syntax error, its line."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).exists():
        return [traceback.FrameSummary(error.filename, error.lineno or 0, "<module>", line=error.text)]
    return [frame for frame in traceback.extract_tb(_trace(error)) if _is_own(path, frame.filename)]


def _is_own(path: str | Path, filename: str) -> bool:
    folder = Path(path).resolve().parent
    file = Path(filename)
    installed = {"site-packages", "dist-packages"} & set(file.parts)
    return file.exists() and not installed and file.resolve().parent.is_relative_to(folder) and not file.resolve().is_relative_to(_PACKAGE)


_PACKAGE = Path(__file__).resolve().parents[1]


def _trace(error: BaseException) -> TracebackType | None:
    return error.__traceback__


def _nothing(path: str | Path, *, called_setup: bool) -> ScriptError:
    if called_setup:
        return ScriptError(
            "the script never called run(), so there is no network to map.",
            where=str(path),
            remedy="Call sim.run(duration) after building.",
        )
    return ScriptError(
        "the script never called setup() of neurosim.",
        where=str(path),
        remedy="Use 'import neurosim as sim' (or any pyNN backend) and call sim.setup().",
    )
