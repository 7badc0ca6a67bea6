"""The process in which one script runs on one chip: ``python -m neurosim.compare.worker ORDER ANSWER``."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from neurosim.compare.results import ChipRun, failed, of_capture
from neurosim.compare.runner import Job, quiet_losses
from neurosim.compare.scripts import run_script
from neurosim.errors import NeurosimError


def work(job: Job) -> ChipRun:
    """Run a job; an error becomes a failed run."""
    with quiet_losses():
        try:
            capture = run_script(job.script, job.arguments, chip=job.chip, **job.settings)
        except KeyboardInterrupt as stop:
            return _partial(job, getattr(stop, "capture", None))
        except NeurosimError as error:
            return failed(job.chip, str(error))
    return of_capture(job.chip, capture)


def _partial(job: Job, capture) -> ChipRun:
    if capture is None or capture.session is None:
        raise KeyboardInterrupt
    return of_capture(job.chip, capture, interrupted=True)


def main() -> None:
    """Read the order, run it, write the answer."""
    order, answer = Path(sys.argv[1]), Path(sys.argv[2])
    job = pickle.loads(order.read_bytes())
    sys.path[0] = ""
    try:
        run = work(job)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    partial = answer.with_suffix(".part")
    partial.write_bytes(pickle.dumps(run))
    partial.rename(answer)


if __name__ == "__main__":
    main()
