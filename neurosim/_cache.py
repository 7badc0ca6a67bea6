"""Where numba keeps our compiled kernels: one folder per state of all our sources.

numba dates a cached kernel by the one file it stands in, so an edited callee or constant in
another file would give silently stale results. The folder is therefore named by a hash of the
text of every source of the package: 2 ms for 150 files, less than numba's import by far. What is
compiled after the sources changed under a running process belongs to no state of them, and is not kept.

``NUMBA_CACHE_DIR`` set by the user is left alone. ``NEUROSIM_CACHE_SHARD`` adds a subfolder, so that
test workers know what they compiled themselves.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

STALE_DAYS = 30
_read: list[str] = []  # state of the sources that the folder is named by
_VARIABLE = "NUMBA_CACHE_DIR"
_OURS = "NEUROSIM_NUMBA_CACHE_DIR"  # what we set it to: a child process must not take that for the user's wish


def use_own_cache() -> Path | None:
    """Point numba's cache at our folder, before numba is imported.

    Returns
    -------
    Path or None
        The folder, or ``None`` if the user's own setting was kept or no folder can be written.
    """
    wish = os.environ.get(_VARIABLE)
    if wish and wish != os.environ.get(_OURS):
        return None
    state = source_hash(Path(__file__).parent)
    _read[:] = [state]
    folder = _first_writable(state)
    if folder is None:
        return None
    os.environ[_VARIABLE] = os.environ[_OURS] = str(folder)
    if "numba" in sys.modules:  # it has read its settings already
        sys.modules["numba"].config.CACHE_DIR = str(folder)
    return folder


def are_as_read() -> bool:
    """Whether our sources are what they were when :func:`use_own_cache` named the folder after them."""
    return not _read or _read[0] == source_hash(Path(__file__).parent)


def source_hash(package: Path) -> str:
    """Hash of the names and texts of all ``.py`` files below ``package``, links followed."""
    digest = hashlib.blake2b(digest_size=10)
    root = str(package)
    for path in sorted(_sources(root)):
        with open(path, "rb", buffering=0) as file:
            text = file.read()
        digest.update(f"{path[len(root) :]}\0{len(text)}\0".encode())
        digest.update(text)
    return digest.hexdigest()


def _sources(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.name.isidentifier() and entry.name != "__pycache__" and entry.is_dir():
                yield from _sources(entry.path)


def _first_writable(name: str) -> Path | None:
    shard = os.environ.get("NEUROSIM_CACHE_SHARD", "")
    for root in (_user_folder(), Path(tempfile.gettempdir()) / f"neurosim-kernels-{_user()}"):
        folder = root / name / shard
        if _is_usable(root, folder):
            return folder
    return None


def _user_folder() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "neurosim" / "kernels"


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _is_usable(root: Path, folder: Path) -> bool:
    """Whether ``folder`` exists, is ours and can be written; makes it if it can."""
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if hasattr(os, "getuid") and root.stat().st_uid != os.getuid():
            return False  # cached kernels are code: never load what someone else put there
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            remove_stale(root, keep=folder)
        os.utime(folder)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def remove_stale(root: Path, *, keep: Path, now_s: float | None = None) -> None:
    """Delete the folders in ``root`` that no process has used for ``STALE_DAYS`` days."""
    oldest_s = (time.time() if now_s is None else now_s) - STALE_DAYS * 86_400
    for folder in root.iterdir():
        if folder not in (keep, *keep.parents) and folder.is_dir() and _last_used_s(folder) < oldest_s:
            import shutil

            shutil.rmtree(folder, ignore_errors=True)


def _last_used_s(folder: Path) -> float:
    return max((path.stat().st_mtime for path in (folder, *folder.iterdir())), default=0.0)
