"""Authorization by RBAC: Roles, ClusterRoles and their bindings, read from the store at each question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from clusters.embedded.api.auth import ACCOUNT_PREFIX, MASTERS, account_groups
from clusters.embedded.api.kinds import Storage
from clusters.embedded.api.request import Request, RequestInfo, User
from clusters.embedded.api.status import ApiError, Object, forbidden
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


def denial(attributes: Attributes) -> str:
    """The sentence that says what a user may not do."""
    one = attributes
    if one.path:
        return f'User "{one.user.name}" cannot {one.verb} path "{one.path}"'
    scope = f'in the namespace "{one.namespace}"' if one.namespace else "at the cluster scope"
    return f'User "{one.user.name}" cannot {one.verb} resource "{one.full_resource}" in API group "{one.group}" {scope}'


class Authorizer:
    """Answers questions; a member of system:masters may do everything."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check(self, request: Request, info: RequestInfo | None) -> None:
        """Raises ApiError Forbidden when the user may not do what the request asks."""
        self._impersonate(request, info)
        attributes = asked_by_request(request, info)
        allowed, _ = self.decide(attributes)
        if not allowed:
            raise refused(attributes)

    def _impersonate(self, request: Request, info: RequestInfo | None) -> None:
        """Act as another user, if allowed. Raises ApiError Forbidden."""
        name = request.header("impersonate-user")
        if not name:
            return
        attributes = asked_by_request(request, info)
        groups = tuple(one for one in request.header("impersonate-group").split(",") if one)
        asked = Attributes(request.user, "impersonate", "", "users", name=name)
        if not self.decide(asked)[0]:
            raise refused(replace(attributes, verb=f"impersonate-on:user-info:{attributes.verb}"))
        extra: tuple[str, ...] = (
            ("system:unauthenticated",) if name == "system:anonymous" else ("system:authenticated",)
        )
        if name.startswith(ACCOUNT_PREFIX):
            extra = account_groups(name)
        request.user = User(name, tuple(dict.fromkeys((*groups, *extra))))

    def decide(self, attributes: Attributes) -> tuple[bool, str]:
        """Allowed, and why."""
        if MASTERS in attributes.user.groups:
            return True, ""
        for rule, reason in self.rules_for(attributes.user, attributes.namespace):
            if allows(rule, attributes):
                return True, reason
        return False, ""

    def rules_for(self, user: User, namespace: str) -> Iterator[tuple[Rule, str]]:
        """The rules that apply to a user in a namespace (cluster-wide ones always), with their reason."""
        for binding in self._all("clusterrolebindings"):
            subject = _subject(binding, user, "")
            if subject:
                role = binding["roleRef"]
                reason = (
                    f'RBAC: allowed by ClusterRoleBinding "{binding["metadata"]["name"]}" of {role["kind"]} '
                    f'"{role["name"]}" to {subject}'
                )
                yield from ((rule, reason) for rule in self._role_rules(role, ""))
        if not namespace:
            return
        for binding in self._all("rolebindings", namespace):
            subject = _subject(binding, user, namespace)
            if subject:
                role = binding["roleRef"]
                reason = (
                    f'RBAC: allowed by RoleBinding "{binding["metadata"]["name"]}/{namespace}" of {role["kind"]} '
                    f'"{role["name"]}" to {subject}'
                )
                yield from ((rule, reason) for rule in self._role_rules(role, namespace))

    def _all(self, plural: str, namespace: str = "") -> list[Object]:
        place: Storage = (GROUP, plural)
        held = self._store.objects(place)
        return [held[key] for key in sorted(held) if not namespace or key[0] == namespace]

    def _role_rules(self, reference: Object, namespace: str) -> list[Rule]:
        cluster = reference["kind"] == "ClusterRole"
        place: Storage = (GROUP, "clusterroles" if cluster else "roles")
        role = self._store.objects(place).get(("" if cluster else namespace, reference["name"]))
        return list((role or {}).get("rules") or ())


def refused(attributes: Attributes) -> ApiError:
    """The 403 of an authorizer."""
    text = denial(attributes)
    headers = {"x-content-type-options": "nosniff"}
    if attributes.path:
        return ApiError("Forbidden", f"forbidden: {text}", details={}, headers=headers)
    error = forbidden(attributes.resource, attributes.group, attributes.name, text)
    error.headers.update(headers)
    return error


def allows(rule: Rule, asked: Attributes) -> bool:
    """Whether one rule covers a question."""
    if not _covers(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(_path_matches(pattern, asked.path) for pattern in rule.get("nonResourceURLs") or ())
    if not rule.get("resources") or not _covers(rule.get("apiGroups"), asked.group):
        return False
    names = rule.get("resourceNames") or ()
    if names and asked.name not in names:
        return False
    wanted = rule["resources"]
    if "*" in wanted or asked.full_resource in wanted:
        return True
    return bool(asked.subresource) and f"*/{asked.subresource}" in wanted


def _covers(values: Any, value: str) -> bool:
    return "*" in (values or ()) or value in (values or ())


def _path_matches(pattern: str, path: str) -> bool:
    return pattern == "*" or pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def _subject(binding: Object, user: User, namespace: str) -> str:
    """The subject of a binding that a user is, as reasons name it."""
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name", "")
        if kind == "User" and name == user.name:
            return f'User "{name}"'
        if kind == "Group" and name in user.groups:
            return f'Group "{name}"'
        if kind == "ServiceAccount":
            place = subject.get("namespace") or namespace
            if user.name == f"{ACCOUNT_PREFIX}{place}:{name}":
                return f'ServiceAccount "{name}/{place}"'
    return ""
