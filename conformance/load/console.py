"""One load from a terminal: progress while it runs, and its report afterwards."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from conformance.base.errors import PlatformError, UsageError
from conformance.load.flags import Flags
from conformance.load.generator import Generator, Load, Progress
from conformance.load.health import Finding, examine
from conformance.load.load_plan import Shape
from conformance.load.row_writer import Paths

INDEX = 1
CSV_HEAD = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset"


class Console:
    """Offers what the flags say and prints what came of it."""

    def __init__(self, flags: Flags, folder: Path, generator: Generator) -> None:
        """Raises UsageError for flags that contradict each other."""
        self._plan, self._target = flags.plan(), flags.target()
        self._folder = folder
        self._paths = Paths.of(folder, INDEX)
        if self._paths.rows.exists():
            raise UsageError(f"--rows {folder}: there is a load in it already; choose another folder")
        self._generator = generator
        self._live = sys.stderr.isatty()

    async def offer(self) -> None:
        """Run to the end."""
        progress = self._show if self._live else None
        load = Load(self._plan, self._target, self._folder, INDEX, time.monotonic())
        await self._generator.offer(load, progress)

    def _show(self, now: Progress) -> None:
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
            raise PlatformError("interrupted before anything was sent")
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

    def _findings(self, lines: list[dict[str, Any]], median_seconds: float) -> tuple[Finding, ...]:
        open_loop = any(phase.shape is not Shape.CLOSED for phase in self._plan.phases)
        return examine(lines, latency_seconds=median_seconds, open_loop=open_loop)

    def _write_histograms(self, path: Path, names: list[str]) -> None:
        from conformance.load.histograms import build
        from conformance.load.load_summary import read_chunks

        entries = [asdict(entry) for entry in build(read_chunks(self._paths.rows), names)]
        try:
            path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--histograms {path}: {error.strerror}") from error

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
