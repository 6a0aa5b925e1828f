"""A request's bytes, made before the clock starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from conformance.load.endpoint import Endpoint
from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import Target

METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
REQUEST_ID: Final = "x-request-id"
_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER_MARK: Final = b"\0"


@dataclass(frozen=True, slots=True)
class RequestBytes:
    """A request's bytes with a gap for its number."""

    before: bytes
    after: bytes
    """Empty when requests carry no number: then `before` is the whole head."""
    body: bytes
    head_only: bool
    """Answers have no body whatever their length says."""

    @classmethod
    def of(cls, target: Target, endpoint: Endpoint) -> RequestBytes:
        """Raises InvalidLoadError for a header that would break the request apart."""
        method = target.method.upper()
        if not _METHOD.fullmatch(method):
            raise InvalidLoadError(f"load: {target.method!r} is not a method")
        headers = [("Host", endpoint.host), *_framing(target, method), *_own(target)]
        for name, value in headers:
            if not name or any(letter in name + value for letter in "\r\n\0") or " " in name:
                raise InvalidLoadError(f"load: header {name!r}: {value!r} cannot be sent")
        if target.request_ids:
            headers.append((REQUEST_ID, "\0"))
        lines = [f"{method} {endpoint.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        try:
            head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        except UnicodeEncodeError as error:
            raise InvalidLoadError(f"load: {error.object[error.start : error.end]!r} cannot be in a request") from error
        before, _, after = head.partition(_NUMBER_MARK)
        return cls(before, after, target.body, method == "HEAD")

    def head(self, number: int) -> bytes:
        """The head of one request."""
        return b"%b%d%b" % (self.before, number, self.after) if self.after else self.before


def _framing(target: Target, method: str) -> list[tuple[str, str]]:
    framing = []
    if target.body or method in METHODS_WITH_BODY:
        framing.append(("Content-Length", str(len(target.body))))
    if not target.keep_alive:
        framing.append(("Connection", "close"))
    return framing


def _own(target: Target) -> list[tuple[str, str]]:
    """The target's headers without those this module decides: Host is `Target.host`, the length is the body's."""
    return [(name, value) for name, value in target.headers if name.lower() not in ("host", "content-length")]
