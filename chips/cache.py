"""Results remembered for the network last asked about."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from neurosim.network import Network

T = TypeVar("T")


class Remembered(Generic[T]):
    """Results for one network, by key; forgotten as soon as another network is asked about."""

    def __init__(self) -> None:
        self._network: Network | None = None
        self._found: dict[Hashable, T] = {}

    def get(self, network: Network, make: Callable[[], T], key: Hashable = None) -> T:
        """Result of ``make()`` for a network and key, made once."""
        if self._network is not network:
            self._network, self._found = network, {}
        if key not in self._found:
            self._found[key] = make()
        return self._found[key]
