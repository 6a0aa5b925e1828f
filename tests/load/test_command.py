"""`conformance load` from the outside."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from tests.load.server import Seen, serving

pytestmark = pytest.mark.smoke


@pytest.fixture
async def server() -> AsyncIterator[Seen]:
    async with serving() as seen:
        yield seen


async def run(*args: str, interrupt_when: Awaitable[None] | None = None) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "conformance.cli", "load", *args,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if interrupt_when is not None:
        await interrupt_when
        process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_heys_command_line_gives_heys_report(server: Seen, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_text("{}")
    code, out, err = await run(
        "-z", "1s", "-c", "5", "-m", "POST", "-host", "flowers.example.com", "-D", str(tmp_path / "input.json"),
        f"http://127.0.0.1:{server.port}/delay/0.01",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out.startswith("\nSummary:\n  Total:\t1.0")
    assert "  [200]\t" in out
    assert "  pod-a\t[" in out
    assert "Host: flowers.example.com" in server.heads[0]
    assert "x-request-id" not in server.heads[0]


async def test_rows_and_histograms_can_be_kept_and_the_summary_be_json(server: Seen, tmp_path: Path) -> None:
    code, out, _ = await run(
        "-n", "20", "-c", "2", "-o", "json", "--request-ids",
        "--rows", str(tmp_path / "rows"), "--histograms", str(tmp_path / "hdr.json"),
        f"http://127.0.0.1:{server.port}/ok",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["answered"] == 20
    assert (tmp_path / "rows" / "load-1.rows").stat().st_size == 20 * 72
    assert [entry["count"] for entry in json.loads((tmp_path / "hdr.json").read_text())] == [20]
    assert "x-request-id" in server.heads[0]


async def test_csv_has_heys_columns(server: Seen) -> None:
    _, out, _ = await run("-n", "4", "-c", "2", "-o", "csv", f"http://127.0.0.1:{server.port}/ok")
    head, *lines = out.splitlines()
    assert head.startswith("response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset")
    assert [line.split(",")[6] for line in lines] == ["200"] * 4


async def test_an_interrupt_prints_what_there_is(server: Seen) -> None:
    code, out, _ = await run(
        "-z", "24h", "-c", "2", f"http://127.0.0.1:{server.port}/delay/0.01", interrupt_when=server.requests(15)
    )  # fmt: skip
    assert code == 130
    assert "Status code distribution:\n  [200]\t" in out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-x", "proxy:8080"), "-x is not supported"),
        (("-h2",), "-h2 is not supported"),
        (("-z", "5"), "not a duration"),
        (("-gzip",), "no option -g"),
        (("-o", "xml"), "-o 'xml'; known: csv, json"),
        (("-n", "1e3"), "'1e3' is not a valid integer"),
        (("-c", "100000", "-z", "1s"), "between 1 and 65535"),
    ],
)
async def test_what_is_not_supported_is_refused_in_one_line(args: tuple[str, ...], words: str) -> None:
    code, out, err = await run(*args, "http://127.0.0.1:9/")
    assert (code, out) == (64, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err
