"""Reads answers: one search for the common kind, httptools for every other.

Nearly every answer of a model server arrives in one piece with a Content-Length; finding its end and the witness's
headers takes about a microsecond. Chunked, split, unframed or malformed answers go through a real parser.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

import httptools

POD: Final = b"x-pod"
IN_FLIGHT: Final = b"x-in-flight"
HIGH_WATER: Final = b"x-high-water"
MODEL_MS: Final = b"x-model-ms"
STAMP: Final = b"x-witness"
HEADERS: Final = (POD, IN_FLIGHT, HIGH_WATER, MODEL_MS, STAMP)
MAX_HEAD_BYTES: Final = 1 << 18
_WITNESSED: Final = re.compile(rb"\r\n(%b):[ \t]*([^\r]*)" % b"|".join(HEADERS), re.IGNORECASE)
_LARGEST: Final = 0xFFFFFFFF
_MOST_DIGITS: Final = 12
_AFTER_CODE: Final = (b" ", b"\r")


class ParsedAnswer(NamedTuple):
    """What a row keeps of an answer."""

    status: int
    pod: bytes = b""
    in_flight: int = 0
    high_water: int = 0
    body_bytes: int = 0
    model_seconds: float = 0.0
    keep_alive: bool = True
    stamp: bytes = b""
    """What the model says it answered (`conformance.load.content`); empty where it does not say."""
    digest: bytes = b""
    """Checksum of the body as it was received, where there is a stamp to compare it with."""


def parse_whole(data: bytes) -> ParsedAnswer | None:
    """The answer when `data` is exactly one complete HTTP/1.1 answer with a Content-Length on a connection that stays
    open; None for anything else, complete or not."""
    end = data.find(b"\r\n\r\n")
    if end < 0 or data[:9] != b"HTTP/1.1 " or data[9:10] == b"1":
        return None
    head = data[: end + 2].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0 or head.find(b"\r\ncontent-length:", at + 17) >= 0 or b"\r\ntransfer-encoding:" in head:
        return None
    if b"\r\nconnection:" in head and b"\r\nconnection: keep-alive\r" not in head:
        return None
    digits, code = head[at + 17 : head.find(b"\r", at + 17)].strip(), data[9:12]
    if not (digits.isdigit() and len(digits) <= _MOST_DIGITS and code.isdigit() and data[12:13] in _AFTER_CODE):
        return None  # int() would take signs and underscores
    length, status = int(digits), int(code)
    if len(data) != end + 4 + length:
        return None
    if head.find(b"\r\nx-") < 0:
        return ParsedAnswer(status, body_bytes=length)
    headers: dict[bytes, bytes] = {}
    for name, value in _WITNESSED.findall(data, 0, end):
        headers.setdefault(name.lower(), value.rstrip())
    return witnessed(status, length, headers, checksum=zlib.crc32(data[end + 4 :]) if STAMP in headers else 0)


def witnessed(
    status: int, length: int, headers: dict[bytes, bytes], keep_alive: bool = True, *, checksum: int = 0
) -> ParsedAnswer:
    """An answer with what the witness's headers (lower-case names) say of the container that gave it, and of what it
    answered; `checksum` is the received body's CRC-32."""
    stamp = headers.get(STAMP, b"")
    return ParsedAnswer(
        status,
        headers.get(POD, b""),
        min(_LARGEST, int(_number(headers.get(IN_FLIGHT, b"")))),
        min(_LARGEST, int(_number(headers.get(HIGH_WATER, b"")))),
        min(_LARGEST, length),
        _number(headers.get(MODEL_MS, b"")) / 1000,
        keep_alive,
        stamp,
        b"%08x" % checksum if stamp else b"",
    )


def _number(text: bytes) -> float:
    """A header is a stranger's word: what is not a finite, positive number is unknown."""
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e12 else 0.0


class ProtocolError(Exception):
    """The answer is not HTTP."""


class AnswerParser:
    """Reads one answer piece by piece."""

    def __init__(self, *, head_only: bool = False) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head_only = head_only
        self._headers: dict[bytes, bytes] = {}
        self._body_bytes = self._checksum = 0
        self._head_bytes = 0
        self._framed = False
        self._head_complete = False
        self._complete = False
        self._excess = False
        self._whole = ParsedAnswer(0)
        self._status = 0

    def feed(self, data: bytes) -> ParsedAnswer | None:
        """The answer once it is complete. What follows it in the same piece was not asked for: it is not counted, and
        the connection is of no further use. Raises ProtocolError."""
        if self._complete:
            raise ProtocolError("more bytes than the answer's length")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise ProtocolError("it switched protocols without having been asked") from error
        except httptools.HttpParserError as error:
            if not self._complete:
                raise ProtocolError(str(error)) from error
            self._excess = True
        if not self._complete:
            if not self._head_complete:
                self._head_bytes += len(data)
                if self._head_bytes > MAX_HEAD_BYTES:
                    raise ProtocolError(f"a head of more than {MAX_HEAD_BYTES} bytes")
            return None
        return self._whole._replace(keep_alive=False) if self._excess else self._whole

    def end(self) -> ParsedAnswer | None:
        """The connection was closed; the answer if that is how its body ends, None if it was cut."""
        if self._head_complete and not self._framed:
            return self._answer(keep_alive=False)
        return None

    @property
    def status(self) -> int:
        """Status of a head that has arrived, 0 before."""
        return self._status

    @property
    def body_bytes(self) -> int:
        """Body bytes so far, as far as a row can tell."""
        return min(_LARGEST, self._body_bytes)

    def _answer(self, *, keep_alive: bool) -> ParsedAnswer:
        if self._head_only:
            self._headers.pop(STAMP, None)  # its body is not asked for
        return witnessed(self._status, self._body_bytes, self._headers, keep_alive, checksum=self._checksum)

    def on_message_begin(self) -> None:
        self._excess = self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if self._complete:
            return
        if name in HEADERS:
            self._headers.setdefault(name, value)
        elif name in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._complete or 100 <= status < 200:
            return
        self._status, self._head_complete = status, True
        if self._head_only:
            self._complete_now()

    def _complete_now(self) -> None:
        if not self._complete:
            self._complete = True
            # The parser forgets right after whether the connection stays open.
            self._whole = self._answer(keep_alive=self._parser.should_keep_alive())

    def on_body(self, data: bytes) -> None:
        if not self._complete:
            self._body_bytes += len(data)
            if STAMP in self._headers:
                self._checksum = zlib.crc32(data, self._checksum)

    def on_message_complete(self) -> None:
        if self._head_complete:
            self._complete_now()
        else:  # an interim answer, 100 Continue for one: the real one follows on the same connection
            self._headers.clear()
            self._framed = False
