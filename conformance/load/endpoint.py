"""Where a target is: name, addresses and TLS, and sockets that are being connected to it.

A name is looked up once, before the clock starts. Failures of this machine (descriptors, ports) are told from those of
the other side.
"""

from __future__ import annotations

import errno
import os
import resource
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import Target

_SENT_AS_IS: Final = "".join(map(chr, range(0x21, 0x7F)))
"""All but spaces and what is no ASCII, which are coded."""
_LIMITS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN})
_UNDER_WAY: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR})
_SPARE_FILES: Final = 64


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a target is, without having looked it up."""

    name: str
    port: int
    tls: bool
    host: str
    """Value of the Host header."""
    path: str

    @classmethod
    def of(cls, target: Target) -> Endpoint:
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


def resolve(endpoint: Endpoint) -> tuple[Address, ...]:
    """Addresses in the order of preference; none when the name is not known."""
    try:
        found = socket.getaddrinfo(endpoint.name, endpoint.port, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(Address(family, sockaddr) for family, _, _, _, sockaddr in found)


def server_name(endpoint: Endpoint) -> str:
    """The name TLS asks for and verifies: the Host header's, as hey does, without its port."""
    return urlsplit(f"//{endpoint.host}").hostname or endpoint.name


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


class LimitError(Exception):
    """This machine has no more descriptors, ports or buffers: the generator's limit, not the server's."""


def cause(error: OSError) -> str:
    """The system's words without numbers that differ from one connection to the next."""
    if isinstance(error, ssl.SSLError):
        return str(error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason)
    return os.strerror(error.errno).lower() if error.errno else error.strerror or str(error)


def is_limit(error: OSError) -> bool:
    """Whether this machine, not the other side, is why."""
    return error.errno in _LIMITS


def raise_file_limit(wanted: int) -> int:
    """Lift the soft limit of open files as far as needed and allowed; how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < need:
        allowed = need if hard == resource.RLIM_INFINITY else min(need, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        except (OSError, ValueError):  # macOS caps it below an unlimited hard limit
            allowed = soft
        soft = allowed
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, max(1, soft - _SPARE_FILES))


class Dialer:
    """One target's addresses and TLS. A name is looked up once, before the clock starts."""

    def __init__(self, target: Target, endpoint: Endpoint) -> None:
        self._addresses = resolve(endpoint)
        self._chosen = 0
        self.tls = tls_context(target) if endpoint.tls else None
        self.name = server_name(endpoint)

    def dial(self) -> socket.socket:
        """Start a connection without waiting for it. Raises LimitError, and OSError when it failed at once."""
        if not self._addresses:
            raise OSError(0, "name not known")
        address = self._addresses[self._chosen]
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:
            raise self._sorted(error) from error
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = sock.connect_ex(address.sockaddr)
            if code not in _UNDER_WAY:
                raise self._sorted(OSError(code, os.strerror(code)))
        except (OSError, LimitError):
            sock.close()
            raise
        return sock

    def other_address(self) -> bool:
        """Turn to the next of the name's addresses; False when all have been tried."""
        self._chosen += 1
        if self._chosen < len(self._addresses):
            return True
        self._chosen = 0
        return False

    @staticmethod
    def _sorted(error: OSError) -> Exception:
        return LimitError(cause(error)) if is_limit(error) else error
