"""The command line: hey's flags, progress while the load runs, and what came of it afterwards."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from conformance.load.child import ChildGenerator
from conformance.load.flags import DEFAULT_CONTENT_TYPE, Flags
from conformance.load.generator import Generator, LoadProgress, LoadSpec
from conformance.load.generator_findings import GeneratorFinding, examine
from conformance.load.load_errors import InvalidLoadError, NothingSentError
from conformance.load.load_plan import LoadShape
from conformance.load.row_writer import LoadPaths

INDEX: Final = 1
CSV_HEAD: Final = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset"
INTERRUPTED: Final = 130
BOTTLENECK: Final = 2
"""Exit code with --strict when the generator's own limits were not met."""
F = TypeVar("F", bound=Callable[..., Any])
_REFUSED: Final = {
    "x": ("-x", "a proxy between would shape the load; send straight to the server, with --address if need be"),
    "h2": ("-h2", "requests go over HTTP/1.1, as documented examples do"),
}


def _refuse(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value:
        flag, why = _REFUSED[str(parameter.name)]
        raise click.UsageError(f"{flag} is not supported: {why}", context)


OPTIONS: Final = (
    click.argument("url"),
    click.option("-n", "requests", type=int, help="Requests in all; each worker sends n/c. [200]"),
    click.option("-c", "workers", type=int, help="Workers, each with one request in flight. [50]"),
    click.option("-q", "rate_per_worker", type=float, help="Requests per second PER WORKER, as hey means it."),
    click.option(
        "-z", "duration", metavar="DURATION", help="How long to send: 30s, 1m30s. What is in flight is awaited."
    ),
    click.option(
        "-rate", "--rate", "rate", type=float, help="Total rate of an open loop: arrivals do not wait for answers."
    ),
    click.option("-poisson", "--poisson", "poisson", is_flag=True, help="Random gaps with the mean that -rate says."),
    click.option("--seed", default=0, help="Seed of the random gaps."),
    click.option("--plan", "plan_file", metavar="FILE", help="Phases of traffic as YAML or JSON."),
    click.option("-m", "method", default="GET", help="Method. [GET]"),
    click.option("-H", "headers", multiple=True, metavar="'NAME: VALUE'", help="Header; may be repeated."),
    click.option("-host", "--host", "host", help="Host header, and the name TLS asks for."),
    click.option("-d", "body", help="Body."),
    click.option("-D", "body_file", metavar="FILE", help="Body from a file."),
    click.option("-T", "content_type", default=DEFAULT_CONTENT_TYPE, help=f"Content-Type. [{DEFAULT_CONTENT_TYPE}]"),
    click.option("-A", "accept", help="Accept header."),
    click.option("-a", "authorization", metavar="USER:PASSWORD", help="Basic authentication."),
    click.option("-U", "user_agent", help="User-Agent."),
    click.option("-t", "timeout_seconds", type=float, default=20.0, help="Seconds per request, 0 for none. [20]"),
    click.option(
        "-disable-keepalive", "--disable-keepalive", "no_keep_alive", is_flag=True, help="One request a connection."
    ),
    click.option("-disable-compression", "--disable-compression", "_compression", is_flag=True, help="Always so here."),
    click.option("-disable-redirects", "--disable-redirects", "_redirects", is_flag=True, help="Always so here."),
    click.option("-cpus", "--cpus", "processes", type=int, help="Processes. [chosen from the rate]"),
    click.option(
        "-o", "output", type=click.Choice(["csv", "json"]), help="Print rows or the summary in this form instead."
    ),
    click.option("-x", "x", metavar="HOST:PORT", callback=_refuse, expose_value=False, hidden=True),
    click.option("-h2", "h2", is_flag=True, callback=_refuse, expose_value=False, hidden=True),
    click.option("--address", metavar="HOST:PORT", help="Connect there instead of to the URL's host."),
    click.option("--cacert", "ca_file", metavar="FILE", help="Certificate authorities to trust."),
    click.option("-k", "--insecure", "insecure", is_flag=True, help="Do not verify TLS (hey never does)."),
    click.option("--drain", "drain_seconds", type=float, help="Seconds to wait for answers after the end. [-t and 1]"),
    click.option(
        "--max-in-flight", type=int, help="Cap of an open loop; arrivals beyond it are counted as never sent."
    ),
    click.option("--request-ids", is_flag=True, help="Number requests in an x-request-id header."),
    click.option("--rows", "folder", metavar="FOLDER", help="Keep the rows there."),
    click.option(
        "--histograms", metavar="FILE", help="Write HDR histograms per phase, pod and kind of answer as JSON."
    ),
    click.option("--realtime", is_flag=True, help="Ask for real-time scheduling."),
    click.option("--strict", is_flag=True, help="Exit with 2 when the generator was the bottleneck."),
)


def load_options(function: F) -> F:
    """Give a click command the arguments that `run` takes."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def run(
    *,
    folder: str | None,
    output: str | None,
    processes: int | None,
    histograms: str | None,
    realtime: bool,
    strict: bool,
    no_keep_alive: bool,
    insecure: bool,
    generator: Generator | None = None,
    _compression: bool = False,
    _redirects: bool = False,
    **given: Any,
) -> int:
    """Offer a load and print what came of it; the exit code. `generator` replaces processes on this machine; the rest
    is what `OPTIONS` give. Raises LoadError."""
    flags = Flags(keep_alive=not no_keep_alive, verify=not insecure, **given)
    if processes is not None and processes < 1:
        raise InvalidLoadError(f"-cpus {processes}: at least one process is needed")
    with tempfile.TemporaryDirectory(prefix="conformance-load-") as scratch:
        generator = generator or ChildGenerator("realtime" if realtime else "elevated", processes)
        console = LoadConsole(flags, Path(folder or scratch), generator)
        interrupted = False
        try:
            asyncio.run(console.offer())
        except KeyboardInterrupt:
            interrupted = True
        sound = console.report(output, histograms)
    if interrupted:
        return INTERRUPTED
    return BOTTLENECK if strict and not sound else 0


class LoadConsole:
    """Offers what the flags say and prints what came of it."""

    def __init__(self, flags: Flags, folder: Path, generator: Generator) -> None:
        """Raises InvalidLoadError for flags that contradict each other."""
        self._plan, self._target = flags.plan(), flags.target()
        self._folder = folder
        self._paths = LoadPaths.of(folder, INDEX)
        if self._paths.rows.exists():
            raise InvalidLoadError(f"--rows {folder}: there is a load in it already; choose another folder")
        self._generator = generator
        self._live = sys.stderr.isatty()

    async def offer(self) -> None:
        """Run to the end."""
        progress = self._show if self._live else None
        load = LoadSpec(self._plan, self._target, self._folder, INDEX, time.monotonic())
        await self._generator.offer(load, progress)

    def _show(self, now: LoadProgress) -> None:
        text = (
            f"{now.seconds:6.0f} s  {now.sent} sent  {now.answered} answered  {now.errors} errors  "
            f"{now.in_flight} in flight"
        )
        click.echo(f"\r{text:<79}", err=True, nl=False)

    def report(self, output: str | None, histograms: str | None) -> bool:
        """Print the rows there are; whether the generator was no bottleneck."""
        from conformance.load.load_summary import read_chunks, summarise
        from conformance.load.summary_text import render

        if self._live:
            click.echo("\r" + " " * 79 + "\r", err=True, nl=False)
        if not self._paths.lines.exists():
            raise NothingSentError("interrupted before anything was sent")
        lines = [json.loads(line) for line in self._paths.lines.read_text(encoding="utf-8").splitlines()]
        names = self._paths.names.read_text(encoding="utf-8").splitlines()
        end: dict[str, Any] = next((line["summary"] for line in reversed(lines) if "summary" in line), {})
        plan = lines[0]["plan"] if lines else {}
        summary = summarise(read_chunks(self._paths.rows), names, plan, end)
        findings = self._findings(lines, summary.service.percentiles[50])
        if histograms:
            self._write_histograms(Path(histograms), names)
        if output == "csv":
            for text in self._csv(float(plan.get("start", 0.0))):
                click.echo(text)
        elif output == "json":
            value = {
                **summary.body(),
                "generator": [asdict(finding) for finding in findings],
                "engine": lines[0]["engine"],
            }
            click.echo(json.dumps(value, indent=1, ensure_ascii=False))
        else:
            click.echo(render(summary, [finding for finding in findings if not finding.ok]), nl=False)
            shards = lines[0]["engine"].get("shards", 1) if lines else 1
            if shards > 1:
                lost = lines[0]["engine"].get("lost", 0)
                click.echo(f"\nSent by {shards} processes{f', {lost} more were lost' if lost else ''}.")
        return all(finding.ok for finding in findings)

    def _findings(self, lines: list[dict[str, Any]], median_seconds: float) -> tuple[GeneratorFinding, ...]:
        open_loop = any(phase.shape is not LoadShape.CLOSED for phase in self._plan.phases)
        return examine(lines, latency_seconds=median_seconds, open_loop=open_loop)

    def _write_histograms(self, path: Path, names: list[str]) -> None:
        from conformance.load.histograms import build
        from conformance.load.load_summary import read_chunks

        entries = [asdict(entry) for entry in build(read_chunks(self._paths.rows), names)]
        try:
            path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InvalidLoadError(f"--histograms {path}: {error.strerror}") from error

    def _csv(self, start: float) -> Iterator[str]:
        """hey's columns, answers only, in the order of completion; offsets count from the start of the load. Names are
        looked up once before it, and a request's writing ends when its waiting begins, so two columns are 0."""
        from conformance.load.load_summary import read_chunks

        yield CSV_HEAD
        for rows in read_chunks(self._paths.rows):
            for row in rows[rows["error"] == 0]:
                sent, first, end = float(row["sent"]), float(row["first_byte"]), float(row["end"])
                yield (
                    f"{end - sent:.6f},{row['connect_seconds']:.6f},0.000000,0.000000,{first - sent:.6f},"
                    f"{end - first:.6f},{row['status']},{sent - start:.6f}"
                )
