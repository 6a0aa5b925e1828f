"""Logs of pods, and commands in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from clusters.embedded.api.exchange import Call, Reply, text_reply
from clusters.embedded.api.hooks import Hooks
from clusters.embedded.api.log_slicing import Life, LogOptions, sliced
from clusters.embedded.api.status import ApiError, Object, bad_request
from clusters.embedded.api.store import Store
from clusters.embedded.api.target import Target

TEXT: Final = "text/plain"
STREAMS: Final = ("stdin", "stdout", "stderr")
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

    async def answer(self, call: Call, target: Target, pod: Object) -> Reply:
        """Raises ApiError."""
        if target.subresource == "log":
            return await self._log(call, pod)
        if target.subresource not in NOTHING_RUNS:
            raise bad_request(f"the embedded platform has no {target.subresource} for pods")
        if target.subresource != "portforward":
            container_of(pod, call.one("container"))
        if not call.header("upgrade"):
            raise bad_request("Upgrade request required")
        if target.subresource != "portforward" and not any(call.flag(name) for name in STREAMS):
            return text_reply(400, "you must specify at least 1 of stdin, stdout, stderr", **{"cache-control": ""})
        raise bad_request(NOTHING_RUNS[target.subresource])

    async def _log(self, call: Call, pod: Object) -> Reply:
        options = LogOptions.of(call, pod["metadata"]["name"], self._store.clock.wall())
        name = container_of(pod, call.one("container"))
        self._check_started(call, pod, name)
        logs = self._hooks.logs
        if logs is None:
            return Reply(raw=b"", content_type=TEXT)
        life = Life.of(_status_of(pod, name), previous=options.previous)
        logs(pod, name, False)  # what keeps a log from being read is told now, not in the middle of a stream
        pieces = sliced(lambda follow: logs(pod, name, follow), life, options)
        if options.follow:
            return Reply(stream=pieces, content_type=TEXT)
        return Reply(raw=await _gathered(pieces), content_type=TEXT)

    def _check_started(self, call: Call, pod: Object, name: str) -> None:
        """A container that never ran has no log."""
        found = _status_of(pod, name)
        place = f'container "{name}" in pod "{pod["metadata"]["name"]}"'
        if not (pod.get("spec") or {}).get("nodeName"):
            return
        if call.flag("previous"):
            if not (found.get("lastState") or {}).get("terminated"):
                raise bad_request(f"previous terminated {place} not found")
            return
        waiting = (found.get("state") or {}).get("waiting")
        if waiting is not None and not (found.get("lastState") or {}).get("terminated"):
            raise _waiting(place, waiting.get("reason", ""))


def _status_of(pod: Object, name: str) -> Object:
    """The status of a container; empty when there is none yet."""
    status = pod.get("status") or {}
    both = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    return next((one for one in both if one.get("name") == name), {})


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
