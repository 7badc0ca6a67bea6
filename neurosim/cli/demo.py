"""``neurosim demo``: a published network on three chips and on the ideal reference.

Runs ``examples/brette_coba.py`` on each, prints a table that compares them and how long each stage
took, and leaves a picture, a report and the numbers in ``demo/``. Needs the extra ``report``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from neurosim.cli.commands import check_chips, show_comparison, tell
from neurosim.cli.output import FAILED, INTERRUPTED, note, reporting
from neurosim.compare import compare
from neurosim.compare.runner import DEFAULT_CHIPS

NAME = "brette_coba.py"
FOLDER = Path("demo")


def example(name: str = NAME) -> Path:
    """Path of an example: in the installed package, or in a checkout beside it."""
    package = Path(__file__).resolve().parents[1]
    known = [folder / "examples" / name for folder in (package, package.parent)]
    return next((path for path in known if path.is_file()), known[0])


def demo(script: Path | None = None, folder: Path = FOLDER) -> int:
    """Run the demo and give its exit code."""
    script = script or example()
    require_report()
    started_s = time.perf_counter()
    note(f"{script.name} on {', '.join(DEFAULT_CHIPS)}; all approximations are switched on")
    check_chips(DEFAULT_CHIPS)
    result = compare(script, chips=DEFAULT_CHIPS, progress=tell)
    show_comparison(result, more=f"{folder / script.stem}.html has them all")
    print()
    _leave(result, folder / script.stem)
    note(f"done in {time.perf_counter() - started_s:.1f} s")
    return INTERRUPTED if result.interrupted else FAILED if result.failed else 0


def require_report() -> None:
    """Refuse before anything runs if the extra ``report`` is missing."""
    from importlib.util import find_spec

    from neurosim.errors import MissingExtraError

    for package in ("matplotlib", "jinja2"):
        if find_spec(package) is None:
            raise MissingExtraError.of(package, "report")


def _leave(result, stem: Path) -> None:
    from neurosim.report import write

    print(f"picture: {result.plot(stem.with_suffix('.png'))}")
    print(f"report:  {write(result, stem.with_suffix('.html'))}")
    result.to_json(stem.with_suffix(".json"))
    print(f"numbers: {stem.with_suffix('.json')}")


def main(folder: Path = FOLDER) -> None:
    """Run the demo and leave with its exit code."""
    with reporting():
        code = demo(folder=folder)
    raise SystemExit(code)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
