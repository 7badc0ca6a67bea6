"""Why a network does not fit, in numbers, and a change that was tried and works."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.chips.chip import Chip, Limit
from neurosim.errors import PlacementError
from neurosim.mapping.budget import Budget
from neurosim.mapping.explain_tries import Case, Remedy, attempt, avoided, bounded, solve
from neurosim.mapping.mapping import Mapping
from neurosim.mapping.options import Options
from neurosim.mapping.partition import _largest
from neurosim.mapping.pins import Pin, cores_at, describe, machine
from neurosim.mapping.place import assign
from neurosim.mapping.summary import table
from neurosim.mapping.usage import Binding
from neurosim.network import Network

#: Kinds of reasons and what each says.
KINDS = {
    "": "It fits.",
    "neuron": "One neuron exceeds a limit; splitting its population does not help.",
    "population": "One population alone needs more than the machine has.",
    "machine": "All populations together need more than the machine has.",
    "routing": "A routing table is too small.",
    "reach": "Dead parts cut the machine apart.",
    "pin": "A manual placement cannot be kept.",
}
_MAX_ROWS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """What one population needs at least.

    Attributes
    ----------
    population, size
        Label and number of cells that are placed.
    parts
        Per limited resource the smallest number of cores (of chips, for what the cores of a chip share)
        that it allows; ``None`` if one neuron alone exceeds it.
    cores
        Smallest number of cores under all limits of a core; ``None`` if there is none.
    binding
        The resource that asks for most.
    """

    population: str
    size: int
    parts: Table[str, int | None]
    cores: int | None
    binding: str


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a network does not fit a chip, or how much room is left; printed on one screen.

    Attributes
    ----------
    fits
        True if it was placed; ``kind`` is empty then.
    kind
        ``"neuron"``, ``"population"``, ``"machine"``, ``"routing"``, ``"reach"`` or ``"pin"``; see :data:`KINDS`.
    population, place
        Names of what does not fit and where, empty if that is not the point.
    resource, needed, available
        What runs out, how much is needed, and how much there is. If it fits: cores used and usable. Where
        a place does not exist: that place, and what there is, in words.
    unit
        Unit of both, empty for plain numbers.
    message
        The error in its own words.
    needs
        One row per population that is placed, in their order.
    dead
        Places and links that are dead or to be avoided, where that may be the reason.
    remedies, tried
        Changes that work; all that were tried.
    binding
        Fullest resource if it fits, else ``None``.
    error
        As ``map_network`` raises it, without what it proposes; ``None`` if it fits.
    seconds
        Time that all of this took.
    """

    fits: bool
    machine: str
    kind: str
    population: str = ""
    place: str = ""
    resource: str = ""
    needed: int | str | None = None
    available: int | str | None = None
    unit: str = ""
    message: str = ""
    needs: tuple[Need, ...] = ()
    dead: tuple[str, ...] = ()
    tried: tuple[Remedy, ...] = ()
    binding: Binding | None = None
    error: PlacementError | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """The changes that work."""
        return tuple(remedy for remedy in self.tried if remedy.works)

    @property
    def room(self) -> float:
        """Part of what is available that is left if it fits (0 to 1), else 0."""
        known = self.fits and isinstance(self.needed, int) and isinstance(self.available, int) and self.available > 0
        return 1.0 - self.needed / self.available if known else 0.0  # type: ignore[operator]

    def __str__(self) -> str:
        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """The same in plain values under stable keys, as for JSON; remedies with the fields that they change."""
        plain = ("fits", "machine", "kind", "population", "place", "resource", "needed", "available", "unit", "message", "room")
        return {
            **{name: getattr(self, name) for name in plain},
            "needs": [{**asdict(need), "parts": dict(need.parts)} for need in self.needs],
            "dead": list(self.dead),
            "tried": [{"text": remedy.text, "works": remedy.works, "change": _plain(remedy.change)} for remedy in self.tried],
            "binding": None if self.binding is None else str(self.binding),
        }


def explain(network: Network, chip: Chip, *, pins: Sequence[Pin] = (), options: Options | None = None) -> Explanation:
    """Why a network does not fit a chip, and changes with which it does.

    Parameters
    ----------
    network
        In the chip's terms, as :meth:`Chip.translate` gives it.
    chip, pins, options
        As for ``map_network``.

    Returns
    -------
    Explanation
        Printing it fills one screen. Every remedy was tried by solving again; the time for that is bounded.

    Raises
    ------
    NeurosimError
        What ``map_network`` raises for other reasons than a lack of room, such as a pin on a neuron that does not exist.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> found = explain(network, chips.load(chips.available()[0]))
    >>> found.fits, found.kind, found.needed
    (True, '', 1)
    """
    begun = time.perf_counter()
    case = Case(network, chip, tuple(pins), options or Options())
    found = _answer(case)
    return replace(found, seconds=time.perf_counter() - begun)


def _plain(change: Table[str, Any]) -> dict[str, Any]:
    """Fields of a change without objects: pins as what they pin where, places in words."""

    def pin_in_words(pin: Pin) -> dict[str, Any]:
        n_neurons = None if pin.indices is None else len(pin.indices)
        return {"population": pin.population, "n_neurons": n_neurons, "place": None if pin.coordinate is None else describe(pin.coordinate)}

    words: dict[str, Any] = {
        "pins": lambda pins: [pin_in_words(pin) for pin in pins],
        "avoid": lambda places: [describe(place) for place in places],
        "avoid_links": lambda links: [[describe(end) for end in link] for link in links],
    }
    return {name: words[name](value) if name in words else value for name, value in change.items()}


def _answer(case: Case) -> Explanation:
    try:
        return _room(case, Case(case.network, case.chip, case.pins, replace(case.options, effort="fast")))
    except PlacementError as error:
        refused = error
    if case.options.searches:
        try:
            return _room(case, Case(case.network, case.chip, case.pins, bounded(case.options)))
        except PlacementError as error:
            refused = error
    return _refusal(case, refused)


def _room(case: Case, solved: Case) -> Explanation:
    """What is left, of a case that fits."""
    configured, (parts, real, routing) = solve(solved)
    sizes = [p.size for p in case.network.populations]
    core_of, local_of = assign(parts, real, sizes)
    mapping = Mapping(case.network, configured, core_of, local_of, case.pins, 0, options=solved.options, routed=routing)
    dead = np.unique(np.concatenate([np.empty(0, np.int64), *(cores_at(configured.cores(), place) for place in case.options.avoid)]))
    return Explanation(
        True,
        machine(case.chip),
        "",
        resource="cores",
        needed=mapping.n_cores_used,
        available=len(configured.cores().core) - len(dead),
        needs=needs_of(Budget.of(case.network, configured)),
        binding=mapping.binding,
    )


def _refusal(case: Case, error: PlacementError) -> Explanation:
    """Kind, numbers and remedies, of a case that does not fit."""
    configured = case.chip.configure(case.network, case.pins)
    needs = needs_of(Budget.of(case.network, configured))
    kind = _kind(configured, error, needs)
    needed, available = _numbers(kind, error, needs)
    tries = attempt(kind, case, error)
    units = {limit.resource: limit.unit for limit in configured.limits()}
    return Explanation(
        False,
        machine(case.chip),
        kind,
        error.population,
        error.core or (str(needed) if isinstance(needed, str) else ""),
        error.resource,
        needed,
        available,
        units.get(error.resource, ""),
        error.message,
        needs,
        () if kind == "neuron" else tuple(avoided(case.options)),
        tuple(tries.done),
        error=error,
    )


def _numbers(kind: str, error: PlacementError, needs: Sequence[Need]) -> tuple[int | str | None, int | str | None]:
    """What is needed and what there is, as far as that can be said in numbers or is a place."""
    used, limit = error.used, error.limit
    if isinstance(limit, str) and used is not None:
        return describe(used), limit
    if kind == "reach" or not isinstance(used, int) or not isinstance(limit, int):
        return None, None
    if error.resource == "cores" and used == 0:
        return sum(need.cores or 0 for need in needs), 0
    return used, limit


def _kind(chip: Chip, error: PlacementError, needs: Sequence[Need]) -> str:
    """Kind of reason; see :data:`KINDS`."""
    if re.search(r"\bpinned\b", re.sub(r"'[^']*'", "", error.message)):
        return "pin"
    if error.resource == "routes":
        return "reach"
    if error.resource in {"keys", *(limit.resource for limit in chip.limits() if limit.scope == "router")}:
        return "routing"
    if any(None in need.parts.values() for need in needs):
        return "neuron"
    return "population" if any(_alone_too_large(chip, need) for need in needs) else "machine"


def _alone_too_large(chip: Chip, need: Need) -> bool:
    table_of_cores = chip.cores()
    there = {"core": len(table_of_cores.core), "chip": len(np.unique(table_of_cores.chip))}
    scope = {limit.resource: limit.scope for limit in chip.limits()}
    return any(least is not None and least > there[scope[name]] > 0 for name, least in need.parts.items())


# --- what populations need -----------------------------------------------------------------------
def needs_of(budget: Budget) -> tuple[Need, ...]:
    """Smallest number of cores or chips by each hard limit, for every population that is placed."""
    chip = budget.chip
    placed = [p.id for p in budget.network.populations if p.size and (chip.places_sources or not p.is_source)]
    return tuple(_need(budget, population) for population in placed)


def _need(budget: Budget, population: int) -> Need:
    group = budget.network.populations[population]
    parts = {limit.resource: _least(budget, population, k, limit) for k, limit in enumerate(budget.limits) if limit.hard}
    of_cores = {limit.resource: parts[limit.resource] for limit in budget.limits[: budget.n_core_limits] if limit.hard}
    never = [name for name, least in parts.items() if least is None]
    cores = None if None in of_cores.values() else max((n for n in of_cores.values() if n is not None), default=0)
    most = max(of_cores, key=lambda name: of_cores[name] or 0, default="")
    return Need(group.label, group.size, parts, cores, never[0] if never else most)


def _least(budget: Budget, population: int, k: int, limit: Limit) -> int | None:
    """Cores or chips that one limit asks for: cells divided by those that keep it together, rounded up."""
    size = budget.network.populations[population].size
    room = _largest(lambda n: int(budget.use(population, n)[k]) <= limit.capacity, size)
    return -(-size // room) if room else None


# --- one screen ------------------------------------------------------------------------------------
def text(found: Explanation) -> str:
    """The explanation as plain text."""
    head = f"{found.machine}: {'the network fits' if found.fits else 'the network does not fit'}"
    rows = _room_rows(found) if found.fits else _reason_rows(found)
    lines = [head, *(f"  {name:<9}  {line}" for name, line in rows)]
    if found.needs:
        lines += ["", "At least so many cores (chips, for what a chip shares) by each limit:", _need_table(found.needs)]
    if not found.fits:
        lines += ["", *_remedy_lines(found)]
    return "\n".join(lines)


def _room_rows(found: Explanation) -> list[tuple[str, str]]:
    return [
        ("cores", f"{found.needed:,} of {found.available:,} used, {100 * found.room:.3g} % left"),
        ("binding", str(found.binding or "nothing is used")),
    ]


def _reason_rows(found: Explanation) -> list[tuple[str, str]]:
    rows = [("reason", f"{found.kind}: {KINDS[found.kind]}"), ("in words", found.message)]
    rows += [("where", found.place)] if found.place else []
    if found.needed is not None and found.available is not None:
        rows += [("needed", _amount(found, found.needed)), ("available", _amount(found, found.available))]
    if found.dead:
        shown = ", ".join(found.dead[:8])
        rows.append(("dead", shown + (f" and {len(found.dead) - 8:,} more" if len(found.dead) > 8 else "")))
    return rows


def _amount(found: Explanation, n: int | str) -> str:
    return n if isinstance(n, str) else Limit(found.resource, "", 0, found.unit or "1", "").amount(n)


def _need_table(needs: Sequence[Need]) -> str:
    names = list(needs[0].parts)
    order = sorted(needs, key=lambda need: -1 if None in need.parts.values() else 1 / (1 + (need.cores or 0)))
    rows = [
        [need.population, f"{need.size:,}", *(_count(need.parts[name]) for name in names), _count(need.cores), need.binding]
        for need in order[:_MAX_ROWS]
    ]
    if len(needs) > 1:
        total = sum(need.cores or 0 for need in needs)
        rows.append(["together", f"{sum(n.size for n in needs):,}", *("" for _ in names), _count(total), ""])
    lines = table(["population", "cells", *names, "cores", "binding"], rows).splitlines()
    more = len(needs) - _MAX_ROWS
    return "\n".join([*lines, *([f"... and {more:,} more population{'s' if more > 1 else ''}"] if more > 0 else [])])


def _count(n: int | None) -> str:
    return "never" if n is None else f"{n:,}"


def _remedy_lines(found: Explanation) -> list[str]:
    failed = [remedy.text for remedy in found.tried if not remedy.works]
    works = ["What was tried and works:", *(f"  {remedy.text}" for remedy in found.remedies)]
    if not found.remedies:
        works = ["Nothing that was tried works."]
    return [*works, *(["Tried, but does not work:", *(f"  {line}" for line in failed)] if failed else [])]
