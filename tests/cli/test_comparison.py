"""Comparisons as rows, tables, JSON, pictures and pages."""

from __future__ import annotations

import builtins
import dataclasses
import json
import re

import numpy as np
import pytest

from neurosim.columns import Random
from neurosim.compare import tables
from neurosim.compare.comparison import Comparison, plain
from neurosim.compare.loss_table import gathered, loss_table, sentence
from neurosim.compare.results import failed, mean_weight, weight_error
from neurosim.connectivity import OneToOne
from neurosim.errors import MissingExtraError, ParameterError
from neurosim.losses import Ledger, Loss
from neurosim.network import Network, Projection, Selection, Synapse
from neurosim.report import html, write

KEYS = [
    "chip", "title", "error", "interrupted", "n_neurons", "n_synapses", "n_cores", "n_chips", "binding", "synapses_lost",
    "weight_error", "rate_hz", "approximations", "populations", "losses", "stages_s", "duration_ms", "hardware_s", "cost",
]  # fmt: skip


def test_rows_have_stable_keys(comparison):
    assert [list(row) for row in comparison.rows()] == [KEYS] * 4


def test_a_failed_chip_keeps_its_row_and_its_reason(comparison):
    assert [row["chip"] for row in comparison.rows()] == ["ideal", "hicann", "spinnaker", "loihi"]
    assert comparison.rows()[2]["error"] == "Population 'exc' does not fit."
    assert "does not fit" in str(comparison)


def test_differences_from_the_ideal_are_given_for_chips_only(comparison):
    ideal, hicann = (row["populations"] for row in comparison.rows()[:2])
    assert "rate_difference_hz" not in ideal[0]
    assert {"rate_difference_hz", "spike_difference", "rate_correlation", "activity_correlation"} < set(hicann[0])


def test_the_weight_error_is_relative_and_over_all_synapses():
    excitatory, inhibitory = (_projection(number, weight) for number, weight in enumerate((0.5, -0.1)))
    network = Network(dt=0.1, seed=1, projections=(excitatory, inhibitory))
    moved = [Loss("rounded", f"Projection '{p.label}'", "weight", 10, 50, error_mean=0.02, unit="uS") for p in network.projections]
    other = Loss("rounded", "Projection '0'", "U", 10, 50, error_mean=5.0)
    assert weight_error(network, Ledger([*moved, other])) == pytest.approx((10 * 0.02 / 0.5 + 10 * 0.02 / 0.1) / 100)
    assert weight_error(network, Ledger()) == 0


def _projection(number, weight):
    side = Selection(((0, np.arange(50)),))
    return Projection(number, str(number), side, side, "excitatory", OneToOne(), Synapse("static", {"weight": weight, "delay": 1.0}), 1)


def test_the_mean_weight_is_known_for_numbers_arrays_and_distributions():
    assert mean_weight(_projection(0, np.array([-1.0, 3.0]))) == 2
    assert mean_weight(_projection(0, Random("uniform", {"low": 0.0, "high": 0.5}, 1))) == 0.25
    assert mean_weight(_projection(0, Random("normal", {"mu": -0.5, "sigma": 0.1}, 1))) == 0.5


def test_equal_losses_of_several_places_are_one_line():
    losses = [Loss("delay", f"Projection '{n}'", "delay", 10 * n, 100, error_mean=1.0 * n, error_max=n, detail="same") for n in (1, 2)]
    (line,) = gathered(losses)
    assert (line.count, line.total, line.where) == (30, 200, "Projection '1' and 1 more")
    assert line.error_mean == pytest.approx((10 * 1 + 20 * 2) / 30)


def test_losses_with_one_explanation_are_one_line():
    moved = ("v_rest", "v_reset")
    losses = [Loss("rounded", "Population 'exc'", what, 10, 10, error_mean=0.2, unit="mV", detail="A grid.") for what in moved]
    (line,) = gathered(losses)
    assert sentence(line, "loihi") == "v_rest, v_reset of Population 'exc': 20 (100 %), error 0.2 mV. A grid."


def test_uncertain_constants_are_counted_and_pointed_at():
    loss = Loss("uncertain", "Chip 'loihi'", "constants", 2, detail="long words")
    assert sentence(loss, "loihi") == "2 constants that matter here are not certain; 'neurosim chips loihi' marks them"


def test_tables_fit_a_narrow_terminal(comparison):
    text = tables.as_text(comparison.table(), tables.population_table(comparison), loss_table(comparison.runs), width=80)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "spinnaker" in text


def test_names_with_brackets_and_colons_are_shown_as_they_are():
    run = failed("hicann", "Population '[/b] :smile:' does not fit.")
    assert "Population '[/b] :smile:' does not fit." in str(Comparison("n", (run,)))


def test_stages_that_a_run_names_are_all_shown(comparison):
    run = dataclasses.replace(comparison.runs[0], stages={"new": 1.0, "run": 2.0, "kernels": 3.0, "build": 4.0})
    assert tables.stage_names(Comparison("n", (run,))) == ["build", "kernels", "run", "new"]


def test_json_is_valid_and_has_null_for_what_does_not_exist(comparison, tmp_path):
    text = comparison.to_json(tmp_path / "c.json")
    content = json.loads((tmp_path / "c.json").read_text(), parse_constant=lambda word: pytest.fail(word))
    assert content == json.loads(text)
    assert content["rows"][2]["rate_hz"] is None
    assert content["format"] == 1


def test_plain_turns_numpy_and_infinities_into_json():
    assert plain({"a": np.float32(0.5), "b": (np.nan, np.arange(2)), 3: {"x"}}) == {"a": 0.5, "b": [None, [0, 1]], "3": ["x"]}


def test_the_text_shows_every_chip_and_the_approximations(comparison):
    text = str(comparison)
    assert all(word in text for word in ("ideal", "hicann", "spinnaker", "loihi", "conductance", "1,234"))


def test_all_tables_can_be_printed(comparison):
    runs = comparison.runs
    text = tables.as_text(
        tables.population_table(comparison),
        tables.stage_table(comparison),
        loss_table(runs, limit=2),
        tables.fit_table(runs, "n"),
        tables.run_table(runs[1], "n"),
    )
    assert "3 more lines" in text
    assert "circuits 95 %" in text


def test_the_picture_is_drawn(comparison, tmp_path):
    file = comparison.plot(tmp_path / "new" / "raster.png")
    assert file.read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_an_unknown_kind_is_refused(comparison, tmp_path):
    with pytest.raises(ParameterError, match=r"'\.xyz' is no kind of picture\. Use one of \.png"):
        comparison.plot(tmp_path / "raster.xyz")


def test_a_picture_in_a_forbidden_place_is_one_clear_error(comparison, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="the picture cannot be written"):
        comparison.plot(tmp_path / "file" / "raster.png")


def test_a_comparison_where_everything_failed_can_be_shown(tmp_path):
    nothing = Comparison("n", (failed("hicann", "no"), failed("loihi", "no")))
    assert "No chip gave a result" in html(nothing)
    nothing.plot(tmp_path / "p.png")
    assert "failed" in str(nothing)


def test_the_page_is_self_contained(comparison, tmp_path):
    text = write(comparison, tmp_path / "report.html").read_text()
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert text.count("data:image/png;base64,") == 3
    assert "Population &#39;exc&#39; does not fit." in text


def test_a_page_in_a_forbidden_place_is_one_clear_error(comparison, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="the report cannot be written"):
        write(comparison, tmp_path / "file" / "report.html")


@pytest.mark.parametrize(
    ("package", "use"), [("matplotlib", lambda c, p: c.plot(p / "a.png")), ("jinja2", lambda c, p: write(c, p / "a.html"))]
)
def test_a_missing_extra_names_the_pip_line(comparison, tmp_path, monkeypatch, package, use):
    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith(package):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'neurosim-chips\[report\]'"):
        use(comparison, tmp_path)
