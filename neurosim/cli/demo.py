"""``neurosim demo``: a published network on three chips and on the ideal reference.

Runs ``examples/brette_coba.py`` on each, prints how long each stage took and
a table that compares them, and leaves a picture and a report in ``demo/``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from neurosim.cli.commands import check_chips, show_comparison, tell
from neurosim.cli.output import FAILED, INTERRUPTED, note, reporting
from neurosim.compare import compare
from neurosim.compare.runner import DEFAULT_CHIPS

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "brette_coba.py"
FOLDER = Path("demo")


def demo(script: Path = SCRIPT, folder: Path = FOLDER) -> int:
    """Run the demo and give its exit code."""
    started_s = time.perf_counter()
    note(f"{script.name} on {', '.join(DEFAULT_CHIPS)}; all approximations are switched on")
    check_chips(DEFAULT_CHIPS)
    result = compare(script, chips=DEFAULT_CHIPS, progress=tell)
    show_comparison(result)
    _leave(result, folder / script.stem)
    note(f"done in {time.perf_counter() - started_s:.1f} s")
    return INTERRUPTED if result.interrupted else FAILED if result.failed else 0


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
