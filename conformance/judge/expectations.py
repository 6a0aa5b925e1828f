"""What a revision was asked for: parameters of its autoscaler from the manifest and the cluster's configuration.

Read from the InferenceService (or Knative Service) that was applied rather than from what the platform made of it, so
that a platform which loses a setting on the way is measured by what was requested. What the manifest leaves open the
cluster may fill in at admission or by its configured defaults, and then it is measured by that; but for the bounds,
whose defaults the page states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from conformance.base import bounded_yaml
from conformance.judge.history import History, Revision
from conformance.judge.once import once
from conformance.model.config import AutoscalerConfig
from conformance.model.keys import GROUP
from conformance.model.parameters import Parameters
from conformance.model.resolve import resolve
from conformance.recording.json_values import child, has_child
from conformance.recording.run_bodies import ManifestBody, ManifestStage
from conformance.recording.shape import Json, JsonObject

PREFIX: Final = f"{GROUP}/"

OPEN: Final[Mapping[str, str]] = {"containerConcurrency": "", "scaleTarget": "target", "scaleMetric": "metric"}
"""Fields of a component that a cluster may fill in, each with the annotation that says the same."""
SETTLING_SECONDS: Final = 0.5
"""A revision belongs to the last manifest admitted up to this long after it was seen."""


@dataclass(frozen=True, slots=True)
class ScalingSettings:
    """What a manifest requests of the autoscaler of one component."""

    annotations: Mapping[str, str]
    """Autoscaling annotations with their prefix."""
    container_concurrency: int


@dataclass(frozen=True, slots=True)
class AppliedManifest:
    """An InferenceService or Knative Service on its way through the API server."""

    t: float
    """When it was admitted."""
    written: JsonObject
    """As it was sent; as it was admitted where only that is known."""
    admitted: JsonObject
    """As it was admitted; as it was sent where admission was not recorded."""


@once
def requested_settings(history: History, revision: Revision) -> ScalingSettings:
    """What was requested for a revision; its own annotations where no manifest tells."""
    found: ScalingSettings | None = None
    for manifest in applied_manifests(history):
        if manifest.t > revision.seen + SETTLING_SECONDS and found is not None:
            break
        found = settings_of(history, manifest, revision.component) or found
    if found is not None:
        return found
    annotations = {PREFIX + key: text for key, text in revision.annotations.items()}
    return ScalingSettings(annotations, revision.container_concurrency)


def last_requested_settings(history: History, component: str) -> ScalingSettings | None:
    """What was requested for a component last, whether or not a revision came of it."""
    found = None
    for manifest in applied_manifests(history):
        found = settings_of(history, manifest, component) or found
    return found


def parameters(history: History, revision: Revision) -> Parameters:
    """The autoscaler's parameters for a revision, by the configuration that was read from the cluster."""
    settings = requested_settings(history, revision)
    return resolve(configuration(history), settings.annotations, settings.container_concurrency)


def configuration(history: History) -> AutoscalerConfig:
    """config-autoscaler as read, as declared where it could not be read; Knative's defaults where neither is known or
    what is does not parse."""
    data = history.config("config-autoscaler")
    if data is None:
        data = history.installation.autoscaler_config or {}
    try:
        return AutoscalerConfig.from_data({key: str(value) for key, value in data.items()})
    except ValueError:
        return AutoscalerConfig()


def default_container_concurrency(history: History) -> int:
    """What a revision gets that asks for none: Knative's `config-defaults`, unlimited unless changed."""
    text = str((history.config("config-defaults") or {}).get("container-concurrency", "0"))
    return int(text) if text.isdecimal() else 0


def activators(history: History) -> int | None:
    """How many activators share the traffic, as read from the cluster; None where that is not known."""
    return history.installation.activators


def applied_manifests(history: History) -> Iterator[AppliedManifest]:
    """Every manifest and patch that was admitted, in order, each as the whole object that it made."""
    current: JsonObject = {}
    wanted: JsonObject | None = None
    for fact in history.of(ManifestBody):
        body = fact.body
        if body.stage is ManifestStage.APPLIED:
            wanted = _written(body, current)
            if history.imported and wanted is not None:
                current = wanted
                yield AppliedManifest(fact.t, current, current)
        elif body.stage is ManifestStage.ADMITTED:
            found = wanted if wanted is not None else body.object
            if found is not None:
                current = found
                yield AppliedManifest(fact.t, current, current if body.object is None else body.object)
            wanted = None
        elif body.stage is ManifestStage.REFUSED:
            wanted = None


def _written(body: ManifestBody, current: JsonObject) -> JsonObject | None:
    if body.text:
        try:
            value = bounded_yaml.load(body.text)
        except yaml.YAMLError:
            return None  # not what was asked for then; the platform answers for what it made of it
        return value if isinstance(value, dict) else None
    return _merged(current, body.patch) if body.patch is not None and current else None


def _merged(value: JsonObject, patch: JsonObject) -> dict[str, Json]:
    """A JSON merge patch applied (RFC 7396)."""
    found = dict(value)
    for key, entry in patch.items():
        if entry is None:
            found.pop(key, None)
        elif isinstance(entry, Mapping):
            found[key] = _merged(child(found, key), entry)
        else:
            found[key] = entry
    return found


def settings_of(history: History, manifest: AppliedManifest, component: str) -> ScalingSettings | None:
    """What a manifest requests for a component; None where it says nothing of it."""
    written = manifest.written
    if written.get("kind") == "Service":
        template = child(written, "spec", "template")
        limit = child(template, "spec").get("containerConcurrency")
        return ScalingSettings(_autoscaling(template), _limit(history, limit))
    if not has_child(written, "spec", component):
        return None
    spec = {**filled_in(manifest, component), **child(written, "spec", component)}
    # Bounds on the service are no annotations of its components (kserve pkg/constants, disallowed list).
    bounds = (f"{PREFIX}min-scale", f"{PREFIX}max-scale")
    annotations = {key: text for key, text in _autoscaling(written).items() if key not in bounds}
    annotations |= _annotations(spec.get("annotations"))
    # minReplicas is 1 unless given (kserve pkg/constants DefaultMinReplicas); maxReplicas 0 sets nothing.
    least = spec.get("minReplicas")
    annotations[f"{PREFIX}min-scale"] = str(1 if least is None else least)
    if spec.get("maxReplicas"):
        annotations[f"{PREFIX}max-scale"] = str(spec["maxReplicas"])
    if spec.get("scaleTarget") is not None:
        annotations[f"{PREFIX}target"] = str(spec["scaleTarget"])
    if spec.get("scaleMetric"):
        annotations[f"{PREFIX}metric"] = str(spec["scaleMetric"])
    return ScalingSettings(annotations, _limit(history, spec.get("containerConcurrency")))


def _limit(history: History, stated: Json) -> int:
    if stated is None:
        return default_container_concurrency(history)
    if not isinstance(stated, int | float | str):
        raise ValueError(f"containerConcurrency is {stated!r}, not a number")
    return int(stated)


def filled_in(manifest: AppliedManifest, component: str) -> dict[str, Json]:
    """Fields of a component that the manifest leaves open and admission set. A target that stands as an annotation is
    not open: making it a field is what KServe's own defaulting may do."""
    written, found = child(manifest.written, "spec", component), child(manifest.admitted, "spec", component)
    stated = {**_autoscaling(manifest.written), **_annotations(written.get("annotations"))}
    return {
        field: found[field]
        for field, annotation in OPEN.items()
        if written.get(field) is None and found.get(field) is not None and f"{PREFIX}{annotation}" not in stated
    }


def _autoscaling(value: JsonObject) -> dict[str, str]:
    """The autoscaling annotations in an object's metadata."""
    return _annotations(child(value, "metadata").get("annotations"))


def _annotations(value: Json) -> dict[str, str]:
    return {key: str(entry) for key, entry in child(value).items() if key.startswith(PREFIX)}
