"""Discovery: which groups, versions and resources there are, in the plain and the aggregated form; and the other paths
that are no resources: health, version, OpenAPI."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from clusters.embedded.api import openapi_documents
from clusters.embedded.api.api_errors import Object, method_not_allowed
from clusters.embedded.api.content_negotiation import clauses
from clusters.embedded.api.json_values import compact
from clusters.embedded.api.kinds import Kind, Kinds
from clusters.embedded.api.request import Request, Response, page_not_found, text_response

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
        return text_response(200, f"[+]ping ok\n{path[1:]} check passed\n" if "verbose" in request.query else "ok")
    if path.startswith(openapi_documents.PREFIX):
        found: Response | None = openapi_documents.answer(request, kinds, path)
    elif path == "/version":
        found = Response(value=VERSION)
    elif path in ("/api", "/apis"):
        found = _root(request, kinds, core=path == "/api")
    else:
        name = path.removeprefix("/apis/")
        versions = kinds.versions().get(name)
        found = Response(value={"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}) if versions else None
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
    if core:
        return Response(value={"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
    listed = [_group(name, versions) for name, versions in kinds.versions().items() if name]
    return Response(value={"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})


def _group(name: str, listed: list[str]) -> Object:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in listed]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def resources(kinds: Kinds, group: str, version: str) -> Object | None:
    """GET /api/v1 or /apis/<group>/<version>; None when nothing is there."""
    lines = [line for kind in kinds.in_version(group, version) for line in _lines(kind)]
    place = f"{group}/{version}" if group else version
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": place}
    return {**head, "resources": lines} if lines else None


def _lines(kind: Kind) -> Iterable[Object]:
    resource = kind.resource
    scope = {"singularName": kind.singular, "namespaced": resource.namespaced}
    line = {"name": resource.plural, **scope, "kind": resource.kind, "verbs": list(kind.verbs), **_names(kind)}
    if kind.stored:
        line["storageVersionHash"] = kind.storage_hash
    yield line
    for sub in kind.subresources:
        below: Object = {"name": f"{resource.plural}/{sub.name}", **scope, "singularName": "", "kind": sub.kind}
        if sub.group:
            below |= {"group": sub.group, "version": sub.version}
        yield {**below, "verbs": list(sub.verbs)}


def _names(kind: Kind) -> Object:
    """Short names and categories, where there are any."""
    listed = {"shortNames": list(kind.short_names), "categories": list(kind.categories)}
    return {name: words for name, words in listed.items() if words}


def aggregated(kinds: Kinds, *, core: bool) -> Object:
    """The whole of /api or /apis in one document."""
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [
                {
                    "version": version,
                    "resources": [_aggregated_resource(kind) for kind in kinds.in_version(name, version)],
                    "freshness": "Current",
                }
                for version in versions
            ],
        }
        for name, versions in kinds.versions().items()
        if bool(name) != core
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_resource(kind: Kind) -> Object:
    resource = kind.resource
    own = {"group": resource.group, "version": resource.version}
    line: Object = {
        "resource": resource.plural,
        "responseKind": {**own, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
        **_names(kind),
    }
    if kind.subresources:
        line["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": {
                    "group": sub.group or resource.group,
                    "version": sub.version or resource.version,
                    "kind": sub.kind,
                },
                "verbs": list(sub.verbs),
            }
            for sub in kind.subresources
        ]
    return line
