"""Which parts of a changed network go on as they were: the engine tells by identity what is unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from neurosim.network import Network, Population


def unchanged(before: Sequence[object], after: Sequence[object]) -> bool:
    """True if two sequences hold the very same objects."""
    return len(before) == len(after) and all(a is b for a, b in zip(before, after, strict=True))


def continued(before: Network, after: Network, old: Network, new: Network) -> Network:
    """``new`` with the realised objects of ``old`` wherever they say the same.

    The engine tells by identity what is unchanged. A part that the user did not touch can still be
    realised in another way, because its place or a scale it shares changed. Plastic synapses that
    the user did not touch go on as they are.
    """
    populations, projections = list(new.populations), list(new.projections)
    for i, (a, b, was) in enumerate(zip(before.populations, after.populations, old.populations, strict=False)):
        populations[i] = _continued_population(a, b, was, populations[i])
    for i, (a, b, was) in enumerate(zip(before.projections, after.projections, old.projections, strict=False)):
        if a is b and (was.synapse.plasticity is not None or was.synapse.teacher is not None or _same(was, projections[i])):
            projections[i] = was
    return replace(new, populations=tuple(populations), projections=tuple(projections))


def _continued_population(before: Population, after: Population, was: Population, now: Population) -> Population:
    """State variables that the user did not set again stay as they are."""
    names = before.initial.keys() | after.initial.keys()
    untouched = all(before.initial.get(name) is after.initial.get(name) for name in names)
    if untouched:
        now = replace(now, initial=was.initial)
    return was if _same(was, now) else now


def with_initial(network: Network, start: Network) -> Network:
    """A network with the initial values of another one."""
    pairs = zip(network.populations, start.populations, strict=True)
    populations = tuple(p if _same(p.initial, q.initial) else replace(p, initial=q.initial) for p, q in pairs)
    return network if unchanged(network.populations, populations) else replace(network, populations=populations)


def _same(a: Any, b: Any) -> bool:
    """True if two parts of networks have the same content."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(_same(value, b[name]) for name, value in a.items())
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(_same, a, b))
    if is_dataclass(a):
        return all(_same(getattr(a, part.name), getattr(b, part.name)) for part in fields(a))
    return bool(a == b)
