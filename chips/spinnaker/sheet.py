"""Datasheet model of SpiNNaker 1."""

from __future__ import annotations

from typing import Literal

from neurosim.chips.datasheet import Bits, Constant, Count, Datasheet, Number, Positive, Sheet

Places = Constant[tuple[tuple[int, int], ...]]


class Board(Sheet):
    """A 48-chip board and how boards tile."""

    chips: Count
    side: Count
    outline: Constant[tuple[int, int]]
    cores: Count
    seventeen_core_chips: Places
    system_cores: Count
    ethernet_cores: Count
    triad_side: Count
    ethernet_chips: Places


class Core(Sheet):
    """What one application core takes."""

    neurons: Count
    poisson_sources: Count
    array_sources: Count
    ring_buffer_bits: Count
    delay_stages: Bits
    synapse_types: Count


class Memory(Sheet):
    """Shared memory of a chip and what synapses take of it."""

    usable: Count
    system: Count
    gatherer: Count
    row_header: Count
    static_synapse: Count
    plastic_history: Count
    plastic_synapse: Count
    table_entry: Count
    neuron: Count
    spike_time: Count


class Weights(Sheet):
    """Weight words and the rule that chooses their scale."""

    bits: Count
    conductance_scale: Positive
    sigma: Positive
    default_rate: Positive


class Arithmetic(Sheet):
    """Number format of neurons."""

    fraction_bits: Count
    integer_bits: Count


class SpinnakerSheet(Datasheet):
    """Every constant of a SpiNNaker machine of 48-chip boards."""

    kind: Literal["spinnaker"]  # pyright: ignore[reportIncompatibleVariableOverride]
    board: Board
    core: Core
    memory: Memory
    weights: Weights
    arithmetic: Arithmetic
    shortest_tau: Number
