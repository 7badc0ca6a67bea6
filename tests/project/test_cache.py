"""numba's cache folder: one per state of our sources, the user's wish first, never an error."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neurosim import _cache


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user cache folder of its own, and no settings from outside."""
    for name in ("NUMBA_CACHE_DIR", "NEUROSIM_NUMBA_CACHE_DIR", "NEUROSIM_CACHE_SHARD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(_cache, "_user_folder", lambda: tmp_path / "cache" / "neurosim" / "kernels")
    monkeypatch.setitem(sys.modules, "numba", type("Numba", (), {"config": type("Config", (), {})()}))
    return tmp_path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small source tree with a linked folder, as ours has."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b.py").write_text("B = 1\n")
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "a.py").write_text("A = 1\n")
    (folder / "linked").symlink_to("../outside")
    return folder


def test_an_edit_anywhere_changes_the_hash(package: Path) -> None:
    before = _cache.source_hash(package)
    (package / "linked" / "b.py").write_text("B = 2\n")
    assert _cache.source_hash(package) != before


def test_the_date_of_a_file_does_not_change_the_hash(package: Path) -> None:
    before = _cache.source_hash(package)
    os.utime(package / "a.py", (1.0, 1.0))
    assert _cache.source_hash(package) == before


def test_a_renamed_file_changes_the_hash(package: Path) -> None:
    before = _cache.source_hash(package)
    (package / "a.py").rename(package / "c.py")
    assert _cache.source_hash(package) != before


def test_the_folder_is_named_by_the_hash_of_our_sources(home: Path) -> None:
    folder = _cache.use_own_cache()
    assert folder == home / "cache" / "neurosim" / "kernels" / _cache.source_hash(Path(_cache.__file__).parent)
    assert os.environ["NUMBA_CACHE_DIR"] == str(folder)
    assert str(folder) == sys.modules["numba"].config.CACHE_DIR


def test_the_users_own_setting_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(home / "mine"))
    assert _cache.use_own_cache() is None
    assert os.environ["NUMBA_CACHE_DIR"] == str(home / "mine")


def test_a_setting_inherited_from_a_parent_process_of_ours_is_not_the_users(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(home / "of other sources"))
    monkeypatch.setenv("NEUROSIM_NUMBA_CACHE_DIR", str(home / "of other sources"))
    assert _cache.use_own_cache() is not None


def test_each_shard_has_a_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE_SHARD", "gw1")
    folder = _cache.use_own_cache()
    assert folder is not None
    assert folder.name == "gw1"


def test_where_the_home_cannot_be_written_a_temporary_folder_serves(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "cache").write_text("a file where the folder should be")
    monkeypatch.setattr(_cache.tempfile, "gettempdir", lambda: str(home))
    folder = _cache.use_own_cache()
    assert folder is not None
    assert folder.parent.name.startswith("neurosim-kernels-")
    assert folder.parent.stat().st_mode & 0o077 == 0


def test_where_nothing_can_be_written_numba_keeps_its_own_way(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cache, "_is_usable", lambda _root, _folder: False)
    assert _cache.use_own_cache() is None
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_folders_unused_for_a_month_are_removed(tmp_path: Path) -> None:
    for name in ("old", "recent", "kept"):
        (tmp_path / name).mkdir()
    now_s = time.time()
    month_ago_s = now_s - 31 * 86_400
    os.utime(tmp_path / "old", (month_ago_s, month_ago_s))
    os.utime(tmp_path / "kept", (month_ago_s, month_ago_s))
    _cache.remove_stale(tmp_path, keep=tmp_path / "kept", now_s=now_s)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "recent"]


def test_it_costs_little() -> None:
    start_s = time.perf_counter()
    for _ in range(10):
        _cache.source_hash(Path(_cache.__file__).parent)
    assert (time.perf_counter() - start_s) / 10 < 0.015


def test_a_process_of_its_own_finds_the_variable_set(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    for name in ("NUMBA_CACHE_DIR", "NEUROSIM_CACHE_SHARD"):
        environment.pop(name, None)
    code = "import neurosim, os; print(os.environ['NUMBA_CACHE_DIR'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)
