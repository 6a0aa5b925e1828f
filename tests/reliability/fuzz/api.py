"""Targets of the embedded Kubernetes API: patches of every kind, and requests of all it serves, and others.

What must hold: every request is answered, with JSON or the plain text of a 404; an error is a Status that says its own
code; what was stored can be read back; nothing escapes as an exception, which a client would see as a broken server.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import yaml
from hypothesis import strategies as st

from clusters.embedded.install import contents
from clusters.embedded.platform import Platform
from conformance.base.clock import run_virtual, virtual_clock
from conformance.kube.api_client import Answer
from conformance.kube.in_process_client import InProcessClient
from tests.reliability.fuzz.mutation import JUNK, misshapen

SPACE: Final = "fuzz"
POD: Final = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"a": "b"}, "annotations": {"x": "y"}, "finalizers": ["example.com/f"]},
    "spec": {
        "containers": [
            {"name": "c", "image": "i", "ports": [{"containerPort": 80}], "env": [{"name": "E", "value": "1"}]},
            {"name": "d", "image": "j", "resources": {"limits": {"cpu": "1", "nvidia.com/gpu": "1"}}},
        ],
        "tolerations": [{"key": "k", "operator": "Exists"}],
    },
}
DEPLOYMENT: Final = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "d"}},
        "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    },
}
CONFIG: Final = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"k": "v", "l": "w"}}
SERVICE: Final = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "i", "annotations": {"autoscaling.knative.dev/target": "1"}},
    "spec": {
        "predictor": {
            "scaleMetric": "concurrency",
            "scaleTarget": 1,
            "model": {
                "modelFormat": {"name": "tensorflow"},
                "storageUri": "gs://kfserving-examples/models/tensorflow/flowers",
                "resources": {"limits": {"cpu": "1", "memory": "2Gi"}},
            },
        }
    },
}
PLACES: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "pods": (f"/api/v1/namespaces/{SPACE}/pods", POD),
    "deployments": (f"/apis/apps/v1/namespaces/{SPACE}/deployments", DEPLOYMENT),
    "configmaps": (f"/api/v1/namespaces/{SPACE}/configmaps", CONFIG),
    "inferenceservices": (f"/apis/serving.kserve.io/v1beta1/namespaces/{SPACE}/inferenceservices", SERVICE),
}
PATCHES: Final = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
POINTERS: Final = (
    "",
    "/",
    "/metadata",
    "/metadata/name",
    "/metadata/labels/a",
    "/metadata/annotations",
    "/spec",
    "/spec/containers/0",
    "/spec/containers/-",
    "/spec/containers/99",
    "/spec/containers/-1",
    "/data/k",
    "/data/~1~0",
    "/~2",
    "spec",
    "/spec/predictor/model/storageUri",
    "/spec/template/spec/containers/0/name",
    "/status",
    "/spec/replicas",
    "/kind",
)


class Scene:
    """A platform that answers requests; its controllers don't run."""

    def __init__(self) -> None:
        platform = Platform(virtual_clock(), seed=1)
        contents.fill(platform.store, platform.options)
        self.store = platform.store
        self.api = InProcessClient(platform.app, platform.token)

    async def ask(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json", **query: str
    ) -> Answer:
        """Send a request and hold its answer to what must hold of all answers."""
        async with asyncio.timeout(30):
            answer = await self.api.request(method, path, query=query, body=body, content_type=content_type)
        assert 200 <= answer.status < 600, answer
        if answer.status == 404 and answer.body == b"404 page not found\n":
            return answer
        if answer.status >= 400 and answer.body and answer.headers.get("content-type") == "application/json":
            status = json.loads(answer.body)
            assert status["kind"] == "Status", answer
            assert status["code"] == answer.status, answer
            assert isinstance(status["message"], str), answer
        elif answer.status < 300 and answer.body and answer.headers.get("content-type") == "application/json":
            json.loads(answer.body)
        return answer

    async def prepare(self, *kinds: str) -> None:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
        await self.ask("POST", "/api/v1/namespaces", json.dumps(space).encode())
        for kind in kinds:
            path, body = PLACES[kind]
            answer = await self.ask("POST", path, json.dumps(body).encode())
            assert answer.status == 201, answer

    async def whole(self) -> None:
        """Everything is still there to be read."""
        for path, _ in PLACES.values():
            assert (await self.ask("GET", path)).status == 200
            assert (await self.ask("GET", path, fieldSelector="metadata.name!=x", labelSelector="a!=b")).status in (
                200,
                400,
            )


def values() -> st.SearchStrategy[Any]:
    """Anything JSON can carry."""
    return st.recursive(
        st.sampled_from([value for value in JUNK if value is None or isinstance(value, str | int | float | bool)]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
        max_leaves=6,
    )


WORDS: Final = (
    "metadata",
    "spec",
    "name",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "containers",
    "ports",
    "env",
    "template",
    "replicas",
    "predictor",
    "model",
    "data",
    "status",
    "conditions",
    "uid",
    "resourceVersion",
    "generation",
    "deletionTimestamp",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "$deleteFromPrimitiveList/finalizers",
    "tolerations",
    "resources",
    "limits",
    "a",
    "",
)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@st.composite
def json_patch(draw: st.DrawFn) -> Any:
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(("add", "remove", "replace", "move", "copy", "test", "x", None))},
        optional={
            "path": st.sampled_from(POINTERS) | st.sampled_from((None, 5, [], {})),
            "from": st.sampled_from(POINTERS) | st.none(),
            "value": values(),
        },
    )
    return draw(st.lists(operation, max_size=4) | misshapen([{"op": "add", "path": "/data/x", "value": "1"}]))


DIRECTIVES: Final[st.SearchStrategy[Any]] = st.sampled_from(("replace", "delete", "merge", "x", None, 5, [], {}))


def patch(data: st.DataObject) -> None:
    """Patches of all four kinds on four kinds of objects."""
    kind = data.draw(st.sampled_from(sorted(PLACES)))
    path, body = PLACES[kind]

    async def main() -> None:
        scene = Scene()
        await scene.prepare(kind)
        for _ in range(data.draw(st.integers(1, 3))):
            content_type = data.draw(st.sampled_from(PATCHES))
            if content_type == PATCHES[0]:
                value = data.draw(json_patch())
            else:
                value = data.draw(misshapen(body, values()) | values())
                if isinstance(value, dict) and data.draw(st.booleans()):
                    value["$patch"] = data.draw(DIRECTIVES)
            query = {"fieldManager": data.draw(st.sampled_from(("a", "b", "")))}
            if content_type == PATCHES[3]:
                query["force"] = data.draw(st.sampled_from(("true", "false", "x")))
            sub = data.draw(st.sampled_from(("", "", "", "/status", "/scale")))
            await scene.ask("PATCH", f"{path}/{body['metadata']['name']}{sub}", encoded(value), content_type, **query)
        await scene.whole()

    run_virtual(main())


BODY_TYPES: Final = (
    "application/json",
    "application/yaml",
    "text/plain",
    "",
    "application/vnd.kubernetes.protobuf",
    *PATCHES,
)
QUERIES: Final = {
    "limit": ("0", "1", "-1", "x", "9" * 30, ""),
    "continue": ("", "x", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0"),
    "resourceVersion": ("", "0", "1", "-1", "x", "9" * 30),
    "resourceVersionMatch": ("Exact", "NotOlderThan", "x"),
    "labelSelector": ("a=b", "a in (b,", "!a", "a>1", "((", "a" * 500, "a==b,c!=d", "\x00"),
    "fieldSelector": ("metadata.name=p", "spec.nodeName=", "x", "a.b.c==d", "=", "\\,"),
    "dryRun": ("All", "x", ""),
    "fieldManager": ("a", "", "x" * 300, "\x00"),
    "fieldValidation": ("Strict", "Warn", "Ignore", "x"),
    "propagationPolicy": ("Foreground", "Background", "Orphan", "x"),
    "gracePeriodSeconds": ("0", "-1", "x", "9" * 30),
    "force": ("true", "x"),
    "pretty": ("true", "x"),
    "timeoutSeconds": ("1", "-1", "x"),
    "allowWatchBookmarks": ("true", "x"),
}  # fmt: skip


METHODS: Final = {
    "create": ("POST", False),
    "delete": ("DELETE", True),
    "deletecollection": ("DELETE", False),
    "get": ("GET", True),
    "list": ("GET", False),
    "patch": ("PATCH", True),
    "update": ("PUT", True),
    "watch": ("GET", False),
}
"""HTTP method of each verb, and whether it is of one object."""


@cache
def operations() -> tuple[tuple[str, str, str], ...]:
    """(method, path, group, version and kind as JSON) of everything that can be done with every kind served."""
    found: list[tuple[str, str, str]] = []

    async def main() -> None:
        for kind in Scene().store.kinds:
            resource = kind.resource
            head = f"/apis/{resource.group}" if resource.group else "/api"
            space = "namespaces/{namespace}/" if resource.namespaced else ""
            path = f"{head}/{resource.version}/{space}{resource.plural}"
            mark = {"group": resource.group, "version": resource.version, "kind": resource.kind}
            for verb in kind.verbs:
                method, is_single = METHODS[verb]
                found.append((method, path + "/{name}" * is_single, json.dumps(mark, sort_keys=True)))

    run_virtual(main())
    return tuple(sorted(found))


@cache
def schemas() -> Mapping[str, dict[str, Any]]:
    """Schemas, written out in place, by their group, version and kind, as JSON."""
    found: dict[str, dict[str, Any]] = {}

    async def main() -> None:
        for kind in Scene().store.kinds:
            resource = kind.resource
            mark = {"group": resource.group, "version": resource.version, "kind": resource.kind}
            if kind.schema is not None:
                found[json.dumps(mark, sort_keys=True)] = dict(kind.schema)

    run_virtual(main())
    return found


@st.composite
def fitting(draw: st.DrawFn, schema: Mapping[str, Any], depth: int = 0) -> Any:
    """A value that a schema allows, now and then one that it does not."""
    if depth > 6 or draw(st.integers(0, 24)) == 0:
        return draw(values())
    kind = schema.get("type")
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if schema.get("x-kubernetes-int-or-string"):
        return draw(st.integers(-5, 100) | st.sampled_from(("1", "50%", "x")))
    if kind == "object" or "properties" in schema:
        known: Mapping[str, Any] = schema.get("properties") or {}
        names = set(schema.get("required") or ()) & known.keys()
        names |= set(draw(st.lists(st.sampled_from(sorted(known)), max_size=4)) if known else ())
        found = {name: draw(fitting(known[name], depth + 1)) for name in sorted(names)}
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping):
            found |= {key: draw(fitting(more, depth + 1)) for key in draw(st.lists(st.sampled_from(WORDS), max_size=2))}
        return found
    if kind == "array":
        return [draw(fitting(schema.get("items") or {}, depth + 1)) for _ in range(draw(st.integers(0, 2)))]
    if kind in ("integer", "number"):
        return draw(st.sampled_from((0, 1, 2, 80, 65536, -1, 2**31, 2**63)))
    if kind == "boolean":
        return draw(st.booleans())
    if kind == "string":
        return draw(
            st.sampled_from(("a", "1", "", "100m", "1Gi", "2026-01-01T00:00:00Z", "IfNotPresent", "A_B", "x" * 300))
        )
    return draw(values())


def request(data: st.DataObject) -> None:
    """Requests made from what the server serves: bodies by schema and beyond, any query, any content type."""
    operations(), schemas()  # read in a loop of their own

    async def main() -> None:
        scene = Scene()
        await scene.prepare(*sorted(PLACES))
        for _ in range(data.draw(st.integers(1, 4))):
            method, template, kind = data.draw(st.sampled_from(operations()))
            name = data.draw(st.sampled_from(("p", "d", "m", "i", "fuzz", "x", "Ä", "..", "%2e%2e", "a" * 300)))
            path = template.replace("{namespace}", SPACE).replace("{name}", name)
            path += data.draw(st.sampled_from(("", "", "", "", "/status", "/scale", "/log", "/x", "//", "/..")))
            body, content_type = None, "application/json"
            if method in ("POST", "PUT", "PATCH", "DELETE") and data.draw(st.integers(0, 9)):
                body, content_type = _body(data, method, kind, name)
            query = {
                key: data.draw(st.sampled_from(QUERIES[key]))
                for key in data.draw(st.lists(st.sampled_from(sorted(QUERIES)), max_size=3, unique=True))
            }
            await scene.ask(method, path, body, content_type, **query)
        await scene.whole()

    run_virtual(main())


def _body(data: st.DataObject, method: str, kind: str, name: str) -> tuple[bytes, str]:
    mark = json.loads(kind)
    value = data.draw(fitting(schemas().get(kind, {"type": "object"})))
    if isinstance(value, dict) and data.draw(st.integers(0, 9)):
        group = f"{mark['group']}/" if mark["group"] else ""
        value |= {"apiVersion": group + mark["version"], "kind": mark["kind"]}
        metadata = value.get("metadata")
        if isinstance(metadata, dict) or data.draw(st.integers(0, 4)):
            value["metadata"] = {**(metadata if isinstance(metadata, dict) else {}), "name": name}
    content_type = data.draw(st.sampled_from(PATCHES)) if method == "PATCH" else "application/json"
    if not data.draw(st.integers(0, 7)):
        content_type = data.draw(st.sampled_from(BODY_TYPES))
    if content_type == "application/yaml" and not re.search(r"[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)):
        return yaml.safe_dump(value).encode(), content_type
    text = encoded(value)
    if not data.draw(st.integers(0, 11)):
        text = text[: data.draw(st.integers(0, len(text)))]
    return text, content_type
