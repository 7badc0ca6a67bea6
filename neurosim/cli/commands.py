"""What each command does; see ``app.py`` for their options."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.cli.output import DONE, FAILED, INTERRUPTED, note, report_error, reporting, script_output, show, show_json

if TYPE_CHECKING:
    from neurosim.compare import ChipRun, Comparison


def run(
    script: str, arguments: Sequence[str], *, chip: str | None, settings: Mapping[str, Any], spikes: Path | None, as_json: bool
) -> None:
    """Run a script on one chip and print a summary; ``settings`` win over those of its own ``setup()`` where they are not ``None``."""
    from neurosim.compare import results, scripts
    from neurosim.compare.runner import quiet_losses
    from neurosim.errors import ScriptError

    interrupted, fault = False, None
    with reporting(as_json):
        scripts.read_script(script)
        check_chips([chip] if chip else [])
        try:
            with script_output(as_json), quiet_losses():
                capture = scripts.run_script(script, arguments, chip=chip, cost=True, **settings)
        except KeyboardInterrupt as stop:
            capture, interrupted = kept(stop), True
        except ScriptError as error:
            capture, fault = kept(error), error
        if capture.session is None:
            raise KeyboardInterrupt
        result = results.of_capture(chip or _own_chip(capture), capture, interrupted=interrupted)
        result = replace(result, error=str(fault)) if fault else result
        save_spikes(result, spikes)
    _show_run(Path(script).name, result, as_json)
    if fault is not None:
        raise SystemExit(report_error(fault))
    raise SystemExit(INTERRUPTED if result.interrupted else DONE)


def _own_chip(capture: Any) -> str:
    chip = capture.session.chip
    return "ideal" if chip is None else chip.name


def _show_run(name: str, result: ChipRun, as_json: bool) -> None:
    from neurosim.compare.comparison import Comparison, row
    from neurosim.compare.cost_table import cost_table
    from neurosim.compare.loss_table import loss_table
    from neurosim.compare.tables import population_table, run_table

    if result.interrupted or result.error:
        word = "interrupted" if result.interrupted else "the script failed"
        note(f"neurosim: {word} at t = {result.duration_ms:g} ms; what was recorded until then is kept and shown.")
    if as_json:
        show_json(row(result))
    else:
        recorded = population_table(Comparison(name, (result,)), differences=False)
        show(run_table(result, name), recorded, cost_table([result]), loss_table([result], limit=12))


def kept(stop: BaseException) -> Any:
    """What a script had recorded before it was stopped; re-raises if it had nothing."""
    capture = getattr(stop, "capture", None)
    if capture is None or capture.session is None or not capture.session.t_ms:
        raise stop
    return capture


def save_spikes(result: ChipRun, path: Path | None) -> None:
    """Write the recorded spikes of each population as ``<label>.indices`` and ``<label>.times_ms``."""
    if path is None:
        return
    import numpy as np

    from neurosim.errors import ParameterError

    columns = {f"{s.label}.{name}": values for s in result.spikes for name, values in (("indices", s.indices), ("times_ms", s.times_ms))}
    try:
        with open(path, "wb") as file:
            np.savez_compressed(file, **columns)  # type: ignore[arg-type]
    except OSError as error:
        raise ParameterError(
            f"the spikes cannot be written: {error.strerror}.", where=str(path), remedy="Give a file you may write."
        ) from error
    note(f"spikes saved to {path}")


def fit(script: str, arguments: Sequence[str], *, chip: str, losses: bool, report: Path | None, as_json: bool) -> None:
    """Map a script's network without simulating, and say what came of it."""
    from neurosim.compare import comparison, fitting, scripts, tables
    from neurosim.compare.loss_table import loss_table

    with reporting(as_json):
        scripts.read_script(script)
        chosen = available() if chip == "all" else names(chip)
        check_chips(chosen)
        with script_output(True):
            runs = fitting.fit_script(script, arguments=arguments, chips=chosen)
        if as_json:
            show_json({"format": comparison.FORMAT, "name": Path(script).name, "rows": [fit_row(item) for item in runs]})
        else:
            show(tables.fit_table(runs, Path(script).name))
            show_explanations(runs)
            show(*([loss_table(runs)] if losses else []))
        write_report(comparison.Comparison(Path(script).name, runs), report)
    raise SystemExit(FAILED if any(item.error for item in runs) else DONE)


def show_explanations(runs: Sequence[ChipRun]) -> None:
    """Why networks do not fit, on stdout: reason, needs, and what was tried."""
    for item in runs:
        if item.explanation is not None:
            print(f"{item.explanation}\n")


def fit_row(result: ChipRun) -> dict[str, Any]:
    """A mapping as JSON: the keys of a comparison's row that need no simulation, ``fits``, and why if it does not."""
    from neurosim.compare.comparison import row

    simulated = ("rate_hz", "populations", "stages_s", "duration_ms", "hardware_s", "interrupted", "cost")
    kept = {key: value for key, value in row(result).items() if key not in simulated}
    return {"fits": not result.error, **kept, "explanation": result.explanation and result.explanation.to_dict()}


def compare(
    script: str,
    arguments: Sequence[str],
    *,
    chips: str,
    threads: int | None = None,
    plot: Path | None = None,
    report: Path | None = None,
    verbose: bool = False,
    as_json: bool = False,
) -> None:
    """Run a script on several chips and print them side by side."""
    from neurosim.compare import compare as run_all
    from neurosim.compare.scripts import read_script

    with reporting(as_json):
        read_script(script)
        chosen = names(chips)
        check_chips(chosen)
        result = run_all(script, chips=chosen, arguments=arguments, threads=threads, verbose=verbose, progress=tell)
        if as_json:
            print(result.to_json())
        else:
            show_comparison(result, verbose=verbose)
        if plot is not None:
            note(f"picture: {result.plot(plot)}")
        write_report(result, report)
    raise SystemExit(INTERRUPTED if result.interrupted else FAILED if result.failed else DONE)


def show_comparison(result: Comparison, *, verbose: bool = False, more: str = "--verbose or --json has them all") -> None:
    """The tables of a comparison on stdout; ``more`` says where losses that are left out can be found."""
    from neurosim.compare import tables
    from neurosim.compare.cost_table import cost_table
    from neurosim.compare.loss_table import loss_table

    losses = loss_table(result.runs, limit=1000) if verbose else loss_table(result.runs, more=more)
    show(result.table(), tables.population_table(result), cost_table(result.runs), tables.stage_table(result), losses)


def tell(chip: str, result: ChipRun | None) -> None:
    """Progress of a comparison, one line per chip on stderr."""
    if result is None:
        note(f"{chip}: running ...")
    elif result.error:
        note(f"{chip}: failed")
    else:
        stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.stages.items() if seconds >= 0.05)
        note(f"{chip}: {f'{result.rate_hz():.1f} Hz' if result.spikes else 'no spikes recorded'}; {stages}")


def write_report(result: Comparison, path: Path | None) -> None:
    """The HTML report, if asked for."""
    if path is not None:
        from neurosim.report import write

        note(f"report: {write(result, path)}")


def chips(name: str | None, *, as_json: bool) -> None:
    """List all chips, or the datasheet of one."""
    from neurosim.cli import datasheets

    with reporting(as_json):
        if name is None:
            content = {"chips": datasheets.list_rows()}
        else:
            check_chips([name])
            content = {"chip": name, **datasheets.chip_facts(name)}
        if as_json:
            show_json(content)
        elif name is None:
            show(datasheets.list_table(content["chips"]))
        else:
            show(*datasheets.chip_tables(content))
    sys.stdout.flush()


def passport(name: str | None) -> None:
    """Print all that is known of a chip, in Markdown."""
    from neurosim.errors import ParameterError

    with reporting(False):
        if name is None:
            raise ParameterError("--markdown needs a chip.", where="neurosim chips", used=None, limit=available(), remedy="Name one.")
        from neurosim.chips import load
        from neurosim.chips.passport import markdown

        print(markdown(load(name)), end="")


def names(text: str) -> list[str]:
    """The parts of a list with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def available() -> list[str]:
    """Names of all chips."""
    from neurosim.chips import available as known

    return list(known())


def check_chips(chosen: Sequence[str]) -> None:
    """Refuse unknown chips before anything runs."""
    from neurosim.compare.runner import load_chip

    for name in chosen:
        load_chip(name)
