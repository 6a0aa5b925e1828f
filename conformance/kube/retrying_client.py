"""An API client that outlives what passes: throttling, restarts and hiccups of the API server.

429 and 503 are waited out as `Retry-After` says; reads, applies and deletes are asked again after a failure, because
asking twice changes nothing. Creates are not, for the first may have worked. Streams are the followers' to resume.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import Answer, ApiClient

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 20.0
"""All waiting for one request together; as long as a follower may be blind."""
PAUSES_SECONDS: Final = (0.1, 0.3, 1.0, 2.0)
BUSY: Final = (429, 503)
REPEATABLE: Final = ("GET", "PATCH", "PUT", "DELETE")


class RetryingClient:
    """Wraps another client."""

    def __init__(self, api: ApiClient, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        end = self._clock.monotonic() + PATIENCE_SECONDS
        attempt = 0
        while True:
            pause = PAUSES_SECONDS[min(attempt, len(PAUSES_SECONDS) - 1)]
            attempt += 1
            try:
                answer = await self._api.request(method, path, query=query, body=body, content_type=content_type)
            except PlatformError as error:
                trouble = str(error)
                if method not in REPEATABLE or self._clock.monotonic() + pause > end:
                    raise
            else:
                trouble = f"{method} {path}: HTTP {answer.status}"
                if answer.status in BUSY:
                    pause = max(pause, retry_after(answer))
                elif answer.status < 500 or method not in REPEATABLE:
                    return answer
                if self._clock.monotonic() + pause > end:
                    return answer
            logger.warning("%s; again in %.1f s", trouble, pause)
            await self._clock.sleep(pause)

    def stream(
        self, path: str, *, query: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self._api.stream(path, query=query)

    async def close(self) -> None:
        await self._api.close()


def retry_after(answer: Answer) -> float:
    """Seconds the server asks to wait; 0 when it doesn't say."""
    try:
        return max(0.0, float(answer.headers.get("retry-after", "0")))
    except ValueError:
        return 0.0
