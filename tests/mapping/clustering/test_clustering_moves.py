"""What is kept up to date while neurons move, against counting everything again."""

from __future__ import annotations

import numpy as np
import pytest

import neuron_tables as slow
from neurosim.mapping.clustering import Limits, count_packets
from neurosim.mapping.clustering import improve as improving
from neurosim.mapping.clustering.descent import descend, look, new_search, weigh
from neurosim.mapping.clustering.improve import MOST_BYTES, Problem, _load, improve, repair
from neurosim.mapping.clustering.inputs import turned
from neurosim.mapping.clustering.limits import rules_of
from neurosim.mapping.clustering.state import LONE, put, shift

N, CORES = 48, 6


def problem_of(fanout, limits, fixed=None, population=None) -> Problem:
    n = fanout.n_sources
    population = np.zeros(n, np.int32) if population is None else population
    fixed = np.full(n, -1, np.int32) if fixed is None else fixed
    return Problem(fanout, turned(fanout), limits, rules_of(limits, population, fixed), 3)


def loaded(seed, limits=None):
    problem = problem_of(slow.random_table(N, 8, seed), limits or Limits.linear(20))
    core_of = (np.random.default_rng(seed).permutation(N) % CORES).astype(np.int32)
    cores = problem.cores(CORES)
    for v in range(N):
        put(problem.rules, cores, v, int(core_of[v]), 1)
    return problem, core_of, cores, _load(problem, core_of, cores, 0, CORES)


def assert_up_to_date(problem, core_of, cores, pins) -> None:
    rows = slow.rows_of(problem.fanout)
    for u, row in enumerate(rows):
        expected = [2 * sum(core_of[t] == c for t in row) + (core_of[u] == c) for c in range(CORES)]
        assert pins.pins[u].tolist() == expected
        listed = sorted(pins.present[u, 1 : 1 + pins.present[u, 0]].tolist())
        assert listed == sorted(c + (LONE if n == 2 else 0) for c, n in enumerate(expected) if n)
        assert pins.reach[u] == len({int(core_of[t]) for t in row} - {-1})
    counts = count_packets(problem.fanout, core_of, CORES)
    assert (cores.inbound == counts.inbound).all()
    assert (cores.outbound == counts.outbound).all() or problem.limits.outbound is None


@pytest.mark.parametrize("seed", range(4))
def test_what_a_move_saves_is_what_counting_again_says(seed) -> None:
    problem, core_of, cores, pins = loaded(seed, Limits.linear(20, outbound=10_000))
    rng, rate, score = np.random.default_rng(seed), problem.fanout.rate, np.zeros(CORES, np.float32)
    for _ in range(40):
        v, b = int(rng.integers(N)), int(rng.integers(CORES))
        a = int(core_of[v])
        if a == b:
            continue
        before = slow.packets(problem.fanout, core_of)
        base = weigh(problem.fanin, rate, pins, v, a, 1, score)
        saved, new = look(problem.fanin, rate, pins, v, a, b)
        inbound = slow.inbound(problem.fanout, core_of, b)
        shift(problem.fanin, problem.rules, cores, pins, core_of, v, a, b)
        assert before - slow.packets(problem.fanout, core_of) == pytest.approx(saved, abs=1e-5)
        assert base + float(score[b]) == pytest.approx(saved, abs=1e-4)
        assert slow.inbound(problem.fanout, core_of, b) == inbound + new
        assert_up_to_date(problem, core_of, cores, pins)


@pytest.mark.parametrize("swaps", [0, 1])
def test_a_pass_saves_what_it_says_and_keeps_its_books(swaps) -> None:
    problem, core_of, cores, pins = loaded(1, Limits.linear(9, outbound=150, inbound=40))
    before = slow.packets(problem.fanout, core_of)
    search = new_search(N, CORES, 64)
    saved, moved = descend(np.arange(N, dtype=np.int32), problem.fanin, problem.fanout, problem.rules, cores, pins, search, core_of, swaps)
    assert moved > 0
    assert before - slow.packets(problem.fanout, core_of) == pytest.approx(saved, rel=1e-5)
    assert_up_to_date(problem, core_of, cores, pins)
    assert slow.faults(problem.fanout, problem.rules.population, problem.limits, core_of) == []


def test_full_cores_are_improved_by_swaps() -> None:
    fanout = slow.table([[i ^ 2] for i in range(8)])  # 0 and 2 belong together, and so on
    start = np.arange(8, dtype=np.int32) // 2
    found = improve(problem_of(fanout, Limits.linear(2)), start, 4, passes=9, least=0.0, sample=9, go_on=lambda: True)
    assert slow.packets(fanout, start) == 8
    assert slow.packets(fanout, found) == 0


def test_blocks_of_cores_improve_too(monkeypatch) -> None:
    fanout = slow.random_table(400, 8, 5)
    limits, start = Limits.linear(12, inbound=200), (np.random.default_rng(1).permutation(400) % 40).astype(np.int32)
    problem = problem_of(fanout, limits)
    monkeypatch.setattr(improving, "MOST_BYTES", 0)  # blocks are then 16 cores
    assert problem.block() == 16 < MOST_BYTES
    found = improve(problem, start, 40, passes=6, least=0.0, sample=9, go_on=lambda: True)
    assert slow.packets(fanout, found) < 0.8 * slow.packets(fanout, start)
    assert slow.faults(fanout, problem.rules.population, limits, found) == []


def test_repair_keeps_what_fits_and_finds_room_for_the_rest() -> None:
    fanout = slow.random_table(60, 6, 2)
    limits = Limits.linear(16, inbound=45)
    problem = problem_of(fanout, limits)
    found = repair(problem, np.zeros(60, np.int32), 8)
    assert found is not None
    assert slow.faults(fanout, problem.rules.population, limits, found) == []
    assert (found == 0).sum() > 4
    assert repair(problem, np.zeros(60, np.int32), 3) is None
