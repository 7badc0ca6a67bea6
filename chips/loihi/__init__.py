"""Loihi: chips of 128 cores with current-based integrate-and-fire compartments; :mod:`.second` is Loihi 2.

``loihi.toml`` is the datasheet, :mod:`.mesh` the geometry, :mod:`.load` what slices take of a
core, :mod:`.lists` and :mod:`.packing` the synaptic memory, :mod:`.settings` what neurons share,
:mod:`.weights` the mantissas and exponents, :mod:`.registers` neurons in registers, :mod:`.arithmetic` what
descriptions of the chip differ in, :mod:`.cost` time and energy, :mod:`.chip` puts them behind the interface.
"""

from __future__ import annotations

from neurosim.chips.loihi.chip import LoihiChip as ChipModel
from neurosim.chips.loihi.sheet import LoihiSheet as ChipSheet

__all__ = ["ChipModel", "ChipSheet"]
