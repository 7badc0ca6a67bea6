"""Loihi 2: larger cores with memory to share out, and neurons that are programs.

``../loihi2.toml`` is the datasheet. The mesh, weights and the neuron of Loihi 1 are those of the
folder above; :mod:`.load` counts bytes of a core, :mod:`.programs` writes AdEx and Izhikevich
neurons as integer programs, :mod:`.timing` says how long steps take, :mod:`.chip` puts it all behind
the interface.
"""

from __future__ import annotations

from neurosim.chips.loihi.second.chip import Loihi2Chip as ChipModel
from neurosim.chips.loihi.second.sheet import Loihi2Sheet as ChipSheet

__all__ = ["ChipModel", "ChipSheet"]
