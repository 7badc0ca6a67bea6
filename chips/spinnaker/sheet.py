"""Datasheet model of SpiNNaker 1."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from neurosim.chips.datasheet import Bits, Constant, Count, Datasheet, Positive, Sheet, WholeRange

Places = Constant[tuple[tuple[int, int], ...]]


class Board(Sheet):
    """A 48-chip board and how boards tile."""

    chips: Count
    side: Count
    outline: WholeRange
    cores: Count
    seventeen_core_chips: Places
    system_cores: Count
    ethernet_cores: Count
    triad_side: Count
    ethernet_chips: Places
    router_entries: Count


class Core(Sheet):
    """What one application core takes."""

    neurons: Count
    poisson_sources: Count
    array_sources: Count
    ring_buffer_bits: Count
    delay_stages: Bits
    split_below: Positive
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
    shortest_tau: Positive

    @model_validator(mode="after")
    def _chips_are_those_of_the_outline(self) -> SpinnakerSheet:
        side, (low, high) = range(self.board.side.value), self.board.outline.value
        found = sum(low < x - y < high for x in side for y in side)
        if self.board.chips.value != found:
            raise ValueError(f"field 'board.chips' is {self.board.chips.value}, but the outline has {found} chips; change both")
        return self

    @model_validator(mode="after")
    def _ring_buffer_holds_a_core(self) -> SpinnakerSheet:
        most = 2 ** (self.core.ring_buffer_bits.value - 1)
        if self.core.neurons.value > most:
            raise ValueError(f"field 'core.neurons' is {self.core.neurons.value}; a ring buffer of this size holds at most {most}")
        return self
