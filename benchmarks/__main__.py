"""``python -m benchmarks [NAME ...]``: measure, print tables, keep the figures in ``benchmarks/results/``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.harness import machine, pages, registry, results, tables
from benchmarks.harness.cases import Size
from benchmarks.harness.measure import measure
from benchmarks.harness.processes import OPTIONS, VARIABLES, Environments
from benchmarks.harness.results import Report


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """What to measure and with what."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks of neurosim, next to its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"workloads to run: {', '.join(registry.NAMES)} (default: all)")
    parser.add_argument("--full", action="store_true", help="full scale; half an hour of NEST alone, 16 GiB of memory")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each side (default: 3)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the workloads that run on several (default: 2)")
    parser.add_argument("--peer-ms", type=float, default=1000.0, help="biological time of peers at full scale, in ms (default: 1000)")
    for peer in VARIABLES:
        about = f"Python of an environment with {peer} (default: ${VARIABLES[peer]}, else what `make bench-peers` made)"
        parser.add_argument(OPTIONS[peer], metavar="PATH", default="", help=about)
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for what is kept (default: benchmarks/results)")
    parser.add_argument("--strict", action="store_true", help="a missed target is a failure, like a failed gate")
    parser.add_argument("--readme", action="store_true", help="measure nothing; write the kept results into README.md")
    given = parser.parse_args(words)
    _check(parser, given)
    return given


def _check(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    unknown = [name for name in given.names if name not in registry.NAMES]
    if unknown:
        parser.error(f"unknown workload '{unknown[0]}'; known: {', '.join(registry.NAMES)}")
    if given.repeats < 1 or given.threads < 1:
        parser.error("--repeats and --threads must be 1 or more")
    if given.peer_ms <= 0:
        parser.error("--peer-ms must be more than 0")


def main(words: list[str] | None = None) -> int:
    """Run what is asked for; 0 if every gate passed, else 1."""
    given = arguments(words)
    if given.readme:
        return _readme(given.results)
    environments = Environments.find({peer: getattr(given, option.strip("-").replace("-", "_")) for peer, option in OPTIONS.items()})
    size = Size(full=given.full, threads=given.threads, peer_ms=given.peer_ms)
    reports = [_workload(name, size, given, environments) for name in given.names or registry.NAMES]
    pages.write(results.load_all(registry.NAMES, given.results), given.results)
    return _verdict(reports, given.strict)


def _workload(name: str, size: Size, given: argparse.Namespace, environments: Environments) -> Report:
    module, facts = registry.workload(name), machine.facts()
    print(f"== {name}: {registry.question(module)}", flush=True)
    cases = []
    for case in module.cases(size):
        measured = measure(name, case, environments, given.repeats)
        cases.append(results.kept(case, measured, module.gates(case, measured.medians)))
        print(tables.screen(cases[-1]), end="\n\n", flush=True)
    report = results.report(name, registry.question(module), cases, full=size.full, repeats=given.repeats, facts=facts)
    print(f"kept in {results.save(report, given.results)}\n", flush=True)
    if hasattr(module, "draw"):
        module.draw(report, given.results)
    return report


def _verdict(reports: list[Report], strict: bool) -> int:
    failed = [words for report in reports for words in report.failed]
    missed = [words for report in reports for words in report.missed]
    print(tables.target_table(reports), end="\n\n")
    print(tables.gate_table(reports), end="\n\n")
    for words in missed:
        print(f"target missed: {words}")
    for words in failed:
        print(f"FAILED: {words}", file=sys.stderr)
    return int(bool(failed) or (strict and bool(missed)))


def _readme(folder: Path) -> int:
    reports = results.load_all(registry.NAMES, folder)
    pages.write(reports, folder)
    pages.README.write_text(pages.update(pages.README.read_text(encoding="utf-8"), reports), encoding="utf-8")
    print(f"README.md quotes {len(reports)} result file(s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
