"""Traces, products and weights against lava and brian2_loihi (``tests/data/loihi``)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurosim.chips.loihi.learning import LearningProjection, Spikes, Trace, TraceSettings, VariableFormat, parse, weight_format
from neurosim.chips.loihi.learning.projection import NO_SPIKES, Rounding

DATA = Path(__file__).resolve().parents[2] / "data" / "loihi"


def cases(name):
    return {case.get("name", case.get("rule")): case for case in json.loads((DATA / name).read_text())["cases"]}


LAVA, BRIAN, PRODUCTS = cases("lava_learning.json"), cases("brian2_loihi_learning.json"), cases("lava_products.json")


def pairs(n, weight, rules, settings, seed, rounding: Rounding = "random"):
    """``n`` synapses, each between two neurons of its own."""
    return LearningProjection(np.arange(n + 1), np.arange(n), n, np.full(n, weight), rules, settings, seed=seed, rounding=rounding)


def run(one, n, n_steps, epoch_steps, pre, post):
    """x1, y1 and w after every epoch, when all fire at the same steps; shapes (n_epochs, n)."""
    found = []
    for begin in range(0, n_steps, epoch_steps):
        sides = []
        for times in (pre, post):
            within = np.array([t - begin + 1 for t in times if begin <= t < begin + epoch_steps], np.int64)
            sides.append(Spikes(np.tile(np.arange(n), within.size), np.repeat(within, n)) if within.size else NO_SPIKES)
        one.advance(*sides)
        found.append((one.pre[0].astype(float), one.post[0].astype(float), one.weights.astype(float)))
    return tuple(np.array(values) for values in zip(*found, strict=True))


def settings_of(case, epoch_steps, decay):
    rule = case["rule"] if "rule" in case else case["params"]
    names = ("{}_impulse", "{}_tau") if "rule" in case else ("imp_{}", "tau_{}")
    traces = {trace: Trace(*(rule[name.format(trace)] for name in names)) for trace in ("x1", "y1")}
    return TraceSettings(traces, epoch_steps, decay)


@pytest.mark.parametrize("name", LAVA)
@pytest.mark.parametrize("seed", [1, 2])
def test_means_are_those_of_lava(name, seed):
    case, n = LAVA[name], 500
    epoch = case["rule"]["t_epoch"]
    one = pairs(n, case["w0"], parse(f"dw = {case['rule']['dw']}"), settings_of(case, epoch, "exponential"), seed)
    ours = run(one, n, case["T"], epoch, case["pre"], np.flatnonzero(case["runs"][0]["post"]))
    for values, key in zip(ours, ("x1", "y1", "w"), strict=True):
        theirs = np.array([r[key] for r in case["runs"]], float)[:, epoch - 1 :: epoch]
        # lava has 8 seeds, and one random number for all roundings of an epoch: it scatters more where epochs are long.
        # Weights are rounded with the same numbers whatever the seed: all runs are one there.
        runs = 1 if key == "w" else len(theirs)
        error = np.sqrt(values.var(1) / n + np.maximum(values.var(1), theirs.var(0, ddof=1)) / runs)
        assert np.all(np.abs(values.mean(1) - theirs.mean(0)) <= 4 * error + 1e-9), key
        assert epoch > 1 or np.all((theirs.min(0) >= values.min(1) - 1) & (theirs.max(0) <= values.max(1) + 1))
    assert ours[2].min() >= 0
    assert ours[2].max() <= 255


@pytest.mark.parametrize("name", BRIAN)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_means_are_those_of_brian2_loihi(name, seed):
    case, n = BRIAN[name], 400
    one = pairs(n, 0, parse(f"dw = {case['params']['dw']}"), settings_of(case, 1, "linear"), seed, rounding="away")
    post = [t + 1 for t in case["post_spikes_first"]]
    x1, y1, w = run(one, n, case["T"], 1, case["pre"], post)
    silent = [t for t in range(case["T"]) if t not in post]
    for ours, key, steps in ((x1, "x1", range(case["T"])), (y1, "y1", silent), (w, "w", range(case["T"]))):
        mean, sigma = np.array(case[f"{key}_mean"]), np.array(case[f"{key}_std"])
        # both means are of 400 synapses
        error = np.sqrt((np.maximum(sigma, ours.std(1)) ** 2) * 2 / n)
        wrong = [t for t in steps if abs(ours[t].mean() - mean[t]) > 4 * error[t] + 1e-9]
        assert not wrong, (key, wrong, ours.mean(1)[wrong], mean[wrong])
        # all synapses agree here only where all agree there
        assert all(abs(ours[t].std() - sigma[t]) <= 0.25 * max(sigma[t], 0.4) for t in steps), key


@pytest.mark.parametrize("rule", PRODUCTS)
def test_sums_of_products_are_those_of_lava(rule):
    case = PRODUCTS[rule]
    n, forever = len(case["w"]), {name: Trace(0.0, 1e15) for name in ("x1", "x2", "y1", "y2", "y3")}
    setting = TraceSettings(forever)
    # u2 acts in every fourth epoch: all rules are of the first epoch here
    rules = parse(rule.replace("u2", "u0"))
    tags = {"delays": case["d"], "tags": case["t"], "weight": VariableFormat(-256, 255)}
    one = LearningProjection(np.arange(n + 1), np.arange(n), n, case["w"], rules, setting, **tags)
    one.pre[:] = [case["x1"], case["x2"]]
    one.post[:] = [case["y1"], case["y2"], case["y3"]]
    pre, post = (np.flatnonzero(case[name]) for name in ("x0", "y0"))
    one.advance(Spikes(pre, np.ones(pre.size, np.int64)), Spikes(post, np.ones(post.size, np.int64)))
    total = np.maximum(np.array(case["total"]), -(2**15))
    low, high = np.floor((total - 1) / 128), np.ceil((total + 1) / 128)
    exact = (total % 128 > 1) & (total % 128 < 127)
    low[exact], high[exact] = np.floor(total / 128)[exact], np.ceil(total / 128)[exact]
    assert np.all((one.weights >= low) & (one.weights <= high))
    assert len(np.unique(one.weights)) > 5


@pytest.mark.parametrize(
    ("sign", "start", "low", "high"), [("excitatory", 5, 0, 255), ("inhibitory", -5, -255, 0), ("mixed", 4, -256, 254)]
)
def test_weights_stay_in_the_range_of_their_sign(sign, start, low, high):
    n, rng = 400, np.random.default_rng(3)
    rules, setting = parse("dw = 2*x1*y0 - 2*y1*x0"), TraceSettings({"x1": Trace(120, 20), "y1": Trace(120, 20)})
    one = LearningProjection(np.arange(n + 1), np.arange(n), n, np.full(n, start), rules, setting, weight=weight_format(sign), seed=1)
    seen = set()
    for _ in range(60):
        pre, post = (np.flatnonzero(rng.random(n) < 0.2) for _ in range(2))
        one.advance(Spikes(pre, np.ones(pre.size, np.int64)), Spikes(post, np.ones(post.size, np.int64)))
        seen |= set(one.weights.tolist())
    assert min(seen) == low
    assert max(seen) == high
    assert sign != "mixed" or all(value % 2 == 0 for value in seen)
