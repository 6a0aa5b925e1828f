"""The operations of an OpenAPI v3 document: what can be done with a kind, under which path, with which parameters.

Operation ids, tags, actions and media types follow the server's own naming; parameters carry no descriptions, and the
deprecated watch paths of built-in kinds are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import Object

META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1"
JSON_AND_YAML: Final = ("application/json", "application/yaml")
WITH_PROTOBUF: Final = ("application/json", "application/vnd.kubernetes.protobuf", "application/yaml")
STREAMED: Final = (
    "application/json",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/yaml",
)
PATCHES: Final = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
STRATEGIC: Final = "application/strategic-merge-patch+json"

BOOLEANS: Final = frozenset(
    {"allowWatchBookmarks", "force", "ignoreStoreReadErrorWithClusterBreakingPotential", "orphanDependents"}
    | {"sendInitialEvents", "watch"}
)
INTEGERS: Final = frozenset({"gracePeriodSeconds", "limit", "timeoutSeconds"})

SELECTING: Final = (
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
)
LISTING: Final = (*SELECTING, "allowWatchBookmarks", "watch")
WRITING: Final = ("dryRun", "fieldManager", "fieldValidation")
DELETING: Final = (
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
)

ANSWERS_ITSELF: Final = frozenset(
    {"persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates", "resourcequotas", "serviceaccounts"}
    | {"services", "storageclasses", "csidrivers", "csinodes", "volumeattachments"}
)
"""Built-in kinds whose deletion is answered with the object, not with a Status."""


def reference(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _parameter(name: str, place: str = "query") -> Object:
    type_ = "boolean" if name in BOOLEANS else "integer" if name in INTEGERS else "string"
    made: Object = {"name": name, "in": place, "schema": {"type": type_, "uniqueItems": True}}
    if place == "path":
        made["required"] = True
        made["description"] = PATH_TEXTS.get(name, "")
    return made


SCALE_MARK: Final = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
PATH_TEXTS: Final = {"namespace": "object name and auth scope, such as for teams and projects"}


def _camel(text: str) -> str:
    """`serving.kserve.io` → `ServingKserveIo`."""
    return "".join(part[:1].upper() + part[1:] for part in text.replace("-", ".").split("."))


def group_word(group: str) -> str:
    """A group in operation ids: `rbac.authorization.k8s.io` → `RbacAuthorization`, the core one → `Core`."""
    return _camel((group or "core").removesuffix(".k8s.io"))


def tag_of(group: str, version: str = "") -> str:
    word = group_word(group)
    return word[:1].lower() + word[1:] + (f"_{version}" if version else "")


class Operations:
    """All operations on one version of a kind."""

    def __init__(self, kind: Kind, schema_name: str) -> None:
        self._kind = kind
        self._name = schema_name
        resource = kind.resource
        self._mark = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        self._word = f"{group_word(resource.group)}{_camel(resource.version)}"
        self._scope = "Namespaced" if resource.namespaced else ""
        self._types = JSON_AND_YAML if kind.custom else WITH_PROTOBUF

    def paths(self) -> Iterator[tuple[str, Object]]:
        """(path, path item) of each."""
        resource, kind = self._kind.resource, self._kind
        base = resource.path("{namespace}" if resource.namespaced else None)
        space = ("namespace",) if resource.namespaced else ()
        yield base, {**self._collection(), "parameters": self._shared(space)}
        if "get" in kind.verbs:
            yield f"{base}/{{name}}", {**self._item(), "parameters": self._shared(("name", *space))}
            for sub in ("scale", "status"):
                if any(one.name == sub for one in kind.subresources):
                    yield f"{base}/{{name}}/{sub}", {**self._below(sub), "parameters": self._shared(("name", *space))}
        if resource.namespaced and "list" in kind.verbs:
            operation = self._operation("list", f"list{self._word}{resource.kind}ForAllNamespaces", self._list_words())
            operation["responses"] = self._responses(self._list_name, types=self._list_types)
            everywhere = [_parameter(name) for name in sorted((*LISTING, "pretty"))]
            yield resource.path(None), {"get": operation, "parameters": everywhere}

    @property
    def _list_name(self) -> str:
        return f"{self._name}List"

    @property
    def _list_types(self) -> Sequence[str]:
        return self._types if self._kind.custom else STREAMED

    def _list_words(self) -> str:
        return f"{'list' if self._kind.custom else 'list or watch'} objects of kind {self._kind.resource.kind}"

    def _shared(self, path_names: Sequence[str]) -> list[Object]:
        made = [_parameter(name, "path") for name in path_names]
        for one in made:
            one["description"] = PATH_TEXTS.get(one["name"]) or f"name of the {self._kind.resource.kind}"
        return [*made, _parameter("pretty")]

    def _operation(
        self, action: str, identity: str, words: str, parameters: Sequence[str] = (), mark: Object | None = None
    ) -> Object:
        resource = self._kind.resource
        made: Object = {
            "tags": [tag_of(resource.group, resource.version)],
            "description": words,
            "operationId": identity,
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": mark or self._mark,
        }
        if parameters:
            made["parameters"] = [_parameter(name) for name in sorted(parameters)]
        return made

    def _responses(self, schema: str, *codes: int, types: Sequence[str] = ()) -> Object:
        words = {200: "OK", 201: "Created", 202: "Accepted"}
        content = {type_: {"schema": reference(schema)} for type_ in types or self._types}
        made: Object = {str(code): {"description": words[code], "content": content} for code in codes or (200,)}
        return {**made, "401": {"description": "Unauthorized"}}

    def _body(self, schema: str, *, required: bool = True, types: Sequence[str] = ()) -> Object:
        chosen = types or (JSON_AND_YAML if self._kind.custom else ("*/*",))
        made: Object = {"content": {type_: {"schema": reference(schema)} for type_ in chosen}}
        return {**made, "required": True} if required else made

    def _collection(self) -> Object:
        kind, name = self._kind, self._kind.resource.kind
        made: Object = {}
        if "list" in kind.verbs:
            made["get"] = self._operation("list", f"list{self._word}{self._scope}{name}", self._list_words(), LISTING)
            made["get"]["responses"] = self._responses(self._list_name, types=self._list_types)
        if "create" in kind.verbs:
            made["post"] = self._operation(
                "post", f"create{self._word}{self._scope}{name}", f"create {_article(name)} {name}", WRITING
            )
            made["post"]["requestBody"] = self._body(self._name)
            made["post"]["responses"] = self._responses(self._name, 200, 201, 202)
        if "deletecollection" in kind.verbs:
            identity = f"delete{self._word}Collection{self._scope}{name}"
            parameters = LISTING if kind.custom else (*SELECTING, *DELETING)
            made["delete"] = self._operation("deletecollection", identity, f"delete collection of {name}", parameters)
            if not kind.custom:
                made["delete"]["requestBody"] = self._body(f"{META}.DeleteOptions", required=False)
            made["delete"]["responses"] = self._responses(f"{META}.Status")
        return made

    def _item(self) -> Object:
        kind, name = self._kind, self._kind.resource.kind
        made = self._changes("", self._name)
        if "delete" in kind.verbs:
            identity = f"delete{self._word}{self._scope}{name}"
            made["delete"] = self._operation("delete", identity, f"delete {_article(name)} {name}", DELETING)
            made["delete"]["requestBody"] = self._body(f"{META}.DeleteOptions", required=False)
            itself = not kind.custom and kind.resource.plural in ANSWERS_ITSELF
            made["delete"]["responses"] = self._responses(self._name if itself else f"{META}.Status", 200, 202)
        return made

    def _below(self, subresource: str) -> Object:
        schema = "io.k8s.api.autoscaling.v1.Scale" if subresource == "scale" else self._name
        return self._changes(subresource, schema)

    def _changes(self, below: str, schema: str) -> Object:
        """GET, PUT and PATCH of an object or of what is below it."""
        kind, name = self._kind, self._kind.resource.kind
        tail = f"{self._word}{self._scope}{name}{below[:1].upper()}{below[1:]}"
        whose = f"{below} of the specified {name}" if below else f"the specified {name}"
        mark = SCALE_MARK if below == "scale" else self._mark
        version = ("resourceVersion",) if kind.custom else ()
        read = self._operation("get", f"read{tail}", f"read {whose}", version, mark)
        read["responses"] = self._responses(schema)
        put = self._operation("put", f"replace{tail}", f"replace {whose}", WRITING, mark)
        put["requestBody"], put["responses"] = self._body(schema), self._responses(schema, 200, 201)
        patch = self._operation("patch", f"patch{tail}", f"partially update {whose}", (*WRITING, "force"), mark)
        types = PATCHES if kind.custom else (*PATCHES, STRATEGIC)
        patch["requestBody"] = self._body(f"{META}.Patch", types=types)
        patch["responses"] = self._responses(schema, 200) if kind.custom else self._responses(schema, 200, 201)
        return {"get": read, "put": put, "patch": patch}


def _article(name: str) -> str:
    return "an" if name[0] in "AEIOU" else "a"


def simple(path: str, tag: str, identity: str, words: str, schema: str, types: Sequence[str] = WITH_PROTOBUF) -> Object:
    """The one operation of a path that is no kind's."""
    content = {type_: {"schema": reference(schema)} for type_ in types}
    responses: Any = {"200": {"description": "OK", "content": content}, "401": {"description": "Unauthorized"}}
    return {path: {"get": {"tags": [tag], "description": words, "operationId": identity, "responses": responses}}}
