"""How cells lie in memory: in tiles of 256, all variables of a tile side by side.

A tile of state is one run of ``n_rows * TILE`` numbers, row after row: the membrane's variables,
then ``g`` and ``aux`` of every receptor. Its coefficients are a run of the same kind. Everything a
loop over a tile touches thus has a fixed distance, which lets the compiler vectorise it, and stays
in the nearest cache. Cells of equal parameters share one tile of coefficients.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Cells of a tile.
TILE = 256
#: Rows of scratch that a step of one tile needs: old v, old w, two sums, injected current, 12 series terms; in the
#: first place of the last one it is counted how often a cell was not followed to the end of a step.
SCRATCH_ROWS = 18
OLD_V, OLD_W, GAIN, SUM, INJECTED, SERIES = range(6)
CUT_SHORT = 17
#: Place in the scratch where it is counted how often a current in whole numbers overflowed.
OVERFLOWN = CUT_SHORT * TILE + 1
#: The same of a voltage that would have fallen below the lowest value of its register, and stayed there.
SATURATED = CUT_SHORT * TILE + 2


#: Bytes of a cache line, which is also what one vector instruction takes at most.
LINE = 64


Count = TypeVar("Count", int, NDArray[np.int64])


def n_tiles(size: Count) -> Count:
    """Tiles that hold ``size`` cells, a number or an array of numbers."""
    return -(-size // TILE)


def zeros(shape: int | tuple[int, ...], dtype: DTypeLike) -> Any:
    """Zeros that begin at the beginning of a cache line; others make a step of a tile take up to twice as long."""
    made = np.dtype(dtype)
    n_bytes = int(np.prod(shape)) * made.itemsize
    room = np.zeros(n_bytes + LINE, np.uint8)
    skip = -room.ctypes.data % LINE
    return room[skip : skip + n_bytes].view(made).reshape(shape)
