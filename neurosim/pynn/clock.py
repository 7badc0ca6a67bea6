"""Time that was asked for, which need not be a whole number of steps, and time that was reached, which is."""

from __future__ import annotations

from neurosim.errors import ParameterError, StateError
from neurosim.pynn import checks, simulator

#: Share of a step by which sums of times are off through rounding only.
ROUNDING = 1e-6


class Asked:
    """Where the runs so far should have ended.

    A run ends at the step next to where it should. What is missing, or too much, counts with the
    next run, so that ``run(x)`` and ``run(y)`` end where ``run(x + y)`` does.
    """

    def __init__(self) -> None:
        self._of: tuple[int, int, float] | None = None
        self._ms = 0.0

    def now_ms(self) -> float:
        """The time reached, beside what the last run left over; after anything else but a run just the time reached."""
        return self._ms if self._of == _moment() else simulator.state.t

    def keep(self, asked_ms: float) -> None:
        """Note that a run which should have ended at ``asked_ms`` has ended."""
        reached_ms = simulator.state.t
        self._ms = reached_ms if abs(asked_ms - reached_ms) < ROUNDING * simulator.state.dt else asked_ms
        self._of = _moment()

    def forget(self) -> None:
        """Begin anew at the time reached."""
        self._of = None


asked = Asked()


def _moment() -> tuple[int, int, float]:
    state = simulator.state
    return state.epoch, state.segment_counter, state.t


def on_grid(time_ms: float) -> float:
    """The time of the step next to ``time_ms``, never before the present one."""
    state = simulator.state
    return max(round(time_ms / state.dt) * state.dt, state.t)


def check_time(value: object, where: str) -> None:
    """Refuse what is no finite number of ms."""
    if not checks.is_finite(value):
        raise ParameterError(f"{value!r} is not a time.", where=where, used=value, remedy="Give a finite number of ms.")


def not_while_exchanging(where: str) -> None:
    """Refuse a call from inside a live callback: the run it would change is going on."""
    live = simulator.state.live
    if live is not None and live.exchanging:
        raise StateError(
            "a live callback cannot call this: the run that called it is still going on.",
            where=where,
            remedy="Note what you want in the callback, and do it after run() has returned.",
        )
