"""`conformance simulate`: what a service would do under a load, before it is rolled out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from conformance.base.errors import Exit, UsageError
from conformance.cli.own_options import load_plan, own_options, payload, read_manifest
from conformance.simulate.course_plot import course_plot
from conformance.simulate.like import like
from conformance.simulate.objectives import objectives
from conformance.simulate.variations import cases
from conformance.simulate.what_if import Simulated, WhatIf, cheapest, compare, shown_seconds


@click.command("simulate", help="What the service in MANIFEST would do under a load, on the embedded platform.")
@click.argument("manifest", required=False, metavar="[MANIFEST]")
@own_options
@click.option("--vary", multiple=True, metavar="KEY=A,B", help="Settings to compare; may be repeated.")
@click.option("--slo", metavar="'p99<2s,errors<0.1%'", help="What is good enough: p50, p99, errors, cold, pods.")
@click.option("--like", "source", metavar="RUN", help="Load, times and settings as in a recording: a run's folder.")
@click.option("--seed", default=1, show_default=True, help="Seed of everything random.")
@click.option("--plot", metavar="FILE", help="Write the courses as an SVG picture.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def command(
    manifest: str | None,
    *,
    vary: tuple[str, ...],
    slo: str | None,
    source: str | None,
    seed: int,
    plot: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    chosen, wanted = cases(vary), objectives(slo) if slo else ()
    what, told = _what(manifest, source, given, seed)
    found = compare(replace(what, slo=wanted), chosen)
    if plot:
        _write(Path(plot), course_plot(f"{what.manifest.name}: {what.plan.words()}", found))
    if as_json:
        click.echo(json.dumps({"cases": [case.body() for case in found]}, indent=1))
    else:
        for line in (*told, "", *_table(found), *_advice(found, slo)):
            click.echo(line)
        if plot:
            click.echo(f"plot    {plot}")
    return Exit.FAILURE if slo and not any(case.meets_slo for case in found) else Exit.SUCCESS


def _what(manifest: str | None, source: str | None, given: dict[str, Any], seed: int) -> tuple[WhatIf, list[str]]:
    """What is simulated, and what it rests on in words."""
    recorded = like(Path(source)) if source else None
    if manifest is None and recorded is None:
        raise UsageError("give a MANIFEST, or --like RUN for what a recording holds")
    own = read_manifest(manifest) if manifest else None
    asked = any(given[name] for name in ("duration", "workers", "requests", "rate", "plan_file"))
    what = recorded if recorded is not None else WhatIf(own, load_plan(given, seed)) if own else None
    assert what is not None
    if recorded is not None:
        what = replace(what, manifest=own or what.manifest, plan=load_plan(given, seed) if asked else what.plan)
    what = replace(
        what,
        seed=seed,
        payload=payload(given["body_file"]),
        path=given["path"],
        service_ms=what.service_ms if given["service_ms"] is None else given["service_ms"],
        start_seconds=what.start_seconds if given["start_seconds"] is None else given["start_seconds"],
    )
    return what, [
        f"service  {what.manifest.name}" + (f", as recorded in {Path(source).name}" if source else ""),
        f"load     {what.plan.words()}",
        f"model    {what.service_ms:g} ms a request, {what.start_seconds:g} s to start",
    ]


def _table(found: Sequence[Simulated]) -> Iterator[str]:
    keys = list(found[0].settings)
    accelerated = any(case.accelerator_minutes for case in found)
    judged = found[0].meets_slo is not None
    head = [*keys, "pods", "pod min", *(["gpu min"] if accelerated else []), "p50", "p99", "errors", "cold"]
    rows = [head + (["SLO"] if judged else [])]
    for case in found:
        rows.append(
            [
                *(case.settings[key] for key in keys),
                str(case.peak_pods),
                f"{case.pod_minutes:.1f}",
                *([f"{case.accelerator_minutes:.1f}"] if accelerated else []),
                shown_seconds(case.p50_seconds),
                shown_seconds(case.p99_seconds),
                str(case.errors),
                str(case.cold_starts),
                *([("met" if case.meets_slo else "missed")] if judged else []),
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))


def _advice(found: Sequence[Simulated], slo: str | None) -> Iterator[str]:
    if slo is None:
        return
    best = cheapest(found)
    yield ""
    if best is None:
        yield f"none of these settings meets {slo}"
    else:
        settings = " ".join(f"{key}={text}" for key, text in best.settings.items()) or "as it is"
        yield f"meets {slo} with the fewest pod minutes: {settings} ({best.pod_minutes:.1f})"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--plot {path}: {error.strerror}") from error
