"""Several runs of one network side by side."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.compare import statistics
from neurosim.compare.results import IDEAL, ChipRun

if TYPE_CHECKING:
    from rich.table import Table

#: Version of the JSON of :meth:`Comparison.to_json`; keys are only ever added within a version.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """One network on several chips.

    Attributes
    ----------
    name
        What was compared, for example the script's file name.
    runs
        One run per chip, in the order asked for.
    interrupted
        True if the comparison was stopped before the last chip.
    """

    name: str
    runs: tuple[ChipRun, ...]
    interrupted: bool = False

    @property
    def ideal(self) -> ChipRun | None:
        """The run on the ideal reference, if there is one that succeeded."""
        return next((run for run in self.runs if run.chip == IDEAL and not run.error), None)

    @property
    def failed(self) -> tuple[ChipRun, ...]:
        """Runs that gave an error instead of a result."""
        return tuple(run for run in self.runs if run.error)

    def rows(self) -> list[dict[str, Any]]:
        """One plain dictionary per chip; see :func:`row` for the keys."""
        return [row(run, self.ideal) for run in self.runs]

    def table(self) -> Table:
        """The rows as a table for the terminal (``rich``)."""
        from neurosim.compare.tables import comparison_table

        return comparison_table(self)

    def to_json(self, path: str | Path | None = None) -> str:
        """The comparison as JSON text with stable keys; also written to ``path`` if given.

        Numbers that do not exist (a rate without recordings) are ``null``.
        """
        content = {"format": FORMAT, "name": self.name, "interrupted": self.interrupted, "rows": self.rows()}
        text = json.dumps(plain(content), indent=2)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    def plot(self, path: str | Path) -> Path:
        """Draw rasters and rates of all runs into a picture file.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        from neurosim.compare.pictures import draw

        return draw(self, path)

    def __str__(self) -> str:
        from neurosim.compare.tables import as_text

        return as_text(self.table())


def row(run: ChipRun, ideal: ChipRun | None = None) -> dict[str, Any]:
    """One run as a plain dictionary, with its differences from the ideal reference."""
    return {
        "chip": run.chip,
        "title": run.title,
        "error": run.error,
        "interrupted": run.interrupted,
        "n_neurons": run.n_neurons,
        "n_synapses": run.n_synapses,
        "n_cores": run.n_cores,
        "n_chips": run.n_chips,
        "binding": run.binding,
        "synapses_lost": run.synapses_lost(),
        "weight_error": run.weight_error,
        "rate_hz": run.rate_hz(),
        "approximations": list(run.approximations),
        "populations": populations(run, ideal),
        "losses": [asdict(loss) for loss in run.losses],
        "stages_s": {name: round(seconds, 4) for name, seconds in run.stages.items()},
        "duration_ms": run.duration_ms,
        "hardware_s": run.hardware_s,
        "cost": run.cost or None,
    }


def populations(run: ChipRun, ideal: ChipRun | None) -> list[dict[str, Any]]:
    """One dictionary per recorded population; differences only where the ideal recorded it too."""
    reference = dict(enumerate(ideal.spikes)) if ideal is not None else {}
    rows: list[dict[str, Any]] = []
    for index, spikes in enumerate(run.spikes):
        entry: dict[str, Any] = dict(statistics.describe(spikes))
        same = reference.get(index)
        if same is not None and same.label == spikes.label and run.chip != IDEAL:
            entry |= statistics.difference(spikes, same)
        rows.append(entry)
    return rows


def plain(value: Any) -> Any:
    """Value that JSON can hold: no NaN, no infinity, no NumPy types, no tuples."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)
