"""State files that were edited, so that their checksums are right and their numbers wrong: refused by name, and nothing has changed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neurosim.engine import state
from neurosim.errors import StateFileError
from neurosim.session import Session
from state_networks import KINDS, results

HARMLESS = {
    "nan": ("v/0/values", "w/0/values"),
    "huge": ("values", "state", "weight", "next_ms", "recorded/currents"),
    "negative": ("values", "state", "weight", "last", "settled", "recorded/currents"),
    "empty": ("recorded/currents",),
}
"""Endings of names whose numbers may be anything of that sort: samples that diverged, states and weights of either sign."""


def saved(kind, path, until=30.0):
    session = Session(KINDS[kind]())
    session.run_until(until, progress=False)
    session.save_state(path)
    with np.load(path) as file:
        return dict(file)


def written(path, arrays, **manifest):
    known = json.loads(arrays["manifest"].tobytes())
    content = np.frombuffer(json.dumps({**known, **manifest}).encode(), np.uint8)
    with open(path, "wb") as raw:
        np.savez(raw, **{**arrays, "manifest": content})
    return path


def wrongs(values):
    """What an editor may make of an array: by sort."""
    if values.dtype.kind == "f":
        yield "nan", np.full_like(values, np.nan)
    yield "huge", np.full_like(values, 2**30 if values.dtype == np.int32 else 2**60)
    yield "negative", np.full_like(values, -5)
    yield "empty", values[:0]
    yield "twice", np.concatenate([values, values])
    yield "flat", values.reshape(-1, 1)


def passes(name, sort, values):
    same = {"huge": 2**60, "negative": -5}.get(sort)
    harmless = any(name.endswith(end) or name.startswith(end) for end in HARMLESS.get(sort, ()))
    return harmless or not values.size or (same is not None and (values == same).all())


@pytest.mark.parametrize("kind", ["static", "sources", "short_term", "learning", "currents", "driven"])
def test_every_array_that_cannot_be_is_refused_by_name(kind, tmp_path):
    arrays = saved(kind, tmp_path / "good.state")
    session = Session(KINDS[kind]())
    session.run_until(10.0, progress=False)
    before = results(session.simulation)
    for name, values in arrays.items():
        if name == "manifest":
            continue
        for sort, wrong in wrongs(values):
            if passes(name, sort, values) or np.array_equal(wrong, values):
                continue
            stem = name if name.endswith(("state", "draws", "next_ms")) else name.rpartition("/")[0]
            with pytest.raises(StateFileError, match="is incomplete or was edited: ") as caught:
                session.load_state(written(tmp_path / "bad.state", {**arrays, name: wrong}))
            assert stem in str(caught.value), (name, sort)
    after = results(session.simulation)
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name], err_msg=name)
    session.run_until(20.0, progress=False)
    whole = Session(KINDS[kind]())
    whole.run_until(20.0, progress=False)
    np.testing.assert_equal(results(session.simulation), results(whole.simulation))


MANIFESTS = {
    "step as a word": ({"step": "300"}, "'step' is '300', no whole number"),
    "step that is none": ({"step": float("nan")}, "'step' is nan, no whole number"),
    "step below 0": ({"step": -1}, "'step' is -1, no whole number from 0"),
    "another step": ({"step": 200}, "'t_ms' is 30.0, which is not step 200 of 0.1 ms"),
    "primed": ({"primed": 2}, "'primed' is 2, neither true nor false"),
    "rates": ({"driving": {"1": {"since": [0, 1], "mean": [0.0]}}}, "'driving.1' is not about one of the populations, or has 2 steps"),
    "rates of nobody": ({"driving": {"77": {"since": [0], "mean": [0.0]}}}, "'driving.77' is not about one of the populations"),
    "rates that are none": ({"driving": {"1": {"since": [0], "mean": [float("inf")]}}}, "'driving.1' has steps out of order, or values"),
    "rates at no step": ({"driving": {"1": {"since": [0.5], "mean": [0.0]}}}, "'driving.1.since' is 0.5, no whole number"),
    "no recordings": ({"recorded": None}, "is incomplete or was edited"),
    "recordings of nobody": (
        {"recorded": [{"population": 9, "variable": "v", "last_ms": 1.0, "stretches": []}]}, "'recorded' is about number 9 of 3",
    ),
    "a late sample": (
        {"recorded": [{"population": 0, "variable": "v", "last_ms": 31.0, "stretches": []}]}, "last_ms' is 31.0, no time up to now",
    ),
    "samples that are missing": (
        {"recorded": [{"population": 0, "variable": "v", "last_ms": 30.0, "stretches": [{"first": 0, "every": 1}]}]},
        "last_ms' is 30.0, and the last sample is of 29.9",
    ),
    "late samples": (
        {"recorded": [{"population": 0, "variable": "v", "last_ms": 30.0, "stretches": [{"first": 9, "every": 1}]}]},
        "'recorded/0/v/0/values' has samples of later than now",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_that_cannot_be_is_refused(case, tmp_path):
    changed, text = MANIFESTS[case]
    arrays = saved("driven", tmp_path / "good.state")
    if case == "samples that are missing":
        arrays["recorded/0/v/0/values"] = arrays["recorded/0/v/0/values"][:-1]
    session = Session(KINDS["driven"]())
    with pytest.raises(StateFileError) as caught:
        session.load_state(written(tmp_path / "bad.state", arrays, **changed))
    assert text in str(caught.value)
    assert session.t_ms == 0.0


ARRAYS = {
    "spikes of nobody": ("static", {"spikes/cell": 10**6}, "there are spikes of cells that do not exist"),
    "spikes of no population": ("static", {"spikes/population": 7}, "there are spikes of cells that do not exist"),
    "spikes to come": ("static", {"spikes/step": 301}, "'spikes/step' has values that are not from 0 to 300"),
    "spikes sent too early": ("sources", {"sources/0/draws": 29}, "'sources/0/draws' says that 29 spikes of a list were sent, by now"),
    "spikes never sent": ("sources", {"sources/0/draws": 0}, "'sources/0/draws' says that 0 spikes of a list were sent, by now"),
    "spikes that have passed": ("sources", {"sources/1/next_ms": 29.0}, "'sources/1/next_ms' has times that cannot be"),
    "other sources": ("learning", {"synapses/0/pre": 0}, "'synapses/0/pre' names other synapses than there are"),
    "history of later": ("learning", {"synapses/0/hist_step": 301}, "'synapses/0/hist_step' has values that are not from"),
    "shares": ("short_term", {"synapses/0/values.x": 1.1}, "'synapses/0/values.x' has values that are not from -1e-05 to 1"),
    "cells twice": ("static", {"recorded/0/v/0/cells": 1}, "'recorded/0/v/0/cells' names a cell twice"),
    "cells that are not there": (
        "static",
        {"recorded/0/spikes/cells": 60},
        "'recorded/0/spikes/cells' has values that are not from 0 to 59",
    ),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_numbers_that_are_wrong_for_this_network_are_told(case, tmp_path):
    kind, changed, text = ARRAYS[case]
    arrays = saved(kind, tmp_path / "good.state")
    wrong = {name: np.full_like(arrays[name], value) for name, value in changed.items()}
    session = Session(KINDS[kind]())
    with pytest.raises(StateFileError) as caught:
        session.load_state(written(tmp_path / "bad.state", {**arrays, **wrong}))
    assert text in str(caught.value)


def test_a_history_out_of_order_or_with_other_room_is_refused(tmp_path):
    arrays = saved("learning", tmp_path / "good.state")
    steps, traces = arrays["synapses/0/hist_step"], arrays["synapses/0/hist_trace"]
    session = Session(KINDS["learning"]())
    with pytest.raises(StateFileError, match="hist_step' is not in order, the newest spike first"):
        session.load_state(written(tmp_path / "bad.state", {**arrays, "synapses/0/hist_step": steps[:, ::-1]}))
    narrow = {"synapses/0/hist_step": steps[:, :4], "synapses/0/hist_trace": traces[:, :4]}
    with pytest.raises(StateFileError, match="hist_step' has room for 4 spikes a cell, here it is"):
        session.load_state(written(tmp_path / "bad.state", {**arrays, **narrow}))


def test_a_load_that_is_interrupted_while_it_builds_changes_nothing(tmp_path, monkeypatch):
    saved("learning", tmp_path / "good.state")
    session = Session(KINDS["learning"]())
    session.run_until(10.0, progress=False)
    before = results(session.simulation)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(state.build, "scatter", interrupted)
        with pytest.raises(KeyboardInterrupt):
            session.load_state(tmp_path / "good.state")
    np.testing.assert_equal(results(session.simulation), before)
    session.load_state(tmp_path / "good.state")
    assert session.t_ms == 30.0
