"""Datasheet model of Loihi 1."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from neurosim.chips.datasheet import Bits, Constant, Count, Datasheet, PositiveInt, Sheet, WholeRange


class Mesh(Sheet):
    """Tiles and cores of a chip, and chips of a board."""

    tiles: Constant[tuple[PositiveInt, PositiveInt]]
    cores_per_tile: Count
    boards: dict[str, Count] = Field(min_length=1)


class Core(Sheet):
    """What a core takes."""

    compartments: Count
    synapse_memory: Count
    word_bits: Count
    input_axons: Count
    output_axons: Count
    accumulators: Count


class Synapses(Sheet):
    """Weight and delay formats and what a synapse takes of the memory."""

    weight_bits: Count
    exponents: WholeRange
    delay_bits: WholeRange
    longest_delay: Count
    header_bits: Bits
    per_entry: Count
    learning_axon: Count


class Neurons(Sheet):
    """Number formats of compartments."""

    decay_bits: Count
    bias_bits: Count
    refractory: WholeRange


class Learning(Sheet):
    """Number formats of the learning engine."""

    trace_bits: Count
    impulse_fraction_bits: Bits
    epoch: WholeRange
    decimation: WholeRange
    scale_mantissa: WholeRange
    scale_exponent: WholeRange
    accumulator_bits: Count
    variable_bits: Count
    constant_bits: Count
    mantissa_bits: Count
    product_bits: Count

    @model_validator(mode="after")
    def _words_hold_what_they_must(self) -> Learning:
        if self.product_bits.value > 31:
            raise ValueError(
                f"field 'learning.product_bits' is {self.product_bits.value}; products are 32-bit integers here, so at most 31"
            )
        if not self.variable_bits.value < self.accumulator_bits.value <= 16:
            raise ValueError("field 'learning.accumulator_bits' must be above 'learning.variable_bits' and at most 16")
        return self


class LoihiSheet(Datasheet):
    """Every constant of a machine of Loihi 1 chips.

    ``board`` names the kind of board in ``mesh.boards`` that the machine is made of.
    """

    kind: Literal["loihi"]  # pyright: ignore[reportIncompatibleVariableOverride]
    board: str
    mesh: Mesh
    core: Core
    synapses: Synapses
    neurons: Neurons
    learning: Learning

    @model_validator(mode="after")
    def _board_is_known(self) -> LoihiSheet:
        if self.board not in self.mesh.boards:
            known = ", ".join(repr(name) for name in self.mesh.boards)
            raise ValueError(f"field 'board' is {self.board!r}; expected one of {known}")
        return self
