"""SpiNNaker 1: boards of 48 chips, 18 ARM cores each, programmed by sPyNNaker.

``spinnaker.toml`` is the datasheet, :mod:`.machine` the geometry, :mod:`.weights` the 16-bit
weights with their ring-buffer shift, :mod:`.chip` puts them behind the chip interface.
"""

from __future__ import annotations

from neurosim.chips.spinnaker.chip import SpinnakerChip as ChipModel
from neurosim.chips.spinnaker.sheet import SpinnakerSheet as ChipSheet

__all__ = ["ChipModel", "ChipSheet"]
