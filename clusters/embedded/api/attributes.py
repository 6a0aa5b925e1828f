"""What an authorizer is asked: the verb, and the resource or path, of a request or of a review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.exchange import Call, User
from clusters.embedded.api.target import Target

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


def of(call: Call, target: Target | None) -> Attributes:
    """The question a request poses."""
    if target is None or not target.plural:
        return Attributes(call.user, VERBS.get(call.method, call.method.lower()), path=call.path)
    verb = VERBS.get(call.method, call.method.lower())
    if not target.name and verb in ("get", "delete"):
        verb = "deletecollection" if verb == "delete" else "list"
    if verb in ("get", "list") and call.flag("watch"):
        verb = "watch"
    namespace = "" if target.plural == "namespaces" and target.group == "" else target.namespace
    if target.plural == "namespaces" and target.group == "":
        namespace = target.name
    return Attributes(call.user, verb, target.group, target.plural, target.subresource, namespace, target.name)


def denial(attributes: Attributes) -> str:
    """The sentence that says what a user may not do."""
    one = attributes
    if one.path:
        return f'User "{one.user.name}" cannot {one.verb} path "{one.path}"'
    scope = f'in the namespace "{one.namespace}"' if one.namespace else "at the cluster scope"
    return f'User "{one.user.name}" cannot {one.verb} resource "{one.full_resource}" in API group "{one.group}" {scope}'
