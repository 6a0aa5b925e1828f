"""Writes raw laboratory recordings as a run of the suite: run.json and one recording per raw folder."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from conformance.base.errors import UsageError
from conformance.recording.facts import Fact
from conformance.recording.json_values import child, text
from conformance.recording.laboratory import raw_arrivals, raw_facts
from conformance.recording.laboratory.raw_arrivals import RawLoad
from conformance.recording.laboratory.raw_facts import TimedBody
from conformance.recording.laboratory.raw_files import KnativeManifest, RawRecording, raw_recordings
from conformance.recording.run_bodies import (
    INSTALLATION,
    ConfigBody,
    Edge,
    EndBody,
    ManifestBody,
    ManifestStage,
    Outcome,
    PhaseBody,
    WitnessBody,
)
from conformance.recording.run_record import Implementation, Run, ScenarioRun
from conformance.recording.shape import Json, JsonObject
from conformance.recording.writer import Header

PROVIDER: Final = "import"
PLATFORM: Final[JsonObject] = {
    "kind": "none", "autoscaler": "kpa", "deployment_mode": "Knative", "distribution": "laboratory", "activators": 1,
}  # fmt: skip
ENVIRONMENT: Final[JsonObject] = {
    "kubernetes": {"version": "v0.0.0", "distribution": "laboratory"},
    "serving": {"kserve": "none", "autoscaler": "kpa", "networkLayer": "unknown"},
    "nodes": [{"count": 1, "cpu": 2, "memoryGiB": 8}],
}
SCENARIO: Final[JsonObject] = {
    "section": "beyond the page", "manifest": "manifest.yaml", "documented": False, "imported": True, "mode": "Knative",
    "needs": [], "claims": [], "profiles": ["autoscaling-kpa"],
}  # fmt: skip
MAKER: Final = Implementation("laboratory", "imported recording", "https://example.invalid", "v0", ("none",))


def convert(raw: Path, out: Path) -> Run:
    """Read one raw recording or a folder of them and write a run folder that `conformance judge` takes. Raises
    UsageError for files that are not of their form, and for a folder that is not empty."""
    found = raw_recordings(raw)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out}: is there already and not empty; give a new folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    done = tuple(_convert_one(source, out) for source in found)
    run = _run(found, done)
    run.write(out)
    return run


def _convert_one(source: RawRecording, out: Path) -> ScenarioRun:
    name = scenario_name(source)
    folder = out / "recording" / name
    folder.mkdir(parents=True)
    loads = raw_arrivals.loads(source)
    bodies = sorted(_bodies(source, loads), key=lambda entry: entry[0])
    origin = math.floor(bodies[0][0])
    _write_header(source, name, loads, folder, float(origin))
    end = source.moment("end")
    closing = EndBody(Outcome.INTERRUPTED, "no end was recorded") if math.isnan(end) else EndBody(Outcome.COMPLETE)
    last = bodies[-1][0] if math.isnan(end) else end
    with (folder / "facts.jsonl").open("wb") as file:
        for wall, body in (*bodies, (max(last, bodies[-1][0]), closing)):
            file.write(Fact(wall - origin, wall, body).line())
    for load in loads:
        _write_load(load, folder, origin)
    return ScenarioRun(name, closing.outcome.value, closing.reason, float(origin), last, f"recording/{name}")


def _bodies(source: RawRecording, loads: tuple[RawLoad, ...]) -> Iterator[TimedBody]:
    apply, manifests = source.moment("apply"), source.manifests()
    yield apply, ConfigBody(INSTALLATION, {**PLATFORM, **_accelerators(source)})
    yield apply, ConfigBody("config-autoscaler", {name: str(v) for name, v in source.config.config_autoscaler.items()})
    for manifest in manifests:
        name = text(child(manifest.body, "metadata").get("name"))
        yield manifest.wall, ManifestBody(ManifestStage.APPLIED, name, text=manifest.text)
    yield from _phases(source, loads)
    yield from _changes(manifests)
    yield from raw_facts.pods(source)
    yield from raw_facts.scaling(source, manifests)
    yield from raw_facts.events(source)
    yield from raw_facts.metrics(source)
    yield from _witnesses(source, loads)


def _accelerators(source: RawRecording) -> JsonObject:
    """How many accelerators the laboratory's node was given, where the note says so."""
    found = re.search(r"([\w.-]+/[\w.-]+)=(\d+)", source.config.note)
    if not found:
        return {}
    return {"accelerator_resource": found[1], "nodes": [{"name": "node", "accelerators": int(found[2])}]}


def _phases(source: RawRecording, loads: tuple[RawLoad, ...]) -> Iterator[TimedBody]:
    ready, quiet, end = source.moment("ksvc-ready"), source.moment("quiet"), source.moment("end")
    spans = [(PhaseBody("deploy", Edge.BEGIN), source.moment("apply"), ready)]
    spans += [(PhaseBody("load", Edge.BEGIN, "load", load.index, load.index), load.start, load.end) for load in loads]
    spans.append((PhaseBody("quiet", Edge.BEGIN, "quiet"), quiet, end))
    for body, start, stop in spans:
        if not math.isnan(start):
            yield start, body
            if not math.isnan(stop):
                yield stop, replace(body, edge=Edge.END)


def _changes(manifests: tuple[KnativeManifest, ...]) -> Iterator[TimedBody]:
    """Changes of the revision template, each of which has to make a new revision."""
    for before, after in pairwise(manifests):
        if before.template != after.template:
            yield after.wall, PhaseBody("patch", Edge.BEGIN, "patch")
            yield after.wall, PhaseBody("patch", Edge.END, "patch")


def _witnesses(source: RawRecording, loads: tuple[RawLoad, ...]) -> Iterator[TimedBody]:
    """What the model saw while loads went on; who else tried it out is nobody's load."""
    high: dict[str, int] = {}
    count: dict[str, int] = {}
    last = source.moment("apply")
    spans = [(load.start, max([load.end, *(row.end for row in load.rows)])) for load in loads]
    for entry in raw_arrivals.served(source):
        last = max(last, entry.end)
        if any(start <= entry.arrival <= end for start, end in spans):
            high[entry.pod] = max(high.get(entry.pod, 0), entry.in_flight)
            count[entry.pod] = count.get(entry.pod, 0) + 1
    for pod in sorted(high):
        yield last, WitnessBody(pod, high_water=high[pod], served=count[pod])


def _write_header(
    source: RawRecording, name: str, loads: tuple[RawLoad, ...], folder: Path, origin_wall: float
) -> None:
    service = re.search(r"SERVICE_TIME_MS=([0-9.]+)", source.config.env)
    start = re.search(r"START_DELAY_S=([0-9.]+)", source.config.env)
    steps: list[Json] = [
        {"kind": "load", "plan": {"phases": load.phases}, "seconds": load.end - load.start} for load in loads
    ]
    scenario: dict[str, Json] = {
        **SCENARIO,
        "name": name,
        "title": f"Laboratory recording {source.folder.name}",
        "service_ms": int(float(service[1])) if service else 100,
        "start_seconds": float(start[1]) if start else 0.0,
        "settle_seconds": float(source.config.settle),
        "steps": steps,
    }
    header = Header(name, run_id(source), 0, "real", 0.0, origin_wall, "imported", PROVIDER, scenario)
    data = json.dumps(asdict(header), indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "recording.json").write_text(data + "\n", encoding="utf-8")


def _write_load(load: RawLoad, folder: Path, origin: float) -> None:
    stem = f"load-{load.index}"
    with (folder / f"{stem}.rows").open("wb") as file:
        for row in load.rows:
            names = ("scheduled", "sent", "first_byte", "end")
            file.write(replace(row, **{name: getattr(row, name) - origin for name in names}).pack())
    (folder / f"{stem}.names").write_text("".join(f"{name}\n" for name in load.names), encoding="utf-8")
    plan = {"plan": {"phases": load.phases, "start": round(load.start - origin, 6)}}
    (folder / f"{stem}.jsonl").write_text(json.dumps(plan, sort_keys=True) + "\n", encoding="utf-8")


def scenario_name(source: RawRecording) -> str:
    """A recording's name from its folder's."""
    return re.sub(r"[^a-z0-9]+", "-", source.folder.name.lower()).strip("-") or "recording"


def run_id(source: RawRecording) -> str:
    """A run id from the time the first service was applied."""
    return f"import-{int(source.moment('apply'))}"


def _run(found: tuple[RawRecording, ...], done: tuple[ScenarioRun, ...]) -> Run:
    gpu = any(source.config.limits for source in found)
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
        implementation=MAKER,
        environment={**ENVIRONMENT, "accelerator": {"kind": "emulated" if gpu else "none"}},
        settings={},
        profiles=("serving-core", "autoscaling-kpa", *(("gpu-emulated",) if gpu else ())),
        features=(),
        selected=tuple(entry.name for entry in done),
        scenarios=done,
    )
