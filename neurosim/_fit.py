"""A network in a chip's terms, placed and realised, without running it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from neurosim._progress import stages
from neurosim._working_points import Choice, given
from neurosim.chips.chip import Chip, check_names
from neurosim.losses import Ledger, Loss
from neurosim.mapping import Explanation, Mapping, Options, Pin, map_network
from neurosim.mapping import explain as explain_mapping
from neurosim.network import Network


@dataclass(slots=True)
class Fit:
    """A network on a chip, without running it.

    Attributes
    ----------
    network
        As the chip realises it.
    mapping
        Where everything is; ``None`` on the ideal reference.
    ledger
        All losses.
    wall_s
        Seconds per stage: ``translate``, ``place``, ``realise``.
    """

    network: Network
    chip: Chip | None
    mapping: Mapping | None
    ledger: Ledger
    wall_s: dict[str, float] = field(default_factory=dict)


def fit(
    network: Network,
    chip: Chip | None,
    *,
    approximate: Iterable[str] = (),
    pins: Sequence[Pin] = (),
    placing: Options | None = None,
    seed: int = 0,
    progress: bool | None = None,
    working_point: Choice = "midway",
) -> Fit:
    """Write a network in a chip's terms, place it and realise its synapses.

    Parameters
    ----------
    network
        As described by the user.
    chip
        ``None`` is the ideal reference, which changes nothing.
    approximate
        Names of the approximations that are allowed.
    pins
        Manual placements; those made for another chip are left out, which is in the ledger.
    placing
        Effort, time, rates, and what to avoid; places of another chip are left out as well.
    progress
        Show a progress bar where placing takes longer than a second; by default when stderr is a terminal.
    working_point
        Potential (mV), or potentials by label, at which conductances become currents. Nothing is simulated here:
        what is only to be measured is midway, unless the populations have one.

    Raises
    ------
    UnknownNameError
        If no chip has an approximation of that name, or a working point is given for an unknown population.
    UnsupportedError
        If the chip lacks a model and its approximation is not allowed.
    PlacementError
        If the network does not fit.
    """
    ledger, wall_s, network = Ledger(), {}, given(network, working_point)
    if chip is None:
        check_names(approximate, where="The ideal reference")
        return Fit(network, None, None, ledger)
    begun = time.perf_counter()
    pins, placing, foreign = _own(pins, placing, chip)
    ledger.extend(foreign)
    chip = chip.configure(network, pins)
    translation = chip.translate(network, chip.check_approximations(approximate))
    ledger.extend(translation.losses)
    wall_s["translate"] = time.perf_counter() - begun
    begun = time.perf_counter()
    with _watched(placing or Options(), chip, progress) as placing:
        mapping = map_network(translation.network, chip, pins=pins, options=placing, seed=seed)
    ledger.extend(mapping.losses)
    wall_s["place"] = time.perf_counter() - begun
    begun = time.perf_counter()
    realised = chip.realise(translation.network, mapping)
    ledger.extend(realised.losses)
    wall_s["realise"] = time.perf_counter() - begun
    return Fit(realised.network, chip, replace(mapping, losses=ledger), ledger, wall_s)


@contextmanager
def _watched(placing: Options, chip: Chip, shown: bool | None) -> Iterator[Options]:
    """The same wishes with a progress bar, unless there is to be none or somebody looks on already."""
    with stages(f"placing on {chip.title}", shown if placing.progress is None else False) as tell:
        yield placing if tell is None else replace(placing, progress=tell)


def recarries(network: Network, chip: Chip | None, *, approximate: Iterable[str] = (), pins: Sequence[Pin] = ()) -> bool:
    """True if the chip writes conductances as currents or currents as conductances, at a working point."""
    chosen = frozenset() if chip is None else chip.check_approximations(approximate) & {"conductance", "current"}
    if chip is None or not chosen:
        return False
    losses = chip.configure(network, _own(pins, None, chip)[0]).translate(network, chip.check_approximations(approximate)).losses
    return any(loss.kind == "approximation" and loss.detail.startswith(tuple(f"'{name}'" for name in chosen)) for loss in losses)


def explain(
    network: Network, chip: Chip, *, approximate: Iterable[str] = (), pins: Sequence[Pin] = (), placing: Options | None = None
) -> Explanation:
    """Why a network does not fit, or how much room it leaves; parameters as of :func:`fit`.

    Raises
    ------
    UnknownNameError, UnsupportedError
        As :func:`fit` does.
    """
    pins, placing, _ = _own(pins, placing, chip)
    chip = chip.configure(network, pins)
    translation = chip.translate(network, chip.check_approximations(approximate))
    return explain_mapping(translation.network, chip, pins=pins, options=placing)


def _own(pins: Sequence[Pin], placing: Options | None, chip: Chip) -> tuple[tuple[Pin, ...], Options | None, list[Loss]]:
    """Pins and wishes for this chip, and losses if there are others."""
    own = tuple(pin for pin in pins if pin.chip in (None, chip.name))
    others = sorted({str(pin.chip) for pin in pins} - {"None", chip.name})
    losses = [_foreign("manual placement", len(pins) - len(own), len(pins), ", ".join(others))] if len(own) < len(pins) else []
    if placing is None or placing.chip in (None, chip.name):
        return own, placing, losses
    n_places = len(placing.avoid) + len(placing.avoid_links)
    losses += [_foreign("place to avoid", n_places, n_places, placing.chip)] if n_places else []
    return own, replace(placing, avoid=(), avoid_links=()), losses


def _foreign(what: str, count: int, total: int, made_for: str) -> Loss:
    return Loss(
        "ignored", "Placement", what, count, total, detail=f"It was made for {made_for}; its coordinates and sizes mean nothing here."
    )
