"""One row per arrival, fixed width, so that ten million of them can be mapped instead of loaded.

A file of rows has no header: `recording.json` names the version, a crash leaves whole rows plus at most one torn one,
and readers cut to a multiple of the width. Pod names live beside it, one a line, written before the first row that
refers to them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

NAN: Final = float("nan")

ROW: Final = struct.Struct("<ddddHBBIIIIIHHIff")
ROW_BYTES: Final = ROW.size
"""72. Field order as in `Row`."""

COLUMNS: Final = (
    ("scheduled", "<f8"),
    ("sent", "<f8"),
    ("first_byte", "<f8"),
    ("end", "<f8"),
    ("status", "<u2"),
    ("error", "u1"),
    ("flags", "u1"),
    ("pod", "<u4"),
    ("connection", "<u4"),
    ("in_flight", "<u4"),
    ("high_water", "<u4"),
    ("body_bytes", "<u4"),
    ("phase", "<u2"),
    ("worker", "<u2"),
    ("request", "<u4"),
    ("model_seconds", "<f4"),
    ("connect_seconds", "<f4"),
)
"""Names and array types of the fields, for readers that map a file as a structured array."""


class RowError(IntEnum):
    """Why an arrival has no complete answer."""

    NONE = 0
    CONNECT = 1  # no connection: refused, unreachable, name not found
    RESET = 2  # the connection broke before the first byte of the answer
    TIMEOUT = 3  # no complete answer within the client's limit; latency is censored
    PROTOCOL = 4  # the answer was not HTTP
    CUT = 5  # the answer's body ended early, or the drain ended before the answer
    DROPPED = 6  # never sent: the cap on requests in flight was reached


class RowFlag(IntFlag):
    """Properties of one arrival."""

    REUSED = 1  # an existing connection carried it
    CENSORED = 2  # `end` is when waiting stopped, not when the answer came
    DRAIN = 4  # it was still in flight when the load's time was up
    WARM = 8  # sent before the clock started, to open connections
    WAITED = 16  # fell due while its paced worker (salvo) was busy: sent - scheduled is the server's doing
    FITTED = 32  # its content is the one to this request: number, input and body are as the model stamped them
    MISFIT = 64  # its content is not; neither of the two: the answer does not say, or the recording is older than that


@dataclass(frozen=True, slots=True)
class Row:
    """One arrival. Times in seconds from the recording's origin, NaN where it never came to that."""

    scheduled: float
    """When it was due; for a closed loop the moment its worker became free."""
    sent: float = NAN
    first_byte: float = NAN
    end: float = NAN
    status: int = 0
    """HTTP status, 0 without one."""
    error: RowError = RowError.NONE
    flags: int = 0
    pod: int = 0
    """Line number (from 1) in the names file; 0 unknown."""
    connection: int = 0
    in_flight: int = 0
    """Requests inside the model container when this one arrived, itself included; 0 unknown."""
    high_water: int = 0
    """Most requests that container had held at once until then; 0 unknown."""
    body_bytes: int = 0
    """Body bytes received."""
    phase: int = 0
    worker: int = 0
    request: int = 0
    """Number of the request within its load, sent as `x-request-id`."""
    model_seconds: float = 0.0
    """Seconds inside the model container as the witness reported; 0 unknown."""
    connect_seconds: float = 0.0
    """From dialling to a usable connection (TLS included) for the request that opened it; 0 when it was reused. Part of
    `sent - scheduled`, so a generator's own lag is that difference less this."""

    def pack(self) -> bytes:
        """The row's 72 bytes."""
        return ROW.pack(
            self.scheduled, self.sent, self.first_byte, self.end, self.status, self.error, self.flags, self.pod,
            self.connection, self.in_flight, self.high_water, self.body_bytes, self.phase, self.worker, self.request,
            self.model_seconds, self.connect_seconds,
        )  # fmt: skip

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> Row:
        """Read 72 bytes; raises ValueError for an unknown error code."""
        values = ROW.unpack(data)
        return cls(
            scheduled=values[0],
            sent=values[1],
            first_byte=values[2],
            end=values[3],
            status=values[4],
            error=RowError(values[5]),
            flags=values[6],
            pod=values[7],
            connection=values[8],
            in_flight=values[9],
            high_water=values[10],
            body_bytes=values[11],
            phase=values[12],
            worker=values[13],
            request=values[14],
            model_seconds=values[15],
            connect_seconds=values[16],
        )
