from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import reports
from conformance.judge.judged_run import stored
from conformance.judge.judgement import Judgement, Margin, Moment, Verdict
from conformance.judge.verdict_text import amount
from conformance.recording.facts import FactKind
from reports.bundle import read_yaml
from reports.sampling import thin
from reports.trace import traces
from tests.reports.browser import CHROMIUM, DRIVER, Browser, browser
from tests.reports.folders import CATALOGUE, brief, judgements, requirement, run_folder, stairway

in_a_browser = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no chromium with chromedriver")
EVIL = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>\x1b[31m\u202e</script>"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 scenarios, 60 requirements, 60,000 requests."""
    names = [f"scenario-{number:02d}" for number in range(20)]
    stories = tuple(stairway(name, seed=number, requests=3400, leaving=60.0) for number, name in enumerate(names))
    catalogue = tuple(requirement(f"BIG-{number:03d}", names[number % 20]) for number in range(60))
    first = judgements()[0]
    judged = tuple(
        Judgement(
            entry.id, Verdict.PASS if number % 7 else Verdict.FAIL, entry.scenario, first.expected, first.measured,
            first.confidence, Margin.WIDE, moments=(Moment(entry.scenario or "", 22.0, 40.0, "scale-up"),),
        )
        for number, entry in enumerate(catalogue)
    )  # fmt: skip
    folder = run_folder(tmp_path_factory.mktemp("large"), judged, stories=stories)
    reports.write(stored(folder, catalogue))
    return folder / "report.html"


def test_the_page_asks_for_nothing_from_elsewhere(written: Path) -> None:
    text = (written / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=(?!\"data:image/)", text)
    assert "@import" not in text


def test_everything_from_the_platform_is_escaped(tmp_path: Path) -> None:
    names = ("target-concurrency", "container-concurrency", "scale-to-zero")
    stories = tuple(stairway(name) for name in names)
    for story in stories:
        evil = story.pods[0] + EVIL
        for number, (t, kind, body) in enumerate(story.facts):
            poison = {"message": EVIL} if "message" in body else {}
            poison |= {"name": evil} if body.get("name") == story.pods[0] else {}
            story.facts[number] = (t, kind, {**body, **poison})
    judged = tuple(replace(entry, facts=(f"t=31.2: {EVIL}",), notes=EVIL) for entry in judgements())
    folder = run_folder(tmp_path, judged, stories=stories)
    reports.write(stored(folder, CATALOGUE))
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "<img src" not in text
    assert "<script>alert" not in text
    assert text.count("<script") == 2
    for name in ("summary.md", "junit.xml"):
        view = (folder / name).read_text(encoding="utf-8")
        assert "<img" not in view
        assert "\x1b" not in view
        assert "\u202e" not in view


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"api_verified": False, "ingress_verified": False}, "the Kubernetes API server and the ingress"),
        ({"api_verified": True, "ingress_verified": False}, "</strong> for the ingress."),
        ({"api_verified": True, "ingress_verified": True}, None),
    ],
)
def test_a_run_that_trusted_anybody_says_so_at_the_top(
    tmp_path: Path, connection: dict[str, bool], words: str | None
) -> None:
    stories = brief()
    stories[0].tell(0.05, FactKind.CONFIG, source="connection", data=connection)
    folder = run_folder(tmp_path, stories=stories)
    reports.write(stored(folder, CATALOGUE))
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert ("TLS certificates were not verified" in text) == (words is not None)
    assert words is None or words in text[: text.index('class="summary"')]
    stated = read_yaml((folder / "report.yaml").read_bytes())["run"].get("unverified", [])
    assert (" and ".join(stated) or None) == (words and words.removeprefix("</strong> for ").rstrip("."))
    assert ((folder / "summary.md").read_text(encoding="utf-8").count("were not verified of")) == len(stated)


@pytest.mark.parametrize(("knative", "said"), [("v1.23.0", False), ("v1.30.0", True)])
def test_a_run_on_another_release_says_so_at_the_top(tmp_path: Path, knative: str, said: bool) -> None:
    folder = run_folder(tmp_path, stories=brief())
    before = (folder / "run.json").read_text(encoding="utf-8")
    (folder / "run.json").write_text(before.replace("v1.21.1", knative).replace("v0.17.0", "v0.20.0"), "utf-8")
    reports.write(stored(folder, CATALOGUE))
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert ("Knative v1.30.0 is none of the supported releases" in text[: text.index('class="summary"')]) is said
    assert ("none of the supported" in (folder / "summary.md").read_text(encoding="utf-8")) is said
    assert len(read_yaml((folder / "report.yaml").read_bytes())["run"].get("unsupported", [])) == said


def test_a_run_that_the_harness_limited_says_by_what_and_what_to_do(tmp_path: Path) -> None:
    names = ("target-concurrency", "container-concurrency", "scale-to-zero")
    stories = tuple(stairway(name) for name in names)
    stories[0].tell(60.0, FactKind.GAP, **{"kind": "pods", "from": 40.0, "to": 60.0, "reason": "watch closed"})
    judged = tuple(entry for entry in judgements() if entry.verdict is not Verdict.FAIL)
    folder = run_folder(tmp_path, judged, stories=stories)
    reports.write(stored(folder, tuple(entry for entry in CATALOGUE if entry.id != "LIM-001")))
    text = (folder / "report.html").read_text(encoding="utf-8")
    summary = text[text.index('class="summary"') : text.index('class="jump"')]
    assert "Not decided" in summary
    assert re.search(r'<p class="why">OBSERVER_GAP_SECONDS 20 \(limit &lt;= 1\.?0?\): \w+', summary)


def test_a_cold_start_is_told_in_parts(tmp_path: Path) -> None:
    story = stairway(pods=1, load_seconds=5.0, leaving=30.0)
    name = "flowers-sample-predictor-00001-deployment-6d7f-00000"
    pod = next(body for _, kind, body in story.facts if kind is FactKind.POD)
    init, main = {"name": "storage-initializer"}, {"name": "kserve-container"}
    for t, fetched, serving in ((2.0, "running", "waiting"), (5.0, "terminated", "waiting")):
        states = {"init_containers": [{**init, "state": fetched}], "containers": [{**main, "state": serving}]}
        story.tell(t, FactKind.POD, **{**pod, "scheduled": True, "change": "MODIFIED", **states})
    folder = run_folder(tmp_path, stories=(story,))
    (start,) = traces(stored(folder, CATALOGUE))["target-concurrency"].cold_starts
    assert start.pod == name
    parts = [(part, round(seconds, 2)) for part, seconds in start.parts]
    assert parts == [("schedule", 0.05), ("pull", 0.95), ("model", 3.0), ("container", 3.0), ("readiness", 0.5)]
    assert start.total == pytest.approx(7.5)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(1, "pods", "1 pod"), (2, "pods", "2 pods"), (1, "pods x seconds", "1 pods x seconds"), (1, "s", "1 s"),
     (1, "requests in flight", "1 request in flight"), (1.0, "", "1")],
)  # fmt: skip
def test_one_of_a_thing_is_said_in_the_singular(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_the_data_in_the_page_is_what_was_recorded(written: Path) -> None:
    import base64

    text = (written / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    scenarios = {entry["name"]: entry for entry in json.loads(found[1])["scenarios"]}
    component = scenarios["target-concurrency"]["components"][0]
    ready = np.frombuffer(base64.b64decode(component["ready"]), "<f4")
    x = np.frombuffer(base64.b64decode(component["x"]), "<f4")
    assert ready.max() == 8
    assert x[np.argmax(ready == 8)] == pytest.approx(31.8, abs=0.01)


def test_thinning_keeps_every_error_and_the_outline() -> None:
    generator = np.random.default_rng(3)
    x, y = np.sort(generator.uniform(0, 100, 50_000)), generator.exponential(1, 50_000)
    bad = np.zeros(50_000, dtype=np.bool_)
    bad[::5000] = True
    kept = thin(x, y, bad, 2000)
    assert len(kept) <= 2010
    assert set(np.flatnonzero(bad)) <= set(kept.tolist())
    assert int(np.argmax(y)) in kept
    assert int(np.argmin(np.where(bad, np.inf, y))) in kept
    assert (np.diff(x[kept]) >= 0).all()


def test_few_points_are_all_kept() -> None:
    x = np.array([3.0, 1.0, 2.0])
    assert thin(x, x, np.zeros(3, dtype=np.bool_), 10).tolist() == [1, 2, 0]


def visible(window: Browser) -> int:
    found: int = window.run("return document.querySelectorAll('.requirement:not([hidden])').length")
    return found


def range_of(window: Browser, scenario: str) -> tuple[float, float]:
    text: str = window.run(f"return document.querySelector('#s-{scenario} .charts').dataset.range")
    low, high = map(float, text.split())
    return low, high


@in_a_browser
def test_the_page_works_in_a_browser(written: Path) -> None:
    page = written / "report.html"
    with browser() as window:
        window.open(page)
        assert window.text(".headline") == "Not conformant"

        window.click("input[name=verdict][value=PASS]")
        assert visible(window) == 5
        window.type("#find", "lim-001")
        assert visible(window) == 1
        assert window.text("#shown") == "1 of 7"

        window.click("#r-LIM-001 summary")
        window.click("#r-LIM-001 a.moment.button")
        low, high = range_of(window, "container-concurrency")
        assert low < 31.0 < 33.0 < high
        assert high - low < 20.0
        assert window.run("return document.activeElement.className") == "viewer"

        window.press("0")
        whole = range_of(window, "container-concurrency")
        assert whole[0] == 0.0
        window.press("+")
        zoomed = range_of(window, "container-concurrency")
        assert zoomed[1] - zoomed[0] == pytest.approx((whole[1] - whole[0]) / 2, abs=0.1)
        window.press("0")
        window.run("document.querySelector('#s-container-concurrency .u-over').scrollIntoView({block: 'center'})")
        window.drag("#s-container-concurrency .u-over", (-200, 0), (0, 0))
        dragged = range_of(window, "container-concurrency")
        assert 10.0 < dragged[1] - dragged[0] < 60.0

        window.click("#theme")
        assert window.run("return document.documentElement.dataset.theme") == "dark"
        window.open(page, "#r-PAN-002")
        window.settle()
        assert window.run("return document.getElementById('r-PAN-002').open") is True
        window.open(page, "#s-target-concurrency/22-40")
        window.settle()
        assert range_of(window, "target-concurrency")[0] > 0.0
        assert window.run("return getComputedStyle(document.querySelector('.still')).display") == "none"
        assert window.pdf().startswith(b"%PDF")
        assert window.log() == []


@in_a_browser
def test_a_large_page_is_small_and_draws_only_what_is_looked_at(large: Path) -> None:
    assert large.stat().st_size < 5_000_000
    with browser() as window:
        window.open(large)
        window.settle()
        at_first = window.run("return document.querySelectorAll('canvas').length")
        window.run("document.querySelectorAll('.scenario')[0].scrollIntoView()")
        window.settle()
        shown = window.run("return document.querySelectorAll('canvas').length")
        scenarios = window.run("return document.querySelectorAll('.scenario').length")
        assert at_first <= shown
        assert 0 < shown < scenarios
        assert window.log() == []


@in_a_browser
def test_the_page_can_be_used_without_seeing_it(written: Path) -> None:
    with browser() as window:
        window.open(written / "report.html")
        unnamed = window.run(
            """return [...document.querySelectorAll('button, a, input, [role=group], [role=img], section')].filter(e =>
            !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim()
              || e.closest('label'))).map(e => e.outerHTML.slice(0, 80))"""
        )
        assert unnamed == []
        assert window.run("return document.documentElement.lang") == "en"
        assert window.run("return document.querySelectorAll('main, header.top, nav').length") == 3
        assert window.run("return document.querySelectorAll('#s-target-concurrency table td').length") > 50
