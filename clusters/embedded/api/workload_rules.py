"""Validation of the kinds that run pods from a template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from clusters.embedded.api.field_causes import IMMUTABLE, NOT_NEGATIVE, forbidden, invalid, required
from clusters.embedded.api.go_words import go_json, go_quote
from clusters.embedded.api.pod_rules import pod_spec
from clusters.embedded.api.status import Cause, Object

STATEFUL_CHANGEABLE: Final = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
STATEFUL_TEXT: Final = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def _selected(value: Object, name: str) -> Iterator[Cause]:
    """A label selector must be there, say something, and match the template."""
    spec = value.get("spec") or {}
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = spec.get("selector")
    if not selector or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        if selector is None:
            yield required("spec.selector")
        else:
            yield invalid("spec.selector", go_json(selector), f"empty selector is invalid for {name}")
    elif not all(labels.get(name) == wanted for name, wanted in (selector.get("matchLabels") or {}).items()):
        text = "`selector` does not match template `labels`"
        yield invalid("spec.template.metadata.labels", go_json(labels), text)
    yield from pod_spec(template.get("spec") or {}, "spec.template.spec")


def _whole(spec: Object, path: str, *names: str) -> Iterator[Cause]:
    for name in names:
        number = spec.get(name)
        if isinstance(number, int) and number < 0:
            yield invalid(f"{path}.{name}", str(number), NOT_NEGATIVE)


def _always(spec: Object) -> Iterator[Cause]:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy")
    if policy != "Always":
        text = f'Unsupported value: {go_quote(str(policy))}: supported values: "Always"'
        yield Cause("FieldValueNotSupported", text, "spec.template.spec.restartPolicy")


def _fixed(value: Object, old: Object | None, *names: str) -> Iterator[Cause]:
    """Members of the spec that cannot change once the object is there."""
    if old is None:
        return
    for name in names:
        given = (value.get("spec") or {}).get(name)
        if given != (old.get("spec") or {}).get(name):
            yield invalid(f"spec.{name}", go_json(given), IMMUTABLE)


def deployment(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    yield from _selected(value, "deployment")
    yield from _always(spec)
    yield from _whole(spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    yield from _fixed(value, old, "selector")


def replica_set(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    yield from _selected(value, "deployment")
    yield from _always(spec)
    yield from _whole(spec, "spec", "replicas", "minReadySeconds")
    yield from _fixed(value, old, "selector")


def daemon_set(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    yield from _selected(value, "daemonset")
    yield from _always(spec)
    yield from _whole(spec, "spec", "minReadySeconds", "revisionHistoryLimit")
    yield from _fixed(value, old, "selector")


def stateful_set(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    if old is not None:
        before = old.get("spec") or {}
        names = {*spec, *before} - set(STATEFUL_CHANGEABLE)
        if any(spec.get(name) != before.get(name) for name in names):
            yield forbidden("spec", STATEFUL_TEXT)
    yield from _selected(value, "statefulset")
    yield from _always(spec)
    yield from _whole(spec, "spec", "replicas", "minReadySeconds")


def replication_controller(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    selector = spec.get("selector") or {}
    if not selector:
        yield required("spec.selector")
    elif not all(labels.get(name) == wanted for name, wanted in selector.items()):
        yield invalid("spec.template.metadata.labels", go_json(labels), "`selector` does not match template `labels`")
    yield from _whole(spec, "spec", "replicas", "minReadySeconds")
    yield from pod_spec((spec.get("template") or {}).get("spec") or {}, "spec.template.spec")


def job(value: Object, old: Object | None) -> Iterator[Cause]:
    yield from _job_spec(value.get("spec") or {}, "spec")
    yield from _fixed(value, old, "selector", "template", "completionMode")


def _job_spec(spec: Object, path: str) -> Iterator[Cause]:
    names = ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished")
    yield from _whole(spec, path, *names)
    template: Any = spec.get("template") or {}
    inner = template.get("spec") or {}
    yield from pod_spec(inner, f"{path}.template.spec")
    if inner.get("restartPolicy") == "Always":
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def cron_job(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    schedule = str(spec.get("schedule") or "")
    if not schedule:
        yield required("spec.schedule")
    elif not schedule.startswith("@") and len(fields := schedule.split()) != 5:
        shown = "[" + " ".join(fields) + "]"
        yield invalid("spec.schedule", go_quote(schedule), f"expected exactly 5 fields, found {len(fields)}: {shown}")
    policy = spec.get("concurrencyPolicy")
    if policy not in ("Allow", "Forbid", "Replace"):
        text = f'Unsupported value: {go_json(policy)}: supported values: "Allow", "Forbid", "Replace"'
        yield Cause("FieldValueNotSupported", text, "spec.concurrencyPolicy")
    yield from _whole(spec, "spec", "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    yield from _job_spec((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def controller_revision(value: Object, old: Object | None) -> Iterator[Cause]:
    if value.get("data") is None:
        yield required("data", "data is mandatory")
    revision = value.get("revision") or 0
    if revision < 0:
        yield invalid("revision", str(revision), NOT_NEGATIVE)
    if old is not None and value.get("data") != old.get("data"):
        yield invalid("data", go_json(value.get("data")), IMMUTABLE)
