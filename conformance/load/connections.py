"""Sockets of the epoll engine: dialled, secured, kept while idle, closed. What they carry is not known here.

Sockets are closed after the batch of events in which they ended, or a new one could get an old one's descriptor and its
events.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections.abc import Callable
from typing import Final

from conformance.load.connection import READ_BYTES, Connection, State
from conformance.load.dialler import Dialler, LimitError

IN: Final = select.EPOLLIN
IN_OUT: Final = select.EPOLLIN | select.EPOLLOUT
PATIENT: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""Raised where there is nothing to read or no room to write yet."""


class Connections:
    """All connections of one load."""

    def __init__(
        self, dialler: Dialler, now: Callable[[], float], *, most: int, shard: int = 0, shards: int = 1
    ) -> None:
        """`now` gives seconds from the recording's origin; `most` is how many this machine can have open."""
        self.poll = select.epoll()
        self.table: dict[int, Connection] = {}
        """By descriptor; one that has ended stays until `bury`."""
        self.idle: list[Connection] = []
        self.ended: list[Connection] = []
        self._dialler, self._now, self._most = dialler, now, most
        self._shard, self._shards, self._dialled = shard, shards, 0

    def watch(self, fd: int, mask: int) -> None:
        """Poll a descriptor that is no connection; it stands in the table as one that carries nothing."""
        self.table[fd] = Connection(None, 0, 0.0)
        self.poll.register(fd, mask)

    def dial(self) -> Connection:
        """Start a connection. Raises LimitError, and OSError when it failed at once."""
        if len(self.table) >= self._most:
            raise LimitError("too many connections")
        connection = Connection(self._dialler.dial(), self.number(), self._now())
        self.table[connection.fd] = connection
        self.poll.register(connection.fd, IN_OUT)
        return connection

    def number(self) -> int:
        """The next connection's number; shards interleave."""
        self._dialled += 1
        return self._dialled * self._shards + self._shard

    def advance(self, connection: Connection, mask: int) -> bool:
        """Take a new connection further after an event; whether it can be used now. Raises OSError."""
        if connection.state is State.DIALLING:
            if not mask & ~IN:
                return False  # an event of the descriptor's former owner
            assert connection.sock
            if code := connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, os.strerror(code))
            if self._dialler.tls:
                connection.secure(self._dialler.tls, self._dialler.name)
                connection.state = State.HANDSHAKE
        if connection.state is State.HANDSHAKE and not self._shake(connection):
            return False
        self.poll.modify(connection.fd, IN)
        return True

    def _shake(self, connection: Connection) -> bool:
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
            elif self.idle or not self._dialler.other_address():
                return

    def _open_one(self, deadline: float) -> bool:
        try:
            connection = self.dial()
        except (OSError, LimitError):
            return False
        while connection.state < State.IDLE and self._now() < deadline:
            for fd, mask in self.poll.poll(0.05, 16):
                other = self.table[fd]
                try:
                    if other.state is State.IDLE:
                        self.stir(other)
                    elif other.state is not State.ENDED and self.advance(other, mask):
                        self.rest(other)
                except OSError:
                    self.end(other)
        self.bury()
        return connection.state is State.IDLE

    def rest(self, connection: Connection) -> None:
        """Keep a usable connection for the next request."""
        connection.state = State.IDLE
        self.idle.append(connection)

    def stir(self, connection: Connection) -> None:
        """An idle connection is readable: closed by the server, or talking out of turn, unless it is TLS minding its
        own business (session tickets)."""
        try:
            connection.recv(READ_BYTES)
        except PATIENT:
            return
        except OSError:
            pass
        self.end(connection)

    def end(self, connection: Connection) -> None:
        """Take a connection out of use; `bury` closes it."""
        if connection.state is State.IDLE and connection in self.idle:
            self.idle.remove(connection)
        if connection.state is not State.ENDED and connection.sock:
            self.poll.unregister(connection.fd)
            self.ended.append(connection)
        connection.state, connection.hot = State.ENDED, 0

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
