"""What pyproject.toml says is what the tree holds: packages, links, version, files that ship."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import neurosim

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]


def packages_in_tree() -> list[str]:
    """Every folder of ours that holds Python sources, as a package name."""
    folders = {"neurosim": ROOT / "neurosim", "neurosim.chips": ROOT / "chips", "neurosim.mapping": ROOT / "mapping"}
    found = {".".join((name, *path.parent.relative_to(folder).parts)) for name, folder in folders.items() for path in folder.rglob("*.py")}
    return sorted(found)


def test_the_package_list_equals_the_tree() -> None:
    expected = sorted([*packages_in_tree(), "neurosim.examples"])  # the examples ship for `neurosim demo`
    lines = "\n".join(f'    "{name}",' for name in expected)
    assert SETUPTOOLS["packages"] == expected, f"packages in pyproject.toml must be:\n{lines}"


def test_every_package_has_an_init() -> None:
    for name in packages_in_tree():
        assert (ROOT / name.replace(".", "/") / "__init__.py").is_file(), name


def test_the_links_are_there_and_relative() -> None:
    for name in ("chips", "mapping"):
        link = ROOT / "neurosim" / name
        assert link.is_symlink()
        assert os.readlink(link) == f"../{name}"


def test_the_version_is_that_of_the_newest_changelog_entry() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert newest is not None
    assert newest[1] == neurosim.__version__


def test_every_datasheet_ships() -> None:
    assert SETUPTOOLS["package-data"] == {"neurosim": ["py.typed"], "neurosim.chips": ["**/*.toml", "**/*.md"]}
    others = [path for path in (ROOT / "neurosim").rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc", ".typed"}]
    assert not others, "not shipped in the wheel: extend package-data"


def test_every_extra_that_an_error_names_can_be_installed() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "neurosim").rglob("*.py")]
    named = {extra for text in sources for extra in re.findall(r'MissingExtraError\.of\([^)]*"(\w+)"\)', text)}
    assert named
    assert named <= set(PYPROJECT["project"]["optional-dependencies"])
