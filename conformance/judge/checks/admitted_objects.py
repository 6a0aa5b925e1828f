"""Checks of what the platform makes of a manifest: annotations, specifications, refusals, conditions, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.judge.expectations import default_container_concurrency
from conformance.judge.finding import Finding, NotShownError, OutOfReachError, check, exact
from conformance.judge.history import NEVER, History
from conformance.recording.facts import Fact, FactKind

AUTOSCALING = "autoscaling.knative.dev/"


def services(history: History, component: str) -> list[Fact[Any]]:
    """Facts of a component's Knative Service, in order. Raises NotShownError without any."""
    found = [
        fact
        for fact in history.of(FactKind.SERVICE)
        if fact.body.get("component") == component and fact.body.get("change") != "DELETED"
    ]
    if not found:
        installed = history.config("installation") or {}
        if "knative" in installed and installed["knative"] is None:
            raise OutOfReachError("this platform serves without Knative Services")
        raise NotShownError(f"no Knative Service of {component} was seen")
    return found


@check("annotation", "observer")
def annotation(history: History, parameters: Mapping[str, Any]) -> Finding:
    """The revision template carries an autoscaling annotation with this value (or does not carry it: null)."""
    component = str(parameters.get("component", "predictor"))
    found = services(history, component)
    fact = found[-1] if parameters.get("last") else found[0]
    annotations = fact.body.get("annotations") or {}
    wanted: Mapping[str, Any] = parameters["annotations"]
    wrong = []
    for key, value in wanted.items():
        seen = annotations.get(AUTOSCALING + key)
        if seen != (None if value is None else str(value)):
            wrong.append(f"{key} is {seen!r}, not {value!r}")
    text = ", ".join(f"{key} {'absent' if value is None else value}" for key, value in wanted.items())
    return exact(
        not wrong, f"{component} template annotations: {text}", len(wrong), "annotations wrong", high=0.0,
        samples=len(wanted), facts=tuple(f"t={fact.t:.1f} s: {each}" for each in wrong),
    )  # fmt: skip


@check("template", "observer", "config")
def template(history: History, parameters: Mapping[str, Any]) -> Finding:
    """A field of the revision template's spec has one of the given values (null: absent), or the cluster's default."""
    component = str(parameters.get("component", "predictor"))
    fact = services(history, component)[0]
    value: Any = fact.body.get("spec") or {}
    path = str(parameters["field"])
    for part in path.split("."):
        value = _step(value, part)
    allowed = list(parameters["values"])
    if parameters.get("default") == "container-concurrency":
        allowed.append(default_container_concurrency(history))
    ok = any(value == entry or (entry is not None and str(value) == str(entry)) for entry in allowed)
    return exact(
        ok, f"{component} template {path} is {' or '.join(str(entry) for entry in allowed)}", 0.0 if ok else 1.0,
        "fields wrong", high=0.0, samples=1, facts=() if ok else (f"t={fact.t:.1f} s: {path} is {value!r}",),
    )  # fmt: skip


def _step(value: Any, part: str) -> Any:
    if isinstance(value, list):
        index = int(part)
        return value[index] if index < len(value) else None
    if isinstance(value, dict):
        if part in value:
            return value[part]
        return value.get(part.replace("~", "/").replace("%", "."))
    return None


@check("refused", "observer", incomplete=True)
def refused(history: History, parameters: Mapping[str, Any]) -> Finding:
    """The manifest is refused at admission with a message, or where stated by a condition later."""
    words = [str(each).lower() for each in parameters.get("words", ())]
    by_condition = bool(parameters.get("by_condition", False))
    stages = history.of(FactKind.MANIFEST)
    if history.imported or not any(fact.body.get("stage") == "applied" for fact in stages):
        raise NotShownError("no manifest was applied")
    for fact in stages:
        if fact.body.get("stage") == "refused":
            message = str(fact.body.get("message", ""))
            return _refusal(fact, message, words, f"status {fact.body.get('status')}")
    if by_condition:
        for fact in history.of(FactKind.INFERENCE_SERVICE):
            for kind, (state, reason, message) in (fact.body.get("conditions") or {}).items():
                if state == "False" and reason and kind != "Stopped" and _fits(f"{reason} {message}", words):
                    return _refusal(fact, f"{reason} {message}", words, f"condition {kind}")
    return exact(
        False, "the manifest is refused", 1.0, "manifests accepted", high=0.0, samples=1,
        facts=("the manifest was admitted" + (" and no condition complains" if by_condition else ""),),
    )  # fmt: skip


def _fits(text: str, words: list[str]) -> bool:
    return all(word in text.lower() for word in words)


def _refusal(fact: Fact[Any], message: str, words: list[str], how: str) -> Finding:
    ok = _fits(message, words)
    return exact(
        ok, "the manifest is refused and the message says why" + (f" ({', '.join(words)})" if words else ""),
        0.0 if ok else 1.0, "refusals that do not say why", high=0.0, samples=1,
        facts=(f"t={fact.t:.1f} s: {how}: {message[:200]}",),
    )  # fmt: skip


@check("becomes-ready", "observer", "capacity", incomplete=True)
def becomes_ready(history: History, parameters: Mapping[str, Any]) -> Finding:
    """The documented manifest is admitted as it is and becomes Ready with a URL."""
    refusal = next((fact for fact in history.of(FactKind.MANIFEST) if fact.body.get("stage") == "refused"), None)
    if refusal is not None and history.ready_at == 0.0:
        return exact(
            False, "the manifest is admitted", 1.0, "manifests refused", high=0.0, samples=1,
            facts=(f"t={refusal.t:.1f} s: {refusal.body.get('message')}",),
        )  # fmt: skip
    applied = next((fact.t for fact in history.of(FactKind.MANIFEST) if fact.body.get("stage") == "applied"), None)
    facts = history.of(FactKind.INFERENCE_SERVICE)
    if applied is None or not facts:
        raise NotShownError("no InferenceService was applied and watched")
    ready = next(
        (
            fact.t
            for fact in facts
            if (fact.body.get("conditions") or {}).get("Ready", [""])[0] == "True" and fact.body.get("url")
        ),
        NEVER,
    )
    within = float(parameters.get("within", 120.0)) + float(history.scenario.get("start_seconds", 0.0))
    if ready == NEVER and history.end - applied < within and history.outcome != "failed":
        raise NotShownError("the recording ends before the service had its time")
    took = min(ready, history.end) - applied
    return exact(
        ready != NEVER and took <= within, f"admitted unchanged, Ready with a URL within {within:g} s", took, "s",
        high=within, samples=len(facts), moments=((applied, min(ready, history.end), "from apply to Ready"),),
    )  # fmt: skip


@check("probe-answers", "load", "observer", "capacity")
def probe_answers(history: History, parameters: Mapping[str, Any]) -> Finding:
    """Requests through the ingress to the host of status.url are answered 200: probes, or the first of a load."""
    probes = history.of(FactKind.PROBE)
    statuses = [(fact.t, int(fact.body.get("status") or 0)) for fact in probes]
    for load in history.loads:
        if len(load.rows):
            row = load.rows[0]
            statuses.append((float(row["scheduled"]), int(row["status"])))
    if not statuses:
        raise NotShownError("nothing was sent to status.url")
    wrong = [(at, status) for at, status in statuses if status != 200]
    return exact(
        not wrong, "status.url answers 200 through the ingress", len(wrong), "answers other than 200", high=0.0,
        samples=len(statuses),
        facts=() if not wrong else (f"t={wrong[0][0]:.1f} s: status {wrong[0][1] or 'none'}",),
    )  # fmt: skip


@check("same-revision", "observer")
def same_revision(history: History, parameters: Mapping[str, Any]) -> Finding:
    """Applying what asks for nothing new makes no revision."""
    marks = [fact.t for fact in history.of(FactKind.MANIFEST) if fact.body.get("stage") == "admitted"]
    if len(marks) < 2:
        raise NotShownError("nothing was applied again")
    patches = [span for span in history.spans if span.kind == "patch"]
    until = patches[1].start if len(patches) > 1 else history.watched_until
    new = [revision for revision in history.revisions.values() if marks[1] - 0.1 < revision.seen < until]
    return exact(
        not new, "no revision for a manifest that asks for nothing new", len(new), "new revisions", high=0.0,
        samples=len(marks) - 1, facts=tuple(f"t={each.seen:.1f} s: {each.name}" for each in new[:2]),
    )  # fmt: skip


@check("change-refused", "observer")
def change_refused(history: History, parameters: Mapping[str, Any]) -> Finding:
    """A change of what may not change is refused."""
    name = str(parameters["step"])
    span = next((span for span in history.spans if span.name == name), None)
    if span is None:
        raise NotShownError(f"no step {name!r} in the recording")
    words = [str(each).lower() for each in parameters.get("words", ())]
    inside = [
        fact for fact in history.of(FactKind.MANIFEST) if span.start <= fact.t <= min(span.end, span.start + 30.0)
    ]
    for fact in inside:
        if fact.body.get("stage") == "refused":
            return _refusal(fact, str(fact.body.get("message", "")), words, f"status {fact.body.get('status')}")
    return exact(
        False, "the change is refused", 1.0, "changes accepted", high=0.0, samples=1,
        facts=(f"t={span.start:.1f} s: the change was accepted",),
    )  # fmt: skip


@check("stops-and-starts", "observer", "capacity")
def stops_and_starts(history: History, parameters: Mapping[str, Any]) -> Finding:
    """The stop annotation takes all pods away, and taking it back brings them again."""
    stop = next((span.start for span in history.spans if span.name == "stop"), None)
    start = next((span.start for span in history.spans if span.name == "start"), None)
    if stop is None or start is None:
        raise NotShownError("the service was not stopped and started")
    before = sum(pod.leaves > start - 0.1 and pod.seen < start - 0.1 for pod in history.pods.values())
    after = sum(pod.first_ready > start and pod.first_ready != NEVER for pod in history.pods.values())
    ok = before == 0 and after >= 1
    return exact(
        ok, "no pod while stopped, ready pods when started again", before if before else after,
        "pods while stopped" if before else "pods ready after the start", samples=1,
        facts=(f"t={stop:.1f} s: stopped, {before} pods left at t={start:.1f} s; {after} ready after the start",),
    )  # fmt: skip


@check("owner", "observer")
def owned(history: History, parameters: Mapping[str, Any]) -> Finding:
    """The Knative Service belongs to the InferenceService, so that deleting one deletes the other."""
    component = str(parameters.get("component", "predictor"))
    fact = services(history, component)[0]
    owners = [entry for entry in fact.body.owners if entry.kind == "InferenceService"]
    ok = bool(owners) and bool(owners[0].controller)
    return exact(
        ok, "the Knative Service has the InferenceService as its controller", len(owners), "owners", low=1.0, samples=1,
    )  # fmt: skip


@check("name", "observer")
def named(history: History, parameters: Mapping[str, Any]) -> Finding:
    """The Knative Service of a component is called as KServe calls it."""
    component = str(parameters.get("component", "predictor"))
    fact = services(history, component)[0]
    wanted = str(parameters["name"])
    ok = fact.body.get("name") == wanted
    return exact(
        ok, f"the {component}'s Knative Service is called {wanted}", 0.0 if ok else 1.0, "names wrong", high=0.0,
        samples=1, facts=() if ok else (f"t={fact.t:.1f} s: {fact.body.get('name')}",),
    )  # fmt: skip
