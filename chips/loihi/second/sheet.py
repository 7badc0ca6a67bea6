"""Datasheet model of Loihi 2."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from neurosim.chips.datasheet import Constant, Count, Positive, PositiveFloat, PositiveInt, Sheet
from neurosim.chips.loihi.sheet import FamilySheet, SharedCore


def _rising(points: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    if any(left[0] >= right[0] for left, right in pairwise(points)):
        raise ValueError("numbers of tiles in rising order")
    return points


class Core2(SharedCore):
    """What a core of Loihi 2 takes: neurons, and bytes that states, delays, programs and synapses share."""

    neurons: Count
    memory: Count
    state_word: Count
    delay_word: Count
    program: Count


class Timing(Sheet):
    """Times of single events, ns, and the shortest step."""

    neuron_access: Positive
    neuron_update: Positive
    spike_out: Positive
    synapse_read: Positive
    barrier: Constant[Annotated[tuple[tuple[PositiveInt, PositiveFloat], ...], Field(min_length=1), AfterValidator(_rising)]]
    shortest_step: Positive


class Loihi2Sheet(FamilySheet):
    """Every constant of a machine of Loihi 2 chips."""

    kind: Literal["loihi2"]  # pyright: ignore[reportIncompatibleVariableOverride]
    core: Core2  # pyright: ignore[reportIncompatibleVariableOverride]
    timing: Timing

    @property
    def targets_per_core(self) -> int:
        """One per neuron."""
        return self.core.neurons.value
