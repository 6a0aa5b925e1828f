"""The benchmark's server in Python, for machines without a C compiler: `server PORT DELAY_US LOGFILE`, as server.c."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n{"predictions":[0.25]}'


class Peer(asyncio.Protocol):
    """One connection."""

    def __init__(self, delay_seconds: float, record: list[tuple[int, int]]) -> None:
        self._delay_seconds = delay_seconds
        self._record = record
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        arrived = time.monotonic_ns()
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            at = self._data[:end].lower().find(b"\r\ncontent-length:")
            length = int(self._data[at + 17 : end].split(b"\r")[0]) if at >= 0 else 0
            if len(self._data) < end + 4 + length:
                return
            self._data = self._data[end + 4 + length :]
            if self._delay_seconds:
                asyncio.get_running_loop().call_later(self._delay_seconds, self._answer, arrived)
            else:
                self._answer(arrived)

    def _answer(self, arrived: int) -> None:
        assert self._transport
        self._record.append((arrived, time.monotonic_ns()))
        self._transport.write(ANSWER)


async def main(port: int, delay_seconds: float, log: str) -> None:
    """Serve until told to stop."""
    record: list[tuple[int, int]] = []
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    server = await loop.create_server(lambda: Peer(delay_seconds, record), "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ending.wait()
    if log:
        Path(log).write_text("".join(f"{arrived} {answered}\n" for arrived, answered in record))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]) / 1e6, sys.argv[3]))
