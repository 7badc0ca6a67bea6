"""The loss ledger: nothing is ever lost silently.

Each clip, rounding, merged delay, shared parameter, dropped synapse or spike is one
:class:`Loss`: what happened, where, how often, out of how many, and how large the error is. A
:class:`Ledger` collects them; ``ledger.table()`` gives the rows to print, ``ledger.warn()`` one
warning line per kind.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from neurosim._callable import make_callable
from neurosim.errors import LossWarning

#: Kinds of loss and what each one means; a kind outside this table is a programming error.
KINDS: dict[str, str] = {
    "approximation": "a model or synapse was replaced by one the chip has",
    "clipped": "a value was beyond the chip's range and was set to the nearest limit",
    "rounded": "a value was moved to the chip's grid",
    "zeroed": "a weight became zero on the chip's grid",
    "shared": "a parameter was replaced by the mean of a group that shares one setting",
    "delay": "a delay was changed",
    "synapse": "a synapse could not be realised",
    "neuron": "a neuron could not be realised",
    "spike": "a spike was dropped",
    "saturated": "an accumulator or state variable reached its end",
    "ignored": "a setting has no counterpart on the chip and was ignored",
    "uncertain": "a constant of the chip model that matters here is not certain",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """One kind of loss at one place.

    Attributes
    ----------
    kind
        A key of :data:`KINDS`.
    where
        Population, projection or core concerned.
    what
        Quantity concerned, for example ``"weight"`` or ``"tau_m"``.
    count, total
        How many values were affected, out of how many. ``total`` 0 means not applicable.
    error_mean, error_max
        Mean and largest absolute error among the affected values, in ``unit``.
    unit
        Unit of the errors, ``""`` for none, ``"1"`` for relative errors.
    detail
        One sentence for the user.
    """

    kind: str
    where: str
    what: str
    count: int
    total: int = 0
    error_mean: float = 0.0
    error_max: float = 0.0
    unit: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of loss '{self.kind}'; known: {', '.join(KINDS)}")

    @property
    def fraction(self) -> float:
        """Affected share, 0 to 1; 0 when ``total`` is unknown."""
        return self.count / self.total if self.total else 0.0

    def __str__(self) -> str:
        share = f" ({100 * self.fraction:.3g} % of {self.total:,})" if self.total else ""
        return f"{self.kind}: {self.what} of {self.where}: {self.count:,}{share}{self._error()}. {self.detail}".strip()

    def _error(self) -> str:
        if not self.error_max:
            return ""
        if self.unit == "1":
            return f", error {100 * self.error_mean:.3g} % on average, {100 * self.error_max:.3g} % at most"
        return f", error {self.error_mean:.3g} {self.unit} on average, {self.error_max:.3g} {self.unit} at most".replace("  ", " ")


def users_level() -> int:
    """Stack level, seen from the caller, of the innermost frame that is neither ours nor PyNN's."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("neurosim", "pyNN"):
        frame, level = frame.f_back, level + 1
    return level


@dataclass(slots=True)
class Ledger:
    """Ordered collection of losses of one network on one chip."""

    entries: list[Loss] = field(default_factory=list)

    def add(self, loss: Loss) -> None:
        """Append one loss; an entry with ``count`` 0 is not a loss and is left out."""
        if loss.count:
            self.entries.append(loss)

    def extend(self, losses: Iterable[Loss]) -> None:
        """Append several losses."""
        for loss in losses:
            self.add(loss)

    def of(self, kind: str) -> list[Loss]:
        """Losses of one kind, in order."""
        return [loss for loss in self.entries if loss.kind == kind]

    def count(self, kind: str) -> int:
        """Number of values affected by one kind of loss."""
        return sum(loss.count for loss in self.of(kind))

    def kinds(self) -> list[str]:
        """Kinds that occur, in the order of :data:`KINDS`."""
        return [kind for kind in KINDS if self.of(kind)]

    def table(self) -> list[dict[str, object]]:
        """Rows as plain dictionaries, ready for JSON or a table."""
        return [asdict(loss) for loss in self.entries]

    def warn(self) -> None:
        """Give one :class:`~neurosim.errors.LossWarning` per kind that occurs, at the user's line."""
        for kind in self.kinds():
            losses = self.of(kind)
            more = f" And {len(losses) - 1} more of this kind; losses() has all." if len(losses) > 1 else ""
            warnings.warn(f"{losses[0]}{more}", LossWarning, stacklevel=users_level())

    def __iter__(self) -> Iterator[Loss]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __str__(self) -> str:
        return "\n".join(str(loss) for loss in self.entries) or "nothing lost"


make_callable(__name__)  # sim.losses() is the current ledger
