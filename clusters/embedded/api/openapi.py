"""OpenAPI documents: v3 one group version at a time behind hashed URLs, v2 as one document.

They carry what kubectl needs to explain and to validate: schemas with their group, version and kind.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final

from clusters.embedded.api.builtin_schema import object_meta
from clusters.embedded.api.exchange import Call, Reply, compact, page_not_found
from clusters.embedded.api.kinds import Kind, Kinds
from clusters.embedded.api.media import clauses
from clusters.embedded.api.schema_data import Schema
from clusters.embedded.api.status import Object, method_not_allowed

META_NAME: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIST_META_NAME: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
FOREVER: Final = "public, immutable"
V3_PREFIX: Final = "/openapi/v3"
CHANGED_FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The index of documents is as new as this and a second for each change of the kinds."""

_documents: dict[tuple[int, str], tuple[int, bytes, str]] = {}


def answer(call: Call, kinds: Kinds) -> Reply:
    """GET below /openapi."""
    path = call.path.rstrip("/")
    if path == "/openapi/v2":
        return _swagger(call, kinds)
    if path == V3_PREFIX:
        headers = {"cache-control": "no-cache, private", "accept-ranges": "bytes"}
        body = compact(index(kinds))
        changed = format_datetime(CHANGED_FROM + timedelta(seconds=kinds.generation), usegmt=True)
        if call.header("if-modified-since") and not _is_newer(call.header("if-modified-since"), kinds.generation):
            return Reply(304, raw=b"", content_type="", headers={"cache-control": headers["cache-control"]})
        headers["last-modified"] = changed
        return _only_get(call, Reply(raw=body, content_type="text/plain; charset=utf-8", headers=headers))
    if path.startswith(V3_PREFIX + "/"):
        return _version(call, kinds, path[len(V3_PREFIX) + 1 :])
    return page_not_found()


def _is_newer(stamp: str, generation: int) -> bool:
    """Whether the kinds changed after a time this server gave; a time that is none counts as long ago."""
    try:
        return parsedate_to_datetime(stamp) < CHANGED_FROM + timedelta(seconds=generation)
    except ValueError:
        return True


def _only_get(call: Call, reply: Reply) -> Reply:
    if call.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    return reply


def _places(kinds: Kinds) -> dict[str, tuple[str, str]]:
    found = {}
    for group, versions in kinds.versions().items():
        for version in versions:
            found[f"apis/{group}/{version}" if group else f"api/{version}"] = (group, version)
    return found


def index(kinds: Kinds) -> Object:
    """GET /openapi/v3: where each document is, with its hash."""
    paths = {}
    for place, (group, version) in sorted(_places(kinds).items()):
        _, digest = _document(kinds, place, group, version)
        paths[place] = {"serverRelativeURL": f"{V3_PREFIX}/{place}?hash={digest}"}
    return {"paths": paths}


def _document(kinds: Kinds, place: str, group: str, version: str) -> tuple[bytes, str]:
    key = (id(kinds), place)
    known = _documents.get(key)
    if known is None or known[0] != kinds.generation:
        body = compact(document(kinds, group, version))
        known = (kinds.generation, body, hashlib.sha512(body).hexdigest().upper())
        _documents[key] = known
    return known[1], known[2]


def _version(call: Call, kinds: Kinds, place: str) -> Reply:
    found = _places(kinds).get(place)
    if found is None:
        return Reply(404, raw=b"", content_type="")
    _only_get(call, Reply())
    accepted = [media for media, _ in clauses(call.header("accept") or "*/*")]
    if not any(one in ("*/*", "application/json", "application/*") for one in accepted):
        return Reply(406, raw=b"", content_type="", headers={"vary": "Accept"})
    body, digest = _document(kinds, place, *found)
    etag = f'"{digest}"'
    asked = call.one("hash")
    headers = {"etag": etag, "vary": "Accept", "accept-ranges": "bytes", "cache-control": "no-cache, private"}
    if asked and asked != digest:
        moved = f"{V3_PREFIX}/{place}?hash={digest}"
        headers = {"location": moved, "etag": etag, "vary": "Accept", "cache-control": "no-cache, private"}
        return Reply(301, raw=b"", headers=headers)
    if asked:
        headers["cache-control"] = FOREVER
    if call.header("if-none-match") == etag:
        headers.pop("accept-ranges")
        return Reply(304, raw=b"", content_type="", headers=headers)
    return Reply(raw=body, headers=headers)


def schema_name(kind: Kind) -> str:
    """The name of a kind's schema, dotted and reversed as in real documents."""
    resource = kind.resource
    if kind.custom:
        reverse = ".".join(reversed(resource.group.split(".")))
        return f"{reverse}.{resource.version}.{resource.kind}"
    group = (resource.group or "core").split(".")[0]
    return f"io.k8s.api.{group}.{resource.version}.{resource.kind}"


def _published(schema: Schema) -> dict[str, Any]:
    """A schema as clients may see it: defaults and structure, without this server's own marks."""
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "x-type":
            continue
        if isinstance(value, dict) and name == "properties":
            made[name] = {key: _published(inner) for key, inner in value.items()}
        elif isinstance(value, dict) and name in ("items", "additionalProperties", "not"):
            made[name] = _published(value)
        else:
            made[name] = value
    if made.get("x-kubernetes-int-or-string") and "anyOf" not in made:
        made["oneOf"] = [{"type": "integer"}, {"type": "string"}]
        made.pop("format", None)
    return made


def _kind_schema(kind: Kind) -> Object:
    resource = kind.resource
    body = _published(kind.schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    body["type"] = "object"
    properties = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, **body.get("properties", {})}
    properties["metadata"] = {"allOf": [{"$ref": f"#/components/schemas/{META_NAME}"}]}
    body["properties"] = properties
    mark = {"group": resource.group, "kind": resource.kind, "version": resource.version}
    body["x-kubernetes-group-version-kind"] = [mark]
    return body


def _list_schema(kind: Kind) -> Object:
    resource = kind.resource
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{schema_name(kind)}"}}
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"$ref": f"#/components/schemas/{LIST_META_NAME}"},
            "items": items,
        },
        "x-kubernetes-group-version-kind": [
            {"group": resource.group, "kind": kind.list_name, "version": resource.version}
        ],
    }


def document(kinds: Kinds, group: str, version: str) -> Object:
    """The OpenAPI v3 document of one group version."""
    listed = kinds.in_version(group, version)
    schemas: Object = {META_NAME: _published(object_meta()), LIST_META_NAME: {"type": "object"}}
    paths: Object = {}
    for kind in listed:
        schemas[schema_name(kind)] = _kind_schema(kind)
        if kind.stored:
            schemas[f"{schema_name(kind)}List"] = _list_schema(kind)
        paths |= _kind_paths(kind)
    info = {"title": "Kubernetes", "version": "v1.36.2"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": dict(sorted(schemas.items()))}}


def _kind_paths(kind: Kind) -> Object:
    """The operations kubectl looks for: which actions there are, and that patches take fieldValidation and dryRun."""
    resource = kind.resource
    mark = {"group": resource.group, "kind": resource.kind, "version": resource.version}
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    base = resource.path("{namespace}" if resource.namespaced else None)
    answer_ = {"200": {"description": "OK"}}

    def operation(action: str) -> Object:
        return {
            "parameters": parameters,
            "responses": answer_,
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": mark,
        }

    collection: Object = {}
    if "list" in kind.verbs:
        collection["get"] = operation("list")
    if "create" in kind.verbs:
        collection["post"] = operation("post")
    paths: Object = {base: collection}
    if "get" in kind.verbs:
        paths[f"{base}/{{name}}"] = {
            "get": operation("get"),
            "put": operation("put"),
            "patch": operation("patch"),
            "delete": operation("delete"),
        }
    return paths


def _swagger(call: Call, kinds: Kinds) -> Reply:
    """GET /openapi/v2; the protobuf form clients prefer is not made, so they take JSON or go without."""
    _only_get(call, Reply())
    accepted = [media for media, _ in clauses(call.header("accept") or "*/*")]
    if not any(one in ("*/*", "application/json") for one in accepted):
        return Reply(406, raw=b"", content_type="")
    key = (id(kinds), "v2")
    known = _documents.get(key)
    if known is None or known[0] != kinds.generation:
        body = compact(swagger(kinds))
        known = (kinds.generation, body, hashlib.sha512(body).hexdigest().upper())
        _documents[key] = known
    etag = f'"{known[2]}"'
    headers = {"etag": etag, "vary": "Accept", "accept-ranges": "bytes", "cache-control": "no-cache, private"}
    if call.header("if-none-match") == etag:
        return Reply(304, raw=b"", content_type="", headers=headers)
    return Reply(raw=known[1], headers=headers)


def swagger(kinds: Kinds) -> Object:
    """The OpenAPI v2 document."""
    definitions: Object = {META_NAME: _published(object_meta()), LIST_META_NAME: {"type": "object"}}
    paths: Object = {}
    for kind in kinds:
        schema = _kind_schema(kind)
        schema["properties"]["metadata"] = {"$ref": f"#/definitions/{META_NAME}"}
        definitions[schema_name(kind)] = schema
        paths |= _kind_paths(kind)
    info = {"title": "Kubernetes", "version": "v1.36.2"}
    return {"swagger": "2.0", "info": info, "paths": paths, "definitions": dict(sorted(definitions.items()))}
