"""Which part of a container's log a request gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from clusters.embedded.api.admission_chain import Hooks
from clusters.embedded.nodes.pod_logs import PodLogs
from conformance.base.clock import run_virtual
from conformance.kube.resources import PODS
from tests.embedded.api.server import Api, fresh, in_virtual_time

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02d}Z"


class Talking:
    """A pod with a log; one line a second from the beginning of 2026 on."""

    def __init__(self, lines: int = 5, **status: Any) -> None:
        self.logs = PodLogs()
        self.api = fresh(Hooks(logs=self.logs))
        running = {"name": "main", "state": {"running": {"startedAt": at(0)}}, **status}
        pod = {
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"nodeName": "n", "containers": [{"name": "main", "image": "i"}]},
            "status": {"phase": "Running", "containerStatuses": [running]},
        }
        made = self.api.store.create(PODS, pod)
        self.log = self.logs.open(made["metadata"]["uid"], "main")
        for second in range(lines):
            self.log.write(at(second), f"line {second}")

    async def read(self, query: str = "") -> Any:
        return await self.api.ask("GET", f"/api/v1/namespaces/default/pods/p/log?{query}")


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", "line 0\nline 1\nline 2\nline 3\nline 4\n"),
        ("tailLines=2", "line 3\nline 4\n"),
        ("tailLines=0", None),
        ("tailLines=99", "line 0\nline 1\nline 2\nline 3\nline 4\n"),
        ("sinceTime=2026-01-01T00:00:03Z", "line 3\nline 4\n"),
        ("sinceTime=2026-01-01T02:00:03.5%2B02:00", "line 4\n"),
        ("sinceTime=2026-01-01T00:00:01Z&tailLines=1", "line 4\n"),
        ("limitBytes=10", "line 0\nlin"),
        ("tailLines=2&limitBytes=8", "line 3\nl"),
        ("timestamps=true&tailLines=1", "2026-01-01T00:00:04Z line 4\n"),
        ("timestamps=true&limitBytes=23", "2026-01-01T00:00:00Z li"),
        ("container=main&tailLines=1", "line 4\n"),
    ],
)
def test_a_log_is_cut_as_its_options_say(query: str, body: str | None) -> None:
    async def main() -> None:
        answer = await Talking().read(query)
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain"
        assert answer.body == body

    run_virtual(main())


@in_virtual_time
async def test_seconds_are_counted_back_from_now() -> None:
    pod = Talking()
    now = pod.api.store.clock.wall() - START.timestamp()
    await asyncio.sleep(6 - now)
    assert (await pod.read("sinceSeconds=3")).body == "line 3\nline 4\n"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("tailLines=-1", "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ("limitBytes=0", "limitBytes: Invalid value: 0: must be greater than 0"),
        ("sinceSeconds=0", "sinceSeconds: Invalid value: 0: must be greater than 0"),
    ],
)
def test_impossible_options_are_refused_in_the_words_of_their_validation(query: str, message: str) -> None:
    async def main() -> None:
        answer = await Talking().read(query)
        assert answer.status == 422
        assert answer.message == f'PodLogOptions "p" is invalid: {message}'

    run_virtual(main())


@in_virtual_time
async def test_what_is_no_number_or_no_time_is_refused() -> None:
    assert (await Talking().read("tailLines=x")).status == 400
    assert (await Talking().read("sinceTime=yesterday")).message.startswith('parsing time "yesterday"')


@in_virtual_time
async def test_a_followed_log_goes_on_after_the_tail_until_it_is_closed_or_full() -> None:
    pod = Talking()

    async def say() -> None:
        await asyncio.sleep(1)
        pod.log.write(at(5), "line 5")
        await asyncio.sleep(1)
        pod.log.write(at(6), "line 6")
        pod.log.close()

    async with asyncio.TaskGroup() as tasks:
        tail = tasks.create_task(pod.read("follow=true&tailLines=1"))
        short = tasks.create_task(pod.read("follow=true&tailLines=1&limitBytes=10"))
        tasks.create_task(say())
    assert tail.result().body == "line 4\nline 5\nline 6\n"
    assert short.result().body == "line 4\nlin"


@in_virtual_time
async def test_a_follower_that_reads_slowly_misses_nothing_that_is_kept() -> None:
    pod = Talking(lines=0)
    source: AsyncIterator[bytes] = pod.logs(pod.api.store.list(PODS)[0], "main", True)
    pod.log.write(at(0), "a")
    assert await anext(source) == b"2026-01-01T00:00:00Z a\n"
    pod.log.write(at(1), "b")
    pod.log.write(at(2), "c")
    pod.log.close()
    assert [line async for line in source] == [b"2026-01-01T00:00:01Z b\n", b"2026-01-01T00:00:02Z c\n"]


@in_virtual_time
async def test_a_restarted_container_has_two_logs() -> None:
    before = {"terminated": {"startedAt": at(0), "finishedAt": at(2)}}
    pod = Talking(lastState=before, state={"running": {"startedAt": at(3)}})
    assert (await pod.read()).body == "line 3\nline 4\n"
    assert (await pod.read("previous=true")).body == "line 0\nline 1\nline 2\n"
    never = await Talking().read("previous=true")
    assert never.message == 'previous terminated container "main" in pod "p" not found'


@in_virtual_time
async def test_the_container_must_be_named_where_there_are_several() -> None:
    api: Api = fresh()
    containers = [{"name": name, "image": "i"} for name in ("one", "two")]
    spec = {"containers": containers, "initContainers": [{"name": "first", "image": "i"}]}
    await api.ask("POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": "p"}, "spec": spec})
    unnamed = await api.ask("GET", "/api/v1/namespaces/default/pods/p/log")
    assert unnamed.message == (
        "a container name must be specified for pod p, choose one of: [one two] or one of the init containers: [first]"
    )
    wrong = await api.ask("GET", "/api/v1/namespaces/default/pods/p/log?container=three")
    assert (wrong.status, wrong.message) == (400, "container three is not valid for pod p")
