"""The examples that others copy from run as they stand and show what they say."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(name: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, str(ROOT / "examples" / name), str(folder)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def drawn(picture: Path, css_class: str) -> int:
    return sum(element.get("class") == css_class for element in ET.parse(picture).iter())


@pytest.mark.slow
def test_a_chip_of_ones_own_runs_a_network_and_draws_it(tmp_path: Path) -> None:
    shown = run("add_a_chip.py", tmp_path)
    assert "Mapping on Pebble (imaginary) (1 board)" in shown and "4-bit weights" in shown
    assert float(re.search(r"([\d.]+) spikes per neuron", shown)[1]) > 0  # type: ignore[index]
    assert "population: One population alone needs more than the machine has." in shown
    assert "Use 3 boards (n_boards=3)." in shown
    assert drawn(tmp_path / "pebble.svg", "router") == 36


@pytest.mark.slow
def test_a_placer_of_ones_own_is_compared_with_ours(tmp_path: Path) -> None:
    hops = [int(n.replace(",", "")) for n in re.findall(r" ([\d,]{6,}) ", run("add_a_placer.py", tmp_path))]
    in_order, nearest, ours = hops
    assert ours <= nearest < 0.8 * in_order
    assert {drawn(path, "router") for path in tmp_path.glob("*.svg")} == {32}
    assert len(list(tmp_path.glob("*.svg"))) == 3


@pytest.mark.slow
def test_learning_on_loihi_keeps_to_the_ideal_window(tmp_path: Path) -> None:
    shown = run("loihi_learning.py", tmp_path / "window.png")
    apart, largest = (float(n) for n in re.findall(r"(0\.\d+) nA", shown)[-2:])
    assert "Pair STDP as 'dw = " in shown
    assert apart < 0.15 * largest
    assert (tmp_path / "window.png").stat().st_size > 10_000


@pytest.mark.slow
def test_fan_out_on_loihi_is_bound_by_synaptic_memory_and_refused_by_axons(tmp_path: Path) -> None:
    shown = run("loihi_fan_out.py", tmp_path / "fan_out.png")
    blocks = dict(re.findall(r"^((?:dense|one)[^\n]*)\n  neurons[^\n]*\n((?:  .*\n)+)", shown, flags=re.MULTILINE))
    cores = {
        name: [int(n.replace(",", "")) for n in re.findall(r"^ +[\d,]+ +([\d,]+) ", text, re.MULTILINE)] for name, text in blocks.items()
    }
    assert [len(cores[name]) for name in blocks] == [10, 10, 10, 9]
    assert all(a <= b for a, b in zip(cores["dense"], cores["dense, delays of 60 steps"], strict=True))
    assert all(a >= b for a, b in zip(cores["dense"], cores["one synapse in twenty"], strict=True))
    assert cores["dense"][-1] > 4 * 4096 / 1024
    assert "4,096     17             241  input axons, 100%" in blocks["one synapse in twenty"]
    assert "does not fit: Neurons of population 'layer' have targets on too many cores" in blocks["dense, onto itself"]
    assert "it needs 5,000 input axons, mostly for projection" in shown and "What was tried and works:" in shown
    assert (tmp_path / "fan_out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_delays_on_loihi_cost_compartments_and_arrive_on_time(tmp_path: Path) -> None:
    shown = run("loihi_delays.py", tmp_path / "delays.png")
    held = [(int(first), int(n.replace(",", ""))) for first, n in re.findall(r"from +(\d+) steps on: +([\d,]+) neurons", shown)]
    assert held == [(1, 1024), (8, 512), (16, 256), (32, 128)]
    assert "315 spikes of 63 neurons; on their diagonals: True" in shown
    assert "the delay 100 ms is beyond the range of Loihi: the longest is 63 ms" in shown
    assert "with approximate=['delay'] they come after 63 steps: 63 ms" in shown
    assert (tmp_path / "delays.png").read_bytes().startswith(b"\x89PNG")
