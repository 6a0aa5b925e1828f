"""OpenAPI documents: v3 one group version at a time behind hashed URLs, v2 as one document.

They carry what kubectl needs to explain and to validate: schemas with their group, version and kind.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final

from clusters.embedded.api import discovery
from clusters.embedded.api.builtin_schema import object_meta
from clusters.embedded.api.exchange import Call, Reply, compact, page_not_found
from clusters.embedded.api.go_fields import is_known, type_name
from clusters.embedded.api.kinds import Kind, Kinds
from clusters.embedded.api.media import clauses
from clusters.embedded.api.openapi_paths import META, Operations, group_word, reference, simple, tag_of
from clusters.embedded.api.openapi_types import MACHINERY, marked, schema, schemas
from clusters.embedded.api.schema_data import Schema
from clusters.embedded.api.status import Object, method_not_allowed

META_NAME: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIST_META_NAME: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
JSON_ONLY: Final = ("application/json",)
VERSIONS_WORDS: Final = "get available API versions"
INFO: Final = {"title": "Kubernetes", "version": "1.36"}
CUSTOM_INFO: Final = {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}
FOREVER: Final = "public, immutable"
TOKENS: Final = {
    "BearerToken": {"type": "apiKey", "description": "a bearer token", "name": "authorization", "in": "header"}
}
VERSION_WORDS: Final = (
    "major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"
)  # fmt: skip
VERSION_INFO: Final = f"{MACHINERY}.version.Info"
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
    found: dict[str, tuple[str, str]] = dict.fromkeys(_small_documents(kinds), ("", ""))
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
        body = compact(document(kinds, group, version) if version else _small_documents(kinds)[place])
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


def _published(held: Schema) -> dict[str, Any]:
    """A schema as clients may see it: defaults and structure, without this server's own marks."""
    made: dict[str, Any] = {}
    for name, value in held.items():
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
    mark = (resource.group, resource.version, resource.kind)
    type_ = type_name(resource.api_version, resource.kind)
    if not kind.custom and is_known(type_):
        return marked(schema(type_), [mark])
    body = _published(kind.schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    body["type"] = "object"
    body["properties"] = {**body.get("properties", {}), "metadata": {"allOf": [reference(META_NAME)]}}
    return marked(body, [mark])


def _list_schema(kind: Kind) -> Object:
    resource = kind.resource
    items = {"type": "array", "items": reference(schema_name(kind))}
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [reference(LIST_META_NAME)], **({} if kind.custom else {"default": {}})},
            "items": items,
        },
        "x-kubernetes-group-version-kind": [
            {"group": resource.group, "kind": kind.list_name, "version": resource.version}
        ],
    }


def document(kinds: Kinds, group: str, version: str) -> Object:
    """The OpenAPI v3 document of one group version."""
    listed = kinds.in_version(group, version)
    custom = any(kind.custom for kind in listed)
    own: Object = {}
    types = ["meta.ObjectMeta", "meta.ListMeta", "meta.DeleteOptions", "meta.Patch", "meta.Status"]
    paths: Object = {}
    for kind in listed:
        type_ = type_name(kind.resource.api_version, kind.resource.kind)
        if not kind.custom and is_known(type_):
            types.append(type_)
        own[schema_name(kind)] = _kind_schema(kind)
        if "list" in kind.verbs:
            own[f"{schema_name(kind)}List"] = _list_schema(kind)
        if kind.scale is not None:
            types.append("autoscaling.v1.Scale")
        paths |= dict(Operations(kind, schema_name(kind)).paths())
    if not custom:
        types += ["meta.APIResourceList", "meta.WatchEvent"]
        place = f"/apis/{group}/{version}/" if group else f"/api/{version}/"
        identity = f"get{group_word(group)}{version[:1].upper()}{version[1:]}APIResources"
        words = "get available resources"
        paths |= simple(place, tag_of(group, version), identity, words, f"{META}.APIResourceList")
    found = {**dict(schemas(dict.fromkeys(types))), **own}
    if not custom and group:
        for name in ("DeleteOptions", "WatchEvent"):
            marks = [("", "v1", name), (group, version, name)]
            found[f"{META}.{name}"] = marked(found[f"{META}.{name}"], marks)
    components: Object = {"schemas": dict(sorted(found.items()))}
    if not custom:
        components["securitySchemes"] = TOKENS
    info = CUSTOM_INFO if custom else INFO
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": components}


def _small_documents(kinds: Kinds) -> dict[str, Object]:
    """Documents of paths that are no kinds', by place."""
    issuer, keys = "getServiceAccountIssuerOpenIDConfiguration", "getServiceAccountIssuerOpenIDKeyset"
    made = {
        "version": simple(
            "/version/", "version", "getCodeVersion", "get the version of this server", VERSION_INFO, JSON_ONLY
        ),
        "api": simple("/api/", "core", "getCoreAPIVersions", VERSIONS_WORDS, f"{META}.APIVersions"),
        "apis": simple("/apis/", "apis", "getAPIVersions", VERSIONS_WORDS, f"{META}.APIGroupList"),
        ".well-known/openid-configuration": simple(
            "/.well-known/openid-configuration/", "WellKnown", issuer, "get the issuer of service account tokens",
            "OpenIDConfiguration", JSON_ONLY,
        ),
        "openid/v1/jwks": simple(
            "/openid/v1/jwks/", "openid", keys, "get the keys of service account tokens", "OpenIDKeys", JSON_ONLY
        ),
    }  # fmt: skip
    for group in kinds.versions():
        if group and not any(kind.custom for kind in kinds if kind.resource.group == group):
            identity = f"get{group_word(group)}APIGroup"
            made[f"apis/{group}"] = simple(
                f"/apis/{group}/", tag_of(group), identity, "get information of a group", f"{META}.APIGroup"
            )
    documents: dict[str, Object] = {}
    for place, paths in made.items():
        components = {"schemas": _types_of_answer(place), "securitySchemes": TOKENS}
        documents[place] = {"openapi": "3.0.0", "info": INFO, "paths": paths, "components": components}
    return documents


def _types_of_answer(place: str) -> Object:
    """The types that the one operation of a small document refers to."""
    if place == "version":
        text = {"type": "string"}
        properties = {name: {**text, "default": ""} if name in VERSION_WORDS else text for name in discovery.VERSION}
        return {VERSION_INFO: {"type": "object", "required": list(VERSION_WORDS), "properties": properties}}
    known = {"api": "meta.APIVersions", "apis": "meta.APIGroupList"}
    type_ = known.get(place) or ("meta.APIGroup" if place.startswith("apis/") else "")
    return dict(sorted(schemas([type_]))) if type_ else {}


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
        body = _published(kind.schema or {"type": "object"})
        body["properties"] = {**body.get("properties", {}), "metadata": {"$ref": f"#/definitions/{META_NAME}"}}
        mark = (kind.resource.group, kind.resource.version, kind.resource.kind)
        definitions[schema_name(kind)] = marked(body, [mark])
        paths |= _actions(kind)
    info = INFO
    return {"swagger": "2.0", "info": info, "paths": paths, "definitions": dict(sorted(definitions.items()))}


def _actions(kind: Kind) -> Object:
    """Which actions a kind has, without more: what clients of the old document look for."""
    kept = ("x-kubernetes-action", "x-kubernetes-group-version-kind", "operationId", "description", "tags")
    return {
        path: {
            method: {name: operation[name] for name in kept} | {"responses": {"200": {"description": "OK"}}}
            for method, operation in item.items()
            if method != "parameters"
        }
        for path, item in Operations(kind, schema_name(kind)).paths()
    }
