"""Brian2's C++ standalone mode: compile once, run the program as often as asked."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks.parameters import TIMESTEP_MS

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "brian2"


def prepare(options: dict[str, Any]) -> Any:
    """Brian2 in standalone mode, one thread; the program will lie in ``.cache/brian2``, in a folder named by the options."""
    import brian2  # pyright: ignore[reportMissingImports]

    if not shutil.which("g++") and not shutil.which("clang++"):
        raise RuntimeError("Brian2's standalone mode needs a C++ compiler (g++ or clang++)")
    brian2.set_device("cpp_standalone", directory=str(folder(options)), build_on_run=False)
    brian2.seed()  # another one in each run
    brian2.defaultclock.dt = TIMESTEP_MS * brian2.ms
    return brian2


def folder(options: dict[str, Any]) -> Path:
    """Where the program for these options lies; one program serves all seeds."""
    named = {name: value for name, value in options.items() if name != "seed"}
    return CACHE / hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


def compile_and_run(brian2: Any, options: dict[str, Any], begun: float) -> dict[str, float]:
    """Seconds of building (script, code generation and compiling, as it was the first time) and of running.

    ``begun`` is ``time.perf_counter()`` at the start of the body. The program is compiled anew only if
    its source has changed; running is timed by the program itself, as Brian2 reports it.
    """
    place, note = str(folder(options)), folder(options) / "built.json"
    brian2.device.build(directory=place, compile=True, run=False)
    if not note.exists():
        note.write_text(json.dumps(time.perf_counter() - begun), encoding="ascii")
    brian2.device.run(place, with_output=False, run_args=[])
    return {"build_s": json.loads(note.read_text(encoding="ascii")), "run_s": float(brian2.device._last_run_time)}


def facts(brian2: Any) -> dict[str, str]:
    """What Brian2 computes with."""
    return {"version": brian2.__version__, "state": "float64", "crossings": "on the grid"}
