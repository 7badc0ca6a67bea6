"""Bodies run in turn, medians are taken, what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.harness import processes
from benchmarks.harness.cases import BRIAN2, LAVA, NEST, NEUROSIM, Case, Side
from benchmarks.harness.measure import measure, medians
from benchmarks.harness.processes import BodyError, Environments, parse

OURS, THEIRS = Side(NEUROSIM, "pynn"), Side(NEST, "nest", {"run_ms": 5.0})


class Log:
    """A runner that notes what it was asked to run."""

    def __init__(self, failing: str = "") -> None:
        self.asked: list[tuple[str, dict]] = []
        self.failing = failing

    def __call__(self, workload, side, options, environments):
        self.asked.append((side.label, options))
        if side.label == self.failing:
            raise BodyError("broken")
        return {"run_s": float(len(self.asked))}


def nowhere() -> Environments:
    return Environments({NEUROSIM: "python"})


def test_sides_run_in_turn_with_one_seed_a_turn() -> None:
    log = Log()
    measured = measure("x", Case("c", (OURS, THEIRS), {"run_ms": 9.0}, warm=None), nowhere(), 2, run=log)
    assert [label for label, _ in log.asked] == [NEUROSIM, NEST, NEUROSIM, NEST]
    assert [options["seed"] for _, options in log.asked] == [1001, 1001, 1002, 1002]
    assert measured.medians == {NEUROSIM: {"run_s": 2.0}, NEST: {"run_s": 3.0}}


def test_the_first_run_that_compiles_is_not_counted() -> None:
    log = Log()
    measured = measure("x", Case("c", (OURS, THEIRS), {"run_ms": 9.0}, warm={"run_ms": 1.0}), nowhere(), 1, run=log)
    assert log.asked[0] == (NEUROSIM, {"run_ms": 1.0})
    assert measured.records[NEUROSIM] == [{"run_s": 2.0}]


def test_a_case_can_bound_its_repeats() -> None:
    log = Log()
    measure("x", Case("c", (OURS,), warm=None, repeats=1), nowhere(), 5, run=log)
    assert len(log.asked) == 1


def test_a_side_that_breaks_is_left_out_and_the_others_go_on() -> None:
    log = Log(failing=NEST)
    measured = measure("x", Case("c", (OURS, THEIRS), warm=None), nowhere(), 3, run=log)
    assert measured.absent == {NEST: "broken"}
    assert [label for label, _ in log.asked].count(NEST) == 1
    assert list(measured.medians) == [NEUROSIM]


def test_when_the_first_run_breaks_nothing_more_of_that_body_runs() -> None:
    log = Log(failing=NEUROSIM)
    measured = measure("x", Case("c", (OURS, THEIRS), warm={}), nowhere(), 2, run=log)
    assert [label for label, _ in log.asked] == [NEUROSIM, NEST, NEST]
    assert measured.absent == {NEUROSIM: "broken"}


def test_medians_are_taken_of_numbers_and_element_by_element_of_lists() -> None:
    records = [{"a": 1.0, "b": [1.0, 10.0], "c": "x"}, {"a": 5.0, "b": [3.0, 0.0], "c": "y"}, {"a": 2.0, "b": [2.0, 5.0], "c": "z"}]
    assert medians(records) == {"a": 2.0, "b": [2.0, 5.0], "c": "x"}


def test_a_peer_without_an_environment_says_how_to_get_one() -> None:
    with pytest.raises(BodyError, match=r"no Python with NEST; `make bench-peers` sets one up, --nest-python names another"):
        processes.run("coba_cuba", THEIRS, {}, nowhere())


def test_a_peer_that_make_does_not_set_up_says_what_it_wants() -> None:
    with pytest.raises(BodyError, match=r"no Python with lava; lava-nc 0.10 wants Python 3.10 .*, --lava-python names another"):
        processes.run("loihi_registers", Side(LAVA, "lava"), {}, nowhere())


def test_a_python_that_is_not_there_is_named() -> None:
    with pytest.raises(BodyError, match=r"cannot start no/such/python: No such file"):
        processes.run("coba_cuba", THEIRS, {}, Environments({NEST: "no/such/python"}))


def test_peers_are_given_or_in_a_variable_or_where_make_puts_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = tmp_path / "brian2" / "bin" / "python"
    made.parent.mkdir(parents=True)
    made.touch()
    monkeypatch.setattr(processes, "PEERS", tmp_path)
    monkeypatch.setenv("NEUROSIM_BENCH_NEST_PYTHON", "from/variable")
    monkeypatch.delenv("NEUROSIM_BENCH_BRIAN2_PYTHON", raising=False)
    assert Environments.find({NEST: "given"}).pythons[NEST] == "given"
    assert Environments.find({}).pythons[NEST] == "from/variable"
    assert Environments.find({}).pythons[BRIAN2] == str(made)


def test_the_result_is_the_marked_line_whatever_else_is_printed() -> None:
    assert parse('banner\n\nRESULT {"run_s": 1.5}\nbye\n', "", 0) == {"run_s": 1.5}


@pytest.mark.parametrize(
    ("out", "err", "status", "said"),
    [("", "Traceback\nValueError: no", 1, "ended with status 1: ValueError: no"), ("words", "", 0, "ended with status 0: it said nothing")],
)
def test_a_body_that_fails_is_quoted(out: str, err: str, status: int, said: str) -> None:
    with pytest.raises(BodyError, match=said):
        parse(out, err, status)


def test_a_body_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(processes, "LIMIT_S", 0.01)
    with pytest.raises(BodyError, match=r"not done after 0 s"):
        processes.run("coba_cuba", OURS, {}, Environments({NEUROSIM: sys.executable}))
