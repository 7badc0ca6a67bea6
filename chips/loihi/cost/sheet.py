"""Sections of the datasheet with the constants of time and energy, and how each came about."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field

from neurosim.chips.datasheet import Constant, NonNegativeFloat, PositiveFloat, PositiveInt, Sheet

T = TypeVar("T")
Kind = Literal["measured", "fit", "simulated", "derived", "model"]
#: What the kinds of evidence mean, for reports.
EVIDENCE: dict[str, str] = {
    "measured": "measured on silicon",
    "fit": "fit to measurements",
    "simulated": "simulated before there was silicon",
    "derived": "derived from published figures",
    "model": "a choice of the model",
}


class Evidenced(Constant[T], Generic[T]):
    """A constant with the way it was found; see :data:`EVIDENCE`."""

    evidence: Kind


def _rising(points: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    if any(left[0] >= right[0] for left, right in pairwise(points)):
        raise ValueError("numbers of tiles or chips in rising order")
    return points


Amount = Evidenced[NonNegativeFloat]
Points = Evidenced[Annotated[tuple[tuple[PositiveInt, PositiveFloat], ...], Field(min_length=1), AfterValidator(_rising)]]


class FitCosts(Sheet):
    """What events cost by a fit to measurements, in pJ or ns."""

    neuron_access: Amount
    neuron_update: Amount
    spike: Amount
    message_out: Amount
    message_in: Amount
    dense: Amount
    sparse: Amount
    convolution: Amount
    hop_x: Amount
    hop_y: Amount


class FitEnergy(FitCosts):
    """Energies, pJ."""

    noise: Amount


class FitTime(FitCosts):
    """Times, ns."""

    barrier: Points


class SimulatedCosts(Sheet):
    """What events cost by simulations of the circuits, in pJ or ns."""

    neuron_active: Amount
    neuron_inactive: Amount
    synapse: Amount
    learning: Amount
    message: Amount
    hop_x: Amount
    hop_y: Amount


class SimulatedTime(SimulatedCosts):
    """Times, ns."""

    barrier: Points


class FitProfile(Sheet):
    """Profile ``nahuku_fit``."""

    energy: FitEnergy
    time: FitTime


class SimulatedProfile(Sheet):
    """Profile ``davies2018``."""

    energy: SimulatedCosts
    time: SimulatedTime


class MachineCosts(Sheet):
    """What both profiles share."""

    link_buffer: Evidenced[PositiveInt]
    barrier_chips: Points
    static_power: Evidenced[PositiveFloat]


class Costs(Sheet):
    """All constants of time and energy."""

    nahuku_fit: FitProfile
    davies2018: SimulatedProfile
    machine: MachineCosts
