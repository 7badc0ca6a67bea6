"""Rules for every file: short files, short functions, no paths of one machine, no guard forgotten."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|home|root|opt|Users|mnt)/\w")
N_LINES, N_FUNCTION_LINES = 400, 60


def files() -> list[Path]:
    """Every file that belongs to the project: in git what git knows, elsewhere all but hidden and built ones."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else [str(path.relative_to(ROOT)) for path in ROOT.rglob("[!.]*")]
    return [ROOT / name for name in names if (ROOT / name).is_file() and not name.startswith((".", "build", "dist"))]


PYTHON = [path for path in files() if path.suffix == ".py"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_source_is_longer_than_400_lines() -> None:
    assert [name_of(path) for path in PYTHON if len(path.read_text(encoding="utf-8").splitlines()) > N_LINES] == []


def test_no_function_is_longer_than_60_lines() -> None:
    found = []
    for path in PYTHON:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        found += [f"{name_of(path)}: {node.name}" for node in functions if body_lines(node) > N_FUNCTION_LINES]
    assert found == []


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, the docstring left out: a long text is not a long function."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1


def test_future_annotations_are_on_wherever_there_are_annotations() -> None:
    assert [name_of(path) for path in PYTHON if not name_of(path).startswith("examples/") and lacks_future_annotations(path)] == []


def lacks_future_annotations(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    annotated = any(isinstance(node, ast.FunctionDef) and (node.args.args or node.returns) for node in ast.walk(tree))
    return annotated and not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)


def test_no_path_of_one_machine_is_in_the_tree() -> None:
    found = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path != Path(__file__).resolve():
            found += [f"{name_of(path)}: {match[0]}" for match in MACHINE_PATHS.finditer(text)]
    assert not found


def test_no_file_is_large() -> None:
    assert [name_of(path) for path in files() if path.stat().st_size > 1_000_000] == []


def test_no_text_of_pynn_is_in_the_tree() -> None:
    marks = ("CeCILL, see LICENSE" + " for details", "by the PyNN team, see " + "AUTHORS")
    assert [path.name for path in PYTHON if any(mark in path.read_text(encoding="utf-8") for mark in marks)] == []


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert len(text) > 11_000
