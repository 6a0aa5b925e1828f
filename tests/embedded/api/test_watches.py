"""Lists, pages and watches."""

from __future__ import annotations

import asyncio

from conformance.base.clock import run_virtual
from conformance.kube.resources import INFERENCE_SERVICES
from tests.embedded.api.server import SERVICES, Api, fresh, inference_service


async def _some(api: Api, count: int) -> None:
    for index in range(count):
        value = inference_service(f"s{index}")
        value["metadata"]["labels"] = {"even": str(index % 2 == 0).lower()}
        await api.ask("POST", SERVICES, value)


def test_all_pages_show_the_state_of_the_first() -> None:
    async def main() -> None:
        api = fresh()
        await _some(api, 5)
        first = (await api.ask("GET", f"{SERVICES}?limit=2")).body
        await api.ask("DELETE", f"{SERVICES}/s3")
        token = first["metadata"]["continue"]
        second = (await api.ask("GET", f"{SERVICES}?limit=5&continue={token}")).body
        assert first["metadata"]["remainingItemCount"] == 3
        assert [item["metadata"]["name"] for item in second["items"]] == ["s2", "s3", "s4"]
        assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        assert "continue" not in second["metadata"]

    run_virtual(main())


def test_an_expired_page_can_be_gone_on_with_inconsistently() -> None:
    async def main() -> None:
        api = fresh(keep_changes=2)
        await _some(api, 3)
        token = (await api.ask("GET", f"{SERVICES}?limit=1")).body["metadata"]["continue"]
        for name in ("s1", "s3", "s3"):
            await api.ask("DELETE", f"{SERVICES}/{name}")
            await api.ask("POST", SERVICES, inference_service("s3"))
        await api.ask("DELETE", f"{SERVICES}/s3")
        gone = await api.ask("GET", f"{SERVICES}?limit=1&continue={token}")
        assert (gone.status, gone.body["reason"]) == (410, "Expired")
        again = await api.ask("GET", f"{SERVICES}?limit=1&continue={gone.body['metadata']['continue']}")
        assert [item["metadata"]["name"] for item in again.body["items"]] == ["s2"]

    run_virtual(main())


def test_a_watch_from_a_version_replays_what_came_after_it() -> None:
    async def main() -> None:
        api = fresh()
        await _some(api, 1)
        version = (await api.ask("GET", SERVICES)).body["metadata"]["resourceVersion"]
        await _some(api, 2)
        await api.ask("DELETE", f"{SERVICES}/s1")
        lines = await api.watch(f"{SERVICES}?watch=true&resourceVersion={version}&timeoutSeconds=1")
        assert [line["type"] for line in lines] == ["ADDED", "DELETED"]
        versions = [int(line["object"]["metadata"]["resourceVersion"]) for line in lines]
        assert versions == sorted(set(versions))

    run_virtual(main())


def test_a_watch_from_a_forgotten_version_ends_with_an_error_in_the_stream() -> None:
    async def main() -> None:
        api = fresh()
        lines = await api.watch(f"{SERVICES}?watch=true&resourceVersion=1&timeoutSeconds=1")
        assert lines[0]["type"] == "ERROR"
        assert lines[0]["object"]["code"] == 410

    run_virtual(main())


def test_a_selector_turns_changes_into_additions_and_deletions() -> None:
    async def main() -> None:
        api = fresh()
        await _some(api, 1)
        version = (await api.ask("GET", SERVICES)).body["metadata"]["resourceVersion"]

        async def relabel() -> None:
            for value in ("false", "true"):
                patch = {"metadata": {"labels": {"even": value}}}
                await api.ask("PATCH", f"{SERVICES}/s0", patch, content_type="application/merge-patch+json")

        query = f"watch=true&resourceVersion={version}&labelSelector=even%3Dtrue&timeoutSeconds=1"
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(api.watch(f"{SERVICES}?{query}"))
            tasks.create_task(relabel())
        seen = [(line["type"], line["object"]["metadata"]["labels"]["even"]) for line in watching.result()]
        assert seen == [("DELETED", "true"), ("ADDED", "true")]

    run_virtual(main())


def test_initial_events_end_with_a_marked_bookmark() -> None:
    async def main() -> None:
        api = fresh()
        await _some(api, 2)
        query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        lines = await api.watch(f"{SERVICES}?{query}&timeoutSeconds=1")
        assert [line["type"] for line in lines] == ["ADDED", "ADDED", "BOOKMARK"]
        assert lines[2]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}

    run_virtual(main())


def test_bookmarks_come_about_each_minute_and_near_the_end() -> None:
    async def main() -> None:
        api = fresh()
        loop = asyncio.get_running_loop()
        start = loop.time()
        version = api.store.version
        query = f"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=130"
        lines = await api.watch(f"{SERVICES}?{query}")
        assert [line["type"] for line in lines] == ["BOOKMARK"] * 3
        assert loop.time() - start == 130

    run_virtual(main())


def test_a_version_from_the_future_is_a_timeout_with_retry_after() -> None:
    async def main() -> None:
        answer = await fresh().ask("GET", f"{SERVICES}?resourceVersion=999999")
        assert answer.status == 504
        assert answer.headers["retry-after"] == "1"
        assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"

    run_virtual(main())


def test_tables_have_the_columns_of_the_definition() -> None:
    async def main() -> None:
        api = fresh()
        await _some(api, 1)
        table = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
        body = (await api.ask("GET", SERVICES, headers=table)).body
        assert [column["name"] for column in body["columnDefinitions"]][:3] == ["Name", "URL", "Ready"]
        assert body["rows"][0]["cells"] == ["s0", None, None, None, None, None, None, "0s"]
        assert body["rows"][0]["object"]["kind"] == "PartialObjectMetadata"

    run_virtual(main())


def test_two_watches_of_many_changes_see_each_once_and_in_order() -> None:
    async def main() -> None:
        api = fresh()
        await _some(api, 50)
        version = api.store.version

        async def change() -> None:
            for number in range(500):
                api.store.patch_status(INFERENCE_SERVICES, "default", f"s{number % 50}", {"url": str(number)})
                if number % 20 == 0:
                    await asyncio.sleep(0.01)

        query = f"watch=true&resourceVersion={version}&timeoutSeconds=5"
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(api.watch(f"{SERVICES}?{query}")) for _ in range(2)]
            tasks.create_task(change())
        for one in watching:
            assert [line["object"]["status"]["url"] for line in one.result()] == [str(number) for number in range(500)]

    run_virtual(main())
