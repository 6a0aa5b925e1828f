"""The live page: what it serves, to whom, and how it behaves in a browser."""

from __future__ import annotations

import io
import json
import re
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance.base.live_page import LivePage, page
from conformance.catalogue.scenario import scenarios
from conformance.run.progress import Progress
from conformance.run.progress_event import ProgressEvent
from tests.reports.browser import CHROMIUM, DRIVER, browser


def connect(live_page: LivePage) -> HTTPConnection:
    parts = urlsplit(live_page.url)
    assert parts.hostname == "127.0.0.1"
    return HTTPConnection(parts.hostname, parts.port or 0, timeout=10)


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    text = page()
    assert "/*UPLOT*/" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "src=" not in text


@pytest.mark.smoke
def test_a_late_visitor_gets_all_news_and_the_end() -> None:
    scenario = scenarios()["target-concurrency"]
    with LivePage() as live_page:
        progress = Progress(live=False, sinks=[live_page.tell])
        with progress:
            progress.start([scenario])
            progress.update(scenario.name, ProgressEvent(phase="load", pods=1, desired=8, in_flight=5))
            progress.finish(scenario.name, "complete")
        connection = connect(live_page)
        connection.request("GET", urlsplit(live_page.url).path + "news")
        answer = connection.getresponse()
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        news: list[dict[str, Any]] = []
        while len(news) < 4:
            line = answer.readline().decode()
            if line.startswith("data: "):
                news.append(json.loads(line[6:]))
        connection.close()
    assert [entry["kind"] for entry in news] == ["line", "start", "update", "finish"]
    assert news[2]["desired"] == 8


@pytest.mark.smoke
def test_another_sites_name_is_refused() -> None:
    with LivePage() as live_page:
        connection = connect(live_page)
        connection.request("GET", urlsplit(live_page.url).path, headers={"host": "evil.example"})
        assert connection.getresponse().status == 400
        connection.close()


@pytest.mark.smoke
def test_only_its_own_path_is_answered_and_with_a_strict_policy() -> None:
    with LivePage() as live_page:
        path = urlsplit(live_page.url).path
        found = {}
        for asked in (path, "/", "/news"):
            connection = connect(live_page)
            connection.request("GET", asked)
            found[asked] = connection.getresponse()
            connection.close()
    assert {asked: answer.status for asked, answer in found.items()} == {path: 200, "/": 404, "/news": 404}
    assert "default-src 'none'" in (found[path].getheader("content-security-policy") or "")


def test_old_news_makes_room_for_new() -> None:
    live_page = LivePage()
    for number in range(5):
        live_page.tell({"n": number})
    assert live_page.since(3) == (5, ['{"n":3}', '{"n":4}'])
    assert live_page.since(5) == (5, [])


@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no chromium with chromedriver")
def test_the_page_shows_pods_load_and_panic_while_they_change() -> None:
    chosen = list(scenarios().values())[:24]
    with LivePage() as live_page, browser() as window:
        progress = Progress(io.StringIO(), live=False, sinks=[live_page.tell])
        progress.start(chosen)
        for entry in chosen:
            progress.update(
                entry.name,
                ProgressEvent(phase="load", pods=4, ready=3, desired=8, requested=7, in_flight=5, panic=True),
            )
        progress.update(chosen[0].name, ProgressEvent(requests_per_second=49.6, panic=False))
        progress.finish(chosen[1].name, "complete")
        window.call("POST", "/url", {"url": live_page.url})
        window.later(
            "const done = arguments[0], state = document.getElementById('state');"
            "const look = () => state.textContent.startsWith('1 of 24') ? done() : setTimeout(look, 50); look()"
        )
        cards = window.run("return [...document.querySelectorAll('article')].map(card => card.innerText)")
        alarmed = window.run("return document.querySelectorAll('article.panic').length")
        canvases = window.run("return document.querySelectorAll('article canvas').length")
        messages = window.log()
    first = next(text for text in cards if text.startswith(chosen[0].name))
    assert re.findall(r"^[0-9.]+$", first, re.MULTILINE) == ["3", "4", "8", "7", "5", "49.6"]
    assert (len(cards), canvases, alarmed) == (24, 48, 22)
    assert messages == []
