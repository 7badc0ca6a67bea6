"""``python -m benchmarks``: what it refuses, what it returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.harness import pages, registry
from benchmarks.harness.cases import NEST, NEUROSIM, Case, Gate, Side, Target


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cobra"], "unknown workload 'cobra'; known: microcircuit, coba_cuba, brunel"),
        (["coba_cuba", "--repeats", "0"], "--repeats and --threads must be 1 or more"),
        (["coba_cuba", "--threads", "0"], "--repeats and --threads must be 1 or more"),
        (["microcircuit", "--peer-ms", "0"], "--peer-ms must be more than 0"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        command.main(words)
    assert refusal.value.code == 2
    assert said in capsys.readouterr().err


def test_one_workload_is_measured_three_times_on_two_threads_unless_told_otherwise() -> None:
    given = command.arguments(["coba_cuba"])
    assert (given.names, given.repeats, given.threads, given.full, given.nest_python) == (["coba_cuba"], 3, 2, False, "")


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch):
    """A workload that needs no simulator; gives what its gates and sides shall say."""
    says = {"gate": True, "ours": 1.0, "theirs": 4.0}

    class Workload:
        __doc__ = "Made up."

        @staticmethod
        def cases(size):
            sides = (Side(NEUROSIM, "body"), Side(NEST, "body"))
            return [Case("made up", sides, shown=("run_s",), targets=(Target("run_s", "run", against=NEST, at_least=3.0),), warm=None)]

        @staticmethod
        def gates(case, found):
            return [Gate("sane", says["gate"], "as made up")]

    def run(workload, case, environments, repeats):
        from benchmarks.harness.measure import Measured

        return Measured({NEUROSIM: [{"run_s": says["ours"]}] * repeats, NEST: [{"run_s": says["theirs"]}] * repeats})

    monkeypatch.setattr(registry, "workload", lambda name: Workload)
    monkeypatch.setattr(command, "measure", run)
    return says


def test_all_is_well_when_gates_pass_and_results_are_kept(made_up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["brunel", "--results", str(tmp_path)]) == 0
    assert "target run: 4 times, wanted 3 times: reached" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "brunel.json"]


def test_a_gate_that_fails_fails_the_command_and_stands_in_the_tables(made_up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_up["gate"] = False
    assert command.main(["brunel", "--results", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "FAILED: sane: as made up" in said.err
    assert "| sane | FAILED | as made up |" in (tmp_path / "README.md").read_text()


def test_a_missed_target_fails_only_a_strict_command(made_up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_up["theirs"] = 2.0
    assert command.main(["brunel", "--results", str(tmp_path)]) == 0
    assert "target missed: made up: run" in capsys.readouterr().out
    assert command.main(["brunel", "--results", str(tmp_path), "--strict"]) == 1


def test_the_readme_quotes_what_was_kept(made_up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "front.md"
    readme.write_text(f"before\n\n{pages.BEGIN}\nold\n{pages.END}\n\nafter\n", encoding="utf-8")
    monkeypatch.setattr(pages, "README", readme)
    command.main(["brunel", "--results", str(tmp_path)])
    assert command.main(["--readme", "--results", str(tmp_path)]) == 0
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| made up | run | 1 s | NEST 4 s | 4 | 3 times | yes |" in text
    assert "old" not in text
