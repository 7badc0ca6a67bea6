"""The backend, set up afresh for each test; ``fake`` puts a session in place that does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import neurosim.pynn as backend
from neurosim.pynn import simulator
from pynn_sessions import FakeSession


@pytest.fixture
def sim() -> Iterator[Any]:
    backend.setup(timestep=0.1)
    yield backend
    simulator.state.clear()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeSession]:
    monkeypatch.setattr(simulator, "session_class", lambda: FakeSession)
    monkeypatch.setattr(FakeSession, "made", [])
    return FakeSession
