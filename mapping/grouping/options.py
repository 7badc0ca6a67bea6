"""How much effort to spend on grouping."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from neurosim.errors import ParameterError, UnknownNameError

#: Work of each annealing stage, in steps of some nanoseconds.
WORK = {"fast": 15_000_000, "normal": 150_000_000, "best": 1_500_000_000}


class Options(NamedTuple):
    """Effort, time, seed, and whom to tell.

    Attributes
    ----------
    effort
        ``"fast"``, ``"normal"`` or ``"best"``: the amount of work, the same on any machine.
    seconds
        Stop improving after so much time, or never (``None``). A limit that is met makes the
        result depend on the speed of the machine.
    seed
        The same seed gives the same groups.
    progress
        Called as ``progress(stage, fraction)`` with the fraction of that stage's work done.
    """

    effort: str = "normal"
    seconds: float | None = None
    seed: int = 0
    progress: Callable[[str, float], None] | None = None

    def checked(self) -> Options:
        """The same, if all is in range.

        Raises
        ------
        UnknownNameError
            If there is no such effort.
        ParameterError
            If the seconds or the seed are negative.
        """
        if self.effort not in WORK:
            raise UnknownNameError.among("effort", self.effort, WORK, where="Options")
        if (self.seconds is not None and not self.seconds > 0) or self.seed < 0:
            text = f"seconds={self.seconds} and seed={self.seed} must be more than 0, and 0 or more."
            raise ParameterError(text, where="Options", used=(self.seconds, self.seed), remedy="Leave seconds out for no limit.")
        return self

    @property
    def work(self) -> int:
        """Work of one annealing stage."""
        return WORK[self.effort]

    def tell(self, stage: str, fraction: float) -> None:
        """Report progress to whoever asked for it."""
        if self.progress is not None:
            self.progress(stage, fraction)
