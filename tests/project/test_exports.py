"""The public surface: sorted, complete, resolvable, and cheap to import."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import neurosim
from neurosim import _names

ROOT = Path(__file__).resolve().parents[2]


def modules_with_all() -> list[str]:
    """Every module of ours that says what it exports."""
    folders = {"neurosim": ROOT / "neurosim", "neurosim.chips": ROOT / "chips", "neurosim.mapping": ROOT / "mapping"}
    found = []
    for name, folder in folders.items():
        for path in folder.rglob("*.py"):
            if _says_all(path):
                parts = (name, *path.relative_to(folder).with_suffix("").parts)
                found.append(".".join(part for part in parts if part != "__init__"))
    return sorted(found)


def _says_all(path: Path) -> bool:
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    targets = [target for node in nodes if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in nodes if isinstance(node, ast.AnnAssign)]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


@pytest.mark.parametrize("name", modules_with_all())
def test_every_exported_name_resolves_and_the_list_is_sorted(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__))
    for exported in module.__all__:
        assert getattr(module, exported) is not None, exported


def test_neurosim_forwards_exactly_what_the_pynn_backend_offers() -> None:
    backend = importlib.import_module("neurosim.pynn")
    offered = tuple(sorted(backend.__all__))
    assert offered == _names.PYNN, "PYNN in neurosim/_names.py must be:\n" + "\n".join(f'    "{name}",' for name in offered)
    for name in sorted({*offered} - {*_names.ROOMS, *_names.CORE}):
        assert getattr(neurosim, name) is getattr(backend, name)


def test_a_star_import_gives_the_whole_pynn_interface() -> None:
    space: dict[str, object] = {}
    exec("from neurosim import *", space)
    assert {"setup", "run", "end", "Population", "Projection", "IF_cond_exp", "NumpyRNG", "chips", "mapping"} <= space.keys()


def test_dir_lists_every_public_name() -> None:
    assert set(neurosim.__all__) <= set(dir(neurosim))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'Populaton'.*'Population'"):
        _ = neurosim.Populaton  # type: ignore[attr-defined]


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_neurosim_loads_nothing_heavy() -> None:
    heavy = "('pyNN', 'neo', 'matplotlib', 'numba', 'numpy', 'scipy', 'networkx', 'pydantic', 'typer', 'rich')"
    assert run_python(f"import sys, neurosim; print([name for name in {heavy} if name in sys.modules])") == "[]"


def test_the_core_never_loads_pynn() -> None:
    heavy = "('pyNN', 'neo', 'matplotlib')"
    code = f"import sys, neurosim.session, neurosim.chips, neurosim.mapping; print([name for name in {heavy} if name in sys.modules])"
    assert run_python(code) == "[]"


def test_mapping_is_a_package_and_a_function() -> None:
    code = """
import neurosim as sim, neurosim.mapping
sim.setup(chip="spinnaker")
sim.Population(3, sim.IF_curr_exp())
print(type(sim.mapping()).__name__, sim.mapping.map_network.__name__)
"""
    assert run_python(code) == "Mapping map_network"


def test_losses_is_a_module_and_a_function() -> None:
    code = "import neurosim as sim; sim.setup(); print(len(sim.losses()), sim.losses.Ledger.__name__)"
    assert run_python(code) == "0 Ledger"


@pytest.mark.parametrize("name", ["mapping", "losses"])
def test_what_is_asked_of_no_network_says_what_to_do(name: str) -> None:
    code = f"import neurosim as sim\ntry:\n    sim.{name}()\nexcept sim.errors.StateError as error:\n    print(error)"
    assert run_python(code) == f"{name}(): there is no network yet. Call setup(chip=...) first."


@pytest.mark.parametrize("name", ["chips", "mapping"])
def test_a_bare_import_is_refused(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode != 0
    assert f"package 'neurosim.{name}' was imported as '{name}'. Write 'import neurosim.{name}'." in done.stderr
