"""Datasheets: every constant of a chip with its value, unit, source and confidence.

A datasheet is a TOML file. ``kind`` says which chip it describes; the other tables are checked
against that chip's sheet model. A user may copy one, change a limit and load it by its path.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt, ValidationError

from neurosim.errors import DatasheetError, UnknownNameError, nearest

T = TypeVar("T")
Confidence = Literal["high", "medium", "low"]
Scalar = bool | int | FiniteFloat | str
PositiveFloat = Annotated[FiniteFloat, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
NonNegativeFloat = Annotated[FiniteFloat, Field(ge=0)]


class Sheet(BaseModel):
    """Base of all parts of a datasheet: frozen, nothing unknown, nothing converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Constant(Sheet, Generic[T]):
    """One number of a chip and how far it can be trusted.

    Attributes
    ----------
    value, unit
        The number and its unit, ``"1"`` for none.
    source
        Document, program or measurement it was taken from.
    confidence
        ``high``: read in a primary source or verified by running; ``medium``: quoted by others or
        derived; ``low``: from memory, guessed, or the sources contradict each other.
    """

    value: T
    unit: str
    source: str = Field(min_length=1)
    confidence: Confidence


def _rising(value: tuple[T, T]) -> tuple[T, T]:
    if value[0] > value[1]:  # type: ignore[operator]
        raise ValueError("the smaller number first")
    return value


Fact = Constant[Scalar | tuple[Scalar, ...] | tuple[tuple[Scalar, ...], ...]]
Range = Constant[Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_rising)]]
WholeRange = Constant[Annotated[tuple[int, int], AfterValidator(_rising)]]
Count = Constant[PositiveInt]
Bits = Constant[NonNegativeInt]
Number = Constant[FiniteFloat]
Positive = Constant[PositiveFloat]


class PassportRow(NamedTuple):
    """One line of :meth:`Datasheet.passport`."""

    name: str
    value: Any
    unit: str
    source: str
    confidence: str


class Datasheet(Sheet):
    """What all datasheets have.

    Attributes
    ----------
    kind
        Which chip: ``"hicann"``, ``"spinnaker"``, ``"loihi"`` or ``"loihi2"``.
    title
        The chip's name in reports.
    default_boards, max_boards
        Boards of the machine if the user names no number, and the most there can be.
    facts
        Constants that are recorded with their source, but that no code reads yet.
    """

    kind: str
    title: str = Field(min_length=1)
    default_boards: PositiveInt
    max_boards: PositiveInt
    facts: dict[str, Fact] = Field(default_factory=dict)

    def on_board(self, board: str) -> Self:
        """The same sheet for machines of another kind of board.

        Raises
        ------
        UnknownNameError
            If there is no such board.
        """
        text = f"unknown board '{board}'; there is only one kind."
        raise UnknownNameError(text, where=f"Chip '{self.kind}'", used=board, remedy=f"Use '{self.kind}'.")

    def passport(self) -> list[PassportRow]:
        """Every constant as a row: name, value, unit, source, confidence."""
        return [PassportRow(name, c.value, c.unit, c.source, c.confidence) for name, c in self.constants()]

    def constants(self) -> Iterator[tuple[str, Constant[Any]]]:
        """Every constant with its dotted name, in the order of the model."""
        yield from _constants(self, "")

    def digest(self) -> str:
        """Fingerprint of the whole sheet; differs as soon as one constant does."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def _constants(node: object, prefix: str) -> Iterator[tuple[str, Constant[Any]]]:
    if isinstance(node, Constant):
        yield prefix, node
    elif isinstance(node, Sheet | dict):
        items = node.items() if isinstance(node, dict) else ((name, getattr(node, name)) for name in type(node).model_fields)
        for name, value in items:
            yield from _constants(value, f"{prefix}.{name}" if prefix else name)


def read(path: str | Path, models: dict[str, type[Datasheet]]) -> Datasheet:
    """Datasheet from a TOML file.

    Parameters
    ----------
    path
        File to read.
    models
        Sheet model of each known ``kind``.

    Raises
    ------
    DatasheetError
        If the file cannot be read, is no TOML, has no known ``kind``, or a field is missing,
        unknown or wrong; the message names the file, the field and what was expected.
    """
    where = f"Datasheet '{path}'"
    table = _parse(Path(path), where)
    kind = table.get("kind")
    if kind not in models:
        known = ", ".join(repr(name) for name in models)
        found = "is missing" if kind is None else f"is {kind!r}"
        text = f"field 'kind' {found}; expected one of {known}."
        raise DatasheetError(text, where=where, used=kind, limit=list(models), remedy="Set kind.")
    try:
        return models[str(kind)].model_validate(_tuples(table))
    except ValidationError as error:
        raise _explain(error, models[str(kind)], where) from None


def _parse(path: Path, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasheetError("there is no such file.", where=where, used=str(path), remedy="Check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        text = f"the file cannot be read: {error}."
        raise DatasheetError(text, where=where, used=str(path), remedy="Give a readable text file.") from None
    except tomllib.TOMLDecodeError as error:
        raise DatasheetError(f"the file is not valid TOML: {error}.", where=where, used=str(path), remedy="Correct that place.") from None


def _tuples(node: Any) -> Any:
    """The same tree with tuples for lists, so that a sheet cannot be changed."""
    if isinstance(node, dict):
        return {key: _tuples(value) for key, value in node.items()}
    return tuple(_tuples(value) for value in node) if isinstance(node, list) else node


def _explain(error: ValidationError, model: type[Datasheet], where: str) -> DatasheetError:
    first, *others = error.errors()
    # union branches and tuple positions are noise in the name of a field
    field = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("tuple", "bool", "int", "float", "str", "function")))
    text = {"missing": "is missing", "extra_forbidden": "is unknown"}.get(first["type"])
    more = f" ({len(others)} more faults in this file.)" if others else ""
    if text is None:
        text = f"is {first['input']!r}; expected: {first['msg'].removeprefix('Input ').removeprefix('Value error, ')}"
    remedy = _remedy(first["type"], field, model) + more
    if not field:
        return DatasheetError(f"{first['msg'].removeprefix('Value error, ')}.", where=where, remedy=remedy)
    return DatasheetError(f"field '{field}' {text}.", where=where, used=first["input"], limit=first["msg"], remedy=remedy)


def _remedy(fault: str, field: str, model: type[Datasheet]) -> str:
    if fault == "missing":
        return "Add it; compare with the sheet that comes with neurosim."
    if fault == "extra_forbidden":
        guess = nearest(field.rsplit(".", 1)[-1], _field_names(model))
        return f"Did you mean '{guess}'?" if guess else "Remove it."
    return "Correct the value."


def _field_names(model: Any) -> set[str]:
    names: set[str] = set()
    for name, info in getattr(model, "model_fields", {}).items():
        names |= {name} | _field_names(info.annotation)
    return names
