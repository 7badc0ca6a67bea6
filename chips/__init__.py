"""The chips that neurosim knows, one folder each.

Start with :func:`load` and read :mod:`neurosim.chips.chip`, the one interface they implement. A
chip's folder holds its datasheet (TOML, every constant with source and confidence), its geometry,
number formats and limits. :mod:`neurosim.chips.datasheet` reads datasheets,
:mod:`neurosim.chips.translate` turns models a chip does not have into ones it has,
:mod:`neurosim.chips.realise` measures what a chip makes of weights and delays.
``neurosim.chips.hicann``, ``.spinnaker``, ``.loihi`` and ``.loihi2`` are loaded when first used.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim._guard import refuse_bare_import

if TYPE_CHECKING:
    from neurosim.chips.chip import Chip

refuse_bare_import(__name__, "neurosim.chips")

#: Part that describes each kind of chip; the datasheet lies in its first folder.
_KINDS = {"hicann": "hicann", "loihi": "loihi", "loihi2": "loihi.second", "spinnaker": "spinnaker"}

__all__ = ["available", "load"]


def available() -> tuple[str, ...]:
    """Names of the chips that come with neurosim, sorted.

    Examples
    --------
    >>> from neurosim import chips
    >>> chips.available()
    ('hicann', 'loihi', 'loihi2', 'spinnaker')
    """
    return tuple(_KINDS)


def load(name_or_path: str | Path, *, n_boards: int | None = None, **options: Any) -> Chip:
    """A chip by its name, or a what-if chip by the path of its datasheet.

    Parameters
    ----------
    name_or_path
        One of :func:`available`, with a kind of board where the chip has several (``"loihi:nahuku32"``), or a
        TOML file.
    n_boards
        Number of boards; ``None`` is the datasheet's default.
    options
        What the chip lets choose, see :meth:`Chip.with_options <neurosim.chips.chip.Chip.with_options>`: Loihi ``arithmetic="lava"``.

    Raises
    ------
    UnknownNameError
        If there is no chip of that name, or it has no such board.
    UnsupportedError
        If the chip has no such option.
    DatasheetError
        If the file is missing or a field of it is wrong.

    Examples
    --------
    >>> from neurosim import chips
    >>> len(chips.load("loihi").cores().core)
    128
    """
    from neurosim.chips.datasheet import read
    from neurosim.errors import UnknownNameError

    name, _, board = str(name_or_path).partition(":")
    if name in _KINDS and not isinstance(name_or_path, Path):
        path = Path(__file__).parent / _KINDS[name].split(".")[0] / f"{name}.toml"
    elif _looks_like_path(name_or_path):
        path, board = Path(name_or_path), ""
    else:
        raise UnknownNameError.among("chip", name_or_path, available())
    parts = {kind: importlib.import_module(f"neurosim.chips.{part}") for kind, part in _KINDS.items()}
    sheet = read(path, {kind: part.ChipSheet for kind, part in parts.items()})
    chip = parts[sheet.kind].ChipModel(sheet.on_board(board) if board else sheet, n_boards=n_boards)
    return chip.with_options(**options) if options else chip


def _looks_like_path(name: object) -> bool:
    text = str(name)
    return isinstance(name, Path) or (isinstance(name, str) and (text.endswith(".toml") or "/" in text or "\\" in text))


def __getattr__(name: str) -> Any:
    if name in _KINDS:
        return importlib.import_module(f"neurosim.chips.{_KINDS[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
