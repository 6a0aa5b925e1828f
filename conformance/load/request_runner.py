"""Carries requests over connections: everything about a request that is not the engine's short path.

One request is in flight on a connection at a time. A request that fails is a row and never tried again.
"""

from __future__ import annotations

import select
import time
from typing import Final

from conformance.load.answer_parser import AnswerParser, ParsedAnswer, ProtocolError
from conformance.load.connection_pool import (
    IN,
    IN_OUT,
    PATIENT,
    READ_BYTES,
    ConnectionPool,
    ConnectionState,
    EpollConnection,
)
from conformance.load.content import ContentCheck
from conformance.load.counters import Counters
from conformance.load.endpoint import Dialer, LimitError, cause
from conformance.load.load_job import LoadJob
from conformance.load.pacer import Pacer
from conformance.load.request_bytes import RequestBytes
from conformance.load.row_writer import RowWriter
from conformance.recording.rows import NAN, RowError, RowFlag

_NOTHING: Final = ParsedAnswer(0)
# Plain integers: combining enum members takes longer than all else about a row.
_REUSED: Final = int(RowFlag.REUSED)
_DRAIN: Final = int(RowFlag.DRAIN)
_WAITED: Final = int(RowFlag.WAITED)
_PAUSED: Final = frozenset({RowError.CONNECT, RowError.RESET})


class RequestRunner:
    """The requests of one load, and what became of them."""

    def __init__(
        self,
        job: LoadJob,
        pacer: Pacer,
        request_bytes: RequestBytes,
        dialer: Dialer,
        writer: RowWriter,
        counters: Counters,
        *,
        max_connections: int,
    ) -> None:
        shard, shards = job.shard, job.shards
        self.connections = ConnectionPool(dialer, self.now, most=max_connections, shard=shard, shards=shards)
        self.number = shard + 1 - shards
        """Of the request sent last; shards interleave."""
        self.start = 0.0
        self._rehearsal = EpollConnection(None, 0, 0.0)
        self._rehearsal.send = len
        self.content = ContentCheck(request_bytes.body, counters.causes)
        self._pacer, self._request_bytes = pacer, request_bytes
        self._writer, self._counters, self._origin = writer, counters, job.origin
        self._keep_alive, self._max_in_flight = job.target.keep_alive, job.plan.max_in_flight
        self._shard, self._shards, self._time_up = shard, shards, pacer.ends[-1]

    @property
    def sent(self) -> int:
        """Requests sent or tried."""
        return (self.number - self._shard - 1) // self._shards + 1

    def now(self) -> float:
        """Seconds since the recording's origin."""
        return time.monotonic() - self._origin

    def rehearse(self) -> None:
        """Go through a request's code without sending one, so that the next finds code and data in the caches."""
        number = self.number
        self._load(self._rehearsal, 0.0, 0, 0, waited=False)
        self._write(self._rehearsal)
        self.number = number

    def begin(self, due: float, phase: int, worker: int, *, waited: bool = False) -> None:
        """Send a request that is due, on an idle connection or a new one."""
        counters = self._counters
        paced = self._pacer.is_open(phase)
        if paced and counters.in_flight >= self._max_in_flight:
            self.drop(due, phase, "max_in_flight")
            return
        counters.in_flight += 1
        if counters.in_flight > counters.peak_in_flight:
            counters.peak_in_flight = counters.in_flight
        if self.connections.idle:
            connection = self.connections.idle.pop()
            self._load(connection, due, phase, worker, waited=waited)
            self._write(connection)
            if not waited:
                counters.lags.add(connection.sent - due)
            return
        if not waited:
            counters.lags.add(self.now() - due)
        try:
            connection = self.connections.dial()
        except LimitError as error:
            counters.in_flight -= 1
            self.drop(due, phase, str(error))
            self._free(phase, worker, self.now(), failed=True)
        except OSError as error:
            connection = EpollConnection(None, self.connections.number(), self.now())
            self._load(connection, due, phase, worker, waited=waited)
            self.fail(connection, RowError.CONNECT, cause(error))
        else:
            self._load(connection, due, phase, worker, waited=waited)

    def attend(self, connection: EpollConnection, mask: int) -> None:
        """Act on any event outside the short path."""
        match connection.state:
            case ConnectionState.CONNECTING | ConnectionState.HANDSHAKE:
                self._advance(connection, mask)
            case ConnectionState.IDLE:
                self.connections.stir(connection)
            case ConnectionState.SENDING:
                self._send_or_receive(connection, mask)
            case ConnectionState.READING:
                self._receive(connection)
            case _:
                pass

    def broke(self, connection: EpollConnection, error: OSError) -> None:
        """A receive raised: nothing there yet, or the end of the connection."""
        if not isinstance(error, PATIENT):
            self.fail(connection, RowError.RESET if connection.reader is None else RowError.CUT, cause(error))

    def unsent(self, connection: EpollConnection, error: OSError) -> int:
        """A send raised: 0 bytes written when the rest can follow later, -1 when the request has failed."""
        if isinstance(error, PATIENT):
            return 0
        self.fail(connection, RowError.RESET, cause(error))
        return -1

    def postpone(self, connection: EpollConnection, wire: bytes, written: int) -> None:
        """Keep what the kernel did not take."""
        if written >= 0:
            connection.pending = memoryview(wire)[written:]
            connection.state, connection.hot = ConnectionState.SENDING, 0
            self.connections.poll.modify(connection.fd, IN_OUT)

    def read_on(self, connection: EpollConnection, data: bytes) -> None:
        """Feed an answer that is not in one piece, until it is complete, malformed or cut."""
        now = self.now()
        if not data:
            self._closed(connection, now)
            return
        if connection.reader is None:
            connection.reader = AnswerParser(head_only=self._request_bytes.head_only)
            connection.first_byte, connection.hot = now, 0
        try:
            answer = connection.reader.feed(data)
        except ProtocolError as error:
            self.fail(connection, RowError.PROTOCOL, str(error))
            return
        if answer is not None:
            self.finish(connection, answer, now)

    def finish(self, connection: EpollConnection, answer: ParsedAnswer, now: float) -> None:
        """A complete answer: its row, then the worker's next request or rest."""
        early = connection.state is ConnectionState.SENDING
        pod = self._writer.pod(answer.pod)
        flags = self._flags(connection, now) | self.content.flag(answer, connection.request)
        self._writer.rows.append(connection.row(now, answer, pod, RowError.NONE, flags))
        self._counters.in_flight -= 1
        connection.rest()
        if early or not (answer.keep_alive and self._keep_alive):
            phase, worker = connection.phase, connection.worker
            self.connections.end(connection)
            self._free(phase, worker, now)
            return
        due = self._next(connection.phase, connection.worker, now)
        if due is None:
            self.connections.rest(connection)
            return
        self._counters.in_flight += 1
        self._load(connection, due, connection.phase, connection.worker, waited=True)
        self._write(connection)

    def fail(self, connection: EpollConnection, error: RowError, text: str, flags: int = 0) -> None:
        """The request on a connection has failed: its row, and the connection's end."""
        now = self.now()
        if not connection.request:
            self.connections.end(connection)
            return
        reader = connection.reader
        answer = ParsedAnswer(reader.status, body_bytes=reader.body_bytes) if reader else _NOTHING
        row = connection.row(now, answer, 0, error, self._flags(connection, now) | flags)
        self._writer.rows.append(row)
        self._counters.fail(error, text)
        self._counters.in_flight -= 1
        connection.rest()
        phase, worker = connection.phase, connection.worker
        self.connections.end(connection)
        self._free(phase, worker, now, failed=error in _PAUSED)

    def time_out(self, timeout_seconds: float) -> float:
        """Fail what has waited too long; when the oldest that is left began."""
        now = oldest = self.now()
        for connection in list(self.connections.table.values()):
            if connection.request:
                if now - connection.began >= timeout_seconds:
                    self.fail(connection, RowError.TIMEOUT, "", RowFlag.CENSORED)
                else:
                    oldest = min(oldest, connection.began)
        return oldest

    def abandon(self, text: str) -> None:
        """Give up on everything in flight; nothing follows."""
        for connection in list(self.connections.table.values()):
            if connection.request:
                self.fail(connection, RowError.CUT, text, RowFlag.CENSORED)

    def _advance(self, connection: EpollConnection, mask: int) -> None:
        try:
            usable = self.connections.advance(connection, mask)
        except OSError as error:
            self.fail(connection, RowError.CONNECT, cause(error))
            return
        if usable and connection.request:
            connection.connect_seconds = self.now() - connection.dialled
            self._write(connection)
        elif usable:
            self.connections.rest(connection)

    def _load(self, connection: EpollConnection, due: float, phase: int, worker: int, *, waited: bool) -> None:
        """Give a connection its next request; `_write` sends it."""
        connection.waited = waited and self._pacer.is_paced(phase)
        self.number += self._shards
        connection.request = self.number
        connection.scheduled, connection.sent, connection.first_byte = due, NAN, NAN
        connection.phase, connection.worker = phase, worker
        until = self._pacer.until(phase)
        connection.until = until + self.start if until and self._keep_alive else 0.0

    def _write(self, connection: EpollConnection) -> None:
        wire = self._request_bytes.head(connection.request) + self._request_bytes.body
        connection.state, connection.hot = ConnectionState.READING, 0 if self._request_bytes.head_only else IN
        connection.sent = self.now()
        try:
            written = connection.send(wire)
        except OSError as error:
            written = self.unsent(connection, error)
        if written != len(wire):
            self.postpone(connection, wire, written)

    def _send_or_receive(self, connection: EpollConnection, mask: int) -> None:
        """A server may answer, and close, before it has read the whole request: what it said comes first."""
        request = connection.request
        if mask & ~select.EPOLLOUT:
            self._receive(connection)
        if mask & select.EPOLLOUT and connection.request == request and connection.state is ConnectionState.SENDING:
            self._write_on(connection)

    def _write_on(self, connection: EpollConnection) -> None:
        try:
            written = connection.send(connection.pending)
        except OSError as error:
            if self.unsent(connection, error) < 0:
                return
            written = 0
        connection.pending = connection.pending[written:]
        if not connection.pending:
            connection.state = ConnectionState.READING
            connection.hot = 0 if self._request_bytes.head_only or connection.reader else IN
            self.connections.poll.modify(connection.fd, IN)

    def _receive(self, connection: EpollConnection) -> None:
        """Read until there is nothing left; TLS may hold back bytes that epoll does not know of."""
        while connection.request:
            request = connection.request
            try:
                data = connection.recv(READ_BYTES)
            except OSError as error:
                self.broke(connection, error)
                return
            self.read_on(connection, data)
            if connection.request != request or not connection.buffered():
                return

    def _closed(self, connection: EpollConnection, now: float) -> None:
        reader = connection.reader
        if reader is None:
            self.fail(connection, RowError.RESET, "closed before an answer")
        elif answer := reader.end():
            self.finish(connection, answer, now)
        else:
            self.fail(connection, RowError.CUT, "closed before the answer's end")

    def _free(self, phase: int, worker: int, now: float, *, failed: bool = False) -> None:
        """A worker without a connection is free: its next request needs a new one."""
        due = self._next(phase, worker, now, failed=failed)
        if due is not None:
            self.begin(due, phase, worker, waited=True)

    def _next(self, phase: int, worker: int, now: float, *, failed: bool = False) -> float | None:
        due = self._pacer.freed(phase, worker, now - self.start, failed=failed)
        return None if due is None else due + self.start

    def drop(self, due: float, phase: int, text: str) -> None:
        """The row of an arrival that is not sent."""
        connection = EpollConnection(None, 0, NAN)
        connection.scheduled, connection.phase = due, phase
        self._writer.rows.append(connection.row(self.now(), _NOTHING, 0, RowError.DROPPED, 0))
        self._counters.fail(RowError.DROPPED, text)

    def _flags(self, connection: EpollConnection, now: float) -> int:
        flags = _REUSED if connection.reused else 0
        if now - self.start > self._time_up:
            flags |= _DRAIN
        return flags | _WAITED if connection.waited else flags
