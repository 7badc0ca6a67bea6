"""Threads that meet: every block once a turn, whoever is late."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from neurosim._jit import entry
from neurosim.engine.meeting import Meeting, futex, is_last, is_over, next_turn, open_turn, take, turns_done


@entry(nogil=True)
def _work(own, meeting, n_turns, advanced, order, slow):
    """Advance blocks as the engine does; ``order`` notes in which turn a block was touched out of turn."""
    n_blocks, turn = advanced.size, 0
    while not is_over(turn):
        for i in range(n_blocks):
            b = (own + i) % n_blocks
            if take(meeting, b, turn):
                if advanced[b] != turn:
                    order[b] = turn
                for _ in range(slow):
                    advanced[b] += 1
                advanced[b] -= slow - 1
                if is_last(meeting, i + 1, n_blocks):
                    open_turn(meeting, turn + 1, turn + 1 == n_turns)
        turn = next_turn(meeting, turn)
    return turns_done(turn)


def _run(n_threads: int, n_blocks: int, n_turns: int, slow: int, late_s: float = 0.0) -> tuple[list[int], list[int], list[int]]:
    meeting, alone = Meeting(n_threads, n_blocks), Meeting(1, 1)
    advanced, order = np.zeros(n_blocks, np.int64), np.full(n_blocks, -1)
    _work(0, alone.address, 1, np.zeros(1, np.int64), np.zeros(1, np.int64), 1)  # compiles
    meeting.open()

    def begin(thread: int) -> int:
        time.sleep(late_s * thread)
        return _work(thread * n_blocks // n_threads, meeting.address, n_turns, advanced, order, slow)

    with ThreadPoolExecutor(n_threads) as pool:
        done = list(pool.map(begin, range(n_threads)))
    return done, advanced.tolist(), order.tolist()


@pytest.mark.parametrize(("n_threads", "n_blocks"), [(1, 1), (1, 3), (2, 2), (2, 5), (4, 4)])
@pytest.mark.parametrize("slow", [1, 3000])
def test_every_block_is_advanced_once_a_turn_in_order(n_threads: int, n_blocks: int, slow: int) -> None:
    if n_threads > 1 and not futex():
        pytest.skip("threads cannot meet on this system")
    n_turns = 2000
    done, advanced, disorder = _run(n_threads, n_blocks, n_turns, slow)
    assert done == [n_turns] * n_threads
    assert advanced == [n_turns] * n_blocks
    assert disorder == [-1] * n_blocks


@pytest.mark.skipif(not futex(), reason="threads cannot meet on this system")
def test_a_thread_that_comes_when_all_is_done_finds_nothing_left() -> None:
    done, advanced, _ = _run(2, 2, 100, 1, late_s=0.2)
    assert done == [100, 100]
    assert advanced == [100, 100]


def test_a_meeting_can_be_used_again() -> None:
    meeting = Meeting(1, 2)
    for _ in range(2):
        advanced, disorder = np.zeros(2, np.int64), np.full(2, -1)
        meeting.open()
        assert _work(0, meeting.address, 5, advanced, disorder, 1) == 5
        assert advanced.tolist() == [5, 5]
