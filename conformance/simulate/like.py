"""A recording as something to simulate: its load, its model's times, the service and the autoscaler's configuration."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from conformance.base.errors import UsageError
from conformance.catalogue.own_manifest import KIND, OwnManifest
from conformance.catalogue.own_scenario import SETTLE_SECONDS
from conformance.judge.arrivals import Load, answered
from conformance.judge.cold_starts import cold_starts
from conformance.judge.expectations import applied_manifests, requested_settings
from conformance.judge.history import History, read
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.model.config import KEYS
from conformance.recording.load_lines import RecordedPhase
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.recording.run_record import Run
from conformance.simulate.what_if import WhatIf

PREFIX: Final = "autoscaling.knative.dev/"
PLATFORM_SECONDS: Final = 0.8
"""What the embedded platform takes itself from a pod's creation to its model's start, and to notice that it serves."""


def like(folder: Path) -> WhatIf:
    """From a run's folder with one recording, or a recording's own. Raises UsageError where there is none to go by."""
    history = recorded(folder)
    if not any(len(load.rows) for load in history.loads):
        raise UsageError(f"--like {folder}: no load was recorded in {history.name}")
    patience = _patience_seconds(history)
    return WhatIf(
        manifest=_manifest(history),
        plan=LoadPlan(tuple(_phases(history)), drain_seconds=patience + 10.0, timeout_seconds=patience),
        service_ms=round(1000 * _service_seconds(history), 1),
        start_seconds=round(_start_seconds(history), 1),
        autoscaler=_autoscaler(history),
    )


def recorded(folder: Path) -> History:
    """Raises UsageError for a folder that holds no recording, or several."""
    try:
        if (folder / "recording.json").is_file():
            return read(Recording(folder))
        found = [entry.recording for entry in Run.read(folder).scenarios if entry.recording]
        if len(found) != 1:
            names = ", ".join(Path(name).name for name in found) or "none"
            raise UsageError(f"--like {folder}: one recording is wanted, as {folder}/recording/NAME; it holds {names}")
        return read(Recording(folder / found[0]))
    except (OSError, ValueError, UnreadableRecordingError) as error:
        raise UsageError(f"--like {folder}: {error}") from error


def _manifest(history: History) -> OwnManifest:
    """The InferenceService that was applied, or one that asks of the autoscaler what was asked."""
    for manifest in applied_manifests(history):
        if manifest.written.get("kind") == KIND:
            return OwnManifest.parse(json.dumps(manifest.written).encode(), "recording")
    revisions = [each for each in history.revisions.values() if each.pods]
    if not revisions:
        raise UsageError(f"--like: no pod was seen in {history.name}")
    settings = requested_settings(history, revisions[0])
    annotations = {key: text for key, text in settings.annotations.items() if key.startswith(PREFIX)}
    least, most = annotations.pop(f"{PREFIX}min-scale", "0"), annotations.pop(f"{PREFIX}max-scale", "0")
    limits = next((pod.resources for pod in revisions[0].pods if pod.resources), {})
    model = {"modelFormat": {"name": "sklearn"}, "resources": {"limits": {key: str(n) for key, n in limits.items()}}}
    predictor: dict[str, Any] = {"annotations": annotations, "minReplicas": int(least), "model": model}
    predictor |= {"maxReplicas": int(most)} if int(most) else {}
    predictor |= {"containerConcurrency": settings.container_concurrency} if settings.container_concurrency else {}
    name = history.name.replace("_", "-")
    return OwnManifest({"apiVersion": "serving.kserve.io/v1beta1", "kind": KIND, "metadata": {"name": f"like-{name}"},
                        "spec": {"predictor": predictor}})  # fmt: skip


def _phases(history: History) -> Iterator[Phase]:
    """All loads one after the other, with the pauses between them; one that ran beside another follows it."""
    before = history.ready_at + SETTLE_SECONDS
    for load in history.loads:
        if load.start > before:
            yield Phase(LoadShape.IDLE, round(load.start - before, 3))
        for phase in load.phases:
            yield _phase(phase, load)
        before = max(before, load.end)


def _phase(phase: RecordedPhase, load: Load) -> Phase:
    seconds = phase.seconds or max(1.0, load.end - load.start)
    try:
        shape = LoadShape(phase.shape)
    except ValueError:
        return Phase(LoadShape.CONSTANT, seconds, rate=max(len(load.rows) / seconds, 0.01))
    return Phase(shape, seconds if shape is not LoadShape.BURST else phase.seconds, phase.workers, phase.rate,
                 phase.rate_end, phase.rate_per_worker, phase.count)  # fmt: skip


def _patience_seconds(history: History) -> float:
    """How long callers wait: hey's time, or where some were answered later, some more than the last of them."""
    rows = [answered(load.rows) for load in history.loads]
    longest = max((float((each["end"] - each["sent"]).max()) for each in rows if len(each)), default=0.0)
    return max(LoadPlan(()).timeout_seconds, math.ceil(1.5 * longest))


def _service_seconds(history: History) -> float:
    """Median time in the model, as the witness told, or else of an answer."""
    rows = [answered(load.rows) for load in history.loads]
    told = np.concatenate([each["model_seconds"] for each in rows])
    if len(told) and (told > 0).any():
        return float(np.median(told[told > 0]))
    taken = np.concatenate([each["end"] - each["sent"] for each in rows])
    return float(np.median(taken)) if len(taken) else 0.1


def _start_seconds(history: History) -> float:
    if history.scenario.start_seconds:
        return float(history.scenario.start_seconds)
    found = [start.answered for start in cold_starts(history) if start.answered is not None]
    found = found or [start.total for start in cold_starts(history)]
    return max(0.0, float(np.median(found)) - PLATFORM_SECONDS) if found else 0.0


def _autoscaler(history: History) -> dict[str, str]:
    data = history.config("config-autoscaler") or history.installation.autoscaler_config or {}
    return {key: str(text) for key, text in data.items() if key in KEYS}
