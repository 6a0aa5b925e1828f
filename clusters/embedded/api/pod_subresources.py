"""Logs of pods, and commands in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.hooks import Hooks
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.options import whole_number
from clusters.embedded.api.status import ApiError, Cause, Object, bad_request, invalid
from clusters.embedded.api.store import Store
from clusters.embedded.api.target import Target

TEXT: Final = "text/plain"
NOTHING_RUNS: Final = {
    "exec": "this pod is emulated: there is no process in it to run a command; read its output with kubectl logs",
    "attach": "this pod is emulated: there is no process in it to attach to; read its output with kubectl logs",
    "portforward": "this pod is emulated: it has no ports of its own; send requests to the platform's ingress",
}
"""By subresource, what a client that could speak the stream protocol is told."""


class PodSubresources:
    """What is below a pod and needs its containers."""

    def __init__(self, store: Store, hooks: Hooks) -> None:
        self._store = store
        self._hooks = hooks

    async def answer(self, call: Call, kind: Kind, target: Target, pod: Object) -> Reply:
        if target.subresource == "log":
            return await self._log(call, pod)
        if target.subresource in ("exec", "attach", "portforward"):
            if target.subresource == "exec":
                container_of(pod, call.one("container"))
            if not call.header("upgrade"):
                raise bad_request("Upgrade request required")
            raise bad_request(NOTHING_RUNS[target.subresource])
        raise bad_request(f"the embedded platform has no {target.subresource} for pods")

    async def _log(self, call: Call, pod: Object) -> Reply:
        for name in ("tailLines", "limitBytes", "sinceSeconds"):
            self._check_number(call, name)
        name = container_of(pod, call.one("container"))
        self._check_started(call, pod, name)
        if self._hooks.logs is None:
            return Reply(raw=b"", content_type=TEXT)
        query = {key: values[0] for key, values in call.query.items()}
        pieces = self._hooks.logs(pod, name, query)
        if call.flag("follow"):
            return Reply(stream=pieces, content_type=TEXT)
        return Reply(raw=await _gathered(pieces), content_type=TEXT)

    def _check_number(self, call: Call, name: str) -> None:
        value = whole_number(call, name)
        least = 0 if name == "tailLines" else 1
        if value is not None and value < least:
            text = "must be greater than or equal to 0" if not least else "must be greater than 0"
            cause = Cause("FieldValueInvalid", f"Invalid value: {value}: {text}", name)
            raise invalid("PodLogOptions", "", call.path.split("/")[-2], [cause])

    def _check_started(self, call: Call, pod: Object, name: str) -> None:
        """A container that never ran has no log."""
        status = pod.get("status") or {}
        both = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
        found = next((one for one in both if one.get("name") == name), None)
        place = f'container "{name}" in pod "{pod["metadata"]["name"]}"'
        if not (pod.get("spec") or {}).get("nodeName"):
            return
        if call.flag("previous"):
            if not ((found or {}).get("lastState") or {}).get("terminated"):
                raise bad_request(f"previous terminated {place} not found")
            return
        waiting = ((found or {}).get("state") or {}).get("waiting")
        if waiting is not None and not ((found or {}).get("lastState") or {}).get("terminated"):
            raise _waiting(place, waiting.get("reason", ""))


def _waiting(place: str, reason: str) -> ApiError:
    known = {
        "ImagePullBackOff": "trying and failing to pull image",
        "ErrImagePull": "image can't be pulled",
    }
    return bad_request(f"{place} is waiting to start: {known.get(reason, reason)}")


def container_of(pod: Object, asked: str) -> str:
    """The container meant. Raises ApiError BadRequest."""
    spec, name = pod.get("spec") or {}, pod["metadata"]["name"]
    names = [one["name"] for one in spec.get("containers") or ()]
    init = [one["name"] for one in spec.get("initContainers") or ()]
    if asked:
        if asked in names or asked in init:
            return asked
        raise bad_request(f"container {asked} is not valid for pod {name}")
    if len(names) == 1:
        return str(names[0])
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
    if init:
        text += f" or one of the init containers: [{' '.join(init)}]"
    raise bad_request(text)


async def _gathered(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])
