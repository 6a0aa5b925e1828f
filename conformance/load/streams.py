"""The engine where there is no epoll and timerfd (macOS): the same rows from asyncio's transports.

Slower by about half and paced by the event loop's timers, so lag is what the platform's selector gives; the lines of
health say how much. Decisions are the conductor's, as everywhere.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from typing import Final

from conformance.load.answer import Answer
from conformance.load.asyncio_connection import AsyncioConnection, FailedError, Timing
from conformance.load.conductor import Conductor
from conformance.load.counters import Counters
from conformance.load.dialler import cause, is_limit, raise_file_limit
from conformance.load.generator import Offered, Show
from conformance.load.load_job import LoadJob
from conformance.load.load_plan import Shape
from conformance.load.process_health import ProcessHealth
from conformance.load.row_writer import RowWriter
from conformance.load.wire import Place, Wire, resolve, server_name, tls_context
from conformance.recording.rows import Row, RowError, RowFlag

BEAT_SECONDS: Final = 0.05
WARM_SECONDS: Final = 1.0
WARM_CONNECTIONS: Final = 8
_PAUSED: Final = frozenset({RowError.CONNECT, RowError.RESET})


class StreamEngine:
    """Offers one plan, or one shard of it, to one target. See `conformance.load.engine.Engine`."""

    def __init__(
        self,
        order: LoadJob,
        writer: RowWriter,
        progress: Show | None = None,
        *,
        stop_fd: int = -1,
    ) -> None:
        """See `conformance.load.engine.engine_for`."""
        plan, target, shard, shards = order.plan, order.target, order.shard, order.shards
        self._plan, self._writer, self._origin, self._target = plan, writer, order.origin, target
        self._shard, self._shards, self._priority = shard, shards, order.priority
        self._progress, self._stop_fd = progress, stop_fd
        self._place = Place.of(target)
        self._wire = Wire.of(target, self._place)
        self._addresses = resolve(self._place)
        self._tls: ssl.SSLContext | None = tls_context(target) if self._place.tls else None
        self._conductor = Conductor(plan, shard, shards)
        self._vitals = ProcessHealth()
        self._counters = Counters(writer, plan, self._vitals.read)
        workers = max(phase.workers for phase in plan.phases)
        self._max_lines = raise_file_limit(workers + plan.max_in_flight)
        self._runner = asyncio.Runner()
        self._idle: list[AsyncioConnection] = []
        self._lines = 0
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
        if first.shape in (Shape.CLOSED, Shape.SALVO):
            count = len(range(self._shard, first.workers, self._shards))
        if self._target.keep_alive:
            self._runner.run(self._warm(count))

    async def _warm(self, count: int) -> None:
        try:
            async with asyncio.timeout(WARM_SECONDS):
                for _ in range(count):
                    self._idle.append(await self._dial(Timing()))
        except (TimeoutError, FailedError):
            return

    def run(self, at: float | None = None) -> Offered:
        """Wait for the start and offer the plan to its end."""
        try:
            return self._runner.run(self._offer(at))
        finally:
            self._runner.close()
            self._vitals.close()

    async def _offer(self, at: float | None) -> Offered:
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
            await self._conduct(group, requests)
            # A task that is cancelled before its first step would leave no row.
            await asyncio.sleep(0)
            beat.cancel()
            self._stopping = self._stopping or "drain ended"
            for task in requests:
                task.cancel()
        for line in self._idle:
            line.close()
        self._report()
        return self._counters.end(self._now(), self._conductor.missed_ticks, stopped=self._stopping == "stopped")

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._stop_fd)
        self._stopping = "stopped"
        self._changed.set()

    async def _conduct(self, group: asyncio.TaskGroup, requests: set[asyncio.Task[None]]) -> None:
        conductor, counters = self._conductor, self._counters
        while not self._stopping:
            now = self._now()
            for due, phase, worker in conductor.take(now - self._start):
                counters.lags.add(self._now() - self._start - due)
                if conductor.is_open(phase) and counters.in_flight >= self._plan.max_in_flight:
                    self._drop(self._start + due, phase, "max_in_flight")
                    continue
                task = group.create_task(self._work(self._start + due, phase, worker))
                requests.add(task)
                task.add_done_callback(requests.discard)
                self._enter()
            over = conductor.next_due == math.inf and now - self._start >= self._plan.seconds
            drained_at = self._start + conductor.ends[-1] + self._plan.drain_seconds
            if (over and not counters.in_flight) or now >= drained_at:
                return
            due_at = self._start + (self._plan.seconds if conductor.next_due == math.inf else conductor.next_due)
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
                following = self._conductor.freed(phase, worker, self._now() - self._start, failed=failed)
                if following is None or self._stopping:
                    return
                due = self._start + following
                waited = RowFlag.WAITED if self._conductor.is_paced(phase) else 0
                self._enter()
        finally:
            self._changed.set()

    async def _exchange(self, due: float, phase: int, worker: int, waited: int) -> bool:
        """Send one request and write its row; whether its connection failed."""
        self._number += self._shards
        number, timing = self._number, Timing()
        answer, error, text, flags = Answer(0), RowError.NONE, "", waited
        line: AsyncioConnection | None = None
        try:
            async with asyncio.timeout(self._plan.timeout_seconds or None):
                line = self._take() or await self._dial(timing)
                wire = self._wire.head(number) + self._wire.body
                answer = await line.ask(wire, timing, head_only=self._wire.head_only)
            if answer.keep_alive and self._target.keep_alive and not line.lost:
                self._idle.append(line)
                line = None
        except TimeoutError:
            error, flags = RowError.TIMEOUT, flags | RowFlag.CENSORED
        except FailedError as failure:
            answer, error, text = failure.answer, failure.error, str(failure)
            self._refused += error is RowError.DROPPED
        except asyncio.CancelledError:
            error, text, flags = RowError.CUT, self._stopping, flags | RowFlag.CENSORED
            raise
        finally:
            if line:
                line.close()
            self._write(Row(
                due, timing.sent, timing.first_byte, self._now(), answer.status, error, flags | self._flags(timing),
                self._writer.pod(answer.pod), timing.connection, answer.in_flight, answer.high_water, answer.body_bytes,
                phase, worker & 0xFFFF, number & 0xFFFFFFFF, answer.model_seconds, timing.connect_seconds,
            ), text)  # fmt: skip
        return error in _PAUSED

    def _flags(self, timing: Timing) -> int:
        drained = self._now() - self._start > self._conductor.ends[-1]
        return (RowFlag.REUSED if timing.reused else 0) | (RowFlag.DRAIN if drained else 0)

    def _write(self, row: Row, text: str) -> None:
        self._writer.rows.append(row.pack())
        if row.error:
            self._counters.fail(row.error, text)

    def _drop(self, due: float, phase: int, text: str) -> None:
        self._write(Row(due, end=self._now(), error=RowError.DROPPED, phase=phase), text)

    def _take(self) -> AsyncioConnection | None:
        while self._idle:
            line = self._idle.pop()
            if not line.lost:
                return line
        return None

    async def _dial(self, timing: Timing) -> AsyncioConnection:
        """Open a connection to the first address that answers. Raises FailedError."""
        loop, began = asyncio.get_running_loop(), self._now()
        self._dialled += 1
        line = AsyncioConnection(self._dialled * self._shards + self._shard, self._now)
        failure = OSError(0, "name not known")
        for address in self._addresses:
            host, port = str(address.sockaddr[0]), int(address.sockaddr[1])
            name = server_name(self._place) if self._tls else None
            try:
                await loop.create_connection(lambda: line, host, port, ssl=self._tls, server_hostname=name)
            except OSError as error:
                failure = error
            else:
                timing.connect_seconds = self._now() - began
                return line
        # A descriptor or a port that this machine lacks is its limit, not the server's.
        raise FailedError(RowError.DROPPED if is_limit(failure) else RowError.CONNECT, cause(failure))

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
        progress = self._counters.second(self._now(), self._conductor.missed_ticks)
        if self._progress:
            self._progress(progress)
