"""Targets, gates, tables and files of made-up figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.harness import gates, pages, results, tables
from benchmarks.harness.cases import NEST, NEUROSIM, Case, Gate, Side, Target
from benchmarks.harness.measure import Measured

FACTS = {"processor": "a processor", "cores": 2, "caches": ["L2 1M"], "memory_gib": 8.0, "system": "Linux 6", "python": "3.11"}


def report(*targets: Target, gate: bool | None = True, full: bool = False, workload: str = "brunel") -> results.Report:
    case = Case("W", (Side(NEUROSIM, "pynn"), Side(NEST, "nest")), shown=("run_factor", "rates_hz"), targets=targets)
    measured = Measured(
        {
            NEUROSIM: [{"run_factor": 2.0, "rates_hz": [1.0, 2.0]}, {"run_factor": 3.0, "rates_hz": [1.0, 2.0]}],
            NEST: [{"run_factor": 10.0, "rates_hz": [1.5, 2.5]}],
        }
    )
    kept = results.kept(case, measured, [Gate("rate", gate, "1 of 1")])
    return results.report(workload, "How fast?", [kept], full=full, repeats=2, facts=FACTS)


def test_a_peer_stands_beside_us_with_the_ratio_of_the_medians() -> None:
    lines = tables.screen(report().cases[0]).splitlines()
    assert lines[1].split() == ["neurosim", "(best)", "NEST", "(best)", "NEST", "/", "neurosim"]
    assert lines[2].split() == ["run", "(s", "per", "s)", "2.5", "(2)", "10", "(10)", "4.00"]
    assert "1 2" in lines[3]


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (Target("run_factor", "run", against=NEST, at_least=4.0), True),
        (Target("run_factor", "run", against=NEST, at_least=4.1), False),
        (Target("run_factor", "run", at_most=2.5), True),
        (Target("run_factor", "run", at_most=2.4), False),
        (Target("run_factor", "run", against="Brian2", at_least=2.0), None),
        (Target("rss_gib", "memory", at_most=3.0), None),
    ],
)
def test_a_target_is_reached_missed_or_not_measured(target: Target, reached: bool | None) -> None:
    assert report(target).cases[0].targets[0].reached is reached


def test_only_what_fails_is_called_failed() -> None:
    assert report(gate=True).failed == report(gate=None).failed == []
    assert report(gate=False).failed == ["rate: 1 of 1"]


def test_a_body_of_ours_that_did_not_run_is_a_failure_and_a_peer_that_did_not_is_none() -> None:
    case = Case("W", (Side(NEUROSIM, "pynn"), Side(NEST, "nest")))
    kept = results.kept(case, Measured({}, {NEUROSIM: "broken", NEST: "no Python"}), [])
    assert results.report("brunel", "?", [kept], full=False, repeats=1, facts=FACTS).failed == ["W: neurosim broken"]
    assert "NEST: no Python" in tables.screen(kept)


def test_numbers_are_short_and_units_follow_names() -> None:
    assert [tables.number(value) for value in (0.012345, 12.34, 15265.2)] == ["0.0123", "12.3", "15,265"]
    assert tables.with_unit(3.0, "rss_gib") == "3 GiB"
    assert tables.with_unit(0.7, "run_factor") == "0.7"
    assert tables.quantity_words("cpu_per_synapse_ns") == "cpu per synapse (ns)"
    assert tables.quantity_words("weights") == "weights"


def test_a_target_says_what_is_wanted_and_hoped_for() -> None:
    target = report(Target("run_factor", "run", against=NEST, at_least=60.0, aim=0.67)).cases[0].targets[0]
    assert tables.wanted_words(target) == "60 times; aim 0.67"


def test_a_report_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    kept = report(Target("run_factor", "run", at_most=3.0))
    file = results.save(kept, tmp_path / "new")
    assert file.name == "brunel.json"
    assert results.load(file) == kept
    assert results.save(report(full=True), tmp_path).name == "brunel.full.json"


@pytest.mark.parametrize("change", [{"format": "neurosim benchmark 0"}, {"more": 1}, {"cases": 3}])
def test_a_file_that_is_something_else_is_refused_by_name(change: dict, tmp_path: Path) -> None:
    file = results.save(report(), tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(results.ResultFileError, match=rf"brunel.json is not a benchmark result of this version: {next(iter(change))}"):
        results.load(file)


def test_the_readme_shows_full_size_where_there_is_one() -> None:
    small, full = report(Target("run_factor", "small", at_most=9.0)), report(Target("run_factor", "full", at_most=9.0), full=True)
    assert [one.full for one in pages.preferred([full, small])] == [True]
    assert pages.preferred([report()]) == []


def test_a_page_without_a_place_for_results_says_which_lines_to_put() -> None:
    with pytest.raises(pages.MarkerError, match=r"the page has no place for results; put these two lines"):
        pages.update("no marks here", [report()])


def test_the_page_of_results_has_machine_targets_gates_and_all_figures() -> None:
    text = pages.page([report(Target("run_factor", "run", against=NEST, at_least=3.0))])
    assert "* a processor, 2 cores (L2 1M), 8.0 GiB, Linux 6, Python 3.11" in text
    assert "| W | run | 2.5 | NEST 10 | 4 | 3 times | yes |" in text
    assert "| rate | passed | 1 of 1 |" in text
    assert "### brunel\n\nHow fast?" in text


FOUND = {NEUROSIM: {"rate_hz": 10.0, "list": [1.0, 2.0]}, NEST: {"rate_hz": 10.6, "list": [1.05, 2.2]}}


def test_gates_hold_ours_against_a_peer_within_a_tolerance() -> None:
    assert gates.near("rate", "rate_hz", FOUND, NEST, 0.06).passed
    assert not gates.near("rate", "rate_hz", FOUND, NEST, 0.05).passed
    assert gates.lists_near("list", "list", FOUND, NEST, share=0.1).passed
    assert gates.lists_near("list", "list", FOUND, NEST, absolute=0.21).passed
    assert not gates.lists_near("list", "list", FOUND, NEST, absolute=0.19).passed


def test_gates_say_what_they_compared() -> None:
    assert gates.near("rate", "rate_hz", FOUND, NEST, 0.06).words == "10, NEST 10.6 (tolerance 6%)"
    assert gates.lists_near("list", "list", FOUND, NEST, share=0.1, absolute=0.1).words == "1 2, NEST 1.05 2.2 (tolerance 10% + 0.1)"
    assert "worst -9.1%" in gates.near_published("rates", [1.0, 2.0], [1.0, 2.2], 0.1).words


def test_a_number_that_is_none_passes_no_gate() -> None:
    nan = {NEUROSIM: {"x": float("nan"), "l": [float("nan")]}, NEST: {"x": 1.0, "l": [1.0]}}
    assert not gates.near("x", "x", nan, NEST, 0.5).passed
    assert not gates.lists_near("l", "l", nan, NEST, absolute=9.0).passed


def test_a_gate_without_a_peer_is_not_checked() -> None:
    gate = gates.near("rate", "rate_hz", {NEUROSIM: {"rate_hz": 1.0}}, NEST, 0.1)
    assert gate == Gate("rate", None, "not checked: nothing from NEST")
