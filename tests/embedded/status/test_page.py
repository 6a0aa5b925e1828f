"""The status page: what it says, and how it behaves in a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import yaml

from clusters.embedded.api.store import Store
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.loopback_servers import ServedPlatform, serving
from clusters.embedded.status.status_history import SAMPLES, RevisionSamples
from clusters.embedded.status.status_page import document, status_page
from clusters.embedded.status.status_snapshot import SHOWN_EVENTS, snapshot
from conformance.base.http.exchange import Request
from conformance.base.http.http_client import Client
from conformance.kube.resources import EVENTS, INFERENCE_SERVICES, NAMESPACES, PODS, SERVING_RUNTIMES
from conformance.kube.serving_runtimes import runtimes
from conformance.kube.verbs import delete
from tests.embedded.virtual import EXAMPLES, PAYLOAD, SPACE, Scene, play
from tests.reports.browser import CHROMIUM, DRIVER, Browser, browser

T = TypeVar("T")

in_a_browser = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no chromium with chromedriver")
EVIL = "<img src=x onerror=alert(1)>\u202e\x1b[31m"


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    text = document().decode()
    assert "/*CSS*/" not in text
    assert "/*JS*/" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert "innerHTML" not in text


def test_the_state_follows_the_load_and_says_why_a_pod_waits() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-gpu-new")
        isvc = await scene.ready("flowers-sample-gpu")
        await scene.hold(isvc["status"]["url"], "/v1/models/flowers-sample-gpu:predict", 5, 20.0)
        shown = snapshot(scene.platform)
        (revision,) = shown["revisions"]
        assert revision["desired"] == 8
        assert sum(pod["ready"] for pod in shown["pods"]) == 2
        waiting = [pod for pod in shown["pods"] if pod["why"]]
        assert len(waiting) == 6
        assert "Insufficient nvidia.com/gpu" in waiting[0]["why"]
        assert {pod["devices"] for pod in shown["pods"] if pod["ready"]} != {""}
        assert sum(node["accelerators"]["used"] for node in shown["nodes"]) == 2
        assert shown["totals"]["pods"] == 8
        assert len(shown["events"]) <= SHOWN_EVENTS
        assert json.loads(json.dumps(shown)) == shown

    play(story, options=PlatformOptions(gpus=2))


def test_horizontal_autoscalers_are_shown_with_what_they_measure() -> None:
    async def story(scene: Scene) -> None:
        value = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text())
        value["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Standard"}
        value["spec"]["predictor"] |= {"scaleMetric": "cpu", "scaleTarget": 60, "maxReplicas": 3}
        await scene.apply(value)
        await scene.ready("flowers-sample")
        await scene.clock.sleep(20)
        (shown,) = snapshot(scene.platform)["autoscalers"]
        assert shown["metrics"].startswith("cpu ")
        assert shown["metrics"].endswith("% of 60%")
        assert shown["bounds"] == "1 to 3"

    play(story)


def test_the_past_of_a_revision_is_kept_for_two_minutes_and_goes_with_it() -> None:
    async def story(scene: Scene) -> None:
        history = RevisionSamples(scene.platform)
        await scene.example("autoscale-new")
        isvc = await scene.ready("flowers-sample")
        async with asyncio.TaskGroup() as group:
            following = group.create_task(history.follow())
            await scene.hold(isvc["status"]["url"], "/v1/models/flowers-sample:predict", 5, 30.0)
            await scene.clock.sleep(120)
            (revision,) = history.add_to(snapshot(scene.platform))["revisions"]
            await delete(scene.api, INFERENCE_SERVICES, SPACE, "flowers-sample")
            await scene.clock.sleep(5)
            following.cancel()
        samples = revision["history"]
        assert len(samples) == SAMPLES
        assert max(ready for ready, _, _ in samples) == 8
        assert samples[-1] == (1, 1, 0)
        assert history.add_to(snapshot(scene.platform))["revisions"] == []

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
    store.create(PODS, {"metadata": {"name": EVIL}, "spec": {"containers": [{"name": "c"}]}}, namespace=SPACE)


@in_a_browser
@pytest.mark.smoke
@pytest.mark.timeout(120)
async def test_the_page_lives_in_a_browser() -> None:
    def look(address: str) -> None:
        with browser() as window:
            window.call("POST", "/url", {"url": address})
            until(window, "document.querySelector('#state').textContent === 'live'")
            until(window, "document.querySelectorAll('.card').length === 1")
            until(window, "document.querySelector('.card .panicking, .card dd.bad')?.textContent === 'panic'")
            until(window, "[...document.querySelectorAll('#pods ~ .scroll tbody tr')].length >= 6")
            until(window, "document.querySelector('.card .desired').getAttribute('points').split(' ').length > 3")

            window.press("/")
            assert window.run("return document.activeElement.id") == "filter"
            window.type("#filter", "nothing-is-called-so")
            assert window.run("return document.querySelectorAll('.empty:not([hidden])').length") >= 5
            window.press("\ue00c")
            assert window.run("return document.querySelector('#filter').value") == ""

            window.press("p")
            assert window.text("#state") == "paused"
            before = window.text("#now")
            window.later("setTimeout(arguments[0], 1500)")
            assert window.text("#now") == before
            window.press("p")
            until(window, f"document.querySelector('#now').textContent !== '{before}'")

            window.press("t")
            window.press("t")
            assert window.run("return document.documentElement.dataset.theme") == "dark"
            dark = window.run("return getComputedStyle(document.body).backgroundColor")
            window.press("t")
            assert window.run("return getComputedStyle(document.body).backgroundColor") != dark
            assert window.log() == []

    await with_platform(look, load)


@in_a_browser
@pytest.mark.smoke
@pytest.mark.timeout(120)
async def test_hostile_names_stay_text_and_a_narrow_window_does_not_overflow() -> None:
    def look(address: str) -> None:
        with browser(dark=True) as window:
            window.call("POST", "/url", {"url": address})
            until(window, "document.body.textContent.includes('onerror=alert')")
            assert window.run("return document.querySelectorAll('img').length") == 0
            text = window.run("return document.body.textContent")
            assert "\u202e" not in text
            assert "\x1b" not in text
            dark = window.run("return getComputedStyle(document.body).backgroundColor")
            assert dark != "rgb(246, 247, 249)"
            window.size(500, 900)
            assert window.run("return document.documentElement.scrollWidth <= window.innerWidth")
            assert window.log() == []

    async def work(served: ServedPlatform) -> None:
        poison(served.platform.store)

    await with_platform(look, work)


@pytest.mark.smoke
async def test_only_its_own_path_is_answered_and_with_a_strict_policy() -> None:
    async with serving(seed=3, options=PlatformOptions(), fault=None) as served, status_page(served.platform) as page:
        url = urlsplit(page)
        client = Client()
        place = url.hostname or "", url.port or 0
        answer = await client.call(*place, Request("GET", url.path, url.netloc))
        assert answer.status == 200
        assert "default-src 'none'" in (answer.header("content-security-policy") or "")
        assert (await client.call(*place, Request("GET", "/", url.netloc))).status == 404
        assert (await client.call(*place, Request("GET", "/state", url.netloc))).status == 404
        shown = await client.call(*place, Request("GET", url.path + "state", url.netloc))
        assert set(json.loads(shown.body)) >= {"pods", "events", "revisions", "nodes", "services"}
        await client.close()
