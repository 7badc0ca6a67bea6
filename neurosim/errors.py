"""Every error neurosim raises on purpose.

One base class, :class:`NeurosimError`. Each error says what is wrong, where, which limit was
met, by how much, and what to do; the same facts are attributes, so that a program can react to
them without parsing text. Each class also inherits the builtin exception it is, so ``except
ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}" if abs(value) < 1e15 else f"{value:g}"
    return f"{value:.6g}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Known name most like ``name``, or ``None`` when nothing is similar."""
    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return found[0] if found else None


class NeurosimError(Exception):
    """Base of all errors raised on purpose by neurosim.

    Parameters
    ----------
    message
        One or two sentences: what is wrong.
    where
        Object concerned, for example ``"Population 'exc'"``.
    limit, used
        Limit that was met and the value that was asked for, in the unit named by ``message``.
    remedy
        What to do about it, as an instruction.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        limit: object = None,
        used: object = None,
        remedy: str = "",
    ) -> None:
        self.message = message
        self.where = where
        self.limit = limit
        self.used = used
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head} {self.remedy}".strip()


class ParameterError(NeurosimError, ValueError):
    """A value is outside its range, has the wrong sign, shape or unit, or is not a number."""


class UnknownNameError(NeurosimError, KeyError):
    """A name (keyword, chip, parameter, variable, population) is not known."""

    @classmethod
    def among(cls, kind: str, name: object, known: Iterable[str], *, where: str = "") -> UnknownNameError:
        """Error that lists what is known and proposes the nearest name."""
        names = sorted(str(item) for item in known)
        guess = nearest(str(name), names)
        hint = f"Did you mean '{guess}'?" if guess else f"Known: {', '.join(names)}."
        return cls(f"unknown {kind} '{name}'.", where=where, used=name, limit=names, remedy=hint)


class NetworkError(NeurosimError, ValueError):
    """The network description contradicts itself (sizes, selections, receptors, set-ups)."""


class StateError(NeurosimError, RuntimeError):
    """A call came at the wrong time, for example before ``setup()`` or after ``end()``."""


class UnsupportedError(NeurosimError, NotImplementedError):
    """The chip or the engine does not have the requested feature.

    ``option`` names the approximation that would accept it, if there is one.
    """

    def __init__(self, message: str, *, option: str | None = None, **fields: object) -> None:
        self.option = option
        super().__init__(message, **fields)  # type: ignore[arg-type]


class DatasheetError(NeurosimError, ValueError):
    """A chip's datasheet is missing, malformed, or has a missing or wrong field."""


class PlacementError(NeurosimError, RuntimeError):
    """The network does not fit the chip; ``resource`` names the limit that was met.

    Attributes
    ----------
    population, projection, core, resource
        Names of what did not fit, where, and which limited resource ran out ("" if not applicable).
    """

    def __init__(
        self,
        message: str = "",
        *,
        population: str = "",
        projection: str = "",
        core: str = "",
        resource: str = "",
        used: object = None,
        limit: object = None,
        remedy: str = "",
    ) -> None:
        self.population = population
        self.projection = projection
        self.core = core
        self.resource = resource
        subject = f"Population '{population}'" if population else f"Projection '{projection}'" if projection else "The network"
        text = message or (f"{subject} does not fit on {core}: it needs {_number(used)} {resource}, the limit is {_number(limit)}.")
        super().__init__(text, used=used, limit=limit, remedy=remedy)

    def with_remedy(self, remedy: str) -> PlacementError:
        """The same error with another remedy."""
        fields = {name: getattr(self, name) for name in ("population", "projection", "core", "resource", "used", "limit")}
        return PlacementError(self.message, **fields, remedy=remedy)


class MappingFileError(NeurosimError, ValueError):
    """A saved mapping cannot be read, was edited, or belongs to another network, chip or version."""


class StateFileError(NeurosimError, ValueError):
    """A saved state cannot be written or read, is damaged, or belongs to another network or version."""


class RecordFileError(NeurosimError, OSError):
    """A file of recordings cannot be made, written or read; nothing that was recorded is thrown away.

    What could not be written stays in memory, and a run goes on once the cause is removed.
    """


class MemoryLimitError(NeurosimError, MemoryError):
    """What was asked for needs more memory than there is; ``used`` and ``limit`` are bytes."""


class NumericalError(NeurosimError, ArithmeticError):
    """A state of a running network is no number any more."""


class VerificationError(NeurosimError, AssertionError):
    """A mapping breaks a rule of its chip; ``faults`` lists every broken rule found."""

    def __init__(self, message: str, *, faults: tuple[str, ...] = (), **fields: object) -> None:
        self.faults = faults
        super().__init__(message, **fields)  # type: ignore[arg-type]


class ScriptError(NeurosimError, RuntimeError):
    """A user script could not be read or raised an exception while it ran."""


class SocketError(NeurosimError, OSError):
    """A UDP port cannot be opened, or a host is not known."""


class MissingExtraError(NeurosimError, ImportError):
    """An optional dependency is not installed; the remedy is the pip line to type."""

    @classmethod
    def of(cls, package: str, extra: str) -> MissingExtraError:
        """Error naming the missing ``package`` and the extra that brings it."""
        return cls(f"this needs the package '{package}'.", used=package, remedy=f"pip install 'neurosim-chips[{extra}]'")


class LossWarning(UserWarning):
    """One line per kind of loss; the ledger holds the rest."""
