"""Datasheet model of HICANN (BrainScaleS-1)."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from neurosim.chips.datasheet import Bits, Constant, Count, Datasheet, Number, Positive, Range, Sheet

Pairs = Constant[tuple[tuple[int, int], ...]]


class Wafer(Sheet):
    """Which HICANNs a wafer has."""

    rows: Pairs
    reticle: Constant[tuple[int, int]]
    fpga_of_reticle: Constant[tuple[int, ...]]


class Hicann(Sheet):
    """Neuron circuits, synapses and addresses of one HICANN."""

    columns: Count
    neuron_rows: Count
    block_columns: Count
    largest_neuron: Count
    neuron_size: Count
    synapse_rows: Count
    sending_repeaters: Count
    addresses: Count


class Weights(Sheet):
    """Weight resolution and range of conductances."""

    bits: Count
    rounding: Constant[Literal["stochastic", "nearest"]]
    steps: Constant[tuple[float, float, float]]
    reference_row: Constant[tuple[int, int]]
    rows: Pairs


class Neurons(Sheet):
    """Ranges of neuron parameters, in hardware time and hardware volts."""

    speedup: Positive
    capacitor: Constant[Literal["big", "small"]]
    big_capacitor: Positive
    small_capacitor: Positive
    tau_m_big: Range
    tau_m_small: Range
    tau_syn: Range
    tau_ref: Range
    tau_w: Range
    delta_t: Range
    a: Range
    b: Range
    voltage_scale: Positive
    voltage_shift: Number
    voltage_full: Positive
    voltage_bits: Bits
    window: Range
    reversal_distance: Positive


class Delays(Sheet):
    """Delay of a connection: ``offset + per_hicann x (HICANNs of the route)``, in hardware time."""

    offset: Positive
    per_hicann: Positive


class HicannSheet(Datasheet):
    """Every constant of one BrainScaleS-1 wafer."""

    kind: Literal["hicann"]  # pyright: ignore[reportIncompatibleVariableOverride]
    wafer: Wafer
    hicann: Hicann
    weights: Weights
    neurons: Neurons
    delays: Delays

    @model_validator(mode="after")
    def _size_is_possible(self) -> HicannSheet:
        size, most = self.hicann.neuron_size.value, self.hicann.largest_neuron.value
        if not usable_size(size, most):
            raise ValueError(f"field 'hicann.neuron_size' is {size}; expected 1 or an even number up to {most}")
        return self


def usable_size(size: object, most: int) -> bool:
    """True if a neuron can be made of this many circuits."""
    return isinstance(size, int) and not isinstance(size, bool) and (size == 1 or (2 <= size <= most and size % 2 == 0))
