"""What a revision was asked for: parameters of its autoscaler from the manifest and the cluster's configuration.

Read from the InferenceService (or Knative Service) that was applied rather than from what the platform made of it, so
that a platform which loses a setting on the way is measured by what it was told. What the manifest leaves open the
cluster may fill in at admission or by its configured defaults, and then it is measured by that; but for the bounds,
whose defaults the page states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from conformance.base import bounded_yaml
from conformance.judge.history import History, Revision
from conformance.model.config import AutoscalerConfig
from conformance.model.keys import GROUP
from conformance.model.parameters import Parameters
from conformance.model.resolve import resolve
from conformance.recording.run_bodies import ManifestBody, Stage

PREFIX: Final = f"{GROUP}/"
Object = Mapping[str, Any]

OPEN: Final[Mapping[str, str]] = {"containerConcurrency": "", "scaleTarget": "target", "scaleMetric": "metric"}
"""Fields of a component that a cluster may fill in, each with the annotation that says the same."""
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
    for t, value, admitted in objects(history):
        if t > revision.seen + SETTLING_SECONDS and found is not None:
            break
        found = _of(history, value, admitted, revision.component) or found
    if found is not None:
        return found
    annotations = {PREFIX + key: text for key, text in revision.annotations.items()}
    return Asked(annotations, revision.container_concurrency)


def parameters(history: History, revision: Revision) -> Parameters:
    """The autoscaler's parameters for a revision, by the configuration that was read from the cluster."""
    settings = asked(history, revision)
    return resolve(configuration(history), settings.annotations, settings.container_concurrency)


def configuration(history: History) -> AutoscalerConfig:
    """config-autoscaler as read, as declared where it could not be read; Knative's defaults where neither is known or
    what is does not parse."""
    data = history.config("config-autoscaler")
    if data is None:
        data = dict((history.config("installation") or {}).get("autoscaler_config") or {})
    try:
        return AutoscalerConfig.from_data(data)
    except ValueError:
        return AutoscalerConfig()


def default_container_concurrency(history: History) -> int:
    """What a revision gets that asks for none: Knative's `config-defaults`, unlimited unless changed."""
    text = str((history.config("config-defaults") or {}).get("container-concurrency", "0"))
    return int(text) if text.isdecimal() else 0


def activators(history: History) -> int | None:
    """How many activators share the traffic, as read from the cluster; None where that is not known."""
    found = (history.config("installation") or {}).get("activators")
    return int(found) if isinstance(found, int) else None


def latest(history: History, component: str) -> Asked | None:
    """What was asked for a component last, whether or not a revision came of it."""
    found = None
    for _, value, admitted in objects(history):
        found = _of(history, value, admitted, component) or found
    return found


def objects(history: History) -> Iterator[tuple[float, Object, Object]]:
    """(when admitted, as it was written, as it was admitted); the latter stands for both where only that is known, the
    former where admission was not recorded."""
    current: Object = {}
    wanted: Object | None = None
    for fact in history.of(ManifestBody):
        body = fact.body
        if body.stage is Stage.APPLIED:
            wanted = _written(body, current)
            if history.imported and wanted is not None:
                current = wanted
                yield fact.t, current, current
        elif body.stage is Stage.ADMITTED:
            found = wanted if wanted is not None else body.object
            if found is not None:
                current = found
                yield fact.t, current, body.object if body.object is not None else current
            wanted = None
        elif body.stage is Stage.REFUSED:
            wanted = None


def _written(body: ManifestBody, current: Object) -> Object | None:
    if body.text:
        try:
            value = bounded_yaml.load(body.text)
        except yaml.YAMLError:
            return None  # not what was asked for then; the platform answers for what it made of it
        return value if isinstance(value, dict) else None
    return _merged(current, body.patch) if body.patch is not None and current else None


def _merged(value: Object, patch: Object) -> dict[str, Any]:
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


def _of(history: History, value: Object, admitted: Object, component: str) -> Asked | None:
    unlimited = default_container_concurrency(history)
    if value.get("kind") == "Service":
        template = value.get("spec", {}).get("template", {})
        limit = template.get("spec", {}).get("containerConcurrency")
        annotations = _autoscaling(template.get("metadata", {}).get("annotations"))
        return Asked(annotations, unlimited if limit is None else int(limit))
    if not isinstance(value.get("spec", {}).get(component), dict):
        return None
    spec = {**filled_in(value, admitted, component), **value["spec"][component]}
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
    limit = spec.get("containerConcurrency")
    return Asked(annotations, unlimited if limit is None else int(limit))


def filled_in(value: Object, admitted: Object, component: str) -> dict[str, Any]:
    """Fields of a component that the manifest leaves open and admission set. A target that stands as an annotation is
    not open: making it a field is what KServe's own defaulting may do."""
    written, found = value["spec"][component], admitted.get("spec", {}).get(component)
    if not isinstance(found, dict):
        return {}
    told = {**_autoscaling(value.get("metadata", {}).get("annotations")), **_autoscaling(written.get("annotations"))}
    return {
        field: found[field]
        for field, annotation in OPEN.items()
        if written.get(field) is None and found.get(field) is not None and f"{PREFIX}{annotation}" not in told
    }


def _autoscaling(annotations: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: str(text) for key, text in (annotations or {}).items() if key.startswith(PREFIX)}
