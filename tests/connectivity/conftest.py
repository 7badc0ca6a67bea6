"""One projection between selections of two small populations, as a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from neurosim.network import Network, Population, Projection, Selection, Synapse

Connected = tuple[Network, Projection]


def _selection(cells: int | list[tuple[int, list[int]]], population: int) -> Selection:
    parts = [(population, list(range(cells)))] if isinstance(cells, int) else cells
    return Selection(tuple((p, np.array(i, np.int64)) for p, i in parts))


def _connected(pre, post, rule, *, columns=None, seed=5, same=False, positions=None, realisation=None) -> Connected:
    """``pre`` and ``post`` are numbers of cells, or the parts of a selection of populations 0 and 1."""
    sizes = [60, 60] if not (isinstance(pre, int) and isinstance(post, int)) else [max(pre, post), post]
    populations = tuple(Population(i, "ab"[i], n, "lif", positions=positions) for i, n in enumerate(sizes))
    projection = Projection(
        0,
        "a-b",
        _selection(pre, 0),
        _selection(post, 0 if same else 1),
        "excitatory",
        rule,
        Synapse("static", {"weight": 0.1, "delay": 1.5} if columns is None else columns),
        seed,
        realisation,
    )
    return Network(0.1, 1, populations, (projection,)), projection


@pytest.fixture(scope="session")
def connect() -> Callable[..., Connected]:
    """Function that builds a network of one projection."""
    return _connected
