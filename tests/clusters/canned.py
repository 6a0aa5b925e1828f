"""An API server with fixed manners for tests of what providers ask of one: objects by path, merge and apply, reviews.

It knows no schema, no defaulting and no controllers; `on_change` plays those a test needs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import yaml

from conformance.kube.in_process_client import InProcessClient

Object = dict[str, Any]

PLURALS = {
    "Namespace": ("namespaces", False),
    "Node": ("nodes", False),
    "Pod": ("pods", True),
    "ConfigMap": ("configmaps", True),
    "Service": ("services", True),
    "Deployment": ("deployments", True),
    "EndpointSlice": ("endpointslices", True),
    "Gateway": ("gateways", True),
    "CustomResourceDefinition": ("customresourcedefinitions", False),
    "ValidatingWebhookConfiguration": ("validatingwebhookconfigurations", False),
    "ServingRuntime": ("servingruntimes", True),
    "ClusterServingRuntime": ("clusterservingruntimes", False),
    "ClusterStorageContainer": ("clusterstoragecontainers", False),
    "InferenceService": ("inferenceservices", True),
    "DaemonSet": ("daemonsets", True),
    "APIService": ("apiservices", False),
}


def path_of(value: Object) -> str:
    """Where an object lives."""
    plural, namespaced = PLURALS[value["kind"]]
    version = value["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    space = f"/namespaces/{value['metadata'].get('namespace', 'default')}" if namespaced else ""
    return f"{root}{space}/{plural}/{value['metadata']['name']}"


class Canned:
    """The server's state and log."""

    def __init__(self, objects: Iterable[Object] = (), *, version: str = "v1.34.0") -> None:
        self.objects = {path_of(value): value for value in objects}
        self.groups = ["serving.kserve.io", "serving.knative.dev"]
        self.version = version
        self.forbidden: set[str] = set()
        self.refused: dict[str, tuple[int, str]] = {}
        self.unserved: set[str] = set()
        self.allow: Callable[[Object], bool] = lambda _: True
        self.on_change: Callable[[Object], None] = lambda _: None
        self.log: list[tuple[str, str, Any]] = []
        self.dates: list[str] = []

    @property
    def api(self) -> InProcessClient:
        """A client of it."""
        return InProcessClient(self, "token")

    def get(self, kind: str, name: str, namespace: str = "default") -> Object:
        """One object by kind and name."""
        found = [
            value
            for path, value in self.objects.items()
            if path == path_of({**value, "metadata": {"name": name, "namespace": namespace}}) and value["kind"] == kind
        ]
        return found[0]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        status, answer = self.answer(scope, body)
        headers = [(b"content-type", b"application/json")]
        if self.dates:
            headers.append((b"date", self.dates.pop(0).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, scope: Any, body: bytes) -> tuple[int, Object]:
        """Status and body for a request."""
        method, path = scope["method"], scope["path"]
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        if path in self.forbidden:
            return _status(403, "Forbidden", f"may not see {path}")
        if path == "/version":
            return 200, {"gitVersion": self.version}
        if path == "/apis":
            return 200, {"groups": [{"name": name} for name in self.groups]}
        if path.endswith("/selfsubjectaccessreviews"):
            attributes = json.loads(body)["spec"]["resourceAttributes"]
            return 201, {"status": {"allowed": self.allow(attributes)}}
        if method == "GET":
            return self._read(path, query)
        if method == "DELETE":
            self.log.append((method, path, None))
            self.objects.pop(path, None)
            return 200, {}
        value = yaml.safe_load(body)
        if path in self.refused:
            code, text = self.refused[path]
            return _status(code, "Invalid", text)
        self.log.append((method, path, value))
        if method == "POST":
            self.objects[path_of(value)] = value
            return 201, value
        return self._patch(path, value, query)

    def _read(self, path: str, query: dict[str, str]) -> tuple[int, Object]:
        if path in self.objects:
            return 200, self.objects[path]
        parts = path.strip("/").split("/")
        if len(parts) == (2 if parts[0] == "api" else 3):
            version = "/".join(parts[1:])
            return 200, {"resources": [row for row in self._kinds(version) if row["kind"] not in self.unserved]}
        plural = parts[-1]
        items = [
            value for key, value in self.objects.items() if key.split("/")[-2] == plural and self._below(path, key)
        ]
        if plural in {name for name, _ in PLURALS.values()}:
            name, _, wanted = query.get("labelSelector", "").partition("=")
            chosen = [value for value in items if not name or value["metadata"].get("labels", {}).get(name) == wanted]
            return 200, {"items": chosen, "metadata": {"resourceVersion": "1"}}
        return _status(404, "NotFound", f"{path} not found")

    @staticmethod
    def _below(path: str, key: str) -> bool:
        return key.startswith(path) if "/namespaces/" in path else True

    def _kinds(self, version: str) -> list[Object]:
        return [{"name": name, "kind": kind, "namespaced": inside} for kind, (name, inside) in PLURALS.items()]

    def _patch(self, path: str, value: Object, query: dict[str, str]) -> tuple[int, Object]:
        path = path.removesuffix("/status")
        if query.get("dryRun"):
            return 200, value
        if path not in self.objects and "apiVersion" not in value:
            return _status(404, "NotFound", f"{path} not found")
        self.objects[path] = merged(self.objects.get(path, {}), value)
        self.on_change(self.objects[path])
        return 200, self.objects[path]


def merged(value: Any, change: Any) -> Any:
    """A JSON merge patch."""
    if not isinstance(value, dict) or not isinstance(change, dict):
        return change
    kept = {key: entry for key, entry in value.items() if change.get(key, entry) is not None}
    return {**kept, **{key: merged(value.get(key), entry) for key, entry in change.items() if entry is not None}}


def _status(code: int, reason: str, message: str) -> tuple[int, Object]:
    return code, {"kind": "Status", "code": code, "reason": reason, "message": message}


def config_map(namespace: str, name: str, data: dict[str, str], labels: dict[str, str] | None = None) -> Object:
    """A ConfigMap."""
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def node(name: str, gpus: str | None = None, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    """A Node of 4 CPUs and 16 GiB."""
    amounts = {"cpu": "3920m", "memory": "16Gi", **({"nvidia.com/gpu": gpus} if gpus else {})}
    status = {"allocatable": amounts, "capacity": dict(amounts)}
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def deployment(namespace: str, name: str, image: str = "image:v1") -> Object:
    """A Deployment that is rolled out."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "generation": 1},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "manager", "image": image}]}}},
        "status": {
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "conditions": [{"type": "Available", "status": "True"}],
        },
    }


def platform() -> list[Object]:
    """What a KServe installation on Kourier shows."""
    label = {"app.kubernetes.io/version": "1.21.1"}
    ingress = {"ingressGateway": "knative-serving/knative-ingress-gateway", "disableIstioVirtualHost": True}
    return [
        config_map("knative-serving", "config-autoscaler", {"_example": "x", "stable-window": "60s"}, label),
        config_map("knative-serving", "config-network", {"ingress-class": "kourier.ingress.networking.knative.dev"}),
        config_map("knative-serving", "config-domain", {"_example": "x", "example.com": ""}),
        config_map(
            "kserve",
            "inferenceservice-config",
            {"deploy": '{"defaultDeploymentMode": "Serverless"}', "ingress": json.dumps(ingress)},
        ),
        deployment("kserve", "kserve-controller-manager", "kserve/kserve-controller:v0.20.0"),
        node("one", providerID="kind://docker/c/one"),
        node("two", "4"),
    ]
