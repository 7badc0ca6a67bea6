"""Trees beside those of the real tool chain, and the targets set for them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[3]))

from benchmarks.mapping import core_networks, routing


@pytest.mark.parametrize(("name", "hops", "max_load"), [("va_64", 16_000, 3968), ("ff", 32_960, 1024), ("ffshuf", 107_072, 2112)])
def test_the_tools_own_entries_are_walked(name, hops, max_load) -> None:
    found = core_networks.reference(name)
    assert (found.hops, found.max_load) == (hops, max_load)


def test_the_board_has_as_many_cores_as_the_tool_says() -> None:
    assert core_networks.board().n_routers == 48
    assert core_networks.board().room.sum() == 759


@pytest.mark.slow
@pytest.mark.parametrize("name", ["va", "ff", "ffshuf", "grid"])
def test_trees_are_as_short_as_they_should_be(name) -> None:
    row = routing.measure(name)
    assert row.faults == ()
    assert row.ratio <= row.case.ratio
    assert row.max_entries <= row.case.entries


@pytest.mark.slow
def test_ten_thousand_cores_are_placed_well() -> None:
    row = routing.measure("sheet")
    assert row.faults == ()
    assert row.ratio <= 0.13
    assert row.max_entries <= 450


def test_an_unknown_network_is_told(capsys) -> None:
    with pytest.raises(SystemExit):
        routing.main(["grids"])
    assert "unknown network 'grids'; known: va, ff" in capsys.readouterr().err
