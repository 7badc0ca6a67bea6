"""Save, load, run gives what running on gives, bit for bit, for everything that evolves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import state_networks
from neurosim.session import Session
from state_networks import KINDS, results

HALF, END = 40.0, 80.0


def equal(a, b):
    assert a.keys() == b.keys()
    for name, values in a.items():
        np.testing.assert_array_equal(values, b[name], err_msg=name)


def ran(kind, until, threads=1, **options):
    session = Session(KINDS[kind](), threads=threads, **options)
    session.run_until(until, progress=False)
    return session


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_run_continues_exactly_with_any_number_of_threads(kind, tmp_path):
    whole = results(ran(kind, END).simulation)
    assert sum(values.sum() for name, values in whole.items() if name.endswith("counts")) > 100
    for before, after in ((1, 2), (2, 3), (3, 1)):
        path = tmp_path / f"{before}.state"
        saved = ran(kind, HALF, before)
        saved.save_state(path)
        loaded = Session(KINDS[kind](), threads=after)
        loaded.load_state(path)
        assert loaded.t_ms == HALF
        for session in (saved, loaded):  # saving changes nothing for who goes on
            session.run_until(END, progress=False)
            equal(whole, results(session.simulation))


@pytest.mark.parametrize("kind", ["static", "driven", "learning"])
def test_it_holds_in_single_precision(kind, tmp_path):
    path = tmp_path / "a.state"
    whole = results(ran(kind, END, precision="float32").simulation)
    ran(kind, HALF, precision="float32").save_state(path)
    loaded = Session(KINDS[kind](), threads=2, precision="float32")
    loaded.load_state(path)
    loaded.run_until(END, progress=False)
    equal(whole, results(loaded.simulation))


@pytest.mark.parametrize("t_ms", [0.0, 0.1, 20.0, 33.3])
def test_a_state_can_be_saved_at_any_time(t_ms, tmp_path):
    path = tmp_path / "a.state"
    whole = results(ran("sources", END).simulation)
    ran("sources", t_ms).save_state(path)
    loaded = Session(KINDS["sources"]())
    loaded.load_state(path)
    loaded.run_until(END, progress=False)
    equal(whole, results(loaded.simulation))


def test_a_state_of_a_network_that_never_ran_is_its_beginning(tmp_path):
    path = tmp_path / "a.state"
    Session(KINDS["static"]()).save_state(path)
    late = ran("static", HALF)
    late.load_state(path)
    assert late.t_ms == 0.0
    late.run_until(END, progress=False)
    equal(results(ran("static", END).simulation), results(late.simulation))


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_can_go_back_as_often_as_it_likes(kind, tmp_path):
    path = tmp_path / "a.state"
    session = ran(kind, HALF)
    session.save_state(path)
    session.run_until(END, progress=False)
    first = results(session.simulation)
    for t_ms in (HALF + 13.7, END):
        session.load_state(path)
        session.run_until(t_ms, progress=False)
    equal(first, results(session.simulation))


def test_a_state_saved_again_after_loading_is_the_same_file(tmp_path):
    session = ran("learning", HALF, 2)
    session.save_state(tmp_path / "a.state")
    loaded = Session(KINDS["learning"]())
    loaded.load_state(tmp_path / "a.state")
    loaded.save_state(tmp_path / "b.state")
    with np.load(tmp_path / "a.state", allow_pickle=False) as a, np.load(tmp_path / "b.state", allow_pickle=False) as b:
        assert set(a.files) == set(b.files)
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize(("kind", "threads"), [("static", 2), ("learning", 1), ("short_term", 3), ("driven", 2)])
def test_another_process_continues_it(kind, threads, tmp_path):
    path, out = tmp_path / "a.state", tmp_path / "out.npz"
    ran(kind, HALF).save_state(path)
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join(str(p) for p in (root, root / "tests" / "support"))
    command = [sys.executable, state_networks.__file__, kind, str(path), str(threads), str(END), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}, timeout=300)
    assert done.returncode == 0, done.stderr
    with np.load(out) as found:
        equal(results(ran(kind, END).simulation), dict(found))
