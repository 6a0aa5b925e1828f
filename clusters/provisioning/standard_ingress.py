"""Ways in for services of Standard mode on Kourier: KServe makes an Ingress of Kubernetes for each; nobody serves it.

Each is repeated as the Ingress of Knative's that Kourier serves, and goes with the one that it repeats. On Istio the
Ingresses are served as they are.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.follow import Follower, Gap
from conformance.kube.resources import Resource
from conformance.kube.verbs import Object, apply

INGRESSES: Final = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
KNATIVE_INGRESSES: Final = Resource("networking.internal.knative.dev", "v1alpha1", "ingresses", "Ingress")
CLASS: Final = {"networking.knative.dev/ingress.class": "kourier.ingress.networking.knative.dev"}
RETRY_SECONDS: Final = 1.0


def repeated(ingress: Object) -> Object:
    """The Ingress of Knative that sends the same hosts and paths to the same Services."""
    metadata = ingress["metadata"]
    owner = {"apiVersion": INGRESSES.api_version, "kind": INGRESSES.kind, "name": metadata["name"]}
    return {
        "apiVersion": KNATIVE_INGRESSES.api_version,
        "kind": KNATIVE_INGRESSES.kind,
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "annotations": CLASS,
            "ownerReferences": [owner | {"uid": metadata["uid"]}],
        },
        "spec": {"rules": list(_rules(ingress))},
    }


def _rules(ingress: Object) -> Iterator[Object]:
    for rule in ingress["spec"].get("rules") or ():
        paths = [
            _path(entry, ingress["metadata"]["namespace"])
            for entry in (rule.get("http") or {}).get("paths") or ()
            if "service" in (entry.get("backend") or {})
        ]
        if rule.get("host") and paths:
            yield {"hosts": [rule["host"]], "visibility": "ExternalIP", "http": {"paths": paths}}


def _path(entry: Object, namespace: str) -> Object:
    service = entry["backend"]["service"]
    port = service["port"].get("number") or service["port"]["name"]
    split = {"serviceName": service["name"], "serviceNamespace": namespace, "servicePort": port, "percent": 100}
    # Knative's paths are prefixes, and without one a rule takes everything.
    return {"splits": [split]} | ({"path": entry["path"]} if entry.get("path", "/") != "/" else {})


@asynccontextmanager
async def standard_ingress(api: ApiClient, clock: Clock) -> AsyncIterator[None]:
    """Ingresses of all namespaces are served for as long as the block lasts."""
    keeper = asyncio.create_task(_keep(api, clock))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(api: ApiClient, clock: Clock) -> None:
    changed: asyncio.Queue[Object] = asyncio.Queue()

    def change(kind: str, ingress: Object) -> None:
        if kind != "DELETED":
            changed.put_nowait(ingress)

    while True:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(Follower(api, INGRESSES, None, clock, change, _unseen).run())
                group.create_task(_repeat(api, changed))
        except* PlatformError:
            # The API server's absence is for the scenarios to report; looking again is all there is to do here.
            await clock.sleep(RETRY_SECONDS)


async def _repeat(api: ApiClient, changed: asyncio.Queue[Object]) -> None:
    while True:
        value = repeated(await changed.get())
        if not value["spec"]["rules"]:
            continue
        metadata = value["metadata"]
        await apply(
            api,
            KNATIVE_INGRESSES,
            metadata["namespace"],
            metadata["name"],
            json.dumps(value).encode(),
            force=True,
        )


def _unseen(gap: Gap) -> None:
    del gap
