"""ResourceQuotas by object count and by compute resources: what a namespace may hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from clusters.embedded.api.hooks import Review
from clusters.embedded.api.kinds import Storage
from clusters.embedded.api.quantity import canonical, parsed
from clusters.embedded.api.status import Object, forbidden
from clusters.embedded.api.store import Store

QUOTAS: Final[Storage] = ("", "resourcequotas")
COUNTED: Final = (
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
)
COMPUTE: Final = ("cpu", "memory")


def requested(storage: Storage, value: Object) -> dict[str, Decimal]:
    """What an object takes of each thing a quota may name."""
    group, plural = storage
    name = f"count/{plural}.{group}" if group else f"count/{plural}"
    taken = {name: Decimal(1)}
    if not group and plural in COUNTED:
        taken[plural] = Decimal(1)
    if storage == ("", "pods"):
        for container in (value.get("spec") or {}).get("containers") or ():
            resources = container.get("resources") or {}
            for member in ("requests", "limits"):
                for resource, amount in (resources.get(member) or {}).items():
                    key = f"{member}.{resource}"
                    taken[key] = taken.get(key, Decimal(0)) + parsed(amount)[0]
                    if member == "requests" and resource in COMPUTE:
                        taken[resource] = taken.get(resource, Decimal(0)) + parsed(amount)[0]
    return taken


def used(store: Store, namespace: str, name: str) -> Decimal:
    """What a namespace holds of one thing."""
    total = Decimal(0)
    for storage in store.storages():
        for key, value in store.objects(storage).items():
            if key[0] == namespace:
                total += requested(storage, value).get(name, Decimal(0))
    return total


def check(store: Store, review: Review) -> None:
    """Raises ApiError Forbidden when a create would exceed a quota."""
    if review.operation != "CREATE" or review.object is None or not review.namespace:
        return
    quotas = [value for key, value in sorted(store.objects(QUOTAS).items()) if key[0] == review.namespace]
    if not quotas:
        return
    wanted = requested(review.kind.storage, review.object)
    for quota in quotas:
        hard = (quota.get("spec") or {}).get("hard") or {}
        over = []
        for name in sorted(hard):
            if name not in wanted:
                continue
            have, limit = used(store, review.namespace, name), parsed(hard[name])[0]
            if have + wanted[name] > limit:
                over.append((name, wanted[name], have, hard[name]))
        if over:
            raise forbidden(
                review.resource.plural,
                review.resource.group,
                review.name or review.object["metadata"].get("name", ""),
                _exceeded(quota["metadata"]["name"], over),
            )


def _exceeded(name: str, over: list[tuple[str, Decimal, Decimal, str]]) -> str:
    asked = ",".join(f"{one}={canonical(str(amount))}" for one, amount, _, _ in over)
    have = ",".join(f"{one}={canonical(str(amount))}" for one, _, amount, _ in over)
    limited = ",".join(f"{one}={canonical(limit)}" for one, _, _, limit in over)
    return f"exceeded quota: {name}, requested: {asked}, used: {have}, limited: {limited}"
