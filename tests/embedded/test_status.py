"""What the live page shows of the embedded platform, and how it looks in a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import yaml

from clusters.embedded.api.store import Store
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.loopback_servers import ServedPlatform, serving
from clusters.embedded.status import REPEAT_SECONDS, StatusFeed, status_page
from conformance.base.http.exchange import Request
from conformance.base.http.http_client import Client
from conformance.kube.resources import EVENTS, INFERENCE_SERVICES, NAMESPACES, SERVING_RUNTIMES
from conformance.kube.serving_runtimes import runtimes
from conformance.kube.verbs import delete
from tests.embedded.virtual import EXAMPLES, PAYLOAD, SPACE, Scene, play
from tests.reports.browser import CHROMIUM, DRIVER, Browser, browser

T = TypeVar("T")
News = list[dict[str, Any]]

in_a_browser = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no chromium with chromedriver")
EVIL = "<img src=x onerror=alert(1)>\u202e\x1b[31m"


def told(scene: Scene) -> News:
    """What a new visitor is told of this moment."""
    news: News = []
    StatusFeed(scene.platform, news.append).take()
    assert json.loads(json.dumps(news)) == news
    return news


def only(news: News, kind: str) -> dict[str, Any]:
    (found,) = [entry for entry in news if entry["kind"] == kind]
    return found


def test_a_revisions_card_follows_the_load_and_says_why_its_pods_wait() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-gpu-new")
        isvc = await scene.ready("flowers-sample-gpu")
        await scene.hold(isvc["status"]["url"], "/v1/models/flowers-sample-gpu:predict", 5, 20.0)
        news = told(scene)
        card = only(news, "update")
        assert (card["ready"], card["pods"], card["desired"], card["requested"]) == (2, 8, 8, 8)
        assert card["phase"].endswith(("through the activator", "straight to its pods"))
        assert "concurrency, target 0.7; mean " in card["detail"]
        assert "6 pods wait: " in card["detail"]
        assert "Insufficient nvidia.com/gpu" in card["detail"]
        assert "2 of 2 accelerators" in only(news, "state")["text"]
        lines = [entry["text"] for entry in news if entry["kind"] == "line"]
        assert any(line.startswith("InferenceService ") and "Ready=True" in line for line in lines)
        assert any("FailedScheduling" in line for line in lines)

    play(story, options=PlatformOptions(gpus=2))


def test_horizontal_autoscalers_have_cards_with_what_they_measure() -> None:
    async def story(scene: Scene) -> None:
        value = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text())
        value["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Standard"}
        value["spec"]["predictor"] |= {"scaleMetric": "cpu", "scaleTarget": 60, "maxReplicas": 3}
        await scene.apply(value)
        await scene.ready("flowers-sample")
        await scene.clock.sleep(60)
        card = only(told(scene), "update")
        assert card["detail"].startswith("cpu ")
        assert card["detail"].endswith("% of 60%")
        assert card["phase"] == "1 to 3 pods"

    play(story)


def test_only_what_changes_is_told_and_a_deleted_revisions_card_ends() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready("flowers-sample")
        await scene.clock.sleep(120)
        news: News = []
        feed = StatusFeed(scene.platform, news.append)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(feed.follow())
            await scene.clock.sleep(3.5 * REPEAT_SECONDS)
            calm = [entry for entry in news if entry["kind"] == "update"]
            await delete(scene.api, INFERENCE_SERVICES, SPACE, "flowers-sample")
            await scene.clock.sleep(5)
            following.cancel()
        assert news[0]["kind"] == "start"
        assert len(calm) == 4
        assert only(news, "finish")["name"] == calm[0]["name"]

    play(story)


def until(window: Browser, script: str, seconds: int = 30) -> None:
    """Wait in the page itself until an expression holds."""
    done = window.later(
        f"""const done = arguments[1], end = Date.now() + arguments[0];
        (function look() {{
          if ({script}) done(true); else if (Date.now() > end) done(false); else setTimeout(look, 50);
        }})()""",
        seconds * 1000,
    )
    assert done, f"never: {script}"


async def with_platform(look: Callable[[str], T], work: Callable[[ServedPlatform], Any] | None = None) -> T:
    """A served platform with one InferenceService, its page's address given to `look` in a thread of its own."""
    async with (
        serving(seed=3, options=PlatformOptions(), fault=None) as served,
        status_page(served.platform) as address,
    ):
        store = served.platform.store
        store.create(NAMESPACES, {"metadata": {"name": SPACE}, "status": {"phase": "Active"}})
        for runtime in runtimes("witness", service_ms=50, start_seconds=0.1):
            store.create(SERVING_RUNTIMES, runtime, namespace=SPACE)
        manifest = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text())
        store.create(INFERENCE_SERVICES, manifest, namespace=SPACE)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(work(served)) if work is not None else None
            found = await asyncio.to_thread(look, address)
            if working is not None:
                working.cancel()
        return found


async def load(served: ServedPlatform) -> None:
    """Six requests in flight from when the service is there."""
    host, _, port = served.ingress.partition(":")
    client = Client()
    request = Request("POST", "/v1/models/flowers-sample:predict", f"flowers-sample.{SPACE}.example.com", (), PAYLOAD)

    async def worker() -> None:
        while True:
            answer = await client.call(host, int(port), request)
            if answer.status == 404:
                await asyncio.sleep(0.1)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(worker())
    finally:
        await client.close()


def poison(store: Store) -> None:
    """Names and texts that a browser or a terminal would rather not see."""
    store.create(
        EVENTS,
        {
            "metadata": {"name": EVIL},
            "involvedObject": {"kind": "Pod", "name": EVIL, "namespace": SPACE},
            "reason": EVIL,
            "message": EVIL,
            "type": "Warning",
            "lastTimestamp": "2999-01-01T00:00:00Z",
        },
        namespace=SPACE,
    )


@in_a_browser
@pytest.mark.smoke
@pytest.mark.timeout(120)
async def test_the_page_lives_in_a_browser() -> None:
    def look(address: str) -> None:
        with browser() as window:
            window.call("POST", "/url", {"url": address})
            until(window, "document.querySelector('#title').textContent === 'Embedded platform'")
            until(window, "document.querySelectorAll('article').length === 1")
            until(window, "document.querySelector('article .mood').textContent === 'panic'")
            until(window, "document.querySelector('article .detail').textContent.includes('mean ')")
            until(window, "document.querySelector('#state').textContent.includes('4 of 4 nodes ready')")
            until(window, "document.querySelector('#lines').textContent.includes('Ready=True')")
            assert window.run("return document.querySelectorAll('article canvas').length") == 2
            assert window.log() == []

    await with_platform(look, load)


@in_a_browser
@pytest.mark.smoke
@pytest.mark.timeout(120)
@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.thorough)], ids=["light", "dark"])
async def test_hostile_names_stay_text_and_a_narrow_window_does_not_overflow(dark: bool) -> None:
    def look(address: str) -> None:
        with browser(dark=dark) as window:
            window.call("POST", "/url", {"url": address})
            until(window, "document.body.textContent.includes('onerror=alert')")
            assert window.run("return document.querySelectorAll('img').length") == 0
            text = window.run("return document.body.textContent")
            assert "\u202e" not in text
            assert "\x1b" not in text
            background = window.run("return getComputedStyle(document.body).backgroundColor")
            assert background == ("rgb(17, 21, 26)" if dark else "rgb(255, 255, 255)")
            window.size(500, 900)
            assert window.run("return document.documentElement.scrollWidth <= window.innerWidth")
            assert window.log() == []

    async def work(served: ServedPlatform) -> None:
        poison(served.platform.store)

    await with_platform(look, work)
