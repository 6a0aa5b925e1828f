"""Checks of what the platform makes of a manifest: annotations, specifications, refusals, conditions, addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from conformance.catalogue.check_parameters import CheckParameters, Component, StepName
from conformance.catalogue.entries import OneOf
from conformance.judge.expectations import default_container_concurrency
from conformance.judge.finding import Finding, NotShownError, OutOfReachError, check, exact
from conformance.judge.history import NEVER, History
from conformance.recording.body import ChangeType
from conformance.recording.facts import Fact
from conformance.recording.run_bodies import WAY, ManifestBody, ManifestStage, ProbeBody
from conformance.recording.service_bodies import InferenceServiceBody, ServiceBody
from conformance.recording.shape import Json

AUTOSCALING = "autoscaling.knative.dev/"


def services(history: History, component: str) -> list[Fact[ServiceBody]]:
    """Facts of a component's Knative Service, in order. Raises NotShownError without any."""
    found = [
        fact
        for fact in history.of(ServiceBody)
        if fact.body.component == component and fact.body.change is not ChangeType.DELETED
    ]
    if not found:
        installed = history.config("installation") or {}
        if "knative" in installed and installed["knative"] is None:
            raise OutOfReachError("this platform serves without Knative Services")
        raise NotShownError(f"no Knative Service of {component} was seen")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceParameters(CheckParameters):
    """Parameters of checks that look at a Knative Service."""

    component: Component = "predictor"
    """The component whose Knative Service it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationParameters(ServiceParameters):
    """Parameters of `annotation`."""

    annotations: Mapping[str, str | int | None]
    """Annotations without their prefix, and their values; null where there has to be none."""


@check("annotation", AnnotationParameters, "observer", specific=True)
def annotation(history: History, parameters: AnnotationParameters) -> Finding:
    """The revision template carries an autoscaling annotation with this value (or does not carry it: null)."""
    component = parameters.component
    found = services(history, component)
    fact = found[0]
    annotations = fact.body.annotations
    wanted = parameters.annotations
    wrong = []
    for key, value in wanted.items():
        seen = annotations.get(AUTOSCALING + key)
        if seen != (None if value is None else str(value)):
            wrong.append(f"{key} is {seen!r}, not {value!r}")
    text = ", ".join(f"{key} {'absent' if value is None else value}" for key, value in wanted.items())
    return exact(
        not wrong, f"{component} template annotations: {text}", len(wrong), "annotations wrong", high=0.0,
        samples=len(wanted), facts=tuple(f"t={fact.t:.1f} s: {each}" for each in wrong),
        exercised=f"{len(wanted)} annotations of one revision template",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateParameters(ServiceParameters):
    """Parameters of `template`."""

    field: str
    """Path of the field in the spec, its steps divided by dots; a number is a place in a list."""
    values: tuple[str | int | None, ...]
    """Values that it may have; null where it may be absent."""
    or_default: Annotated[str, OneOf(("container-concurrency",))] | None = None
    """What it may be besides: the default of this name in the cluster's `config-defaults`."""


@check("template", TemplateParameters, "observer", "config", specific=True)
def template(history: History, parameters: TemplateParameters) -> Finding:
    """A field of the revision template's spec has one of the given values (null: absent), or the cluster's default."""
    component = parameters.component
    fact = services(history, component)[0]
    value: Json = fact.body.spec
    path = parameters.field
    for part in path.split("."):
        value = _step(value, part)
    allowed = list(parameters.values)
    if parameters.or_default == "container-concurrency":
        allowed.append(default_container_concurrency(history))
    ok = any(value == entry or (entry is not None and str(value) == str(entry)) for entry in allowed)
    return exact(
        ok, f"{component} template {path} is {' or '.join(str(entry) for entry in allowed)}", 0.0 if ok else 1.0,
        "fields wrong", high=0.0, samples=1, facts=() if ok else (f"t={fact.t:.1f} s: {path} is {value!r}",),
        exercised=f"{path} of one revision template",
    )  # fmt: skip


def _step(value: Json, part: str) -> Json:
    if isinstance(value, Sequence) and not isinstance(value, str):
        index = int(part)
        return value[index] if index < len(value) else None
    if isinstance(value, Mapping):
        if part in value:
            return value[part]
        return value.get(part.replace("~", "/").replace("%", "."))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedParameters(CheckParameters):
    """Parameters of `refused`."""

    words: tuple[str, ...] = ()
    """What the message has to hold, whatever the case."""
    by_condition: bool = False
    """Whether a condition of the InferenceService that says so later is a refusal too."""


@check("refused", RefusedParameters, "observer", incomplete=True, specific=True)
def refused(history: History, parameters: RefusedParameters) -> Finding:
    """The manifest is refused at admission with a message, or where stated by a condition later."""
    words = [each.lower() for each in parameters.words]
    by_condition = parameters.by_condition
    stages = history.of(ManifestBody)
    if history.imported or not any(fact.body.stage is ManifestStage.APPLIED for fact in stages):
        raise NotShownError("no manifest was applied")
    for fact in stages:
        if fact.body.stage is ManifestStage.REFUSED:
            return _refusal(fact.t, fact.body.message or "", words, f"status {fact.body.status}")
    if by_condition:
        for seen in history.of(InferenceServiceBody):
            for kind, (state, reason, message) in seen.body.conditions.items():
                if state == "False" and reason and kind != "Stopped" and _fits(f"{reason} {message}", words):
                    return _refusal(seen.t, f"{reason} {message}", words, f"condition {kind}")
    return exact(
        False, "the manifest is refused", 1.0, "manifests accepted", high=0.0, samples=1,
        facts=("the manifest was admitted" + (" and no condition complains" if by_condition else ""),),
    )  # fmt: skip


def _fits(text: str, words: list[str]) -> bool:
    return all(word in text.lower() for word in words)


def _refusal(t: float, message: str, words: list[str], how: str) -> Finding:
    ok = _fits(message, words)
    return exact(
        ok, "the manifest is refused and the message says why" + (f" ({', '.join(words)})" if words else ""),
        0.0 if ok else 1.0, "refusals that do not say why", high=0.0, samples=1,
        facts=(f"t={t:.1f} s: {how}: {message[:200]}",), exercised="one refusal, its message read",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BecomesReadyParameters(CheckParameters):
    """Parameters of `becomes-ready`."""

    within_seconds: float = 120.0
    """From apply to Ready, the start of the model not counted."""


@check("becomes-ready", BecomesReadyParameters, "observer", "capacity", incomplete=True)
def becomes_ready(history: History, parameters: BecomesReadyParameters) -> Finding:
    """The documented manifest is admitted as it is and becomes Ready with a URL."""
    refusal = next((fact for fact in history.of(ManifestBody) if fact.body.stage is ManifestStage.REFUSED), None)
    if refusal is not None and history.ready_at == 0.0:
        return exact(
            False, "the manifest is admitted", 1.0, "manifests refused", high=0.0, samples=1,
            facts=(f"t={refusal.t:.1f} s: {refusal.body.message}",),
        )  # fmt: skip
    applied = next((fact.t for fact in history.of(ManifestBody) if fact.body.stage is ManifestStage.APPLIED), None)
    facts = history.of(InferenceServiceBody)
    if applied is None or not facts:
        raise NotShownError("no InferenceService was applied and watched")
    ready = next((fact.t for fact in facts if fact.body.status_of("Ready") == "True" and fact.body.url), NEVER)
    within = parameters.within_seconds + history.scenario.start_seconds
    if ready == NEVER and history.end - applied < within:
        raise NotShownError("the recording ends before the service had its time")
    if ready == NEVER:
        last = facts[-1].body.conditions.items()
        why = (f"{kind}={each.status} {each.reason} {each.message}".rstrip() for kind, each in last)
        return exact(
            False, f"admitted unchanged, Ready with a URL within {within:g} s", 1.0, "services never Ready", high=0.0,
            samples=len(facts), moments=((applied, history.end, "from apply to the end"),),
            facts=(f"t={history.end:.1f} s: not Ready {history.end - applied:.0f} s after it was applied", *why),
        )  # fmt: skip
    took = ready - applied
    return exact(
        took <= within, f"admitted unchanged, Ready with a URL within {within:g} s", took, "s", high=within,
        samples=len(facts), exercised=f"one service, {len(facts)} states of it",
        moments=((applied, ready, "from apply to Ready"),),
    )  # fmt: skip


@check("probe-answers", CheckParameters, "load", "observer", "capacity")
def probe_answers(history: History, parameters: CheckParameters) -> Finding:
    """Requests through the ingress to the host of status.url are answered 200: probes, or the first of a load."""
    statuses = [(fact.t, fact.body.status) for fact in history.of(ProbeBody) if fact.body.name != WAY]
    for load in history.loads:
        if len(load.rows):
            row = load.rows[0]
            statuses.append((float(row["scheduled"]), int(row["status"])))
    if not statuses:
        raise NotShownError("nothing was sent to status.url")
    wrong = [(at, status) for at, status in statuses if status != 200]
    return exact(
        not wrong, "status.url answers 200 through the ingress", len(wrong), "answers other than 200", high=0.0,
        samples=len(statuses), exercised=f"{len(statuses)} requests by status.url",
        facts=() if not wrong else (f"t={wrong[0][0]:.1f} s: status {wrong[0][1] or 'none'}",),
    )  # fmt: skip


@check("same-revision", CheckParameters, "observer", specific=True)
def same_revision(history: History, parameters: CheckParameters) -> Finding:
    """Applying what asks for nothing new makes no revision."""
    marks = [fact.t for fact in history.of(ManifestBody) if fact.body.stage is ManifestStage.ADMITTED]
    if len(marks) < 2:
        raise NotShownError("nothing was applied again")
    patches = [span for span in history.spans if span.kind == "patch"]
    until = patches[1].start if len(patches) > 1 else history.end
    new = [revision for revision in history.revisions.values() if marks[1] - 0.1 < revision.seen < until]
    return exact(
        not new, "no revision for a manifest that asks for nothing new", len(new), "new revisions", high=0.0,
        samples=len(marks) - 1, exercised=f"{len(marks) - 1} times applied again",
        facts=tuple(f"t={each.seen:.1f} s: {each.name}" for each in new[:2]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRefusedParameters(CheckParameters):
    """Parameters of `change-refused`."""

    step: StepName
    """The step that asks for the change."""
    words: tuple[str, ...] = ()
    """What the message has to hold, whatever the case."""


@check("change-refused", ChangeRefusedParameters, "observer", specific=True)
def change_refused(history: History, parameters: ChangeRefusedParameters) -> Finding:
    """A change of what may not change is refused."""
    name = parameters.step
    span = next((span for span in history.spans if span.name == name), None)
    if span is None:
        raise NotShownError(f"no step {name!r} in the recording")
    words = [each.lower() for each in parameters.words]
    inside = [fact for fact in history.of(ManifestBody) if span.start <= fact.t <= min(span.end, span.start + 30.0)]
    for fact in inside:
        if fact.body.stage is ManifestStage.REFUSED:
            return _refusal(fact.t, fact.body.message or "", words, f"status {fact.body.status}")
    return exact(
        False, "the change is refused", 1.0, "changes accepted", high=0.0, samples=1,
        facts=(f"t={span.start:.1f} s: the change was accepted",),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StopsAndStartsParameters(CheckParameters):
    """Parameters of `stops-and-starts`."""

    stop_step: StepName
    """The step that stops the service."""
    start_step: StepName
    """The step that starts it again."""


@check("stops-and-starts", StopsAndStartsParameters, "observer", "capacity", specific=True)
def stops_and_starts(history: History, parameters: StopsAndStartsParameters) -> Finding:
    """The stop annotation takes all pods away, and taking it back brings them again."""
    stop = next((span.start for span in history.spans if span.name == parameters.stop_step), None)
    start = next((span.start for span in history.spans if span.name == parameters.start_step), None)
    if stop is None or start is None:
        raise NotShownError("the service was not stopped and started")
    before = sum(pod.leaves > start - 0.1 and pod.seen < start - 0.1 for pod in history.pods.values())
    after = sum(pod.first_ready > start and pod.first_ready != NEVER for pod in history.pods.values())
    ok = before == 0 and after >= 1
    return exact(
        ok, "no pod while stopped, ready pods when started again", before if before else after,
        "pods while stopped" if before else "pods ready after the start", samples=1,
        exercised="stopped once and started once",
        facts=(f"t={stop:.1f} s: stopped, {before} pods left at t={start:.1f} s; {after} ready after the start",),
    )  # fmt: skip


@check("owner", ServiceParameters, "observer")
def owned(history: History, parameters: ServiceParameters) -> Finding:
    """The Knative Service belongs to the InferenceService, so that deleting one deletes the other."""
    component = parameters.component
    fact = services(history, component)[0]
    owners = [entry for entry in fact.body.owners if entry.kind == "InferenceService"]
    ok = bool(owners) and bool(owners[0].controller)
    return exact(
        ok, "the Knative Service has the InferenceService as its controller", len(owners), "owners", low=1.0, samples=1,
        exercised="one Knative Service",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NameParameters(ServiceParameters):
    """Parameters of `name`."""

    name: str
    """What the Knative Service is called."""


@check("name", NameParameters, "observer", specific=True)
def named(history: History, parameters: NameParameters) -> Finding:
    """The Knative Service of a component is called as KServe calls it."""
    component = parameters.component
    fact = services(history, component)[0]
    wanted = parameters.name
    ok = fact.body.name == wanted
    return exact(
        ok, f"the {component}'s Knative Service is called {wanted}", 0.0 if ok else 1.0, "names wrong", high=0.0,
        samples=1, exercised="one Knative Service",
        facts=() if ok else (f"t={fact.t:.1f} s: {fact.body.name}",),
    )  # fmt: skip
