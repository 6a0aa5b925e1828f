"""Kinds that are questions about the user: may I, what may I, who am I; and tokens of service accounts. Nothing of them
is stored."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.auth import ACCOUNT_PREFIX, Tokens, account_groups
from clusters.embedded.api.body_decoding import decode
from clusters.embedded.api.field_errors import Cause, invalid, required
from clusters.embedded.api.kinds import ApiResource, Kind
from clusters.embedded.api.lifecycle import timestamp
from clusters.embedded.api.query_options import WriteOptions
from clusters.embedded.api.rbac import Attributes, Authorizer
from clusters.embedded.api.request import Request, RequestInfo, Response, User
from clusters.embedded.api.status import Object, bad_request, method_not_allowed
from clusters.embedded.api.status import invalid as invalid_object
from clusters.embedded.api.store import Store

AUDIENCE: Final = "https://kubernetes.default.svc.cluster.local"
DEFAULT_TOKEN_SECONDS: Final = 3600
SHORTEST_TOKEN_SECONDS: Final = 600
LONGEST_TOKEN_SECONDS: Final = 1 << 32
TOKEN_REQUEST: Final = Kind(ApiResource("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest"), "tokenrequest")


class AccessReviews:
    """Answers reviews."""

    def __init__(self, store: Store, authorizer: Authorizer, tokens: Tokens) -> None:
        self._store = store
        self._authorizer = authorizer
        self._tokens = tokens

    def answer(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        """POST of a review. Raises ApiError."""
        if request.method != "POST" or info.name:
            raise method_not_allowed()
        value = decode(request, kind, WriteOptions.of(request, "CreateOptions").field_validation)
        value["metadata"]["creationTimestamp"] = self._store.now()
        spec = value.get("spec") if isinstance(value.get("spec"), dict) else {}
        if kind.resource.kind == "SelfSubjectReview":
            user = {"username": request.user.name, "groups": list(request.user.groups)}
            value["status"] = {"userInfo": user | ({"uid": request.user.uid} if request.user.uid else {})}
        elif kind.resource.kind == "SelfSubjectRulesReview":
            value["status"] = self._rules(request.user, str((spec or {}).get("namespace") or ""))
        else:
            value["status"] = self._access(request.user, spec or {})
        return Response(201, value=value)

    def _access(self, user: User, spec: Object) -> Object:
        asked, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if not isinstance(asked, dict) and not isinstance(path, dict):
            text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            raise self._refused(required("spec.resourceAttributes", text))
        if isinstance(path, dict):
            attributes = Attributes(user, str(path.get("verb", "")), path=str(path.get("path", "")))
        else:
            names = ("verb", "group", "resource", "subresource", "namespace", "name")
            attributes = Attributes(user, *(str((asked or {}).get(name) or "") for name in names))
        allowed, reason = self._authorizer.decide(attributes)
        return {"allowed": allowed, "reason": reason} if reason else {"allowed": allowed}

    def _refused(self, cause: Cause) -> Exception:
        return invalid_object("SelfSubjectAccessReview", "authorization.k8s.io", "", [cause])

    def _rules(self, user: User, namespace: str) -> Object:
        if not namespace:
            raise bad_request("no namespace on request")
        resources: list[Object] = []
        paths: list[Object] = []
        for rule, _ in self._authorizer.rules_for(user, namespace):
            if rule.get("nonResourceURLs"):
                paths.append({"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]})
            else:
                names = ("verbs", "apiGroups", "resources", "resourceNames")
                resources.append({name: rule[name] for name in names if rule.get(name)})
        return {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}

    def token(self, request: Request, account: Object) -> Response:
        """A token for a service account: the answer to a TokenRequest. Raises ApiError."""
        options = WriteOptions.of(request, "CreateOptions")
        spec = decode(request, TOKEN_REQUEST, options.field_validation).get("spec") or {}
        seconds = spec.get("expirationSeconds") or DEFAULT_TOKEN_SECONDS
        if not SHORTEST_TOKEN_SECONDS <= seconds <= LONGEST_TOKEN_SECONDS:
            limit = "less than 10 minutes" if seconds < SHORTEST_TOKEN_SECONDS else "larger than 2^32 seconds"
            cause = invalid("spec.expirationSeconds", seconds, f"may not specify a duration {limit}")
            raise invalid_object("TokenRequest", "authentication.k8s.io", "", [cause])
        held = account["metadata"]
        name = f"{ACCOUNT_PREFIX}{held['namespace']}:{held['name']}"
        token, expires = f"embedded.{self._store.new_uid()}", self._store.clock.wall() + seconds
        if not options.dry_run:
            self._tokens.add(token, User(name, account_groups(name), held["uid"]), expires)
        value: Object = {
            "kind": "TokenRequest",
            "apiVersion": TOKEN_REQUEST.resource.api_version,
            "metadata": {
                "name": held["name"],
                "namespace": held["namespace"],
                "creationTimestamp": self._store.now(),
            },
            "spec": {"audiences": spec.get("audiences") or [AUDIENCE], "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": timestamp(expires)},
        }
        return Response(201, value=value)
