"""The engine where there is no epoll and timerfd (macOS): the same rows from asyncio's transports.

Slower by about half and paced by the event loop's timers, so lag is what the platform's selector gives; the lines of
health say how much. Decisions are the pacer's, as everywhere.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from typing import Final

from conformance.load.answer_parser import ParsedAnswer
from conformance.load.asyncio_connection import AsyncioConnection, RequestFailedError, Timing
from conformance.load.content import ContentCheck
from conformance.load.counters import Counters
from conformance.load.endpoint import Endpoint, cause, is_limit, raise_file_limit, resolve, server_name, tls_context
from conformance.load.generator import LoadResult, OnLoadProgress
from conformance.load.load_job import LoadJob
from conformance.load.load_plan import LoadShape
from conformance.load.pacer import Pacer
from conformance.load.process_health import ProcessHealth
from conformance.load.request_bytes import RequestBytes
from conformance.load.row_writer import RowWriter
from conformance.recording.rows import Row, RowError, RowFlag

BEAT_SECONDS: Final = 0.05
WARM_SECONDS: Final = 1.0
WARM_CONNECTIONS: Final = 8
_PAUSED: Final = frozenset({RowError.CONNECT, RowError.RESET})


class AsyncioEngine:
    """Offers one plan, or one shard of it, to one target. See `conformance.load.load_job.Engine`."""

    def __init__(
        self,
        job: LoadJob,
        writer: RowWriter,
        progress: OnLoadProgress | None = None,
        *,
        stop_fd: int = -1,
    ) -> None:
        """See `conformance.load.child_main.engine_for`."""
        plan, target, shard, shards = job.plan, job.target, job.shard, job.shards
        self._plan, self._writer, self._origin, self._target = plan, writer, job.origin, target
        self._shard, self._shards, self._priority = shard, shards, job.priority
        self._progress, self._stop_fd = progress, stop_fd
        self._endpoint = Endpoint.of(target)
        self._request_bytes = RequestBytes.of(target, self._endpoint)
        self._addresses = resolve(self._endpoint)
        self._tls: ssl.SSLContext | None = tls_context(target) if self._endpoint.tls else None
        self._pacer = Pacer(plan, shard, shards)
        self._health = ProcessHealth()
        self._counters = Counters(writer, plan, self._health.read)
        self._content = ContentCheck(target.body, self._counters.causes)
        workers = max(phase.workers for phase in plan.phases)
        raise_file_limit(workers + plan.max_in_flight)
        self._runner = asyncio.Runner()
        self._idle: list[AsyncioConnection] = []
        self._dialled = 0
        self._number = shard + 1 - shards
        self._start = 0.0
        self._refused = 0
        """Arrivals that got a number and then no descriptor."""
        self._stopping = ""

    def _now(self) -> float:
        return time.monotonic() - self._origin

    def prepare(self) -> None:
        """Open connections before the clock starts."""
        first = self._plan.phases[0]
        count = WARM_CONNECTIONS
        if first.shape in (LoadShape.CLOSED, LoadShape.SALVO):
            count = len(range(self._shard, first.workers, self._shards))
        if self._target.keep_alive:
            self._runner.run(self._warm(count))

    async def _warm(self, count: int) -> None:
        try:
            async with asyncio.timeout(WARM_SECONDS):
                for _ in range(count):
                    self._idle.append(await self._dial(Timing()))
        except (TimeoutError, RequestFailedError):
            return

    def run(self, at: float | None = None) -> LoadResult:
        """Wait for the start and offer the plan to its end."""
        try:
            return self._runner.run(self._offer(at))
        finally:
            self._runner.close()
            self._health.close()

    async def _offer(self, at: float | None) -> LoadResult:
        self._start = (time.monotonic() if at is None else at) - self._origin
        self._counters.begin(
            self._start, self._origin, {"name": "asyncio", "shards": self._shards, "priority": self._priority}
        )
        loop = asyncio.get_running_loop()
        if self._stop_fd >= 0:
            loop.add_reader(self._stop_fd, self._stop)
        self._changed = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            beat = group.create_task(self._beat())
            requests: set[asyncio.Task[None]] = set()
            await self._dispatch(group, requests)
            # A task that is cancelled before its first step would leave no row.
            await asyncio.sleep(0)
            beat.cancel()
            self._stopping = self._stopping or "drain ended"
            for task in requests:
                task.cancel()
        for connection in self._idle:
            connection.close()
        self._report()
        return self._counters.end(self._now(), self._pacer.missed_ticks, stopped=self._stopping == "stopped")

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._stop_fd)
        self._stopping = "stopped"
        self._changed.set()

    async def _dispatch(self, group: asyncio.TaskGroup, requests: set[asyncio.Task[None]]) -> None:
        pacer, counters = self._pacer, self._counters
        while not self._stopping:
            now = self._now()
            for due, phase, worker in pacer.take(now - self._start):
                counters.lags.add(self._now() - self._start - due)
                if pacer.is_open(phase) and counters.in_flight >= self._plan.max_in_flight:
                    self._drop(self._start + due, phase, "max_in_flight")
                    continue
                task = group.create_task(self._work(self._start + due, phase, worker))
                requests.add(task)
                task.add_done_callback(requests.discard)
                self._enter()
            over = pacer.next_due == math.inf and now - self._start >= self._plan.seconds
            drained_at = self._start + pacer.ends[-1] + self._plan.drain_seconds
            if (over and not counters.in_flight) or now >= drained_at:
                return
            due_at = self._start + (self._plan.seconds if pacer.next_due == math.inf else pacer.next_due)
            await self._wait(min(drained_at, drained_at if over else due_at))

    async def _wait(self, until: float) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(None if until == math.inf else max(0.0, until - self._now())):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _enter(self) -> None:
        self._counters.in_flight += 1
        self._counters.peak_in_flight = max(self._counters.peak_in_flight, self._counters.in_flight)

    async def _work(self, due: float, phase: int, worker: int) -> None:
        """One arrival, and those of the same worker that follow from it."""
        waited = 0
        try:
            while True:
                failed = await self._exchange(due, phase, worker, waited)
                self._counters.in_flight -= 1
                following = self._pacer.freed(phase, worker, self._now() - self._start, failed=failed)
                if following is None or self._stopping:
                    return
                due = self._start + following
                waited = RowFlag.WAITED if self._pacer.is_paced(phase) else 0
                self._enter()
        finally:
            self._changed.set()

    async def _exchange(self, due: float, phase: int, worker: int, waited: int) -> bool:
        """Send one request and write its row; whether its connection failed."""
        self._number += self._shards
        number, timing = self._number, Timing()
        answer, error, text, flags = ParsedAnswer(0), RowError.NONE, "", waited
        connection: AsyncioConnection | None = None
        try:
            async with asyncio.timeout(self._plan.timeout_seconds or None):
                connection = self._take() or await self._dial(timing)
                wire = self._request_bytes.head(number) + self._request_bytes.body
                answer = await connection.ask(wire, timing, head_only=self._request_bytes.head_only)
                flags |= self._content.flag(answer, number)
            if answer.keep_alive and self._target.keep_alive and not connection.lost:
                self._idle.append(connection)
                connection = None
        except TimeoutError:
            error, flags = RowError.TIMEOUT, flags | RowFlag.CENSORED
        except RequestFailedError as failure:
            answer, error, text = failure.answer, failure.error, str(failure)
            self._refused += error is RowError.DROPPED
        except asyncio.CancelledError:
            error, text, flags = RowError.CUT, self._stopping, flags | RowFlag.CENSORED
            raise
        finally:
            if connection:
                connection.close()
            self._write(Row(
                due, timing.sent, timing.first_byte, self._now(), answer.status, error, flags | self._flags(timing),
                self._writer.pod(answer.pod), timing.connection, answer.in_flight, answer.high_water, answer.body_bytes,
                phase, worker & 0xFFFF, number & 0xFFFFFFFF, answer.model_seconds, timing.connect_seconds,
            ), text)  # fmt: skip
        return error in _PAUSED

    def _flags(self, timing: Timing) -> int:
        drained = self._now() - self._start > self._pacer.ends[-1]
        return (RowFlag.REUSED if timing.reused else 0) | (RowFlag.DRAIN if drained else 0)

    def _write(self, row: Row, text: str) -> None:
        self._writer.rows.append(row.pack())
        if row.error:
            self._counters.fail(row.error, text)

    def _drop(self, due: float, phase: int, text: str) -> None:
        self._write(Row(due, end=self._now(), error=RowError.DROPPED, phase=phase), text)

    def _take(self) -> AsyncioConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.lost:
                return connection
        return None

    async def _dial(self, timing: Timing) -> AsyncioConnection:
        """Open a connection to the first address that answers. Raises RequestFailedError."""
        loop, began = asyncio.get_running_loop(), self._now()
        self._dialled += 1
        connection = AsyncioConnection(self._dialled * self._shards + self._shard, self._now)
        failure = OSError(0, "name not known")
        for address in self._addresses:
            host, port = str(address.sockaddr[0]), int(address.sockaddr[1])
            name = server_name(self._endpoint) if self._tls else None
            try:
                await loop.create_connection(lambda: connection, host, port, ssl=self._tls, server_hostname=name)
            except OSError as error:
                failure = error
            else:
                timing.connect_seconds = self._now() - began
                return connection
        # A descriptor or a port that this machine lacks is its limit, not the server's.
        raise RequestFailedError(RowError.DROPPED if is_limit(failure) else RowError.CONNECT, cause(failure))

    async def _beat(self) -> None:
        """Flush rows, measure the loop's lateness, report once a second."""
        loop = asyncio.get_running_loop()
        due, second = loop.time() + BEAT_SECONDS, self._start + 1.0
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._counters.loop_lag_seconds = max(self._counters.loop_lag_seconds, loop.time() - due)
            due = max(due + BEAT_SECONDS, loop.time())
            self._writer.flush()
            if self._now() >= second:
                self._report()
                second += math.floor(self._now() - second) + 1.0

    def _report(self) -> None:
        self._counters.sent = (self._number - self._shard - 1) // self._shards + 1 - self._refused
        progress = self._counters.second(self._now(), self._pacer.missed_ticks)
        if self._progress:
            self._progress(progress)
