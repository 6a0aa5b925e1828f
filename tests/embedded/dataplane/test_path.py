"""A request's way through ingress, activator and queue-proxy, in virtual time."""

from __future__ import annotations

import asyncio

from conformance.clock import run_virtual
from conformance.exchange import Response
from tests.embedded.dataplane.stage import stage


def test_a_request_for_a_revision_without_pods_waits_for_one() -> None:
    async def main() -> tuple[float, Response, float]:
        async with stage() as plane:
            async with asyncio.TaskGroup() as group:
                answer = group.create_task(plane.post())
                await plane.clock.sleep(5.0)
                pod = await plane.add_pod(ready=False, listening=False)
                await plane.clock.sleep(1.0)
                await plane.open_port(pod)
                opened = plane.clock.monotonic()
            return opened, answer.result(), plane.clock.monotonic()

    opened, response, answered = run_virtual(main())
    assert response.status == 200
    assert opened < answered <= opened + 0.1 + 0.5
