"""What a network is, in a few lines per part: enough to tell whether a saved state belongs to it.

Rules, parameters and seeds are described, not the synapses that follow from them, so that a network
of hundreds of millions of synapses is described as fast as a small one. Labels, initial values and
what is recorded do not count: they do not change how a running network goes on.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from neurosim.columns import is_homogeneous
from neurosim.network import Current, Network, Population, Projection

_PLAIN = (str, bytes, bool, int, float, complex, np.generic, type(None))
#: Words that begin a digest in a description; everything else is a value for people.
_DIGEST = "digest "


def describe(network: Network, *, precision: str, chip: str) -> dict[str, Any]:
    """Description of a network, of plain values that JSON can hold."""
    digests = Digests()
    return {
        "chip": chip,
        "timestep": network.dt,
        "precision": precision,
        "seed": int(network.seed),
        "populations": [_population(p, digests) for p in network.populations],
        "projections": [_projection(p, digests) for p in network.projections],
        "currents": [_current(c, digests) for c in network.currents],
    }


def _population(population: Population, digests: Digests) -> dict[str, Any]:
    values = {name: digests.column(value) for name, value in population.parameters.items()}
    for receptor in population.receptors:
        values |= {f"{receptor.name}.{name}": digests.column(value) for name, value in receptor.parameters.items()}
    return {
        "label": population.label,
        "size": population.size,
        "model": population.model,
        "receptors": ", ".join(f"{r.name} ({r.kind}, {r.sign:+d})" for r in population.receptors),
        "spike_times": digests.text(population.spike_times),
        "positions": digests.text(population.positions),
        **values,
    }


def _projection(projection: Projection, digests: Digests) -> dict[str, Any]:
    synapse, columns = projection.synapse, dict(projection.synapse.columns)
    if synapse.model in ("stdp", "taught"):
        columns.pop("weight", None)  # an initial value
    reward = {} if synapse.reward is None else {"reward": digests.text(synapse.reward)}
    return {
        "label": projection.label,
        "pre": digests.text(projection.pre),
        "post": digests.text(projection.post),
        "receptor": projection.receptor,
        "rule": f"{type(projection.rule).__name__}, {digests.text(projection.rule)}",
        "synapse": synapse.model,
        "plasticity": digests.text(synapse.plasticity or synapse.teacher),
        "seed": int(projection.seed),
        "realisation": digests.text(projection.realisation),
        **reward,
        **{name: digests.column(value) for name, value in columns.items()},
    }


def _current(current: Current, digests: Digests) -> dict[str, Any]:
    values = {name: digests.column(value) for name, value in current.parameters.items()}
    return {"label": current.kind, "kind": current.kind, "targets": digests.text(current.targets), "seed": int(current.seed), **values}


def differences(saved: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What differs between two descriptions: a sentence, the own value and the saved one; the most general first."""
    for name in ("chip", "timestep", "precision", "seed"):
        yield from _compared("", name, saved.get(name), own[name])
    for kind in ("population", "projection", "current"):
        before, now = saved.get(f"{kind}s"), own[f"{kind}s"]
        if not isinstance(before, list) or len(before) != len(now):
            n = len(before) if isinstance(before, list) else 0
            yield f"there are {len(now)} {kind}s here and {n} in the file", len(now), n
            continue
        for was, part in zip(before, now, strict=True):
            where = f"{kind.capitalize()} '{part['label']}': "
            for name in dict.fromkeys([*part, *was]):
                if name != "label":
                    yield from _compared(where, name, was.get(name), part.get(name))


def _compared(where: str, name: str, saved: Any, own: Any) -> Iterator[tuple[str, Any, Any]]:
    if saved == own:
        return
    if _DIGEST in str(own) or _DIGEST in str(saved):
        yield f"{where}'{name}' is not what it was", own, saved
    else:
        yield f"{where}'{name}' is {own} here and {saved} in the file", own, saved


class Digests:
    """Digests of values by type and content; what several parts share is read once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}

    def column(self, value: Any) -> float | str:
        """A number as it is; a digest of anything else."""
        return float(value) if is_homogeneous(value) else self.text(value)

    def text(self, value: Any) -> str:
        """A digest as a word."""
        return "none" if value is None else _DIGEST + self._of(value)[:8].hex()

    def _of(self, value: Any) -> bytes:
        if isinstance(value, _PLAIN):
            return _hash(type(value).__name__, [repr(value.item() if isinstance(value, np.generic) else value).encode()])
        if id(value) not in self._known:
            self._known[id(value)] = value, b"itself"  # what contains itself
            if isinstance(value, np.ndarray) and value.dtype != object:
                found = _hash(f"{value.dtype.str}{value.shape}", [np.ascontiguousarray(value).reshape(-1).view(np.uint8).data])
            else:
                found = _hash(type(value).__name__, (self._of(item) for item in _content(value)))
            self._known[id(value)] = value, found  # the value is kept, so that no other one gets its id
        return self._known[id(value)][1]


def _hash(name: str, content: Iterable[bytes | memoryview]) -> bytes:
    digest = hashlib.blake2b(name.encode() + b"\0", digest_size=16)
    for piece in content:
        digest.update(piece)
    return digest.digest()


def _content(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [part for key in sorted(value, key=str) for part in (str(key), value[key])]
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, tuple | list | np.ndarray):
        return list(value)
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, types.FunctionType):
        return _function(value)
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    if hasattr(value, "__dict__") and not isinstance(value, type | types.ModuleType):
        return [vars(value)]
    return [getattr(value, "__name__", type(value).__qualname__)]


def _function(function: types.FunctionType) -> list[Any]:
    """What a function does, as far as it can be seen: its name, constants, names it uses and values it encloses."""
    code = function.__code__
    constants = [c for c in code.co_consts if isinstance(c, (*_PLAIN, tuple))]
    enclosed = [cell.cell_contents for cell in function.__closure__ or ()]
    return [function.__qualname__, constants, code.co_names, enclosed, function.__defaults__]
