"""Whether what is asked for, at first and by every change, is what the next revision has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from conformance.catalogue.check_parameters import COMPONENTS, CheckParameters
from conformance.judge.expectations import PREFIX, AppliedManifest, applied_manifests, configuration, settings_of
from conformance.judge.finding import Finding, NotShownError, check, exact
from conformance.judge.history import NEVER, History, Revision
from conformance.recording.json_values import child, has_child
from conformance.recording.pod_bodies import SERVING
from conformance.recording.service_bodies import ContainerSpec, RevisionBody
from conformance.recording.shape import Json

MAXIMUM: Final = f"{PREFIX}max-scale"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsReachParameters(CheckParameters):
    """Parameters of `settings-reach`."""

    within_seconds: float = 10.0
    """From admission to the revision that has them."""


@check("settings-reach", SettingsReachParameters, "observer", "config")
def settings_reach(history: History, parameters: SettingsReachParameters) -> Finding:
    """Every setting that a manifest or a change asks for is what the next revision of its component has: bounds,
    target, metric, other annotations, container limit, timeout and accelerators; and no maximum that nobody asked for,
    nor one beyond the cluster's limit.
    """
    if history.scenario.mode != "Knative":
        raise NotShownError(f"a service of {history.scenario.mode} mode has no revision")
    wrong: list[tuple[float, str]] = []
    count = 0
    manifests = list(applied_manifests(history))
    for manifest, after in pairwise([*manifests, None]):
        due = min(manifest.t + parameters.within_seconds if manifest else NEVER, after.t if after else NEVER)
        if manifest is None or due > history.end:
            continue
        for component in COMPONENTS:
            revision = _newest(history, component, due)
            if revision is not None and has_child(manifest.written, "spec", component):
                count += 1
                wrong += [(manifest.t, f"{revision.name}: {text}") for text in _differ(history, manifest, revision)]
    if not count:
        raise NotShownError("no revision of what was asked for was seen")
    return exact(
        not wrong, "every setting that is asked for is what the next revision has", len(wrong), "settings otherwise",
        high=0.0, samples=count, exercised=f"each setting that was asked for, {count} times",
        facts=tuple(f"t={t:.1f} s: {text}" for t, text in wrong[:3]),
        moments=tuple((t, t, text) for t, text in wrong[:3]),
    )  # fmt: skip


def _newest(history: History, component: str, due: float) -> Revision | None:
    return next((each for each in reversed(history.component(component)) if each.seen <= due), None)


def _differ(history: History, manifest: AppliedManifest, revision: Revision) -> Iterator[str]:
    asked = settings_of(history, manifest, revision.component)
    if asked is None:
        return
    limit = configuration(history).max_scale_limit
    if limit and _pods(asked.annotations.get(MAXIMUM)) > limit:
        # Knative refuses all of it then (config-autoscaler, max-scale-limit), so that the former revision stays.
        found = revision.annotations.get(MAXIMUM.removeprefix(PREFIX))
        if _pods(found) > limit:
            yield f"max-scale is {found}, the cluster allows {limit} at the most"
        return
    for name, text in asked.annotations.items():
        found = revision.annotations.get(name.removeprefix(PREFIX))
        if not _same(text, found):
            yield f"{name.removeprefix(PREFIX)} is {found}, asked for {text}"
    found = revision.annotations.get(MAXIMUM.removeprefix(PREFIX))
    if MAXIMUM not in asked.annotations and not _same("0", found or "0"):
        yield f"max-scale is {found}, nobody asked for one"
    if revision.container_concurrency != asked.container_concurrency:
        yield f"containerConcurrency is {revision.container_concurrency}, asked for {asked.container_concurrency}"
    body = next((fact.body for fact in history.of(RevisionBody) if fact.body.name == revision.name), None)
    if body is not None:
        part = child(manifest.written, "spec", revision.component)
        timeout = part.get("timeout")
        if isinstance(timeout, int | float) and body.timeout_seconds != timeout:
            yield f"timeoutSeconds is {body.timeout_seconds}, asked for {timeout}"
        yield from _accelerators(_limits(part), body.containers)


def _pods(text: str | None) -> float:
    """A maximum as a number; 0 is none."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _limits(part: Mapping[str, Json]) -> Mapping[str, Mapping[str, Json]]:
    """Limits that a component asks for, by container; the model's are those of the container that serves."""
    # The old schema calls the model by its framework.
    models = (entry for entry in part.values() if isinstance(entry, Mapping) and has_child(entry, "resources"))
    found = {SERVING: child(next(models, {}), "resources", "limits")}
    listed = part.get("containers")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping):
            name = str(entry.get("name") or SERVING)
            found[name] = {**found.get(name, {}), **child(entry, "resources", "limits")}
    return found


def _accelerators(asked: Mapping[str, Mapping[str, Json]], containers: tuple[ContainerSpec, ...]) -> Iterator[str]:
    """Accelerators belong to the container that they were asked for, and to no other."""
    for container in containers:
        limits = child(container.resources, "limits")
        alone = len(containers) == 1 and container.name not in asked
        mine = asked[SERVING] if alone or not container.name else asked.get(container.name, {})
        for name in sorted({*mine, *limits}):
            wanted = mine.get(name)
            if "/" in name and str(limits.get(name)) != str(wanted):
                yield f"{name} of {container.name} is {limits.get(name)}, asked for {wanted}"


def _same(asked: str, found: str | None) -> bool:
    if asked == found:
        return True
    try:
        return found is not None and float(asked) == float(found)
    except ValueError:
        return False
