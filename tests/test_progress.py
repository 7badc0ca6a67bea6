"""Bars that show how far one is, and what of them is left when work ends or is stopped."""

from __future__ import annotations

import io
import sys
import threading
import time
from contextlib import suppress

import pytest

from neurosim import _progress
from neurosim._progress import Progress, stages


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_terminal(monkeypatch):
    """Puts a terminal in place of stderr and takes patience away; called by the test, since pytest sets stderr before each."""

    def begin(patience_s: float = 0.0) -> Terminal:
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(_progress, "PATIENCE_S", patience_s)
        return sys.stderr  # type: ignore[return-value]

    return begin


def drawn(screen: Terminal, text: str) -> bool:
    """Whether a text comes up within some seconds."""
    deadline = time.monotonic() + 10.0
    while text not in screen.getvalue() and time.monotonic() < deadline:
        time.sleep(0.01)
    return text in screen.getvalue()


def test_a_bar_appears_when_something_is_told(at_terminal):
    terminal = at_terminal()
    with Progress("simulating", 10.0, None) as bar:
        bar.update(5.0)
        assert drawn(terminal, "simulating") and drawn(terminal, "50%")


def test_a_bar_appears_though_nothing_is_told_and_then_names_the_stage(at_terminal):
    terminal = at_terminal()
    with stages("placing", None) as tell:
        assert tell is not None
        assert drawn(terminal, "placing")
        tell("route", 0.25)
        assert drawn(terminal, "placing: route") and drawn(terminal, "25%")


def test_quick_work_shows_no_bar(at_terminal):
    terminal = at_terminal(100.0)
    with stages("placing", None) as tell:
        assert tell is not None
        tell("route", 0.25)
    assert terminal.getvalue() == ""


def test_who_wants_no_bar_is_told_nothing(at_terminal):
    terminal = at_terminal()
    with stages("placing", False) as tell:
        assert tell is None
    with Progress("simulating", 1.0, False) as bar:
        bar.update(0.5)
        bar.appear()
    assert terminal.getvalue() == ""


def test_there_is_no_bar_where_stderr_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with stages("placing", None) as tell:
        assert tell is None


def test_a_bar_goes_with_its_work_whatever_ends_it(at_terminal):
    terminal = at_terminal()
    before = set(threading.enumerate())
    with suppress(KeyboardInterrupt), stages("placing", None) as tell:
        assert tell is not None
        tell("route", 0.5)
        assert drawn(terminal, "placing: route")
        raise KeyboardInterrupt
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10.0)
        assert not thread.is_alive()
    assert terminal.getvalue().rstrip().endswith("\x1b[2K")  # the line is wiped
    assert "\x1b[?25h" in terminal.getvalue()  # and the cursor is back


def test_a_bar_that_was_closed_stays_away(at_terminal):
    terminal = at_terminal()
    bar = Progress("simulating", 1.0, None)
    bar.close()
    bar.appear()
    assert terminal.getvalue() == ""
