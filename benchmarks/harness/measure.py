"""Run the sides of a case in turn and take medians."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.harness import processes
from benchmarks.harness.cases import NEUROSIM, Case, Found, Side
from benchmarks.harness.processes import BodyError, Environments

FIRST_SEED = 1001
Runner = Callable[[str, Side, dict[str, Any], Environments], Found]


@dataclass(slots=True)
class Measured:
    """What was measured of a case.

    Attributes
    ----------
    records
        Label of a side -> what it measured, one entry per repeat.
    absent
        Label of a side -> why there is nothing.
    """

    records: dict[str, list[Found]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def medians(self) -> dict[str, Found]:
        """Of every side, the median of every quantity over the repeats."""
        return {label: medians(records) for label, records in self.records.items() if records}


def measure(workload: str, case: Case, environments: Environments, repeats: int, *, run: Runner = processes.run) -> Measured:
    """Run every side ``repeats`` times: first each once, then each once more, so that a busy machine is busy for all.

    Every repeat has a seed of its own, the same for all sides, unless the case names one.
    """
    measured = Measured()
    _warm(workload, case, environments, measured, run)
    for repeat in range(min(repeats, case.repeats or repeats)):
        for side in case.sides:
            if side.label not in measured.absent:
                _once(workload, side, {"seed": FIRST_SEED + repeat, **case.options}, environments, measured, run)
    return measured


def _warm(workload: str, case: Case, environments: Environments, measured: Measured, run: Runner) -> None:
    if case.warm is None:
        return
    for side in {side.body: side for side in case.sides if side.environment == NEUROSIM}.values():
        try:
            run(workload, side, {**case.options, **case.warm}, environments)
        except BodyError as error:
            alike = [other for other in case.sides if (other.body, other.environment) == (side.body, side.environment)]
            measured.absent.update({other.label: str(error) for other in alike})


def _once(workload: str, side: Side, options: dict[str, Any], environments: Environments, measured: Measured, run: Runner) -> None:
    try:
        measured.records.setdefault(side.label, []).append(run(workload, side, options, environments))
    except BodyError as error:
        measured.absent[side.label] = str(error)
        measured.records.pop(side.label, None)


def medians(records: list[Found]) -> Found:
    """The median of every quantity, of lists element by element; of words the first."""
    return {name: _median([record[name] for record in records if name in record]) for name in records[0]}


def _median(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, bool | str | dict):
        return first
    if isinstance(first, list):
        return [statistics.median(column) for column in zip(*values, strict=True)]
    return statistics.median(values)
