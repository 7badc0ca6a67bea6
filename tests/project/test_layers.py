"""The arrows between rooms run only downward: every import of every source is read and compared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Room -> rooms it may import, lowest first. What a room is not told to use, it may not use.
LEAVES = frozenset({"errors", "losses", "machine", "_guard", "_callable", "_message", "_progress"})
DESCRIPTION = frozenset({"columns", "network", "plasticity", "connectivity"}) | LEAVES
ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "_guard": frozenset(),
    "_callable": frozenset({"errors"}),
    "_cache": frozenset(),
    "_message": frozenset(),
    "_progress": frozenset(),
    "_jit": frozenset({"_cache"}),
    "_names": frozenset(),
    "__version__": frozenset(),
    "losses": frozenset({"errors", "_callable"}),
    "machine": frozenset({"errors"}),
    "columns": frozenset({"errors"}),
    "plasticity": frozenset(),
    "network": frozenset({"columns", "errors", "plasticity"}),
    "_continued": frozenset({"network"}),
    "connectivity": frozenset({"columns", "network", "_jit"}) | LEAVES,
    "models": frozenset({"columns", "_jit"}) | LEAVES,
    "live": LEAVES,
    "engine": DESCRIPTION | {"models", "_jit"},
    "chips": DESCRIPTION | {"models", "_jit"},
    "mapping": DESCRIPTION | {"chips", "_jit"},
    "_working_points": DESCRIPTION | {"chips", "engine"},
    "_fit": DESCRIPTION | {"chips", "mapping", "_working_points"},
    "_cost": DESCRIPTION | {"_continued", "_fit", "chips", "engine", "mapping"},
    "session": DESCRIPTION | {"__version__", "_continued", "_cost", "_fit", "_working_points", "models", "engine", "chips", "mapping"},
    "loihi": DESCRIPTION | {"chips", "engine"},
    "pynn": DESCRIPTION | {"models", "chips", "live", "mapping", "session"},
    "compare": DESCRIPTION | {"chips", "mapping", "session", "pynn", "report"},
    "report": DESCRIPTION | {"chips", "mapping", "compare"},
    "cli": DESCRIPTION | {"__version__", "chips", "mapping", "session", "pynn", "compare", "report"},
}

# Third-party packages that only some rooms may touch, and what would go wrong otherwise.
CONFINED = {
    "pyNN": {"pynn"},  # CeCILL, and half a second of import
    "neo": {"pynn"},
    "quantities": {"pynn"},
    "lazyarray": {"pynn"},
    "h5py": {"engine"},
    "numba": {"_jit", "connectivity", "models", "engine", "chips", "mapping"},
    "matplotlib": {"compare", "report"},
    "jinja2": {"report"},
    "typer": {"cli"},
    "rich": {"_progress", "cli", "compare"},
}


def sources() -> list[Path]:
    """Every source of the package, by its path inside ``neurosim`` (links followed)."""
    folders = {"": ROOT / "neurosim", "chips": ROOT / "chips", "mapping": ROOT / "mapping"}
    found = [Path(name) / path.relative_to(folder) for name, folder in folders.items() for path in folder.rglob("*.py")]
    return sorted({path for path in found if path.parts})


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def read(path: Path) -> ast.Module:
    return ast.parse((ROOT / "neurosim" / path).read_text(encoding="utf-8"), filename=str(path))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and absolute name of every import, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "neurosim":
            yield from ((node.lineno, f"neurosim.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
        elif isinstance(node, ast.Call) and _is_import_call(node):
            yield node.lineno, str(ast.literal_eval(node.args[0]))


def _is_import_call(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in {"import_module", "__import__"} and bool(node.args) and isinstance(node.args[0], ast.Constant)


def faults(path: Path, tree: ast.Module) -> list[str]:
    room, found = room_of(path), []
    for line, name in imported(tree):
        top, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        where = f"{path}:{line} imports {name}"
        if not top:
            found.append(f"{where}: imports are absolute here")
        elif top == "neurosim" and not target:
            found.append(f"{where}: name the room that is meant")
        elif top == "neurosim" and target != room and target not in ALLOWED.get(room, frozenset()):
            found.append(f"{where}: '{room}' may not know '{target}'")
        elif top in CONFINED and room not in CONFINED[top]:
            found.append(f"{where}: only {', '.join(sorted(CONFINED[top]))} may use it")
    return found


def test_every_room_is_in_the_table() -> None:
    assert {room_of(path) for path in sources()} - {"__init__", "__main__"} <= set(ALLOWED)


def test_the_table_itself_has_no_circle_except_compare_and_report() -> None:
    order = list(ALLOWED)
    upward = {(room, target) for room, targets in ALLOWED.items() for target in targets if order.index(target) > order.index(room)}
    assert upward <= {("compare", "report")}


def test_imports_run_downward() -> None:
    paths = [path for path in sources() if room_of(path) not in {"__init__", "__main__"}]
    found = [fault for path in paths for fault in faults(path, read(path))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("engine/x.py", "import pyNN.common"),
        ("engine/x.py", "def f():\n    from neurosim.chips import load"),
        ("network.py", "from neurosim import chips"),
        ("mapping/x.py", "import importlib\nimportlib.import_module('neurosim.session')"),
        ("chips/x.py", "from . import chip"),
        ("models/x.py", "import neo"),
    ],
)
def test_a_wrong_arrow_is_found(path: str, text: str) -> None:
    assert len(faults(Path(path), ast.parse(text))) == 1
