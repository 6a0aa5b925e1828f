"""One connection of the epoll engine and the request it carries: state in slots, no behaviour that waits."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from enum import IntEnum
from typing import Final, NoReturn

from conformance.load.answer import Answer, Reader
from conformance.recording.rows import NAN, ROW, RowError

READ_BYTES: Final = 65536
MANY_BYTES: Final = 0xFFFFFFFF


def _refuse(_: object) -> NoReturn:
    raise OSError("no socket")


class State(IntEnum):
    """What a connection waits for."""

    DIALLING = 0
    HANDSHAKE = 1
    IDLE = 2
    SENDING = 3  # the kernel took only part of the request
    READING = 4
    ENDED = 5


class Connection:
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
        self.state = State.DIALLING
        self.hot = 0
        """The one event mask that the engine's short path may take; 0 when it may not."""
        self.until = 0.0
        """A closed loop's end, until which the worker sends again on this connection at once."""
        self.dialled = dialled
        self.connect_seconds = 0.0
        self.pending = memoryview(b"")
        self.reader: Reader | None = None
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
        self.state, self.hot, self.request, self.until = State.IDLE, 0, 0, 0.0
        self.connect_seconds = 0.0
        self.reader = None
        self.reused = True

    @property
    def began(self) -> float:
        """When the request's time-out started to count: its writing, or the dialling for it."""
        return self.sent if self.sent == self.sent else self.dialled  # NaN differs from itself

    def row(self, end: float, answer: Answer, pod: int, error: RowError, flags: int) -> bytes:
        """The packed row of the request it carries."""
        return ROW.pack(
            self.scheduled, self.sent, self.first_byte, end, answer.status, error, flags, pod, self.number,
            answer.in_flight, answer.high_water, min(MANY_BYTES, answer.body_bytes), self.phase, self.worker & 0xFFFF,
            self.request & MANY_BYTES, answer.model_seconds, self.connect_seconds,
        )  # fmt: skip
