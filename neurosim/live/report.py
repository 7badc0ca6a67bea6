"""What came in, what went out, and what was dropped and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Traffic:
    """What passed one place, and what did not.

    Attributes
    ----------
    where
        Population, or the address of a UDP port.
    direction
        ``in`` or ``out``.
    unit
        What is counted: ``spikes`` or ``datagrams``.
    passed
        Spikes injected or handed out; datagrams read.
    dropped
        Number dropped by reason. ``unknown key`` counts spikes, at a port as well.
    """

    where: str
    direction: str
    unit: str
    passed: int
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        words = {"in": "injected" if self.unit == "spikes" else "read", "out": "handed out"}
        lost = ", ".join(f"{n:,} {reason}" for reason, n in self.dropped.items())
        return f"{self.where}: {self.passed:,} {self.unit} {words[self.direction]}; dropped: {lost or 'none'}"


@dataclass(frozen=True, slots=True)
class LiveReport:
    """Counts since the first ``live_input()`` or ``live_output()``.

    Attributes
    ----------
    inputs, outputs
        One entry per population that spikes are injected into, and per output.
    ports
        One entry per UDP port that listens.
    """

    inputs: tuple[Traffic, ...] = ()
    outputs: tuple[Traffic, ...] = ()
    ports: tuple[Traffic, ...] = ()

    @property
    def entries(self) -> tuple[Traffic, ...]:
        """All of them."""
        return self.inputs + self.outputs + self.ports

    @property
    def dropped(self) -> int:
        """Everything that was dropped."""
        return sum(sum(entry.dropped.values()) for entry in self.entries)

    def table(self) -> list[dict[str, object]]:
        """Rows as plain dictionaries."""
        return [asdict(entry) for entry in self.entries]

    def losses(self, before: LiveReport) -> str:
        """What was dropped since an earlier report, in one line; empty if nothing was."""
        old = {(entry.where, entry.direction): entry.dropped for entry in before.entries}
        found = []
        for entry in self.entries:
            known = old.get((entry.where, entry.direction), {})
            fresh = {reason: n - known.get(reason, 0) for reason, n in entry.dropped.items() if n > known.get(reason, 0)}
            if fresh:
                found.append(f"{entry.where} ({', '.join(f'{n:,} {reason}' for reason, n in fresh.items())})")
        return "; ".join(found)

    def __str__(self) -> str:
        return "\n".join(map(str, self.entries)) or "no live input or output"
