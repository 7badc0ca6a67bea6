"""All parts one after another; 1 if any target is missed."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from benchmarks.harness import machine

KEPT = Path(__file__).resolve().parents[1] / "results" / "mapping.txt"
PARTS = ("routing", "whole", "partition", "placement", "checks")


def main() -> int:
    """Run each part in a process of its own, show its lines as they come, and keep them."""
    missed = 0
    with KEPT.open("w", encoding="utf-8") as kept:
        _say(f"Mapper on {machine.processor()}, Python {platform.python_version()}; times on one thread, compiled before", kept)
        for part in PARTS:
            _say(f"\n== {part}", kept)
            with subprocess.Popen([sys.executable, "-m", f"benchmarks.mapping.{part}"], stdout=subprocess.PIPE, text=True) as process:
                for line in process.stdout or ():
                    _say(line.rstrip(), kept)
            missed += process.returncode != 0
    return int(missed > 0)


def _say(line: str, kept: TextIO) -> None:
    print(line, flush=True)
    print(line, file=kept, flush=True)


if __name__ == "__main__":
    sys.exit(main())
