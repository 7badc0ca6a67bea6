"""Scripts that name another backend find neurosim in its place, for as long as they run."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pyNN

#: Names a PyNN script may import as ``pyNN.<name>``; all of them stand for neurosim here.
BACKENDS: tuple[str, ...] = (
    "neurosim",
    "nest",
    "neuron",
    "brian",
    "brian2",
    "arbor",
    "mock",
    "pcsim",
    "moose",
    "spiNNaker",
    "nemo",
    "genn",
)


@contextlib.contextmanager
def standing_in() -> Iterator[ModuleType]:
    """Let ``pyNN.nest`` and the other backends mean neurosim inside the ``with`` block.

    ``import pyNN.nest as sim``, ``get_simulator()`` and ``importlib.import_module("pyNN.nest")``
    all find the front end; what was there before is put back at the end.
    """
    module = sys.modules[__name__.rpartition(".")[0]]
    before = {name: (sys.modules.get(f"pyNN.{name}"), pyNN.__dict__.get(name)) for name in BACKENDS}
    for name in BACKENDS:
        sys.modules[f"pyNN.{name}"] = module
        setattr(pyNN, name, module)
    try:
        yield module
    finally:
        for name, (loaded, attribute) in before.items():
            _restore(sys.modules, f"pyNN.{name}", loaded)
            _restore(pyNN.__dict__, name, attribute)


def _restore(table: dict, key: str, value: object) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
