from __future__ import annotations

import io
import json
import re
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance.catalogue.scenario import scenarios
from conformance.run.dashboard import Dashboard, page
from conformance.run.progress import Progress
from conformance.run.progress_event import ProgressEvent
from tests.reports.browser import CHROMIUM, DRIVER, browser


def connect(dashboard: Dashboard) -> HTTPConnection:
    parts = urlsplit(dashboard.url)
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
    with Dashboard() as dashboard:
        progress = Progress(live=False, sinks=[dashboard.tell])
        with progress:
            progress.start([scenario])
            progress.update(scenario.name, ProgressEvent(phase="load", pods=1, desired=8, in_flight=5))
            progress.finish(scenario.name, "complete")
        connection = connect(dashboard)
        connection.request("GET", "/news")
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
    with Dashboard() as dashboard:
        connection = connect(dashboard)
        connection.request("GET", "/", headers={"host": "evil.example"})
        assert connection.getresponse().status == 400
        connection.close()


def test_old_news_makes_room_for_new() -> None:
    dashboard = Dashboard()
    for number in range(5):
        dashboard.tell({"n": number})
    assert dashboard.since(3) == (5, ['{"n":3}', '{"n":4}'])
    assert dashboard.since(5) == (5, [])


@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no chromium with chromedriver")
def test_the_page_shows_pods_load_and_panic_while_they_change() -> None:
    chosen = list(scenarios().values())[:24]
    with Dashboard() as dashboard, browser() as window:
        progress = Progress(io.StringIO(), live=False, sinks=[dashboard.tell])
        progress.start(chosen)
        for entry in chosen:
            progress.update(
                entry.name,
                ProgressEvent(phase="load", pods=4, ready=3, desired=8, requested=7, in_flight=5, panic=True),
            )
        progress.update(chosen[0].name, ProgressEvent(requests_per_second=49.6, panic=False))
        progress.finish(chosen[1].name, "complete")
        window.call("POST", "/url", {"url": dashboard.url})
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
