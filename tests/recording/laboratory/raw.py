"""Writes small raw laboratory recordings, in the form of the real ones, from a few figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conformance.judge.history import History, read
from conformance.recording.laboratory.conversion import convert
from conformance.recording.reader import Recording

APPLIED: Final = 1_795_600_000.25
"""Unix seconds of the apply; all times below count from it."""
HEADER: Final = "start,latency_ms,status,pod,inflight,maxinflight,err\n"
PREFIX: Final = "autoscaling.knative.dev/"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod's times; infinite ones never come."""

    created: float
    ready: float = float("inf")
    leaves: float = float("inf")


@dataclass(frozen=True, slots=True)
class Loop:
    """Callers in a closed loop, each answered `seconds_each` after sending by the pods of that moment in turn."""

    start: float
    seconds: float
    workers: int
    seconds_each: float = 0.1
    waits: Sequence[float] = ()
    """How much later than the load each caller begins."""
    idle: tuple[float, float] = (0.0, 0.0)
    """(from, to) after the load's start: no caller sends."""
    stale: float = 0.0
    """So long after it was chosen for removal a pod is still sent requests."""

    @property
    def command(self) -> str:
        """The laboratory's command for it."""
        return f"bin/loadgen2 -host {{H}} -steps c={self.workers}:{self.seconds:g}s -o {{O}}"


@dataclass(slots=True)
class Raw:
    """A recording in the making: one revision from apply to `end`."""

    annotations: Mapping[str, str]
    pods: Sequence[Pod]
    desired: Sequence[tuple[float, int | None]]
    loads: Sequence[Loop] = ()
    end: float = 200.0
    container_concurrency: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    figures: Sequence[tuple[float, float]] = ()
    """(time, mean over the panic window) as the autoscaler logged it."""
    modes: Sequence[tuple[float, str]] = ()
    """(time, Proxy or Serve): whether activators are in the path."""
    name: str = "flowers-predictor"

    def write(self, folder: Path) -> Path:
        """Write the folder and give it."""
        folder.mkdir(parents=True)
        config: dict[str, Any] = {
            "configAutoscaler": {},
            "annotations": ";".join(f"{key}: {text}" for key, text in self.annotations.items()),
            "env": "SERVICE_TIME_MS=100 START_DELAY_S=0",
            "containerConcurrency": str(self.container_concurrency),
            "load": [load.command for load in self.loads],
            "events": self._events(),
            "note": "",
        }
        (folder / "config.json").write_text(json.dumps({**config, **self.config}), encoding="utf-8")
        (folder / "manifest.yaml").write_text(self._manifest(), encoding="utf-8")
        _write_lines(folder / "pods.jsonl", self._pod_lines())
        _write_lines(folder / "pa.jsonl", self._wanted_lines())
        figures = [{"t": APPLIED + t, "stableValue": value, "panicValue": value} for t, value in self.figures]
        _write_lines(folder / "autoscaler.jsonl", figures)
        model = []
        for number, load in enumerate(self.loads):
            rows = self._rows(load)
            text = "".join(f"{start:.6f},{ms:.3f},200,{pod},1,1,\n" for start, ms, pod in rows)
            stem = "requests.csv" if number == 0 else f"requests{number}.csv"
            (folder / stem).write_text(HEADER + text, encoding="utf-8")
            model += [f"{start + 0.001:.6f},{pod},req,1,{ms - 2.0:.3f}\n" for start, ms, pod in rows]
        (folder / "modelreq.csv").write_text("t,pod,kind,inflight,ms\n" + "".join(model), encoding="utf-8")
        return folder

    def history(self, place: Path) -> History:
        """The history that the judge makes of it."""
        convert(self.write(place / "raw" / "made-run1"), place / "run")
        return read(Recording(place / "run" / "recording" / "made-run1"))

    def pod(self, number: int) -> str:
        """Name of a pod."""
        return f"{self.name}-00001-deployment-5f7d9c-{number:05d}"

    def _events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [{"t": APPLIED, "ev": "apply"}]
        ready = min((pod.ready for pod in self.pods), default=float("inf"))
        if ready != float("inf"):
            found.append({"t": APPLIED + ready, "ev": "ksvc-ready"})
        for load in self.loads:
            found.append({"t": APPLIED + load.start, "ev": "load-start", "cmd": load.command})
            found.append({"t": APPLIED + load.start + load.seconds, "ev": "load-end", "rc": 0})
        return [*found, {"t": APPLIED + self.end, "ev": "end"}]

    def _manifest(self) -> str:
        annotations = "".join(f'        {PREFIX}{key}: "{text}"\n' for key, text in self.annotations.items())
        return (
            f"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {{name: {self.name}}}\nspec:\n  template:\n"
            f"    metadata:\n      annotations:\n        {PREFIX}class: kpa.autoscaling.knative.dev\n{annotations}"
            f"    spec:\n      containerConcurrency: {self.container_concurrency}\n"
            "      containers: [{name: kserve-container, image: flowers}]\n"
        )

    def _pod_lines(self) -> list[dict[str, Any]]:
        found = []
        for number, pod in enumerate(self.pods):
            steps = [(pod.created, "ADD", "Pending"), (pod.created + 0.2, "MOD", "Running,Ready=False")]
            if pod.ready != float("inf"):
                steps.append((pod.ready, "MOD", "Running,Ready=True"))
            if pod.leaves != float("inf"):
                steps.append((pod.leaves, "MOD", "Running,Terminating,Ready=True"))
                steps.append((pod.leaves + 31.0, "DEL", ""))
            found += [{"t": APPLIED + t, "ev": ev, "pod": self.pod(number), "detail": word} for t, ev, word in steps]
        return found

    def _wanted_lines(self) -> list[dict[str, Any]]:
        common = {"ev": "MOD", "kind": "PodAutoscaler", "name": f"{self.name}-00001", "conditions": {}}
        wanted = [{**common, "t": APPLIED + t, "desired": count, "actual": 1} for t, count in self.desired]
        return [*wanted, *({**common, "kind": "SKS", "t": APPLIED + t, "mode": mode} for t, mode in self.modes)]

    def _rows(self, load: Loop) -> list[tuple[float, float, str]]:
        found = []
        for worker in range(load.workers):
            at = load.start + (load.waits[worker] if load.waits else 0.0)
            turn = worker
            while at < load.start + load.seconds:
                there = [n for n, pod in enumerate(self.pods) if pod.ready <= at < pod.leaves + load.stale]
                resting = load.idle[0] <= at - load.start < load.idle[1]
                if there and not resting:
                    found.append((APPLIED + at, load.seconds_each * 1000.0, self.pod(there[turn % len(there)])))
                turn += 1
                at += load.seconds_each + 0.0005
        return sorted(found)


def _write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    ordered = sorted(lines, key=lambda line: float(line["t"]))
    path.write_text("".join(json.dumps(line) + "\n" for line in ordered), encoding="utf-8")
