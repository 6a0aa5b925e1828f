"""Installs KServe and what it stands on, by server-side apply, waiting for conditions and never for a time to pass.

The same code serves kind and k3s; it knows the cluster only through its API.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, Final

from clusters.install.conditions import WEBHOOKS, available, missing, until
from clusters.install.manifests import Manifests
from clusters.versions import ConfigChange, InstallStep
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import API_SERVICES, CONFIG_MAPS, DEPLOYMENTS, Resource
from conformance.kube.verbs import ApiStatus, apply, ask, get, merge

Object = dict[str, Any]

_FIRST: Final = ("Namespace", "CustomResourceDefinition")
_WAITED: Final = ("CustomResourceDefinition", "Deployment", "APIService", *WEBHOOKS)


class Installer:
    """Applies the steps of a version row to one cluster."""

    def __init__(
        self,
        api: ApiClient,
        manifests: Manifests,
        clock: Clock,
        *,
        within: float,
        say: Callable[[str], None] = print,
        preloaded: bool = False,
    ) -> None:
        """`preloaded` says that the nodes already hold all images, and that nothing need be pulled."""
        self._api = api
        self._manifests = manifests
        self._clock = clock
        self._within = within
        self._say = say
        self._preloaded = preloaded
        self._resources: dict[tuple[str, str], Resource] = {}

    async def install(self, steps: tuple[InstallStep, ...]) -> None:
        """All steps in order. Raises PlatformError with the step and what is missing."""
        for step in steps:
            if step.api_service and (found := await get(self._api, API_SERVICES, None, step.api_service)) is not None:
                await self._wait([found | {"kind": API_SERVICES.kind}], step.name)
                continue
            started = self._clock.monotonic()
            await self.apply(tuple(_namespace(name) for name in step.namespaces), step.name)
            for url in step.manifests:
                objects = (await self._manifests.read(url)).objects
                await self.apply(tuple(with_arguments(value, step.arguments) for value in objects), step.name)
            for change in step.settings:
                await self.configure(change)
            for namespace, name in step.restart:
                await self.restart(namespace, name)
            self._say(f"installed {step.name:<28}{self._clock.monotonic() - started:7.1f} s")

    async def apply(self, objects: tuple[Object, ...], what: str) -> None:
        """Apply objects and wait until they are there. Definitions go first and are waited for; webhooks go last, as
        they would refuse the Deployments that are to serve them."""
        first = [value for value in objects if value["kind"] in _FIRST]
        hooks = [value for value in objects if value["kind"] in WEBHOOKS]
        rest = [value for value in objects if value["kind"] not in (*_FIRST, *WEBHOOKS)]
        for stage in (first, [*rest, *hooks]):
            for value in stage:
                await self._put(value, what)
            await self._wait(stage, what)

    async def _wait(self, objects: list[Object], what: str) -> None:
        for value in objects:
            if value["kind"] in _WAITED:
                await until(what, lambda value=value: missing(self._api, value), self._clock, self._within)  # type: ignore[misc]

    async def _put(self, value: Object, what: str) -> None:
        """Server-side apply. Kinds and webhooks that were made a moment ago may not be served by every API server yet;
        that is waited for, anything else is final."""
        name = value["metadata"]["name"]
        body = json.dumps(from_nodes(value) if self._preloaded else value).encode()

        async def attempt() -> str | None:
            try:
                resource = await self._resource(value)
                if resource is None:
                    return f"kind {value['kind']} of {value['apiVersion']} is not served"
                space = value["metadata"].get("namespace", "default") if resource.namespaced else None
                await apply(self._api, resource, space, name, body, force=True)
            except ApiStatus as status:
                if status.status in (404, 429, 500, 503, 504):
                    return str(status)
                raise PlatformError(f"{what}: {value['kind']} {name} is refused: {status}") from status
            return None

        await until(f"{what}: {value['kind']} {name}", attempt, self._clock, self._within)

    async def _resource(self, value: Object) -> Resource | None:
        version, kind = value["apiVersion"], value["kind"]
        if (version, kind) not in self._resources:
            group, _, short = version.rpartition("/")
            path = f"/apis/{version}" if group else f"/api/{version}"
            for entry in (await ask(self._api, "GET", path)).get("resources", ()):
                if "/" not in entry["name"]:
                    found = Resource(group, short, entry["name"], entry["kind"], bool(entry["namespaced"]))
                    self._resources[(version, entry["kind"])] = found
        return self._resources.get((version, kind))

    async def configure(self, change: ConfigChange) -> None:
        """Set entries of a ConfigMap, leaving all others as they are."""
        where = f"ConfigMap {change.namespace}/{change.config_map}"
        found = await get(self._api, CONFIG_MAPS, change.namespace, change.config_map)
        if found is None:
            raise PlatformError(f"{where} is not there")
        data = dict(change.data)
        for key, addition in change.json.items():
            data[key] = merged_json((found.get("data") or {}).get(key, ""), addition, f"{where}, {key}")
        await merge(self._api, CONFIG_MAPS, change.namespace, change.config_map, {"data": data})

    async def restart(self, namespace: str, name: str) -> None:
        """Roll a Deployment over, the way `kubectl rollout restart` does, and wait for it."""
        stamp = {"conformance.serving/restarted": f"{self._clock.wall():.0f}"}
        patch = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
        await merge(self._api, DEPLOYMENTS, namespace, name, patch)

        async def rolled() -> str | None:
            return available(await get(self._api, DEPLOYMENTS, namespace, name), f"Deployment {namespace}/{name}")

        await until(f"restart of {name}", rolled, self._clock, self._within)


def from_nodes(value: Any) -> Any:
    """An object whose containers take their images from the node: KServe's own ask for `Always`, and a kubelet told so
    asks the registry even for an image that it has."""
    if isinstance(value, list):
        return [from_nodes(entry) for entry in value]
    if not isinstance(value, dict) or value.get("kind") == "CustomResourceDefinition":
        return value
    changed = {key: from_nodes(entry) for key, entry in value.items()}
    if "image" in changed and changed.get("imagePullPolicy") == "Always":
        changed["imagePullPolicy"] = "IfNotPresent"
    return changed


def with_arguments(value: Object, arguments: tuple[str, ...]) -> Object:
    """A Deployment whose containers are started with more arguments; anything else as it is."""
    if not arguments or value["kind"] != "Deployment":
        return value
    value = copy.deepcopy(value)
    for container in value["spec"]["template"]["spec"]["containers"]:
        container["args"] = [*container.get("args", ()), *arguments]
    return value


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def merged_json(text: str, addition: object, where: str) -> str:
    """JSON object `text` with the keys of `addition` set, at any depth. Raises PlatformError when it is no object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise PlatformError(f"{where}: does not hold JSON: {error}") from error
    if not isinstance(value, dict):
        raise PlatformError(f"{where}: holds {type(value).__name__}, not an object")
    return json.dumps(_merge(value, addition), indent=2)


def _merge(value: Any, addition: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(addition, dict):
        return addition
    return {**value, **{key: _merge(value.get(key), entry) for key, entry in addition.items()}}
