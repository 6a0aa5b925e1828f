"""What a URL path means: a collection, an object, a subresource, a discovery document, or something else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

NAMESPACE_SUBRESOURCES: Final = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed resource path, which is also what the authorizer is asked about."""

    group: str
    version: str
    plural: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource, for proxies."""

    rest_path: str = ""
    """For the old watch paths: what is watched."""

    @property
    def is_resource(self) -> bool:
        return bool(self.plural)

    @property
    def is_collection(self) -> bool:
        return bool(self.plural) and not self.name


def parse(path: str) -> Target | None:
    """The target of /api/... or /apis/...; None for every other path."""
    parts = path.split("/")[1:]
    if parts and parts[-1] == "":
        parts = parts[:-1]
    if len(parts) >= 2 and parts[0] == "api":
        target, rest = Target("", parts[1]), parts[2:]
    elif len(parts) >= 3 and parts[0] == "apis":
        target, rest = Target(parts[1], parts[2]), parts[3:]
    else:
        return None
    if not rest:
        return target
    if rest[0] == "watch" and len(rest) > 1:
        return replace(target, plural="watch", rest_path="/".join(rest[1:]))
    if (
        rest[0] == "namespaces"
        and len(rest) >= 3
        and not (target.group == "" and rest[2] in NAMESPACE_SUBRESOURCES and len(rest) == 3)
    ):
        target, rest = replace(target, namespace=rest[1]), rest[2:]
    elif rest[0] == "namespaces" and target.group == "":
        name = rest[1] if len(rest) > 1 else ""
        subresource = rest[2] if len(rest) > 2 else ""
        return replace(target, plural="namespaces", namespace=name, name=name, subresource=subresource)
    return replace(
        target,
        plural=rest[0],
        name=rest[1] if len(rest) > 1 else "",
        subresource=rest[2] if len(rest) > 2 else "",
        rest="/".join(rest[3:]),
    )
