"""Both engines against real sockets: what each kind of answer and failure becomes in the rows."""

from __future__ import annotations

import asyncio
import math
import os
import socket
from itertools import pairwise
from pathlib import Path

import pytest

from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.pacer import FAILURE_PAUSE_SECONDS
from conformance.recording.rows import RowError, RowFlag
from tests.load.offering import Offer, one
from tests.load.server import serving

pytestmark = pytest.mark.smoke


async def test_an_answer_in_one_piece_fills_every_field_of_its_row(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        outcome = await offer(one(), Target(f"http://127.0.0.1:{seen.port}/ok?x=1", body=b"{}"), tmp_path)
    (row,) = outcome.rows
    assert (row.status, row.error, row.pod, row.in_flight, row.high_water, row.body_bytes) == (200, 0, 1, 3, 4, 2)
    assert row.scheduled <= row.sent < row.first_byte <= row.end
    assert row.model_seconds == pytest.approx(0.0015)
    assert row.request == 1
    assert outcome.names == ("pod-a",)
    assert outcome.offered.sent == outcome.offered.answered == 1
    assert seen.heads[0].startswith("POST /ok?x=1 HTTP/1.1\r\n")
    assert "x-request-id: 1\r\n" in seen.heads[0]


async def test_host_headers_and_body_go_out_as_given(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        target = Target(
            "http://model.example.com/v1/models/m:predict",
            host="flowers.default.example.com",
            address=f"127.0.0.1:{seen.port}",
            headers=(("X-Extra", "1"), ("Host", "ignored")),
            body=b"payload",
        )
        await offer(one(), target, tmp_path)
    assert "\r\nHost: flowers.default.example.com\r\n" in seen.heads[0]
    assert "\r\nX-Extra: 1\r\n" in seen.heads[0]
    assert "ignored" not in seen.heads[0]
    assert seen.bodies == [b"payload"]


@pytest.mark.parametrize(
    ("path", "status", "body_bytes", "pod"),
    [
        ("/chunked", 200, 7, "pod-b"),
        ("/split", 200, 2, "pod-a"),
        ("/until-close", 200, 11, "pod-c"),
        ("/close", 200, 2, None),
        ("/continue", 200, 2, "pod-a"),
        ("/busy", 503, 0, None),
        ("/large", 200, 300_000, None),
        ("/two", 200, 2, "pod-a"),
        ("/excess", 200, 2, "pod-a"),
    ],
)
async def test_uncommon_answers_are_answers(
    offer: Offer, tmp_path: Path, path: str, status: int, body_bytes: int, pod: str | None
) -> None:
    async with serving() as seen:
        outcome = await offer(one(count=3), Target(f"http://127.0.0.1:{seen.port}{path}"), tmp_path)
    assert [(row.status, row.error, row.body_bytes) for row in outcome.rows] == [(status, 0, body_bytes)] * 3
    assert outcome.names == ((pod,) if pod else ())
    assert seen.connections == (3 if "close" in path or path in ("/two", "/excess") else 1)


@pytest.mark.parametrize(
    ("path", "error", "status"),
    [
        ("/reset", RowError.RESET, 0),
        ("/cut", RowError.CUT, 200),
        ("/cut-chunk", RowError.CUT, 200),
        ("/garbage", RowError.PROTOCOL, 0),
    ],
)
async def test_broken_answers_are_errors_with_a_class(
    offer: Offer, tmp_path: Path, path: str, error: RowError, status: int
) -> None:
    async with serving() as seen:
        outcome = await offer(one(count=2), Target(f"http://127.0.0.1:{seen.port}{path}"), tmp_path)
    assert [(row.error, row.status) for row in outcome.rows] == [(error, status)] * 2
    assert outcome.offered.errors == 2
    assert outcome.offered.answered == 0
    assert seen.connections == 2


@pytest.mark.parametrize("path", ["/delay/5", "/stall"])
async def test_a_timeout_is_a_censored_row_that_ends_at_the_limit(offer: Offer, tmp_path: Path, path: str) -> None:
    async with serving() as seen:
        plan = one(path_timeout_seconds=0.2)
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}{path}"), tmp_path)
    (row,) = outcome.rows
    assert row.error is RowError.TIMEOUT
    assert row.flags & RowFlag.CENSORED
    assert row.end - row.scheduled >= 0.2
    assert row.end - row.sent < 5.0  # when the server would have answered


async def test_a_refused_connection_is_a_row_and_not_a_flood(offer: Offer, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    plan = LoadPlan((Phase(LoadShape.CLOSED, 0.0, workers=2, count=12),))
    outcome = await offer(plan, Target(f"http://127.0.0.1:{port}/"), tmp_path)
    assert {row.error for row in outcome.rows} == {RowError.CONNECT}
    assert all(math.isnan(row.sent) for row in outcome.rows)
    assert len(outcome.rows) == 12
    for worker in (0, 1):
        begun = sorted(row.scheduled for row in outcome.rows if row.worker == worker)
        assert len(begun) > 1
        assert min(after - before for before, after in pairwise(begun)) >= 0.99 * FAILURE_PAUSE_SECONDS
    assert list(outcome.lines[-1]["summary"]["causes"]) == ["connect: connection refused"]


async def test_an_unknown_name_is_rows_too(offer: Offer, tmp_path: Path) -> None:
    outcome = await offer(one(count=1), Target("http://no-such-host.invalid/"), tmp_path)
    assert [row.error for row in outcome.rows] == [RowError.CONNECT]


async def test_a_body_larger_than_the_socket_takes_is_sent_in_parts(offer: Offer, tmp_path: Path) -> None:
    body = os.urandom(8_000_000)
    async with serving() as seen:
        outcome = await offer(one(count=2), Target(f"http://127.0.0.1:{seen.port}/slow-reader", body=body), tmp_path)
    assert [row.status for row in outcome.rows] == [200, 200]
    assert seen.bodies == [body, body]


async def test_an_answer_that_comes_before_the_body_is_sent_counts(offer: Offer, tmp_path: Path) -> None:
    body = os.urandom(8_000_000)
    async with serving() as seen:
        outcome = await offer(one(count=2), Target(f"http://127.0.0.1:{seen.port}/early", body=body), tmp_path)
    assert [(row.status, row.error) for row in outcome.rows] == [(413, 0)] * 2
    assert seen.connections == 2


async def test_without_keep_alive_every_request_has_its_own_connection(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        target = Target(f"http://127.0.0.1:{seen.port}/ok", keep_alive=False)
        outcome = await offer(one(count=3), target, tmp_path)
    assert seen.connections == 3
    assert len({row.connection for row in outcome.rows}) == 3
    assert not any(row.flags & RowFlag.REUSED for row in outcome.rows)
    assert all(row.connect_seconds > 0 for row in outcome.rows)
    assert "Connection: close" in seen.heads[0]


async def test_a_connection_closed_while_idle_is_replaced(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.CONSTANT, 0.5, rate=10),))
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}/answer-and-close"), tmp_path)
    assert [(row.status, row.error) for row in outcome.rows] == [(200, 0)] * 5
    assert len({row.connection for row in outcome.rows}) == 5


async def test_head_requests_do_not_wait_for_a_body(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        outcome = await offer(one(count=2), Target(f"http://127.0.0.1:{seen.port}/head", method="HEAD"), tmp_path)
    assert [(row.status, row.body_bytes) for row in outcome.rows] == [(200, 0)] * 2


async def test_a_closed_loop_never_has_more_in_flight_than_workers(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.CLOSED, 0.0, workers=3, count=12),))
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}/delay/0.05"), tmp_path)
    edges = sorted([(row.sent, 1) for row in outcome.rows] + [(row.end, -1) for row in outcome.rows])
    level, peak = 0, 0
    for _, step in edges:
        level += step
        peak = max(peak, level)
    assert peak == 3
    assert len(outcome.rows) == 12
    assert {row.worker for row in outcome.rows} == {0, 1, 2}


async def test_an_open_loop_does_not_wait_for_answers(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.CONSTANT, 0.5, rate=100),))
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}/delay/0.2"), tmp_path)
    assert len(outcome.rows) == 50
    start = outcome.lines[0]["plan"]["start"]
    due = sorted(row.scheduled - start for row in outcome.rows)
    assert due == pytest.approx([number / 100 for number in range(50)], abs=1e-6)
    assert sorted(row.request for row in outcome.rows) == list(range(1, 51))
    assert outcome.offered.sent == outcome.lines[-1]["summary"]["scheduled"] == 50


async def test_arrivals_beyond_the_cap_are_dropped_rows(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.BURST, 0.1, count=10),), max_in_flight=4)
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}/delay/0.05"), tmp_path)
    assert sum(row.error is RowError.DROPPED for row in outcome.rows) == 6
    assert outcome.offered.dropped == 6
    assert outcome.offered.sent == 4
    assert outcome.lines[-1]["summary"]["cap_hits"] == 6


async def test_an_engine_that_is_overtaken_by_the_end_leaves_a_row_for_every_arrival(
    offer: Offer, tmp_path: Path
) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.BURST, 0.01, count=50_000),), max_in_flight=2, drain_seconds=0.0)
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}/delay/5"), tmp_path)
    assert len(outcome.rows) == outcome.lines[-1]["summary"]["scheduled"] == 50_000
    assert outcome.offered.dropped == 50_000 - outcome.offered.sent


async def test_what_outlasts_the_drain_is_cut(offer: Offer, tmp_path: Path) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.BURST, 0.1, count=2),), drain_seconds=0.2)
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}/delay/5"), tmp_path)
    assert [row.error for row in outcome.rows] == [RowError.CUT] * 2
    assert all(row.flags & RowFlag.CENSORED and row.flags & RowFlag.DRAIN for row in outcome.rows)
    assert outcome.lines[-1]["summary"]["stopped"] is False


async def test_the_end_of_the_control_pipe_stops_sending_and_keeps_the_rows(offer: Offer, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.CLOSED, 30.0, workers=2),))
        task = asyncio.create_task(
            offer(plan, Target(f"http://127.0.0.1:{seen.port}/delay/0.02"), tmp_path, stop_fd=reading)
        )
        await seen.requests(12)
        os.close(writing)
        outcome = await task
        os.close(reading)
    assert outcome.lines[-1]["summary"]["stopped"] is True
    assert sum(row.status == 200 for row in outcome.rows) > 5
    assert sum(row.error is RowError.CUT for row in outcome.rows) <= 2
    assert len({row.request for row in outcome.rows}) == len(outcome.rows)


async def test_ipv6_addresses_work(offer: Offer, tmp_path: Path) -> None:
    async with serving(host="::1") as seen:
        outcome = await offer(one(), Target(f"http://[::1]:{seen.port}/ok"), tmp_path)
    assert [row.status for row in outcome.rows] == [200]
    assert f"Host: [::1]:{seen.port}" in seen.heads[0]


async def test_a_name_with_two_addresses_uses_the_one_that_listens(offer: Offer, tmp_path: Path) -> None:
    async with serving(host="127.0.0.1") as seen:
        outcome = await offer(one(), Target(f"http://localhost:{seen.port}/ok"), tmp_path)
    assert [row.status for row in outcome.rows] == [200]
