"""The benchmarks' command: what it refuses, and tables and files of made-up numbers."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.harness")


def test_an_unknown_benchmark_is_named_with_the_known_ones() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "cobra"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "unknown benchmark 'cobra'; known: coba, building, cold_start" in done.stderr


def test_every_benchmark_says_what_it_measures(harness) -> None:
    main = importlib.import_module("benchmarks.__main__")
    for name in main.NAMES:
        assert harness._question(ROOT / "benchmarks" / f"{name}.py").endswith(".")


def test_a_peer_stands_beside_us_with_the_ratio_of_the_medians(harness) -> None:
    measured = harness.Measured("a question", {"neurosim": {"run_s": [2.0, 1.0, 3.0]}, "nest": {"run_s": [8.0, 10.0, 9.0]}})
    lines = harness.table("x", measured).splitlines()
    assert lines[0] == "x: a question"
    assert lines[2].split() == ["run", "s", "2", "(1)", "9", "(8)", "4.50"]


def test_a_peer_that_is_not_there_is_said_to_be_absent(harness) -> None:
    measured = harness.measure("coba", {"nest": ""}, repeats=2, threads=1)
    assert harness.table("coba", measured).endswith("nest: not installed")


def test_numbers_are_kept_with_what_they_were_measured_on(harness, tmp_path) -> None:
    file = harness.save("x", harness.Measured("a question", {"neurosim": {"run_s": [1.0]}}), tmp_path / "new")
    content = json.loads(Path(file).read_text())
    assert content["values"] == {"neurosim": {"run_s": [1.0]}}
    assert {"processor", "cores", "packages", "neurosim", "python", "when"} <= set(content)
