"""Datasheet models of Loihi 1 and of what both generations share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal, Self

from pydantic import Field, model_validator

from neurosim.chips.datasheet import Bits, Constant, Count, Datasheet, NonNegativeInt, PositiveInt, Sheet, WholeRange
from neurosim.chips.loihi.cost.sheet import Costs
from neurosim.errors import UnknownNameError

Choices = Constant[tuple[NonNegativeInt, ...]]


class Mesh(Sheet):
    """Tiles and cores of a chip, and chips of a board."""

    tiles: Constant[tuple[PositiveInt, PositiveInt]]
    cores_per_tile: Count
    boards: dict[str, Count] = Field(min_length=1)


class SharedCore(Sheet):
    """What a core of either generation takes."""

    synapse_memory: Count
    word_bits: Count
    input_axons: Count
    output_axons: Count


class Core(SharedCore):
    """What a core of Loihi 1 takes."""

    compartments: Count
    words_per_axon: Count
    compartment_profiles: Count
    threshold_profiles: Count
    threshold_profiles_sure: Count
    synapse_formats: Count
    pre_traces: Count
    accumulators: Count


class Synapses(Sheet):
    """Weight and delay formats and what a synapse takes of the memory."""

    weight_bits: Count
    exponents: WholeRange
    delay_bits: WholeRange
    longest_delay: Count
    header_bits: Bits
    per_entry: Count
    per_entry_coarse: Count
    terminator_bits: Bits
    legal_weight_bits: Choices
    index_bits: Choices
    skip_bits: Choices
    axon_discrete: Count
    axon_pop16: Count
    axon_pop32: Count
    axon_other_chip: Bits
    learning_axon: Count

    @model_validator(mode="after")
    def _weights_can_be_encoded(self) -> Synapses:
        bits, legal = self.weight_bits.value, self.legal_weight_bits.value
        if bits not in legal:
            known = ", ".join(map(str, legal))
            raise ValueError(f"{bits} bits of weight cannot be encoded; there are {known}")
        return self


class Neurons(Sheet):
    """Number formats of compartments."""

    decay_bits: Count
    bias_bits: Count
    bias_exponents: WholeRange
    refractory: WholeRange
    threshold_bits: Count
    threshold_shift: Count
    input_bits: Count
    current_bits: Count
    voltage_bits: Count


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


class FamilySheet(Datasheet):
    """Constants that both generations have.

    ``board`` names the kind of board in ``mesh.boards`` that the machine is made of.
    """

    board: str
    mesh: Mesh
    core: SharedCore
    synapses: Synapses
    neurons: Neurons

    @property
    @abstractmethod
    def targets_per_core(self) -> int:
        """Targets that a synapse of a core tells apart."""

    def on_board(self, board: str) -> Self:
        """The same sheet for machines of another kind of board, of which there are fewer the more chips it has."""
        if board not in self.mesh.boards:
            raise UnknownNameError.among("board", board, self.mesh.boards, where=f"Chip '{self.kind}'")
        n_chips = self.mesh.boards[board].value
        most = max(self.max_boards * self.mesh.boards[self.board].value // n_chips, 1)
        return self.model_copy(update={"board": board, "title": f"{self.title} {board}", "max_boards": most})

    @model_validator(mode="after")
    def _board_is_known(self) -> Self:
        if self.board not in self.mesh.boards:
            known = ", ".join(repr(name) for name in self.mesh.boards)
            raise ValueError(f"field 'board' is {self.board!r}; expected one of {known}")
        return self


class LoihiSheet(FamilySheet):
    """Every constant of a machine of Loihi 1 chips."""

    kind: Literal["loihi"]  # pyright: ignore[reportIncompatibleVariableOverride]
    core: Core  # pyright: ignore[reportIncompatibleVariableOverride]
    cost: Costs
    learning: Learning

    @property
    def targets_per_core(self) -> int:
        """One per compartment."""
        return self.core.compartments.value
