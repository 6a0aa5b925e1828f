"""A model server's process that may end by itself: started again as a kubelet does, later each time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.kserve.kserve_names import CONTAINER
from clusters.embedded.nodes.failing import FIRST_SECONDS, LAST_SECONDS
from clusters.embedded.nodes.pod_process import PodProcess
from clusters.embedded.nodes.pod_status import PodStatus
from clusters.embedded.objects.metadata import Object
from clusters.embedded.programs.model_server import StartError


class Restarts:
    """The serving container of one pod whose model server is a process."""

    def __init__(
        self,
        context: ControllerContext,
        pod: Object,
        process: PodProcess,
        status: PodStatus,
        report: Callable[[Object], None],
        rng: random.Random,
    ) -> None:
        """`report` writes the pod's status."""
        self._context = context
        self._pod = pod
        self._process = process
        self._status = status
        self._report = report
        self._rng = rng
        self.serving = asyncio.Event()
        """Set when it has been ready once."""

    async def keep_running(self) -> None:
        """Keep it running until cancelled."""
        context, status = self._context, self._status
        seconds = FIRST_SECONDS
        while True:
            began = context.now()
            code = await self._serve()
            # As container runtimes count: 137 is SIGKILL.
            shown = code if code >= 0 else 128 - code
            self._report(status.lost(CONTAINER, shown, began, context.now()))
            self._say("BackOff", f"Back-off restarting failed container {CONTAINER} in pod {self._place}", "Warning")
            text = f"back-off {seconds}s restarting failed container={CONTAINER} pod={self._place}"
            self._report(status.waiting(CONTAINER, "CrashLoopBackOff", text))
            await context.clock.sleep(seconds)
            seconds = min(seconds * 2, LAST_SECONDS)
            self._report(status.started(CONTAINER, context.now()))
            self._say("Started", f"Started container {CONTAINER}")

    async def _serve(self) -> int:
        """Run it once; its exit code."""
        try:
            await self._process.start_model()
        except StartError as error:
            return error.code
        if self.serving.is_set():
            await self._process.wait_ready(self._rng)
            for container in self._pod["spec"]["containers"]:
                self._report(self._status.container_ready(container["name"], self._context.now()))
        self.serving.set()
        return await self._process.wait_model_end()

    @property
    def _place(self) -> str:
        metadata = self._pod["metadata"]
        return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"

    def _say(self, reason: str, text: str, kind: str = "Normal") -> None:
        self._context.event(self._pod, reason, text, "kubelet", kind)
