"""Targets that read HTTP: the measuring client's answers, the wire's client and server."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import strategies as st

from conformance.base.clock import run_virtual
from conformance.base.http import http_client, http_server
from conformance.base.http.exchange import ExchangeError, Request, Response
from conformance.load.answer_parser import AnswerParser, ParsedAnswer, ProtocolError, parse_whole
from tests.reliability.fuzz.mutation import spoilt

ANSWERS = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-pod: p-1\r\nx-in-flight: 3\r\nx-high-water: 4\r\n"
    b"x-model-ms: 100.5\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nconnection: close\r\n\r\nbusy",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n\x00\x00",
    b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\nx-in-flight: 1e400\r\nx-model-ms: nan\r\n\r\n",
)
REQUESTS = (
    b"POST /v1/models/flowers:predict HTTP/1.1\r\nhost: a.example\r\ncontent-length: 2\r\n\r\n{}",
    b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
)


def pieces(data: st.DataObject, text: bytes) -> list[bytes]:
    """The bytes as a network may deliver them."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def answer(data: st.DataObject) -> None:
    """An answer as the load generator reads it: fast path and parser agree on what both accept."""
    text = data.draw(spoilt(data.draw(st.sampled_from(ANSWERS))))
    quick = parse_whole(text)
    if quick is not None:
        plausible(quick)
    reader = AnswerParser(head_only=data.draw(st.booleans()))
    with suppress(ProtocolError):
        for piece in pieces(data, text):
            found = reader.feed(piece)
            if found is not None:
                plausible(found)
                return
        found = reader.end()
        if found is not None:
            plausible(found)


def plausible(found: ParsedAnswer) -> None:
    """An answer that a row can hold."""
    assert 0 <= found.status <= 65535, found
    assert 0 <= found.in_flight <= 0xFFFFFFFF
    assert 0 <= found.high_water <= 0xFFFFFFFF
    assert 0 <= found.body_bytes <= 0xFFFFFFFF
    assert 0 <= found.model_seconds < 1e12


class Pipe(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return


def wire_answer(data: st.DataObject) -> None:
    """An answer as the platform's hops and the discovery of the ingress read it: an answer or an ExchangeError."""
    parts = pieces(data, data.draw(spoilt(data.draw(st.sampled_from(ANSWERS)))))

    async def main() -> None:
        connection = http_client.Connection({})
        pipe = Pipe(connection)
        connection.connection_made(pipe)
        coming = connection.send(Request("GET", "/", "a.example"))
        for part in parts:
            if part and not pipe.closed:
                connection.data_received(part)
        if not pipe.closed:
            pipe.abort()
        with suppress(ExchangeError):
            found = await coming
            assert isinstance(found, Response)

    run_virtual(main())


def wire_request(data: st.DataObject) -> None:
    """A request as the ingress and the witness read it: it is answered, or refused with 400 or 413."""
    parts = pieces(data, data.draw(spoilt(data.draw(st.sampled_from(REQUESTS)))))
    seen: list[Request] = []

    async def handle(request: Request) -> Response:
        seen.append(request)
        return Response(200, (("x-path", "fine"),), b"ok")

    async def main() -> None:
        serving = http_server.Server(handle)
        connection = http_server.Connection(serving)
        pipe = Pipe(connection)
        connection.connection_made(pipe)
        for part in parts:
            if part and not pipe.closed:
                connection.data_received(part)
                await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        pipe.abort()
        await serving.close()
        assert pipe.written.count(b"HTTP/1.1 200") <= len(seen)

    run_virtual(main())
