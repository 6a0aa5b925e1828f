"""Routes: which revisions get a host's requests. Traffic moves only when the new revision is ready."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, labelled
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Routes as RouteTable
from clusters.embedded.dataplane.routes import Split, service_hosts
from clusters.embedded.knative.knative_names import (
    ACTIVE,
    CLUSTER_LOCAL,
    CONFIGURATION,
    RESERVE,
    ROUTE,
    ROUTES,
    ROUTING_STATE,
    ROUTING_STATE_MODIFIED,
    SERVICE,
    VISIBILITY,
)
from clusters.embedded.objects.metadata import Object, ObjectKey, annotations_of, is_terminating, key_of, labels
from clusters.embedded.objects.status_conditions import StatusCondition, condition_of, condition_status, summary
from conformance.kube.resources import CONFIGURATIONS, REVISIONS, SERVICES
from conformance.kube.resources import ROUTES as ROUTE_OBJECTS


def _of_configuration(value: Object) -> Iterable[ObjectKey]:
    """A Knative Service's Route has the Configuration's name."""
    name = labels(value).get(SERVICE)
    return (ObjectKey(value["metadata"]["namespace"], name),) if name else (key_of(value),)


class RouteController:
    """Reconciles Routes, labels revisions by whether they get traffic, and tells the ingress."""

    name = "route-controller"
    watches: Sequence[Watched] = (
        Watched(ROUTE_OBJECTS),
        Watched(CONFIGURATIONS, _of_configuration),
        Watched(REVISIONS, labelled(SERVICE)),
    )

    def __init__(self, context: ControllerContext, table: RouteTable) -> None:
        self._context = context
        self._table = table

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        route = context.peek(ROUTE_OBJECTS, *key)
        if route is None or is_terminating(route):
            self._table.withdraw(f"route/{key.namespace}/{key.name}")
            return None
        targets, trouble = self._resolve(route)
        previous = (route.get("status") or {}).get("traffic") or []
        if trouble is not None and previous:
            targets = previous
        self._label(route, targets)
        self._publish(route, targets)
        self._tell(route, targets, trouble)
        return None

    def _resolve(self, route: Object) -> tuple[list[Object], StatusCondition | None]:
        """Traffic by revision, and what stands in the way."""
        context, namespace = self._context, route["metadata"]["namespace"]
        targets: list[Object] = []
        for wanted in route["spec"].get("traffic") or ():
            target = {name: wanted[name] for name in ("percent", "tag") if name in wanted}
            if wanted.get("revisionName"):
                name = wanted["revisionName"]
                revision = context.peek(REVISIONS, namespace, name)
                if revision is None:
                    text = f'Revision "{name}" referenced in traffic not found.'
                    return [], StatusCondition("AllTrafficAssigned", "False", "RevisionMissing", text)
                if condition_status(revision, "Ready") != "True":
                    text = f'Revision "{name}" is not yet ready.'
                    return [], StatusCondition("AllTrafficAssigned", "Unknown", "RevisionMissing", text)
                target |= {"revisionName": name, "latestRevision": False}
            else:
                name = wanted.get("configurationName", route["metadata"]["name"])
                ready, trouble = self._latest_ready(namespace, name)
                if trouble is not None:
                    return [], trouble
                target |= {"revisionName": ready, "latestRevision": True}
            if wanted.get("tag"):
                target["url"] = f"http://{wanted['tag']}-{self._outside(route)}"
            targets.append(target)
        return targets, None

    def _latest_ready(self, namespace: str, name: str) -> tuple[str, StatusCondition | None]:
        configuration = self._context.peek(CONFIGURATIONS, namespace, name)
        if configuration is None:
            text = f'Configuration "{name}" referenced in traffic not found.'
            return "", StatusCondition("AllTrafficAssigned", "False", "ConfigurationMissing", text)
        ready = (configuration.get("status") or {}).get("latestReadyRevisionName")
        if ready:
            return ready, None
        entry = condition_of(configuration, "Ready") or {}
        if entry.get("status") == "False":
            text = f'Configuration "{name}" does not have any ready Revision.'
            return "", StatusCondition("AllTrafficAssigned", "False", "RevisionMissing", text)
        text = f'Configuration "{name}" is waiting for a Revision to become ready.'
        return "", StatusCondition("AllTrafficAssigned", "Unknown", "RevisionMissing", text)

    def _label(self, route: Object, targets: Sequence[Object]) -> None:
        """Revisions with traffic, and the newest that may still get it, are active; the others in reserve."""
        context, metadata = self._context, route["metadata"]
        named = {target["revisionName"] for target in targets}
        names = {
            wanted.get("configurationName")
            for wanted in route["spec"].get("traffic") or ()
            if wanted.get("configurationName")
        }
        for configuration in sorted(name for name in names if name):
            found = context.peek(CONFIGURATIONS, metadata["namespace"], configuration)
            newest = ((found or {}).get("status") or {}).get("latestCreatedRevisionName")
            if newest:
                named.add(newest)
            for revision in context.list(REVISIONS, metadata["namespace"], {CONFIGURATION: configuration}):
                keep = revision["metadata"]["name"] in named
                wanted_state = ACTIVE if keep or context.behaviour.keeps_old_revision(revision) else RESERVE
                if labels(revision).get(ROUTING_STATE) == wanted_state:
                    continue
                notes = {**annotations_of(revision), ROUTING_STATE_MODIFIED: context.now()}
                notes.pop(ROUTES, None)
                if keep:
                    notes[ROUTES] = metadata["name"]
                revision["metadata"]["annotations"] = notes
                revision["metadata"]["labels"] = {**labels(revision), ROUTING_STATE: wanted_state}
                context.store.update(REVISIONS, revision)

    def _outside(self, route: Object) -> str:
        metadata, context = route["metadata"], self._context
        if labels(route).get(VISIBILITY) == CLUSTER_LOCAL:
            return f"{metadata['name']}.{metadata['namespace']}.svc.cluster.local"
        return f"{metadata['name']}.{metadata['namespace']}.{context.domain()}"

    def _publish(self, route: Object, targets: Sequence[Object]) -> None:
        metadata, context = route["metadata"], self._context
        namespace = metadata["namespace"]
        local = labels(route).get(VISIBILITY) == CLUSTER_LOCAL
        owner = f"route/{namespace}/{metadata['name']}"
        hosts = service_hosts(metadata["name"], namespace, context.domain(), cluster_local=local)
        splits = [Split(RevisionKey(namespace, t["revisionName"]), int(t.get("percent") or 0)) for t in targets]
        self._table.publish(owner, context.behaviour.routed_hosts(hosts), splits)
        for target in targets:
            if target.get("tag"):
                name = f"{target['tag']}-{metadata['name']}"
                tagged = service_hosts(name, namespace, context.domain(), cluster_local=local)
                split = Split(RevisionKey(namespace, target["revisionName"]), 100)
                self._table.publish(f"{owner}/{target['tag']}", tagged, [split])
        if targets and context.peek(SERVICES, namespace, metadata["name"]) is None:
            context.store.create(SERVICES, self._placeholder(route))

    def _placeholder(self, route: Object) -> Object:
        """The name inside the cluster: an alias of the gateway."""
        metadata = route["metadata"]
        owner = {"apiVersion": route["apiVersion"], "kind": route["kind"], "name": metadata["name"]}
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "labels": {ROUTE: metadata["name"], SERVICE: metadata["name"]},
                "ownerReferences": [{**owner, "uid": metadata["uid"], "controller": True, "blockOwnerDeletion": True}],
            },
            "spec": {
                "type": "ExternalName",
                "externalName": "knative-local-gateway.istio-system.svc.cluster.local",
                "sessionAffinity": "None",
                "ports": [{"name": "http2", "port": 80, "protocol": "TCP", "targetPort": 80}],
            },
        }

    def _tell(self, route: Object, targets: Sequence[Object], trouble: StatusCondition | None) -> None:
        metadata = route["metadata"]
        assigned = trouble or StatusCondition("AllTrafficAssigned", "True")
        ingress = StatusCondition("IngressReady", "True")
        if not targets:
            reason, text = "IngressNotConfigured", "Ingress has not yet been reconciled."
            ingress = StatusCondition("IngressReady", "Unknown", reason, text)
        certificate = StatusCondition("CertificateProvisioned", "True", "TLSNotEnabled", "autoTLS is not enabled")
        parts = [assigned, ingress, certificate]
        fields: Object = {"url": f"http://{self._outside(route)}"}
        if targets:
            inside = f"{metadata['name']}.{metadata['namespace']}.svc.cluster.local"
            fields["address"] = {"url": f"http://{inside}"}
            fields["traffic"] = list(targets)
        self._context.set_conditions(ROUTE_OBJECTS, route, [*parts, summary("Ready", parts)], fields)
