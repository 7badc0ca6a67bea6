"""A chip's passport in Markdown: limits, approximations, every constant with its source, and how far each can be trusted.

Prose that belongs to a chip lies beside its class, in ``<name>.md``; ``{field}`` there stands for a table of
:func:`tables` on a line of its own, or, with the dotted name of a constant, for its value. A chip without such a
file gets the tables one after the other. ``neurosim chips NAME --markdown`` prints the page.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from neurosim.chips.chip import Chip
from neurosim.errors import DatasheetError

_FIELD = re.compile(r"\{([a-z0-9_.]+)\}")
_PLAIN = """## Limits

{limits}

## Approximations

{approximations}

## Constants

{everything}

## Recorded, but read by no code

{facts}

## Doubts

Constants whose confidence is not high.

{doubts}
"""


def markdown(chip: Chip) -> str:
    """The passport of a chip as a page.

    Raises
    ------
    DatasheetError
        If the prose asks for a table or constant that there is not.
    """
    known = tables(chip) | _values(chip)

    def filled(match: re.Match[str]) -> str:
        if match[1] not in known:
            text = f"the passport asks for '{match[1]}', which is neither a constant nor a table."
            raise DatasheetError(text, where=f"Chip '{chip.name}'", used=match[1], limit=sorted(known), remedy="Correct its prose.")
        return known[match[1]]

    head = f"# Passport of {chip.title}\n\n"
    note = f"<!-- written by `neurosim chips {chip.name} --markdown`; change the datasheet or the prose beside it instead -->\n\n"
    return head + note + _FIELD.sub(filled, _prose(chip)).rstrip() + "\n"


def tables(chip: Chip) -> dict[str, str]:
    """Tables of a chip by name; ``constants`` and ``doubts`` are without those of time and energy, which are ``costs``."""
    rows = [(name, constant) for name, constant in chip.sheet.constants() if not name.startswith("facts.")]
    plain = [row for row in rows if not hasattr(row[1], "evidence")]
    return {
        "limits": table(
            ("resource", "limit", "unit", "source"), ((x.resource, shown(x.capacity), x.unit, x.source) for x in chip.limits())
        ),
        "approximations": table(("name", "what happens"), ((f"`{name}`", text) for name, text in chip.approximations.items())),
        "everything": _constants(rows),
        "constants": _constants(plain),
        "costs": _constants([row for row in rows if row not in plain]),
        "facts": _constants([row for row in chip.sheet.constants() if row[0].startswith("facts.")]),
        "doubts": _constants([(name, constant) for name, constant in plain if constant.confidence != "high"]),
        "descriptions": _differences(chip.descriptions),
    }


def _values(chip: Chip) -> dict[str, str]:
    """Constants by name as text; of ranges and lists also each number: ``neurons.refractory.0``."""
    found = {}
    for row in chip.passport():
        found[row.name] = shown(row.value)
        if isinstance(row.value, tuple):
            found.update({f"{row.name}.{k}": shown(part) for k, part in enumerate(row.value)})
    return found


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; ``none`` without rows."""
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return text if len(lines) > 2 else "none"


def shown(value: Any) -> str:
    """A value of a constant as text: numbers with commas, ranges and lists with theirs."""
    if isinstance(value, tuple):
        return ", ".join(f"({shown(part)})" if isinstance(part, tuple) else shown(part) for part in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    return str(value)


def _constants(rows: Sequence[tuple[str, Any]]) -> str:
    kinds = any(hasattr(constant, "evidence") for _, constant in rows)
    header = ("constant", "value", "unit", "confidence", *(["evidence"] if kinds else []), "source")
    return table(header, (_row(name, constant, kinds) for name, constant in rows))


def _row(name: str, constant: Any, kinds: bool) -> list[str]:
    own = [getattr(constant, "evidence", "-")] if kinds else []
    return [f"`{name}`", shown(constant.value), constant.unit, constant.confidence, *own, constant.source]


def _differences(descriptions: Sequence[Any]) -> str:
    """One column per description of a chip, one row per choice in which they may differ."""
    if not descriptions or not is_dataclass(descriptions[0]):
        return "none"
    names = [choice.name for choice in fields(descriptions[0]) if choice.name != "name"]
    rows = ([f"`{name}`", *(shown(getattr(one, name)) for one in descriptions)] for name in names)
    return table(("choice", *(f"`{one.name}`" for one in descriptions)), rows)


def _prose(chip: Chip) -> str:
    try:
        beside = Path(inspect.getfile(type(chip))).with_name(f"{chip.name}.md")
    except (TypeError, OSError):  # a class made in a session has no file
        return _PLAIN
    return beside.read_text(encoding="utf-8") if beside.is_file() else _PLAIN
