"""Commands and their options. Work is imported when a command runs, so that ``--help`` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="neurosim",
    epilog="Exit codes: 0 done; 1 does not fit, or the script or a chip failed; 2 wrong use; 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Script = Annotated[
    str, typer.Argument(help="PyNN script; it may import neurosim, pyNN.nest or any other PyNN backend.", show_default=False)
]
Arguments = Annotated[
    list[str] | None, typer.Argument(help="The script's own arguments; put '--' before those that begin with a dash.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads of the simulation; the script's own number by default.", show_default=False)
]
Approximate = Annotated[str, typer.Option(help="Approximations to allow, by name and with commas between, or 'all'.", show_default=False)]


def _version(wanted: bool) -> None:
    if wanted:
        from neurosim import __version__

        print(f"neurosim {__version__}")
        raise typer.Exit


@app.callback()
def neurosim(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")] = False,
) -> None:
    """Run PyNN scripts on simulated neuromorphic chips: what fits, what is lost, how it behaves."""


@app.command()
def run(
    script: Script,
    arguments: Arguments = None,
    chip: Annotated[
        str | None, typer.Option(help="Chip by name, datasheet file (.toml), or 'ideal'; the script's own by default.", show_default=False)
    ] = None,
    approximate: Approximate = "",
    threads: Threads = None,
    spikes: Annotated[Path | None, typer.Option(help="Save all recorded spikes to this .npz file.", show_default=False)] = None,
    record_to: Annotated[
        Path | None, typer.Option(help="Write all that is recorded to this HDF5 file while it runs.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let --record-to replace a file.")] = False,
    as_json: Json = False,
) -> None:
    """Run a PyNN script on one chip."""
    from neurosim.cli import commands

    settings = {
        "approximate": commands.names(approximate) or None,
        "threads": threads,
        "record_to": record_to,
        "overwrite": overwrite or None,
    }
    commands.run(script, arguments or [], chip=chip, settings=settings, spikes=spikes, as_json=as_json)


@app.command()
def fit(
    script: Script,
    arguments: Arguments = None,
    chip: Annotated[str, typer.Option(help="Chips by name or datasheet file, with commas between, or 'all'.")] = "all",
    losses: Annotated[bool, typer.Option("--losses/--no-losses", help="List what would be lost.")] = True,
    report: Annotated[Path | None, typer.Option(help="Write a one-page HTML report to this file.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Say whether a script's network fits, without simulating it.

    All approximations are switched on; the ones used are named.
    """
    from neurosim.cli import commands

    commands.fit(script, arguments or [], chip=chip, losses=losses, report=report, as_json=as_json)


@app.command()
def compare(
    script: Script,
    arguments: Arguments = None,
    chips: Annotated[str, typer.Option(help="Chips by name or datasheet file, with commas between.")] = "ideal,hicann,spinnaker,loihi",
    threads: Threads = None,
    plot: Annotated[Path | None, typer.Option(help="Draw rasters and rates to this picture file.", show_default=False)] = None,
    report: Annotated[Path | None, typer.Option(help="Write a one-page HTML report to this file.", show_default=False)] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Let the script's output through, and list all losses.")] = False,
    as_json: Json = False,
) -> None:
    """Run a script on several chips and compare them.

    Each chip runs in a process of its own; all approximations are switched on and named.
    """
    from neurosim.cli import commands

    commands.compare(script, arguments or [], chips=chips, threads=threads, plot=plot, report=report, verbose=verbose, as_json=as_json)


@app.command()
def chips(
    name: Annotated[
        str | None, typer.Argument(help="Chip by name or datasheet file; without it, all are listed.", show_default=False)
    ] = None,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page with all that is known of one chip.")] = False,
) -> None:
    """List the chips, or show the datasheet of one."""
    from neurosim.cli import commands

    if markdown:
        commands.passport(name)
    else:
        commands.chips(name, as_json=as_json)


@app.command()
def demo(folder: Annotated[Path, typer.Option(help="Where the picture, the report and the numbers go.")] = Path("demo")) -> None:
    """Run the Brette 2007 COBA network on all chips and compare them."""
    from neurosim.cli import demo as shown

    shown.main(folder)


def main() -> None:
    """Entry point of the ``neurosim`` command."""
    from neurosim.cli.output import reporting

    with reporting():
        app()
