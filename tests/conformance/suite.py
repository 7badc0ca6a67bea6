"""PyNN's sdist, which holds the suite: fetched with pip at test time, kept in .cache/, never committed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "conformance"


def fetch(cache: Path = CACHE) -> Path:
    """Folder of the unpacked sdist of the installed PyNN, downloaded if it is not there yet."""
    release = version("PyNN")
    root = cache / f"pynn-{release}"
    if not (root / "test").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        _download(release, cache)
        with tarfile.open(next(cache.glob(f"[Pp]y[Nn][Nn]-{release}.tar.gz"))) as archive:
            archive.extractall(cache, filter="data")
    found = next((path for path in cache.iterdir() if path.is_dir() and path.name.lower() == root.name), None)
    if found is None:
        raise FileNotFoundError(f"the sdist of PyNN {release} holds no folder {root.name}")
    return found


def _download(release: str, cache: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "PyNN"]
    subprocess.run([*command, f"PyNN=={release}", "--dest", str(cache)], check=True, timeout=600)


def scenario_files(sdist: Path) -> list[Path]:
    """The scenario test files."""
    return sorted((sdist / "test" / "system" / "scenarios").glob("test_*.py"))
