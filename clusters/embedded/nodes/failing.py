"""A container that cannot be started, or that ends and is started again, as a kubelet treats it: later each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.nodes.failures import ContainerFailure
from clusters.embedded.nodes.pod_logs import PodLogs
from clusters.embedded.nodes.pod_status import PodStatus
from clusters.embedded.objects.metadata import Object

FIRST_SECONDS: Final = 10
LAST_SECONDS: Final = 300
"""Kubernetes pkg/kubelet: back-off of restarts and of pulls doubles from ten seconds to five minutes."""
RUN_SECONDS: Final = 0.5
"""How long a container runs that ends at once."""


class FailingContainer:
    """One container of one pod."""

    def __init__(
        self,
        context: ControllerContext,
        pod: Object,
        container: Object,
        failure: ContainerFailure,
        status: PodStatus,
        report: Callable[[Object], None],
        logs: PodLogs,
    ) -> None:
        """`report` writes the pod's status."""
        self._context = context
        self._pod = pod
        self._container = container
        self._name: str = container["name"]
        self._failure = failure
        self._status = status
        self._report = report
        self._logs = logs

    async def run(self) -> bool:
        """Fail for ever. Returns only where the pod's restart policy lets the container rest: whether it succeeded."""
        if self._failure.exit_code is None:
            await self._pull()
        policy = self._pod["spec"].get("restartPolicy", "Always")
        seconds = FIRST_SECONDS
        while True:
            await self._run()
            code = self._failure.exit_code
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return code == 0
            await self._wait(seconds)
            seconds = min(seconds * 2, LAST_SECONDS)

    async def _pull(self) -> None:
        context, image, text = self._context, self._container["image"], self._failure.text
        seconds = FIRST_SECONDS
        while True:
            self._say("Pulling", f'Pulling image "{image}"')
            await context.clock.sleep(RUN_SECONDS)
            self._say("Failed", f'Failed to pull image "{image}": {text}', "Warning")
            self._say("Failed", "Error: ErrImagePull", "Warning")
            self._report(self._status.waiting(self._name, "ErrImagePull", text))
            await context.clock.sleep(RUN_SECONDS)
            self._say("BackOff", f'Back-off pulling image "{image}"', "Normal")
            self._say("Failed", "Error: ImagePullBackOff", "Warning")
            why = f'Back-off pulling image "{image}": ErrImagePull: {text}'
            self._report(self._status.waiting(self._name, "ImagePullBackOff", why))
            await context.clock.sleep(seconds)
            seconds = min(seconds * 2, LAST_SECONDS)

    async def _run(self) -> None:
        context, name = self._context, self._name
        log = self._logs.open(self._pod["metadata"]["uid"], name)
        self._say("Pulled", f'Container image "{self._container.get("image", "")}" already present on machine')
        self._say("Created", f"Created container: {name}")
        self._say("Started", f"Started container {name}")
        self._report(self._status.started(name, context.now()))
        began = context.now()
        if self._failure.text:
            log.write(context.now(), self._failure.text)
        await context.clock.sleep(RUN_SECONDS)
        self._report(self._status.ended(name, self._failure.exit_code or 0, self._failure.text, began, context.now()))

    async def _wait(self, seconds: int) -> None:
        metadata = self._pod["metadata"]
        place = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        self._say("BackOff", f"Back-off restarting failed container {self._name} in pod {place}", "Warning")
        text = f"back-off {seconds}s restarting failed container={self._name} pod={place}"
        self._report(self._status.waiting(self._name, "CrashLoopBackOff", text))
        await self._context.clock.sleep(seconds)

    def _say(self, reason: str, text: str, kind: str = "Normal") -> None:
        self._context.event(self._pod, reason, text, "kubelet", kind)
