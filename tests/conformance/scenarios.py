"""Run PyNN's scenario tests, each file in a process and a scratch folder of its own.

One process per file, because a failed test can leave recorders behind that fail the next ones.
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

from jobs import Job, Setting, run_all
from suite import scenario_files


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test file."""

    file: str
    seconds: float
    passed: int = 0
    skipped: tuple[str, ...] = ()
    failed: tuple[str, ...] = field(default=())


def run_scenarios(setting: Setting, sdist: Path, *, only: str = "") -> list[Outcome]:
    """Outcome of each test file whose name contains ``only``."""
    files = [path for path in scenario_files(sdist) if only in path.stem]
    jobs = [Job(path.stem, _command(path), {"CONFORMANCE_SUITE": str(sdist / "test")}) for path in files]
    return run_all(setting, jobs, _run_file, report=_report)


def _command(path: Path) -> list[str]:
    options = ["-q", "-p", "backend_plugin", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", ".", "--junitxml", "outcome.xml"]
    return [sys.executable, "-m", "pytest", *options, "-W", "ignore", str(path)]


def _run_file(job: Job, folder: Path, environment: dict[str, str], timeout_s: float) -> Outcome:
    start_s = time.monotonic()
    try:
        done = subprocess.run(job.command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return Outcome(job.name, time.monotonic() - start_s, failed=(f"{job.name}: no end after {timeout_s:g} s",))
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    seconds = time.monotonic() - start_s
    xml = folder / "outcome.xml"
    if not xml.exists():
        return Outcome(job.name, seconds, failed=(f"{job.name}: {_last_line(done.stderr or done.stdout)}",))
    return _read(job.name, seconds, xml)


def _read(name: str, seconds: float, xml: Path) -> Outcome:
    cases = list(ET.parse(xml).iter("testcase"))
    failed = tuple(_describe(name, case) for case in cases if _child(case, "failure", "error") is not None)
    skipped = tuple(f"{name}::{case.get('name')}" for case in cases if _child(case, "skipped") is not None)
    return Outcome(name, seconds, passed=len(cases) - len(failed) - len(skipped), skipped=skipped, failed=failed)


def _child(case: ET.Element, *tags: str) -> ET.Element | None:
    return next((child for child in case if child.tag in tags), None)


def _describe(name: str, case: ET.Element) -> str:
    fault = _child(case, "failure", "error")
    message = (fault.get("message") or "") if fault is not None else ""
    return f"{name}::{case.get('name')}: {message.splitlines()[0][:140] if message else 'no message'}"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:140] if lines else "no output"


def _report(outcome: Outcome) -> str:
    state = "FAIL" if outcome.failed else "ok  "
    counts = f"{outcome.passed} passed, {len(outcome.failed)} failed, {len(outcome.skipped)} skipped"
    return f"{state} {outcome.seconds:6.1f} s  {outcome.file:28s} {counts}"
