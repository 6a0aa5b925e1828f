"""Opens sockets to a target and tells the failures of this machine from those of the other side."""

from __future__ import annotations

import errno
import os
import resource
import socket
import ssl
from typing import Final

from conformance.load.load_plan import Target
from conformance.load.wire import Place, resolve, server_name, tls_context

_LIMITS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN})
_UNDER_WAY: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR})
_SPARE_FILES: Final = 64


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


class Dialler:
    """One target's addresses and TLS. A name is looked up once, before the clock starts."""

    def __init__(self, target: Target, place: Place) -> None:
        self._addresses = resolve(place)
        self._chosen = 0
        self.tls = tls_context(target) if place.tls else None
        self.name = server_name(place)

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
