"""What the command line changes in a script's ``setup()``, and what it keeps of the run.

``neurosim run``, ``fit`` and ``compare`` execute a user's script unchanged. They do so inside
:func:`overrides`; the front end consults this module at four points and does nothing more::

    settings = overrides.apply(settings)                 # in setup(): the command line wins
    overrides.frozen(network, chip, approximate, pins, placing)   # network frozen, before the first Session
    with overrides.stage("place"): session = Session(...)
    overrides.opened(session)                            # after a Session was made
    with overrides.stage("run"): session.run_until(...)  # around every run

Outside :func:`overrides` all of them are free of effect.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from neurosim.errors import NeurosimError

#: Keywords of ``setup()`` that only some chips know; they belong to the script's own chip.
OF_CHIP = ("arithmetic", "noise")


class StoppedBeforeRun(BaseException):
    """Leaves a script at its first ``run()``; not an ``Exception``, so that no script catches it."""


@dataclass(slots=True)
class Capture:
    """What was seen of one ``setup()`` of a script.

    Attributes
    ----------
    settings
        Keywords of ``setup()`` as they came into force.
    own_chip, own_boards
        Name of the chip that the script itself asked for, and its number of boards, if any.
    network, chip, approximate, pins, placing
        What was frozen at the first ``run()``; ``network`` is ``None`` if there was none.
    session
        The session that ran, or ``None``.
    stages
        Seconds of wall time per stage: ``build``, ``place``, ``run``.
    """

    settings: dict[str, Any]
    own_chip: str | None = None
    own_boards: int | None = None
    network: Any = None
    chip: Any = None
    approximate: tuple[str, ...] = ()
    pins: tuple[Any, ...] = ()
    placing: Any = None
    session: Any = None
    stages: dict[str, float] = field(default_factory=dict)
    begun_s: float = field(default_factory=time.perf_counter)


@dataclass(slots=True)
class Overrides:
    """Settings that win over a script's own, and the captures made under them."""

    settings: dict[str, Any]
    stop_before_run: bool = False
    captures: list[Capture] = field(default_factory=list)

    @property
    def last(self) -> Capture | None:
        """The last capture that froze a network, else the last one, else ``None``."""
        ran = [capture for capture in self.captures if capture.network is not None]
        return (ran or self.captures or [None])[-1]


_ACTIVE: ContextVar[Overrides | None] = ContextVar("neurosim_overrides", default=None)


@contextlib.contextmanager
def overrides(*, stop_before_run: bool = False, **settings: Any) -> Iterator[Overrides]:
    """Change every ``setup()`` called inside the ``with`` block.

    Parameters
    ----------
    stop_before_run
        Raise :class:`StoppedBeforeRun` at the first ``run()``, after the network was frozen.
    settings
        Keywords of ``setup()`` that win over the script's own (``chip``, ``approximate``,
        ``threads``, ...); those that are ``None`` leave the script's own alone, except
        ``chip``: ``chip="ideal"`` asks for the ideal reference. ``record_tag`` is none of them: it
        goes into the name of the file that the script records to.
    """
    active = Overrides({name: value for name, value in settings.items() if value is not None}, stop_before_run)
    token = _ACTIVE.set(active)
    try:
        yield active
    finally:
        _ACTIVE.reset(token)


def active() -> Overrides | None:
    """The overrides in force, ``None`` outside of any."""
    return _ACTIVE.get()


def chooses(name: str) -> bool:
    """True if the command line, not the script, decided a keyword of ``setup()``."""
    current = active()
    return current is not None and name in current.settings


def only_fits() -> bool:
    """True if a script is to be left before it runs."""
    current = active()
    return current is not None and current.stop_before_run


def apply(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of ``setup()`` with the overrides in force put over them."""
    current = active()
    if current is None:
        return dict(settings)
    merged = {**settings, **current.settings}
    own = kind_of(settings.get("chip"))
    boards = settings.get("n_boards") or getattr(settings.get("chip"), "n_boards", None)
    if None not in (own, boards) and "chip" in current.settings:
        merged["n_boards"] = boards if own == kind_of(merged["chip"]) else None
    if "chip" in current.settings and own != kind_of(merged["chip"]):
        merged.update(dict.fromkeys(name for name in OF_CHIP if name in merged))
    _own_file(merged, current)
    if merged.get("chip") == "ideal":
        merged["chip"] = None
    current.captures.append(Capture(merged, own, boards))
    return merged


def _own_file(merged: dict[str, Any], current: Overrides) -> None:
    """Where several chips run one script, each has a file of recordings of its own; a script that will not run has none."""
    tag, path = merged.pop("record_tag", None), merged.get("record_to")
    if current.stop_before_run:
        merged["record_to"] = None
    elif tag is not None and isinstance(path, str | os.PathLike) and os.fspath(path):
        stem, suffix = os.path.splitext(os.fspath(path))
        merged["record_to"] = f"{stem}.{tag}{suffix}"


def kind_of(chip: Any) -> str | None:
    """Name of the kind of a chip given in any of the ways that ``setup()`` takes; ``None`` for none."""
    from neurosim import chips

    if not isinstance(chip, str | os.PathLike):
        return getattr(chip, "name", None)
    try:
        return None if chip == "ideal" else chips.load(os.fspath(chip)).name
    except NeurosimError:
        return None


def own_chip(chip: Any) -> str | None:
    """Name of the chip that the script itself asked for; ``chip`` is the one in force."""
    capture = _current()
    return kind_of(chip) if capture is None else capture.own_chip


def frozen(network: Any, chip: Any = None, approximate: tuple[str, ...] = (), pins: tuple[Any, ...] = (), placing: Any = None) -> None:
    """Tell that a network was frozen and is about to be mapped; ends a script that is only to be fitted.

    Raises
    ------
    StoppedBeforeRun
        If the overrides in force ask for it.
    """
    capture = _current()
    if capture is None:
        return
    if capture.network is None:
        capture.stages["build"] = time.perf_counter() - capture.begun_s
    capture.network, capture.chip, capture.approximate = network, chip, tuple(approximate)
    capture.pins, capture.placing = tuple(pins), placing
    current = active()
    if current is not None and current.stop_before_run:
        raise StoppedBeforeRun


def opened(session: Any) -> None:
    """Tell that a session was made, so that its recordings outlive ``end()``."""
    capture = _current()
    if capture is not None:
        capture.session = session


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the wall time of the ``with`` block to a stage of the current capture."""
    started_s = time.perf_counter()
    try:
        yield
    finally:
        capture = _current()
        if capture is not None:
            capture.stages[name] = capture.stages.get(name, 0.0) + time.perf_counter() - started_s


def _current() -> Capture | None:
    current = active()
    return current.captures[-1] if current is not None and current.captures else None
