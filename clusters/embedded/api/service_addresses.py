"""A new Service's cluster address."""

from __future__ import annotations

from clusters.embedded.api.hooks import Review
from clusters.embedded.api.store import Store


def admit(store: Store, review: Review) -> None:
    """Give a new Service the next free address of 10.96.0.0/16, as its API server would; in place."""
    service = review.object
    if review.operation != "CREATE" or review.kind.storage != ("", "services") or service is None:
        return
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return
    if not spec.get("clusterIP"):
        taken = {(held.get("spec") or {}).get("clusterIP") for held in store.objects(("", "services")).values()}
        number = next(one for one in range(10, 65_000) if _address(one) not in taken)
        spec["clusterIP"] = _address(number)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")


def _address(number: int) -> str:
    return f"10.96.{number // 256}.{number % 256}"
