"""How far a backend conforms to PyNN: its own 66 scenario tests and 20 of its example scripts.

``make conformance`` runs it for neurosim. To look at one file or at another backend::

    python tests/conformance/run.py --only electrodes
    python tests/conformance/run.py --backend pyNN.mock
"""

from __future__ import annotations

import argparse
import sys

from examples import Run, run_examples
from jobs import Setting
from scenarios import Outcome, run_scenarios
from suite import CACHE, fetch

MINIMUM_PASSING = 64  # of 66; test_scenario5 needs multi-compartment cells


def main() -> int:
    """Exit status 0 if enough scenario tests pass and every example runs."""
    options = _options()
    sdist = fetch()
    setting = Setting(options.backend, CACHE / "scratch" / options.backend, options.jobs, options.timeout)
    good = True
    if options.part != "examples":
        good &= _judge_scenarios(run_scenarios(setting, sdist, only=options.only), 1 if options.only else MINIMUM_PASSING)
    if options.part != "scenarios":
        good &= _judge_examples(run_examples(setting, sdist, only=options.only))
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="neurosim", help="module that is the backend (default: neurosim)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default: 2)")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for each test file or example (default: 600)")
    parser.add_argument("--part", choices=("all", "scenarios", "examples"), default="all")
    parser.add_argument("--only", default="", help="only files and examples whose name contains this")
    return parser.parse_args()


def _judge_scenarios(outcomes: list[Outcome], minimum: int) -> bool:
    passed = sum(outcome.passed for outcome in outcomes)
    failed = [name for outcome in outcomes for name in outcome.failed]
    skipped = [name for outcome in outcomes for name in outcome.skipped]
    for name in failed:
        print(f"FAILED  {name}")
    for name in skipped:
        print(f"skipped {name}")
    if passed < minimum and outcomes:
        print(f"too few scenario tests pass: {passed}, at least {minimum} must")
    print(f"scenarios: {passed} passed, {len(failed)} failed, {len(skipped)} skipped", flush=True)
    return (passed >= minimum and not failed) or not outcomes


def _judge_examples(runs: list[Run]) -> bool:
    n_failed = sum(bool(run.fault) for run in runs)
    print(f"examples: {len(runs) - n_failed} passed, {n_failed} failed", flush=True)
    return n_failed == 0


if __name__ == "__main__":
    sys.exit(main())
