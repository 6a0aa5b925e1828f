"""From a target to what the socket needs: addresses, TLS and the request's bytes, all made before the clock starts."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from conformance.load.errors import InvalidLoadError
from conformance.load.load_plan import Target

METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
REQUEST_ID: Final = "x-request-id"
_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SENT_AS_IS: Final = "".join(map(chr, range(0x21, 0x7F)))
"""All but spaces and what is no ASCII, which are coded."""
_PLACE: Final = b"\0"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target is, without having looked it up."""

    name: str
    port: int
    tls: bool
    host: str
    """Value of the Host header."""
    path: str

    @classmethod
    def of(cls, target: Target) -> Place:
        """Raises InvalidLoadError for a URL that is not http or https."""
        try:
            parts = urlsplit(target.url)
            tls = parts.scheme == "https"
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise InvalidLoadError(f"load: {target.url!r} is not an http:// or https:// URL")
            name, port = parts.hostname, parts.port or (443 if tls else 80)
            if target.address:
                at = urlsplit(f"//{target.address}")
                name, port = at.hostname or name, at.port or port
        except ValueError as error:
            raise InvalidLoadError(f"load: {target.url!r}: {error}") from error
        path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SENT_AS_IS)
        return cls(name, port, tls, target.host or parts.netloc.rpartition("@")[2], path)


@dataclass(frozen=True, slots=True)
class Address:
    """One result of a name look-up."""

    family: int
    sockaddr: tuple[Any, ...]


def resolve(place: Place) -> tuple[Address, ...]:
    """Addresses in the order of preference; none when the name is not known."""
    try:
        found = socket.getaddrinfo(place.name, place.port, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(Address(family, sockaddr) for family, _, _, _, sockaddr in found)


def server_name(place: Place) -> str:
    """The name TLS asks for and verifies: the Host header's, as hey does, without its port."""
    return urlsplit(f"//{place.host}").hostname or place.name


def tls_context(target: Target) -> ssl.SSLContext:
    """Raises InvalidLoadError when the CA file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=target.ca_file)
    except ssl.SSLError as error:
        reason = str(error.reason).lower().replace("_", " ")
        raise InvalidLoadError(f"load: CA file {target.ca_file}: {reason.replace(' or crl', '')}") from error
    except OSError as error:
        raise InvalidLoadError(f"load: CA file {target.ca_file}: {error.strerror}") from error
    if not target.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


@dataclass(frozen=True, slots=True)
class Wire:
    """A request's bytes with the place of its number left open."""

    before: bytes
    after: bytes
    """Empty when requests carry no number: then `before` is the whole head."""
    body: bytes
    head_only: bool
    """Answers have no body whatever their length says."""

    @classmethod
    def of(cls, target: Target, place: Place) -> Wire:
        """Raises InvalidLoadError for a header that would break the request apart."""
        method = target.method.upper()
        if not _METHOD.fullmatch(method):
            raise InvalidLoadError(f"load: {target.method!r} is not a method")
        headers = [("Host", place.host), *_framing(target, method), *_own(target)]
        for name, value in headers:
            if not name or any(letter in name + value for letter in "\r\n\0") or " " in name:
                raise InvalidLoadError(f"load: header {name!r}: {value!r} cannot be sent")
        if target.request_ids:
            headers.append((REQUEST_ID, "\0"))
        lines = [f"{method} {place.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        try:
            head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        except UnicodeEncodeError as error:
            raise InvalidLoadError(f"load: {error.object[error.start : error.end]!r} cannot be in a request") from error
        before, _, after = head.partition(_PLACE)
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
