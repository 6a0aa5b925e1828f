"""Small made-up runs: folders as `conformance run` leaves them before reporting, made with the suite's own writers."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conformance.base.suite_version import source_digest, suite_version
from conformance.catalogue.requirement import Requirement
from conformance.catalogue.scenario import Scenario, scenarios
from conformance.judge.judgement import (
    Confidence,
    Expected,
    Judgement,
    Likeness,
    Margin,
    Measured,
    Moment,
    Reason,
    Verdict,
)
from conformance.judge.serial import dump
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.recording.facts import FactKind, body_of
from conformance.recording.rows import Row, RowError, RowFlag
from conformance.recording.run_bodies import EndBody, Outcome, WitnessBody
from conformance.recording.run_record import Deviation, Implementation, Run, ScenarioRun
from conformance.recording.writer import Header, Recorder
from reports.catalogue_file import ForeignParameters

EPOCH = 1_767_225_600.0

IMPLEMENTATION = Implementation(
    "yoyodyne", "turbo-serving", "https://yoyo.example/turbo", "1.7.4", ("@yoyodyne/serving",)
)
ENVIRONMENT = {
    "kubernetes": {"version": "v1.36.2", "distribution": "embedded"},
    "serving": {"kserve": "v0.17.0", "knative": "v1.21.1", "autoscaler": "kpa", "networkLayer": "kourier"},
    "accelerator": {"kind": "emulated", "resource": "nvidia.com/gpu", "count": 8},
    "nodes": [{"count": 2, "cpu": 8, "memoryGiB": 32, "accelerators": 4}],
}


@dataclass(slots=True)
class Hand:
    """A clock that the writer of a recording sets."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    def wall(self) -> float:
        return EPOCH + self.seconds


FIVE_CALLERS = LoadPlan(phases=(Phase(LoadShape.CLOSED, 30.0, workers=5),))


@dataclass(slots=True)
class Story:
    """Facts and arrivals of one scenario."""

    name: str
    facts: list[tuple[float, FactKind, Mapping[str, Any]]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    pods: list[str] = field(default_factory=list)
    plan: LoadPlan = FIVE_CALLERS
    load_start: float = 20.0

    def tell(self, t: float, kind: FactKind, /, **body: Any) -> None:
        self.facts.append((t, kind, body))

    def pod(
        self, name: str, seen: float, ready: float, deleting: float | None = None, gone: float | None = None
    ) -> None:
        """A pod's life: scheduled 50 ms after it was seen, running half a second before it is ready."""
        base: dict[str, Any] = {
            "name": name, "uid": name, "component": "predictor", "revision": "flowers-sample-predictor-00001",
            "reason": "", "message": "", "node": "node-1", "deletion_wall": None, "conditions": {}, "containers": [],
            "init_containers": [], "resources": {}, "devices": [], "created_wall": EPOCH + seen,
        }  # fmt: skip
        states: list[tuple[float | None, dict[str, Any]]] = [
            (seen, {"change": "ADDED", "phase": "Pending", "ready": False, "scheduled": False, "deleting": False}),
            (
                seen + 0.05,
                {"change": "MODIFIED", "phase": "Pending", "ready": False, "scheduled": True, "deleting": False},
            ),
            (
                ready - 0.5,
                {"change": "MODIFIED", "phase": "Running", "ready": False, "scheduled": True, "deleting": False},
            ),
            (ready, {"change": "MODIFIED", "phase": "Running", "ready": True, "scheduled": True, "deleting": False}),
            (
                deleting,
                {"change": "MODIFIED", "phase": "Running", "ready": True, "scheduled": True, "deleting": True},
            ),
            (gone, {"change": "DELETED", "phase": "Running", "ready": False, "scheduled": True, "deleting": True}),
        ]
        for t, state in states:
            if t is not None:
                self.tell(t, FactKind.POD, **{**base, **state})

    def desired(self, t: float, count: int) -> None:
        self.tell(
            t, FactKind.POD_AUTOSCALER, change="MODIFIED", name="flowers-sample-predictor-00001",
            revision="flowers-sample-predictor-00001", component="predictor", desired=count, actual=count,
            active=["True", ""], conditions={}, annotations={"target": "1"},
        )  # fmt: skip

    def accounts(self) -> list[dict[str, Any]]:
        """What each pod that served says of it at the end."""
        found = []
        for number, pod in enumerate(self.pods, 1):
            served = [row for row in self.rows if row.pod == number and row.status == 200]
            if served:
                found.append(
                    {
                        "wall": EPOCH + 600.0, "pod": pod, "kind": "model", "in_flight": 0, "high_water": 5,
                        "served": len(served), "devices": [], "requests": [str(row.request) for row in served],
                    }
                )  # fmt: skip
        return found

    def write(self, folder: Path, run: str, scenario: Scenario, ending: str) -> float:
        """Write the recording; returns its length."""
        hand = Hand()
        header = Header(
            scenario=self.name, run=run, seed=7, clock="virtual", origin_monotonic=1000.0, origin_wall=EPOCH,
            suite_version=suite_version(), provider="embedded", scenario_spec=_spec(scenario, self.name),
        )  # fmt: skip
        with Recorder(folder, header, hand) as recorder:
            for t, kind, body in sorted(self.facts, key=lambda entry: entry[0]):
                hand.seconds = t
                recorder.write(body_of(kind, body))
            for account in self.accounts():
                recorder.write(WitnessBody.parse(account))
            hand.seconds += 1.0
            recorder.write(EndBody(Outcome(ending), "" if ending == "complete" else "it broke off"))
        if self.rows:
            (folder / "load-0.rows").write_bytes(b"".join(row.pack() for row in self.rows))
            (folder / "load-0.names").write_text("".join(f"{name}\n" for name in self.pods), encoding="utf-8")
            (folder / "load-0.jsonl").write_bytes(_health(self))
        return hand.seconds


def _spec(scenario: Scenario, name: str) -> dict[str, Any]:
    value = asdict(scenario)
    for step, source in zip(value["steps"], scenario.steps, strict=True):
        step["plan"] = source.plan.body() if source.plan else None
    return {**value, "name": name}


def _health(story: Story) -> bytes:
    plan = {**story.plan.body(), "start": story.load_start}
    lines: list[dict[str, Any]] = [{"plan": plan, "engine": {"name": "test"}}]
    count = len(story.rows)
    for second in range(1, 31):
        done = count * second // 30
        lines.append(
            {
                "t": story.load_start + second, "scheduled": done, "sent": done, "answered": done, "errors": 0,
                "cap_hits": 0, "missed_ticks": 0, "in_flight": 5, "lag_p50_seconds": 0.0004, "lag_p99_seconds": 0.004,
                "loop_lag_seconds": 0.001, "cpu_share": 0.1, "steal_share": 0.0, "involuntary_switches": 3,
            }
        )  # fmt: skip
    lines.append({"summary": {"start": story.load_start, "end": story.load_start + 30, "stopped": "plan"}})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def stairway(
    name: str = "target-concurrency",
    *,
    pods: int = 8,
    seed: int = 1,
    requests: int = 0,
    load_seconds: float = 30.0,
    leaving: float = 120.0,
) -> Story:
    """One pod, five callers from second 20 on, scale-up in two steps, back to one pod at `leaving`."""
    story, chance = Story(name), random.Random(seed)
    story.plan = LoadPlan(phases=(Phase(LoadShape.CLOSED, load_seconds, workers=5),))
    done, end = 20.0 + load_seconds, leaving + 30.0
    story.tell(0.0, FactKind.CONFIG, source="installation", data=INSTALLATION)
    story.tell(0.1, FactKind.CONFIG, source="config-autoscaler", data={"stable-window": "60s"})
    story.tell(0.2, FactKind.PHASE, name="deploy", edge="begin")
    manifest = "apiVersion: serving.kserve.io/v1beta1\n"
    story.tell(0.2, FactKind.MANIFEST, stage="applied", name="flowers-sample", text=manifest)
    story.tell(
        0.3, FactKind.MANIFEST, stage="admitted", name="flowers-sample", object={"kind": "InferenceService", "spec": {}}
    )
    story.tell(9.0, FactKind.PHASE, name="deploy", edge="end")
    for step, (kind, start, stop) in enumerate([("settle", 9.0, 20.0), ("load", 20.0, done), ("quiet", done, end)]):
        extra = {"load": 0} if kind == "load" else {}
        story.tell(start, FactKind.PHASE, name=kind, edge="begin", step=step, kind=kind, **extra)
        story.tell(stop, FactKind.PHASE, name=kind, edge="end", step=step, kind=kind, **extra)
    names = [f"flowers-sample-predictor-00001-deployment-6d7f-{number:05x}" for number in range(pods)]
    story.pods = names
    story.pod(names[0], 1.0, 8.5)
    story.desired(1.0, 1)
    story.desired(22.0, min(pods, 5))
    story.desired(24.0, pods)
    for number, name in enumerate(names[1:], 1):
        seen = 22.1 if number < 5 else 24.1
        story.pod(name, seen, seen + 7.0 + 0.1 * number, leaving + 0.01 * number, leaving + 3.0)
    story.desired(leaving - 0.1, 1)
    for number in range(pods):
        story.tell(
            23.0 + number, FactKind.EVENT, kind="Pod", name=names[number], reason="Started",
            message="Started container kserve-container", type="Normal", count=1, wall=EPOCH + 23 + number,
        )  # fmt: skip
    story.tell(30.0, FactKind.GAP, **{"kind": "pods", "from": 29.6, "to": 30.0, "reason": "watch closed"})
    story.rows = list(arrivals(chance, requests, load_seconds, pods))
    return story


def brief() -> tuple[Story, ...]:
    """The scenarios of the made-up catalogue, each as short as it can be: for what does not look at curves, whose bands
    are most of the work of a report."""
    names = ("target-concurrency", "container-concurrency", "scale-to-zero")
    return tuple(
        stairway(name, seed=number, pods=2, load_seconds=12.0, leaving=34.0) for number, name in enumerate(names)
    )


def arrivals(chance: random.Random, requests: int, seconds: float, pods: int) -> Iterable[Row]:
    """Five workers, about 100 ms a request and more while one pod serves them; or so many requests in all."""
    number = 0
    spacing = seconds * 5 / requests if requests else None
    for worker in range(5):
        t = 20.0
        while t < 20.0 + seconds:
            queue = 0.4 if t < 29.5 else 0.0
            length = (spacing or 0.1 + queue) * chance.uniform(0.95, 1.1) + 0.004
            number += 1
            error, status = RowError.NONE, 200
            if number % 997 == 0:
                error, status = RowError.RESET, 0
            yield Row(
                scheduled=t, sent=t + 0.0002, first_byte=t + length - 0.001, end=t + length, status=status,
                error=error, flags=RowFlag.REUSED, pod=1 if t < 29.5 else 1 + number % pods, connection=worker,
                in_flight=5 if t < 29.5 else 1, high_water=5, body_bytes=221, phase=0, worker=worker, request=number,
                model_seconds=0.1,
            )  # fmt: skip
            t += length


INSTALLATION: dict[str, Any] = {
    "kubernetes": "v1.36.2",
    "distribution": "embedded",
    "kserve": "v0.17.0",
    "knative": "v1.21.1",
    "autoscaler": "kpa",
    "network_layer": "kourier",
    "deployment_mode": "Knative",
    "autoscaler_config": {"stable-window": "60s"},
    "domain": "example.com",
    "accelerator_kind": "emulated",
    "accelerator_resource": "nvidia.com/gpu",
    "nodes": [
        {"name": "node-1", "cpu": 8.0, "memory_gib": 32.0, "accelerators": 4},
        {"name": "node-2", "cpu": 8.0, "memory_gib": 32.0, "accelerators": 4},
    ],
}


def requirement(identity: str, scenario: str | None, **values: Any) -> Requirement:
    """A requirement of the made-up catalogue."""
    standard: dict[str, Any] = {
        "level": "MUST", "profile": "autoscaling-kpa", "sentence": f"The sentence of {identity} & <its> limits",
        "source": "autoscaling page, section 1", "check": "count",
        "parameters": ForeignParameters(values={"seconds": 6}),
        "derivation": "made up", "detects": "one pod too many", "faults": ("floor",),
        "threads": ("kserve#871",),
    }  # fmt: skip
    return Requirement(id=identity, scenario=scenario, **{**standard, **values})


CATALOGUE = (
    requirement("CON-001", "target-concurrency", sentence="Pods reach the modelled count"),
    requirement("CON-002", "target-concurrency", sentence="Every request is answered 200"),
    requirement("LIM-001", "container-concurrency", feature="ContainerConcurrency"),
    requirement("MET-004", "target-concurrency", feature="ScaleMetricMemory", level="MAY"),
    requirement("PAN-002", "target-concurrency", level="SHOULD"),
    requirement("ZER-001", "scale-to-zero"),
    requirement("ZER-002", "scale-to-zero", level="SHOULD"),
)


def judgements() -> tuple[Judgement, ...]:
    """One of every verdict."""
    facts = ("recording/target-concurrency/facts.jsonl", "recording/target-concurrency/load-0.rows")
    sure = Confidence(("target-doubled",), "184 samples")
    return (
        Judgement(
            "CON-001", Verdict.PASS, "target-concurrency",
            Expected("modelled", "pods stay inside the band computed from the recorded load", 7.0, 8.0, "pods"),
            Measured(8.0, "pods", 7.0, 8.0, 184), sure, Margin.WIDE, facts=("t=24.0: 8 pods wanted",),
            moments=(Moment("target-concurrency", 22.0, 40.0, "scale-up"),), evidence=facts,
        ),
        Judgement(
            "CON-002", Verdict.PASS, "target-concurrency",
            Expected("specified", "every response is 200", 1.0, 1.0, "share"), Measured(1.0, "share", samples=1800),
            sure, Margin.NARROW, evidence=facts,
        ),
        Judgement(
            "LIM-001", Verdict.FAIL, "container-concurrency",
            Expected("specified", "no replica holds more than containerConcurrency", None, 10.0, "requests in flight"),
            Measured(11.0, "requests in flight", samples=4126), sure,
            facts=("t=31.2: pod <script>alert(1)</script> held 11",),
            moments=(Moment("container-concurrency", 31.0, 33.0, "eleven in one pod"),),
            evidence=("recording/container-concurrency/facts.jsonl",),
            consistent_with=Likeness(("limit-plus-one",), 0.0, 1.0),
        ),
        Judgement("MET-004", Verdict.NOT_APPLICABLE, notes="the platform does not claim ScaleMetricMemory"),
        Judgement(
            "PAN-002", Verdict.INCONCLUSIVE, "target-concurrency",
            reasons=(Reason("CAPACITY_PODS", 6.0, ">= 8", False, "add a node, or lower the load"),),
        ),
        Judgement("ZER-001", Verdict.SKIPPED, "scale-to-zero", notes="not selected"),
        Judgement(
            "ZER-002", Verdict.ERROR, "scale-to-zero",
            reasons=(Reason("SUITE_ERROR", "KeyError: 'x'", "none", False, "report it"),),
        ),
    )  # fmt: skip


def all_passed() -> tuple[Judgement, ...]:
    """The same requirements on a conforming platform that claims everything."""
    first = judgements()[0]
    return tuple(
        Judgement(
            entry.id, Verdict.PASS, entry.scenario, first.expected, first.measured, first.confidence, first.margin,
            evidence=(f"recording/{entry.scenario}/facts.jsonl",),
        )
        for entry in CATALOGUE
    )  # fmt: skip


def run_folder(
    place: Path,
    judged: Iterable[Judgement] | None = None,
    *,
    identity: str = "20261124-030100-8f2c",
    deviations: tuple[Deviation, ...] = (),
    stories: tuple[Story, ...] | None = None,
    profiles: tuple[str, ...] = ("autoscaling-kpa",),
    features: tuple[str, ...] = ("ContainerConcurrency",),
) -> Path:
    """Write a run's folder below `place`, named by its id; returns it."""
    folder = place / identity
    folder.mkdir(parents=True)
    known = scenarios()["target-concurrency"]
    told = stories or tuple(
        stairway(name, seed=number)
        for number, name in enumerate(("target-concurrency", "container-concurrency", "scale-to-zero"))
    )
    ended = []
    for story in told:
        length = story.write(folder / "recording" / story.name, identity, known, "complete")
        example = folder / "examples" / story.name
        example.mkdir(parents=True)
        (example / "autoscale.yaml").write_text("apiVersion: serving.kserve.io/v1beta1\n", encoding="utf-8")
        own = folder / "witness" / story.name
        own.mkdir(parents=True)
        for account in (found for found in story.accounts() if "/" not in found["pod"]):
            (own / f"{account['pod']}.jsonl").write_text(json.dumps(account) + "\n", encoding="utf-8")
        ended.append(ScenarioRun(story.name, "complete", "", EPOCH, EPOCH + length, f"recording/{story.name}"))
    settings = {"cluster": "embedded", "timeouts": {"readiness_timeout_seconds": 120.0}}
    for entry in deviations:
        settings["timeouts"] = {entry.name: entry.used}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    Run(
        id=identity, command="conformance run", seed=7, clock="virtual", provider="embedded", started_wall=EPOCH,
        finished_wall=EPOCH + 160, suite_version=suite_version(), source_digest=source_digest(),
        implementation=IMPLEMENTATION, environment=ENVIRONMENT, settings=settings, profiles=profiles,
        features=features, selected=tuple(story.name for story in told), deviations=deviations,
        scenarios=tuple(ended),
    ).write(folder)  # fmt: skip
    (folder / "judgements.json").write_bytes(dump(judgements() if judged is None else judged))
    return folder
