"""What the command line prints: tables or JSON on stdout, notes and errors on stderr."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def note(text: str) -> None:
    """One line on stderr."""
    print(text, file=sys.stderr, flush=True)


def show(*tables: Any) -> None:
    """Tables on stdout; as plain text, as wide as they need, when stdout is no terminal."""
    from neurosim.compare.tables import as_text, print_all

    if sys.stdout.isatty():
        from rich.console import Console

        print_all(Console(markup=False, emoji=False), *tables)
    else:
        print(as_text(*tables))


def show_json(content: Any) -> None:
    """JSON on stdout."""
    from neurosim.compare.comparison import plain

    print(json.dumps(plain(content), indent=2))


@contextlib.contextmanager
def script_output(as_json: bool) -> Iterator[None]:
    """With ``--json``, what a script prints goes to stderr."""
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def reporting(as_json: bool = False) -> Iterator[None]:
    """Turn errors into one clear message and an exit code, without a traceback of ours."""
    from neurosim.errors import NeurosimError

    try:
        yield
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt:
        note("neurosim: interrupted; nothing was recorded.")
        raise SystemExit(INTERRUPTED) from None
    except NeurosimError as error:
        raise SystemExit(report_error(error, as_json)) from None


def report_error(error: Exception, as_json: bool = False) -> int:
    """Say on stderr what went wrong, with ``as_json`` on stdout too, and give the exit code."""
    for line in getattr(error, "lines", ()):
        sys.stderr.write(line)
    note(f"neurosim: {error}")
    if as_json:
        print(json.dumps({"error": describe(error)}, indent=2, default=str))
    return exit_code(error)


def describe(error: BaseException) -> dict[str, Any]:
    """An error as JSON: its type and its facts; for a failed script, those of what the script raised."""
    cause = error.__cause__
    return {
        "type": type(error).__name__,
        "message": str(error),
        "where": getattr(error, "where", ""),
        "limit": getattr(error, "limit", None),
        "used": getattr(error, "used", None),
        "remedy": getattr(error, "remedy", ""),
        "cause": type(cause).__name__ if cause is not None else None,
    }


def exit_code(error: BaseException) -> int:
    """2 if the command was used wrongly, 1 if the script or the chip failed."""
    from neurosim.errors import DatasheetError, ParameterError, ScriptError, UnknownNameError

    if isinstance(error, ScriptError):
        return USAGE if getattr(error, "missing", False) else FAILED
    return USAGE if isinstance(error, DatasheetError | ParameterError | UnknownNameError) else FAILED
