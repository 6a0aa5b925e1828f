"""The engine for Linux: one epoll loop with a timerfd, one request in flight per connection.

`_loop` holds the short path in one function, without calls that could be avoided: an answer that came in one piece, its
row, and the worker's next request cost little more than their system calls. All else is in `request_runner`. Due
requests are sent in the middle of a batch of answers, so that answers never make arrivals late.
"""

from __future__ import annotations

import math
import select
import time
from typing import Final

from conformance.load.answer_parser import ParsedAnswer, parse_whole
from conformance.load.connection_pool import IN, READ_BYTES, EpollConnection
from conformance.load.counters import Counters
from conformance.load.endpoint import Dialer, Endpoint, raise_file_limit
from conformance.load.generator import LoadResult, OnLoadProgress
from conformance.load.load_job import LoadJob
from conformance.load.load_plan import LoadShape
from conformance.load.pacer import Pacer
from conformance.load.process_health import ProcessHealth
from conformance.load.realtime import REALTIME, TimerFd
from conformance.load.request_bytes import RequestBytes
from conformance.load.request_runner import RequestRunner
from conformance.load.row_writer import FLUSH_ROWS, RowWriter
from conformance.load.schedule import peak_rate
from conformance.load.wakeup_policy import REST_SECONDS, WakeupPolicy
from conformance.recording.rows import ROW

BEAT_SECONDS: Final = 0.05
BEAT_OFFSET_SECONDS: Final = 0.0137
"""Keeps beats off the round moments at which arrivals fall due."""
SWEEP_SECONDS: Final = 0.005
LEAD_SECONDS: Final = 0.02
WARM_SECONDS: Final = 1.0
WARM_CONNECTIONS: Final = 8
WARM_ANSWER_SECONDS: Final = 0.05
"""Open loops open as many connections beforehand as answers of this length would keep busy: dialling takes ten times as
long as sending, and a generator that falls behind at the start dials for every arrival."""
MOST_WARM_CONNECTIONS: Final = 512
MOST_CONNECTIONS: Final = 60_000
DRAINED: Final = "drain ended"
_MAX_EVENTS: Final = 256
_BATCH: Final = 32


class EpollEngine:
    """Offers one plan, or one shard of it, to one target. Times are seconds from `origin` on the monotonic clock."""

    def __init__(
        self,
        job: LoadJob,
        writer: RowWriter,
        progress: OnLoadProgress | None = None,
        *,
        stop_fd: int = -1,
    ) -> None:
        """See `conformance.load.child_main.engine_for`."""
        plan, target = job.plan, job.target
        endpoint = Endpoint.of(target)
        self._job, self._plan, self._writer, self._origin = job, plan, writer, job.origin
        self._progress, self._stop_fd = progress, stop_fd
        self._pacer = Pacer(plan, job.shard, job.shards)
        self._policy = WakeupPolicy(own_core=job.priority == REALTIME)
        self._health = ProcessHealth()
        self._counters = Counters(writer, plan, lambda: self._health.read(self._policy.take_spun_seconds()))
        self._request_bytes = RequestBytes.of(target, endpoint)
        workers = max(phase.workers for phase in plan.phases)
        most = raise_file_limit(min(MOST_CONNECTIONS, workers + plan.max_in_flight))
        dialer = Dialer(target, endpoint)
        self._runner = RequestRunner(
            job, self._pacer, self._request_bytes, dialer, writer, self._counters, max_connections=most
        )
        self._warm = self._warm_connections(job.shard) if target.keep_alive else 0
        self._timer = TimerFd()
        self._start = 0.0
        self._known_due = self._due = self._spin_at = math.inf
        self._housekeeping_at = self._beat = self._sweep_at = self._second = math.inf
        self._spin_until = -math.inf
        self._cold = False
        self._timeout = plan.timeout_seconds or math.inf
        self._cut = ""

    def _warm_connections(self, shard: int) -> int:
        first = self._plan.phases[0]
        if first.shape in (LoadShape.CLOSED, LoadShape.SALVO):
            return len(range(shard, first.workers, self._job.shards))
        expected = math.ceil(peak_rate(self._plan) * WARM_ANSWER_SECONDS / self._job.shards)
        return min(max(WARM_CONNECTIONS, expected), MOST_WARM_CONNECTIONS)

    def prepare(self) -> None:
        """Open connections before the clock starts."""
        self._runner.connections.warm(self._warm, WARM_SECONDS)

    def run(self, at: float | None = None) -> LoadResult:
        """Wait for the start and offer the plan to its end."""
        runner, counters = self._runner, self._counters
        try:
            runner.connections.watch(self._timer.fileno(), IN | select.EPOLLET)
            if self._stop_fd >= 0:
                runner.connections.watch(self._stop_fd, IN)
            self._start = runner.start = (time.monotonic() + LEAD_SECONDS if at is None else at) - self._origin
            engine = {"name": "epoll", "shards": self._job.shards, "priority": self._job.priority}
            counters.begin(self._start, self._origin, engine)
            self._beat, self._second = self._start + BEAT_OFFSET_SECONDS, self._start + 1.0
            self._sweep_at = self._start + self._timeout
            self._set_timer()
            self._loop()
            end = runner.now()
            if self._cut == DRAINED:
                self._drop_overdue()
            runner.abandon(self._cut or "stopped")
            self._report(end)
            return counters.end(end, self._pacer.missed_ticks, stopped=self._cut == "stopped")
        finally:
            runner.connections.close()
            self._timer.close()
            self._health.close()

    def _loop(self) -> None:
        # Locals, because the short path reads each of these for every request.
        runner, counters, origin, shards = self._runner, self._counters, self._origin, self._job.shards
        connections, now, append, pack = runner.connections, time.monotonic, self._writer.rows.append, ROW.pack
        table, poll = connections.table, connections.poll.poll
        request_bytes = self._request_bytes
        before, after = request_bytes.before, request_bytes.after + request_bytes.body
        numbered, wire = bool(request_bytes.after), before + after
        seen, answer, pod, fits = b"-", ParsedAnswer(0), 0, runner.content.flag
        t = now() - origin
        while (counters.in_flight or not self._over(t)) and not self._cut:
            # Closed loops never wait for a moment, and their events follow one another closely.
            for fd, mask in poll(BEAT_SECONDS, _MAX_EVENTS) if self._due == math.inf else self._await(t):
                connection = table[fd]
                if connection.hot != mask:
                    self._attend(fd, connection, mask)
                    t = now() - origin
                else:
                    try:
                        data = connection.recv(READ_BYTES)
                    except OSError as error:
                        runner.broke(connection, error)
                        continue
                    t = now() - origin
                    if data != seen:
                        fresh = parse_whole(data)
                        if fresh is None:
                            runner.read_on(connection, data)
                            continue
                        # Equal bytes mean the same: servers answer alike within a second of their Date header.
                        seen, answer, pod = data, fresh, self._writer.pod(fresh.pod)
                    if t < connection.until:
                        scheduled, sent, request = connection.scheduled, connection.sent, connection.request
                        reused, connect_seconds = connection.reused, connection.connect_seconds
                        runner.number = number = runner.number + shards
                        if numbered:
                            wire = b"%b%d%b" % (before, number, after)
                        connection.scheduled, connection.request, connection.reused = t, number, True
                        connection.connect_seconds = 0.0
                        connection.sent = now() - origin
                        try:
                            written = connection.send(wire)
                        except OSError as error:
                            written = runner.unsent(connection, error)
                        if written != len(wire):
                            runner.postpone(connection, wire, written)
                        flags = reused | fits(answer, request) if answer.stamp else reused
                        append(pack(
                            scheduled, sent, t, t, answer.status, 0, flags, pod, connection.number,
                            answer.in_flight, answer.high_water, answer.body_bytes, connection.phase,
                            connection.worker, request, answer.model_seconds, connect_seconds,
                        ))  # fmt: skip
                    else:
                        connection.first_byte = t
                        runner.finish(connection, answer, t)
                if t >= self._due:
                    self._fire(t)
            if connections.ended:
                connections.bury()
            t = now() - origin
            if self._known_due != self._pacer.next_due:
                self._set_timer()
            if t >= self._due:
                self._fire(t)
            if t >= self._housekeeping_at:
                self._tick(t)

    def _await(self, now: float) -> list[tuple[int, int]]:
        """Events, at the latest when something falls due. Returns none now and then."""
        policy, origin = self._policy, self._origin
        if (now >= self._spin_at or now < self._spin_until) and policy.affordable:
            if self._cold and now >= self._spin_at:
                self._cold = False
                self._pacer.take(-math.inf)
                self._runner.rehearse()
            events = self._runner.connections.poll.poll(0, _MAX_EVENTS)
            if not events:
                policy.spun(time.monotonic() - origin - now)
            return events
        if policy.must_rest(self._due, now):
            time.sleep(REST_SECONDS)
            policy.slept(now, time.monotonic() - origin, now + REST_SECONDS)
            return []
        wake_at = min(self._spin_at if now < self._spin_at else self._due, self._housekeeping_at)
        self._timer.set(origin + wake_at)
        events = self._runner.connections.poll.poll(BEAT_SECONDS, _MAX_EVENTS)
        policy.slept(now, time.monotonic() - origin, wake_at)
        return events

    def _attend(self, fd: int, connection: EpollConnection, mask: int) -> None:
        if fd == self._stop_fd:
            self._cut = "stopped"
        elif fd != self._timer.fileno():
            self._runner.attend(connection, mask)

    def _over(self, now: float) -> bool:
        """Whether the plan's time is up and nothing more will fall due."""
        return self._pacer.next_due == math.inf and now - self._start >= self._plan.seconds

    def _set_timer(self) -> None:
        self._known_due = self._pacer.next_due
        self._due = self._start + self._known_due
        self._housekeeping_at = min(self._beat, self._sweep_at)
        if self._due < math.inf:
            now = self._runner.now()
            self._spin_at = self._policy.spin_from(self._due, now)
            self._cold = self._policy.rehearses(self._due - now)
        else:
            self._timer.set(self._origin + self._housekeeping_at)

    def _fire(self, now: float) -> None:
        start, begin = self._start, self._runner.begin
        for due, phase, worker in self._pacer.take(now - start, _BATCH):
            begin(start + due, phase, worker)
        self._spin_until = self._runner.now() + self._policy.spin_after_seconds
        self._set_timer()

    def _tick(self, now: float) -> None:
        """What is to be done now and then: write rows, time out, report, end the drain."""
        if now >= self._sweep_at:
            self._sweep_at = max(self._runner.time_out(self._timeout) + self._timeout, now + SWEEP_SECONDS)
        if now >= self._beat:
            self._counters.loop_lag_seconds = max(self._counters.loop_lag_seconds, now - self._beat)
            self._beat += BEAT_SECONDS * (math.floor((now - self._beat) / BEAT_SECONDS) + 1)
            self._writer.flush()
        if now >= self._second:
            self._report(now)
            self._second += math.floor(now - self._second) + 1.0
        if now - self._start > self._pacer.ends[-1] + self._plan.drain_seconds:
            self._cut = DRAINED
        self._set_timer()

    def _drop_overdue(self) -> None:
        """An engine that the end has overtaken leaves a row for what it did not get round to."""
        while overdue := self._pacer.take(self._plan.seconds, FLUSH_ROWS):
            for due, phase, _ in overdue:
                self._runner.drop(self._start + due, phase, "the generator fell behind")
            self._writer.flush()

    def _report(self, now: float) -> None:
        self._counters.sent = self._runner.sent
        progress = self._counters.second(now, self._pacer.missed_ticks)
        if self._progress:
            self._progress(progress)
