"""What a script written for any simulator expects on its command line."""

from __future__ import annotations

import ast
from collections.abc import Sequence

#: Calls that read the simulator's name from the command line, as most of PyNN's own examples do.
_ASKING = ("get_simulator", "get_script_args")


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
    if not asks_for_simulator(source):
        return given
    from neurosim.pynn.stand_in import BACKENDS

    if any(item in BACKENDS for item in given):
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
