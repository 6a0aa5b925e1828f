"""hey's flags: what each comes to, and that nothing is ignored in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.load.flags import Flags, seconds
from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import LoadShape, Phase

URL = "http://a.example.com/v1/models/m:predict"


def only_phase(**given: Any) -> Phase:
    (phase,) = Flags(URL, **given).plan().phases
    return phase


def test_the_documented_commands_are_understood() -> None:
    assert only_phase(duration="30s", workers=5) == Phase(LoadShape.CLOSED, 30.0, workers=5)
    assert only_phase(duration="30s", rate_per_worker=50.0) == Phase(
        LoadShape.SALVO, 30.0, workers=50, rate_per_worker=50.0
    )


def test_without_a_duration_200_requests_are_dealt_to_50_workers() -> None:
    assert only_phase() == Phase(LoadShape.CLOSED, 0.0, workers=50, count=200)
    assert only_phase(requests=10, workers=3).count == 10


def test_a_rate_is_an_open_loop_of_that_total() -> None:
    assert only_phase(rate=50.0, duration="2m") == Phase(LoadShape.CONSTANT, 120.0, rate=50.0)
    assert only_phase(rate=50.0, requests=100) == Phase(LoadShape.CONSTANT, 2.0, rate=50.0)
    assert only_phase(rate=50.0, duration="1s", poisson=True).shape is LoadShape.POISSON


@pytest.mark.parametrize(
    ("text", "value"),
    [("30s", 30.0), ("500ms", 0.5), ("1m30s", 90.0), ("1.5h", 5400.0), ("100us", 1e-4), ("0.5s", 0.5)],
)
def test_durations_are_gos(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["30", "", "s", "1 s", "5x", "-3s", "3s 4s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidLoadError, match="not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"requests": 10, "workers": 20}, "less than -c 20"),
        ({"requests": 10, "duration": "1s"}, "-n with -z"),
        ({"workers": 0, "duration": "1s"}, "below 1"),
        ({"rate": 5.0, "workers": 2, "duration": "1s"}, "hey's closed one"),
        ({"rate": 5.0}, "either -z"),
        ({"poisson": True, "duration": "1s"}, "rate above 0"),
        ({"rate_per_worker": 0.2, "duration": "1s"}, "due after 5 s"),
        ({"plan_file": "x.yaml", "workers": 3}, "--plan says all"),
        ({"plan_file": "/does/not/exist.yaml"}, "No such file"),
    ],
)
def test_contradictions_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidLoadError, match=words):
        Flags(URL, **given).plan()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"headers": ("Host: b",)}, "say -host"),
        ({"headers": ("nonsense",)}, "not 'Name: value'"),
        ({"authorization": "user"}, "user:password"),
        ({"body": "a", "body_file": "b"}, "give one of them"),
        ({"body_file": "/does/not/exist"}, "No such file"),
        ({"url": "http://[::1"}, "Invalid IPv6 URL"),
        ({"url": "a.example.com/"}, "is not an http:// or https:// URL"),
    ],
)
def test_unusable_requests_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidLoadError, match=words):
        Flags(**{"url": URL, **given}).target()


def test_the_request_is_heys(tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_bytes(b'{"instances": []}')
    target = Flags(
        URL, method="post", body_file=str(path), host="h.example.com", headers=("X-A: 1",), authorization="u:p",
        accept="a/b", user_agent="me",
    ).target()  # fmt: skip
    assert (target.method, target.body, target.host) == ("POST", b'{"instances": []}', "h.example.com")
    assert target.headers == (
        ("User-Agent", "me conformance-load"),
        ("Content-Type", "text/html"),
        ("Accept", "a/b"),
        ("Authorization", "Basic dTpw"),
        ("X-A", "1"),
    )


def test_credentials_in_the_url_are_sent_as_hey_does_unless_others_are_given() -> None:
    url = "http://us%65r:p%40ss@a.example.com/"
    assert ("Authorization", "Basic dXNlcjpwQHNz") in Flags(url).target().headers
    given = Flags(url, authorization="u:p").target().headers
    assert [value for name, value in given if name == "Authorization"] == ["Basic dTpw"]
    own = Flags(url, headers=("authorization: Bearer x",)).target().headers
    assert [value for name, value in own if name.lower() == "authorization"] == ["Bearer x"]


def test_a_header_given_replaces_the_default() -> None:
    headers = Flags(URL, headers=("content-type: application/json",)).target().headers
    assert [value for name, value in headers if name.lower() == "content-type"] == ["application/json"]


def test_a_plan_file_may_hold_several_phases(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("phases: [{shape: ramp, seconds: 10, rate: 1, rate_end: 9}, {shape: idle, seconds: 5}]\n")
    plan = Flags(URL, plan_file=str(path), max_in_flight=7).plan()
    assert [phase.shape for phase in plan.phases] == [LoadShape.RAMP, LoadShape.IDLE]
    assert plan.max_in_flight == 7
    path.write_text("phases: [{shape: rump, seconds: 10}]\n")
    with pytest.raises(InvalidLoadError, match="did you mean 'ramp'"):
        Flags(URL, plan_file=str(path)).plan()


def test_what_is_in_flight_is_awaited_as_long_as_a_request_may_take() -> None:
    assert Flags(URL, duration="1s", timeout_seconds=7.0).plan().drain_seconds == 8.0
    assert Flags(URL, duration="1s", timeout_seconds=0.0).plan().drain_seconds > 1e6
    assert Flags(URL, duration="1s", drain_seconds=3.0).plan().drain_seconds == 3.0
