"""Datasheet models of Loihi 1 and of what both generations share."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from neurosim.chips.datasheet import Bits, Constant, Count, Datasheet, PositiveInt, Sheet, WholeRange
from neurosim.chips.loihi.cost.sheet import Costs


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
    bias_exponents: WholeRange
    refractory: WholeRange
    threshold_bits: Count
    threshold_shift: Count
    input_bits: Count
    current_bits: Count
    voltage_bits: Count


class FamilySheet(Datasheet):
    """Constants that both generations have.

    ``board`` names the kind of board in ``mesh.boards`` that the machine is made of.
    """

    board: str
    mesh: Mesh
    core: SharedCore
    synapses: Synapses
    neurons: Neurons

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
