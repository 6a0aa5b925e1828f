"""What a shard printed, back as files: the other half of `shard_main`."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.load.generator import LoadProgress, LoadResult
from conformance.load.histograms import Histogram
from conformance.load.row_writer import LoadPaths
from conformance.recording.rows import ROW_BYTES

MOST_LINE_ROWS: Final = 10_000


@dataclass(slots=True)
class Shard:
    """What has been heard of one shard."""

    number: int
    offered: LoadResult | None = None
    """Set once everything it recorded has arrived."""
    trouble: str = ""
    clock_lead_seconds: float | None = None
    """Its clock less ours, as its greetings show: at least this much, as they take time to arrive."""
    latest: LoadProgress | None = None
    histograms: list[Histogram] = field(default_factory=list)


async def collect(
    lines: AsyncIterator[bytes], shard: Shard, paths: LoadPaths, wall: Callable[[], float], heard: Callable[[], None]
) -> None:
    """Read a shard's log to its end and write its files. A log that ends early leaves what had come and no result."""
    rows = 0
    with paths.rows.open("wb") as row_file, paths.lines.open("w", encoding="utf-8") as line_file:
        paths.names.touch()
        async for text in lines:
            try:
                value = json.loads(text)
                for kind, body in value.items():
                    if kind == "rows":
                        data = _unpack(body)
                        rows += len(data) // ROW_BYTES
                        row_file.write(data)
                    elif kind == "line":
                        line_file.write(json.dumps(body, separators=(",", ":"), ensure_ascii=False) + "\n")
                    elif kind == "names":
                        paths.names.write_text("".join(f"{name}\n" for name in body), encoding="utf-8")
                    else:
                        _hear(kind, body, shard, rows, wall())
            except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as error:
                # A log may hold lines of others: the interpreter's last words before it died, for one.
                shard.trouble = shard.trouble or f"unreadable line: {error}"
            heard()
    if shard.offered is None:
        shard.trouble = shard.trouble or "its log ended before its result"


def _unpack(text: str) -> bytes:
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), MOST_LINE_ROWS * ROW_BYTES)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if len(data) % ROW_BYTES:
        raise ValueError("a line of rows does not hold whole rows")
    return data


def _hear(kind: str, body: Any, shard: Shard, rows: int, now_wall: float) -> None:
    match kind:
        case "hello":
            lead = float(body["wall"]) - now_wall
            known = shard.clock_lead_seconds
            shard.clock_lead_seconds = lead if known is None else max(known, lead)
        case "progress":
            shard.latest = LoadProgress(**body)
        case "histograms":
            shard.histograms = [Histogram(**entry) for entry in body]
        case "late":
            shard.trouble = f"it was ready {body['seconds']} s after the start and sent nothing"
        case "error":
            shard.trouble = str(body)
        case "end" if body["rows"] == rows:
            shard.offered = LoadResult(**body["offered"])
        case "end":
            shard.trouble = f"{body['rows'] - rows} of its {body['rows']} rows were lost on the way"
        case _:
            raise ValueError(f"unknown kind {kind!r}")
