"""The ledger counts, prints and warns; errors say what, where and what to do."""

from __future__ import annotations

import pytest

from neurosim.errors import LossWarning, PlacementError, UnknownNameError
from neurosim.losses import KINDS, Ledger, Loss

ROUNDED = Loss("rounded", "Population 'exc'", "tau_m", 30, 40, error_mean=0.25, error_max=0.5, unit="ms", detail="A grid.")


def test_a_loss_in_words_has_count_share_error_and_reason() -> None:
    assert str(ROUNDED) == "rounded: tau_m of Population 'exc': 30 (75 % of 40), error 0.25 ms on average, 0.5 ms at most. A grid."


def test_relative_errors_are_percentages() -> None:
    assert "error 2.5 % on average, 5 % at most" in str(Loss("rounded", "x", "U", 1, error_mean=0.025, error_max=0.05, unit="1"))


def test_an_unknown_kind_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="unknown kind of loss 'mislaid'; known: approximation, clipped"):
        Loss("mislaid", "x", "y", 1)


def test_nothing_counted_is_nothing_lost() -> None:
    ledger = Ledger()
    ledger.add(Loss("spike", "x", "spikes", 0))
    assert not ledger
    assert str(ledger) == "nothing lost"


def test_kinds_come_in_the_order_of_the_table_and_are_counted() -> None:
    ledger = Ledger()
    ledger.extend([ROUNDED, Loss("clipped", "x", "weight", 2), ROUNDED])
    assert ledger.kinds() == ["clipped", "rounded"]
    assert ledger.count("rounded") == 60
    assert [entry["kind"] for entry in ledger.table()] == ["rounded", "clipped", "rounded"]
    assert set(ledger.kinds()) <= set(KINDS)


def test_one_warning_per_kind_at_the_users_line() -> None:
    ledger = Ledger([ROUNDED, ROUNDED, Loss("clipped", "x", "weight", 2)])
    with pytest.warns(LossWarning) as caught:
        ledger.warn()
    assert [str(warning.message).partition(":")[0] for warning in caught] == ["clipped", "rounded"]
    assert str(caught[1].message) == f"{ROUNDED} And 1 more of this kind; losses() has all."
    assert caught[0].filename == __file__


def test_what_does_not_fit_names_the_resource_and_both_numbers() -> None:
    error = PlacementError(population="exc", core="core 3", resource="neurons", used=2000, limit=1024, remedy="Use fewer.")
    assert str(error) == "Population 'exc' does not fit on core 3: it needs 2,000 neurons, the limit is 1,024. Use fewer."


def test_an_unknown_name_lists_the_known_ones_where_none_is_near() -> None:
    error = UnknownNameError.among("chip", "zzz", ["loihi", "hicann"], where="setup()")
    assert str(error) == "setup(): unknown chip 'zzz'. Known: hicann, loihi."
    assert error.limit == ["hicann", "loihi"]
