"""Results as files: what is kept of a workload, written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.harness import machine
from benchmarks.harness.cases import BRIAN2, NEST, Case, Gate, Target
from benchmarks.harness.measure import Measured

FOLDER = Path(__file__).resolve().parents[1] / "results"


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptTarget(_Kept):
    """A target and what was measured; ``ratio`` where it is against a peer, ``reached`` is ``None`` where that cannot be told."""

    words: str
    quantity: str
    value: float | None
    peer: str
    peer_value: float | None
    ratio: float | None
    at_least: float | None
    at_most: float | None
    aim: float | None
    reached: bool | None


class KeptGate(_Kept):
    """A gate and its outcome; ``None``: could not be checked."""

    what: str
    passed: bool | None
    words: str


class KeptCase(_Kept):
    """A case: its options, all records of all sides, their medians, targets and gates."""

    label: str
    options: dict[str, Any]
    shown: list[str]
    records: dict[str, list[dict[str, Any]]]
    medians: dict[str, dict[str, Any]]
    absent: dict[str, str]
    targets: list[KeptTarget]
    gates: list[KeptGate]


class Report(_Kept):
    """One workload at one size, and what it was measured on."""

    format: Literal["neurosim benchmark 1"] = "neurosim benchmark 1"
    workload: str
    question: str
    full: bool
    repeats: int
    date: str
    commit: str
    machine: dict[str, Any]
    cases: list[KeptCase]

    @property
    def failed(self) -> list[str]:
        """Gates that did not pass and bodies of ours that did not run."""
        gates = [f"{gate.what}: {gate.words}" for case in self.cases for gate in case.gates if gate.passed is False]
        return gates + [f"{case.label}: {side} {why}" for case in self.cases for side, why in case.absent.items() if not _peer(side)]

    @property
    def missed(self) -> list[str]:
        """Targets that were not reached."""
        return [f"{case.label}: {target.words}" for case in self.cases for target in case.targets if target.reached is False]


def _peer(side: str) -> bool:
    return side in (NEST, BRIAN2)


class ResultFileError(ValueError):
    """A file that is not a result of this version."""


def kept(case: Case, measured: Measured, gates: list[Gate]) -> KeptCase:
    """All that is kept of a case."""
    medians = measured.medians
    return KeptCase(
        label=case.label,
        options=case.options,
        shown=list(case.shown),
        records=measured.records,
        medians=medians,
        absent=measured.absent,
        targets=[judge(target, case.sides[0].label, medians) for target in case.targets],
        gates=[KeptGate(what=gate.what, passed=gate.passed, words=gate.words) for gate in gates],
    )


def judge(target: Target, ours: str, medians: dict[str, dict[str, Any]]) -> KeptTarget:
    """Hold a target against the medians."""
    value = medians.get(ours, {}).get(target.quantity)
    peer_value = medians.get(target.against, {}).get(target.quantity)
    ratio = peer_value / value if value and peer_value is not None else None
    checks = []
    if target.at_least is not None:
        checks.append(None if ratio is None else ratio >= target.at_least)
    if target.at_most is not None:
        checks.append(None if value is None else value <= target.at_most)
    return KeptTarget(
        words=target.words,
        quantity=target.quantity,
        value=value,
        peer=target.against,
        peer_value=peer_value,
        ratio=ratio,
        at_least=target.at_least,
        at_most=target.at_most,
        aim=target.aim,
        reached=None if None in checks else all(checks),
    )


def report(workload: str, question: str, cases: list[KeptCase], *, full: bool, repeats: int, facts: dict[str, Any]) -> Report:
    """The report of a workload measured now; ``facts`` are the machine's, from before the first run."""
    return Report(
        workload=workload,
        question=question,
        full=full,
        repeats=repeats,
        date=machine.now(),
        commit=machine.commit(),
        machine=facts,
        cases=cases,
    )


def path(workload: str, full: bool, folder: Path = FOLDER) -> Path:
    """The file of a workload."""
    return folder / f"{workload}{'.full' if full else ''}.json"


def save(kept_report: Report, folder: Path = FOLDER) -> Path:
    """Write a report; one that was there is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    file = path(kept_report.workload, kept_report.full, folder)
    file.write_text(kept_report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return file


def load(file: Path) -> Report:
    """Read a report.

    Raises
    ------
    ResultFileError
        If the file is something else.
    """
    try:
        return Report.model_validate_json(file.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ResultFileError(f"{file.name} is not a benchmark result of this version: {where}: {first['msg']}") from None


def load_all(names: tuple[str, ...], folder: Path = FOLDER) -> list[Report]:
    """Every report there is, in the order of ``names``, full size first."""
    files = [path(name, full, folder) for name in names for full in (True, False)]
    return [load(file) for file in files if file.exists()]
