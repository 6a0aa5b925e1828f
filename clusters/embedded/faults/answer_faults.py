"""Faults of what is in an answer: statuses are right, and so are counts; only who reads the answers can tell."""

from __future__ import annotations

from typing import Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.faults.fault import Fault
from conformance.base.http.exchange import Request, Response

OWN: Final = "every caller gets the whole answer to its own request"
EVERY: Final = 40
ALTERED_EVERY: Final = 30
"""Of 40 at once that a pod has room for 22 of, the fortieth is refused."""


def _is_answer(request: Request, response: Response) -> bool:
    """Whether this is a model's answer with all of its body there."""
    return request.method == "POST" and response.status == 200 and response.stream is None


class _Counting(Behaviour):
    """Does something to every so many."""

    every = EVERY

    def __init__(self) -> None:
        self._count = 0

    def _turn(self) -> bool:
        self._count += 1
        return self._count % self.every == 0


class Emptied(_Counting):
    """Takes the body out of every fortieth answer."""

    def passed_back(self, request: Request, response: Response) -> Response:
        if _is_answer(request, response) and self._turn():
            return Response(response.status, response.headers)
        return response


class Cached(_Counting):
    """Answers every fortieth request with what the same path and body were answered with before."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[tuple[str, str, bytes], Response] = {}

    def kept_answer(self, request: Request) -> Response | None:
        kept = self._kept.get((request.host, request.path, request.body))
        return kept if kept is not None and self._turn() else None

    def passed_back(self, request: Request, response: Response) -> Response:
        if _is_answer(request, response):
            self._kept[request.host, request.path, request.body] = response
        return response


class Swapped(_Counting):
    """Gives a caller, one in forty, what the caller before it was given."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, Response] = {}

    def passed_back(self, request: Request, response: Response) -> Response:
        if not _is_answer(request, response):
            return response
        before = self._last.get(request.host)
        self._last[request.host] = response
        return before if before is not None and self._turn() else response


class Altered(_Counting):
    """Hands on every thirtieth request with another body: the same JSON and a blank, which any model answers."""

    every = ALTERED_EVERY

    def handed_on(self, request: Request) -> Request:
        if request.method != "POST" or not self._turn():
            return request
        return Request(request.method, request.path, request.host, request.headers, request.body + b" ")


FAULTS: Final = (
    Fault("answers-emptied", "empties every fortieth answer", OWN, Emptied),
    Fault("answers-from-a-cache", "answers every fortieth request from a cache", OWN, Cached),
    Fault("answers-swapped", "gives every fortieth caller another caller's answer", OWN, Swapped),
    Fault("requests-altered", "changes the body of every thirtieth request", OWN, Altered),
)
