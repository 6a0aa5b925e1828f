"""Writes raw laboratory recordings as a run of the suite: run.json and one recording per raw folder."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from conformance.base.errors import UsageError
from conformance.recording.facts import FactKind, line_of
from conformance.recording.laboratory import lab_arrivals, lab_pods
from conformance.recording.laboratory.lab_arrivals import Load
from conformance.recording.laboratory.lab_files import Manifest, Source, sources
from conformance.recording.laboratory.lab_pods import Sighting
from conformance.recording.run_record import Implementation, Run, ScenarioRun
from conformance.recording.writer import Header

PROVIDER = "import"


def convert(raw: Path, out: Path) -> Run:
    """Read one raw recording or a folder of them and write a run folder that `conformance judge` takes."""
    found = sources(raw)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out}: is there already and not empty; give a new folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    done = tuple(_one(source, out) for source in found)
    run = _run(found, done)
    run.write(out)
    return run


def _one(source: Source, out: Path) -> ScenarioRun:
    name = scenario_name(source)
    place = out / "recording" / name
    place.mkdir(parents=True)
    loads = lab_arrivals.loads(source)
    facts = sorted(_sightings(source, loads), key=lambda entry: entry[0])
    origin = math.floor(min((entry[0] for entry in facts), default=0.0))
    end = source.moment("end")
    header = Header(
        scenario=name,
        run=run_id(source),
        seed=0,
        clock="real",
        origin_monotonic=0.0,
        origin_wall=float(origin),
        suite_version="imported",
        provider=PROVIDER,
        scenario_spec=_specification(source, name, loads),
    )
    (place / "recording.json").write_text(
        json.dumps(asdict(header), indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    complete = not math.isnan(end)
    last = end if complete else (facts[-1][0] if facts else origin)
    closing = {
        "outcome": "complete" if complete else "interrupted",
        "reason": "" if complete else "no end was recorded",
    }
    with (place / "facts.jsonl").open("wb") as file:
        for wall, kind, body in (*facts, (max(last, facts[-1][0] if facts else last), FactKind.END, closing)):
            file.write(line_of(wall - origin, wall, kind, body))
    for load in loads:
        _write_load(load, place, origin)
    return ScenarioRun(name, closing["outcome"], closing["reason"], float(origin), last, f"recording/{name}")


def _sightings(source: Source, loads: tuple[Load, ...]) -> Iterator[Sighting]:
    apply = source.moment("apply")
    manifests = source.manifests()
    environment = {
        "kind": "none",
        "autoscaler": "kpa",
        "deployment_mode": "Knative",
        "distribution": "laboratory",
        "activators": 1,
        **_accelerators(source),
    }
    yield apply, FactKind.CONFIG, {"source": "installation", "data": environment}
    data = {str(key): str(text) for key, text in (source.config.get("configAutoscaler") or {}).items()}
    yield apply, FactKind.CONFIG, {"source": "config-autoscaler", "data": data}
    for manifest in manifests:
        name = str(manifest.body.get("metadata", {}).get("name", ""))
        if not math.isnan(manifest.wall):
            yield manifest.wall, FactKind.MANIFEST, {"stage": "applied", "name": name, "text": manifest.text}
    yield from _phases(source, loads)
    yield from _changes(manifests)
    yield from lab_pods.pods(source)
    yield from lab_pods.autoscaling(source, manifests)
    yield from lab_pods.events(source)
    yield from lab_pods.metrics(source)
    yield from _witnesses(source, loads)


def _accelerators(source: Source) -> dict[str, Any]:
    """How many accelerators the laboratory's node was given, where the note says so."""
    found = re.search(r"([\w.-]+/[\w.-]+)=(\d+)", str(source.config.get("note", "")))
    if not found:
        return {}
    return {"accelerator_resource": found[1], "nodes": [{"name": "node", "accelerators": int(found[2])}]}


def _phases(source: Source, loads: tuple[Load, ...]) -> Iterator[Sighting]:
    apply, ready = source.moment("apply"), source.moment("ksvc-ready")
    yield apply, FactKind.PHASE, {"name": "deploy", "edge": "begin"}
    if not math.isnan(ready):
        yield ready, FactKind.PHASE, {"name": "deploy", "edge": "end"}
    for load in loads:
        common = {"name": "load", "kind": "load", "load": load.index, "step": load.index}
        yield load.start, FactKind.PHASE, {**common, "edge": "begin"}
        yield load.end, FactKind.PHASE, {**common, "edge": "end"}
    quiet, end = source.moment("quiet"), source.moment("end")
    if not math.isnan(quiet):
        yield quiet, FactKind.PHASE, {"name": "quiet", "kind": "quiet", "edge": "begin"}
        if not math.isnan(end):
            yield end, FactKind.PHASE, {"name": "quiet", "kind": "quiet", "edge": "end"}


def _changes(manifests: tuple[Manifest, ...]) -> Iterator[Sighting]:
    """Changes of the revision template, each of which has to make a new revision."""
    for before, after in pairwise(manifests):
        if before.template != after.template:
            common = {"name": "patch", "kind": "patch"}
            yield after.wall, FactKind.PHASE, {**common, "edge": "begin"}
            yield after.wall, FactKind.PHASE, {**common, "edge": "end"}


def _witnesses(source: Source, loads: tuple[Load, ...]) -> Iterator[Sighting]:
    """What the model saw while loads went on; who else tried it out is nobody's load."""
    high: dict[str, int] = {}
    count: dict[str, int] = {}
    last = source.moment("apply")
    spans = [(load.start, max([load.end, *(row.end for row in load.rows)])) for load in loads]
    for entry in lab_arrivals.served(source):
        last = max(last, entry.arrival + entry.seconds)
        if any(start <= entry.arrival <= end for start, end in spans):
            high[entry.pod] = max(high.get(entry.pod, 0), entry.in_flight)
            count[entry.pod] = count.get(entry.pod, 0) + 1
    for pod in sorted(high):
        body = {"pod": pod, "in_flight": 0, "high_water": high[pod], "served": count[pod], "devices": []}
        yield last, FactKind.WITNESS, body


def _specification(source: Source, name: str, loads: tuple[Load, ...]) -> Mapping[str, Any]:
    milliseconds, start_seconds = lab_arrivals.service_seconds(str(source.config.get("env", "")))
    return {
        "name": name,
        "title": f"Laboratory recording {source.folder.name}",
        "section": "beyond the page",
        "manifest": "manifest.yaml",
        "documented": False,
        "imported": True,
        "service_ms": milliseconds,
        "start_seconds": start_seconds,
        "mode": "Knative",
        "claims": [],
        "settle_seconds": float(source.config.get("settle") or 0.0),
        "steps": [{"kind": "load", "plan": load.plan, "seconds": load.end - load.start} for load in loads],
    }


def _write_load(load: Load, place: Path, origin: float) -> None:
    stem = f"load-{load.index}"
    with (place / f"{stem}.rows").open("wb") as file:
        for row in load.rows:
            shifted = replace(
                row,
                scheduled=row.scheduled - origin,
                sent=row.sent - origin,
                first_byte=row.first_byte - origin,
                end=row.end - origin,
            )
            file.write(shifted.pack())
    (place / f"{stem}.names").write_text("".join(f"{name}\n" for name in load.names), encoding="utf-8")
    plan = {"plan": {**load.plan, "start": round(load.start - origin, 6)}}
    (place / f"{stem}.jsonl").write_text(json.dumps(plan, sort_keys=True) + "\n", encoding="utf-8")


def scenario_name(source: Source) -> str:
    """A recording's name from its folder's."""
    return re.sub(r"[^a-z0-9]+", "-", source.folder.name.lower()).strip("-") or "recording"


def run_id(source: Source) -> str:
    """A run id from the time the first service was applied."""
    apply = source.moment("apply")
    return f"import-{int(apply) if not math.isnan(apply) else 0}"


def _run(found: tuple[Source, ...], done: tuple[ScenarioRun, ...]) -> Run:
    gpu = any(source.config.get("limits") for source in found)
    environment = {
        "kubernetes": {"version": "v0.0.0", "distribution": "laboratory"},
        "serving": {"kserve": "none", "autoscaler": "kpa", "networkLayer": "unknown"},
        "accelerator": {"kind": "emulated" if gpu else "none"},
        "nodes": [{"count": 1, "cpu": 2, "memoryGiB": 8}],
    }
    return Run(
        id=run_id(found[0]),
        command="conformance import",
        seed=0,
        clock="real",
        provider=PROVIDER,
        started_wall=min(entry.started_wall for entry in done),
        finished_wall=max(entry.finished_wall for entry in done),
        suite_version="imported",
        source_digest="",
        implementation=Implementation("laboratory", "imported recording", "https://example.invalid", "v0", ("none",)),
        environment=environment,
        settings={},
        profiles=("serving-core", "autoscaling-kpa", *(("gpu-emulated",) if gpu else ())),
        features=(),
        selected=tuple(entry.name for entry in done),
        scenarios=done,
    )
