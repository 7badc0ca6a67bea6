"""What a run takes where nobody knows time and energy: memory and operations, as a value that prints and saves."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from neurosim.chips.operations import Operations, WordBits
from neurosim.errors import ParameterError, UnknownNameError


@dataclass(frozen=True, eq=False, repr=False)
class OperationsReport:
    """Memory and operations of a run; see :mod:`neurosim.chips.operations` for what is counted.

    Attributes
    ----------
    title
        The chip, or the ideal reference.
    reason
        Why there is no time and no energy.
    dt_ms
        Biological time of a step.
    begin_ms
        When the first step begins.
    n_steps
        Number of steps.
    words
        Sizes of the words that memory is counted in, bits.
    operations
        The numbers.
    """

    title: str
    reason: str
    dt_ms: float
    begin_ms: float
    n_steps: int
    words: WordBits
    operations: Operations

    @property
    def time_s(self) -> None:
        """Not known."""
        return

    @property
    def energy_uj(self) -> None:
        """Not known."""
        return

    def summary(self) -> str:
        """A few lines of text."""
        span = f"{self.n_steps:,} steps of {self.dt_ms:g} ms"
        span += f", from {self.begin_ms:g} ms on; what was before is not in it" if self.begin_ms else ""
        sizes = f"weights of {self.words.weight} bits, states of {self.words.state}" + (" (analogue)" if not self.words.state else "")
        rows = [
            ("algorithmic time", span),
            ("time and energy", f"not known: {self.reason}"),
            ("memory and operations", self.operations.line),
            ("words", sizes),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join([f"Cost on {self.title}", *(f"  {name:<{width}}  {text}" for name, text in rows)])

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<OperationsReport: {self.operations.additions:,} additions in {self.n_steps:,} steps; no time or energy: {self.reason}>"

    def to_csv(self, path: str | Path | None = None, *, what: str = "operations") -> str:
        """The numbers as CSV text with a line of names, also written to ``path`` if given.

        Raises
        ------
        UnknownNameError
            If ``what`` is not ``"operations"``: there are no other tables without a model.
        """
        if what != "operations":
            raise UnknownNameError.among("table", what, ["operations"], where=f"Cost on {self.title}")
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("quantity", "number"), *asdict(self.operations).items()])
        return _written(text.getvalue(), path)

    def to_json(self, path: str | Path | None = None) -> str:
        """All of it as JSON text, also written to ``path`` if given; time and energy are ``null``."""
        found = {
            "chip": self.title,
            "reason": self.reason,
            "n_steps": self.n_steps,
            "dt_ms": self.dt_ms,
            "begin_ms": self.begin_ms,
            "time_s": None,
            "energy_uj": None,
            "words": self.words._asdict(),
            "operations": asdict(self.operations),
        }
        return _written(json.dumps(found, indent=1) + "\n", path)


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            remedy = "Give another path."
            raise ParameterError(f"the file cannot be written: {error}.", where="Cost", used=str(path), remedy=remedy) from None
    return text
