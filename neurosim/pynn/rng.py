"""Random numbers of the front end: everything that has no seed of its own gets one from ``rng_seed``.

PyNN seeds an unseeded generator from the operating system. Here it is *adopted* when a network
object first uses it: its seed is derived from ``setup(rng_seed=...)`` and from how many were adopted
before, so that two runs of a script are identical.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from pyNN import random as pynn_random

from neurosim.pynn import simulator


def derive(*keys: object) -> int:
    """Non-negative 63-bit seed that depends on all ``keys``."""
    digest = hashlib.blake2b(repr(keys).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def next_seed(purpose: str = "rng") -> int:
    """The next seed derived from ``rng_seed``; each call gives another one."""
    state = simulator.state
    state.n_seeds += 1
    return derive(state.rng_seed, purpose, state.n_seeds)


def adopt(rng: Any) -> Any:
    """Seed a NumPy generator that has no seed; anything else is left alone. Returns ``rng``."""
    if isinstance(rng, pynn_random.NumpyRNG) and rng.seed is None:
        rng.seed = next_seed() % 2**32
        rng.rng.seed(rng.seed)
    return rng


def adopt_values(values: Any) -> None:
    """Adopt the generators of all random distributions among ``values``."""
    for value in values:
        base = getattr(value, "base_value", value)
        if isinstance(base, pynn_random.RandomDistribution):
            adopt(base.rng)


class NumpyRNG(pynn_random.NumpyRNG):
    """PyNN's NumPy generator; without a seed it is seeded from ``rng_seed`` of ``setup()``."""

    def __init__(self, seed: int | None = None, parallel_safe: bool = True) -> None:
        super().__init__(seed, parallel_safe)
        adopt(self)

    def next(
        self,
        n: int | None = None,
        distribution: str | None = None,
        parameters: dict[str, float] | None = None,
        mask: Any = None,
        mask_local: Any = None,
    ) -> Any:
        """Return ``n`` numbers of a distribution; ``mask_local`` is how older scripts write ``mask``."""
        if isinstance(mask_local, np.ndarray):
            mask = mask_local
        return super().next(n, distribution, parameters, mask)


class RandomDistribution(pynn_random.RandomDistribution):
    """PyNN's random distribution; without ``rng`` its numbers depend on ``rng_seed`` of ``setup()``."""

    def __init__(self, distribution: str, parameters_pos: Any = None, rng: Any = None, **parameters_named: Any) -> None:
        super().__init__(distribution, parameters_pos, rng or NumpyRNG(), **parameters_named)


class NativeRNG(pynn_random.NativeRNG):
    """neurosim's own generator: networks drawn with it are expanded row by row, in any order.

    Parameters
    ----------
    seed
        Integer; without one, the seed is derived from ``rng_seed`` of ``setup()``.
    """

    parallel_safe = True

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(next_seed("native") if seed is None else seed)
        self._numbers = pynn_random.NumpyRNG(derive("native", self.seed) % 2**32)

    def next(
        self, n: int | None = None, distribution: str | None = None, parameters: dict[str, float] | None = None, mask: Any = None
    ) -> Any:
        """Return ``n`` numbers of a distribution, as PyNN's generators do."""
        return self._numbers.next(n, distribution, parameters, mask)

    def fresh_seed(self) -> int:
        """Seed for one rule or column; each call gives another one."""
        return int(self._numbers.rng.randint(0, 2**63 - 1, dtype=np.int64))


def seed_from(rng: Any) -> int:
    """Seed for a counter-based rule or column, drawn from the user's generator."""
    if isinstance(rng, NativeRNG):
        return rng.fresh_seed()
    return int(np.asarray(adopt(rng).next(1, "uniform_int", {"low": 0, "high": 2**31 - 1}))[0])
