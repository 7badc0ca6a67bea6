"""The example that runs AdEx neurons as programs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_prints_close_spikes_and_draws(tmp_path):
    script, picture = ROOT / "examples" / "loihi2_adex.py", tmp_path / "adex.png"
    command = [sys.executable, "-W", "ignore", str(script), str(picture)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = re.findall(r"(\d+) spikes ideally, (\d+) as a program; the first three are at most (\S+) ms apart", done.stdout)
    assert len(counts) == 3
    assert all(int(ideal) > 5 and abs(int(ideal) - int(found)) <= 2 and float(apart) < 1.0 for ideal, found, apart in counts)
    assert "'programs': the neuron is an integer program of ours" in done.stdout
    assert "no figure is published" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
