"""Constants of a datasheet that matter and are not certain, as one ledger entry."""

from __future__ import annotations

from collections.abc import Iterable

from neurosim.chips.datasheet import Datasheet
from neurosim.losses import Loss


def uncertain(sheet: Datasheet, names: Iterable[str]) -> list[Loss]:
    """One ledger entry naming those of the constants whose confidence is not high."""
    known = dict(sheet.constants())
    doubtful = [(name, known[name]) for name in names if known[name].confidence != "high"]
    if not doubtful:
        return []
    detail = "; ".join(f"{name} = {c.value} {c.unit} ({c.confidence} confidence, {c.source})" for name, c in doubtful)
    return [Loss("uncertain", f"Chip '{sheet.kind}'", "constants", len(doubtful), detail=detail + ".")]
