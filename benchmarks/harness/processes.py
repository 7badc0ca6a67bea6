"""Run a body in a process of its own, in the environment of its simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.cases import BRIAN2, LAVA, NENGO_LOIHI, NEST, NEUROSIM, Found, Side
from benchmarks.harness.worker import MARK

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".cache" / "peers"
LIMIT_S = 3600.0
"""Seconds that one measurement may take."""

VARIABLES = {
    NEST: "NEUROSIM_BENCH_NEST_PYTHON",
    BRIAN2: "NEUROSIM_BENCH_BRIAN2_PYTHON",
    NENGO_LOIHI: "NEUROSIM_BENCH_LOIHI_PYTHON",
    LAVA: "NEUROSIM_BENCH_LAVA_PYTHON",
}
OPTIONS = {NEST: "--nest-python", BRIAN2: "--brian2-python", NENGO_LOIHI: "--loihi-python", LAVA: "--lava-python"}
BY_HAND = {LAVA: "lava-nc 0.10 wants Python 3.10 and benchmarks/peers/lava.txt"}


class BodyError(RuntimeError):
    """A body could not run; the message is its last word."""


@dataclass(frozen=True, slots=True)
class Environments:
    """The Python of each simulator; ``""`` where there is none."""

    pythons: dict[str, str]

    @classmethod
    def find(cls, given: dict[str, str]) -> Environments:
        """Ours, and the peers': as given, else from the environment variables, else what ``make bench-peers`` has made."""
        pythons = {NEUROSIM: sys.executable}
        for peer, variable in VARIABLES.items():
            made = PEERS / peer.lower() / "bin" / "python"
            pythons[peer] = given.get(peer) or os.environ.get(variable, "") or (str(made) if made.exists() else "")
        return cls(pythons)

    def missing(self, environment: str) -> str:
        """Why a simulator cannot be measured; ``""`` if it can."""
        if self.pythons.get(environment):
            return ""
        how = BY_HAND.get(environment, "`make bench-peers` sets one up")
        return f"no Python with {environment}; {how}, {OPTIONS[environment]} names another"


def run(workload: str, side: Side, options: dict[str, object], environments: Environments) -> Found:
    """What one body gives.

    Raises
    ------
    BodyError
        If there is no environment, the body fails, takes too long or says nothing.
    """
    why = environments.missing(side.environment)
    if why:
        raise BodyError(why)
    told = {**options, **side.options, "simulator": side.environment}
    command = [environments.pythons[side.environment], "-m", "benchmarks.harness.worker", workload, side.body, json.dumps(told)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S, env=_variables(), cwd=ROOT)
    except subprocess.TimeoutExpired:
        raise BodyError(f"not done after {LIMIT_S:.0f} s") from None
    except OSError as error:
        raise BodyError(f"cannot start {command[0]}: {error.strerror}") from None
    return parse(done.stdout, done.stderr, done.returncode)


def _variables() -> dict[str, str]:
    paths = (str(ROOT), os.environ.get("PYTHONPATH", ""))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "MPLBACKEND": "Agg"}


def parse(out: str, err: str, status: int) -> Found:
    """The line a worker ends with, or the last word of one that failed."""
    lines = [line for line in out.splitlines() if line.startswith(MARK)]
    if status or not lines:
        words = err.strip().splitlines() or ["it said nothing"]
        raise BodyError(f"ended with status {status}: {words[-1]}")
    return json.loads(lines[-1].removeprefix(MARK))
