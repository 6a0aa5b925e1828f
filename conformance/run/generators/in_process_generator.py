"""The generator for virtual time: calls the data plane directly, in the one event loop, and writes the same files.

The same seed gives the same bytes: nothing here reads the machine's clock or its load, and order is the event loop's.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from typing import Final

from conformance.base.clock import Clock
from conformance.base.http.exchange import ExchangeError, Handler, Request, Response
from conformance.load.answer_parser import HEADERS, STAMP, ParsedAnswer, witnessed
from conformance.load.content import ContentCheck
from conformance.load.counters import Counters
from conformance.load.endpoint import Endpoint
from conformance.load.generator import LoadResult, LoadSpec, OnLoadProgress
from conformance.load.load_plan import Target
from conformance.load.pacer import Pacer
from conformance.load.request_bytes import REQUEST_ID
from conformance.load.row_writer import LoadPaths, RowWriter
from conformance.recording.rows import NAN, Row, RowError, RowFlag
from conformance.run.generators.suite_errors import suite_errors

TURN_SECONDS: Final = 1e-4
"""The least a request takes. An answer in no time at all would let a closed loop run for ever in one instant."""
EARLY_SECONDS: Final = 2e-9
"""The virtual loop wakes up to a nanosecond before a timer's moment; waiting for that remainder would never end."""
_IDLE_HEALTH: Final = {"cpu_share": 0.0, "steal_share": 0.0, "involuntary_switches": 0}
_ERRORS: Final = {
    "connect": RowError.CONNECT,
    "reset": RowError.RESET,
    "protocol": RowError.PROTOCOL,
    "cut": RowError.CUT,
}
_PAUSED: Final = frozenset({RowError.CONNECT, RowError.RESET})


class InProcessGenerator:
    """Offers loads to a handler. See `conformance.load.generator.Generator`."""

    def __init__(self, handler: Handler, clock: Clock) -> None:
        self._handler = handler
        self._clock = clock

    async def offer(self, load: LoadSpec, progress: OnLoadProgress | None = None) -> LoadResult:
        """Raises UsageError for a plan or a target that cannot be used."""
        writer = RowWriter(LoadPaths.of(load.folder, load.index), threaded=False)
        try:
            with suite_errors():
                return await _Offer(self._handler, self._clock, load, writer, progress).run()
        finally:
            writer.close()


class _Offer:
    """One load on its way. Times are seconds from the recording's origin."""

    def __init__(
        self, handler: Handler, clock: Clock, load: LoadSpec, writer: RowWriter, progress: OnLoadProgress | None
    ) -> None:
        self._handler, self._clock, self._writer, self._progress = handler, clock, writer, progress
        self._plan, self._target, self._origin = load.plan, load.target, load.origin_monotonic
        self._endpoint, self._headers = Endpoint.of(load.target), _headers(load.target)
        self._pacer = Pacer(load.plan)
        self._counters = Counters(writer, load.plan, lambda: _IDLE_HEALTH)
        self._content = ContentCheck(load.target.body, self._counters.causes)
        self._start = 0.0
        self._number = 0
        self._unsent: dict[int, tuple[float, int, int]] = {}
        """Due, phase and worker of requests whose task has not begun: one cancelled before that runs no line of it."""
        self._changed = asyncio.Event()
        self._stopping = False

    def _now(self) -> float:
        return self._clock.monotonic() - self._origin

    async def run(self) -> LoadResult:
        self._start = self._now()
        self._counters.begin(self._start, self._origin, {"name": "in process", "shards": 1, "priority": "normal"})
        stopped = True
        try:
            async with asyncio.TaskGroup() as group:
                reporter = group.create_task(self._report())
                requests: set[asyncio.Task[None]] = set()
                try:
                    await self._dispatch(group, requests)
                finally:
                    self._stopping = True
                    reporter.cancel()
                    for task in sorted(requests, key=lambda task: int(task.get_name())):
                        task.cancel()
            stopped = False
        finally:
            self._cut_unsent()
            self._counters.sent = self._number
            offered = self._counters.end(self._now(), self._pacer.missed_ticks, stopped=stopped)
        return offered

    async def _dispatch(self, group: asyncio.TaskGroup, requests: set[asyncio.Task[None]]) -> None:
        """Start what is due until the plan and its drain are over."""
        counters, pacer = self._counters, self._pacer
        drained_at = self._start + pacer.ends[-1] + self._plan.drain_seconds
        while True:
            now = self._now() + EARLY_SECONDS
            for due, phase, worker in pacer.take(now - self._start):
                if pacer.is_open(phase) and counters.in_flight >= self._plan.max_in_flight:
                    self._drop(self._start + due, phase)
                    continue
                self._number += 1
                counters.in_flight += 1
                counters.peak_in_flight = max(counters.peak_in_flight, counters.in_flight)
                self._unsent[self._number] = (self._start + due, phase, worker)
                task = group.create_task(
                    self._work(self._start + due, phase, worker, self._number), name=str(self._number)
                )
                requests.add(task)
                task.add_done_callback(requests.discard)
            over = pacer.next_due == math.inf and now - self._start >= self._plan.seconds
            if (over and not counters.in_flight) or now >= drained_at:
                return
            await self._wait(min(self._start + pacer.next_due, drained_at) if over else self._next_moment())

    def _next_moment(self) -> float:
        end = self._start + self._plan.seconds
        due = self._start + self._pacer.next_due
        return due if due < math.inf else max(end, self._now())

    async def _wait(self, until: float) -> None:
        """Until a moment, or until a request has ended."""
        self._changed.clear()
        try:
            async with asyncio.timeout(None if until == math.inf else max(0.0, until - self._now())):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _work(self, due: float, phase: int, worker: int, number: int) -> None:
        """One arrival, and those of the same worker that follow from it."""
        del self._unsent[number]
        following: float | None = due
        waited = 0
        while following is not None:
            error = await self._exchange(following, phase, worker, number, waited)
            waited = RowFlag.WAITED if self._pacer.is_paced(phase) else 0
            self._counters.in_flight -= 1
            now = self._now()
            failed = error in _PAUSED
            due_next = self._pacer.freed(phase, worker, now - self._start, failed=failed)
            following = None
            if due_next is not None and not self._stopping:
                following = self._start + due_next
                self._number += 1
                number = self._number
                self._counters.in_flight += 1
        self._changed.set()

    async def _exchange(self, due: float, phase: int, worker: int, number: int, waited: int) -> RowError:
        """Send one request and write its row; the error class of the row."""
        sent = self._now()
        request = Request(
            self._target.method.upper(),
            self._endpoint.path,
            self._endpoint.host,
            (*self._headers, (REQUEST_ID, str(number))) if self._target.request_ids else self._headers,
            self._target.body,
        )
        answer, error, text, flags = ParsedAnswer(0), RowError.NONE, "", 0
        try:
            async with asyncio.timeout(self._plan.timeout_seconds or None):
                answer = _read(await self._handler(request))
                flags = self._content.flag(answer, number)
            if self._now() - sent < TURN_SECONDS:
                await self._clock.sleep(TURN_SECONDS)
        except TimeoutError:
            error, flags = RowError.TIMEOUT, flags | RowFlag.CENSORED
        except ExchangeError as failure:
            error, text = _ERRORS.get(failure.kind, RowError.PROTOCOL), str(failure)
        except asyncio.CancelledError:
            error, text, flags = RowError.CUT, "stopped", RowFlag.CENSORED
            raise
        finally:
            end = self._now()
            if end - self._start > self._pacer.ends[-1]:
                flags |= RowFlag.DRAIN
            if error:
                self._counters.fail(error, text)
            row = Row(
                scheduled=due,
                sent=NAN if error is RowError.CONNECT else sent,
                first_byte=NAN if error else end,
                end=end,
                status=answer.status,
                error=error,
                flags=flags | waited | RowFlag.REUSED,
                pod=self._writer.pod(answer.pod),
                connection=worker + 1,
                in_flight=answer.in_flight,
                high_water=answer.high_water,
                body_bytes=answer.body_bytes,
                phase=phase,
                worker=worker,
                request=number,
                model_seconds=answer.model_seconds,
            )
            self._writer.rows.append(row.pack())
        return error

    def _drop(self, due: float, phase: int) -> None:
        row = Row(scheduled=due, end=self._now(), error=RowError.DROPPED, phase=phase)
        self._writer.rows.append(row.pack())
        self._counters.fail(RowError.DROPPED, "max_in_flight")

    def _cut_unsent(self) -> None:
        """Rows of what was due at the very moment at which the load was over."""
        for number, (due, phase, worker) in self._unsent.items():
            flags = RowFlag.CENSORED | (RowFlag.DRAIN if self._now() - self._start > self._pacer.ends[-1] else 0)
            row = Row(
                scheduled=due,
                end=self._now(),
                error=RowError.CUT,
                flags=flags,
                phase=phase,
                worker=worker,
                request=number,
            )
            self._writer.rows.append(row.pack())
            self._counters.fail(RowError.CUT, "stopped")
            self._counters.in_flight -= 1

    async def _report(self) -> None:
        second = 0
        while True:
            second += 1
            await self._clock.sleep(self._start + second - self._now())
            self._counters.sent = self._number
            now = self._counters.second(self._now(), self._pacer.missed_ticks)
            if self._progress:
                self._progress(now)


def _headers(target: Target) -> tuple[tuple[str, str], ...]:
    """As an HTTP server would hand them on: lower-case names."""
    return tuple((name.lower(), value) for name, value in target.headers if name.lower() != "host")


def _read(response: Response) -> ParsedAnswer:
    values = ((name, response.header(name.decode())) for name in HEADERS)
    found = {name: value.encode("latin-1") for name, value in values if value}
    checksum = zlib.crc32(response.body) if STAMP in found else 0
    return witnessed(response.status, len(response.body), found, checksum=checksum)
