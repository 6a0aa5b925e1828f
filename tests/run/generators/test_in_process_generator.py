"""The generator in virtual time: the same rows as on sockets, and the same bytes for the same seed."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.http.exchange import ExchangeError, Request, Response
from conformance.load.generator import LoadProgress, LoadSpec
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.row_writer import LoadPaths
from conformance.recording.rows import RowError, RowFlag
from conformance.run.generators.in_process_generator import InProcessGenerator
from tests.load.offering import Outcome, read_outcome

TARGET = Target("http://flowers.example.com/v1/models/flowers:predict?a=1", headers=(("X-Extra", "1"),), body=b"{}")


class Model:
    """Answers as a pod with a witness would."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.seconds = seconds
        self.requests: list[Request] = []
        self.in_flight = 0

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        self.in_flight += 1
        headers = (("x-pod", "pod-a"), ("x-in-flight", str(self.in_flight)), ("x-model-ms", "100"))
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        return Response(200, headers, b"answer")


def offer(
    plan: LoadPlan,
    model: Model,
    folder: Path,
    cancel_after: float | None = None,
    shown: list[LoadProgress] | None = None,
) -> Outcome:
    async def main() -> Outcome:
        clock = virtual_clock()
        await clock.sleep(3.0)
        generator = InProcessGenerator(model, clock)
        show = shown.append if shown is not None else None
        task = asyncio.ensure_future(generator.offer(LoadSpec(plan, TARGET, folder, 1, 1.0), show))
        if cancel_after is not None:
            await clock.sleep(cancel_after)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return read_outcome(None, LoadPaths.of(folder, 1))
        return read_outcome(await task, LoadPaths.of(folder, 1))

    return run_virtual(main())


def test_a_closed_loop_sends_when_it_is_answered(tmp_path: Path) -> None:
    model = Model()
    outcome = offer(LoadPlan((Phase(LoadShape.CLOSED, 1.95, workers=5),)), model, tmp_path)
    assert len(outcome.rows) == 100
    assert {row.status for row in outcome.rows} == {200}
    assert outcome.offered.start == 3.0
    assert outcome.offered.end == pytest.approx(5.0)
    first = min(outcome.rows, key=lambda row: row.request)
    assert (first.scheduled, first.sent, first.pod, first.body_bytes) == (2.0, 2.0, 1, 6)
    assert first.end == pytest.approx(2.1)
    request = model.requests[0]
    assert (request.host, request.path) == ("flowers.example.com", "/v1/models/flowers:predict?a=1")
    assert request.header("x-extra") == "1"
    assert request.header("x-request-id") == "1"


def test_an_open_loop_sends_to_the_microsecond(tmp_path: Path) -> None:
    outcome = offer(LoadPlan((Phase(LoadShape.CONSTANT, 1.0, rate=8),)), Model(seconds=0.7), tmp_path)
    assert [row.sent for row in outcome.rows] == pytest.approx([2.0 + number / 8 for number in range(8)])
    assert all(row.sent == pytest.approx(row.scheduled) for row in outcome.rows)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    def files(name: str, seed: int) -> list[bytes]:
        phases = (Phase(LoadShape.POISSON, 3.0, rate=40), Phase(LoadShape.SALVO, 1.0, workers=3, rate_per_worker=20))
        offer(LoadPlan(phases, seed=seed), Model(), tmp_path / name)
        return [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]

    assert files("a", 1) == files("b", 1)
    assert files("c", 2) != files("d", 1)


def test_failures_are_rows_of_their_class(tmp_path: Path) -> None:
    kinds = ["connect", "reset", "protocol", "cut"]

    class Failing(Model):
        async def __call__(self, request: Request) -> Response:
            self.requests.append(request)
            raise ExchangeError(kinds[len(self.requests) - 1], "broken")

    outcome = offer(LoadPlan((Phase(LoadShape.CONSTANT, 4.0, rate=1),)), Failing(), tmp_path)
    assert [row.error.name.lower() for row in outcome.rows] == kinds
    assert math.isnan(outcome.rows[0].sent)
    assert outcome.offered.errors == 4


def test_a_refusing_platform_does_not_stop_virtual_time(tmp_path: Path) -> None:
    class Refusing(Model):
        async def __call__(self, request: Request) -> Response:
            raise ExchangeError("connect", "refused")

    class Hasty(Model):
        async def __call__(self, request: Request) -> Response:
            return Response(503)

    plan = LoadPlan((Phase(LoadShape.CLOSED, 0.5, workers=2),))
    assert len(offer(plan, Refusing(), tmp_path / "refusing").rows) == pytest.approx(100, abs=4)
    assert len(offer(plan, Hasty(), tmp_path / "hasty").rows) == pytest.approx(10_000, abs=10)


def test_a_timeout_cancels_the_request_and_is_censored(tmp_path: Path) -> None:
    model = Model(seconds=9.0)
    plan = LoadPlan((Phase(LoadShape.BURST, 1.0, count=2),), timeout_seconds=2.5)
    outcome = offer(plan, model, tmp_path)
    assert [row.error for row in outcome.rows] == [RowError.TIMEOUT] * 2
    assert [row.end for row in outcome.rows] == [4.5, 4.5]
    assert all(row.flags & RowFlag.CENSORED and row.flags & RowFlag.DRAIN for row in outcome.rows)
    assert model.in_flight == 0


def test_the_cap_drops_and_the_drain_cuts(tmp_path: Path) -> None:
    plan = LoadPlan((Phase(LoadShape.BURST, 1.0, count=5),), max_in_flight=2, drain_seconds=1.0)
    outcome = offer(plan, Model(seconds=9.0), tmp_path)
    assert sorted(row.error.name for row in outcome.rows) == ["CUT", "CUT", "DROPPED", "DROPPED", "DROPPED"]
    assert outcome.offered.end == pytest.approx(5.0)


def test_what_is_due_at_the_very_end_of_an_undrained_load_has_a_row(tmp_path: Path) -> None:
    phase = Phase(LoadShape.SALVO, 1.0, workers=2, rate_per_worker=5)
    outcome = offer(LoadPlan((phase,), drain_seconds=0), Model(seconds=0.05), tmp_path)
    assert sorted(row.request for row in outcome.rows) == list(range(1, 11))
    assert [(row.scheduled, row.error) for row in outcome.rows if row.error] == [(3.0, RowError.CUT)] * 2
    assert all(math.isnan(row.sent) for row in outcome.rows if row.error)
    assert outcome.offered.sent == 10


def test_a_late_tick_of_a_paced_worker_is_marked_as_waited(tmp_path: Path) -> None:
    plan = LoadPlan((Phase(LoadShape.SALVO, 1.0, workers=1, rate_per_worker=10),))
    outcome = offer(plan, Model(seconds=0.25), tmp_path)
    assert [bool(row.flags & RowFlag.WAITED) for row in outcome.rows] == [False, True, True, True]
    assert outcome.lines[-1]["summary"]["missed_ticks"] == 5


def test_cancelling_stops_and_keeps_the_rows(tmp_path: Path) -> None:
    model = Model()
    outcome = offer(LoadPlan((Phase(LoadShape.CLOSED, 30.0, workers=2),)), model, tmp_path, cancel_after=1.05)
    assert [row.status for row in outcome.rows] == [200] * 20 + [0] * 2
    assert [row.error for row in outcome.rows[-2:]] == [RowError.CUT] * 2
    assert outcome.lines[-1]["summary"]["stopped"] is True
    assert model.in_flight == 0


def test_progress_comes_once_a_second(tmp_path: Path) -> None:
    shown: list[LoadProgress] = []
    offer(LoadPlan((Phase(LoadShape.CONSTANT, 2.5, rate=10),)), Model(), tmp_path, shown=shown)
    assert [(round(now.seconds, 6), now.sent) for now in shown] == [(1.0, 10), (2.0, 20)]


def test_an_idle_phase_is_waited_for(tmp_path: Path) -> None:
    plan = LoadPlan((Phase(LoadShape.BURST, 0.0, count=1), Phase(LoadShape.IDLE, 7.0)))
    assert offer(plan, Model(), tmp_path).offered.end == pytest.approx(10.0)
