"""What a measurement is: a case has sides that run in turn, targets to reach and gates to pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NEUROSIM, NEST, BRIAN2, NENGO_LOIHI, LAVA = "neurosim", "NEST", "Brian2", "nengo-loihi", "lava"
"""The environments; a side is called by its environment unless it says otherwise."""

Found = dict[str, Any]
"""Medians of what one side measured; the unit is the end of a quantity's name."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much to run.

    Attributes
    ----------
    full
        Full scale, for ``make bench-full``.
    threads
        Threads of the workloads that run on more than one.
    peer_ms
        Biological time that peers simulate at full scale, in ms.
    """

    full: bool = False
    threads: int = 2
    peer_ms: float = 1000.0


@dataclass(frozen=True, slots=True)
class Side:
    """One column: a body, the environment it runs in, and what it is told beyond the case's options."""

    environment: str
    body: str
    options: dict[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def label(self) -> str:
        """Name of the column."""
        return self.name or self.environment


@dataclass(frozen=True, slots=True)
class Target:
    """What must be reached, by the first side of a case.

    Attributes
    ----------
    quantity
        The quantity measured; smaller is better.
    words
        The quantity in words.
    against
        The side to compare with; then ``at_least`` is how many times more that one needs.
    at_least
        Smallest ratio that counts as reached.
    at_most
        Largest value that counts as reached.
    aim
        A value hoped for.
    """

    quantity: str
    words: str
    against: str = ""
    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A check of correctness: passed, failed, or (``None``) not possible here."""

    what: str
    passed: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure.

    Attributes
    ----------
    label
        What is measured, for people.
    sides
        What runs in turn; targets speak of the first.
    options
        What every side is told.
    shown
        Quantities of the table on the screen, in its order; the results keep all.
    targets
        What must be reached; none where the size is not the one the target speaks of.
    warm
        Options of a first run of neurosim's sides that is not counted, so that kernels are compiled;
        ``None`` for no such run.
    repeats
        Most repeats worth their time; ``None`` for as many as asked for.
    """

    label: str
    sides: tuple[Side, ...]
    options: dict[str, Any] = field(default_factory=dict)
    shown: tuple[str, ...] = ("build_s", "run_factor", "rss_gib", "rate_hz")
    targets: tuple[Target, ...] = ()
    warm: dict[str, Any] | None = field(default_factory=dict)
    repeats: int | None = None
