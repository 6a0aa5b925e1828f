"""Configurations: a Revision for each generation of the template."""

from __future__ import annotations

from collections.abc import Sequence

from clusters.embedded.api.json_values import copied
from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, owner_of
from clusters.embedded.knative.knative_names import (
    CONFIGURATION,
    CONFIGURATION_UID,
    CREATOR,
    GENERATION,
    PENDING,
    ROUTING_STATE,
    SERVICE,
    SERVICE_UID,
)
from clusters.embedded.objects.metadata import (
    Object,
    ObjectKey,
    annotations_of,
    is_terminating,
    labels,
    owner_references,
)
from clusters.embedded.objects.status_conditions import StatusCondition, condition_of, condition_status, is_true
from conformance.kube.resources import CONFIGURATIONS, REVISIONS


def revision_name(configuration: str, generation: int) -> str:
    """Name of a generation's Revision."""
    return f"{configuration}-{generation:05d}"


class Configurations:
    """Reconciles Configurations."""

    name = "configuration-controller"
    watches: Sequence[Watched] = (Watched(CONFIGURATIONS), Watched(REVISIONS, owner_of("Configuration")))

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        configuration = context.peek(CONFIGURATIONS, *key)
        if configuration is None or is_terminating(configuration):
            return None
        generation = configuration["metadata"].get("generation", 1)
        name = revision_name(key.name, generation)
        revision = context.peek(REVISIONS, key.namespace, name)
        if revision is None:
            revision = context.store.create(REVISIONS, self._revision(configuration, name, generation))
            context.event(configuration, "Created", f'Created Revision "{name}"', self.name)
        self._tell(configuration, revision)
        return None

    def _revision(self, configuration: Object, name: str, generation: int) -> Object:
        metadata = configuration["metadata"]
        template = configuration["spec"]["template"]
        template_metadata = template.get("metadata") or {}
        own = labels(configuration)
        found = {
            **(template_metadata.get("labels") or {}),
            CONFIGURATION: metadata["name"],
            CONFIGURATION_UID: metadata["uid"],
            GENERATION: str(generation),
            SERVICE: own.get(SERVICE, ""),
            SERVICE_UID: own.get(SERVICE_UID, ""),
            ROUTING_STATE: PENDING,
        }
        notes = dict(template_metadata.get("annotations") or {})
        creator = annotations_of(configuration).get(CREATOR)
        if creator:
            notes[CREATOR] = creator
        return {
            "apiVersion": REVISIONS.api_version,
            "kind": REVISIONS.kind,
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": {key: text for key, text in found.items() if text},
                "annotations": notes,
                "ownerReferences": owner_references(configuration),
            },
            "spec": copied(template["spec"]),
        }

    def _tell(self, configuration: Object, revision: Object) -> None:
        context = self._context
        before = configuration.get("status") or {}
        name = revision["metadata"]["name"]
        fields: Object = {"latestCreatedRevisionName": name}
        ready = before.get("latestReadyRevisionName")
        entry = condition_of(revision, "Ready") or {}
        if is_true(revision, "Ready"):
            condition = StatusCondition("Ready", "True")
            if ready != name:
                text = f'Configuration becomes ready with Revision "{name}"'
                if ready is None:
                    context.event(configuration, "ConfigurationReady", "Configuration becomes ready", self.name)
                context.event(configuration, "LatestReadyUpdate", text, self.name)
            ready = name
        elif condition_status(revision, "Ready") == "False":
            text = f'Revision "{name}" failed with message: {entry.get("message", "")}.'
            condition = StatusCondition("Ready", "False", "RevisionFailed", text)
        elif ready == name:
            condition = StatusCondition("Ready", "True")
        else:
            condition = StatusCondition("Ready", "Unknown", entry.get("reason", ""), entry.get("message", ""))
        if ready:
            fields["latestReadyRevisionName"] = ready
        context.set_conditions(CONFIGURATIONS, configuration, [condition], fields)
