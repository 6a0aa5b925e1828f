"""Answering within a revision's timeouts (Knative pkg/http/handler/timeout.go, used by pods and activators alike)."""

from __future__ import annotations

import asyncio

from conformance.exchange import Handler, Request, Response

TEXT = (("content-type", "text/plain; charset=utf-8"),)


def text_response(status: int, text: str) -> Response:
    """A plain answer as Go's http.Error writes it: with a line end."""
    return Response(status, TEXT, text.encode() + b"\n")


async def answer_within(seconds: float, handler: Handler, request: Request, text: str) -> Response:
    """The handler's answer, or 504 with `text` when it takes longer; the handler is cancelled then."""
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            return await handler(request)
    except TimeoutError:
        if not deadline.expired():
            raise
        return Response(504, TEXT, text.encode())
