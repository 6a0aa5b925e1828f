"""Paths that are no resources: health, version, discovery documents, OpenAPI."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api import discovery, openapi
from clusters.embedded.api.exchange import Call, Reply, page_not_found, text_reply
from clusters.embedded.api.media import negotiate
from clusters.embedded.api.status import method_not_allowed
from clusters.embedded.api.store import Store

HEALTH: Final = ("/healthz", "/livez", "/readyz")
CHECKS: Final = ("ping", "log", "etcd", "informer-sync", "poststarthook/crd-informer-synced")
NOSNIFF: Final = {"x-content-type-options": "nosniff"}
KEYS_HEADERS: Final = {"cache-control": "public, max-age=3600"}
"""There are no keys: tokens of this server are looked up, not signed."""
ISSUER: Final = "https://kubernetes.default.svc.cluster.local"


def answer(call: Call, store: Store, address: str) -> Reply:
    """Any request outside /api/<version>/... and /apis/<group>/<version>/..."""
    path = call.path.rstrip("/") or "/"
    head = next((one for one in HEALTH if path == one or path.startswith(f"{one}/")), None)
    if head is not None:
        return _health(call, path, head)
    if path.startswith("/openapi"):
        return openapi.answer(call, store.kinds)
    found = _document(call, store, address, path)
    if found is None:
        return page_not_found()
    return found


def _document(call: Call, store: Store, address: str, path: str) -> Reply | None:
    kinds = store.kinds
    if path == "/":
        return Reply(value={"paths": sorted(_paths(store))})
    if path == "/.well-known/openid-configuration":
        return Reply(value=_issuer(address), headers={"cache-control": "public, max-age=3600"})
    if path == "/openid/v1/jwks":
        return Reply(raw=b'{"keys":[]}', content_type="application/jwk-set+json", headers=dict(KEYS_HEADERS))
    if path == "/version":
        return only_get(call, Reply(value=discovery.VERSION))
    if path in ("/api", "/apis"):
        only_get(call, Reply())
        return discovery.root(call, kinds, address, core=path == "/api")
    parts = path.split("/")
    if len(parts) == 3 and parts[1] == "apis":
        found = discovery.group(kinds, parts[2])
        if found is not None:
            negotiate(call, custom=False)
            return only_get(call, Reply(value=found))
    return None


def only_get(call: Call, reply: Reply) -> Reply:
    """Discovery answers GET alone. Raises ApiError MethodNotAllowed."""
    if call.method != "GET":
        raise method_not_allowed()
    return reply


def _health(call: Call, path: str, head: str) -> Reply:
    check = path[len(head) + 1 :]
    if check:
        return text_reply(200, "ok") if check in CHECKS else page_not_found()
    if not call.has("verbose"):
        return text_reply(200, "ok", **NOSNIFF)
    excluded = call.query.get("exclude") or []
    lines = [f"[+]{name} excluded: ok" if name in excluded else f"[+]{name} ok" for name in CHECKS]
    return text_reply(200, "\n".join([*lines, f"{head[1:]} check passed", ""]), **NOSNIFF)


def _paths(store: Store) -> set[str]:
    paths = {"/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", "/openapi/v2", "/openapi/v3"}
    paths |= {*HEALTH, "/version", *(f"{head}/{check}" for head in HEALTH for check in CHECKS)}
    for group, versions in store.kinds.versions().items():
        if group:
            paths.add(f"/apis/{group}")
            paths |= {f"/apis/{group}/{version}" for version in versions}
    return paths


def _issuer(address: str) -> dict[str, object]:
    return {
        "issuer": ISSUER,
        "jwks_uri": f"https://{address}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
