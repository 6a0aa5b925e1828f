"""Permissions, one SelfSubjectAccessReview per verb, and the dry run of everything the scenarios apply."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance.base.locations import FIXTURES
from conformance.catalogue.scenario import Scenario
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import ACCESS_REVIEWS, INFERENCE_SERVICES, SERVING_RUNTIMES
from conformance.kube.verbs import ApiStatus, apply, ask
from conformance.run.deployment import manifest_name
from conformance.run.preflight.preflight_check import Check, Level, ok


async def allowed(api: ApiClient, attributes: Mapping[str, str]) -> bool:
    """Whether this identity may do something. Raises ApiStatus when it may not even ask."""
    body = {
        "apiVersion": ACCESS_REVIEWS.api_version,
        "kind": ACCESS_REVIEWS.kind,
        "spec": {"resourceAttributes": dict(attributes)},
    }
    answer = await ask(api, "POST", ACCESS_REVIEWS.path(), body=json.dumps(body).encode())
    return bool((answer.get("status") or {}).get("allowed"))


async def permissions(api: ApiClient, wanted: Sequence[tuple[bool, Mapping[str, str]]]) -> Check:
    """Ask for everything; `wanted` says of each whether a run is impossible without it."""
    try:
        missing = [(required, entry) for required, entry in wanted if not await allowed(api, entry)]
    except ApiStatus as status:
        return Check(
            "permissions", Level.WARN, f"may not ask: {status}", "allow selfsubjectaccessreviews, or try a run"
        )
    count = f"{len(wanted) - len(missing)} of {len(wanted)}"
    if not missing:
        return ok("permissions", count)
    level = Level.FAIL if any(required for required, _ in missing) else Level.WARN
    named = "; ".join(dict.fromkeys(_named(entry) for _, entry in missing))
    return Check("permissions", level, f"{count}; missing: {named}", "kubectl apply -f clusters/existing/role.yaml")


def _named(entry: Mapping[str, str]) -> str:
    below = f"/{entry['subresource']}" if "subresource" in entry else ""
    resource = entry["resource"] + below + (f".{entry['group']}" if entry["group"] else "")
    where = f" in {entry['namespace']}" if "namespace" in entry else ""
    return f"{entry['verb']} {resource}{'/' + entry['name'] if 'name' in entry else ''}{where}"


async def admission(
    api: ApiClient, space: str, scenarios: Iterable[Scenario], runtimes: Iterable[dict[str, Any]]
) -> tuple[Check, ...]:
    """Dry run of each runtime and each manifest that should be accepted, in an existing namespace."""
    refused: list[tuple[str, str]] = []
    count = 0
    for runtime in runtimes:
        count += 1
        name = runtime["metadata"]["name"]
        try:
            await apply(api, SERVING_RUNTIMES, space, name, json.dumps(runtime).encode(), dry_run=True)
        except ApiStatus as status:
            refused.append((f"ServingRuntime {name}", status.message or str(status)))
    manifests = {entry.manifest for entry in scenarios if not any(step.kind == "refuse" for step in entry.steps)}
    for path in sorted(manifests):
        count += 1
        manifest = (FIXTURES / path).read_bytes()
        try:
            await apply(api, INFERENCE_SERVICES, space, manifest_name(manifest), manifest, dry_run=True)
        except ApiStatus as status:
            refused.append((path, status.message or str(status)))
    if not refused:
        return (ok("admission", f"{count} of {count} manifests would be accepted"),)
    remedy = "a policy or webhook of the cluster refuses it; exempt namespaces of the run"
    return tuple(Check("admission", Level.FAIL, f"{what}: {text}", remedy) for what, text in refused)
