"""Connections of the epoll engine: opened, secured, kept while idle, closed; each carries one request at a time.

State is in slots, and nothing here waits. Sockets are closed after the batch of events in which they ended, or a new
one could get an old one's descriptor and its events.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections.abc import Callable
from enum import IntEnum
from typing import Final, NoReturn

from conformance.load.answer_parser import AnswerParser, ParsedAnswer
from conformance.load.endpoint import Dialer, LimitError
from conformance.recording.rows import NAN, ROW, RowError

READ_BYTES: Final = 65536
MANY_BYTES: Final = 0xFFFFFFFF
IN: Final = select.EPOLLIN
IN_OUT: Final = select.EPOLLIN | select.EPOLLOUT
PATIENT: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""Raised where there is nothing to read or no room to write yet."""


def _refuse(_: object) -> NoReturn:
    raise OSError("no socket")


class ConnectionState(IntEnum):
    """What a connection waits for."""

    CONNECTING = 0
    HANDSHAKE = 1
    IDLE = 2
    SENDING = 3  # the kernel took only part of the request
    READING = 4
    ENDED = 5


class EpollConnection:
    """A socket and its request. Times in seconds from the recording's origin."""

    __slots__ = (
        "connect_seconds", "dialled", "fd", "first_byte", "hot", "number", "pending", "phase", "reader", "recv",
        "request", "reused", "scheduled", "send", "sent", "sock", "state", "until", "waited", "worker",
    )  # fmt: skip

    def __init__(self, sock: socket.socket | None, number: int, dialled: float) -> None:
        """Without a socket it only carries a request that never got one."""
        self.sock = sock
        self.fd = sock.fileno() if sock else -1
        self.send: Callable[[bytes | memoryview], int] = _refuse
        self.recv: Callable[[int], bytes] = _refuse
        if sock:
            self.send, self.recv = sock.send, sock.recv
        self.number = number
        self.state = ConnectionState.CONNECTING
        self.hot = 0
        """The one event mask that the engine's short path may take; 0 when it may not."""
        self.until = 0.0
        """A closed loop's end, until which the worker sends again on this connection at once."""
        self.dialled = dialled
        self.connect_seconds = 0.0
        self.pending = memoryview(b"")
        self.reader: AnswerParser | None = None
        self.request = 0
        """0 while it carries none."""
        self.scheduled = NAN
        self.sent = NAN
        self.first_byte = NAN
        self.reused = self.waited = False
        self.phase = 0
        self.worker = 0

    def secure(self, context: ssl.SSLContext, name: str) -> None:
        """Put TLS on the connected socket; the handshake is still to come."""
        assert self.sock
        secured = context.wrap_socket(self.sock, server_hostname=name, do_handshake_on_connect=False)
        self.sock, self.send, self.recv = secured, secured.send, secured.recv

    def close(self) -> None:
        """Give back the socket."""
        if self.sock:
            self.sock.close()

    def buffered(self) -> bool:
        """Whether TLS has decrypted bytes that no event will announce."""
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def rest(self) -> None:
        """After a request: carry none."""
        self.state, self.hot, self.request, self.until = ConnectionState.IDLE, 0, 0, 0.0
        self.connect_seconds = 0.0
        self.reader = None
        self.reused = True

    @property
    def began(self) -> float:
        """When the request's time-out started to count: its writing, or the dialling for it."""
        return self.sent if self.sent == self.sent else self.dialled  # NaN differs from itself

    def row(self, end: float, answer: ParsedAnswer, pod: int, error: RowError, flags: int) -> bytes:
        """The packed row of the request it carries."""
        return ROW.pack(
            self.scheduled, self.sent, self.first_byte, end, answer.status, error, flags, pod, self.number,
            answer.in_flight, answer.high_water, min(MANY_BYTES, answer.body_bytes), self.phase, self.worker & 0xFFFF,
            self.request & MANY_BYTES, answer.model_seconds, self.connect_seconds,
        )  # fmt: skip


class ConnectionPool:
    """All connections of one load."""

    def __init__(self, dialer: Dialer, now: Callable[[], float], *, most: int, shard: int = 0, shards: int = 1) -> None:
        """`now` gives seconds from the recording's origin; `most` is how many this machine can have open."""
        self.poll = select.epoll()
        self.table: dict[int, EpollConnection] = {}
        """By descriptor; one that has ended stays until `bury`."""
        self.idle: list[EpollConnection] = []
        self.ended: list[EpollConnection] = []
        self._dialer, self._now, self._most = dialer, now, most
        self._shard, self._shards, self._dialled = shard, shards, 0

    def watch(self, fd: int, mask: int) -> None:
        """Poll a descriptor that is no connection; it stands in the table as one that carries nothing."""
        self.table[fd] = EpollConnection(None, 0, 0.0)
        self.poll.register(fd, mask)

    def dial(self) -> EpollConnection:
        """Start a connection. Raises LimitError, and OSError when it failed at once."""
        if len(self.table) >= self._most:
            raise LimitError("too many connections")
        connection = EpollConnection(self._dialer.dial(), self.number(), self._now())
        self.table[connection.fd] = connection
        self.poll.register(connection.fd, IN_OUT)
        return connection

    def number(self) -> int:
        """The next connection's number; shards interleave."""
        self._dialled += 1
        return self._dialled * self._shards + self._shard

    def advance(self, connection: EpollConnection, mask: int) -> bool:
        """Take a new connection further after an event; whether it can be used now. Raises OSError."""
        if connection.state is ConnectionState.CONNECTING:
            if not mask & ~IN:
                return False  # an event of the descriptor's former owner
            assert connection.sock
            if code := connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, os.strerror(code))
            if self._dialer.tls:
                connection.secure(self._dialer.tls, self._dialer.name)
                connection.state = ConnectionState.HANDSHAKE
        if connection.state is ConnectionState.HANDSHAKE and not self._shake(connection):
            return False
        self.poll.modify(connection.fd, IN)
        return True

    def _shake(self, connection: EpollConnection) -> bool:
        assert isinstance(connection.sock, ssl.SSLSocket)
        try:
            connection.sock.do_handshake()
        except ssl.SSLWantReadError:
            self.poll.modify(connection.fd, IN)
        except ssl.SSLWantWriteError:
            self.poll.modify(connection.fd, IN_OUT)
        else:
            return True
        return False

    def warm(self, count: int, seconds: float) -> None:
        """Open connections before the clock starts, trying all addresses of the name. Failures here are no rows."""
        deadline = self._now() + seconds
        while count > 0 and self._now() < deadline:
            if self._open_one(deadline):
                count -= 1
            elif self.idle or not self._dialer.other_address():
                return

    def _open_one(self, deadline: float) -> bool:
        try:
            connection = self.dial()
        except (OSError, LimitError):
            return False
        while connection.state < ConnectionState.IDLE and self._now() < deadline:
            for fd, mask in self.poll.poll(0.05, 16):
                other = self.table[fd]
                try:
                    if other.state is ConnectionState.IDLE:
                        self.stir(other)
                    elif other.state is not ConnectionState.ENDED and self.advance(other, mask):
                        self.rest(other)
                except OSError:
                    self.end(other)
        self.bury()
        return connection.state is ConnectionState.IDLE

    def rest(self, connection: EpollConnection) -> None:
        """Keep a usable connection for the next request."""
        connection.state = ConnectionState.IDLE
        self.idle.append(connection)

    def stir(self, connection: EpollConnection) -> None:
        """An idle connection is readable: closed by the server, or talking out of turn, unless it is TLS minding its
        own business (session tickets)."""
        try:
            connection.recv(READ_BYTES)
        except PATIENT:
            return
        except OSError:
            pass
        self.end(connection)

    def end(self, connection: EpollConnection) -> None:
        """Take a connection out of use; `bury` closes it."""
        if connection.state is ConnectionState.IDLE and connection in self.idle:
            self.idle.remove(connection)
        if connection.state is not ConnectionState.ENDED and connection.sock:
            self.poll.unregister(connection.fd)
            self.ended.append(connection)
        connection.state, connection.hot = ConnectionState.ENDED, 0

    def bury(self) -> None:
        """Close what has ended."""
        for connection in self.ended:
            self.table.pop(connection.fd, None)
            connection.close()
        self.ended.clear()

    def close(self) -> None:
        """Close everything."""
        for connection in self.table.values():
            connection.close()
        self.table.clear()
        self.poll.close()
