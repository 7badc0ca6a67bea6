"""A network in a chip's terms, placed and realised, without running it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from neurosim.chips.chip import Chip, check_names
from neurosim.losses import Ledger, Loss
from neurosim.mapping import Mapping, Options, Pin, map_network
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
        Effort, time, rates, and what to avoid.

    Raises
    ------
    UnknownNameError
        If no chip has an approximation of that name.
    UnsupportedError
        If the chip lacks a model and its approximation is not allowed.
    PlacementError
        If the network does not fit.
    """
    ledger, wall_s = Ledger(), {}
    if chip is None:
        check_names(approximate, where="The ideal reference")
        return Fit(network, None, None, ledger)
    begun = time.perf_counter()
    pins, foreign = _own_pins(pins, chip)
    ledger.extend(foreign)
    chip = chip.configure(network, pins)
    translation = chip.translate(network, chip.check_approximations(approximate))
    ledger.extend(translation.losses)
    wall_s["translate"] = time.perf_counter() - begun
    begun = time.perf_counter()
    mapping = map_network(translation.network, chip, pins=pins, options=placing, seed=seed)
    ledger.extend(mapping.losses)
    wall_s["place"] = time.perf_counter() - begun
    begun = time.perf_counter()
    realised = chip.realise(translation.network, mapping)
    ledger.extend(realised.losses)
    wall_s["realise"] = time.perf_counter() - begun
    return Fit(realised.network, chip, replace(mapping, losses=ledger), ledger, wall_s)


def _own_pins(pins: Sequence[Pin], chip: Chip) -> tuple[tuple[Pin, ...], list[Loss]]:
    """Pins for this chip, and a loss if there are others."""
    own = tuple(pin for pin in pins if pin.chip in (None, chip.name))
    others = sorted({str(pin.chip) for pin in pins} - {"None", chip.name})
    detail = f"It was made for {', '.join(others)}; its coordinates and sizes mean nothing here."
    count = len(pins) - len(own)
    return own, [Loss("ignored", "Placement", "manual placement", count, len(pins), detail=detail)] if count else []
