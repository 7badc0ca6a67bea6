"""Scripts that name another simulator find neurosim in its place, for as long as they run."""

from __future__ import annotations

import ast
import contextlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

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

#: Calls that read the simulator's name from the command line, as most of PyNN's own examples do.
_ASKING = ("get_simulator", "get_script_args")


@contextlib.contextmanager
def standing_in(front_end: str = "neurosim.pynn") -> Iterator[ModuleType]:
    """Let ``pyNN.nest`` and the other backends mean neurosim inside the ``with`` block.

    ``import pyNN.nest as sim``, ``get_simulator()`` and ``importlib.import_module("pyNN.nest")``
    all find the front end; what was there before is put back at the end.
    """
    pynn = importlib.import_module("pyNN")
    module = importlib.import_module(front_end)
    before = {name: (sys.modules.get(f"pyNN.{name}"), pynn.__dict__.get(name)) for name in BACKENDS}
    for name in BACKENDS:
        sys.modules[f"pyNN.{name}"] = module
        setattr(pynn, name, module)
    try:
        yield module
    finally:
        for name, (loaded, attribute) in before.items():
            _restore(sys.modules, f"pyNN.{name}", loaded)
            _restore(pynn.__dict__, name, attribute)


def _restore(table: dict, key: str, value: object) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def with_simulator(source: str, arguments: Sequence[str]) -> list[str]:
    """Arguments of a script with ``neurosim`` put first where the script wants a simulator's name.

    Nothing is changed if the script does not ask for one, or if an argument already names one.

    Examples
    --------
    >>> with_simulator("sim, options = get_simulator(('benchmark', ''))", ["COBA"])
    ['neurosim', 'COBA']
    >>> with_simulator("import neurosim as sim", ["COBA"])
    ['COBA']
    """
    given = list(arguments)
    if not asks_for_simulator(source) or any(item in BACKENDS for item in given):
        return given
    return ["neurosim", *given]


def asks_for_simulator(source: str) -> bool:
    """True if a script calls one of PyNN's functions that read the simulator's name."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.Call) and _name(node.func) in _ASKING for node in ast.walk(tree))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
