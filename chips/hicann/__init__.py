"""HICANN: the analogue chip of BrainScaleS-1, 384 of them on a wafer.

``hicann.toml`` is the datasheet, :mod:`.wafer` the geometry, :mod:`.neurons` parameter ranges,
:mod:`.layout` neurons on denmems, :mod:`.inputs` synapses without a place, :mod:`.weights` 4-bit
weights by row; :mod:`.chip` puts them behind the chip interface. :func:`coordinate` names a place.
"""

from __future__ import annotations

from neurosim.chips.hicann.chip import HicannChip as ChipModel
from neurosim.chips.hicann.sheet import HicannSheet as ChipSheet
from neurosim.chips.hicann.wafer import Coordinate, Denmem

__all__ = ["ChipModel", "ChipSheet", "Coordinate", "Denmem", "coordinate"]


def coordinate(x: int, y: int) -> Coordinate:
    """The HICANN at column ``x`` and row ``y`` of the wafer, to place neurons on.

    Raises
    ------
    ParameterError
        If the wafer has none there.

    Examples
    --------
    >>> print(coordinate(x=5, y=5))
    HICANN 93 (x=5, y=5)
    """
    from neurosim.chips import load

    chip = load("hicann")
    assert isinstance(chip, ChipModel)
    return chip.coordinate(x, y)
