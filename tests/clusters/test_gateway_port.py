"""The gateway of a cluster we own answers before scenarios send it anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from clusters.provisioning.gateway_port import answering
from conformance.base.errors import PlatformError
from tests.clusters.hasty_clock import HastyClock


@asynccontextmanager
async def port(answers: list[bytes]) -> AsyncIterator[str]:
    """Every connection opens, as Docker's published ports do, and gets the next answer, the last one for good."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answers.pop(0) if len(answers) > 1 else answers[0])
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_any_http_answer_will_do_once_there_is_one() -> None:
    answers = [b"", b"", b"HTTP/1.1 404 Not Found\r\n\r\n"]
    async with port(answers) as address:
        await answering(address, HastyClock())
    assert len(answers) == 1


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"x" * 70_000])
async def test_a_port_that_only_opens_is_no_gateway(answer: bytes) -> None:
    async with port([answer]) as address:
        with pytest.raises(PlatformError, match=f"the gateway gives no HTTP answer on {address}; see kubectl"):
            await answering(address, HastyClock())


async def test_nobody_at_all_is_no_gateway() -> None:
    async with port([b""]) as address:
        pass
    with pytest.raises(PlatformError, match="gives no HTTP answer"):
        await answering(address, HastyClock())
