"""What a revision was asked for: parameters of its autoscaler from the manifest and the cluster's configuration.

Read from the InferenceService (or Knative Service) that was applied rather than from what the platform made of it, so
that a platform which loses a setting on the way is measured by what it was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from conformance import bounded_yaml
from conformance.judge.history import History, Revision
from conformance.model.config import AutoscalerConfig
from conformance.model.keys import GROUP
from conformance.model.parameters import Parameters
from conformance.model.resolve import resolve
from conformance.recording.facts import Kind

PREFIX: Final = f"{GROUP}/"
SETTLING_SECONDS: Final = 0.5
"""A revision belongs to the last manifest admitted up to this long after it was seen."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Settings of one component."""

    annotations: Mapping[str, str]
    """Autoscaling annotations with their prefix."""
    container_concurrency: int


def asked(history: History, revision: Revision) -> Asked:
    """What was asked for a revision; its own annotations where no manifest tells."""
    key = ("asked", revision.name)
    if key not in history.memo:
        history.memo[key] = _asked(history, revision)
    known: Asked = history.memo[key]
    return known


def _asked(history: History, revision: Revision) -> Asked:
    found: Asked | None = None
    for t, value in _objects(history):
        if t > revision.seen + SETTLING_SECONDS and found is not None:
            break
        found = _of(value, revision.component) or found
    if found is not None:
        return found
    annotations = {PREFIX + key: text for key, text in revision.annotations.items()}
    return Asked(annotations, revision.container_concurrency)


def parameters(history: History, revision: Revision) -> Parameters:
    """The autoscaler's parameters for a revision, by the configuration that was read from the cluster."""
    settings = asked(history, revision)
    return resolve(configuration(history), settings.annotations, settings.container_concurrency)


def configuration(history: History) -> AutoscalerConfig:
    """config-autoscaler as read, Knative's defaults where it could not be read or does not parse."""
    try:
        return AutoscalerConfig.from_data(history.config("config-autoscaler") or {})
    except ValueError:
        return AutoscalerConfig()


def activators(history: History) -> int | None:
    """How many activators share the traffic, as read from the cluster; None where that is not known."""
    found = (history.config("installation") or {}).get("activators")
    return int(found) if isinstance(found, int) else None


def latest(history: History, component: str) -> Asked | None:
    """What was asked for a component last, whether or not a revision came of it."""
    found = None
    for _, value in _objects(history):
        found = _of(value, component) or found
    return found


def _objects(history: History) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """What was applied, as it was written, when it was admitted; the admitted object where only that is known."""
    current: Mapping[str, Any] = {}
    wanted: Mapping[str, Any] | None = None
    for fact in history.of(Kind.MANIFEST):
        stage = fact.body.get("stage")
        if stage == "applied":
            wanted = _written(fact.body, current)
            if history.imported and wanted is not None:
                current = wanted
                yield fact.t, current
        elif stage == "admitted":
            found = wanted if wanted is not None else fact.body.get("object")
            if isinstance(found, Mapping):
                current = found
                yield fact.t, current
            wanted = None
        elif stage == "refused":
            wanted = None


def _written(body: Mapping[str, Any], current: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if body.get("text"):
        try:
            value = bounded_yaml.load(str(body["text"]))
        except yaml.YAMLError:
            return None  # not what was asked for then; the platform answers for what it made of it
        return value if isinstance(value, dict) else None
    if isinstance(body.get("patch"), dict) and current:
        return _merged(current, body["patch"])
    return None


def _merged(value: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON merge patch applied (RFC 7396)."""
    found = dict(value)
    for key, entry in patch.items():
        if entry is None:
            found.pop(key, None)
        elif isinstance(entry, dict):
            before = found.get(key)
            found[key] = _merged(before if isinstance(before, dict) else {}, entry)
        else:
            found[key] = entry
    return found


def _of(value: Mapping[str, Any], component: str) -> Asked | None:
    if value.get("kind") == "Service":
        template = value.get("spec", {}).get("template", {})
        return Asked(
            _autoscaling(template.get("metadata", {}).get("annotations")),
            int(template.get("spec", {}).get("containerConcurrency") or 0),
        )
    spec = value.get("spec", {}).get(component)
    if not isinstance(spec, dict):
        return None
    # Bounds on the service are no annotations of its components (kserve pkg/constants, disallowed list).
    whole = _autoscaling(value.get("metadata", {}).get("annotations"))
    bounds = (f"{PREFIX}min-scale", f"{PREFIX}max-scale")
    annotations = {key: text for key, text in whole.items() if key not in bounds}
    annotations |= _autoscaling(spec.get("annotations"))
    # minReplicas is 1 unless given (kserve pkg/constants DefaultMinReplicas); maxReplicas 0 sets nothing.
    least = spec.get("minReplicas")
    annotations[f"{PREFIX}min-scale"] = str(1 if least is None else least)
    if spec.get("maxReplicas"):
        annotations[f"{PREFIX}max-scale"] = str(spec["maxReplicas"])
    if spec.get("scaleTarget") is not None:
        annotations[f"{PREFIX}target"] = str(spec["scaleTarget"])
    if spec.get("scaleMetric"):
        annotations[f"{PREFIX}metric"] = str(spec["scaleMetric"])
    return Asked(annotations, int(spec.get("containerConcurrency") or 0))


def _autoscaling(annotations: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: str(text) for key, text in (annotations or {}).items() if key.startswith(PREFIX)}
