"""OpenAPI v3: one document for each group version behind hashed URLs, with what kubectl needs of them to explain, to
validate and to patch: schemas with their group, version and kind, and what a PATCH of each kind takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.json_values import compact
from clusters.embedded.api.kinds import Kind, Kinds
from clusters.embedded.api.patch_handler import CUSTOM_PATCHES, PATCHES, merge_key
from clusters.embedded.api.request import Request, Response
from clusters.embedded.api.structural_schema import INT_OR_STRING, built_in_roots, built_in_types

PREFIX: Final = "/openapi/v3"
META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1"
TYPES: Final = "io.k8s.api"
PATCH_PARAMETERS: Final = ("dryRun", "fieldManager", "fieldValidation", "force")
RETAIN_KEYS: Final = {"strategy": "retainKeys", "volumes": "merge,retainKeys"}
"""Members whose union kubectl narrows to the keys it sends."""
SCHEMA_MEMBERS: Final = ("items", "additionalProperties", "not")


def answer(request: Request, kinds: Kinds, path: str) -> Response | None:
    """GET below /openapi/v3; None for what is not there."""
    places = {f"apis/{group}/{one}" if group else f"api/{one}": (group, one) for group, one in _versions(kinds)}
    if path == PREFIX:
        paths = {}
        for place, (group, version) in places.items():
            _, digest = _document(kinds, place, group, version)
            paths[place] = {"serverRelativeURL": f"{PREFIX}/{place}?hash={digest}"}
        return Response(raw=compact({"paths": paths}))
    place = path.removeprefix(f"{PREFIX}/")
    if place not in places:
        return None
    body, digest = _document(kinds, place, *places[place])
    is_hashed = request.one("hash") == digest
    caching = "public, immutable" if is_hashed else "no-cache, private"
    headers = {"etag": f'"{digest}"', "vary": "Accept", "cache-control": caching}
    if request.header("if-none-match") == f'"{digest}"':
        return Response(304, raw=b"", content_type="", headers=headers)
    return Response(raw=body, headers=headers)


def _versions(kinds: Kinds) -> Iterator[tuple[str, str]]:
    for group, versions in sorted(kinds.versions().items()):
        yield from ((group, version) for version in versions)


def _document(kinds: Kinds, place: str, group: str, version: str) -> tuple[bytes, str]:
    known = kinds.documents.get(place)
    if known is None or known[0] != kinds.generation:
        body = compact(document(kinds, group, version))
        known = kinds.documents[place] = (kinds.generation, body, hashlib.sha512(body).hexdigest().upper())
    return known[1], known[2]


def document(kinds: Kinds, group: str, version: str) -> Object:
    """The document of one group version."""
    schemas: Object = {}
    paths: Object = {}
    types = {"ObjectMeta"}
    for kind in kinds.in_version(group, version):
        schemas[schema_name(kind)] = _kind_schema(kind, types)
        if "patch" in kind.verbs:
            paths |= _patch_path(kind)
    written: set[str] = set()
    while types - written:
        for name in sorted(types - written):
            written.add(name)
            schemas[_type_name(name)] = _published(built_in_types().definitions[name], types)
    info = {"title": "Kubernetes", "version": "1.36"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": dict(sorted(schemas.items()))}}


def schema_name(kind: Kind) -> str:
    """The name of a kind's schema, dotted and reversed as in real documents."""
    resource = kind.resource
    if kind.custom:
        return ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind])
    return f"{TYPES}.{(resource.group or 'core').split('.')[0]}.{resource.version}.{resource.kind}"


def _type_name(name: str) -> str:
    return f"{META if name == 'ObjectMeta' else TYPES}.{name}"


def _reference(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _kind_schema(kind: Kind, types: set[str]) -> Object:
    resource = kind.resource
    root = built_in_roots().get(f"{resource.group}/{resource.version}/{resource.kind}")
    held = built_in_types().definitions[root] if root and not kind.custom else kind.schema
    body = _published(held or {"x-kubernetes-preserve-unknown-fields": True}, types)
    metadata = {"allOf": [_reference(_type_name("ObjectMeta"))]}
    names = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata}
    mark = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    properties = {**body.get("properties", {}), **names}
    return {**body, "type": "object", "properties": properties, "x-kubernetes-group-version-kind": [mark]}


def _published(held: Mapping[str, Any], types: set[str], member: str = "") -> dict[str, Any]:
    """A schema as clients may see it; the types that it refers to are added to `types`."""
    if "$ref" in held:
        types.add(held["$ref"])
        made: dict[str, Any] = {"allOf": [_reference(_type_name(held["$ref"]))]}
        made |= {name: value for name, value in held.items() if name != "$ref"}
    else:
        made = dict(held)
    if isinstance(made.get("properties"), Mapping):
        made["properties"] = {name: _published(value, types, name) for name, value in made["properties"].items()}
    for name in SCHEMA_MEMBERS:
        if isinstance(made.get(name), Mapping):
            made[name] = _published(made[name], types)
    if made.get(INT_OR_STRING) and "anyOf" not in made:
        made["oneOf"] = [{"type": "integer"}, {"type": "string"}]
        made.pop("format", None)
    key = merge_key(member, made) if made.get("type") == "array" else ""
    if key:
        strategy = RETAIN_KEYS.get(member, "merge")
        made |= {"x-kubernetes-patch-merge-key": key, "x-kubernetes-patch-strategy": strategy}
    elif made.get("x-kubernetes-list-type") == "set":
        made["x-kubernetes-patch-strategy"] = "merge"
    elif member == "strategy":
        made["x-kubernetes-patch-strategy"] = RETAIN_KEYS[member]
    return made


def _patch_path(kind: Kind) -> Object:
    """That a kind can be patched, how, and with which options: kubectl looks them up before it uses them."""
    resource = kind.resource
    head = f"/apis/{resource.group}" if resource.group else "/api"
    place = "namespaces/{namespace}/" if resource.namespaced else ""
    types = CUSTOM_PATCHES if kind.custom else PATCHES
    operation = {
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PATCH_PARAMETERS],
        "requestBody": {"content": {one: {"schema": _reference(schema_name(kind))} for one in types}},
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "version": resource.version,
            "kind": resource.kind,
        },
    }
    return {f"{head}/{resource.version}/{place}{resource.plural}/{{name}}": {"patch": operation}}
