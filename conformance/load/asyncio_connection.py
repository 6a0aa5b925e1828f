"""A connection of the asyncio engine: sends one request at a time and reads its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.load.answer_parser import AnswerParser, ParsedAnswer, ProtocolError, parse_whole
from conformance.load.endpoint import cause
from conformance.recording.rows import NAN, RowError


class RequestFailedError(Exception):
    """A request has no complete answer."""

    def __init__(self, error: RowError, text: str, answer: ParsedAnswer | None = None) -> None:
        super().__init__(text)
        self.error = error
        self.answer = answer or ParsedAnswer(0)


@dataclass(slots=True)
class Timing:
    """What is known of a request while it is under way; seconds from the recording's origin."""

    sent: float = NAN
    first_byte: float = NAN
    connect_seconds: float = 0.0
    connection: int = 0
    reused: bool = False


@dataclass(eq=False)
class AsyncioConnection(asyncio.Protocol):
    """A connection. `ask` sends one request and waits for its answer."""

    number: int
    now: Callable[[], float]
    transport: asyncio.Transport | None = None
    used: bool = False
    lost: bool = False
    timing: Timing = field(default_factory=Timing)
    reader: AnswerParser | None = None
    answer: asyncio.Future[ParsedAnswer] | None = None
    head_only: bool = False

    async def ask(self, wire: bytes, timing: Timing, *, head_only: bool) -> ParsedAnswer:
        """Raises RequestFailedError."""
        assert self.transport
        self.timing, self.reader, self.head_only = timing, None, head_only
        timing.connection, timing.reused, self.used = self.number, self.used, True
        self.answer = asyncio.get_running_loop().create_future()
        timing.sent = self.now()
        self.transport.write(wire)
        try:
            return await self.answer
        finally:
            self.answer = None

    def close(self) -> None:
        """Give the connection up at once."""
        self.lost = True
        if self.transport:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.answer is None or self.answer.done():
            self.close()  # talking out of turn
            return
        if self.reader is None:
            self.timing.first_byte = self.now()
            if not self.head_only and (whole := parse_whole(data)):
                self.answer.set_result(whole)
                return
            self.reader = AnswerParser(head_only=self.head_only)
        try:
            found = self.reader.feed(data)
        except ProtocolError as error:
            self._fail(RowError.PROTOCOL, str(error))
            self.close()
        else:
            if found is not None:
                self.answer.set_result(found)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self.answer is None or self.answer.done():
            return
        if self.reader is None:
            self._fail(RowError.RESET, cause(error) if isinstance(error, OSError) else "closed before an answer")
        elif found := self.reader.end():
            self.answer.set_result(found)
        else:
            self._fail(RowError.CUT, "closed before the answer's end")

    def _fail(self, error: RowError, text: str) -> None:
        seen = ParsedAnswer(self.reader.status, body_bytes=self.reader.body_bytes) if self.reader else None
        if self.answer and not self.answer.done():
            self.answer.set_exception(RequestFailedError(error, text, seen))
