"""What was lost, as a table that reads as sentences."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from neurosim.compare.results import ChipRun
from neurosim.compare.tables import grid, percent
from neurosim.losses import KINDS, Loss

#: Lines shown per chip where not all are asked for.
SHOWN_LOSSES = 6


def loss_table(runs: Iterable[ChipRun], *, limit: int = SHOWN_LOSSES, more: str = "--json has them all") -> Table:
    """What was lost, chip by chip; equal losses of several places or quantities in one line.

    Parameters
    ----------
    limit
        Lines at most per chip; those left out are counted.
    more
        Where to find the lines left out.
    """
    table = grid("what was lost", ("chip", "kind", "what, where, how many values, how large the error|"))
    hidden = 0
    for run in runs:
        lines = gathered(run.losses)
        hidden += max(0, len(lines) - limit)
        for position, loss in enumerate(lines[:limit]):
            table.add_row("" if position else run.chip, loss.kind, sentence(loss, run.chip))
    if hidden:
        table.caption = f"{hidden:,} more lines; {more}"
    return table


def sentence(loss: Loss, chip: str) -> str:
    """A loss in words."""
    if loss.kind == "uncertain":
        plural = "constant that matters here is" if loss.count == 1 else "constants that matter here are"
        return f"{loss.count:,} {plural} not certain; 'neurosim chips {chip}' marks them"
    share = f" ({percent(loss.fraction)})" if loss.total else ""
    return f"{loss.what} of {loss.where}: {loss.count:,}{share}{error_text(loss, before=', error ')}. {loss.detail}".strip()


def error_text(loss: Loss, *, before: str = "") -> str:
    """Mean error of the values concerned with its unit; empty if there is none."""
    if not loss.error_mean:
        return ""
    return f"{before}{percent(loss.error_mean) if loss.unit == '1' else f'{loss.error_mean:.3g} {loss.unit}'.strip()}"


def gathered(losses: Iterable[Loss]) -> list[Loss]:
    """Losses of one kind and one explanation put together, in the order of the kinds, the most frequent first."""
    groups: dict[tuple[str, str], list[Loss]] = {}
    for loss in losses:
        groups.setdefault((loss.kind, loss.detail or loss.what), []).append(loss)
    order = list(KINDS)
    return sorted((_together(group) for group in groups.values()), key=lambda loss: (order.index(loss.kind), -loss.count))


def _together(group: list[Loss]) -> Loss:
    first, count = group[0], sum(loss.count for loss in group)
    places = list(dict.fromkeys(loss.where for loss in group))
    same_unit = len({loss.unit for loss in group}) == 1
    return Loss(
        first.kind,
        first.where if len(places) == 1 else f"{first.where} and {len(places) - 1} more",
        ", ".join(dict.fromkeys(loss.what for loss in group)),
        count,
        sum(loss.total for loss in group) if all(loss.total for loss in group) else 0,
        sum(loss.error_mean * loss.count for loss in group) / count if count and same_unit else 0.0,
        max(loss.error_max for loss in group) if same_unit else 0.0,
        first.unit,
        first.detail,
    )
