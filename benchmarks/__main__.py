"""``python -m benchmarks [NAME ...]``: measure, print tables, write JSON to ``benchmarks/results/``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks import harness

NAMES = ("coba", "building", "cold_start")


def arguments() -> argparse.Namespace:
    """What to measure and with what."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks of neurosim, next to NEST where there is one.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"benchmarks to run: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each simulator (default: 3)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each simulator (default: 1)")
    parser.add_argument(
        "--nest-python",
        metavar="PATH",
        default=os.environ.get(harness.NEST_VARIABLE, ""),
        help=f"Python of an environment with NEST and PyNN (default: ${harness.NEST_VARIABLE}); NEST is left out without it",
    )
    parser.add_argument("--results", type=Path, default=harness.RESULTS, help="folder for the JSON (default: benchmarks/results)")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown benchmark '{unknown[0]}'; known: {', '.join(NAMES)}")
    if given.repeats < 1 or given.threads < 1:
        parser.error("--repeats and --threads must be 1 or more")
    return given


def main() -> None:
    """Run the benchmarks asked for, one after the other."""
    given = arguments()
    simulators = harness.simulators(given.nest_python)
    for name in given.names or NAMES:
        measured = harness.measure(name, simulators, repeats=given.repeats, threads=given.threads)
        print(harness.table(name, measured), end="\n\n", flush=True)
        print(f"{harness.save(name, measured, given.results)}\n", flush=True)


if __name__ == "__main__":
    main()
