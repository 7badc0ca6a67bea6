"""How far placing is, told to whoever looks on."""

from __future__ import annotations

import pickle
from contextlib import contextmanager

import pytest

from mapping_networks import Sheet, ToyChip, network, toy
from neurosim import _fit
from neurosim.connectivity import Bernoulli, OneToOne
from neurosim.mapping import Options, map_network
from neurosim.session import Session


class TreeChip(ToyChip):
    """The made-up chip with trees."""

    delivery = "multicast"


@pytest.mark.parametrize("chip", [toy(), TreeChip(Sheet())], ids=["ways", "trees"])
@pytest.mark.parametrize(("rule", "searched"), [(OneToOne(), "partition"), (Bernoulli(0.1), "place")], ids=["pairs", "random"])
def test_every_stage_is_told_in_order_and_parts_are_parts(chip, rule, searched):
    told: list[tuple[str, float]] = []
    net = network(40, 40, rule=rule)
    mapping = map_network(net, chip, options=Options(progress=lambda stage, part: told.append((stage, part))))
    heads = list(dict.fromkeys(stage.partition(":")[0] for stage, _ in told))
    assert heads == ["limits", "partition", "packets", "place", "route", "verify"]
    assert any(stage.startswith(f"{searched}: ") for stage, _ in told)
    assert all(0.0 <= part <= 1.0 for _, part in told)
    assert mapping == map_network(net, chip)


def test_a_mapping_does_not_keep_who_looked_on():
    mapping = map_network(network(40), toy(), options=Options(progress=lambda stage, part: None))
    assert mapping.options.progress is None
    assert pickle.loads(pickle.dumps(mapping)) == mapping


@pytest.mark.parametrize("own", [False, True])
def test_a_session_shows_a_bar_unless_somebody_looks_on_already(monkeypatch, own):
    shown, by_bar, by_own = [], [], []

    @contextmanager
    def stages(title, wanted):
        shown.append((title, wanted))
        yield (lambda stage, part: by_bar.append(stage)) if wanted else None

    monkeypatch.setattr(_fit, "stages", stages)
    placing = Options(progress=lambda stage, part: by_own.append(stage)) if own else None
    Session(network(4), toy(), placing=placing, progress=True)
    assert shown == [("placing on Toy", not own)]
    assert ("route" in by_own, "route" in by_bar) == (own, not own)
