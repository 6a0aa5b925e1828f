"""Authorization by RBAC: Roles, ClusterRoles and their bindings, read from the store at each question; and the kinds
that are such questions (may I, what may I, who am I), of which nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from clusters.embedded.api.api_errors import ApiError, Object, bad_request, forbidden, method_not_allowed
from clusters.embedded.api.api_errors import invalid as invalid_object
from clusters.embedded.api.auth import ACCOUNT_PREFIX, MASTERS, Tokens, account_groups
from clusters.embedded.api.body_decoding import decode
from clusters.embedded.api.field_errors import invalid, required
from clusters.embedded.api.kinds import ApiResource, Kind, Storage
from clusters.embedded.api.lifecycle import timestamp
from clusters.embedded.api.query_options import WriteOptions
from clusters.embedded.api.request import Request, RequestInfo, Response, User
from clusters.embedded.api.store import Store

GROUP: Final = "rbac.authorization.k8s.io"
Rule = dict[str, Any]
VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get", "HEAD": "get"}


@dataclass(frozen=True, slots=True)
class Attributes:
    """A question. `path` is set for non-resource questions only."""

    user: User
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def asked_by_request(request: Request, info: RequestInfo | None) -> Attributes:
    """The question a request poses."""
    if info is None or not info.plural:
        return Attributes(request.user, VERBS.get(request.method, request.method.lower()), path=request.path)
    verb = VERBS.get(request.method, request.method.lower())
    if not info.name and verb in ("get", "delete"):
        verb = "deletecollection" if verb == "delete" else "list"
    if verb in ("get", "list") and request.flag("watch"):
        verb = "watch"
    place = (info.group, info.plural, info.subresource, info.namespace, info.name)
    return Attributes(request.user, verb, *place)


class Authorizer:
    """Answers questions; a member of system:masters may do everything."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check(self, request: Request, info: RequestInfo | None) -> None:
        """Raises ApiError Forbidden when the user may not do what the request asks."""
        self._impersonate(request, info)
        attributes = asked_by_request(request, info)
        if not self.allows(attributes):
            raise refused(attributes)

    def _impersonate(self, request: Request, info: RequestInfo | None) -> None:
        """Act as another user, if allowed. Raises ApiError Forbidden."""
        name = request.header("impersonate-user")
        if not name:
            return
        if not self.allows(Attributes(request.user, "impersonate", "", "users", name=name)):
            attributes = asked_by_request(request, info)
            raise refused(replace(attributes, verb=f"impersonate-on:user-info:{attributes.verb}"))
        groups = [one for one in request.header("impersonate-group").split(",") if one]
        if name.startswith(ACCOUNT_PREFIX):
            groups += account_groups(name)
        else:
            groups.append("system:unauthenticated" if name == "system:anonymous" else "system:authenticated")
        request.user = User(name, tuple(groups))

    def allows(self, asked: Attributes) -> bool:
        """Whether a user may do it."""
        if MASTERS in asked.user.groups:
            return True
        return any(covers(rule, asked) for rule in self.rules_for(asked.user, asked.namespace))

    def rules_for(self, user: User, namespace: str) -> Iterator[Rule]:
        """The rules that apply to a user in a namespace; cluster-wide ones always."""
        for plural in ("clusterrolebindings", "rolebindings") if namespace else ("clusterrolebindings",):
            place = namespace if plural == "rolebindings" else ""
            for binding in self._all(plural, place):
                if any(_is_meant(subject, user, place) for subject in binding.get("subjects") or ()):
                    yield from self._role_rules(binding.get("roleRef") or {}, place)

    def _all(self, plural: str, namespace: str = "") -> list[Object]:
        place: Storage = (GROUP, plural)
        held = self._store.objects(place)
        return [held[key] for key in sorted(held) if not namespace or key[0] == namespace]

    def _role_rules(self, reference: Object, namespace: str) -> list[Rule]:
        cluster = reference.get("kind") == "ClusterRole"
        place: Storage = (GROUP, "clusterroles" if cluster else "roles")
        role = self._store.objects(place).get(("" if cluster else namespace, reference.get("name", "")))
        return list((role or {}).get("rules") or ())


def refused(asked: Attributes) -> ApiError:
    """The 403 of an authorizer."""
    text = f'User "{asked.user.name}" cannot {asked.verb}'
    if asked.path:
        return ApiError("Forbidden", f'forbidden: {text} path "{asked.path}"', details={})
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    text += f' resource "{asked.full_resource}" in API group "{asked.group}" {scope}'
    return forbidden(asked.resource, asked.group, asked.name, text)


def covers(rule: Rule, asked: Attributes) -> bool:
    """Whether one rule covers a question."""
    if not _names(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(_path_matches(pattern, asked.path) for pattern in rule.get("nonResourceURLs") or ())
    if not rule.get("resources") or not _names(rule.get("apiGroups"), asked.group):
        return False
    if rule.get("resourceNames") and asked.name not in rule["resourceNames"]:
        return False
    wanted = {"*", asked.full_resource} | ({f"*/{asked.subresource}"} if asked.subresource else set())
    return not wanted.isdisjoint(rule["resources"])


def _names(values: Any, value: str) -> bool:
    return "*" in (values or ()) or value in (values or ())


def _path_matches(pattern: str, path: str) -> bool:
    return pattern == "*" or pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def _is_meant(subject: Object, user: User, namespace: str) -> bool:
    """Whether the subject of a binding is this user."""
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "ServiceAccount":
        return user.name == f"{ACCOUNT_PREFIX}{subject.get('namespace') or namespace}:{name}"
    return (kind == "User" and name == user.name) or (kind == "Group" and name in user.groups)


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
            cause = required("spec.resourceAttributes", text)
            raise invalid_object("SelfSubjectAccessReview", "authorization.k8s.io", "", [cause])
        if isinstance(path, dict):
            attributes = Attributes(user, str(path.get("verb", "")), path=str(path.get("path", "")))
        else:
            names = ("verb", "group", "resource", "subresource", "namespace", "name")
            attributes = Attributes(user, *(str((asked or {}).get(name) or "") for name in names))
        return {"allowed": self._authorizer.allows(attributes)}

    def _rules(self, user: User, namespace: str) -> Object:
        if not namespace:
            raise bad_request("no namespace on request")
        resources: list[Object] = []
        paths: list[Object] = []
        for rule in self._authorizer.rules_for(user, namespace):
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
            "metadata": {"name": held["name"], "namespace": held["namespace"], "creationTimestamp": self._store.now()},
            "spec": {"audiences": spec.get("audiences") or [AUDIENCE], "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": timestamp(expires)},
        }
        return Response(201, value=value)
