"""Discovery: which groups, versions and resources there are, in the plain and the aggregated form; and the other paths
that are no resources: health, version, OpenAPI."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from clusters.embedded.api import openapi_documents
from clusters.embedded.api.content_negotiation import clauses
from clusters.embedded.api.json_values import compact
from clusters.embedded.api.kinds import Kind, Kinds
from clusters.embedded.api.request import Request, Response, page_not_found, text_response
from clusters.embedded.api.status import Object, method_not_allowed

AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
HEALTH: Final = ("/healthz", "/livez", "/readyz")
VERSION: Final[Object] = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2",
    "gitCommit": "embedded",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def answer(request: Request, kinds: Kinds) -> Response:
    """Any request outside /api/VERSION/... and /apis/GROUP/VERSION/... Raises ApiError."""
    path = request.path.rstrip("/")
    if path in HEALTH:
        suffix = "[+]ping ok\n" + f"{path[1:]} check passed\n" if "verbose" in request.query else "ok"
        return text_response(200, suffix)
    if path.startswith(openapi_documents.PREFIX):
        found: Response | None = openapi_documents.answer(request, kinds, path)
    elif path == "/version":
        found = Response(value=VERSION)
    elif path in ("/api", "/apis"):
        found = _root(request, kinds, core=path == "/api")
    else:
        parts = path.split("/")
        value = group(kinds, parts[2]) if len(parts) == 3 and parts[1] == "apis" else None
        found = None if value is None else Response(value=value)
    if found is None:
        return page_not_found()
    if request.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    return found


def _root(request: Request, kinds: Kinds, *, core: bool) -> Response:
    """GET /api or /apis: the form is chosen by parameters of the Accept header."""
    for _, parameters in clauses(request.header("accept")):
        if parameters.get("g") == "apidiscovery.k8s.io" and parameters.get("v") == "v2":
            body = compact(aggregated(kinds, core=core)) + b"\n"
            etag = f'"{hashlib.sha512(body).hexdigest().upper()}"'
            headers = {"etag": etag, "vary": "Accept", "cache-control": "public"}
            if request.header("if-none-match") == etag:
                return Response(304, raw=b"", content_type="", headers=headers)
            return Response(200, raw=body, content_type=AGGREGATED, headers=headers)
    return Response(value=versions() if core else groups(kinds))


def versions() -> Object:
    """GET /api."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def _group(name: str, listed: list[str]) -> Object:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in listed]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def groups(kinds: Kinds) -> Object:
    """GET /apis."""
    listed = [_group(name, found) for name, found in kinds.versions().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(kinds: Kinds, name: str) -> Object | None:
    """GET /apis/<group>."""
    listed = kinds.versions().get(name)
    return None if not listed or not name else {"kind": "APIGroup", "apiVersion": "v1", **_group(name, listed)}


def resources(kinds: Kinds, group_name: str, version: str) -> Object | None:
    """GET /api/v1 or /apis/<group>/<version>."""
    listed = kinds.in_version(group_name, version)
    if not listed:
        return None
    lines = [line for kind in listed for line in _lines(kind)]
    place = f"{group_name}/{version}" if group_name else version
    head = {"kind": "APIResourceList"}
    if group_name:
        head["apiVersion"] = "v1"
    return {**head, "groupVersion": place, "resources": lines}


def _lines(kind: Kind) -> Iterable[Object]:
    resource = kind.resource
    line: Object = {
        "name": resource.plural,
        "singularName": kind.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        line["shortNames"] = list(kind.short_names)
    if kind.categories:
        line["categories"] = list(kind.categories)
    if kind.stored and "watch" in kind.verbs:
        line["storageVersionHash"] = kind.storage_hash
    yield line
    for sub in kind.subresources:
        below: Object = {"name": f"{resource.plural}/{sub.name}", "singularName": "", "namespaced": resource.namespaced}
        if sub.group:
            below["group"] = sub.group
        if sub.version:
            below["version"] = sub.version
        yield {**below, "kind": sub.kind, "verbs": list(sub.verbs)}


def _aggregated_resource(kind: Kind) -> Object:
    resource = kind.resource
    line: Object = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group if kind.custom else "", "version": "", "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.custom:
        line["responseKind"]["version"] = resource.version
    if kind.short_names:
        line["shortNames"] = list(kind.short_names)
    if kind.categories:
        line["categories"] = list(kind.categories)
    if kind.subresources:
        line["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": {
                    "group": sub.group or (resource.group if kind.custom else ""),
                    "version": sub.version or (resource.version if kind.custom else ""),
                    "kind": sub.kind,
                },
                "verbs": list(sub.verbs),
            }
            for sub in kind.subresources
        ]
    return line


def aggregated(kinds: Kinds, *, core: bool) -> Object:
    """The whole of /api or /apis in one document."""
    items = []
    custom = {kind.resource.group for kind in kinds if kind.custom}
    ranked = sorted(kinds.versions().items(), key=lambda item: item[0] if item[0] in custom else "")
    for name, listed in ranked:
        if bool(name) == core:
            continue
        items.append(
            {
                "metadata": {"name": name} if name else {},
                "versions": [
                    {
                        "version": version,
                        "resources": [
                            _aggregated_resource(kind)
                            for kind in sorted(
                                kinds.in_version(name, version),
                                key=lambda kind: kind.resource.plural if kind.custom else "",
                            )
                        ],
                        "freshness": "Current",
                    }
                    for version in listed
                ],
            }
        )
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}
