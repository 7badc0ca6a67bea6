"""Start measurements in fresh processes, put simulators side by side, keep the numbers."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
NEST_VARIABLE = "NEUROSIM_BENCH_NEST_PYTHON"

#: Seconds that one measurement may take.
LIMIT_S = 900.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers of one benchmark.

    Attributes
    ----------
    what
        The question, as the script's docstring asks it.
    values
        Simulator -> quantity -> one number per repeat; the unit is the end of the quantity's name.
    absent
        Simulator -> why it was not measured.
    """

    what: str
    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def simulators(nest_python: str) -> dict[str, str]:
    """Name of each simulator and the Python that runs it; ``""`` where there is none."""
    return {"neurosim": sys.executable, "nest": nest_python}


def measure(name: str, chosen: dict[str, str], *, repeats: int, threads: int) -> Measured:
    """Run one benchmark ``repeats`` times on each simulator, in turn."""
    script = FOLDER / f"{name}.py"
    result = Measured(_question(script))
    for _ in range(repeats):
        for simulator, python in chosen.items():
            if simulator in result.absent:
                continue
            try:
                _add(result.values.setdefault(simulator, {}), _once(script, simulator, python, threads))
            except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
                result.absent[simulator] = str(error)
                result.values.pop(simulator, None)
    return result


def _question(script: Path) -> str:
    return script.read_text(encoding="utf-8").split('"""')[1].strip().splitlines()[0]


def _once(script: Path, simulator: str, python: str, threads: int) -> dict[str, float]:
    if not python:
        raise RuntimeError("not installed")
    environment = dict(os.environ)
    if simulator == "neurosim":
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(FOLDER.parent), environment.get("PYTHONPATH"))))
    command = [python, str(script), simulator, str(threads)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S, env=environment)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["failed without a word"])[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def _add(columns: dict[str, list[float]], numbers: dict[str, float]) -> None:
    for quantity, number in numbers.items():
        columns.setdefault(quantity, []).append(number)


def table(name: str, measured: Measured) -> str:
    """Median and smallest value of every quantity; for peers the ratio of their median to ours."""
    ours = measured.values.get("neurosim", {})
    peers = [simulator for simulator in measured.values if simulator != "neurosim"]
    header = ["", "neurosim", "(best)"] + [word for peer in peers for word in (peer, "(best)", f"{peer} / neurosim")]
    lines = [header]
    for quantity, numbers in ours.items():
        line = [quantity.replace("_", " "), _short(statistics.median(numbers)), f"({_short(min(numbers))})"]
        for peer in peers:
            line += _peer_cells(measured.values[peer].get(quantity), numbers)
        lines.append(line)
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    rows = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
    return "\n".join([f"{name}: {measured.what}", *rows, *(f"{peer}: {why}" for peer, why in measured.absent.items())])


def _peer_cells(theirs: list[float] | None, ours: list[float]) -> list[str]:
    if not theirs:
        return ["-", "-", "-"]
    middle = statistics.median(ours)
    ratio = f"{statistics.median(theirs) / middle:.2f}" if middle else "-"
    return [_short(statistics.median(theirs)), f"({_short(min(theirs))})", ratio]


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def save(name: str, measured: Measured, folder: Path) -> Path:
    """Write all numbers, and what they were measured on, as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    content = {"benchmark": name, "what": measured.what, "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **_machine()}
    file.write_text(json.dumps({**content, "values": measured.values, "absent": measured.absent}, indent=2) + "\n", encoding="utf-8")
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _machine() -> dict[str, Any]:
    import neurosim

    packages = {name: version(name) for name in ("numpy", "numba", "PyNN")}
    return {
        "neurosim": neurosim.__version__,
        "python": platform.python_version(),
        "packages": packages,
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
