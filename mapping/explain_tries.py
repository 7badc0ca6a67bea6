"""Changes that let a network fit: each is tried by solving again, and only those that work are offered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from neurosim.chips.chip import Chip
from neurosim.errors import NeurosimError, PlacementError
from neurosim.mapping.budget import Budget
from neurosim.mapping.explain_scale import inputs_of, pins_of_fewer_cells, with_fewer_cells, with_fewer_inputs
from neurosim.mapping.options import Options
from neurosim.mapping.pins import Pin, check_pins, describe, neurons_of
from neurosim.mapping.pipeline import _solve, boards_needed
from neurosim.mapping.reach import expected_synapses
from neurosim.network import Network

#: No more is tried after so many solutions, or seconds.
MAX_TRIES = 40
MAX_SECONDS = 4.0
_SECONDS_IF_WORKING = 1.5
_SECONDS_OF_EFFORT = 2.0
_TRIES_OF_A_FACTOR = 9
_TRIES_OF_ONE_PLACE = 6
_SMALL = 2_000_000
"""Synapses and cells of a network that is small enough to be solved again with more than the least effort."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What was to be placed, where and how."""

    network: Network
    chip: Chip
    pins: tuple[Pin, ...] = ()
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True, eq=False)
class Remedy:
    """One change and whether the network fits with it.

    Attributes
    ----------
    text
        What to do, as an instruction.
    change
        The same as fields: ``n_boards``; ``cells`` (part kept, see :func:`with_fewer_cells`); ``inputs`` (part
        kept, see :func:`with_fewer_inputs`) with ``population``; ``pins``; ``avoid``, ``avoid_links``,
        ``effort`` and ``seconds`` of :class:`Options`.
    works
        True if solving again with the change succeeded.
    """

    text: str
    change: Mapping[str, Any]
    works: bool

    def apply(self, network: Network, chip: Chip, pins: Sequence[Pin] = (), options: Options | None = None) -> Case:
        """What to give to ``map_network`` instead, with attributes ``network``, ``chip``, ``pins`` and ``options``."""
        return changed(Case(network, chip, tuple(pins), options or Options()), self.change)

    def __str__(self) -> str:
        return self.text


def changed(case: Case, change: Mapping[str, Any]) -> Case:
    """The case with the fields of a change."""
    network, chip, pins = case.network, case.chip, change.get("pins", case.pins)
    if "cells" in change:
        pins = pins_of_fewer_cells(network, pins, change["cells"])
        network = with_fewer_cells(network, change["cells"])
    if "inputs" in change:
        network = with_fewer_inputs(network, change["inputs"], change.get("population"))
    if "n_boards" in change:
        chip = chip.with_boards(change["n_boards"])
    asked = {name: change[name] for name in ("avoid", "avoid_links", "effort", "seconds") if name in change}
    return Case(network, chip, tuple(pins), replace(case.options, **asked))


def bounded(options: Options) -> Options:
    """The same effort for some seconds only."""
    return replace(options, seconds=min(options.seconds or _SECONDS_OF_EFFORT, _SECONDS_OF_EFFORT))


def solve(case: Case) -> tuple[Chip, tuple[Any, Any, Any]]:
    """The chip as configured, and partition, real cores and routes.

    Raises
    ------
    PlacementError
        If the case does not fit; without a remedy that would take time to find.
    """
    check_pins(case.network, case.pins)
    configured = case.chip.configure(case.network, case.pins)
    return configured, _solve(case.network, configured, case.pins, case.options, 0, {})


@dataclass(slots=True, eq=False)
class Tries:
    """What was tried for one case so far.

    Attributes
    ----------
    case, error
        What does not fit, and what was said about it.
    done
        Every change that was decided on, in order, the ones that do not work too.
    n_solved
        How often the case was solved again.
    """

    case: Case
    error: PlacementError
    done: list[Remedy] = field(default_factory=list)
    n_solved: int = 0
    begun: float = field(default_factory=time.perf_counter)

    @property
    def may_go_on(self) -> bool:
        """False when enough was tried."""
        return self.n_solved < MAX_TRIES and time.perf_counter() - self.begun < MAX_SECONDS

    @property
    def works(self) -> bool:
        """True if something was found."""
        return any(remedy.works for remedy in self.done)

    @property
    def ratio(self) -> float:
        """What there is divided by what is needed; a half if unknown."""
        used, limit = self.error.used, self.error.limit
        known = isinstance(used, int) and isinstance(limit, int) and 0 < limit < used
        return limit / used if known else 0.5  # type: ignore[operator]

    def fits(self, change: Mapping[str, Any]) -> bool:
        """Whether the case fits with a change, with the least effort unless the change says which."""
        if not self.may_go_on:
            return False
        self.n_solved += 1
        try:
            solve(changed(self.case, {"effort": "fast", **change}))
        except NeurosimError:
            return False
        return True

    def offer(self, text: str, change: Mapping[str, Any], works: bool | None = None) -> bool:
        """Note a change; tries it unless that was done. Gives whether it works.

        Where the effort asked for would not do, or would take long to try, the change says to use the least.
        """
        works = self.fits(change) if works is None else works
        if works and "effort" not in change and self.case.options.searches and not self._fits_as_asked(change):
            text, change = f'{text} With effort="fast".', {**change, "effort": "fast"}
        self.done.append(Remedy(text, dict(change), works))
        return works

    def _fits_as_asked(self, change: Mapping[str, Any]) -> bool:
        network = changed(self.case, change).network
        small = expected_synapses(network) + sum(p.size for p in network.populations) <= _SMALL
        in_time = time.perf_counter() - self.begun < _SECONDS_OF_EFFORT
        return (
            small and in_time and self.fits({**change, "effort": self.case.options.effort, "seconds": bounded(self.case.options).seconds})
        )


# --- one kind of change each ---------------------------------------------------------------------
def more_boards(tries: Tries) -> None:
    """Smallest number of boards that does."""
    case, error = tries.case, tries.error
    if not tries.may_go_on or case.chip.n_boards >= getattr(case.chip.sheet, "max_boards", 1):
        return
    plain = PlacementError(error.message, resource=error.resource, used=error.used, limit=error.limit)
    n_boards = boards_needed(case.network, case.chip, case.pins, plain, case.options)
    tries.n_solved += 1
    noun = f"{case.chip.board_noun}s"
    if n_boards is None:
        tries.offer(f"Use more {noun}.", {}, works=False)
    else:
        tries.offer(f"Use {n_boards} {noun} (n_boards={n_boards}).", {"n_boards": n_boards}, works=True)


def fewer_cells(tries: Tries) -> None:
    """Largest part of all populations that fits."""
    if tries.error.resource == "cores" and not tries.error.used:
        return
    factor = largest_factor(lambda part: tries.fits({"cells": part}), tries.ratio)
    if not factor:
        tries.offer("Use fewer cells.", {}, works=False)
        return
    left = sum(kept.size for kept in with_fewer_cells(tries.case.network, factor).populations)
    tries.offer(f"Keep {100 * factor:.3g} % of the cells of every population ({left:,} cells in all).", {"cells": factor}, works=True)


def fewer_inputs(tries: Tries) -> None:
    """Largest part of the synapses onto the population that is too large, or onto all."""
    network, label = tries.case.network, tries.error.population
    population = next((p.id for p in network.populations if p.label == label), None)
    factor = largest_factor(lambda part: tries.fits({"inputs": part, "population": population}), tries.ratio)
    whose = "every population" if population is None else f"population '{label}'"
    if not factor:
        tries.offer(f"Use fewer synapses onto {whose}.", {}, works=False)
        return
    each = "" if population is None else f", at most {inputs_of(with_fewer_inputs(network, factor, population), population):,} per neuron"
    text = f"Keep {100 * factor:.3g} % of the synapses onto {whose}{each}."
    tries.offer(text, {"inputs": factor, "population": population}, works=True)
    if population is not None and factor < 0.9 * tries.ratio:
        _fewer_inputs_on_more_boards(tries, population, factor)


def _fewer_inputs_on_more_boards(tries: Tries, population: int, least: float) -> None:
    """Part of the synapses with which every neuron fits on some core, on as many boards as that takes."""
    case = tries.case
    factor = largest_factor(lambda part: _single_fits(case, part, population), tries.ratio)
    thinner = changed(case, {"inputs": factor, "population": population, "effort": "fast"}) if factor > least else case
    if thinner is case or not tries.may_go_on:
        return
    tries.n_solved += 1
    try:
        solve(thinner)
        return
    except PlacementError as error:
        plain = PlacementError(error.message, resource=error.resource, used=error.used, limit=error.limit)
    n_boards = boards_needed(thinner.network, case.chip, case.pins, plain, case.options)
    text = f"Keep {100 * factor:.3g} % of the synapses onto population '{case.network.populations[population].label}' and "
    if n_boards is None:
        tries.offer(f"{text}use more {case.chip.board_noun}s.", {}, works=False)
    else:
        change = {"inputs": factor, "population": population, "n_boards": n_boards}
        tries.offer(f"{text}use {n_boards} {case.chip.board_noun}s (n_boards={n_boards}).", change, works=True)


def _single_fits(case: Case, part: float, population: int) -> bool:
    try:
        Budget.of(with_fewer_inputs(case.network, part, population), case.chip).check_single(population)
    except PlacementError:
        return False
    return True


def less_avoided(tries: Tries) -> None:
    """Fewest places and links, taken from the first on, that must not be dead; one of them, if one is enough."""
    options = tries.case.options
    n_places, n_links = len(options.avoid), len(options.avoid_links)
    single = [[k] for k in range(n_places, min(n_places + n_links, n_places + _TRIES_OF_ONE_PLACE))]
    n, more = n_places + n_links, []
    while n and (not more or len(more[-1]) < n):
        more.append(list(range(n - min(n, 2 ** len(more)), n)))
    for dropped in [*single, *more]:
        change: dict[str, Any] = {
            "avoid": tuple(place for k, place in enumerate(options.avoid) if k not in dropped),
            "avoid_links": tuple(link for k, link in enumerate(options.avoid_links) if k + n_places not in dropped),
        }
        if tries.fits(change):
            tries.offer(f"Do not avoid {_listed(options, dropped)}.", change, works=True)
            return
    if n:
        tries.offer("Avoid nothing.", {"avoid": (), "avoid_links": ()}, works=False)


def _listed(options: Options, dropped: Sequence[int]) -> str:
    names = avoided(options)
    shown = [names[k] for k in dropped[:4]]
    return ", ".join(shown) + (f" and {len(dropped) - 4:,} more" if len(dropped) > 4 else "")


def avoided(options: Options) -> list[str]:
    """Every place and link that is dead or to be avoided, in words."""
    return [*map(describe, options.avoid), *(f"link {describe(a)} - {describe(b)}" for a, b in options.avoid_links)]


def fewer_pinned(tries: Tries) -> None:
    """Most neurons of the pin that was refused that its place holds."""
    case, error = tries.case, tries.error
    wrong = [k for k, pin in enumerate(case.pins) if pin.coordinate is not None and _is_about(case.network, pin, error)]
    if len(wrong) != 1 or not 0 < tries.ratio < 1 or not isinstance(error.limit, int):
        return
    neurons = neurons_of(case.network, case.pins[wrong[0]])

    def pins(n: int) -> tuple[Pin, ...]:
        return tuple(replace(pin, indices=neurons[:n]) if k == wrong[0] else pin for k, pin in enumerate(case.pins))

    low, high, guess = 0, len(neurons), int(len(neurons) * tries.ratio)
    wished = [guess + 1, guess]
    while high - low > 1 and tries.may_go_on:
        n = wished.pop() if wished else (low + high) // 2
        if low < n < high:
            low, high = (n, high) if tries.fits({"pins": pins(n)}) else (low, n)
    if low:
        where = describe(case.pins[wrong[0]].coordinate)
        tries.offer(f"Pin only {low:,} of these {len(neurons):,} neurons to {where}.", {"pins": pins(low)}, works=True)


def _is_about(network: Network, pin: Pin, error: PlacementError) -> bool:
    return network.populations[pin.population].label == error.population and describe(pin.coordinate) == error.core


def fewer_pins(tries: Tries) -> None:
    """Without the pins of the population that was refused, or without any."""
    case, label = tries.case, tries.error.population
    pins = [pin for pin in case.pins if pin.coordinate is not None]
    others = tuple(pin for pin in case.pins if pin.coordinate is None or case.network.populations[pin.population].label != label)
    if pins and len(others) < len(case.pins) and tries.offer(f"Do not pin population '{label}'.", {"pins": others}):
        return
    open_pins = tuple(pin for pin in case.pins if pin.coordinate is None)
    if pins and len(open_pins) < len(others):
        tries.offer("Pin nothing.", {"pins": open_pins})


def more_effort(tries: Tries) -> None:
    """The next effort; the longest one for some seconds only."""
    effort = {"fast": "normal", "normal": "best"}.get(tries.case.options.effort)
    if effort and tries.may_go_on:
        tries.offer(f'Use effort="{effort}".', {"effort": effort, "seconds": bounded(tries.case.options).seconds})


# --- searches ------------------------------------------------------------------------------------
def largest_factor(works: Callable[[float], bool], guess: float) -> float:
    """Largest factor below 1 with ``works(factor)``, within about 1 %, in three digits; 0 if none was found."""
    low, high, factor = 0.0, 1.0, guess
    for _ in range(_TRIES_OF_A_FACTOR):
        factor = float(f"{factor:.3g}")
        if not low < factor < high:
            break
        low, high = (factor, high) if works(factor) else (low, factor)
        if low and high <= 1.01 * low:
            break
        down = 0.9 if high == float(f"{guess:.3g}") else 0.5
        factor = min(1.1 * low, (low + high) / 2) if low else down * high
    return low


Change = Callable[[Tries], None]
#: What is tried for each kind of reason, in this order.
CHANGES: dict[str, tuple[Change, ...]] = {
    "neuron": (fewer_inputs, less_avoided),
    "population": (more_boards, fewer_cells, less_avoided, fewer_pins),
    "machine": (more_boards, fewer_cells, less_avoided, fewer_pins),
    "routing": (fewer_pins, less_avoided, fewer_inputs, fewer_cells, more_boards),
    "reach": (less_avoided, fewer_pins, more_boards),
    "pin": (fewer_pinned, fewer_pins, less_avoided),
}


def attempt(kind: str, case: Case, error: PlacementError) -> Tries:
    """Everything that may help with one kind of reason, tried."""
    tries = Tries(case, error)
    for change in CHANGES[kind]:
        if not (tries.works and time.perf_counter() - tries.begun > _SECONDS_IF_WORKING):
            change(tries)
    if not tries.works and kind != "neuron":
        more_effort(tries)
    if not tries.works:
        for change in (fewer_cells, fewer_inputs):
            if change not in CHANGES[kind] and not tries.works:
                change(tries)
    return tries
