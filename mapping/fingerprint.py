"""Fingerprints: the same network or chip gives the same text, in any process."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from neurosim.chips.chip import Chip
from neurosim.network import Network, Selection

_MAX_DEPTH = 12


def network_fingerprint(network: Network) -> str:
    """Fingerprint of what placement depends on: populations, positions and connectivity, not parameters or weights."""
    digest = _new()
    for p in network.populations:
        _feed(digest, (p.id, p.label, p.size, p.model, p.cell_type, p.positions, [(r.name, r.kind) for r in p.receptors]))
    for projection in network.projections:
        ends = [_parts(projection.pre), _parts(projection.post)]
        _feed(digest, (projection.id, projection.receptor, projection.seed, projection.synapse.model, ends, projection.rule))
    return digest.hexdigest()


def chip_fingerprint(chip: Chip) -> str:
    """Fingerprint of the constants of a chip."""
    if hasattr(chip.sheet, "digest"):
        return str(chip.sheet.digest())
    digest = _new()
    _feed(digest, chip.sheet)
    return digest.hexdigest()


def text_digest(text: str) -> str:
    """Fingerprint of a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _new() -> Any:
    return hashlib.blake2b(digest_size=16)


def _parts(selection: Selection) -> list[tuple[int, np.ndarray]]:
    return [(population, np.asarray(indices, np.int64)) for population, indices in selection.parts]


def _feed(digest: Any, value: Any, depth: int = 0) -> None:
    """Add one value; objects count by type and content, functions by name and what they enclose."""
    digest.update(type(value).__name__.encode() + b"\0")
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif value is None or isinstance(value, str | bytes | bool | int | float | np.generic):
        digest.update(repr(value.item() if isinstance(value, np.generic) else value).encode() + b"\0")
    else:
        for item in _content(value):
            _feed(digest, item, depth + 1)


def _content(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [(key, value[key]) for key in sorted(value, key=str)]
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, tuple | list | np.ndarray):
        return list(value)
    if isinstance(value, types.FunctionType):
        return [value.__qualname__, *(cell.cell_contents for cell in value.__closure__ or ())]
    if is_dataclass(value):
        return [getattr(value, field.name) for field in fields(value)]
    return [vars(value)] if hasattr(value, "__dict__") else []
